"""Sequence: what an object is, and which of its frames say so."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._object.page import show_object
from pages._ui import Key
from taonet_core.data.names import near_names

ui.begin()
with ui.errors_said():
    collection = data.current()
object_id = data.linked_object(collection)

if object_id not in collection.stamps:
    st.title("Not found", anchor=False)
    st.error(
        f"There is no object named {ui.plain(object_id)[:200]} in {ui.plain(collection.title)}."
    )
    near = near_names(object_id, collection.stamps)
    if near:
        st.caption("Did you mean one of these?")
    for name in near:
        st.page_link(
            "pages/sequence.py",
            label=ui.plain(name),
            icon=":material/arrow_forward:",
            query_params={Key.DATA: collection.name, Key.OBJECT: name},
        )
    st.page_link("pages/browse.py", label="See what there is", icon=":material/grid_view:")
    st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")
    st.stop()

listing = st.session_state.get(Key.LISTING, [])
if object_id not in listing:
    listing = list(collection.stamps)
with ui.errors_said():
    content, source = data.read(collection, object_id)
    show_object(content, source, collection=collection, listing=listing)
