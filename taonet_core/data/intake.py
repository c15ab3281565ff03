"""Files that were handed over all at once, sorted: images here, tables there, each with its use."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from taonet_core import sandbox
from taonet_core.data.archives import is_archive, members
from taonet_core.data.column_mapping import Guess, guess_mapping
from taonet_core.data.file_kinds import kind_of, may_hold_images
from taonet_core.data.fits_scan import scan
from taonet_core.data.frame_tables import read_frame_table
from taonet_core.data.pieces import Begin
from taonet_core.data.table_files import TABLE_NAME, TablePreview, preview_table
from taonet_core.errors import TaoNetError


class NamedBytes(io.BytesIO):
    """Bytes with a name and a size, as an uploaded file has."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name, self.size = name, len(data)


@dataclass(frozen=True, eq=False)
class TableGroup:
    """Tables of the same columns, units and clock, so that one answer serves them all.

    Attributes
    ----------
    files : tuple of NamedBytes
    preview : TablePreview
        Of the first of them.
    guess : Guess
        What its columns mean.
    offered : bool
        Whether there seem to be light curves or classes in it.
    """

    files: tuple[NamedBytes, ...]
    preview: TablePreview
    guess: Guess
    offered: bool

    @property
    def name(self) -> str:
        """Name of the first file, and how many more there are."""
        more = len(self.files) - 1
        return self.files[0].name + (f" and {more} more like it" if more else "")


@dataclass(eq=False)
class Intake:
    """What came in.

    Attributes
    ----------
    images : list of NamedBytes
        Files and archives that may hold images, and tables that may give the times of frames.
    image_count : int
        Files with images, those in archives counted one by one.
    tables : list of TableGroup
    refused : list of (str, TaoNetError)
        What can be neither.
    """

    images: list[NamedBytes] = field(default_factory=list)
    image_count: int = 0
    tables: list[TableGroup] = field(default_factory=list)
    refused: list[tuple[str, TaoNetError]] = field(default_factory=list)


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


def sort_out(files: Sequence[NamedBytes], *, trusted: bool = False) -> Intake:
    """Tell images from tables, look into archives, and guess what each table is for.

    Parameters
    ----------
    files : sequence of NamedBytes
        As they were handed over; told apart by content, tables also by name.
    trusted : bool
        Look in this process, not by workers under limits (`taonet_core.sandbox`).
    """
    intake = Intake()
    tables: list[tuple[NamedBytes, TablePreview]] = []
    frames: list[NamedBytes] = []
    for file in files:
        if _look(file, intake, tables, trusted):
            intake.images.append(file)
        elif file.name.lower().endswith(".csv"):
            frames.append(file)
    groups: dict[tuple[object, ...], list[tuple[NamedBytes, TablePreview]]] = {}
    for table, preview in tables:
        groups.setdefault(_likeness(preview), []).append((table, preview))
    intake.tables = [_group(found, intake.image_count > 0) for found in groups.values()]
    if intake.image_count:
        intake.images += frames
    return intake


def _look(
    file: NamedBytes, intake: Intake, tables: list[tuple[NamedBytes, TablePreview]], trusted: bool
) -> bool:
    """Take the tables out of a file; return whether it is of use beside them."""
    packed = is_archive(file)
    file.seek(0)
    start = file.getbuffer()[:512].tobytes()
    if not (packed or is_table_name(file.name) or kind_of(start) == "fits"):
        intake.image_count += 1
        return True
    images, before = 0, len(tables) + len(intake.refused)
    try:
        for found in _tables(file, trusted):
            if isinstance(found, int):
                images = found
            elif isinstance(found, sandbox.Lost):
                intake.refused.append((found.name, found.error))
            elif isinstance(found.preview, TaoNetError):
                intake.refused.append((found.name, found.preview))
            else:
                inner = NamedBytes(found.name, found.data) if found.data else file
                tables.append((inner, found.preview))
    except TaoNetError as error:
        if not images:
            intake.refused.append((file.name, error))
    intake.image_count += images
    return images > 0 or len(tables) + len(intake.refused) == before  # the reader says what it is


def _tables(file: NamedBytes, trusted: bool) -> Iterator[FoundTable | sandbox.Lost | int]:
    if trusted:
        return tables_within(NamedBytes(file.name, file.getvalue()), file.name)
    return sandbox.run("tables", file.getbuffer(), file.name)


def tables_within(
    file: BinaryIO, name: str, *, start: int = 0, begin: Begin = lambda part: None
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
    images = 0

    def wanted(inside: str) -> bool:
        nonlocal images
        images += may_hold_images(inside)
        return is_table_name(inside)

    try:
        for member in members(file, name, wanted=wanted, start=start, begin=begin):
            if isinstance(member.content, TaoNetError):
                yield FoundTable(member.name, b"", member.content)
            else:
                yield _found(member.content, member.name, member.content)
    except TaoNetError:
        yield images
        raise
    yield images


def _found(data: bytes, name: str, kept: bytes) -> FoundTable:
    try:
        return FoundTable(name, kept, preview_table(NamedBytes(name, data), trusted=True))
    except TaoNetError as error:
        return FoundTable(name, kept, error)


def _likeness(preview: TablePreview) -> tuple[object, ...]:
    """Return what tables must share to be read alike: the same names may hold other units."""
    columns = tuple(map(str, preview.rows.columns))
    return columns, tuple(sorted(preview.units.items())), guess_mapping(preview).mapping.clock


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


def _group(found: Sequence[tuple[NamedBytes, TablePreview]], with_images: bool) -> TableGroup:
    file, preview = found[0]
    guess = guess_mapping(preview)
    if with_images and guess.mapping.use == "curves" and _tells_frames(file):
        guess = guess_mapping(preview, "labels")  # its magnitudes are those of the images beside it
    offered = guess.mapping.usable or "label" in guess.mapping.columns
    return TableGroup(tuple(f for f, _ in found), preview, guess, offered)


def _tells_frames(file: NamedBytes) -> bool:
    return file.name.lower().endswith(".csv") and (
        read_frame_table(file.getvalue(), file.name) is not None
    )
