"""How good a classifier is: the usual scores, and the one TAO-Net was published with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.labels import TransientClass


def evaluate_probabilities(
    probabilities: ArrayLike, labels: Sequence[str], classes: Sequence[TransientClass]
) -> dict[str, Any]:
    """Score class probabilities against the truth.

    Parameters
    ----------
    probabilities : array_like, shape (n, K)
        One row an object; the verdict is the largest of the row.
    labels : sequence of str, length n
        True class of each object, each one of `classes`.
    classes : sequence of TransientClass, length K
        Order of the columns.

    Returns
    -------
    dict
        Plain numbers, ready for JSON: ``n``; ``calibration_error`` (see `calibration_error`);
        ``classes``; ``macro_f1``, ``macro_precision``, ``macro_recall`` and ``macro_max_f1``, means
        over the classes that occur among `labels`;
        ``std_f1`` and ``std_max_f1``, population standard deviation over the same classes;
        ``per_class``: class -> ``precision``, ``recall``, ``f1``, ``max_f1``, ``support``
        (scores are `None` for a class without an object); ``confusion``, shape (K, K), true
        classes down, verdicts across.

    Raises
    ------
    ValueError
        If there is no object, shapes disagree, a value is not finite, or a label is unknown.

    Notes
    -----
    ``max_f1`` is the metric of the authors (see `max_f1`). It looks at the truth to choose a
    threshold a class, so it is optimistic beside the F1 of the verdicts: compare like with like.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    scores = np.asarray(probabilities, dtype=np.float64)
    truth = _class_numbers(labels, classes)
    if scores.shape != (len(truth), len(classes)) or not np.isfinite(scores).all():
        wanted = (len(truth), len(classes))
        raise ValueError(f"wanted finite probabilities of shape {wanted}, got {scores.shape}")
    numbers = np.arange(len(classes))
    verdicts = scores.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, verdicts, labels=numbers, zero_division=0.0
    )
    columns = {"precision": precision, "recall": recall, "f1": f1}
    columns["max_f1"] = np.array([max_f1(truth == k, scores[:, k]) for k in numbers])
    present = support > 0
    averages = {f"macro_{name}": float(v[present].mean()) for name, v in columns.items()}
    spreads = {f"std_{name}": float(columns[name][present].std()) for name in ("f1", "max_f1")}
    per_class = {
        str(name): {key: float(v[k]) if present[k] else None for key, v in columns.items()}
        | {"support": int(support[k])}
        for k, name in enumerate(classes)
    }
    return {
        "n": len(truth),
        "calibration_error": calibration_error(scores, truth),
        "classes": [str(name) for name in classes],
        **averages,
        **spreads,
        "per_class": per_class,
        "confusion": confusion_matrix(truth, verdicts, labels=numbers).tolist(),
    }


def max_f1(is_class: ArrayLike, scores: ArrayLike) -> float:
    """Return the largest F1 over all thresholds of the precision-recall curve.

    Parameters
    ----------
    is_class : array_like, shape (n,), bool
        Which objects belong to the class.
    scores : array_like, shape (n,)
        Probability of the class for each object.

    Returns
    -------
    float
        NaN where no object belongs to the class.
    """
    from sklearn.metrics import precision_recall_curve

    truth = np.asarray(is_class, dtype=bool)
    if not truth.any():
        return float("nan")
    precision, recall, _ = precision_recall_curve(truth, np.asarray(scores, dtype=np.float64))
    total = precision + recall
    return float(np.max(2 * precision * recall / np.where(total > 0, total, 1.0)))


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often verdicts are right, by how sure the classifier is; all arrays of shape (bins,).

    Attributes
    ----------
    count : ndarray, int64
        Objects whose highest probability falls in the bin; the bins are of equal width.
    confidence, accuracy : ndarray, float64
        Mean of that probability, and share of right verdicts; NaN in an empty bin.
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], *, bins: int = 15
) -> Reliability:
    """Compare how sure a classifier is with how often it is right.

    Parameters
    ----------
    probabilities : ndarray, shape (n, K)
    truth : ndarray, shape (n,), int64
        Column of the true class.
    bins : int
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, v, minlength=bins) / count for v in (confidence, right)]
    return Reliability(count, *means)


def calibration_error(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], *, bins: int = 15
) -> float:
    """Return the expected calibration error of the verdicts.

    The mean over bins of `reliability`, weighted by their objects, of the distance between
    confidence and accuracy (Guo et al. 2017, arXiv 1706.04599). It is never zero for finitely many
    objects: compare with the value for labels drawn from the probabilities themselves.

    Parameters
    ----------
    probabilities, truth, bins
        See `reliability`.
    """
    found = reliability(probabilities, truth, bins=bins)
    gaps = np.nan_to_num(np.abs(found.confidence - found.accuracy))
    return float((gaps * found.count).sum() / found.count.sum())


def _class_numbers(labels: Sequence[str], classes: Sequence[TransientClass]) -> NDArray[np.int64]:
    """Turn labels into positions in `classes`."""
    number = {str(name): k for k, name in enumerate(classes)}
    unknown = sorted({str(label) for label in labels} - set(number))
    if unknown or not len(labels):
        what = f"labels {unknown}" if unknown else "no object"
        raise ValueError(f"wanted labelled objects of the classes {list(number)}, got {what}")
    return np.array([number[str(label)] for label in labels], dtype=np.int64)


def stratified_draws(
    strata: Sequence[str] | NDArray[Any], *, rng: np.random.Generator, repeats: int = 1000
) -> NDArray[np.float64]:
    """Draw bootstrap samples of objects, all at once.

    Parameters
    ----------
    strata : sequence, length n
        Objects are drawn with replacement within each stratum (their true class).
    rng : numpy.random.Generator
    repeats : int
        Number of samples.

    Returns
    -------
    ndarray, shape (repeats, n), float64
        How often each object is in each sample.
    """
    names = np.asarray(strata)
    draws = np.zeros((repeats, len(names)))
    for name in np.unique(names):
        members = np.flatnonzero(names == name)
        share = np.full(len(members), 1 / len(members))
        draws[:, members] = rng.multinomial(len(members), share, size=repeats)
    return draws


def f1_of_draws(
    draws: NDArray[np.float64],
    truth: NDArray[np.int64],
    verdicts: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.float64]:
    """Return the F1 of every class in every sample.

    Parameters
    ----------
    draws : ndarray, shape (R, n)
        From `stratified_draws`, or ones for the objects as they are.
    truth, verdicts : ndarray, shape (n,), int64
        Class numbers; a verdict of -1 is of no class.
    n_classes : int

    Returns
    -------
    ndarray, shape (R, n_classes), float64
        NaN for a class without an object in the sample.
    """
    number = np.arange(n_classes)
    true, said = truth[:, None] == number, verdicts[:, None] == number
    support, named = draws @ true, draws @ said
    f1 = np.full(support.shape, np.nan)
    return np.divide(2 * (draws @ (true & said)), support + named, out=f1, where=support > 0)


def max_f1_of_draws(
    draws: NDArray[np.float64], is_class: NDArray[np.bool_], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest F1 over all thresholds (see `max_f1`) in every sample.

    Parameters
    ----------
    draws : ndarray, shape (R, n)
    is_class : ndarray, shape (n,), bool
    scores : ndarray, shape (n,)
        Probability of the class.

    Returns
    -------
    ndarray, shape (R,), float64
    """
    order = np.argsort(-scores, kind="stable")
    taken = np.cumsum(draws[:, order], axis=1)
    hits = np.cumsum(draws[:, order] * is_class[order], axis=1)
    thresholds = np.append(np.diff(scores[order]) != 0, True)
    f1 = 2 * hits[:, thresholds] / (taken[:, thresholds] + hits[:, -1:])
    return np.asarray(f1.max(axis=1))
