"""What the page Explain shows of models that read light curves: features, and where they lie."""

from __future__ import annotations

import streamlit as st

from pages._explain import explanation as parts
from pages._explain.attribution import feature_importance
from pages._explain.question import Question
from pages._object.subject import Subject
from pages._ui import downloads, plain
from taonet_core.data.exports import write_table
from taonet_core.drawing.feature_charts import (
    curve_chart,
    feature_chart,
    feature_contributions,
    feature_sentence,
    sum_words,
)
from taonet_core.errors import TaoNetError
from taonet_core.explaining.feature_importance import FeatureImportance

BARS, CURVE, FEATURE = "explain-features", "explain-curve", "explain-feature"
_BARS = (
    "Shapley values: what a feature adds to the probability on average, as the features of known "
    "objects are replaced by those of this one in random order. They add up exactly."
)
_CURVE = (
    "The points on which a feature is measured. Click a bar to choose another feature, a point to "
    "see its night."
)


def show_features(subject: Subject, question: Question) -> None:
    """Show what each feature adds to the probability, and where it lies on the light curve."""
    try:
        found = feature_importance(
            subject.content, subject.source, question.bundle, question.target, question.against
        )
    except TaoNetError as error:
        st.info(plain(error))
        parts.alone(subject)
        return
    parts.sentence(feature_sentence(found))
    _features(subject, found)


@st.fragment
def _features(subject: Subject, found: FeatureImportance) -> None:
    """Show bars, light curve and viewer: a bar leads to its points, a point to its night."""
    table = feature_contributions(found)
    left, right = st.columns(2, gap="large")
    with right:
        st.subheader("Where", anchor=False, help=_CURVE)
        placed = table[table["on_curve"]]
        chosen = _choose(dict(zip(placed["feature"], placed["meaning"], strict=True)))
        chart = curve_chart(subject.curve, found, chosen, night=subject.asked_night)
        parts.show(chart, CURVE, on_select=_pick_night)
    with left:
        st.subheader("What each feature adds", anchor=False, help=_BARS)
        parts.show(feature_chart(found), BARS, on_select=_pick_feature)
        st.caption(plain(sum_words(found)))
    parts.viewer(subject)
    downloads("features", subject.object_id, lambda path: write_table(table, path))
    parts.code(subject, more=_python(found))


def _python(found: FeatureImportance) -> str:
    """Return the code that gives the contributions, after that which reads the object."""
    against = None if found.against is None else str(found.against)
    asked = f"{found.model!r}, target={str(found.target)!r}, against={against!r}"
    return (
        "from taonet_core.explaining.feature_importance import explain_features\n\n"
        f"features = explain_features(source, {asked})\n"
        "print(dict(zip(features.names, features.contributions.round(3))))"
    )


def _choose(meanings: dict[str, str]) -> str:
    """Let the reader choose the feature whose points are marked; empty where none has any."""
    if not meanings:
        st.caption("None of the features has a place on the light curve.")
        return ""
    if st.session_state.get(FEATURE) not in meanings:
        st.session_state[FEATURE] = next(iter(meanings))
    return str(
        st.selectbox("Feature", list(meanings), key=FEATURE, format_func=lambda key: meanings[key])
    )


def _pick_feature() -> None:
    feature = parts.picked(BARS)
    if feature:
        st.session_state[FEATURE] = feature


def _pick_night() -> None:
    number = parts.picked(CURVE)
    if number is not None:
        parts.go_to_night(number)
