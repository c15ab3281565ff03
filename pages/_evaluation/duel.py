"""One object that two classifiers were asked about: what each saw, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._evaluation.answers import show
from pages._explain.attribution import attribution, feature_importance
from pages._ui import Key, Readable
from pages._viewer import epoch_viewer
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.feature_charts import (
    curve_chart,
    feature_chart,
    feature_contributions,
    feature_sentence,
)
from taonet_core.drawing.object_charts import chance_against_time
from taonet_core.errors import TaoNetError
from taonet_core.explaining.feature_importance import FeatureImportance
from taonet_core.figures import attribution_overlay, viewer_payload
from taonet_core.judging.comparison import settled_words
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection
from taonet_core.plain_text import LONGEST
from taonet_core.transforms.summary import is_dated

_READY = "duel-ready"


@dataclass(frozen=True, eq=False)
class Duel:
    """One object, and what both classifiers say of it."""

    content: str
    source: Readable
    said: Sequence[Prediction]
    bundles: Mapping[str, ModelBundle]

    def of_kind(self, *, curves: bool) -> list[Prediction]:
        """Return what those say that read light curves, or images."""
        return [p for p in self.said if (self.bundles[p.model].kind in CURVE_KINDS) == curves]

    @property
    def curve(self) -> LightCurve:
        """The light curve, measured on the images where there are any."""
        if isinstance(self.source, LightCurve):
            return self.source
        return ui.light_curve(self.content, self.source)

    def question(self, shown: Prediction) -> tuple[TransientClass, TransientClass | None]:
        """Return what is to be explained: a verdict, rather than the other's where they differ."""
        others = [p.verdict for p in self.said if p.verdict in {*shown.classes} - {shown.verdict}]
        return shown.verdict, (others[0] if others else None)


def show_duel(collection: Collection, object_id: str, names: Sequence[str]) -> None:
    """Show one object side by side: images with evidence, light curve with what decided.

    Parameters
    ----------
    collection : Collection
    object_id : str
    names : sequence of str
        The two classifiers.
    """
    _links(object_id)
    if object_id not in collection.stamps:
        st.error(f"There is no object named {ui.plain(object_id, LONGEST)} here.")
        return
    content, source = data.read(collection, object_id)
    everyone, problems = ui.opinions(content, source, names)
    for name in names:
        if name in problems:
            st.warning(ui.plain(f"{name}: {problems[name]}"))
    said = [p for name in names for p in everyone if p.model == name]
    if not said:
        return
    duel = Duel(content, source, said, {p.model: ui.bundle(p.model) for p in said})
    words, work = st.columns([3, 2], gap="large", vertical_alignment="center")
    with words:
        _verdicts.ask(collection, object_id, names)  # of the others, perhaps nothing was asked
        verdicts = [_verdicts.said_so_far(collection, name) for name in names]
        st.text("\n".join(settled_words(one, object_id) for one in verdicts))
    waiting = _images(duel)
    for prediction in duel.of_kind(curves=True):
        _features(duel, prediction)
    _chances(duel)
    if waiting is not None:
        with work:
            _explain(duel, waiting)


def _links(object_id: str) -> None:
    held = st.query_params.get(Key.DATA)
    values = {str(Key.OBJECT): object_id, **({str(Key.DATA): held} if held else {})}
    pages = (("sequence", "Everything about it", "timeline"), ("explain", "Explain", "lightbulb"))
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        words = "Back to all objects"
        st.button(words, icon=":material/arrow_back:", on_click=_back, type="tertiary")
        for page, words, icon in pages:
            path, icon = f"pages/{page}.py", f":material/{icon}:"
            st.page_link(path, label=words, icon=icon, query_params=values)


def _back() -> None:
    st.query_params.pop(Key.OBJECT, None)


def _images(duel: Duel) -> Prediction | None:
    """Show the epoch viewer; with evidence, or return whose evidence is to be worked out."""
    seeing = duel.of_kind(curves=False)
    sequence = duel.source if isinstance(duel.source, ImageSequence) else None
    shown = seeing[0] if seeing and sequence is not None else None
    if len(seeing) > 1:
        models = [p.model for p in seeing]
        chosen = st.segmented_control("Evidence of", models, default=models[0], required=True)
        shown = seeing[models.index(chosen)]
    ready = shown is not None and st.session_state.get(_READY) == _asked(duel, shown)
    overlay = _overlay(duel, shown) if ready else None
    epoch_viewer(viewer_payload(sequence, duel.curve, duel.said), key="duel", overlay=overlay)
    return None if ready else shown


def _asked(duel: Duel, shown: Prediction) -> tuple[object, ...]:
    return duel.content, shown.model, *duel.question(shown)


def _overlay(duel: Duel, shown: Prediction) -> dict[str, Any] | None:
    sequence = duel.source
    assert isinstance(sequence, ImageSequence)
    target, against = duel.question(shown)
    bundle = duel.bundles[shown.model]
    try:
        found = attribution(duel.content, sequence, bundle, target=target, against=against)
    except TaoNetError as error:
        st.caption(ui.plain(error))
        return None
    return attribution_overlay(found, sequence)


def _explain(duel: Duel, shown: Prediction) -> None:
    """Work out the evidence, after the object itself is on screen, and lay it over the images."""
    _overlay(duel, shown)
    st.session_state[_READY] = _asked(duel, shown)
    st.rerun()


def _features(duel: Duel, shown: Prediction) -> None:
    """Show what decided for a classifier that reads light curves; say why where it cannot."""
    target, against = duel.question(shown)
    left, right = st.columns(2, gap="large")
    with left:
        rather = f" rather than {against}" if against is not None else ""
        st.subheader(f"Why {shown.model} says {target}{rather}", anchor=False)
        bundle = duel.bundles[shown.model]
        try:
            found = feature_importance(duel.content, duel.source, bundle, target, against)
        except TaoNetError as error:
            st.caption(ui.plain(error))
            return
        st.caption(ui.plain(feature_sentence(found)))
        show(feature_chart(found), f"duel-features-{shown.model}")
    with right:
        _points(duel, found)


def _points(duel: Duel, found: FeatureImportance) -> None:
    """Show the light curve with the points on which a feature is measured."""
    table = feature_contributions(found)
    placed = table[table["on_curve"]]
    if placed.empty:
        return
    st.subheader("Where that lies on the light curve", anchor=False)
    names = dict(zip(placed["feature"], placed["meaning"], strict=True))
    key = f"duel-feature-{found.model}"
    chosen = st.selectbox("Feature", list(names), format_func=names.get, key=key)
    show(curve_chart(duel.curve, found, chosen), f"duel-curve-{found.model}")


def _chances(duel: Duel) -> None:
    """Show the probability of the true class, or of the first verdict, against time."""
    truth = str(duel.source.meta.get("label") or "")
    known = truth in set(SIX_CLASSES) and all(truth in p.classes for p in duel.said)
    name = TransientClass(truth) if known else duel.said[0].verdict
    kind = "the true class" if known else f"the verdict of {duel.said[0].model}"
    st.subheader("Who knew when", anchor=False)
    st.caption(f"Probability of {kind} after every night.")
    knowing, dated = [p for p in duel.said if name in p.classes], is_dated(duel.source.meta)
    show(chance_against_time(knowing, name, dated=dated), "duel-chances")
