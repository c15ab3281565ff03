"""Which column of a table means what: guessed from names and values, and scored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from taonet_core.data.column_fits import HALF, looks_like, named_alike, score
from taonet_core.data.column_objects import object_column
from taonet_core.data.column_roles import NEEDED, ROLES, UNITS
from taonet_core.data.column_values import clock_of, numbers
from taonet_core.data.table_files import TablePreview

#: Score from which a guess needs no second look.
CERTAIN = 0.9
#: Days taken off a Julian date, as the name or the unit of its column says.
_SUBTRACTED = re.compile(
    r"(?:minus[\s_]*)?(2[\s,]?4\d\d[\s,]?\d{3})(\.\d+|_?5(?!\d))?", re.IGNORECASE
)
#: What is taken off a Julian date to get an MJD.
_MJD_ZERO = 2_400_000.5
#: Such days in a form that is not understood.
_SOME_DAYS = re.compile(r"\d{4}")
_MJD_USUAL = (30_000.0, 70_000.0)
#: A table of this many rows, this share of which bear names of their own, has none of objects.
_FEW_ROWS, _ROW_BY_ROW = 8, 0.9


@dataclass(frozen=True)
class ColumnMapping:
    """What the columns of a table mean.

    Attributes
    ----------
    use : str
        ``"curves"``: brightness against time; ``"labels"``: classes of objects.
    columns : mapping of str to str
        Role (a key of `ROLES`) -> name of the column.
    clock : str
        How times are written: see `clock_of`; or ``"auto"``.
    zero_point : float or None
        Magnitude of a flux of 1, where no column gives it.
    """

    use: str
    columns: Mapping[str, str] = field(default_factory=dict)
    clock: str = "auto"
    zero_point: float | None = None

    @property
    def missing(self) -> list[tuple[tuple[str, ...], ...]]:
        """What is needed and not there: of each item, one group of roles would do."""
        held = set(self.columns)
        return [way for way in NEEDED[self.use] if not any(set(roles) <= held for roles in way)]

    @property
    def usable(self) -> bool:
        """Whether a table can be read so; light curves at a pinch without errors."""
        if self.use == "labels":
            return not self.missing
        zero_point = self.zero_point is not None or "zero_point" in self.columns
        return "time" in self.columns and (
            "mag" in self.columns or ("flux" in self.columns and zero_point)
        )

    @property
    def complete(self) -> bool:
        """Whether nothing that is needed is missing."""
        return self.usable and not self.missing


@dataclass(frozen=True)
class Guess:
    """A mapping, and how far to trust it.

    Attributes
    ----------
    mapping : ColumnMapping
    score : float
        From 0 to 1: of the role that is least clear.
    doubts : tuple of str
        What a person should look at, as sentences.
    """

    mapping: ColumnMapping
    score: float
    doubts: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether the table can be read without a question."""
        return self.mapping.complete and self.score >= CERTAIN and not self.doubts


def plain_name(name: object) -> str:
    """Return a column name as it is compared: small letters and digits, no prefix, no unit."""
    text = re.sub(r"[(\[].*?[)\]]", "", _SUBTRACTED.sub("", str(name).lower()))
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^[a-z]:", "", text))


def map_by_name(names: Sequence[str], use: str) -> ColumnMapping:
    """Match columns with roles by their names alone.

    Parameters
    ----------
    names : sequence of str
        Of all columns.
    use : str
        ``"curves"`` or ``"labels"``.
    """
    plain = {plain_name(name): name for name in reversed(names)}
    columns = {
        key: next(plain[alias] for alias in role.names if alias in plain)
        for key, role in ROLES[use].items()
        if any(alias in plain for alias in role.names)
    }
    if {"mag", "flux"} <= set(columns):  # one of the two is read; fluxes if only they have errors
        drop = "mag" if "flux_err" in columns and "mag_err" not in columns else "flux"
        columns = {k: v for k, v in columns.items() if k not in (drop, f"{drop}_err")}
    return ColumnMapping(use, columns, zero_point=zero_point_of(columns.get("flux", "")))


def zero_point_of(column: str, unit: str = "") -> float | None:
    """Return the AB magnitude of a flux of 1 by the unit that a column or its name states."""
    words = re.split(r"[^a-zµμ]+", f"{unit} {column}".lower())
    return next((UNITS[word] for word in words if word in UNITS), None)


def guess_mapping(table: TablePreview, use: str | None = None) -> Guess:
    """Guess what the columns of a table mean from their names and first values.

    Parameters
    ----------
    table : TablePreview
    use : str, optional
        ``"curves"`` or ``"labels"``; by default whichever fits better.
    """
    if use is None:
        curves, labels = guess_mapping(table, "curves"), guess_mapping(table, "labels")
        return labels if _rank(labels) > _rank(curves) else curves
    named = map_by_name(list(table.rows.columns), use)
    scores = {key: score(table, use, key, name) for key, name in named.columns.items()}
    kept = {key: name for key, name in named.columns.items() if scores[key] > 0}
    columns, doubts = _by_likeness(table, replace(named, columns=kept))
    mapping, more = _with_units(table, replace(named, columns=columns))
    mapping, asked = _with_object(table, mapping)
    doubts += [
        *more,
        *asked,
        *_rivals(list(table.rows.columns), mapping),
        *_row_numbers(table, mapping),
    ]
    doubts += [f"no column for the {_lacking(mapping, way)}" for way in mapping.missing]
    needed = [scores.get(key, HALF) if key in kept else HALF for key in _needed(use, columns)]
    lowest = min(needed, default=0.0) * (HALF if mapping.missing else 1.0)
    return Guess(mapping, lowest, tuple(doubts))


def _with_units(table: TablePreview, mapping: ColumnMapping) -> tuple[ColumnMapping, list[str]]:
    """Guess how times are written and what a flux of 1 is worth; returns doubts too."""
    doubts = []
    time, flux = mapping.columns.get("time"), mapping.columns.get("flux")
    if time is not None:
        clock, doubt = guess_clock(table, time)
        mapping = replace(mapping, clock=clock)
        doubts += [doubt] if doubt else []
    if flux is not None:
        mapping = replace(mapping, zero_point=zero_point_of(flux, table.units.get(flux, "")))
        if mapping.zero_point is None and "zero_point" not in mapping.columns:
            doubts.append("the zero point of the fluxes is not known; give the magnitude of 1")
    return mapping, doubts


def guess_clock(table: TablePreview, column: str) -> tuple[str, str]:
    """Guess how a column writes times; returns a key for `clock_of` and a doubt or ``""``."""
    values = numbers(table.rows[column], None, table.name)
    if not np.isfinite(values).any():
        return "date", ""
    middle, name, unit = float(np.nanmedian(values)), plain_name(column), table.units.get(column)
    said = _SUBTRACTED.search(f"{column} {unit}")
    if said and middle < 2e6:
        taken = float(re.sub(r"[\s,]", "", said[1]))
        taken += float("." + said[2].strip("._")) if said[2] else 0.0
        return ("mjd" if taken == _MJD_ZERO else f"jd-{taken:.10g}"), ""
    if (unit or "d") != "d":
        return "auto", ""
    if middle > 2e6:
        return "jd", ""
    julian = "jd" in name and "mjd" not in name
    if julian and _SOME_DAYS.search(column):
        return "auto", f"which days {column!r} counts is not known; add what was taken off"
    if julian and middle > _MJD_USUAL[0]:
        return "jd-2400000", f"{column!r} is taken for JD − 2,400,000, half a day off an MJD"
    if julian and middle > 0:
        clock = "jd-2457000" if name.startswith("b") else "jd-2450000"
        return clock, f"{column!r} is taken for {clock_of(clock).title}"
    usual = _MJD_USUAL[0] < middle < _MJD_USUAL[1]
    return "mjd", "" if usual else f"{column!r} holds no usual dates (around MJD {middle:,.0f})"


def _with_object(table: TablePreview, mapping: ColumnMapping) -> tuple[ColumnMapping, list[str]]:
    """Find the column of objects that no name tells: many merged into one would be no error."""
    if mapping.use != "curves" or "object_id" in mapping.columns:
        return mapping, []
    found = object_column(table, mapping.columns, mapping.clock)
    if found is None:
        return mapping, []
    doubt = f"{found!r} seems to say which object a row belongs to; does it?"
    return replace(mapping, columns={"object_id": found, **mapping.columns}), [doubt]


def _rank(guess: Guess) -> tuple[bool, float]:
    return guess.mapping.complete, guess.score


def _needed(use: str, columns: Iterable[str]) -> set[str]:
    return {
        key for way in NEEDED[use] for roles in way if set(roles) <= set(columns) for key in roles
    }


def _lacking(mapping: ColumnMapping, way: Sequence[Sequence[str]]) -> str:
    """Name what is missing: of the way that is begun, else of all."""
    begun = [roles for roles in way if set(roles) & set(mapping.columns)] or way
    return " or ".join(
        " and ".join(ROLES[mapping.use][k].title.lower() for k in roles if k not in mapping.columns)
        for roles in begun
    )


def _by_likeness(table: TablePreview, mapping: ColumnMapping) -> tuple[dict[str, str], list[str]]:
    """Fill roles that no name tells with columns that look like it, by a word or by values."""
    columns, doubts = dict(mapping.columns), []
    for key in (key for way in mapping.missing for key in way[0] if key not in columns):
        free = [c for c in table.rows.columns if c not in columns.values()]
        title = ROLES[mapping.use][key].title.lower()
        for looks in (named_alike, looks_like):
            like = next((c for c in free if looks(table, mapping.use, key, c)), None)
            if like is not None:
                columns[key] = like
                doubts.append(f"{like!r} looks like the {title}; is it?")
                break
    return columns, doubts


def _rivals(names: Sequence[str], mapping: ColumnMapping) -> list[str]:
    """Say where two columns could be the brightness or its error, and neither name is plain."""
    doubts = []
    for key in {"mag", "mag_err", "flux", "flux_err"} & set(mapping.columns):
        known = ROLES[mapping.use][key].names
        able = [name for name in names if plain_name(name) in known]
        if len(able) > 1 and plain_name(mapping.columns[key]) != known[0]:
            title = ROLES[mapping.use][key].title.lower()
            doubts.append(f"{' and '.join(map(repr, able))} could each be the {title}")
    return sorted(doubts)


def _row_numbers(table: TablePreview, mapping: ColumnMapping) -> list[str]:
    """Say where what is called an object seems to number the rows."""
    column = mapping.columns.get("object_id") if mapping.use == "curves" else None
    if column is None or len(table.rows) < _FEW_ROWS:
        return []
    if table.rows[column].nunique() < _ROW_BY_ROW * len(table.rows):
        return []
    return [f"{column!r} differs from row to row: every row would be an object of its own"]
