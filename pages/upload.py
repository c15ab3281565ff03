"""Upload: what the objects in files of one's own are."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._object.page import show_object
from pages._server import not_taken
from pages._ui import Key
from pages._upload import examples, report, tables
from pages._upload import session as uploads

ui.begin("What are the objects in your files?")
for leftover in (Key.TEST_SET, Key.MODEL):  # of the page Performance
    st.query_params.pop(leftover, None)
dropped = st.file_uploader(
    "Drop files here: FITS images, light-curve tables, or an archive of them, with a table of the "
    f"classes if there is one; at most {uploads.LIMITS}",
    accept_multiple_files=True,
    key=Key.UPLOAD,
    on_change=uploads.forget,
)
if refusal := not_taken():
    st.error(refusal)
with ui.errors_said():
    files = dropped or examples.chosen()
if sum(file.size for file in files) > uploads.MAX_BYTES:
    st.error(f"More than {uploads.MAX_BYTES // 2**20} MiB at once; send fewer files.")
    st.stop()
upload = uploads.receive(files) if files else uploads.held()
if upload is None:
    with ui.errors_said():
        examples.invitation()
    st.stop()

chosen = tables.choose_columns(upload.content, upload.intake)
if chosen is None:
    st.stop()
uploads.read(upload, chosen)
report.broken_off(upload)
collection = uploads.collect(upload)
if collection is None:
    report.left_out(upload)
    tables.tables_read(upload.content, upload.intake.tables)
    if upload.refused:
        st.warning("Nothing in these files could be read; the list says why.")
    else:
        st.warning("Nothing was read.")
    examples.what_it_takes()
    st.stop()

report.summary(upload, collection, resettable=not dropped)
alone = len(collection) == 1
if alone:
    report.checklist(upload, collection)
elif uploads.classify(upload, collection):
    report.next_steps(collection)
elif not upload.classifying or not upload.classifying.running:
    report.unfinished(upload)
report.left_out(upload)
if alone:
    with ui.errors_said():
        content, source = data.read(collection, next(iter(collection.stamps)))
        show_object(content, source, collection=collection)
else:
    report.verdicts(upload, collection)
report.classes(upload, collection)
tables.tables_read(upload.content, upload.intake.tables)
