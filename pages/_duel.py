"""One object that two classifiers were asked about: what each saw, and when."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._attribution import attribution
from pages._evaluation import show
from pages._ui import Key, Readable
from pages._viewer import epoch_viewer
from taonet_core.collection import Collection
from taonet_core.comparison import settled_words
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.figures import attribution_overlay, viewer_payload
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.object_charts import chance_against_time


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
        st.error(f"There is no object named {ui.plain(object_id)[:200]} here.")
        return
    content, source = data.read(collection, object_id)
    everyone, problems = ui.opinions(content, source)
    said = [p for name in names for p in everyone if p.model == name]
    for name in names:
        if name in problems:
            st.warning(ui.plain(f"{name}: {problems[name]}"))
    if not said:
        return
    _early(collection, object_id, names)
    bundles = {name: ui.bundle(name) for name in names}
    _images(content, source, said, bundles)
    left, right = st.columns(2, gap="large")
    with left:
        _chances(source, said)


def _links(object_id: str) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.button(
            "Back to all objects", icon=":material/arrow_back:", on_click=_back, type="tertiary"
        )
        held = st.query_params.get(Key.DATA)
        values = {str(Key.OBJECT): object_id, **({str(Key.DATA): held} if held else {})}
        for page, words, icon in (
            ("sequence", "Everything about it", "timeline"),
            ("explain", "Explain", "lightbulb"),
        ):
            st.page_link(
                f"pages/{page}.py", label=words, icon=f":material/{icon}:", query_params=values
            )


def _back() -> None:
    st.query_params.pop(Key.OBJECT, None)


def _early(collection: Collection, object_id: str, names: Sequence[str]) -> None:
    said = [data.verdicts(collection, name) for name in names]
    st.text("\n".join(settled_words(one, object_id) for one in said))


def _images(
    content: str,
    source: Readable,
    said: Sequence[Prediction],
    bundles: dict[str, ModelBundle],
) -> None:
    """Show the epoch viewer, with the evidence of the classifier that reads images."""
    sequence = source if isinstance(source, ImageSequence) else None
    curve = source if sequence is None else ui.light_curve(content, sequence)
    seeing = [p for p in said if bundles[p.model].kind not in CURVE_KINDS]
    overlay = None
    if sequence is not None and seeing:
        shown = seeing[0]
        if len(seeing) > 1:
            models = [p.model for p in seeing]
            chosen = st.segmented_control("Evidence of", models, default=models[0], required=True)
            shown = seeing[models.index(chosen)]
        target, against = _question(shown, said)
        try:
            found = attribution(
                content, sequence, bundles[shown.model], target=target, against=against
            )
            overlay = attribution_overlay(found, sequence)
        except TaoNetError as error:
            st.caption(ui.plain(error))
    epoch_viewer(viewer_payload(sequence, curve, said), key="duel", overlay=overlay)


def _question(
    shown: Prediction, said: Sequence[Prediction]
) -> tuple[TransientClass, TransientClass | None]:
    """Return what is to be explained: the verdict, rather than the other's where they differ."""
    others = [p.verdict for p in said if p.verdict in {*shown.classes} - {shown.verdict}]
    return shown.verdict, (others[0] if others else None)


def _chances(source: Readable, said: Sequence[Prediction]) -> None:
    """Show the probability of the true class, or of the first verdict, against time."""
    truth = str(source.meta.get("label") or "")
    known = truth in set(SIX_CLASSES) and all(truth in p.classes for p in said)
    name = TransientClass(truth) if known else said[0].verdict
    kind = "the true class" if known else f"the verdict of {said[0].model}"
    st.subheader("Who knew when", anchor=False)
    st.caption(f"Probability of {kind} after every night.")
    show(chance_against_time([p for p in said if name in p.classes], name), "duel-chances")
