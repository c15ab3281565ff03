"""The two front-end components: the epoch viewer and the gallery of cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def _source(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)


# The parts of a script share one module scope; only the last has the export.
_VIEWER = st.components.v2.component(
    "taonet_epoch_viewer",
    css=_source("viewer.css"),
    js=_source("pixels.js", "charts.js", "viewer.js"),
)


def epoch_viewer(
    payload: dict[str, Any], *, key: str, night: int | None, on_night: Callable[[], None]
) -> int | None:
    """Show one object; frames, light curve and probabilities share a cursor in the browser.

    Parameters
    ----------
    payload : dict
        What `taonet_core.figures.viewer_payload` returns.
    key : str
        Widget key.
    night : int or None
        Night to open at, counted from 1.
    on_night : callable
        Called once the cursor has come to rest on another night.

    Returns
    -------
    int or None
        Night the cursor rests on, counted from 1; None before it was moved.
    """
    state = _VIEWER(
        key=key,
        data={"payload": payload, "night": night},
        on_night_change=on_night,
        height="content",
    )
    chosen = state.night
    return int(chosen) if isinstance(chosen, int | float) else None
