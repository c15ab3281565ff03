"""Explain: why this class, and how far the explanation can be trusted."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._explain import explanation as parts
from pages._explain import question
from pages._explain.evidence import show_evidence
from pages._explain.features import show_features
from pages._object.page import show_missing
from pages._object.subject import subject
from pages._ui import Key

ui.begin()
with ui.errors_said():
    collection = data.current()
object_id = data.linked_object(collection)
if object_id not in collection.stamps:
    show_missing(collection, object_id, "explain")
    st.stop()

listing = st.session_state.get(Key.LISTING, [])
if object_id not in listing:
    listing = list(collection.stamps)
data.picker()
bar = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
with bar:
    question.choose_object(collection, object_id, listing)
with ui.errors_said(), st.empty(), st.spinner("Asking the classifiers …"):
    shown = subject(*data.read(collection, object_id), collection, listing)
if not shown.predictions:
    parts.nothing_said(shown)
    st.stop()
with bar, ui.errors_said():
    asked = question.ask(shown.predictions)
show = show_features if asked.reads_curves else show_evidence
with ui.errors_said():
    show(parts.leading(shown, asked), asked)
