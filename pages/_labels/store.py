"""The experts' labels that the pages share: the database, and who gives labels here."""

from __future__ import annotations

import getpass

import pandas as pd
import streamlit as st

from pages._ui import Key
from taonet_core.data.annotations import Annotations
from taonet_core.data.expert_labels import (
    Annotation,
    annotation_table,
    consensus_table,
    standing,
)
from taonet_core.data.label_database import database_url
from taonet_core.errors import TaoNetError
from taonet_core.objects.collection import Collection


def annotations() -> Annotations:
    """Return the database of experts' labels.

    Raises
    ------
    TaoNetError
        If it cannot be opened.
    """
    return _annotations(database_url().render_as_string(hide_password=False))


@st.cache_resource(max_entries=4, show_spinner=False)
def _annotations(url: str) -> Annotations:
    return Annotations(url)


def experts(collection: Collection) -> pd.DataFrame:
    """Return what experts together say of the objects of a data set; see `Annotations.consensus`.

    Nothing, where the database cannot be used: pages go on without, and the label bar says why.
    """
    try:
        kept = annotations()
        return _experts(kept.place, kept.count(), collection.key, kept, collection.catalog)
    except TaoNetError:
        return consensus_table(annotation_table([]))


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def _experts(
    place: str, count: int, key: str, _kept: Annotations, _catalog: pd.DataFrame
) -> pd.DataFrame:
    return _kept.consensus(_catalog)


def mine(collection: Collection) -> pd.Series:
    """Return what the reader last said of the objects of a data set: label by object.

    Nothing, where the database cannot be used.
    """
    try:
        kept = annotations()
        said = _latest(kept.place, kept.count(), collection.key, kept, collection.catalog)
    except TaoNetError:
        said = annotation_table([])
    return said[said["author"] == author()].set_index("object_id")["label"]


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def _latest(
    place: str, count: int, key: str, _kept: Annotations, _catalog: pd.DataFrame
) -> pd.DataFrame:
    return _kept.latest(catalog=_catalog)


def experts_label(collection: Collection, object_id: str) -> Annotation | None:
    """Return the newest label of an object that stands, whoever gave it.

    Raises
    ------
    TaoNetError
        If the database cannot be used.
    """
    ra, dec = place_of(collection, object_id)
    said = standing(annotations().history(object_id, ra=ra, dec=dec))
    return said[0] if said else None


def place_of(collection: Collection, object_id: str) -> tuple[float | None, float | None]:
    """Return the position of an object in degrees, where it is known."""
    row = collection.catalog.set_index("object_id").loc[object_id]
    ra, dec = (float(row[name]) if pd.notna(row[name]) else None for name in ("ra", "dec"))
    return ra, dec


def author() -> str:
    """Return the name that labels are given under: who logged in, else the user of this machine.

    Someone who comes from another machine is asked.
    """
    if Key.AUTHOR not in st.session_state:
        known = st.user.get("name") or st.user.get("email") if st.user.get("is_logged_in") else ""
        local = st.context.ip_address is None
        st.session_state[Key.AUTHOR] = str(known or (_machine_user() if local else ""))
    return str(st.session_state[Key.AUTHOR]).strip()


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
