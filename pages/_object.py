"""One object on the screen: the viewer, and below it everything else that is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages._ui import Key, Readable, downloads, light_curve, opinions, to_address
from pages._viewer import epoch_viewer
from taonet_core.bulk import prediction_table
from taonet_core.data.exports import write_table
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.figures import viewer_payload
from taonet_core.transforms.summary import frame_table

_PYTHON = """from taonet_core import extract_light_curve, predict, read_sequence

sequence = read_sequence("object.fits")
prediction = predict(sequence, "taonet")  # or "boosting", "forest", "taonet-paper"
print(prediction.verdict, prediction.confidence)
print(extract_light_curve(sequence).to_table())"""
_SHELL = "taonet predict object.fits --output verdict.csv"


def show_object(content: str, source: Readable, *, listing: Sequence[str] = ()) -> None:
    """Show an object with everything known of it: the page's heart.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    listing : sequence of str
        Ids to walk through with the previous and next buttons; the address then names object
        and night.
    """
    sequence = source if isinstance(source, ImageSequence) else None
    curve = source if isinstance(source, LightCurve) else light_curve(content, source)
    predictions, problems = opinions(content, source)
    payload = viewer_payload(sequence, curve, predictions)
    _viewer(payload, listing)
    facts, frames = st.columns([2, 3], gap="large")
    with facts:
        _probabilities(predictions)
        _notes(source, curve, predictions, problems, payload["reduced"])
    with frames:
        _frames(sequence, curve, predictions)
        if sequence is not None:
            with st.expander("The same from Python and from the shell"):
                st.code(_PYTHON, language="python")
                st.code(_SHELL, language="bash")


@st.fragment
def _viewer(payload: dict[str, Any], listing: Sequence[str]) -> None:
    def remember() -> None:
        if listing:
            st.query_params[Key.NIGHT] = str(st.session_state[Key.VIEWER]["night"]["night"])

    night = st.query_params.get(Key.NIGHT, "") if listing else ""
    turn = epoch_viewer(
        payload,
        key=Key.VIEWER,
        night=int(night) if re.fullmatch(r"\d{1,6}", night) else None,
        on_night=remember,
        turning=len(listing) > 1,
    )
    if turn:
        here = listing.index(st.query_params[Key.OBJECT])
        to_address({Key.OBJECT: listing[(here + turn) % len(listing)]})
        st.rerun()


def _probabilities(predictions: Sequence[Prediction]) -> None:
    if not predictions:
        return
    st.subheader("Probabilities after the last night", anchor=False)
    rows = {p.model: {str(k): v for k, v in p.final().items()} for p in predictions}
    st.dataframe(
        pd.DataFrame(rows).T.style.format("{:.3f}").highlight_max(axis=1, props="font-weight: 700")
    )
    results = prediction_table((p.model, p) for p in predictions)
    name = str(predictions[0].meta["object_id"])
    downloads("probabilities", name, lambda path: write_table(results, path))


def _notes(
    source: Readable,
    curve: LightCurve,
    predictions: Sequence[Prediction],
    problems: dict[str, str],
    reduced: Iterable[str],
) -> None:
    """List, as plain text, what to bear in mind."""
    warned: dict[str, list[str]] = {}
    for prediction in predictions:
        for text in prediction.meta["warnings"]:
            warned.setdefault(text, []).append(prediction.model)
    groups = {
        "No verdict": [f"{name}: {text}" for name, text in problems.items()],
        "Not trained for": [f"{', '.join(names)}: {text}" for text, names in warned.items()],
        "Assumed": dict.fromkeys([*source.meta.get("notes", ()), *curve.meta.get("notes", ())]),
        "Left out": source.meta.get("dropped", ()),
        "Shown": reduced,
    }
    for title, texts in groups.items():
        if texts:
            st.subheader(title, anchor=False)
            st.text("\n".join(texts))


def _frames(
    sequence: ImageSequence | None, curve: LightCurve, predictions: Sequence[Prediction]
) -> None:
    if sequence is not None:
        table = frame_table(sequence, predictions)
        used = int((table["state"] == "usable").sum())
        st.subheader(f"{used} of {len(table)} frames can be used", anchor=False)
        times = {"MJD": st.column_config.NumberColumn(format="%.5f")}
        st.dataframe(table, hide_index=True, height=330, column_config=times)
    name = str(curve.meta.get("object_id") or "object")
    downloads("light curve", name, lambda path: _write_curve(curve, path))
    if sequence is not None:
        downloads("images", name, lambda path: write_sequence(sequence, path), [".fits"])


def _write_curve(curve: LightCurve, path: Path) -> None:
    table = curve.to_table()
    if path.suffix == ".ecsv":
        table.write(path, format="ascii.ecsv")
    else:
        write_table(table.to_pandas(), path)
