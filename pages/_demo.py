"""The demo set: simulated once, kept in the user's cache folder."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages._ui import Key, identity, leading_model
from taonet_core import __version__
from taonet_core.data.catalog import load_catalog
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.figures import gallery_card
from taonet_core.inference import predict
from taonet_core.labels import TransientClass
from taonet_core.models.weights import ModelBundle
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.transforms.photometry import extract_light_curve

#: Where the demo set is kept, and how it is drawn.
ROOT = Path.home() / ".cache" / "taonet"
PER_CLASS = 20
VISIBILITY = 0.8
SEED = 2004

#: What people sort by: words on screen -> column, ascending.
SORTS = {
    "name": ("object_id", True),
    "class": ("label", True),
    "brightness": ("mag", True),
    "number of nights": ("n_nights", False),
    "first night": ("mjd_first", True),
    "confidence of the verdict": ("confidence", False),
    "wrong verdicts first": ("surprise", False),
}
_number = st.column_config.NumberColumn
#: Columns of the table of objects, and how they look.
COLUMNS = {
    "object_id": "object",
    "label": "truth",
    "verdict": "verdict",
    "confidence": _number(format="%.2f", help="Probability of the verdict after the last night"),
    "mag": _number("mag", format="%.1f", help="Magnitude at discovery"),
    "n_nights": "nights",
    "n_frames": "frames",
    "ra": _number("RA", format="%.5f", help="ICRS, degrees"),
    "dec": _number("Dec", format="%.5f", help="ICRS, degrees"),
    "mjd_first": _number("first MJD", format="%.3f"),
    "mjd_last": _number("last MJD", format="%.3f"),
}

_LOCK = threading.Lock()


def catalog() -> pd.DataFrame:
    """Return the catalogue of the demo set, simulating it on first use."""
    folder = ROOT / f"demo-{__version__}-{PER_CLASS}"
    with _LOCK:
        if not folder.exists():
            _simulate(folder)
    return _catalog(folder, folder.stat().st_mtime_ns)


@st.cache_data(show_spinner=False)
def _catalog(folder: Path, stamp: int) -> pd.DataFrame:
    catalog = load_catalog(folder)
    return catalog.assign(path=[str(folder / name) for name in catalog["path"]])


def _simulate(folder: Path) -> None:
    bar = st.progress(0.0, "Simulating the demo set, once …")

    def report(done: int, total: int) -> None:
        bar.progress(done / total, f"Simulating the demo set, once: object {done} of {total}")

    settings = {"visibility": VISIBILITY, "seed": SEED, "per_class": PER_CLASS}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent) as draft:
            simulate_dataset(Path(draft) / "demo", on_object=report, **settings).rename(folder)
    except OSError as error:
        raise TaoNetError(
            f"the demo set cannot be written to {folder} ({error.strerror}); make that folder "
            "writable, or go to Upload, which does without it"
        ) from error
    bar.empty()


def open_object(catalog: pd.DataFrame, object_id: str) -> tuple[str, ImageSequence]:
    """Return the content key and the sequence of an object of the demo set."""
    path = Path(catalog.set_index("object_id").loc[object_id, "path"])
    return f"{path}-{path.stat().st_mtime_ns}", _sequence(path, path.stat().st_mtime_ns)


@st.cache_data(max_entries=16, show_spinner=False)
def _sequence(path: Path, stamp: int) -> ImageSequence:
    return read_sequence(path)


def cards(catalog: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the card of every object of the demo set by its id, with a progress bar."""
    bundle = leading_model()
    bar = st.empty()
    cards = {}
    for done, row in enumerate(catalog.itertuples(), start=1):
        stamp = Path(row.path).stat().st_mtime_ns
        card = _card(row.path, stamp, identity(bundle), bundle)
        cards[row.object_id] = {**card, "facts": f"{row.mag:.1f} mag · {row.n_nights} nights"}
        bar.progress(
            done / len(catalog), f"Looking at the demo set: object {done} of {len(catalog)}"
        )
    bar.empty()
    return cards


@st.cache_data(max_entries=4096, show_spinner=False)
def _card(path: str, stamp: int, identity: str, _bundle: ModelBundle | None) -> dict[str, Any]:
    sequence = read_sequence(path)
    prediction = None
    if _bundle is not None:
        try:
            prediction = predict(sequence, _bundle)
        except TaoNetError:
            prediction = None  # the card then has no badge; the object's page says why
    return gallery_card(sequence, extract_light_curve(sequence), prediction)


def table(catalog: pd.DataFrame, cards: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the catalogue with ``verdict``, ``confidence`` and ``surprise`` (a wrong verdict)."""
    verdicts = [cards[name]["verdict"] or {} for name in catalog["object_id"]]
    rows = catalog.assign(
        verdict=[verdict.get("class", "") for verdict in verdicts],
        confidence=[verdict.get("probability") for verdict in verdicts],
    )
    return rows.assign(surprise=(rows["verdict"] != rows["label"]) & (rows["verdict"] != ""))


def showpiece(catalog: pd.DataFrame) -> pd.Series:
    """Return the row of a supernova that shows well: bright, and seen on many nights."""
    supernovae = catalog[catalog["label"] == TransientClass.SN]
    return supernovae.nsmallest(8, "mag").sort_values("n_nights").iloc[-1]


def linked_object(catalog: pd.DataFrame) -> str:
    """Return the id in the address, else the last one opened, else one that shows well."""
    object_id = st.query_params.get(Key.OBJECT) or st.session_state.get(Key.LAST)
    if object_id is None:
        object_id = showpiece(catalog)["object_id"]
    if Key.OBJECT not in st.query_params:
        st.query_params[Key.OBJECT] = object_id
    st.session_state[Key.LAST] = object_id
    return str(object_id)
