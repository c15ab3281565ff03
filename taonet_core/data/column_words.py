"""What was understood of a table, put into words: ranges, units, gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.column_fits import FLAGGED, role_values
from taonet_core.data.column_mapping import ColumnMapping
from taonet_core.data.column_roles import ROLES
from taonet_core.data.column_values import is_limit, texts
from taonet_core.data.table_files import TablePreview

_MJD_EPOCH = np.datetime64("1858-11-17")
_SHOWN = 3


def understood(table: TablePreview, mapping: ColumnMapping) -> list[tuple[str, str, str]]:
    """Say what was understood of the rows that were looked at, a line a role.

    Parameters
    ----------
    table : TablePreview
    mapping : ColumnMapping
        Of columns that the table has.

    Returns
    -------
    list of (role, column, words)
        The words give range, unit and gaps.
    """
    return [
        (ROLES[mapping.use][key].title, column, _words(table, mapping, key, column))
        for key, column in mapping.columns.items()
    ]


def _words(table: TablePreview, mapping: ColumnMapping, key: str, column: str) -> str:
    role = ROLES[mapping.use][key]
    if role.usual is None:
        return _names(texts(table.rows[column]))
    values = role_values(table, mapping.use, key, column, mapping.clock)
    if key == "time":
        return _dates(values) + _gaps(values)
    if role.flagged:
        values = np.where(np.abs(values) < FLAGGED, values, np.nan)
    unit = role.unit if key in ("ra", "dec") else table.units.get(column) or role.unit
    limits = int(is_limit(table.rows[column]).sum())
    return _span(values, unit) + (f", {limits:,} of them limits" if limits else "") + _gaps(values)


def _names(words: NDArray[np.str_]) -> str:
    distinct = pd.unique(pd.Series(words[words != ""]))
    shown = ", ".join(str(word)[:24] for word in distinct[:_SHOWN])
    return f"{len(distinct):,} different: {shown}{' …' * (len(distinct) > _SHOWN)}"


def _dates(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "no date"
    first, last = known.min(), known.max()
    return f"MJD {first:.3f} to {last:.3f} ({_day(first)} to {_day(last)})"


def _day(value: float) -> str:
    return str(_MJD_EPOCH + np.timedelta64(int(np.clip(value, -600_000, 2_000_000)), "D"))


def _span(values: NDArray[np.float64], unit: str) -> str:
    known = values[np.isfinite(values)]
    return f"{known.min():.5g} to {known.max():.5g} {unit}".strip() if len(known) else "no number"


def _gaps(values: NDArray[np.float64]) -> str:
    gaps = int((~np.isfinite(values)).sum())
    return f", {gaps:,} rows without" if gaps else ""
