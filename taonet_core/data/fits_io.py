"""FITS files, folders and archives <-> `ImageSequence`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from taonet_core.data.archives import Member
from taonet_core.data.assemble import assemble
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_headers import band_of, describe, time_of
from taonet_core.data.fits_layouts import FitsFile, Frame, Reading, layout_of, read_file, role_of
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.frame_tables import FrameTable, find_tables, read_frame_table
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.sources import Batch, batches, name_of
from taonet_core.errors import InvalidSequenceError, TaoNetError, UnreadableFileError

__all__ = ["read_sequence", "read_sequences", "write_sequence"]

#: Objects of a survey whose stamps are often kept in one folder with those of others.
_OBJECT_NAME = re.compile(r"ZTF\d\d[a-z]{7}")

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
        for item in _read_batch(batch, ra, dec):
            count += 1
            yield item
    if not count:
        name = name_of(source)
        yield name, UnreadableFileError(f"{name}: there are no FITS files here; choose others")


@dataclass
class _Group:
    """The single frames of one object in one folder."""

    folder: str
    object_id: str
    files: list[FitsFile] = field(default_factory=list)


def _read_batch(batch: Batch, ra: float | None, dec: float | None) -> Iterator[Item]:
    """Yield files with a sequence of their own at once, then the single frames by object."""
    groups: dict[tuple[str, str], _Group] = {}
    tables: dict[str, list[FrameTable]] = {}
    broken: list[tuple[str, TaoNetError]] = []
    for member in _members(batch):
        if member.name.lower().endswith(".csv"):
            _add_table(tables, member)
            continue
        try:
            file = _scanned(member)
            single = _is_single(file)
        except TaoNetError as error:
            broken.append((member.name, error))
            continue
        if single:
            names = _OBJECT_NAME.search(member.stem) or _OBJECT_NAME.search(member.folder)
            owner = names[0] if names else ""
            group = groups.setdefault((member.folder, owner), _Group(member.folder, owner))
            group.files.append(file)
        else:
            yield member.name, _attempt(lambda file=file: _whole(file, ra, dec))  # type: ignore[misc]
    # among the frames of one object a broken file is a missing frame, elsewhere an object
    missing = broken if len(groups) == 1 else []
    for group in groups.values():
        known = _tables_for(group, tables, batch)
        yield (
            _group_name(group, batch),
            _attempt(lambda g=group, k=known: _joined(g, k, batch, missing, ra, dec)),  # type: ignore[misc]
        )
    yield from [] if missing else broken


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


def _attempt(read: Callable[[], ImageSequence]) -> ImageSequence | TaoNetError:
    try:
        return read()
    except TaoNetError as error:
        return error


def _is_single(file: FitsFile) -> bool:
    """Return whether a file holds one exposure only, to be joined with others."""
    science = [hdu for hdu in file.images if role_of(hdu.name) in (None, "science")]
    return layout_of(file) in ("frames", "mef") and len(science) <= 1


def _whole(file: FitsFile, ra: float | None, dec: float | None) -> ImageSequence:
    reading = read_file(file)
    reading.meta.setdefault("object_id", stem(file.name))
    reading.meta["source"] = file.name
    return assemble(reading, ra=ra, dec=dec)


def _group_name(group: _Group, batch: Batch) -> str:
    if len(group.files) == 1:
        return group.files[0].name
    return group.object_id or group.folder.rpartition("/")[2] or batch.name


def _add_table(tables: dict[str, list[FrameTable]], member: Member) -> None:
    if isinstance(member.content, bytes):
        table = read_frame_table(member.content, member.name)
        tables.setdefault(member.folder, []).extend([table] if table else [])


def _tables_for(
    group: _Group, tables: dict[str, list[FrameTable]], batch: Batch
) -> list[FrameTable]:
    """Return the tables beside the frames or one folder up, in the archive or on disk."""
    above = group.folder.rpartition("/")[0]
    known = [*tables.get(group.folder, []), *(tables.get(above, []) if group.folder else [])]
    if not known and batch.folder is not None:
        known = find_tables([batch.folder, batch.folder.parent])
    return known


def _joined(
    group: _Group,
    tables: list[FrameTable],
    batch: Batch,
    broken: list[tuple[str, TaoNetError]],
    ra: float | None,
    dec: float | None,
) -> ImageSequence:
    """Join single frames to one sequence."""
    reading = Reading("frames", [], {}, dropped=[str(error) for _, error in broken])
    for file in group.files:
        try:
            part = read_file(file)
        except TaoNetError as error:
            reading.dropped.append(str(error))
            continue
        _name_frames(part.frames, stem(file.name))
        reading.frames += part.frames
        reading.notes += part.notes
        reading.dropped += part.dropped
        reading.meta = {**part.meta, **reading.meta}
    if not reading.frames:
        raise UnreadableFileError(reading.dropped[0])
    if any(frame.role != "science" for frame in reading.frames):
        reading.layout = "stamps"
    name = _group_name(group, batch)
    owner = group.object_id or stem(name)
    _apply_tables(reading, tables, owner)
    reading.meta.setdefault("object_id", owner)
    reading.meta["source"] = name
    return assemble(reading, ra=ra, dec=dec)


def _name_frames(frames: list[Frame], name: str) -> None:
    """Give the frames of one file their exposure, and the role that the file name says."""
    role = role_of(name)
    for frame in frames:
        frame.key = name
        if role is not None and len(frames) == 1:
            frame.role, frame.key = role, re.sub(r"[_\-. ][^_\-. ]*$", "", name)


def _apply_tables(reading: Reading, tables: list[FrameTable], owner: str) -> None:
    """Fill in times, filters, class and position that only a table beside the frames gives."""
    used = []
    for frame in reading.frames:
        if frame.time is not None:
            continue
        for table in tables:
            row = table.row(owner, frame.key)
            if row is None:
                continue
            frame.time, doubts = time_of(row)
            frame.columns["band"] = frame.columns.get("band") or band_of(row)
            reading.notes.extend(doubts)
            reading.meta = {**describe(row)[0], **reading.meta}
            used.append(table.name)
            break
    if used:
        reading.notes.append(f"times and filters come from the table {used[0]} beside the frames")
