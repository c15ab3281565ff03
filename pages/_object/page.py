"""One object on the screen: the viewer, above it what can be done, below it what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages._object import elsewhere, facts, tools
from pages._object.subject import Subject, subject
from pages._ui import Key, Readable, plain, to_address
from pages._viewer import epoch_viewer
from taonet_core.data.names import near_names
from taonet_core.figures import attribution_overlay
from taonet_core.objects.collection import Collection
from taonet_core.plain_text import LONGEST

_SEEN = "first-steps"


def show_object(
    content: str,
    source: Readable,
    *,
    collection: Collection | None = None,
    listing: Sequence[str] = (),
) -> None:
    """Show an object with everything known of it: the page's heart.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    collection : Collection, optional
        Where it was opened; experts' labels belong to objects of one.
    listing : sequence of str
        Ids to walk through with the previous and next buttons; the address then names object
        and night.
    """
    opened = subject(content, source, collection, listing)
    _viewer(opened)
    _first_steps(images=opened.sequence is not None)
    left, right = st.columns([11, 9], gap="large")
    with left:
        facts.verdicts(opened)
        facts.experts(opened)
        facts.provisos(opened, opened.drawn["reduced"])
    with right:
        _details(opened)


@st.fragment
def _viewer(opened: Subject) -> None:
    """Show tools and viewer; only these run again as the cursor moves."""
    above, stage = st.container(), st.container(key="object-stage")
    busy = st.container(key="object-progress")
    with above:
        found = tools.tool_row(opened, busy)
    overlay = None
    if found is not None and opened.sequence is not None:
        overlay = attribution_overlay(found, opened.sequence)
        st.text(opened.sentence(found))
    with stage:
        show_viewer(opened, overlay, lambda name: to_address({Key.OBJECT: name}))


def show_viewer(
    opened: Subject, overlay: dict[str, Any] | None, turn_to: Callable[[str], None]
) -> None:
    """Show the viewer, whose night stands in the address; to be called in a fragment.

    Parameters
    ----------
    opened : Subject
    overlay : dict, optional
        Evidence laid over the frames.
    turn_to : callable
        Called with the id of the next object when the reader turns to it.
    """

    def remember() -> None:
        if opened.listing:
            st.query_params[Key.NIGHT] = str(st.session_state[Key.VIEWER]["night"]["night"])

    turn = epoch_viewer(
        opened.payload(),
        key=Key.VIEWER,
        night=opened.asked_night,
        on_night=remember,
        turning=len(opened.listing) > 1,
        overlay=overlay,
    )
    if turn:
        here = opened.listing.index(st.query_params[Key.OBJECT])
        turn_to(opened.listing[(here + turn) % len(opened.listing)])
        st.rerun()


def show_missing(collection: Collection, object_id: str, page: str) -> None:
    """Say that there is no such object, and what may have been meant on which page."""
    st.title("Not found", anchor=False)
    name, place = (plain(text, LONGEST) for text in (object_id, collection.title))
    st.error(f"There is no object named {name} in {place}.")
    near = near_names(object_id, collection.stamps)
    if near:
        st.caption("Did you mean one of these?")
    for name in near:
        st.page_link(
            f"pages/{page}.py",
            label=plain(name, LONGEST),
            icon=":material/arrow_forward:",
            query_params={Key.DATA: collection.name, Key.OBJECT: name},
        )
    st.page_link("pages/browse.py", label="See what there is", icon=":material/grid_view:")
    st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")


def _first_steps(*, images: bool) -> None:
    """Say once what a newcomer would not guess."""
    if st.session_state.get(_SEEN):
        return
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=_SEEN + "-row"
    ):
        words = "First time here? **1** Step through the nights with ← →. **2** Click a point of "
        words += "the light curve: its image and probabilities follow."
        if images:
            words += " **3** Switch on *why* to see which pixels decided."
        st.caption(words, width="content")
        st.button("Got it", key=_SEEN + "-got", type="tertiary", on_click=_got_it)


def _got_it() -> None:
    st.session_state[_SEEN] = True


@st.fragment
def _details(opened: Subject) -> None:
    """Show the rest, one part at a time; a part is computed when it is opened."""
    parts = {
        "Frames": facts.frames,
        "Features": facts.features,
        "The sky around": elsewhere.sky_around,
        "Other surveys": elsewhere.other_surveys,
        "Provenance": facts.provenance,
    }
    for tab, show in zip(
        st.tabs(list(parts), key="details", on_change="rerun"), parts.values(), strict=True
    ):
        if tab.open:
            with tab:
                show(opened)
