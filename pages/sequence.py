"""Sequence: what an object is, and which of its frames say so."""

import streamlit as st

from pages import _demo as demo
from pages import _ui as ui
from pages._object import show_object
from pages._ui import Key

ui.begin()
with ui.errors_said():
    catalog = demo.catalog()
object_id = demo.linked_object(catalog)

if object_id not in set(catalog["object_id"]):
    st.title("Not found", anchor=False)
    st.error(f"There is no object named {ui.plain(object_id)[:200]} in the demo set.")
    st.page_link("pages/browse.py", label="See what there is", icon=":material/grid_view:")
    st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")
    st.stop()

listing = st.session_state.get(Key.LISTING, [])
if object_id not in listing:
    listing = list(catalog["object_id"])
with ui.errors_said():
    content, sequence = demo.open_object(catalog, object_id)
    show_object(content, sequence, listing=listing)
