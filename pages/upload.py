"""Upload: what the objects in files of one's own are."""

import streamlit as st

from pages import _ui as ui
from pages import _uploads as uploads
from pages._object import show_object
from pages._ui import Key
from taonet_core.errors import TaoNetError

ui.begin(
    "What are the objects in your files?",
    "Drop FITS image sequences of any layout (one file an object or one file a frame, cubes, "
    "science / template / difference stamps), compressed or in a zip or tar, or light-curve "
    "tables with object id, mjd, mag and mag_err (CSV, ECSV, Parquet, VOTable).",
)
left, right = st.columns([5, 2], gap="large")
files = left.file_uploader("Files or archives", accept_multiple_files=True, key=Key.UPLOAD)
with right:
    st.caption("No file at hand?")
    st.button("Open an example", key=Key.EXAMPLE, on_click=uploads.choose_example)
with ui.errors_said():
    files = files or uploads.example_files()
if not files:
    st.caption(
        "Files are read in memory and not kept. One that is broken is named; the rest goes on."
    )
    st.stop()
if sum(file.size for file in files) > uploads.MAX_BYTES:
    st.error(f"More than {uploads.MAX_BYTES // 2**20} MiB at once; send fewer files.")
    st.stop()

content = uploads.content_key(files)
found = uploads.read_upload(content, files)
answers = uploads.classify_all(content, found)
uploads.checklist(found, answers)

good = {i: item for i, (_, item) in enumerate(found) if not isinstance(item, TaoNetError)}
if not good:
    st.warning("None of the files could be read; the list says why.")
    st.stop()
chosen = next(iter(good))
if len(good) > 1:
    names = {i: uploads.name(found[i][0], item) for i, item in good.items()}
    chosen = st.selectbox("Object", names, format_func=names.get, key=f"{Key.CHOICE}-{content}")
with ui.errors_said():
    show_object(f"{content}-{chosen}", good[chosen])
