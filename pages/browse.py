"""Browse: which object is worth a closer look."""

import streamlit as st

from pages import _demo as demo
from pages import _ui as ui
from pages._ui import Key
from pages._viewer import gallery
from taonet_core.data.catalog import search
from taonet_core.figures import class_styles
from taonet_core.labels import STYLES, TransientClass

ui.begin(
    "Which object is worth a closer look?",
    "Simulated objects as the CRTS survey would see them: the night each was brightest, its light "
    "curve, the verdict of the leading classifier (filled) and the truth (underlined). One event "
    "in five lies outside the nights observed.",
)
with ui.errors_said():
    catalog = demo.catalog()
    cards = demo.cards(catalog)

views = ["cards", "table"]
ui.from_address(Key.SEARCH)
ui.from_address(Key.CLASSES, list(TransientClass), many=True)
ui.from_address(Key.SORT, list(demo.SORTS))
ui.from_address(Key.VIEW, views)
st.session_state.setdefault(Key.VIEW, views[0])
with st.container(horizontal=True, gap="medium"):
    text = st.text_input(
        "Search by name or coordinates",
        key=Key.SEARCH,
        persist_state="session",
        placeholder="CSS1209 or 01:32:45 +20:15",
        width=270,
    )
    classes = st.pills(
        "True class",
        list(TransientClass),
        selection_mode="multi",
        format_func=lambda name: f"{STYLES[name].glyph} {name}",
        key=Key.CLASSES,
        persist_state="session",
    )
    order = st.selectbox(
        "Sort by", list(demo.SORTS), key=Key.SORT, persist_state="session", width=220
    )
    view = st.segmented_control("Show as", views, key=Key.VIEW, persist_state="session")
sorting = order if order != "name" else None
showing = view if view != views[0] else None
ui.to_address({Key.SEARCH: text, Key.CLASSES: classes, Key.SORT: sorting, Key.VIEW: showing})

rows = demo.table(catalog, cards)
rows = search(rows, text) if text.strip() else rows
rows = rows[rows["label"].isin(classes)] if classes else rows
column, ascending = demo.SORTS[order]
rows = rows.sort_values(column, ascending=ascending, kind="stable")
st.session_state[Key.LISTING] = list(rows["object_id"])

st.caption(f"{len(rows)} of {len(catalog)} objects")
if rows.empty:
    st.info("No object fits. Take a filter away, or upload files of your own.")
    st.page_link("pages/upload.py", label="Go to Upload", icon=":material/upload_file:")
elif view != "table":
    shown = [cards[name] for name in rows["object_id"]]
    ui.follow(gallery(shown, class_styles(), key=Key.GALLERY))
else:
    table = rows[list(demo.COLUMNS)]
    selecting = {"on_select": "rerun", "selection_mode": "single-row"}
    picked = st.dataframe(
        table, hide_index=True, column_config=demo.COLUMNS, height=560, **selecting
    )
    chosen = picked["selection"]["rows"]
    ui.follow(table["object_id"].iloc[chosen[0]] if chosen else None)
