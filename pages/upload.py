"""Upload: what the objects in files of one's own are."""

import streamlit as st

from pages import _ui as ui
from pages import _uploads as uploads
from pages._object import show_object
from pages._ui import Key
from taonet_core.errors import TaoNetError

ui.begin(
    "What are the objects in your files?",
    "FITS image sequences in any layout (one file an object, one file a frame, cubes, science, "
    "template and difference stamps), compressed or in a zip or tar; light-curve tables as CSV, "
    "ECSV, Parquet or VOTable with object id, mjd, mag and mag_err. Nothing leaves the machine "
    "that runs this app.",
)
left, right = st.columns([4, 1], vertical_alignment="bottom", gap="medium")
files = left.file_uploader("Files or archives", accept_multiple_files=True, key=Key.UPLOAD)
with right:
    st.button(
        "Open an example", key=Key.EXAMPLE, on_click=uploads.choose_example, disabled=bool(files)
    )
files = files or uploads.example_files()

if not files:
    st.info("Choose files above, or open an example to see what comes of them.")
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
    chosen = st.selectbox(
        "Object", list(good), format_func=lambda i: found[i][0], key=f"{Key.CHOICE}-{content}"
    )
show_object(f"{content}-{chosen}", good[chosen])
