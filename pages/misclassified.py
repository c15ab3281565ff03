"""Misclassified: what a classifier gets wrong, and what experts say instead."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._labels.listing import labels_button
from pages._mistakes import errors as mistakes
from pages._mistakes import words
from pages._mistakes.cards import show_gallery
from pages._mistakes.walk import show_walk
from pages._ui import Key

object_id = st.query_params.get(Key.OBJECT)
ui.begin(
    "" if object_id else "What does it get wrong?",
    "Verdicts that differ from the label, the most certain first; beside each, the most "
    "similar object that was classified correctly. Open one to look, and to say what it is.",
)
with ui.errors_said():
    collection = data.current()
    if not object_id:
        data.picker()
    selection = mistakes.asked()
    found = mistakes.find(collection, selection)

if object_id in set(found.errors["object_id"]):
    show_walk(collection, found, str(object_id))
    st.stop()
if object_id:
    words.not_an_error(collection, found, str(object_id))
    st.stop()

words.explain_kind(found)
mistakes.filters(found, selection)
with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    st.text(words.summary(found), width="content")
    mistakes.chips(selection)
    st.space("stretch")
    labels_button(collection)
if found.chosen.empty:
    words.nothing(found, selection)
    st.stop()
with ui.errors_said():
    opened = show_gallery(collection, found)
if opened is not None:
    st.session_state.pop(Key.WALK, None)
    st.query_params[Key.OBJECT] = opened
    st.rerun()
