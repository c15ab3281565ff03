"""Which object each row of a table of known classes is about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.class_tables import LabelTable
from taonet_core.data.file_kinds import stem
from taonet_core.data.sky import unit_vectors
from taonet_core.labels import TransientClass, class_from_words

#: Objects nearer than this to a position are the one that is meant (arcsec): a few pixels of any
#: survey whose stamps are read.
RADIUS_ARCSEC = 5.0
#: Columns of the report of `match_labels`.
REPORT = ("table", "row", "object", "class_text", "label", "matched", "by", "problem")

Classes = Mapping[str, TransientClass | None]


@dataclass(frozen=True)
class Known:
    """What a row of a table of classes may know an object by.

    Attributes
    ----------
    object_id : str
    files : tuple of str
        Names of its file and folders, with ``/`` between them.
    ra, dec : float
        ICRS degrees, NaN where unknown.
    """

    object_id: str
    files: tuple[str, ...] = ()
    ra: float = float("nan")
    dec: float = float("nan")


@dataclass(frozen=True, eq=False)
class LabelMatch:
    """Which objects got a class, and what became of every row.

    Attributes
    ----------
    labels : dict of int to TransientClass
        Place of the object in the list -> its class.
    report : DataFrame
        Columns `REPORT`, one row a row of the tables; ``problem`` is empty where all went well.
    """

    labels: dict[int, TransientClass]
    report: pd.DataFrame

    @property
    def problems(self) -> pd.DataFrame:
        """Rows that gave no class to any object, or are in doubt."""
        return self.report[self.report["problem"] != ""]


def class_words(tables: Iterable[LabelTable], others: Iterable[str] = ()) -> dict[str, int]:
    """Count the words that tables use for classes, most frequent first.

    Parameters
    ----------
    tables : iterable of LabelTable
    others : iterable of str
        Words from elsewhere, one an object.
    """
    words = pd.Series([*(w for t in tables for w in t.rows["text"]), *others], dtype="str")
    return {str(word): int(n) for word, n in words[words != ""].value_counts().items()}


def guess_classes(words: Iterable[str]) -> dict[str, TransientClass | None]:
    """Return the class that each word most likely means; None where that is doubtful."""
    return {word: class_from_words(word) for word in words}


def match_labels(
    tables: Sequence[LabelTable],
    objects: Sequence[Known],
    classes: Classes | None = None,
    *,
    radius_arcsec: float = RADIUS_ARCSEC,
) -> LabelMatch:
    """Give objects the classes that tables say.

    A row is tried by the name of the object, then by its file, then by its position. Of files the
    longest end of the path that they share decides; one that fits several objects gives no class.

    Parameters
    ----------
    tables : sequence of LabelTable
    objects : sequence of Known
    classes : mapping of str to TransientClass or None, optional
        What the words of the tables mean; by default as `guess_classes` says.
    radius_arcsec : float
        Farthest an object may lie from the position of its row.
    """
    rows = [row._replace(table=t.name) for t in tables for row in _rows(t)]
    classes = guess_classes({row.text for row in rows}) if classes is None else classes
    finders = {"name": _by_name(objects), "file": _by_file(objects)}
    places = _by_place(rows, objects, radius_arcsec)
    said: dict[int, dict[TransientClass, list[int]]] = defaultdict(lambda: defaultdict(list))
    report = []
    for number, row in enumerate(rows):
        found, by, several = _find(row, finders, places.get(number, ()))
        label = classes.get(row.text)
        if label is not None:
            for index in found:
                said[index][label].append(number)
        names = ", ".join(dict.fromkeys(objects[index].object_id for index in found))
        problem = _problem(row.text, label, found, several)
        report.append((row.table, row.row, _called(row), row.text, label or "", names, by, problem))
    return _settled(said, objects, pd.DataFrame(report, columns=list(REPORT)))


def _rows(table: LabelTable) -> Iterable[Any]:
    return table.rows.assign(table="").itertuples(index=False)


def _called(row: Any) -> str:
    """Return what a row calls its object, for a person."""
    place = f"RA {row.ra:.5f} Dec {row.dec:+.5f}" if np.isfinite(row.ra + row.dec) else ""
    return str(row.object_id or row.file or place)


def _problem(text: str, label: TransientClass | None, found: Sequence[int], several: bool) -> str:
    if not text:
        return "no class is given"
    if label is None:
        return "the class is none of the six"
    if not found and several:
        return "fits several objects; give their names, or their files with the folders"
    return "" if found else "no object is called so or lies there"


def _settled(
    said: Mapping[int, Mapping[TransientClass, Sequence[int]]],
    objects: Sequence[Known],
    report: pd.DataFrame,
) -> LabelMatch:
    """Keep the classes of objects of which all rows say the same, and mark the other rows."""
    problems = report["problem"].to_numpy(object)
    for index, labels in said.items():
        if len(labels) > 1:
            words = f"rows disagree about {objects[index].object_id}: {', '.join(sorted(labels))}"
            problems[[number for numbers in labels.values() for number in numbers]] = words
    kept = {index: next(iter(labels)) for index, labels in said.items() if len(labels) == 1}
    return LabelMatch(kept, report.assign(problem=pd.Series(problems, dtype="str")))


def _find(
    row: Any, finders: Mapping[str, Mapping[str, Sequence[int]]], near: Sequence[int]
) -> tuple[Sequence[int], str, bool]:
    """Return the objects that a row means, by what, and whether its file fits several."""
    if named := finders["name"].get(_same(row.object_id)):
        return named, "name", False
    several = False
    for file in (row.file, row.object_id):  # people write file names there too
        key = next((key for key in _file_keys(file) if key in finders["file"]), "")
        if key and len(finders["file"][key]) == 1:
            return finders["file"][key], "file", False
        several |= bool(key)
    return near, "position" if len(near) else "", several


def _same(name: str) -> str:
    """Return a name as it is compared: case and blanks do not count."""
    return re.sub(r"\s+", "", name).casefold()


def _file_keys(name: str) -> list[str]:
    """Return what a file may be called, with ever fewer folders, each also without its ending."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    keys = []
    for start in range(len(parts)):
        *folders, last = parts[start:]
        keys += [_same("/".join([*folders, called])) for called in (last, stem(last))]
    return keys


def _by_name(objects: Sequence[Known]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, known in enumerate(objects):
        if name := _same(known.object_id):
            found[name].append(index)
    return found


def _by_file(objects: Sequence[Known]) -> dict[str, list[int]]:
    """Index objects by all that their files and folders may be called."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, known in enumerate(objects):
        folders = [str(p) for f in known.files for p in PurePosixPath(f).parents if p.name]
        keys = [key for file in (*known.files, *folders) for key in _file_keys(file)]
        for key in dict.fromkeys(keys):
            found[key].append(index)
    return found


def _by_place(
    rows: Sequence[Any], objects: Sequence[Known], radius_arcsec: float
) -> dict[int, list[int]]:
    """Return the objects near the position of each row, nearest first."""
    from scipy.spatial import cKDTree

    here = _finite([(row.ra, row.dec) for row in rows])
    there = _finite([(known.ra, known.dec) for known in objects])
    if not len(here[0]) or not len(there[0]):
        return {}
    chord = 2 * np.sin(np.radians(radius_arcsec / 3600) / 2)
    tree = cKDTree(unit_vectors(*there[1].T))
    nearest, index = map(np.asarray, tree.query(unit_vectors(*here[1].T)))
    close = nearest <= chord
    pairs = zip(here[0][close], there[0][index[close]], strict=True)
    return {int(row): [int(which)] for row, which in pairs}


def _finite(places: list[tuple[float, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which positions are known, and those."""
    array = np.array(places, dtype=np.float64).reshape(-1, 2)
    known = np.flatnonzero(np.isfinite(array).all(1))
    return known, array[known]
