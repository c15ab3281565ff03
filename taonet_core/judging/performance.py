"""How far a classifier can be trusted: its scores with intervals, early in time and when faint.

Everything is measured on `Answers`, of whatever data. No answer is a wrong answer. Intervals are
95 % percentile bootstrap intervals over the objects, drawn within each class, as those of the
benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.judging.answers import Answers
from taonet_core.judging.scores import LEVEL, MAGNITUDES, REPEATS
from taonet_core.labels import STYLES, TransientClass
from taonet_core.metrics import f1_of_draws, stratified_draws

if TYPE_CHECKING:
    import pandas as pd

_MOST_DRAWN = 2_000_000  # objects of all samples together: 16 MB
_FEWEST = 200  # samples, of however many objects
#: Of so many objects a class, resampling begins to tell how sure its scores are.
FEW = 10


@dataclass(frozen=True)
class Score:
    """A score of the objects as they are, and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        spread = f"[{self.low:.3f}, {self.high:.3f}]" if self.low < self.high else "[too few]"
        return f"{self.value:.3f} {spread}"

    @property
    def interval(self) -> str:
        """The interval in words; one without width says nothing but that the samples agree."""
        if self.low >= self.high:
            return "too few objects for an interval"
        return f"95 %: {self.low:.3f} – {self.high:.3f}"


@dataclass(frozen=True)
class ClassScores:
    """How well one class is found.

    Attributes
    ----------
    name : TransientClass
    precision, recall, f1 : Score
        Precision is 0 where the class was never named, as in `metrics.evaluate_probabilities`.
    support, named : int
        Objects of the class, and objects called so.
    """

    name: TransientClass
    precision: Score
    recall: Score
    f1: Score
    support: int
    named: int


@dataclass(frozen=True)
class Scores:
    """All scores of one classifier on one set of labelled objects.

    Attributes
    ----------
    n, unanswered : int
        Labelled objects, and those among them without a verdict.
    accuracy, macro_f1, macro_precision, macro_recall : Score
        Macro scores are means over the classes that occur.
    classes : tuple of ClassScores
        Those that occur.
    """

    n: int
    unanswered: int
    accuracy: Score
    macro_f1: Score
    macro_precision: Score
    macro_recall: Score
    classes: tuple[ClassScores, ...]


@dataclass(frozen=True)
class Binned:
    """Macro F1 of part of the objects, or of part of their nights.

    Attributes
    ----------
    label : str
        Which part, in words: ``"8"`` nights, ``"17.5 – 18.5"`` mag.
    n : int
        Objects.
    f1 : Score
    """

    label: str
    n: int
    f1: Score


def confusion(answers: Answers) -> NDArray[np.int64]:
    """Count labelled objects by true class (down) and verdict (across).

    Returns
    -------
    ndarray, shape (K, K + 1), int64
        The last column holds those without a verdict.
    """
    known = answers.labelled()
    size = len(known.classes)
    columns = np.where(known.verdicts() < 0, size, known.verdicts())
    counts = np.bincount((size + 1) * known.truth + columns, minlength=size * (size + 1))
    return counts.reshape(size, size + 1)


def score(answers: Answers) -> Scores:
    """Score a classifier on the labelled objects.

    Raises
    ------
    ValueError
        If no object is labelled.
    """
    known = labelled(answers)
    draws, number = _draws(known.truth), np.arange(len(known.classes))
    true, said = known.truth[:, None] == number, known.verdicts()[:, None] == number
    support, named, hits = draws @ true, draws @ said, draws @ (true & said)
    zeros = np.zeros(support.shape)
    recall = np.divide(hits, support, out=zeros.copy(), where=support > 0)
    precision = np.divide(hits, named, out=zeros.copy(), where=named > 0)
    f1 = f1_of_draws(draws, known.truth, known.verdicts(), len(number))
    present = np.flatnonzero(true.any(axis=0))
    return Scores(
        n=len(known),
        unanswered=int((known.verdicts() < 0).sum()),
        accuracy=_score(hits.sum(axis=1) / support.sum(axis=1)),
        macro_f1=_score(f1[:, present].mean(axis=1)),
        macro_precision=_score(precision[:, present].mean(axis=1)),
        macro_recall=_score(recall[:, present].mean(axis=1)),
        classes=tuple(
            ClassScores(
                known.classes[k],
                precision=_score(precision[:, k]),
                recall=_score(recall[:, k]),
                f1=_score(f1[:, k]),
                support=int(support[0, k]),
                named=int(named[0, k]),
            )
            for k in present
        ),
    )


def few_words(scores: Scores) -> str:
    """Warn where a class has too few objects for its interval to mean much; else empty."""
    few = [f"{found.support} {found.name}" for found in scores.classes if found.support < FEW]
    if not few:
        return ""
    return (
        f"There are only {', '.join(few)}: with fewer than {FEW} objects of a class, scores hang "
        "on each of them, and the intervals are narrower than they should be."
    )


def score_table(scores: Scores) -> pd.DataFrame:
    """Return one row a class: its scores with intervals as text, and how many objects there are."""
    import pandas as pd

    rows = [
        {
            "class": f"{STYLES[found.name].glyph} {found.name}",
            "precision": str(found.precision),
            "recall": str(found.recall),
            "F1": str(found.f1),
            "objects": found.support,
            "called so": found.named,
        }
        for found in scores.classes
    ]
    return pd.DataFrame(rows)


def f1_by_nights(answers: Answers) -> list[Binned]:
    """Return the macro F1 of what was said after 1, 2, 4, 8, 16, 24 and all nights."""
    known = labelled(answers)
    draws, size = _draws(known.truth), len(known.classes)
    found = []
    for nights in sorted(known.after, key=lambda n: n or np.inf):
        f1 = f1_of_draws(draws, known.truth, known.verdicts(nights), size)
        found.append(Binned(str(nights or "all"), len(known), _score(np.nanmean(f1, axis=1))))
    return found


def f1_by_magnitude(answers: Answers) -> list[Binned]:
    """Return the macro F1 of bright and of faint objects, over the classes that occur among them.

    Objects of unknown magnitude are in no bin, and empty bins are left out.
    """
    known = labelled(answers)
    found = []
    for low, high in zip(MAGNITUDES[:-1], MAGNITUDES[1:], strict=True):
        inside = (known.magnitude >= low) & (known.magnitude < high)
        if inside.any():
            part = known.select(inside)
            f1 = f1_of_draws(_draws(part.truth), part.truth, part.verdicts(), len(known.classes))
            found.append(Binned(_edges(low, high), len(part), _score(np.nanmean(f1, axis=1))))
    return found


def labelled(answers: Answers) -> Answers:
    """Return the objects whose true class is known.

    Raises
    ------
    ValueError
        If there is none.
    """
    known = answers.labelled()
    if not len(known):
        raise ValueError("wanted labelled objects, got none")
    return known


def _draws(truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bootstrap samples, the same for every classifier; row 0 is of the objects as they are."""
    repeats = int(np.clip(_MOST_DRAWN // len(truth), _FEWEST, REPEATS))
    drawn = stratified_draws(truth, rng=np.random.default_rng(0), repeats=repeats)
    return np.concatenate([np.ones((1, len(truth))), drawn])


def _score(values: NDArray[np.float64]) -> Score:
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Score(float(values[0]), float(low), float(high))


def _edges(low: float, high: float) -> str:
    if np.isinf(low):
        return f"< {high:g}"
    return f"≥ {low:g}" if np.isinf(high) else f"{low:g} – {high:g}"
