"""How well the values of a column fit what its name, or nobody, says that it is."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.column_roles import ROLES
from taonet_core.data.column_values import degrees, mjd, numbers, texts
from taonet_core.data.table_files import TablePreview
from taonet_core.labels import class_from_words

#: Numbers beyond are flags for "no magnitude": 99, -999 and the like.
FLAGGED = 90.0
#: Half-hearted: name and values agree only in part.
HALF = 0.5
#: Share of a column's values that is usual for its role: then name and values agree.
_FITS_WELL = 0.8
_HARDLY_FITS = 0.3


def score(table: TablePreview, use: str, key: str, column: str) -> float:
    """Say how well the values of a column fit the role that its name claims."""
    fits = _share_usual(table, use, key, column)
    return 1.0 if fits >= _FITS_WELL else HALF if fits >= _HARDLY_FITS else 0.0


def _share_usual(table: TablePreview, use: str, key: str, column: str) -> float:
    """Return which share of a column's values is usual for a role; 1 where there is no value."""
    role = ROLES[use][key]
    if role.usual is None:
        return 1.0
    values = role_values(table, use, key, column)
    counted = texts(table.rows[column]) != ""
    with np.errstate(invalid="ignore"):
        if role.flagged:
            counted &= np.isfinite(values) & (np.abs(values) < FLAGGED)
        good = (values >= role.usual[0]) & (values <= role.usual[1])
    if not counted.any():
        return float(not (texts(table.rows[column]) != "").any())  # flags alone fit nothing
    return float(good[counted].mean())


def role_values(
    table: TablePreview, use: str, key: str, column: str, clock: str = "auto"
) -> NDArray[np.float64]:
    """Return the numbers of a column as its role reads them, NaN where there is none."""
    values = table.rows[column]
    if key == "time":
        return mjd(values, clock, table.name)
    if key in ("ra", "dec"):
        return degrees(values, table.name, hours=key == "ra")
    return numbers(values, None, table.name)


def named_alike(table: TablePreview, use: str, key: str, column: str) -> bool:
    """Say whether a word of a column's name is a spelling of a role that its values fit."""
    words = re.split(r"[^a-z0-9]+", str(column).lower())
    known = bool(set(words) & set(ROLES[use][key].names))
    return known and _share_usual(table, use, key, column) >= _FITS_WELL


def looks_like(table: TablePreview, use: str, key: str, column: str) -> bool:
    """Say whether the values of a column are those of a role: numbers, or words for classes."""
    role = ROLES[use][key]
    if key == "label":
        words = [word for word in texts(table.rows[column]).tolist() if word]
        known = sum(class_from_words(word) is not None for word in words)
        return known > len(words) / 2
    if role.typical is None:
        return False
    values = role_values(table, use, key, column)
    known_values = values[np.isfinite(values)]
    if len(known_values) < max(1, len(values) // 2):
        return False
    low, high = role.typical
    fits = _share_usual(table, use, key, column) >= _FITS_WELL
    return fits and bool(low <= np.median(known_values) <= high)
