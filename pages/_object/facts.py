"""What is known of an object beside its viewer: verdicts, provisos, frames, features, origin."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages._labels.bar import label_bar
from pages._object.subject import Subject
from pages._tables import show_table
from taonet_core.data.results import Prediction
from taonet_core.labels import STYLES
from taonet_core.plain_text import LONGEST_SENTENCE, shown
from taonet_core.provenance import origin
from taonet_core.transforms.summary import frame_table

_text, _number = st.column_config.TextColumn, st.column_config.NumberColumn


def verdicts(subject: Subject) -> None:
    """List what every classifier says after the last night, and how far it may be believed."""
    st.subheader("Verdicts after the last night", anchor=False)
    if not subject.predictions:
        st.caption("No classifier gives a verdict; the reasons are below.")
        return
    rows = [
        {
            "model": f"{p.model} {p.model_version}",
            "verdict": f"{STYLES[p.verdict].glyph} {p.verdict}",
            "set": _set(p),
            "novelty": p.novelty,
            "nights": p.n_nights,
            **{str(name): value for name, value in p.final().items()},
        }
        for p in subject.predictions
    ]
    columns = {
        "model": _text(help="Classifier and the version of its weights"),
        "set": _text(
            "set at 90 %",
            help="Classes the model cannot rule out: of the objects of every class, nine in ten "
            "have theirs in the set. – where the model is not calibrated",
        ),
        "novelty": _number(
            format="%.0f %%",
            help="Share of known objects, read on as many nights, that look less strange; "
            "above 99 % it resembles nothing the model has seen",
        ),
        "nights": _number(help="Nights the model read"),
        **{
            str(name): _number(format="%.2f", help=f"Probability of {STYLES[name].name.lower()}")
            for name in STYLES
        },
    }
    show_table(pd.DataFrame(rows), hide_index=True, column_config=columns)


def _set(prediction: Prediction) -> str:
    classes = prediction.prediction_set
    if classes is None:
        return "–"
    return "all" if len(classes) == len(prediction.classes) else " ".join(classes)


def provisos(subject: Subject, reduced: list[str]) -> None:
    """List, as plain text, what to bear in mind."""
    warned: dict[str, list[str]] = {}
    for prediction in subject.predictions:
        for text in prediction.meta["warnings"]:
            warned.setdefault(text, []).append(prediction.model)
    everyone = len(subject.predictions)
    assumed = [*subject.source.meta.get("notes", ()), *subject.curve.meta.get("notes", ())]
    groups = {
        "No verdict": [f"{name}: {text}" for name, text in subject.problems.items()],
        "Not trained for": [
            text if len(names) == everyone else f"{', '.join(names)}: {text}"
            for text, names in warned.items()
        ],
        "Assumed": dict.fromkeys(assumed),
        "Left out": subject.source.meta.get("dropped", ()),
        "Shown": reduced,
    }
    for title, texts in groups.items():
        if texts:
            st.subheader(title, anchor=False)
            st.text("\n".join(shown(text, LONGEST_SENTENCE) for text in texts))


def experts(subject: Subject) -> None:
    """Let an expert say what the object is; a new label reaches the viewer too."""
    if subject.collection is None:
        return
    st.subheader("Experts' labels", anchor=False)
    lead = subject.predictions[0] if subject.predictions else None
    shown = lead and {
        "model": lead.model,
        "model_version": lead.model_version,
        "verdict": str(lead.verdict),
        "probability": lead.confidence,
    }
    before = subject.expert()

    def follow() -> None:
        if subject.expert() != before:
            st.rerun()

    label_bar(subject.collection, subject.object_id, key="object", shown=shown, after=follow)


def frames(subject: Subject) -> None:
    """List the frames, and what each classifier did with them."""
    if subject.sequence is None:
        st.caption("There are no images: the object is known by its light curve alone.")
        return
    table = frame_table(subject.sequence, subject.predictions)
    used = int((table["state"] == "usable").sum())
    reasons = table.loc[table["state"] != "usable", "state"].value_counts()
    said = "; ".join(f"{count} × {reason}" for reason, count in reasons.items())
    st.text(f"{used} of {len(table)} frames can be used{f' ({said})' if said else ''}.")
    columns = {
        "MJD": _number(format="%.5f", help="Modified Julian date, UTC, days"),
        "state": _text(help="What the pixels are like at the target"),
        **{
            p.model: _text(help=f"What {p.model} did with the frame: read it, or why not")
            for p in subject.predictions
        },
    }
    show_table(table, hide_index=True, height=330, column_config=columns)


def features(subject: Subject) -> None:
    """List the 30 numbers that the forest reads, in plain words."""
    table = subject.features()
    if table is None:
        st.caption("The forest cannot read this object; the reason is listed beside.")
        return
    st.caption(
        "The forest sees nothing but these 30 numbers of the light curve (magnitudes, one filter)."
    )
    columns = {
        "value": _number(format="%.4g"),
        "percentile": _number(
            format="%.0f %%",
            help="Share of the classified objects of this data set with a smaller value",
        ),
    }
    order = [
        name for name in ("meaning", "value", "unit", "percentile", "feature") if name in table
    ]
    show_table(table[order], hide_index=True, height=330, column_config=columns)


def provenance(subject: Subject) -> None:
    """Say where the object and the numbers come from."""
    facts = origin(subject.source, subject.file, subject.weights)
    del facts["written by"], facts["written on"]  # of files alone
    st.text("\n".join(f"{name}: {text}" for name, text in facts.items()))
