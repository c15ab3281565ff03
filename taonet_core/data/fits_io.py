"""FITS files, folders and archives <-> `ImageSequence`."""

from __future__ import annotations

import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from taonet_core import sandbox
from taonet_core.data.assemble import assemble
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_layouts import Reading
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.frame_groups import FrameGroup, owner_of
from taonet_core.data.frame_tables import FrameTable, table_paths
from taonet_core.data.pieces import Piece, pieces
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.sources import Batch, Given, batches, name_of
from taonet_core.errors import Code, InvalidSequenceError, TaoNetError, UnreadableFileError

__all__ = ["read_sequence", "read_sequences", "write_sequence"]

#: Stands for the folder of the tables that came with an archive: no member can be called so.
_BESIDE = "//beside"

Item = tuple[str, ImageSequence | TaoNetError]


def read_sequence(
    source: Any, *, ra: float | None = None, dec: float | None = None, trusted: bool = False
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
    trusted : bool
        Read in this process, faster. By default every file is read by a worker process under
        limits (`taonet_core.sandbox`), which damaged or hostile bytes may end.

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
    for item in _sequences(source, _Reader(trusted), ra, dec):
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


def read_sequences(source: Any, *, trusted: bool = False, recycle: bool = False) -> Iterator[Item]:
    """Read every sequence of a source, one after the other.

    Parameters
    ----------
    source : as for `read_sequence`
        Folders are read with their subfolders. Every file that holds a sequence of its own is
        one; the single frames of a folder together are one.
    trusted : bool
        See `read_sequence`.
    recycle : bool
        Let a worker read many files one after the other, which is faster, instead of one.

    Yields
    ------
    str
        Name of the sequence: its file or folder.
    ImageSequence or TaoNetError
        A broken one stands as its error, and the rest goes on.
    """
    yield from _sequences(source, _Reader(trusted, recycle), None, None)


@dataclass(frozen=True)
class _Reader:
    """Reads files here (trusted) or in workers, which may be used again."""

    trusted: bool
    recycle: bool = False

    def read(self, files: Iterable[Given], archive: str = "") -> Iterator[Piece]:
        """Yield what files or archives hold; if an archive breaks off, its error comes last.

        Where workers are used again, one reads the next file while this one is put together.
        """
        begun: deque[Iterator[Piece]] = deque()
        for given in files:
            begun.append(self._begin(given, archive or given.name))
            if len(begun) > self.recycle:
                yield from begun.popleft()
        while begun:
            yield from begun.popleft()

    def _begin(self, given: Given, name: str) -> Iterator[Piece]:
        if isinstance(given.content, TaoNetError):
            return iter([Piece(given.name, given.content)])
        if self.trusted:
            return _here(given.content, name)
        try:
            return _apart(sandbox.ahead("pieces", given.content, name, recycle=self.recycle), name)
        except TaoNetError as error:
            return iter([Piece(name, error)])


def _here(content: sandbox.Content, name: str) -> Iterator[Piece]:
    try:
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
            yield from pieces(file, name)
    except TaoNetError as error:
        yield Piece(name, error)
    except OSError as error:
        said = error.strerror or error
        yield Piece(name, UnreadableFileError(f"{name}: cannot be read ({said}); check the path"))


def _apart(values: Iterator[Any], name: str) -> Iterator[Piece]:
    try:
        for found in values:
            lost = isinstance(found, sandbox.Lost)
            yield Piece(found.name, found.error) if lost else found
    except TaoNetError as error:
        yield Piece(name, error)


def _sequences(source: Any, reader: _Reader, ra: float | None, dec: float | None) -> Iterator[Item]:
    count = 0
    for batch in batches(source):
        for name, reading in _readings(batch, reader):
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


def _readings(batch: Batch, reader: _Reader) -> Iterator[tuple[str, Reading | TaoNetError]]:
    """Yield files with a sequence of their own at once, then the single frames by object."""
    groups: dict[tuple[str, str], FrameGroup] = {}
    tables: dict[str, list[FrameTable]] = {_BESIDE: _frame_tables(batch.beside, reader)}
    broken: list[Piece] = []
    whole: set[str] = set()
    for piece in reader.read(batch.files, batch.archive):
        content = piece.content
        if isinstance(content, FrameTable):
            tables.setdefault(piece.folder, []).append(content)
        elif piece.single:
            owner = owner_of(piece)
            name = owner or piece.folder.rpartition("/")[2] or batch.name
            group = groups.setdefault((piece.folder, owner), FrameGroup(name, owner))
            group.files.append((piece.name, content))
        elif isinstance(content, TaoNetError):
            broken.append(piece)
        else:
            whole.add(piece.folder)
            yield piece.name, content
    parted = [(folder, part) for (folder, _), group in groups.items() for part in group.parted()]
    yield from _share_out(broken, parted, whole)
    for folder, group in parted:
        alone = len(group.files) == 1 and not group.broken
        group.name = group.files[0][0] if alone else group.name
        try:
            yield group.name, group.join(partial(_tables_for, folder, tables, batch, reader))
        except TaoNetError as error:
            yield group.name, error


def _share_out(
    broken: list[Piece], groups: list[tuple[str, FrameGroup]], whole: set[str]
) -> Iterator[tuple[str, TaoNetError]]:
    """Count broken files among the frames of one object as missing frames, others as objects.

    Where more are broken than are not, nothing says that they belong together.
    """
    counts = Counter(piece.folder for piece in broken)
    for piece in broken:
        beside = [group for folder, group in groups if folder == piece.folder]
        assert isinstance(piece.content, TaoNetError)  # that is why it is here
        frame = piece.content.code != Code.SKIPPED and piece.folder not in whole
        if len(beside) == 1 and frame and counts[piece.folder] <= len(beside[0].files):
            beside[0].broken.append(piece.content)
        else:
            yield piece.name, piece.content


def _frame_tables(files: Iterable[Given], reader: _Reader) -> list[FrameTable]:
    found = (piece.content for piece in reader.read(files))
    return [table for table in found if isinstance(table, FrameTable)]


def _tables_for(
    folder: str, tables: dict[str, list[FrameTable]], batch: Batch, reader: _Reader
) -> list[FrameTable]:
    """Return the tables beside the frames or one folder up, in the archive, with it, or on disk."""
    above = folder.rpartition("/")[0]
    known = [*tables.get(folder, []), *(tables.get(above, []) if folder else [])]
    if not known:
        known = tables[_BESIDE]
    if not known and batch.folder is not None:
        paths = table_paths([batch.folder, batch.folder.parent])
        known = _frame_tables([Given(path.name, path) for path in paths], reader)
    return known
