"""The column of objects of a table whose names do not tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from taonet_core.data.column_values import mjd, numbers, texts
from taonet_core.data.table_files import TablePreview

#: Words of a column's name that speak of an object.
_WORDS = {"object", "obj", "star", "source", "src", "target", "transient", "name", "id"}


def object_column(table: TablePreview, columns: Mapping[str, str], clock: str) -> str | None:
    """Return the column that seems to say which object a row belongs to, if there is one.

    Parameters
    ----------
    table : TablePreview
    columns : mapping of str to str
        Role -> column, of those that are known.
    clock : str
        How times are written (see `column_values.clock_of`).

    Returns
    -------
    str or None
        A column of words or whole numbers that repeat: called by a word for an object, or else in
        blocks of rows between which time steps back, as it does from one object to the next.
    """
    free = [str(column) for column in table.rows.columns if column not in columns.values()]
    repeated = [column for column in free if _repeats(table, column)]
    named = [c for c in repeated if _WORDS & set(re.split(r"[^a-z0-9]+", c.lower()))]
    blocks = (c for c in repeated if "time" in columns and _restarts(table, c, columns, clock))
    return next(iter(named), None) or next(blocks, None)


def _repeats(table: TablePreview, column: str) -> bool:
    """Say whether there are several values, each of two rows on average, and no fractions."""
    values = table.rows[column]
    if not 2 <= values.nunique() <= len(values) / 2:
        return False
    number = numbers(values, None, table.name)
    number = number[np.isfinite(number)]
    return bool((number == np.round(number)).all())


def _restarts(table: TablePreview, column: str, columns: Mapping[str, str], clock: str) -> bool:
    """Say whether each value is one block of rows, and time steps back from one to the next."""
    words = texts(table.rows[column])
    ends = words[1:] != words[:-1]
    if ends.sum() + 1 != len(np.unique(words)):
        return False
    times = mjd(table.rows[columns["time"]], clock, table.name)
    return bool((np.diff(times)[ends] < 0).any())
