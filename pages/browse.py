"""Browse: which objects are there, and which of them are worth a closer look."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._browse import filters, views
from pages._browse import state as browse
from pages._ui import Key
from taonet_core.plain_text import shown

ui.begin("Which objects are there?")
# What comes and goes has a place of its own, so that nothing below it is built anew.
with ui.errors_said(), st.container():
    collection = data.current()
with st.container():
    data.picker()
    browse.welcome(collection)
    st.caption(
        "Each card: the picture at peak and the light curve, brighter up. Badges: verdict filled, "
        "a second model that disagrees smaller, truth underlined, label of experts outlined."
    )
if not len(collection):
    browse.nothing_here(collection)
    st.stop()

with ui.errors_said(), st.container():
    overview = browse.overview(collection)
models = browse.models_of(overview)
selection = browse.asked(collection.name, models)
found = selection.apply(overview)
rows = views.pages_of(found)
st.session_state[Key.LISTING] = list(found["object_id"])

filters.row(overview, selection, models)
filters.said_of_address()
with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    count = f"{len(found):,} of {len(overview):,} objects"
    st.text(f"{count} · {shown(collection.title)}", width="content")
    filters.chips(selection)
    st.space("stretch")
    views.take_away(collection, found)
browse.remember(collection.name, selection)

view = st.session_state[browse.VIEW]
if view == "sky":
    views.show_sky(overview, selection, models)
if found.empty:
    filters.nothing_fits(overview, selection)
    st.stop()
with ui.errors_said():
    if view == "table":
        views.show_table(collection, rows, models)
    else:
        views.show_cards(collection, rows)
views.turn_pages(len(found))
