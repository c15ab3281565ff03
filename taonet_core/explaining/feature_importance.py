"""Why a light-curve model says what it says: what each feature adds to a probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import IncompatibleWeightsError
from taonet_core.explaining.feature_points import feature_points
from taonet_core.explaining.questions import class_numbers, curve_model
from taonet_core.labels import TransientClass
from taonet_core.models.boosting import curve_table
from taonet_core.models.calibration import softmax
from taonet_core.models.forest import readable
from taonet_core.models.weights import ModelBundle
from taonet_core.outputs import curve_nights, name_of
from taonet_core.transforms.curve_features import CURVE_FEATURE_NAMES
from taonet_core.transforms.features import FEATURE_NAMES, extract_features

#: Walks from a known object to the explained one, in which features change one after the other.
WALKS = 192


@dataclass(frozen=True, eq=False)
class FeatureImportance:
    """What each feature of a light curve adds to the probability of a class.

    Parameters
    ----------
    names : tuple of str, length F
    values : ndarray, shape (F,), float64
        Features of the object; NaN where one is not defined.
    contributions : ndarray, shape (F,), float64
        Shapley values: they sum to `probability` minus `base`.
    base : float
        Mean probability of the class among the known objects compared with.
    probability : float
        Calibrated probability of the target class; with `against`, minus that of the other.
    target : TransientClass
    against : TransientClass or None
    model, model_version : str
    points : mapping of str to ndarray of int64
        Where a feature has a place on the light curve: points (of a sequence: frames) it is
        measured on.
    meta : mapping
        ``object_id``, ``n_nights``, ``background`` (known objects compared with).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    contributions: NDArray[np.float64]
    base: float
    probability: float
    target: TransientClass
    against: TransientClass | None
    model: str
    model_version: str
    points: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ranked(self) -> NDArray[np.int64]:
        """Numbers of the features, those that add or take away most first, shape (F,)."""
        return np.argsort(-np.abs(self.contributions), kind="stable")


def explain_features(
    source: ImageSequence | LightCurve,
    model: str | ModelBundle = "forest",
    *,
    target: TransientClass | str | None = None,
    against: TransientClass | str | None = None,
    seed: int = 0,
) -> FeatureImportance:
    """Say what each feature adds to the probability after the last night.

    The features of known objects, the same number of every class, are replaced by those of this
    one, one after the other in random order; what a feature adds on average is its Shapley value
    (Štrumbelj & Kononenko 2014, Knowl. Inf. Syst. 41, 647). Every walk starts at a known object
    and ends at this one, so that all contributions sum to the probability minus the mean one of
    the known objects, exactly.

    Parameters
    ----------
    source : ImageSequence or LightCurve
    model : str or ModelBundle
        A model that reads light curves.
    target : TransientClass or str, optional
        The class to explain; the verdict where not given.
    against : TransientClass or str, optional
        Explain by how much the probability of `target` exceeds that of this class.
    seed : int
        Of the orders.

    Raises
    ------
    InvalidSequenceError
        If the light curve is too short for the model.
    IncompatibleWeightsError
        If the model cannot be loaded, or does not know what to compare with.
    ValueError
        If a class is unknown, the two are one, or the model reads images.
    """
    bundle = curve_model(model)
    known = background(bundle)
    nights = curve_nights(source, bundle)
    own = feature_rows(bundle, [nights.curve])[0]
    if target is None:
        target = bundle.classes[int(_probabilities(bundle, own[None], len(nights)).argmax())]
    first, other = class_numbers(bundle, target, against)

    def value(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        probabilities = _probabilities(bundle, rows, len(nights))
        return probabilities[:, first] - (0.0 if other is None else probabilities[:, other])

    used = np.flatnonzero(nights.night_of_frame >= 0)
    return FeatureImportance(
        feature_names(bundle),
        own,
        shapley_values(value, own, known, np.random.default_rng(seed)),
        float(value(known).mean()),
        float(value(own[None])[0]),
        bundle.classes[first],
        None if other is None else bundle.classes[other],
        bundle.name,
        bundle.version,
        {name: used[index] for name, index in feature_points(nights.curve).items()},
        {"object_id": name_of(source), "n_nights": len(nights), "background": len(known)},
    )


def _probabilities(
    bundle: ModelBundle, rows: NDArray[np.float64], n_nights: int
) -> NDArray[np.float64]:
    """Return calibrated probabilities of rows of features after a number of nights, (n, K)."""
    with np.errstate(divide="ignore"):  # no tree voted for it
        logits = np.log(bundle.model.predict_proba(rows))
    if bundle.calibration is None:
        return softmax(logits)
    return bundle.calibration.probabilities_after(logits, n_nights)


def shapley_values(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    own: NDArray[np.float64],
    known: NDArray[np.float64],
    rng: np.random.Generator,
    walks: int = WALKS,
) -> NDArray[np.float64]:
    """Estimate Shapley values from walks; they sum to ``value(own) - mean(value(known))``.

    Parameters
    ----------
    value : callable
        Maps features (n, F) to what is explained, (n,).
    own : ndarray, shape (F,)
    known : ndarray, shape (M, F)
    rng : numpy.random.Generator
    walks : int
        At least; every known object starts the same number of them.

    Returns
    -------
    ndarray, shape (F,), float64
    """
    starts = np.tile(known, (-(-walks // len(known)), 1))
    orders = rng.permuted(np.tile(np.arange(len(own)), (len(starts), 1)), axis=1)
    turn = np.argsort(orders, axis=1)  # when each feature changes
    steps = np.arange(len(own) + 1)[:, None, None]  # (F + 1, 1, 1)
    rows = np.where(turn < steps, own, starts)  # (F + 1, walks, F)
    gains = np.diff(value(rows.reshape(-1, len(own))).reshape(rows.shape[:2]), axis=0)
    total = np.zeros(len(own))
    np.add.at(total, orders.T, gains)
    return total / len(starts)


def feature_names(bundle: ModelBundle) -> tuple[str, ...]:
    """Return the names of the features that a light-curve model reads, in order."""
    return FEATURE_NAMES if bundle.kind == "forest" else (*FEATURE_NAMES, *CURVE_FEATURE_NAMES)


def feature_rows(bundle: ModelBundle, curves: list[LightCurve]) -> NDArray[np.float64]:
    """Measure the features that a model reads, shape (len(curves), F)."""
    if bundle.kind == "forest":
        return extract_features([readable(curve) for curve in curves])
    return curve_table(curves)


def background(bundle: ModelBundle) -> NDArray[np.float64]:
    """Return the features of known objects to compare with, shape (M, F); NaN: not defined.

    Raises
    ------
    IncompatibleWeightsError
        If they were not measured for this model.
    """
    stated = (bundle.sidecar.get("explanations") or {}).get("background") or {}
    names = feature_names(bundle)
    if list(stated.get("names", [])) != list(names) or not stated.get("rows"):
        raise IncompatibleWeightsError(
            f"{bundle.name} does not know which objects to compare features with; measure them "
            f"with `python benchmarks/explanations.py --model {bundle.name}`"
        )
    return np.array([row.split() for row in stated["rows"]], dtype=np.float64)
