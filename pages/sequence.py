"""Sequence: what an object is, and which of its frames say so."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._object.page import show_missing, show_object
from pages._ui import Key

ui.begin()
with ui.errors_said():
    collection = data.current()
object_id = data.linked_object(collection)

if object_id not in collection.stamps:
    show_missing(collection, object_id, "sequence")
    st.stop()

listing = st.session_state.get(Key.LISTING, [])
if object_id not in listing:
    listing = list(collection.stamps)
with ui.errors_said():
    content, source = data.read(collection, object_id)
    show_object(content, source, collection=collection, listing=listing)
