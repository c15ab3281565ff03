"""What one file holds: a sequence, a frame of one, a table of frames, or an archive of such."""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from taonet_core.data.archives import is_archive, members
from taonet_core.data.avro import MAGIC
from taonet_core.data.decompression import decompress, is_packed
from taonet_core.data.file_kinds import kind_of
from taonet_core.data.fits_layouts import FitsFile, Reading, layout_of, read_file, role_of
from taonet_core.data.fits_scan import Slices
from taonet_core.data.frame_tables import FrameTable, read_frame_table
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

#: Told the name of every part of a file before it is read.
Begin: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Piece:
    """One file, or one member of an archive, as it was read.

    Attributes
    ----------
    name : str
        Label with ``/`` between folders; never joined to a path.
    content : Reading, FrameTable or TaoNetError
        The error where it could not be read.
    single : bool
        Whether it is one exposure only, to be joined with others.
    owner : str
        The object that it says it is of, where that is more than a header's word.
    """

    name: str
    content: Reading | FrameTable | TaoNetError
    single: bool = False
    owner: str = ""

    @property
    def folder(self) -> str:
        """Folder part of the name, empty at the top."""
        return self.name.rpartition("/")[0]


def pieces(
    file: BinaryIO, name: str, *, start: int = 0, begin: Begin = lambda part: None
) -> Iterator[Piece]:
    """Read a file, or every member of an archive that may be of use.

    Parameters
    ----------
    file : binary file
        Open and at its start.
    name : str
    start : int
        Members of an archive to pass over.
    begin : callable
        Told of every member before it is read.

    Raises
    ------
    UnreadableFileError
        If an archive is damaged, after what could be read of it.
    """
    if not is_archive(file):
        data = _mapped(file)
        packed = is_packed(kind_of(data[:512]))
        yield from _pieces_of(decompress(data[:], name) if packed else data, name)
        return
    skipped: dict[str, str] = {}
    for member in members(file, name, start=start, begin=begin, on_skip=skipped.__setitem__):
        if isinstance(member.content, TaoNetError):
            yield Piece(member.name, member.content)
        else:
            yield from _pieces_of(member.content, member.name)
    for label, why in skipped.items():
        text = f"{label}: {why} in the archive {name} is not read; take out what is in it"
        yield Piece(label, UnreadableFileError(text, code=Code.SKIPPED))


def _pieces_of(data: Slices, name: str) -> Iterator[Piece]:
    """Read one unpacked file."""
    try:
        if name.lower().endswith(".csv"):
            table = read_frame_table(data[:], name)
            yield from [Piece(name, table)] if table else []
        elif data[:4] == MAGIC:
            from taonet_core.data.alerts import read_alerts  # loads fastavro

            for reading in read_alerts(data[:], name):
                yield Piece(name, reading, True, str(reading.meta.get("object_id", "")))
        else:
            yield _fits(FitsFile.from_bytes(data, name))
    except TaoNetError as error:
        yield Piece(name, error)


def _fits(file: FitsFile) -> Piece:
    single = _is_single(file)
    try:
        return Piece(file.name, read_file(file), single)
    except TaoNetError as error:
        return Piece(file.name, error, single)


def _is_single(file: FitsFile) -> bool:
    """Return whether a file holds one exposure only, to be joined with others."""
    science = [hdu for hdu in file.images if role_of(hdu.name) in (None, "science")]
    return layout_of(file) in ("frames", "mef") and len(science) <= 1


def _mapped(file: BinaryIO) -> mmap.mmap | bytes:
    """Return the bytes of an open file without reading them yet."""
    if isinstance(file, io.BytesIO):
        return file.getvalue()
    if not os.fstat(file.fileno()).st_size:
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
