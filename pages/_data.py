"""The data sets that the pages show, and the objects in them.

There is the demo set, simulated once and kept in the user's cache folder; the folders named by the
environment variable ``TAONET_DATA``; and what was uploaded in this session, which is held in its
memory alone and never written to disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _memory
from pages import _ui as ui
from pages._turns import turn
from pages._ui import Key, Readable
from taonet_core import __version__
from taonet_core.errors import TaoNetError, UnreadableFileError
from taonet_core.labels import TransientClass
from taonet_core.objects.collection import Collection, open_folder
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.plain_text import LONGEST
from taonet_core.serving.scratch import private_folder
from taonet_core.simulation.dataset import simulate_dataset

#: Where the demo set and what was measured are kept, and how the demo set is drawn.
ROOT = Path.home() / ".cache" / "taonet"
PER_CLASS = 20
VISIBILITY = 0.8
SEED = 2004

DEMO, UPLOAD = "demo", "upload"
#: What they are called on screen; folders go by their name.
TITLES = {DEMO: "Demo set (simulated)", UPLOAD: "Your upload"}

_LOCK = threading.Lock()


def names() -> list[str]:
    """Return the names of the data sets that can be opened, without opening them."""
    held = [UPLOAD] if st.session_state.get(Key.COLLECTION) is not None else []
    return [DEMO, *_folders(), *held]


def collections() -> dict[str, Collection]:
    """Open every data set there is."""
    return {name: open_named(name) for name in names()}


def open_named(name: str) -> Collection:
    """Open a data set by its name.

    Raises
    ------
    TaoNetError
        If it cannot be opened.
    """
    if name == UPLOAD:
        held: Collection = st.session_state[Key.COLLECTION]
        return held
    if name == DEMO:
        return _demo()
    with st.spinner("Looking through the folder …"):
        return _folder(_folders()[name], name)


def first() -> str:
    """Return the data set to begin with: the first folder that opens, else the demo set."""
    for name in _folders():
        try:
            open_named(name)
        except TaoNetError:
            continue
        return name
    return DEMO


def current() -> Collection:
    """Open the data set in the address, else the one shown last, else the `first`."""
    wanted = st.query_params.get(Key.DATA) or st.session_state.get(Key.DATA) or first()
    if wanted not in names():
        st.title("Not here", anchor=False)
        st.info(
            "The link leads to files that were uploaded in another session, or to a folder that is "
            "not open here. Upload the files again, or go on with the demo set."
        )
        st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")
        st.page_link("pages/browse.py", label="Open the demo set", query_params={Key.DATA: DEMO})
        st.session_state.pop(Key.DATA, None)
        st.stop()
    try:
        collection = open_named(wanted)
    except TaoNetError as error:
        _way_out(wanted, error)
    st.session_state[Key.DATA] = wanted
    if wanted != (st.query_params.get(Key.DATA) or first()):
        st.query_params[Key.DATA] = wanted
    return collection


def _way_out(name: str, error: TaoNetError) -> NoReturn:
    """Say why a data set cannot be opened, forget it, and offer the others."""
    picker()
    st.error(ui.plain(error))
    st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")
    if name != DEMO:
        st.page_link("pages/browse.py", label="Open the demo set", query_params={Key.DATA: DEMO})
    st.session_state.pop(Key.DATA, None)
    st.stop()


def picker() -> None:
    """Let the reader choose another data set, where there is one."""
    choices = names()
    if len(choices) < 2:
        return
    now = st.query_params.get(Key.DATA) or st.session_state.get(Key.DATA) or first()

    def choose() -> None:
        chosen = st.session_state["data-picker"]
        if chosen:
            st.session_state[Key.DATA] = chosen
            st.session_state.pop(Key.LAST, None)
            st.session_state.pop(Key.LISTING, None)
            st.query_params.from_dict({Key.DATA: chosen})

    st.session_state["data-picker"] = now
    paths = {name: path for name, path in _folders().items() if name != path.name}
    st.segmented_control(
        "Data set",
        choices,
        format_func=lambda name: ui.plain(TITLES.get(name, name), LONGEST),
        key="data-picker",
        on_change=choose,
        help=ui.plain("; ".join(f"{name}: {path}" for name, path in paths.items())) or None,
        label_visibility="visible" if paths else "collapsed",
    )


def set_upload(collection: Collection) -> None:
    """Make what was uploaded a data set of this session."""
    held = st.session_state.get(Key.COLLECTION)
    if held is None or held.key != collection.key:
        st.session_state[Key.COLLECTION] = collection
        st.session_state[Key.STORE] = VerdictStore()
        _memory.own(collection.stamps.values())


def _folders() -> dict[str, Path]:
    """Return the folders that may be shown, by short and different names."""
    found: dict[str, Path] = {}
    for text in filter(None, os.environ.get("TAONET_DATA", "").split(os.pathsep)):
        path = Path(text).absolute()
        name, copy = path.name or str(path), 1
        while name in {DEMO, UPLOAD, *found}:
            name, copy = f"{path.name} ({copy + 1})", copy + 1
        found[name] = path
    return found


@st.cache_resource(ttl=60, max_entries=8, show_spinner=False)
def _folder(path: Path, name: str) -> Collection:
    try:
        return open_folder(path, name=name, title=name)
    except OSError as error:
        raise UnreadableFileError(
            f"{name}: cannot be read ({error.strerror}); check who may read the folder"
        ) from error


def _demo() -> Collection:
    folder = ROOT / f"demo-{__version__}-{PER_CLASS}"
    if not folder.exists():
        with _simulating(st.empty()):
            if not folder.exists():
                _simulate(folder)
    return _demo_folder(folder, folder.stat().st_mtime_ns)


@contextmanager
def _simulating(place: DeltaGenerator) -> Iterator[None]:
    """Wait while another visitor has the demo set simulated, and say so."""
    while not _LOCK.acquire(timeout=0.5):
        place.info("The demo set is being simulated for another visitor …")
    try:
        place.empty()
        yield
    finally:
        _LOCK.release()


@st.cache_resource(max_entries=2, show_spinner=False)
def _demo_folder(folder: Path, stamp: int) -> Collection:
    return open_folder(folder, name=DEMO, title=TITLES[DEMO], trusted=True)


def _simulate(folder: Path) -> None:
    bar = st.progress(0.0, "Simulating the demo set, once …")

    def report(done: int, total: int) -> None:
        bar.progress(done / total, f"Simulating the demo set, once: object {done} of {total}")

    settings = {"visibility": VISIBILITY, "seed": SEED, "per_class": PER_CLASS}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with turn(), private_folder(folder.parent, ".demo-") as draft:
            simulate_dataset(draft / "demo", on_object=report, **settings).rename(folder)
    except OSError as error:
        raise TaoNetError(
            f"the demo set cannot be written to {folder} ({error.strerror}); make that folder "
            "writable, or go to Upload, which does without it"
        ) from error
    bar.empty()


def read(collection: Collection, object_id: str) -> tuple[str, Readable]:
    """Return the content key and what is stored of an object.

    Raises
    ------
    TaoNetError
        If it cannot be read.
    """
    stamp = collection.stamp(object_id)
    if collection.name == UPLOAD:  # held by the session already, and by no other
        return stamp, collection.read(object_id)
    return stamp, _object(stamp, object_id, collection)


@st.cache_resource(max_entries=32, show_spinner=False)
def _object(stamp: str, object_id: str, _collection: Collection) -> Readable:
    return _collection.read(object_id)


def showpiece(collection: Collection) -> str:
    """Return an object that shows well: a supernova, bright and seen on many nights, if any."""
    catalog = collection.catalog
    best = catalog[catalog["label"] == TransientClass.SN]
    best = (best if len(best) else catalog).nsmallest(8, "mag")
    return str((best if len(best) else catalog).sort_values("n_nights")["object_id"].iloc[-1])


def linked_object(collection: Collection) -> str:
    """Return the id in the address, else the last one opened, else one that shows well."""
    last = st.session_state.get(Key.LAST)
    object_id = st.query_params.get(Key.OBJECT) or (last if last in collection.stamps else None)
    if object_id is None:
        object_id = showpiece(collection)
    if Key.OBJECT not in st.query_params:
        st.query_params[Key.OBJECT] = object_id
    st.session_state[Key.LAST] = object_id
    return str(object_id)
