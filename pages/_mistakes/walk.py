"""Walking through the errors by keyboard: the object, its look-alike, the label bar."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._labels.bar import label_bar
from pages._labels.store import mine
from pages._mistakes.cards import mistake_cards
from pages._mistakes.errors import Found
from pages._object.subject import subject
from pages._ui import Key
from pages._viewer import epoch_viewer, gallery
from taonet_core.figures import class_styles
from taonet_core.objects.collection import Collection

_BLIND = "walk-blind"


def show_walk(collection: Collection, found: Found, object_id: str) -> None:
    """Show one error of the list, with the way to the one before and after it."""
    names = _names(found, object_id)
    here = names.index(object_id)
    seen: set[str] = st.session_state.setdefault(Key.LOOKED, set())
    seen.add(object_id)
    row = found.errors.set_index("object_id").loc[object_id]
    _way(names, here)
    hidden = bool(st.session_state.get(_BLIND)) and object_id not in mine(collection).index
    said = found.verdicts
    label_bar(
        collection,
        object_id,
        key="walk",
        shown=None
        if hidden
        else {
            "model": said.model,
            "model_version": said.version,
            "verdict": row[f"verdict_{said.model}"],
            "probability": float(row[f"confidence_{said.model}"]),
        },
        after=lambda: _progress(collection, names, object_id, seen, hidden),
        on_label=lambda: _go_on(names, here),
    )
    images, beside = st.columns([5, 1], gap="medium")
    with images, ui.errors_said():
        _viewer(collection, object_id, hidden)
    with beside:
        if hidden:
            st.caption("Truth, verdicts and look-alike are hidden until you give a label.")
            return
        _beside(collection, found, object_id)


def _names(found: Found, object_id: str) -> list[str]:
    """Return the list that is walked through: as it was when the walk began.

    A label given on the way may take an object out of the list; the walk still knows its place.
    """
    held: list[str] = st.session_state.get(Key.WALK, [])
    if object_id not in held:
        held = list(found.chosen["object_id"])
        held = held if object_id in held else [object_id, *held]
        st.session_state[Key.WALK] = held
    return held


def _way(names: Sequence[str], here: int) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "All errors",
            key="walk-back",
            icon=":material/arrow_back:",
            type="tertiary",
            shortcut="g",
            help="Back to the gallery",
            on_click=_leave,
        )
        for words, step, key, icon in (
            ("Previous", -1, "k", ":material/chevron_left:"),
            ("Next", 1, "j", ":material/chevron_right:"),
        ):
            st.button(
                words,
                key=f"walk{step}",
                icon=icon,
                shortcut=key,
                disabled=not 0 <= here + step < len(names),
                on_click=_open,
                args=(names, here + step),
            )
        st.text(f"{here + 1} of {len(names)}", width="content")
        st.caption(
            "Keys: j k next, previous · 1–6 class · u unsure · n note · ← → nights · g gallery",
            width="content",
        )
        st.toggle(
            "Blind",
            key=_BLIND,
            persist_state="session",
            help="Hide truth, verdicts and look-alike until you give a label",
        )
        st.space("stretch")
        held = st.query_params.get(Key.DATA)
        values = {str(Key.OBJECT): names[here], **({str(Key.DATA): held} if held else {})}
        for page, words, icon in (
            ("sequence", "Everything about it", "timeline"),
            ("explain", "Explain", "lightbulb"),
        ):
            st.page_link(
                f"pages/{page}.py", label=words, icon=f":material/{icon}:", query_params=values
            )


def _open(names: Sequence[str], place: int) -> None:
    st.query_params[Key.OBJECT] = names[place]


def _leave() -> None:
    st.query_params.pop(Key.OBJECT, None)
    st.session_state.pop(Key.WALK, None)


def _go_on(names: Sequence[str], here: int) -> None:
    """Open the next object once this one is labelled, where that is wished."""
    if st.session_state.get("walk-on") and here + 1 < len(names):
        _open(names, here + 1)


def _progress(
    collection: Collection, names: Sequence[str], object_id: str, seen: set[str], hidden: bool
) -> None:
    """Say how far the reader is; below the label bar, so that it follows every label."""
    if st.query_params.get(Key.OBJECT) != object_id:
        st.rerun()
    labelled = mine(collection).index
    if hidden and object_id in labelled:
        st.rerun()  # what was hidden may be seen now
    words = (
        f"{len(seen.intersection(names))} of {len(names)} looked at · "
        f"{len(labelled.intersection(pd.Index(names)))} labelled by you"
    )
    st.caption(words, width="content")
    st.toggle("Go on after a label", key="walk-on", persist_state="session")


def _viewer(collection: Collection, object_id: str, hidden: bool) -> None:
    content, source = data.read(collection, object_id)
    opened = subject(content, source, collection)
    payload = opened.payload()
    if hidden:
        unsaid = {**payload["object"], "truth": None, "hidden": True}
        payload |= {"object": unsaid, "models": [], "expert": None}
    epoch_viewer(payload, key="walk-viewer-blind" if hidden else "walk-viewer")


def _beside(collection: Collection, found: Found, object_id: str) -> None:
    """Show the most similar object that was classified correctly."""
    row = found.errors[found.errors["object_id"] == object_id]
    [card] = mistake_cards(collection, found, row)
    like = card.get("beside")
    if like is None:
        st.caption("No object of this data set was classified correctly to set beside it.")
        return
    st.caption(
        "The most similar object that was classified correctly",
        help="Nearest in the space in which the classifier describes objects: distance "
        f"{row['distance'].iloc[0]:.2f}, from 0 (alike) to 2 (opposite)",
    )
    ui.follow(gallery([like], class_styles(), key="walk-beside"))
