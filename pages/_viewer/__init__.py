"""The two front-end components: the epoch viewer and the gallery of cards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from taonet_core.plain_text import shown

_FOLDER = Path(__file__).parent


def _source(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)


# The parts of the script share one module scope; only the last has the export.
_PARTS = ("dom", "pixels", "axes", "curve", "classes", "fold", "overlay", "zoom", "images", "film")
_PARTS += ("player", "header", "viewer")
#: Script and style of the epoch viewer, as a browser gets them.
SCRIPT, STYLE = _source(*(f"{part}.js" for part in _PARTS)), _source("viewer.css")
_VIEWER = st.components.v2.component("taonet_epoch_viewer", css=STYLE, js=SCRIPT)
_GALLERY = st.components.v2.component(
    "taonet_gallery", css=_source("gallery.css"), js=_source("gallery.js")
)


def epoch_viewer(
    payload: dict[str, Any],
    *,
    key: str,
    night: int | None = None,
    on_night: Callable[[], None] | None = None,
    turning: bool = False,
    overlay: dict[str, Any] | None = None,
) -> int:
    """Show one object; frames, light curve and probabilities share a cursor in the browser.

    Parameters
    ----------
    payload : dict
        What `taonet_core.figures.viewer_payload` returns.
    key : str
        Widget key. ``st.session_state[key]["night"]["night"]`` is the night the cursor rests on,
        from 1.
    night : int, optional
        Night to open at, from 1; a later rerun with another night moves the cursor there.
    on_night : callable, optional
        Called once the cursor has come to rest on another night.
    turning : bool
        Whether to offer the previous and the next object.
    overlay : dict, optional
        What `taonet_core.figures.attribution_overlay` returns: evidence laid over the frames. A
        new one is painted in place; nothing else of the viewer changes.

    Returns
    -------
    int
        -1 or 1 where the reader just asked for the previous or next object, else 0.
    """
    result = _VIEWER(
        key=key,
        data={"payload": payload, "night": night, "turning": turning, "overlay": overlay},
        on_night_change=on_night or _nothing,
        on_turn_change=_nothing,
    )
    return int(result.turn or 0)


def gallery(
    cards: Sequence[dict[str, Any]], styles: dict[str, dict[str, str]], *, key: str
) -> str | None:
    """Show cards that open an object.

    Parameters
    ----------
    cards : sequence of dict
        What `taonet_core.figures.gallery_card` returns, each with a line of ``facts``.
    styles : dict
        Name, colour and glyph of each class.
    key : str
        Widget key.

    Returns
    -------
    str or None
        Id of the object the reader just chose.
    """
    data = {"cards": [_readable(card) for card in cards], "styles": styles}
    stamp = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
    return _GALLERY(key=key, data={"key": stamp, **data}, on_open_change=_nothing).open


def _readable(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card with its texts as they are shown; ``id`` alone stays what opens the object."""
    texts = {"name": shown(card["id"])}
    texts |= {part: shown(card[part]) for part in ("facts", "error", "expert") if card.get(part)}
    beside = {"beside": _readable(card["beside"])} if card.get("beside") else {}
    return {**card, **texts, **beside}


def _nothing() -> None:
    """Streamlit tells a component's values apart by their callbacks."""
