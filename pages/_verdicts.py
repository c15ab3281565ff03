"""What the classifiers say of the data set that is shown: asked once, with progress, and kept.

Tables are cached a session at a time, so that nothing of an upload outlives or leaves its session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._turns import give_way, turn
from pages._ui import Key
from taonet_core.drawing.cards import badge
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection
from taonet_core.objects.overview import overview_table
from taonet_core.objects.unfamiliar import all_warnings
from taonet_core.objects.verdict_store import VerdictStore, identity
from taonet_core.objects.verdicts import Verdicts

#: Classifiers whose verdicts a table of objects shows.
SHOWN = ("taonet", "forest")
#: So many objects are classified without being asked to.
UNASKED = 300
_UNKEPT = "What is measured now cannot be stored; it is kept until the program ends."


def store(collection: Collection) -> VerdictStore:
    """Return where the measurements of a data set are kept."""
    if collection.name == data.UPLOAD:
        held: VerdictStore = st.session_state[Key.STORE]
        return held
    return _store(data.ROOT / "verdicts.sqlite")


@st.cache_resource(show_spinner=False)
def _store(path: Path) -> VerdictStore:
    return VerdictStore(path)


def prepare(collection: Collection, models: Sequence[str] = SHOWN) -> bool:
    """Measure and classify what has not been yet, where it is little or was asked for.

    Progress and a way to cancel are shown; what is done stays done.

    Returns
    -------
    bool
        Whether nothing is missing.
    """
    bundles = _usable(models)
    kept = store(collection)
    if kept.trouble:
        st.caption(_UNKEPT)  # the log says which file, and why
    missing = max(len(kept.missing(collection, bundle)) for bundle in (None, *bundles))
    if not missing:
        return True
    asked, key = f"classify-{collection.key}", "-".join(models)
    if not st.session_state.get(asked, len(collection) <= UNASKED):
        with st.container(horizontal=True, vertical_alignment="center", key=f"{asked}-{key}-ask"):
            words = f"{missing} of {len(collection)} objects are not classified yet."
            st.caption(words, width="content")
            st.button("Classify them", key=f"{asked}-{key}", on_click=_remember, args=(asked, True))
        return False
    box = st.empty()
    with box.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, f"Measuring and classifying {missing} objects …")
        st.button("Cancel", key=f"{asked}-{key}-stop", on_click=_remember, args=(asked, False))

        def report(done: int, total: int) -> None:
            bar.progress(done / total, f"Measured and classified {done} of {total} objects")
            give_way()

        with turn():
            kept.fill(collection, bundles, on_object=report)
    box.empty()
    return True


def forget() -> None:
    """Let go of the tables of this session, which may be of an upload; others are read again."""
    for held in (_cached_verdicts, _facts, _overview):
        held.clear()


def _remember(key: str, value: object) -> None:
    st.session_state[key] = value


def _usable(models: Iterable[str]) -> list[ModelBundle]:
    bundles, _ = ui.models()
    return [bundle for bundle in bundles if bundle.name in models]


def verdicts(collection: Collection, model: str) -> Verdicts:
    """Return what a classifier says of a data set, asking it first where that is little.

    Raises
    ------
    TaoNetError
        If the classifier cannot be used.
    """
    bundle = ui.bundle(model)
    prepare(collection, (model,))
    return _verdicts(collection, bundle)


def said_so_far(collection: Collection, model: str) -> Verdicts:
    """Return what a classifier has said of a data set already, asking it nothing.

    Raises
    ------
    TaoNetError
        If the classifier cannot be used.
    """
    return _verdicts(collection, ui.bundle(model))


def _verdicts(collection: Collection, bundle: ModelBundle) -> Verdicts:
    kept = store(collection)
    left = len(kept.missing(collection, bundle))
    key = f"{kept.key} {collection.key} {identity(bundle)} {left}"
    return _cached_verdicts(key, kept, collection, bundle)


@st.cache_resource(max_entries=32, show_spinner=False, scope="session")
def _cached_verdicts(
    key: str, _store: VerdictStore, _collection: Collection, _bundle: ModelBundle
) -> Verdicts:
    return _store.verdicts(_collection, _bundle)


def untrained(collection: Collection, bundle: ModelBundle) -> dict[str, list[str]]:
    """Return, of objects with a verdict, how each differs from what the model was trained on."""
    said = _verdicts(collection, bundle)
    key = f"{collection.key} {identity(bundle)} {said.n_nights.tolist()}"
    return _untrained(key, said, collection, bundle)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def _untrained(
    key: str, _said: Verdicts, _collection: Collection, _bundle: ModelBundle
) -> dict[str, list[str]]:
    return all_warnings(_collection, _said, _bundle)


def ask(collection: Collection, object_id: str, models: Sequence[str]) -> None:
    """Ask classifiers about one object, where that was not done yet."""
    with turn():
        store(collection).fill(collection, _usable(models), object_ids=[object_id])


def facts(collection: Collection) -> pd.DataFrame:
    """Return the brightness of the objects that were measured; see `VerdictStore.facts`."""
    kept = store(collection)
    key = f"{kept.key} {collection.key} {len(kept.missing(collection))}"
    return _facts(key, kept, collection)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def _facts(key: str, _store: VerdictStore, _collection: Collection) -> pd.DataFrame:
    return _store.facts(_collection)


def overview(collection: Collection, models: Sequence[str] = SHOWN) -> pd.DataFrame:
    """Return the table of objects with their brightness and verdicts; see `overview_table`.

    What has not been measured or asked yet is empty, after `prepare` did what it may.
    """
    prepare(collection, models)
    said = [_verdicts(collection, bundle) for bundle in _usable(models)]
    return _overview(overview_key(collection, models), collection, store(collection), said)


def overview_key(collection: Collection, models: Sequence[str] = SHOWN) -> str:
    """Return a text that changes whenever `overview` does: also when more was measured or asked."""
    kept, bundles = store(collection), _usable(models)
    missing = [len(kept.missing(collection, bundle)) for bundle in (None, *bundles)]
    return f"{kept.key} {collection.key} {[identity(bundle) for bundle in bundles]} {missing}"


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def _overview(
    key: str, _collection: Collection, _store: VerdictStore, _verdicts: Sequence[Verdicts]
) -> pd.DataFrame:
    return overview_table(_collection.catalog, _store.facts(_collection), _verdicts)


def cards(collection: Collection, object_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the gallery cards of objects, measured now where they were not.

    Each has ``verdict`` (of the leading classifier) and ``second`` (of the next one), as far as
    they were asked.
    """
    object_ids = list(object_ids)
    bundles, kept = _usable(SHOWN), store(collection)
    with st.spinner("Looking at the objects …", show_time=False), turn():
        kept.fill(collection, bundles, object_ids=object_ids)
    found = kept.cards(collection, object_ids)
    for bundle, place in zip(bundles, ("verdict", "second"), strict=False):
        said = _verdicts(collection, bundle)
        rows = dict(zip(said.object_ids, range(len(said)), strict=True))
        for name, card in found.items():
            card[place] = _badge(said, rows.get(name))
    return found


def _badge(said: Verdicts, row: int | None) -> dict[str, Any] | None:
    if row is None or not said.verdict[row]:
        return None
    sure, nights = said.confidence[row], said.n_nights[row]
    return badge(said.model, said.version, said.verdict[row], sure, nights)
