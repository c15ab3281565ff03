"""FITS files, folders and archives <-> `ImageSequence`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from taonet_core.data.archives import Member
from taonet_core.data.assemble import assemble
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_layouts import FitsFile, Reading, read_file
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.frame_groups import FrameGroup, is_single, owner_of
from taonet_core.data.frame_tables import FrameTable, find_tables, read_frame_table
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.sources import Batch, batches, name_of
from taonet_core.errors import InvalidSequenceError, TaoNetError, UnreadableFileError

__all__ = ["read_sequence", "read_sequences", "write_sequence"]

#: Stands for the folder of the tables that came with an archive: no member can be called so.
_BESIDE = "//beside"

Item = tuple[str, ImageSequence | TaoNetError]


def read_sequence(
    source: Any, *, ra: float | None = None, dec: float | None = None
) -> ImageSequence:
    """Read the one image sequence that a source holds.

    Parameters
    ----------
    source : path, bytes, open binary file, HDUList, or a list of paths, files or CCDData
        A FITS file of any layout (DEEP-TAO, one extension a frame, a cube), a folder or list of
        single frames or science / template / difference stamps, or a zip, tar, gz, bz2 or xz of
        such. A CSV table beside the frames may give their times and filters.
    ra, dec : float, optional
        Target in ICRS degrees. Frames with a WCS are then centred on it.

    Returns
    -------
    ImageSequence
        In time order; ``meta["notes"]`` says what was assumed, ``meta["dropped"]`` what was left
        out. Where nothing gives times, ``meta["time_kind"]`` is ``"index"``.

    Raises
    ------
    UnreadableFileError
        If the bytes are not, or not safely, images.
    InvalidSequenceError
        If they form no sequence, or more than one.
    """
    found: list[Item] = []
    for item in _sequences(source, ra, dec):
        found.append(item)
        if len(found) > 1:
            raise InvalidSequenceError(
                f"there is more than one sequence ({found[0][0]}, {found[1][0]}, ...); "
                "choose one, or read them all with read_sequences"
            )
    result = found[0][1]
    if isinstance(result, TaoNetError):
        raise result
    return result


def read_sequences(source: Any) -> Iterator[Item]:
    """Read every sequence of a source, one after the other.

    Parameters
    ----------
    source : as for `read_sequence`
        Folders are read with their subfolders. Every file that holds a sequence of its own is
        one; the single frames of a folder together are one.

    Yields
    ------
    str
        Name of the sequence: its file or folder.
    ImageSequence or TaoNetError
        A broken one stands as its error, and the rest goes on.
    """
    yield from _sequences(source, None, None)


def _sequences(source: Any, ra: float | None, dec: float | None) -> Iterator[Item]:
    count = 0
    for batch in batches(source):
        for name, reading in _readings(batch):
            count += 1
            if isinstance(reading, TaoNetError):
                yield name, reading
                continue
            reading.meta.setdefault("object_id", stem(name))
            reading.meta["source"] = name
            reading.meta |= {"archive": batch.archive} if batch.archive else {}
            try:
                yield name, assemble(reading, ra=ra, dec=dec)
            except TaoNetError as error:
                yield name, error
    if not count:
        name = name_of(source)
        yield name, UnreadableFileError(f"{name}: there are no FITS files here; choose others")


def _readings(batch: Batch) -> Iterator[tuple[str, Reading | TaoNetError]]:
    """Yield files with a sequence of their own at once, then the single frames by object."""
    groups: dict[tuple[str, str], FrameGroup] = {}
    tables: dict[str, list[FrameTable]] = {}
    for table in batch.beside:
        _add_table(tables, _BESIDE, table)
    broken: list[tuple[Member, TaoNetError]] = []
    whole: set[str] = set()
    for member in _members(batch):
        if member.name.lower().endswith(".csv"):
            _add_table(tables, member.folder, member)
            continue
        try:
            file = _scanned(member)
            if is_single(file):
                owner = owner_of(member)
                name = owner or member.folder.rpartition("/")[2] or batch.name
                group = groups.setdefault((member.folder, owner), FrameGroup(name, owner))
                group.files.append(file)
            else:
                whole.add(member.folder)
                yield member.name, read_file(file)
        except TaoNetError as error:
            broken.append((member, error))
    yield from _share_out(broken, groups, whole)
    for (folder, _), group in groups.items():
        alone = len(group.files) == 1 and not group.broken
        group.name = group.files[0].name if alone else group.name
        try:
            yield group.name, group.join(partial(_tables_for, folder, tables, batch))
        except TaoNetError as error:
            yield group.name, error


def _members(batch: Batch) -> Iterator[Member]:
    """Yield the members; if the archive breaks off, its error comes last."""
    try:
        yield from batch.members
    except TaoNetError as error:
        yield Member(batch.name, error)


def _scanned(member: Member) -> FitsFile:
    if isinstance(member.content, TaoNetError):
        raise member.content
    return FitsFile.from_bytes(member.content, member.name)


def _share_out(
    broken: list[tuple[Member, TaoNetError]],
    groups: dict[tuple[str, str], FrameGroup],
    whole: set[str],
) -> Iterator[tuple[str, TaoNetError]]:
    """Count a broken file among the frames of one object as a missing frame, others as objects."""
    for member, error in broken:
        beside = [group for (folder, _), group in groups.items() if folder == member.folder]
        if len(beside) == 1 and member.folder not in whole:
            beside[0].broken.append(error)
        else:
            yield member.name, error


def _add_table(tables: dict[str, list[FrameTable]], folder: str, member: Member) -> None:
    if isinstance(member.content, bytes):
        table = read_frame_table(member.content, member.name)
        tables.setdefault(folder, []).extend([table] if table else [])


def _tables_for(folder: str, tables: dict[str, list[FrameTable]], batch: Batch) -> list[FrameTable]:
    """Return the tables beside the frames or one folder up, in the archive, with it, or on disk."""
    above = folder.rpartition("/")[0]
    known = [*tables.get(folder, []), *(tables.get(above, []) if folder else [])]
    if not known:
        known = tables.get(_BESIDE, [])
    if not known and batch.folder is not None:
        known = find_tables([batch.folder, batch.folder.parent])
    return known
