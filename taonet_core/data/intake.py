"""Files that were handed over all at once, sorted: images here, tables there, each with its use."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from taonet_core.data.archives import decompress, is_archive, members
from taonet_core.data.column_mapping import Guess, guess_mapping
from taonet_core.data.file_kinds import kind_of, may_hold_images
from taonet_core.data.fits_scan import scan
from taonet_core.data.frame_tables import read_frame_table
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


def sort_out(files: Sequence[NamedBytes]) -> Intake:
    """Tell images from tables, look into archives, and guess what each table is for.

    Parameters
    ----------
    files : sequence of NamedBytes
        As they were handed over; told apart by content, tables also by name.
    """
    intake = Intake()
    tables: list[NamedBytes] = []
    frames: list[NamedBytes] = []
    for file in files:
        if is_archive(file):
            _look_inside(file, intake, tables)
        elif _is_table(file):
            tables.append(file)
            frames += [file] if file.name.lower().endswith(".csv") else []
        else:
            intake.images.append(file)
            intake.image_count += 1
    groups: dict[tuple[object, ...], list[tuple[NamedBytes, TablePreview]]] = {}
    for table in tables:
        try:
            preview = preview_table(table)
        except TaoNetError as error:
            intake.refused.append((table.name, error))
            continue
        table.seek(0)
        groups.setdefault(_likeness(preview), []).append((table, preview))
    intake.tables = [_group(found, intake.image_count > 0) for found in groups.values()]
    if intake.image_count:
        intake.images += frames
    return intake


def _likeness(preview: TablePreview) -> tuple[object, ...]:
    """Return what tables must share to be read alike: the same names may hold other units."""
    columns = tuple(map(str, preview.rows.columns))
    return columns, tuple(sorted(preview.units.items())), guess_mapping(preview).mapping.clock


def _look_inside(archive: NamedBytes, intake: Intake, tables: list[NamedBytes]) -> None:
    """Take the tables out of an archive; it stays among the images if it holds any."""
    images = 0

    def wanted(name: str) -> bool:
        nonlocal images
        images += may_hold_images(name)
        return is_table_name(name)

    try:
        for member in members(archive, archive.name, wanted=wanted):
            if isinstance(member.content, TaoNetError):
                intake.refused.append((member.name, member.content))
            else:
                tables.append(NamedBytes(member.name, member.content))
    except TaoNetError as error:
        if not images:
            intake.refused.append((archive.name, error))
    archive.seek(0)
    if images or not tables:
        intake.images.append(archive)
        intake.image_count += images


def is_table_name(name: str) -> bool:
    """Return whether a file name promises a table."""
    hidden = PurePosixPath(name).name.startswith(".") or "__MACOSX" in name
    return not hidden and TABLE_NAME.search(name) is not None


def _is_table(file: NamedBytes) -> bool:
    """Tell a table by its name, or, if it is a FITS file, by what it holds first."""
    if is_table_name(file.name):
        return True
    start = file.getbuffer()[: 1 << 20].tobytes()
    if kind_of(start) != "fits":
        return False
    try:
        hdus = scan(decompress(file.getvalue(), file.name), file.name, stop_after=3).hdus
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
