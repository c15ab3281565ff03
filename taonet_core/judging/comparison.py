"""Where two classifiers disagree, who is right, and who was right first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.judging.answers import Answers
from taonet_core.labels import SIX_CLASSES
from taonet_core.objects.verdicts import Verdicts

#: Below this chance a difference is called one.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Rivalry:
    """On how many labelled objects each of two classifiers is right, and what that proves.

    Attributes
    ----------
    first, second : str
        Names of the classifiers.
    both, only_first, only_second, neither : int
        Labelled objects by who is right; no answer is a wrong answer.
    p_value : float
        Exact McNemar test: how often two equally good classifiers would differ at least as much
        on the objects on which just one is right (McNemar 1947, Psychometrika 12, 153). 1 where
        there is no such object.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float

    @property
    def n(self) -> int:
        """Labelled objects."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def counts(self) -> dict[str, int]:
        """Who is right, in words, and on how many objects."""
        return {
            f"{self.first} right": self.both + self.only_first,
            f"{self.second} right": self.both + self.only_second,
            "Both right": self.both,
            "Neither right": self.neither,
        }

    def share(self, count: int) -> str:
        """Return a number of objects as a share of all, in words."""
        return f"{100 * count / self.n:.0f} %"

    @property
    def sentence(self) -> str:
        """The test in words."""
        if not self.only_first + self.only_second:
            return (
                f"{self.first} and {self.second} are right on the same objects: nothing tells them "
                "apart."
            )
        counts = (
            f"{self.first} alone is right on {self.only_first} of {self.n} objects, "
            f"{self.second} alone on {self.only_second}. "
        )
        chance = _chance(self.p_value)
        if self.p_value >= SIGNIFICANT:
            return counts + (
                "That does not tell them apart: two equally good classifiers would differ as much "
                f"in {chance} of such samples (exact McNemar test, p = {self.p_value:.2g})."
            )
        better = self.first if self.only_first > self.only_second else self.second
        return counts + (
            f"So {better} is right more often here, and by more than chance: two equally good "
            f"classifiers would differ as much in {chance} of such samples (exact McNemar test, "
            f"p = {self.p_value:.2g})."
        )


def common(first: Answers, second: Answers) -> tuple[Answers, Answers]:
    """Return what both say of the objects that both were asked about.

    Objects come in the same order, and columns are of the classes that one of them knows.
    """
    both = np.intersect1d(first.object_ids, second.object_ids)
    classes = tuple(c for c in SIX_CLASSES if c in {*first.classes, *second.classes})
    one, two = (a.select(np.isin(a.object_ids, both)).among(classes) for a in (first, second))
    return one, two


def agreement(first: Answers, second: Answers) -> NDArray[np.int64]:
    """Count objects by the verdicts of both.

    Parameters
    ----------
    first, second : Answers
        With the same classes, of the same objects (see `common`).

    Returns
    -------
    ndarray, shape (K + 1, K + 1), int64
        Verdicts of the first down, of the second across; the last row and column hold those
        without a verdict.

    Raises
    ------
    ValueError
        If the classes or the objects differ.
    """
    _check(first, second)
    size = len(first.classes) + 1
    down, across = (np.where(a.verdicts() < 0, size - 1, a.verdicts()) for a in (first, second))
    return np.bincount(size * down + across, minlength=size**2).reshape(size, size)


def same_verdicts(counts: NDArray[np.int64]) -> tuple[int, int]:
    """Count the objects on which both agree, and those of which both have a verdict.

    Parameters
    ----------
    counts : ndarray, shape (K + 1, K + 1), int64
        From `agreement`.
    """
    said = counts[:-1, :-1]
    return int(said.trace()), int(said.sum())


def rivalry(first: Answers, second: Answers) -> Rivalry | None:
    """Hold both against the truth; None where no object is labelled.

    Parameters
    ----------
    first, second : Answers
        With the same classes, of the same objects.
    """
    from scipy.stats import binomtest

    _check(first, second)
    known = first.truth >= 0
    if not known.any():
        return None
    one, two = ((a.verdicts() == a.truth)[known] for a in (first, second))
    lone = int((one & ~two).sum()), int((two & ~one).sum())
    p_value = float(binomtest(lone[0], sum(lone)).pvalue) if sum(lone) else 1.0
    neither = int((~one & ~two).sum())
    return Rivalry(first.model, second.model, int((one & two).sum()), *lone, neither, p_value)


def table(first: Answers, second: Answers) -> pd.DataFrame:
    """Return one row an object.

    Parameters
    ----------
    first, second : Answers
        With the same classes, of the same objects.

    Returns
    -------
    DataFrame
        ``object_id``, ``label``, ``mag``; ``verdict_a``, ``confidence_a``, and so for ``b``;
        ``right``: ``"both"``, the name of the model, ``"neither"``, or empty where the truth is
        unknown. Rows in which the classifiers are surest come first.
    """
    _check(first, second)
    one, two = first.table(), second.table()
    said = [one["verdict"] == one["label"], two["verdict"] == two["label"]]
    names = np.select(
        [first.truth < 0, said[0] & said[1], said[0], said[1]],
        ["", "both", first.model, second.model],
        "neither",
    )
    rows = one.rename(columns={"verdict": "verdict_a", "confidence": "confidence_a"})
    rows = rows.assign(verdict_b=two["verdict"], confidence_b=two["confidence"], right=names)
    sure = (one["confidence"].fillna(0) + two["confidence"].fillna(0)).to_numpy()
    return rows.iloc[np.argsort(-sure, kind="stable")].reset_index(drop=True)


def settled_night(verdicts: Verdicts) -> NDArray[np.int64]:
    """Return the night from which the verdict is right and stays so.

    Returns
    -------
    ndarray, shape (n,), int64
        Counted from 1 among the nights that the classifier read; 0 where the last verdict is wrong
        or the truth is unknown.
    """
    nights = np.zeros(len(verdicts), dtype=np.int64)
    for i, (rows, k) in enumerate(zip(verdicts.nights, verdicts.truth, strict=True)):
        answered = np.isfinite(rows).all(axis=1)
        wrong = np.flatnonzero(~answered | (np.nan_to_num(rows).argmax(axis=1) != k))
        last = wrong[-1] + 1 if len(wrong) else 0
        nights[i] = last + 1 if k >= 0 and last < len(rows) else 0
    return nights


def settled_words(verdicts: Verdicts, object_id: str) -> str:
    """Say from which night a classifier is right about an object.

    Parameters
    ----------
    verdicts : Verdicts
    object_id : str

    Raises
    ------
    KeyError
        If there is no such object.
    """
    places = np.flatnonzero(verdicts.object_ids == object_id)
    if not len(places):
        raise KeyError(object_id)
    i, model = int(places[0]), verdicts.model
    if not verdicts.verdict[i]:
        return f"{model} has no verdict."
    said = f"{model} says {verdicts.verdict[i]} with {verdicts.confidence[i]:.2f}"
    night, nights = int(settled_night(verdicts)[i]), int(verdicts.n_nights[i])
    after = f"after {nights} night{'s' if nights > 1 else ''}"
    if verdicts.truth[i] < 0:
        return f"{said} {after}."
    if not night:
        return f"{said} {after}: wrong, it is {verdicts.labels[i]}."
    return f"{said}: right for good from night {night} of {nights} on."


def first_to_settle(first: Verdicts, second: Verdicts) -> dict[str, int]:
    """Count labelled objects by whose verdict was right, to stay so, on the earlier night.

    Parameters
    ----------
    first, second : Verdicts
        Only objects that both were asked about count.

    Returns
    -------
    dict of str to int
        ``"first"``, ``"second"`` (also where the other never is), ``"same"`` night, ``"never"``.
    """
    _, *places = np.intersect1d(first.object_ids, second.object_ids, return_indices=True)
    first, second = (v.select(place) for v, place in zip((first, second), places, strict=True))
    one, two = (settled_night(v).astype(np.float64) for v in (first, second))
    known = first.truth >= 0
    one, two = (np.where(nights == 0, np.inf, nights)[known] for nights in (one, two))
    never = np.isinf(one) & np.isinf(two)
    return {
        "first": int((one < two).sum()),
        "second": int((two < one).sum()),
        "same": int(((one == two) & ~never).sum()),
        "never": int(never.sum()),
    }


def _check(first: Answers, second: Answers) -> None:
    if first.classes != second.classes:
        raise ValueError(
            f"wanted classifiers of the same classes, got {first.classes} and {second.classes}"
        )
    if not np.array_equal(first.object_ids, second.object_ids):
        raise ValueError("wanted answers about the same objects; see comparison.common")


def _chance(p_value: float) -> str:
    if p_value < 0.001:
        return "less than 0.1 %"
    return f"{100 * p_value:.{0 if p_value >= 0.01 else 1}f} %"
