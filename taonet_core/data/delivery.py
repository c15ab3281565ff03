"""Objects out of files that were handed over: read one after the other, with their classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from taonet_core.data.class_tables import LabelTable, read_label_table
from taonet_core.data.column_mapping import ColumnMapping
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.intake import Intake, TableGroup
from taonet_core.data.label_tables import Known, LabelMatch, class_words, match_labels
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence, known_number
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.labels import TransientClass

Readable: TypeAlias = "ImageSequence | LightCurve"
Item: TypeAlias = "tuple[str, Readable | TaoNetError]"

#: Most pixels of all objects together: 1.2 GB of memory.
MAX_PIXELS = 300_000_000
#: Pixels (4 bytes) that take the memory of one point of a light curve: 6 numbers of 8 bytes.
PIXELS_A_POINT = 12


@dataclass(frozen=True, eq=False)
class Chosen:
    """Tables, and what a person or the guess says that their columns mean.

    Attributes
    ----------
    group : TableGroup
    mapping : ColumnMapping or None
        None leaves the tables out.
    """

    group: TableGroup
    mapping: ColumnMapping | None

    def used_for(self, use: str) -> bool:
        """Return whether these tables are read as ``"curves"`` or ``"labels"``."""
        return self.mapping is not None and self.mapping.use == use


def read_delivery(
    intake: Intake, tables: Sequence[Chosen], *, most_pixels: int = MAX_PIXELS
) -> Iterator[Item]:
    """Read the objects of what came in, images first.

    Parameters
    ----------
    intake : Intake
    tables : sequence of Chosen
    most_pixels : int
        Where all objects together would hold more, reading ends with an error that says so; a
        point of a light curve counts as `PIXELS_A_POINT`.

    Yields
    ------
    str
        File or object.
    ImageSequence, LightCurve or TaoNetError
        A broken one stands as its error, and the rest goes on.
    """
    yield from intake.refused
    yield from within_memory(_objects(intake, tables), most_pixels=most_pixels)


def within_memory(items: Iterable[Item], *, most_pixels: int = MAX_PIXELS) -> Iterator[Item]:
    """Yield objects as they are read, until together they would hold too many pixels.

    Parameters
    ----------
    items : iterable of (str, object or error)
    most_pixels : int
        The object that exceeds it stands as an error that says so, and nothing more is read. A
        point of a light curve counts as `PIXELS_A_POINT`.
    """
    held = 0
    for name, item in items:
        held += _pixels(item)
        if held > most_pixels:
            words = (
                f"{name} and what follows were not read: more than {most_pixels:,} pixels at "
                f"once, a point of a light curve counted as {PIXELS_A_POINT}; send fewer objects, "
                "or use `taonet predict`, which has no such limit"
            )
            yield name, UnreadableFileError(words, code=Code.SIZE)
            break
        yield name, item


def read_label_tables(tables: Sequence[Chosen]) -> tuple[list[LabelTable], list[Item]]:
    """Read the tables of classes; returns them and what could not be read."""
    found, refused = list[LabelTable](), list[Item]()
    for chosen in tables:
        for file in chosen.group.files if chosen.used_for("labels") else ():
            file.seek(0)
            try:
                found.append(read_label_table(file, chosen.mapping))
            except TaoNetError as error:
                refused.append((file.name, error))
    return found, refused


def words_of(tables: Sequence[LabelTable], items: Sequence[Item]) -> dict[str, int]:
    """Count the words for classes in tables of classes and of light curves."""
    own = (item.meta.get("class_text") for _, item in items if isinstance(item, LightCurve))
    return class_words(tables, [str(text) for text in own if text])


def with_labels(
    items: Sequence[Item],
    tables: Sequence[LabelTable],
    classes: Mapping[str, TransientClass | None],
) -> tuple[list[tuple[str, Readable]], LabelMatch]:
    """Give the objects that were read the classes that the tables say.

    A table has the last word over what a file says of itself, and the object's notes tell so.

    Parameters
    ----------
    items : sequence of (str, object or error)
        As `read_delivery` yields them.
    tables : sequence of LabelTable
    classes : mapping of str to TransientClass or None
        What the words of the tables mean.

    Returns
    -------
    list of (str, ImageSequence or LightCurve)
        Without the errors.
    LabelMatch
    """
    good = [(name, item) for name, item in items if not isinstance(item, TaoNetError)]
    match = match_labels(tables, [_known(name, item) for name, item in good], classes)
    labelled = []
    for index, (name, item) in enumerate(good):
        own = item.meta.get("label") or ""
        said = match.labels.get(index) or own or classes.get(str(item.meta.get("class_text")))
        facts: dict[str, object] = {"label": str(said)} if said else {}
        if own and said != own:
            words = f"the class {said} of the table stands in for {own} of the file"
            facts["notes"] = [*item.meta.get("notes", ()), words]
        labelled.append((name, item.with_meta(**facts) if facts else item))
    return labelled, match


def _objects(intake: Intake, tables: Sequence[Chosen]) -> Iterator[Item]:
    for file in intake.images:
        file.seek(0)
    if intake.images:
        yield from read_sequences(intake.images)
    for chosen in tables:
        if chosen.used_for("curves"):
            yield from _curves(chosen)


def _curves(chosen: Chosen) -> Iterator[Item]:
    for file in chosen.group.files:
        file.seek(0)
        try:
            yield from read_light_curves(file, chosen.mapping).items()
        except TaoNetError as error:
            yield file.name, error


def _pixels(item: Readable | TaoNetError) -> int:
    if isinstance(item, LightCurve):
        return len(item) * PIXELS_A_POINT
    if isinstance(item, TaoNetError):
        return 0
    stacks = (item.frames, item.reference, item.difference)
    return sum(stack.size for stack in stacks if stack is not None)


def _known(name: str, item: Readable) -> Known:
    files = (name, str(item.meta.get("source") or ""))
    ra, dec = (known_number(item.meta, key, float("nan")) for key in ("ra", "dec"))
    return Known(str(item.meta.get("object_id") or name), files, ra, dec)
