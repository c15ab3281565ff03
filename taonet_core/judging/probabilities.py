"""What the probabilities of a classifier are worth: as a ranking, and as they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.judging.answers import Answers
from taonet_core.judging.performance import labelled
from taonet_core.judging.scores import LEVEL
from taonet_core.labels import TransientClass
from taonet_core.metrics import Reliability, reliability

_CURVE_POINTS = 300  # of a curve on the page; more cannot be told apart there
#: Bins of the reliability diagram -> from so many objects on.
_BINS = {15: 500, 10: 100, 5: 0}


@dataclass(frozen=True, eq=False)
class Curves:
    """One class against all others, over all thresholds; see scikit-learn.

    Attributes
    ----------
    name : TransientClass
    recall, precision : ndarray
        From the strictest threshold to the loosest.
    false_rate, true_rate : ndarray
        Share of the other classes called so, and of the class itself.
    average_precision, roc_area : float
    share : float
        Share of the class among the objects: the precision of a guess.
    """

    name: TransientClass
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    false_rate: NDArray[np.float64]
    true_rate: NDArray[np.float64]
    average_precision: float
    roc_area: float
    share: float


@dataclass(frozen=True, eq=False)
class Trust:
    """How often a classifier is right, by how sure it is.

    Attributes
    ----------
    bins : Reliability
    low, high : ndarray, shape (bins,)
        95 % Wilson interval of the accuracy in each bin; NaN in an empty one.
    error : float
        Expected calibration error (see `metrics.calibration_error`).
    expected : float
        The same of a perfectly calibrated classifier as sure as this one, on as many objects.
    """

    bins: Reliability
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    error: float
    expected: float


def class_curves(answers: Answers) -> list[Curves]:
    """Return precision-recall and ROC curves of each class that occurs but is not the only one."""
    from sklearn.metrics import (
        average_precision_score,
        precision_recall_curve,
        roc_auc_score,
        roc_curve,
    )

    known = labelled(answers)
    found = []
    for k, name in enumerate(known.classes):
        own, chance = known.truth == k, np.nan_to_num(known.final[:, k])
        if not own.any() or own.all():
            continue
        precision, recall, _ = precision_recall_curve(own, chance, drop_intermediate=True)
        false_rate, true_rate, _ = roc_curve(own, chance)
        found.append(
            Curves(
                name,
                recall=_thinned(recall[::-1]),
                precision=_thinned(precision[::-1]),
                false_rate=_thinned(false_rate),
                true_rate=_thinned(true_rate),
                average_precision=float(average_precision_score(own, chance)),
                roc_area=float(roc_auc_score(own, chance)),
                share=float(own.mean()),
            )
        )
    return found


def trust(answers: Answers, *, bins: int | None = None, repeats: int = 200) -> Trust | None:
    """Compare how sure a classifier is with how often it is right; None without an answer.

    Parameters
    ----------
    answers : Answers
    bins : int, optional
        Of equal width; 15 where there are many objects, else fewer.
    repeats : int
        Draws for `Trust.expected`.
    """
    from scipy.stats import binomtest

    known = answers.select((answers.truth >= 0) & (answers.verdicts() >= 0))
    if not len(known):
        return None
    if bins is None:
        bins = next(number for number, least in _BINS.items() if len(known) >= least)
    found = reliability(known.final, known.truth, bins=bins)
    low, high = np.full(bins, np.nan), np.full(bins, np.nan)
    for i in np.flatnonzero(found.count):
        right = round(found.accuracy[i] * found.count[i])
        interval = binomtest(right, int(found.count[i])).proportion_ci(LEVEL, method="wilson")
        low[i], high[i] = interval.low, interval.high
    filled = found.count > 0
    shares, sure = found.count[filled] / len(known), found.confidence[filled]
    rng, place = np.random.default_rng(0), _places(known.final.max(axis=1), bins)
    right = rng.random((repeats, len(known))) < known.final.max(axis=1)
    drawn = np.stack([right[:, place == i].mean(axis=1) for i in np.flatnonzero(filled)], axis=1)
    return Trust(
        found,
        low,
        high,
        error=float(shares @ np.abs(sure - found.accuracy[filled])),
        expected=float((np.abs(sure - drawn) @ shares).mean()),
    )


def _places(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Bin of each confidence, as in `metrics.reliability`."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    index = np.linspace(0, len(values) - 1, min(len(values), _CURVE_POINTS)).round()
    return np.asarray(values[index.astype(np.int64)], dtype=np.float64)
