"""Scores of the benchmark: from a table of answers to numbers with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.labels import SIX_CLASSES
from taonet_core.metrics import f1_of_draws, max_f1_of_draws, stratified_draws

#: Edges of the bins of discovery magnitude.
MAGNITUDES = (-np.inf, 16.0, 17.5, 18.5, 19.5, np.inf)
#: The night after which the first model is held against the others' last word.
EARLY = 8
REPEATS = 1000
LEVEL = 0.95
_NAMES = [str(name) for name in SIX_CLASSES]


def score_model(answers: pd.DataFrame) -> dict[str, Any]:
    """Score one model.

    Parameters
    ----------
    answers : DataFrame
        Rows of one model; see `taonet_core.benchmark.Benchmark`.

    Returns
    -------
    dict
        Visibility -> ``n``; ``macro_f1`` and ``macro_max_f1`` of the last word; ``per_class``:
        class -> ``f1`` and ``max_f1``; ``after_nights``: nights -> macro F1; ``by_magnitude``: of
        each bin its edges, objects and macro F1; ``confusion``, true classes down. Each score is
        ``value``, ``low``, ``high``: a 95 % bootstrap interval over the objects. No answer is a
        wrong answer.
    """
    return {
        "visibility": {
            str(visibility): _score(_Answers(rows))
            for visibility, rows in answers.groupby("visibility", sort=False)
        }
    }


def compare_models(answers: pd.DataFrame, models: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Compare the first model with the others on the same objects.

    Parameters
    ----------
    answers : DataFrame
    models : sequence of str

    Returns
    -------
    dict
        Visibility -> ``"A - B"``: difference in macro F1 of their last words, and
        ``"A after 8 nights - B"``: of A's answer after `EARLY` nights and B's last word; each with
        its paired bootstrap interval.
    """
    compared: dict[str, dict[str, Any]] = {}
    for visibility, rows in answers.groupby("visibility", sort=False):
        own = {name: _Answers(rows[rows["model"] == name]) for name in models}
        first, *others = models
        differences = compared[str(visibility)] = {}
        for other in others:
            for nights, said in ((0, first), (EARLY, f"{first} after {EARLY} nights")):
                one, two = own[first].macro(nights), own[other].macro(0)
                differences[f"{said} - {other}"] = _interval(one - two)
    return compared


class _Answers:
    """The answers of one model at one visibility, objects in order of their names.

    The same objects are drawn for every model, so that differences are paired. Row 0 of all that
    is measured is of the objects as they are, the others of the bootstrap samples.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        rows = rows.sort_values(["label", "object_id"])
        chances = [f"p_{name}" for name in _NAMES]
        self.after = {
            int(n): np.nan_to_num(rows.loc[rows["after_nights"] == n, chances].to_numpy(), nan=0.0)
            for n in rows["after_nights"].unique()
        }
        last = rows[rows["after_nights"] == 0]
        self.truth = np.array([_NAMES.index(label) for label in last["label"]], dtype=np.int64)
        self.magnitude = last["discovery_mag"].to_numpy()

    def draws(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        drawn = stratified_draws(self.truth[chosen], rng=rng, repeats=REPEATS)
        return np.concatenate([np.ones((1, chosen.sum())), drawn])

    def verdicts(self, nights: int) -> NDArray[np.int64]:
        chances = self.after[nights]
        return np.where(chances.any(1), chances.argmax(1), -1)

    def f1(self, nights: int, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """F1 of each class, shape (1 + REPEATS, K)."""
        chosen = np.ones(len(self.truth), dtype=bool) if chosen is None else chosen
        verdicts = self.verdicts(nights)[chosen]
        return f1_of_draws(self.draws(chosen), self.truth[chosen], verdicts, len(_NAMES))

    def macro(self, nights: int, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        return np.nanmean(self.f1(nights, chosen), axis=1)

    def max_f1(self) -> NDArray[np.float64]:
        draws = self.draws(np.ones(len(self.truth), dtype=bool))
        columns = [
            max_f1_of_draws(draws, self.truth == k, self.after[0][:, k])
            for k in np.unique(self.truth)
        ]
        return np.stack(columns, axis=1)


def _score(answers: _Answers) -> dict[str, Any]:
    f1, max_f1 = answers.f1(0), answers.max_f1()
    present = np.unique(answers.truth)
    per_class = {
        _NAMES[k]: {"f1": _interval(f1[:, k]), "max_f1": _interval(max_f1[:, i])}
        for i, k in enumerate(present)
    }
    nights = sorted(answers.after, key=lambda n: n or np.inf)
    size = len(_NAMES)
    verdicts = answers.verdicts(0)
    pairs = size * answers.truth[verdicts >= 0] + verdicts[verdicts >= 0]
    return {
        "n": len(answers.truth),
        "unanswered": int((verdicts < 0).sum()),
        "macro_f1": _interval(np.nanmean(f1, axis=1)),
        "macro_max_f1": _interval(max_f1.mean(axis=1)),
        "per_class": per_class,
        "after_nights": {str(n or "all"): _interval(answers.macro(n)) for n in nights},
        "by_magnitude": _by_magnitude(answers),
        "confusion": np.bincount(pairs, minlength=size**2).reshape(size, size).tolist(),
    }


def _by_magnitude(answers: _Answers) -> list[dict[str, Any]]:
    bins = []
    for low, high in zip(MAGNITUDES[:-1], MAGNITUDES[1:], strict=True):
        inside = (answers.magnitude >= low) & (answers.magnitude < high)
        if inside.any():
            edges = {
                "from": low if np.isfinite(low) else None,
                "to": high if np.isfinite(high) else None,
            }
            bins.append(edges | {"n": int(inside.sum()), **_interval(answers.macro(0, inside))})
    return bins


def _interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Value of the objects as they are, which come first, and interval of the samples."""
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        name: round(float(number), 4)
        for name, number in (("value", values[0]), ("low", low), ("high", high))
    }
