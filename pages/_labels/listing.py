"""All labels that experts gave, as a table to read and as files."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages import _ui as ui
from pages._labels.store import annotations, experts
from pages._tables import show_table
from taonet_core.data.expert_labels import annotation_table, of_catalog
from taonet_core.data.label_files import write_labels
from taonet_core.errors import TaoNetError
from taonet_core.objects.collection import Collection

_SUFFIXES = (".csv", ".ecsv", ".vot", ".parquet")
_text, _number = st.column_config.TextColumn, st.column_config.NumberColumn
#: Columns of the table of labels, and how they look.
_COLUMNS = {
    "object_id": "object",
    "label": _text("label", help="A class, unsure, or withdrawn: taken back"),
    "confidence": _text("sure?", help="How sure the expert is: low, medium or high"),
    "author": "expert",
    "created_at": st.column_config.DatetimeColumn("when (UTC)", format="YYYY-MM-DD HH:mm"),
    "note": "note",
    "verdict": _text("verdict shown", help="What a classifier said when the label was given"),
    "probability": _number("P", format="%.2f", help="Probability of that verdict, 0 to 1"),
    "model": _text("model", help="Which classifier said so"),
    "collection": "data set",
    "ra": _number("RA (°)", format="%.5f", help="Right ascension, ICRS, degrees"),
    "dec": _number("Dec (°)", format="%.5f", help="Declination, ICRS, degrees"),
}


def labels_button(collection: Collection) -> None:
    """Offer the list of labels, or say why there is none."""
    try:
        annotations()
    except TaoNetError as error:
        st.error(ui.plain(error))
        return
    count = int(experts(collection)["n_authors"].sum())
    words = f"Labels · {count}"
    if st.button(words, key="labels-open", help="What experts said, here or elsewhere; as files"):
        _labels(collection)


@st.dialog("What experts said", width="large")
def _labels(collection: Collection) -> None:
    with ui.errors_said():
        _listed(collection)


def _listed(collection: Collection) -> None:
    kept = annotations()
    with st.container(horizontal=True, gap="large"):
        everywhere = st.toggle("of all data sets", key="labels-everywhere")
        history = st.toggle("also what was changed or taken back", key="labels-history")
    catalog = None if everywhere else collection.catalog
    if history:
        said = annotation_table(reversed(kept.history()))
        said = said if catalog is None else of_catalog(said, catalog)
    else:
        said = kept.latest(catalog=catalog)
    if said.empty:
        st.text("None yet. Open an object and press 1 to 6, or u where you cannot tell.")
    else:
        show_table(said[list(_COLUMNS)], hide_index=True, column_config=_COLUMNS)
        ui.downloads("labels", collection.name, partial(write_labels, said), _SUFFIXES)
    st.text(f"Kept in {kept.place}")
