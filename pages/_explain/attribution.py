"""Why a class: explanations that are computed once, with progress, and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._memory import recent
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.explain import explain
from taonet_core.explaining.evidence import evidence_sentence, evidence_shares
from taonet_core.explaining.faithfulness import Faithfulness, faithfulness
from taonet_core.explaining.feature_importance import FeatureImportance, explain_features
from taonet_core.explaining.questions import BASELINES, METHODS
from taonet_core.labels import TransientClass
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.verdict_store import identity


@contextmanager
def _progress(place: DeltaGenerator, words: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar in a place kept for it; yields a function of the steps done and to do."""
    bar = place.progress(0.0, f"{words} …")

    def report(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(total, 1)), f"{words}: step {done} of {total}")

    try:
        yield report
    finally:
        place.empty()


def attribution(
    content: str,
    sequence: ImageSequence,
    bundle: ModelBundle,
    method: str = next(iter(METHODS)),
    target: TransientClass | str | None = None,
    against: TransientClass | str | None = None,
    baseline: str = next(iter(BASELINES)),
    steps: int = 32,
) -> Attribution:
    """Return why a model says a class, computing it with a progress bar where it is not known yet.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    sequence : ImageSequence
    bundle : ModelBundle
        A model that reads images.
    method, target, against, baseline, steps
        See `taonet_core.explain.explain`.

    Raises
    ------
    TaoNetError
        If the model cannot read the object.
    """
    named = tuple(None if name is None else str(name) for name in (target, against))
    key = ("attribution", content, identity(bundle), method, *named, baseline, steps)

    place = st.empty()  # always there, so that nothing after it moves

    def compute() -> Attribution:
        with _progress(place, METHODS[method].name) as report:
            return explain(
                sequence,
                bundle,
                target=named[0],
                against=named[1],
                method=method,
                baseline=baseline,
                steps=steps,
                on_step=report,
            )

    return recent(content).get(key, compute)


def evidence_summary(
    content: str, sequence: ImageSequence, found: Attribution
) -> tuple[str, dict[str, float]]:
    """Return where and when the evidence lies: a sentence, and the share of each part.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    sequence : ImageSequence
    found : Attribution
        Of that object.
    """
    key = ("summary", found.model, found.model_version, found.explained, *_of(content, found))
    return recent(content).get(
        key, lambda: (evidence_sentence(found, sequence), evidence_shares(found, sequence))
    )


def _of(content: str, found: Attribution) -> tuple[object, ...]:
    """Return what tells explanations by one model apart."""
    asked = (found.method, str(found.target), str(found.against), found.baseline)
    return content, *asked, found.meta["steps"]


def faithfulness_check(
    content: str, sequence: ImageSequence, bundle: ModelBundle, found: Attribution, *, now: bool
) -> Faithfulness | None:
    """Return whether an explanation tells what the model does.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    sequence : ImageSequence
    bundle : ModelBundle
    found : Attribution
        Of that object, by that model.
    now : bool
        Whether to compute it where it is not known yet.

    Returns
    -------
    Faithfulness or None
        None where it is not known and was not to be computed.
    """
    key = ("faithfulness", identity(bundle), *_of(content, found))

    def compute() -> Faithfulness:
        with st.spinner("Blanking the field piece by piece, and uncovering it again …"):
            return faithfulness(sequence, bundle, found)

    return recent(content).get(key, compute) if now else recent(content).peek(key)


def feature_importance(
    content: str,
    source: ImageSequence | LightCurve,
    bundle: ModelBundle,
    target: TransientClass | str | None = None,
    against: TransientClass | str | None = None,
) -> FeatureImportance:
    """Return what each feature adds to what a light-curve model says.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    bundle : ModelBundle
        A model that reads light curves.
    target, against
        See `taonet_core.explaining.feature_importance.explain_features`.

    Raises
    ------
    TaoNetError
        If the model cannot read the object, or has no objects to compare it with.
    """
    named = tuple(None if name is None else str(name) for name in (target, against))
    place = st.empty()

    def compute() -> FeatureImportance:
        with place, st.spinner("Exchanging the features one by one …"):
            return explain_features(source, bundle, target=named[0], against=named[1])

    return recent(content).get(("features", content, identity(bundle), *named), compute)
