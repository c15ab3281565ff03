"""A matrix of counts whose cells are buttons: confusion and agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_MATRIX = st.components.v2.component(
    "taonet_matrix",
    css=(_FOLDER / "matrix.css").read_text("utf-8"),
    js=(_FOLDER / "matrix.js").read_text("utf-8"),
)


def matrix(
    payload: dict[str, Any], styles: dict[str, dict[str, str]], *, key: str
) -> tuple[str, str] | None:
    """Show a matrix; arrow keys move between its cells, Enter or a click chooses one.

    Parameters
    ----------
    payload : dict
        What `taonet_core.drawing.matrices.matrix_payload` returns.
    styles : dict
        Name, colour and glyph of each class.
    key : str
        Widget key.

    Returns
    -------
    (str, str) or None
        Row and column of the cell that the reader just chose.
    """
    chosen = _MATRIX(key=key, data={**payload, "styles": styles}, on_cell_change=_nothing).cell
    return (chosen["row"], chosen["column"]) if chosen else None


def _nothing() -> None:
    """Streamlit tells a component's values apart by their callbacks."""
