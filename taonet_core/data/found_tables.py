"""Tables in files that were handed over: found by name or by content, and out of archives."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from taonet_core.data.archives import is_archive, members
from taonet_core.data.file_kinds import may_hold_images
from taonet_core.data.fits_scan import scan
from taonet_core.data.pieces import Begin
from taonet_core.data.table_files import TABLE_NAME, TablePreview, preview_table
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

#: Most bytes of tables that are unpacked from the archives of one delivery, and kept.
MAX_TABLE_BYTES = 64 * 2**20


class NamedBytes(io.BytesIO):
    """Bytes with a name and a size, as an uploaded file has."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name, self.size = name, len(data)


@dataclass(frozen=True, eq=False)
class FoundTable:
    """A table that was met, and what its first rows hold.

    Attributes
    ----------
    name : str
    data : bytes
        Empty where it is the very file that was looked at.
    preview : TablePreview or TaoNetError
    """

    name: str
    data: bytes
    preview: TablePreview | TaoNetError


def no_room(name: str, size: int) -> UnreadableFileError:
    """Return the error for a table beyond what the tables of archives may hold together."""
    return UnreadableFileError(
        f"{name}: its {size:,} bytes exceed the {MAX_TABLE_BYTES // 2**20} MiB that tables in "
        "archives may hold together, unpacked, and it and those after it in its archive were left "
        "out; send them on their own, or in parts",
        code=Code.SIZE,
    )


def tables_within(
    file: BinaryIO,
    name: str,
    *,
    start: int = 0,
    begin: Begin = lambda part: None,
    most: int = MAX_TABLE_BYTES,
) -> Iterator[FoundTable | int]:
    """Yield the tables that a file is or holds, then how many files with images it holds.

    Parameters
    ----------
    file : binary file
        Open and at its start.
    name : str
    start : int
        Tables of an archive to pass over.
    begin : callable
        Told of every table of an archive before it is unpacked.
    most : int
        Bytes that the tables of an archive may hold together. The one that exceeds them stands as
        an error, and none is unpacked after it.

    Raises
    ------
    UnreadableFileError
        If an archive is damaged.
    """
    if not is_archive(file):
        data = file.read()
        table = _is_table(data, name)
        if table:
            yield _found(data, name, b"")
        yield int(not table)
        return
    images, room = 0, most

    def wanted(inside: str) -> bool:
        nonlocal images
        images += may_hold_images(inside)
        return room >= 0 and is_table_name(inside)

    try:
        for member in members(file, name, wanted=wanted, start=start, begin=begin):
            content = member.content
            if not isinstance(content, TaoNetError):
                if len(content) <= room:
                    found = _found(content, member.name, content)
                    room -= len(found.data)
                    yield found
                    continue
                room, content = -1, no_room(member.name, len(content))
            yield FoundTable(member.name, b"", content)
    except TaoNetError:
        yield images
        raise
    yield images


def _found(data: bytes, name: str, kept: bytes) -> FoundTable:
    try:
        return FoundTable(name, kept, preview_table(NamedBytes(name, data), trusted=True))
    except TaoNetError as error:
        return FoundTable(name, b"", error)


def is_table_name(name: str) -> bool:
    """Return whether a file name promises a table."""
    hidden = PurePosixPath(name).name.startswith(".") or "__MACOSX" in name
    return not hidden and TABLE_NAME.search(name) is not None


def _is_table(data: bytes, name: str) -> bool:
    """Tell a table by its name, or, if it is a FITS file, by what it holds first."""
    if is_table_name(name):
        return True
    try:
        hdus = scan(data, name, stop_after=3).hdus
    except TaoNetError:
        return False  # the reader of images says why
    images = any(hdu.kind in ("image", "compressed") and hdu.shape for hdu in hdus)
    return not images and any(hdu.kind == "table" and hdu.shape for hdu in hdus)
