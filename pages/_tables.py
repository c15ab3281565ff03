"""Tables on screen: every text in them visible, and safe to take into a spreadsheet."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from taonet_core.data.exports import guarded
from taonet_core.plain_text import LONGEST, shown

# A reader may widen a column for a whole note; a name is short.
_LONGEST_CELL = 5 * LONGEST


def show_table(table: pd.DataFrame, **settings: Any) -> Any:
    """Show a table as `st.dataframe` does, its texts as `readable` makes them.

    Parameters
    ----------
    table : DataFrame
    settings
        Further arguments of `st.dataframe`.

    Returns
    -------
    Any
        What `st.dataframe` does: rows chosen are numbers, and hold for `table` too.
    """
    return st.dataframe(readable(table), **settings)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with texts, and names of columns, as they can be seen; numbers stay.

    A grid can be copied and saved by the reader: what a spreadsheet would run gets an apostrophe,
    as in the files that are written.
    """
    seen: dict[str, int] = {}
    names = [_unlike(_cell(str(name), LONGEST), seen) for name in table.columns]
    out = table.set_axis(names, axis=1)
    for place, kind in enumerate(table.dtypes):
        if kind in ("str", "object"):
            cells = [_cell(v) if isinstance(v, str) else v for v in table.iloc[:, place]]
            out.isetitem(place, pd.Series(cells, index=out.index, dtype=kind))
    return out


def _cell(text: str, most: int = _LONGEST_CELL) -> str:
    return guarded(shown(text, most))


def _unlike(name: str, seen: dict[str, int]) -> str:
    """Return a name that no column before has: two that are long may have become one."""
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name} ({seen[name]})"
