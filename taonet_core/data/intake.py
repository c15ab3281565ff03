"""Files that were handed over all at once, sorted: images here, tables there, each with its use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from taonet_core import sandbox
from taonet_core.data.archives import is_archive
from taonet_core.data.column_mapping import Guess, guess_mapping
from taonet_core.data.file_kinds import kind_of
from taonet_core.data.found_tables import (
    MAX_TABLE_BYTES,
    FoundTable,
    NamedBytes,
    is_table_name,
    no_room,
    tables_within,
)
from taonet_core.data.frame_tables import read_frame_table
from taonet_core.data.table_files import TablePreview
from taonet_core.errors import TaoNetError

__all__ = ["Intake", "NamedBytes", "TableGroup", "sort_out"]

#: Told how many files of how many were looked at, also between the tables of an archive; False
#: ends it.
OnFile: TypeAlias = "Callable[[int, int], bool | None]"


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
    stopped : bool
        Whether sorting was ended before all files were looked at.
    """

    images: list[NamedBytes] = field(default_factory=list)
    image_count: int = 0
    tables: list[TableGroup] = field(default_factory=list)
    refused: list[tuple[str, TaoNetError]] = field(default_factory=list)
    stopped: bool = False


@dataclass(eq=False)
class _Desk:
    """Where files are sorted: what was found so far, and for how many bytes there is room."""

    total: int
    trusted: bool
    on_file: OnFile | None
    room: int
    done: int = 0
    intake: Intake = field(default_factory=Intake)
    groups: dict[tuple[object, ...], tuple[TablePreview, list[NamedBytes]]] = field(
        default_factory=dict
    )

    def go_on(self) -> bool:
        """Say how far it is; return whether to go on."""
        if self.on_file is not None and self.on_file(self.done, self.total) is False:
            self.intake.stopped = True
        return not self.intake.stopped

    def keep(self, table: NamedBytes, preview: TablePreview, *, unpacked: bool) -> bool:
        """Keep a table; return whether there was room. What was handed over as it is takes none."""
        key = _likeness(preview)
        if unpacked:
            new = 0 if key in self.groups else int(preview.rows.memory_usage(deep=True).sum())
            if table.size + new > self.room:
                self.intake.refused.append((table.name, no_room(table.name, table.size)))
                return False
            self.room -= table.size + new
        self.groups.setdefault(key, (preview, []))[1].append(table)
        return True


def sort_out(
    files: Sequence[NamedBytes], *, trusted: bool = False, on_file: OnFile | None = None
) -> Intake:
    """Tell images from tables, look into archives, and guess what each table is for.

    Parameters
    ----------
    files : sequence of NamedBytes
        As they were handed over; told apart by content, tables also by name.
    trusted : bool
        Look in this process, not by workers under limits (`taonet_core.sandbox`).
    on_file : callable, optional
        Given how many files were looked at, and of how many; where it returns False, the intake
        is that of the files until then, and says that it was stopped.
    """
    desk = _Desk(len(files), trusted, on_file, MAX_TABLE_BYTES)
    intake, frames = desk.intake, list[NamedBytes]()
    for file in files:
        if _look(file, desk):
            intake.images.append(file)
        elif file.name.lower().endswith(".csv"):
            frames.append(file)
        desk.done += 1
        if intake.stopped or not desk.go_on():
            break
    found = desk.groups.values()
    intake.tables = [_group(alike, first, intake.image_count > 0) for first, alike in found]
    if intake.image_count:
        intake.images += frames
    return intake


def _look(file: NamedBytes, desk: _Desk) -> bool:
    """Take the tables out of a file; return whether it is of use beside them."""
    intake = desk.intake
    packed = is_archive(file)
    file.seek(0)
    start = file.getbuffer()[:512].tobytes()
    if not (packed or is_table_name(file.name) or kind_of(start) == "fits"):
        intake.image_count += 1
        return True
    images, met, room = 0, False, True
    try:
        for found in _tables(file, desk):
            if isinstance(found, int):
                images = found
                continue
            met = True
            if isinstance(found, sandbox.Lost):
                intake.refused.append((found.name, found.error))
            elif isinstance(found.preview, TaoNetError):
                intake.refused.append((found.name, found.preview))
            elif room:  # else this archive has been told so
                inner = NamedBytes(found.name, found.data) if found.data else file
                room = desk.keep(inner, found.preview, unpacked=inner is not file)
            if not desk.go_on():
                break
    except TaoNetError as error:
        if not images:
            met = True
            intake.refused.append((file.name, error))
    intake.image_count += images
    return images > 0 or not met  # the reader says what it is


def _tables(file: NamedBytes, desk: _Desk) -> Iterator[FoundTable | sandbox.Lost | int]:
    if desk.trusted:
        return tables_within(NamedBytes(file.name, file.getvalue()), file.name, most=desk.room)
    return sandbox.run("tables", file.getbuffer(), file.name, most=desk.room)


def _likeness(preview: TablePreview) -> tuple[object, ...]:
    """Return what tables must share to be read alike: the same names may hold other units."""
    columns = tuple(map(str, preview.rows.columns))
    return columns, tuple(sorted(preview.units.items())), guess_mapping(preview).mapping.clock


def _group(files: Sequence[NamedBytes], preview: TablePreview, with_images: bool) -> TableGroup:
    guess = guess_mapping(preview)
    if with_images and guess.mapping.use == "curves" and _tells_frames(files[0]):
        guess = guess_mapping(preview, "labels")  # its magnitudes are those of the images beside it
    offered = guess.mapping.usable or "label" in guess.mapping.columns
    return TableGroup(tuple(files), preview, guess, offered)


def _tells_frames(file: NamedBytes) -> bool:
    return file.name.lower().endswith(".csv") and (
        read_frame_table(file.getvalue(), file.name) is not None
    )
