"""The light-curve forest: 30 features into a random forest, as MANTRA published it.

Neira et al. 2020, ApJS 250, 11 (arXiv 2006.13163). Nothing here reads or writes weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import TrainingError
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.transforms.features import MIN_POINTS, extract_features
from taonet_core.transforms.photometry import asinh_magnitudes

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_CHUNK = 2048  # training curves in memory at once


@dataclass(frozen=True)
class ForestConfig:
    """How the forest is trained.

    Attributes
    ----------
    trees : tuple of int
        Numbers of trees to try.
    max_features : tuple of str
        Rules for the features tried at a split.
    folds : int
        Parts of the cross-validation that chooses among them; an object's copies stay together.
    min_points : int
        Curves with fewer measurements are neither trained on nor classified.
    oversample : bool
        Fill up the smaller classes of the training set with copies of their curves, each
        magnitude drawn anew within its error.
    beginnings : int
        Beginnings of random length that each training curve is joined by, because the forest is
        asked after every night, and so that the length of a curve does not stand for its class.
        0 as published. On simulated objects 2 in place of 0 gains 0.03 in macro F1 after four
        nights and costs 0.02 at the end.
    max_leaves : int
        Most leaves of all trees together; unlimited as published. Limited so that a saved forest
        takes less than 20 MB.
    """

    trees: tuple[int, ...] = (200, 700)  # MANTRA section 4
    max_features: tuple[str, ...] = ("sqrt", "log2")  # MANTRA section 4
    folds: int = 2  # MANTRA section 4
    min_points: int = MIN_POINTS  # MANTRA tables: 5 and 10
    oversample: bool = True  # MANTRA section 4
    beginnings: int = 0  # published
    max_leaves: int = 180_000

    def __post_init__(self) -> None:
        if not self.trees or not self.max_features or self.folds < 2 or min(self.trees) < 1:
            raise ValueError(f"wanted at least one tree, one rule and two folds; got {self}")
        numbers = (*self.trees, self.folds, self.min_points, self.beginnings, self.max_leaves)
        if set(self.max_features) - {"sqrt", "log2"} or any(n % 1 for n in numbers):
            raise ValueError(f"wanted whole numbers, and the rules 'sqrt' and 'log2'; got {self}")
        if (
            self.min_points < MIN_POINTS
            or self.beginnings < 0
            or self.max_leaves < 2 * max(self.trees)
        ):
            raise ValueError(
                f"wanted min_points >= {MIN_POINTS}, beginnings >= 0, two leaves a tree; got {self}"
            )


@dataclass(frozen=True, eq=False)
class _Examples:
    """What the forest is trained on: which curve, how much of it, and whether redrawn.

    All arrays have shape (N,).
    """

    curve: NDArray[np.int64]
    end: NDArray[np.int64]
    redrawn: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.curve)


def readable(curve: LightCurve) -> LightCurve:
    """Return the points that the forest reads.

    One filter, that with most measurements. Fluxes, where known, become asinh magnitudes, so
    that a frame on which nothing was seen counts too; tables of magnitudes are read as they are.
    """
    if np.isfinite(curve.flux).any():
        curve = asinh_magnitudes(curve)
    measured = np.isfinite(curve.mag)
    names, counts = np.unique(curve.bands[measured], return_counts=True)
    if len(names) > 1:
        measured &= curve.bands == names[np.argmax(counts)]
    nothing = np.full(len(measured), np.nan)[measured]
    return replace(curve.select(measured), flux=nothing, flux_err=nothing, limit=nothing)


def truncated(curve: LightCurve, ends: Iterable[int]) -> list[LightCurve]:
    """Return the beginnings of a light curve.

    Parameters
    ----------
    curve : LightCurve
    ends : iterable of int
        Number of points of each beginning, such as those up to the end of every night.
    """
    return [curve.select(slice(int(end))) for end in ends]


def train_forest(
    curves: Sequence[LightCurve],
    labels: Sequence[TransientClass] | NDArray[np.str_],
    config: ForestConfig | None = None,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pipeline:
    """Train by the published recipe: oversample, standardise, choose by cross-validation.

    Parameters
    ----------
    curves : sequence of LightCurve
        As measured; see `readable`.
    labels : sequence of TransientClass
        One a curve.
    config : ForestConfig, optional
    seed : int
        The same seed grows the same trees.
    on_progress : callable, optional
        Called with the forests grown and to grow.

    Returns
    -------
    sklearn.pipeline.Pipeline
        A scaler and a random forest; see `forest_classes` for the order of its classes.

    Raises
    ------
    TrainingError
        If a class has fewer usable curves than there are folds, or there is only one class.
    """
    config = config or ForestConfig()
    rng = np.random.default_rng(seed)
    curves = [readable(curve) for curve in curves]
    targets = np.array([SIX_CLASSES.index(TransientClass(label)) for label in labels])
    lengths = np.array([len(curve) for curve in curves], dtype=np.int64)
    _check(targets[lengths >= config.min_points], config)
    examples = _choose_examples(lengths, targets, config, rng)
    features = np.concatenate(list(_measure(curves, examples, rng)))
    return _search(features, targets[examples.curve], examples, config, seed, on_progress)


def forest_classes(model: Pipeline) -> tuple[TransientClass, ...]:
    """Return the classes of the columns of `forest_probabilities`, in order."""
    return tuple(SIX_CLASSES[i] for i in model.classes_)


def forest_probabilities(model: Pipeline, curves: Sequence[LightCurve]) -> NDArray[np.float64]:
    """Classify light curves.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        From `train_forest`.
    curves : sequence of LightCurve

    Returns
    -------
    ndarray, shape (len(curves), K), float64
        Columns in the order of `forest_classes`; NaN where a curve has too few points.
    """
    return read_with_forest(model, curves)[0]


def read_with_forest(
    model: Pipeline, curves: Sequence[LightCurve]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `forest_probabilities` does, and the features (len(curves), 30) it is from."""
    features = extract_features([readable(curve) for curve in curves])
    known = np.isfinite(features).all(1)
    probabilities = np.full((len(features), len(model.classes_)), np.nan)
    if known.any():
        probabilities[known] = model.predict_proba(features[known])
    return probabilities, features


def _check(targets: NDArray[np.int64], config: ForestConfig) -> None:
    present, counts = np.unique(targets, return_counts=True)
    if len(present) < 2 or counts.min() < config.folds:
        found = {str(SIX_CLASSES[i]): int(n) for i, n in zip(present, counts, strict=True)}
        raise TrainingError(
            f"the forest needs two classes or more, each of at least {config.folds} curves with "
            f"{config.min_points} points; usable are {found or 'none'}"
        )


def _choose_examples(
    lengths: NDArray[np.int64],
    targets: NDArray[np.int64],
    config: ForestConfig,
    rng: np.random.Generator,
) -> _Examples:
    """Every usable curve, then its beginnings, then copies until the classes are of one size."""
    usable = np.flatnonzero(lengths >= config.min_points)
    curve = np.tile(usable, 1 + config.beginnings)
    end = lengths[curve]
    shorter = slice(len(usable), None)
    end[shorter] = rng.integers(config.min_points, end[shorter] + 1)
    redrawn = np.zeros(len(curve), dtype=bool)
    if config.oversample:
        members = [np.flatnonzero(targets[curve] == k) for k in np.unique(targets[curve])]
        most = max(len(m) for m in members)
        copies = np.concatenate([rng.choice(m, most - len(m)) for m in members])
        curve, end = np.append(curve, curve[copies]), np.append(end, end[copies])
        redrawn = np.append(redrawn, np.ones(len(copies), dtype=bool))
    return _Examples(curve, end, redrawn)


def _measure(
    curves: Sequence[LightCurve], examples: _Examples, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Features of the examples, some thousand at a time, each of shape (n, 30)."""
    for start in range(0, len(examples), _CHUNK):
        batch = []
        for i in range(start, min(start + _CHUNK, len(examples))):
            curve = curves[examples.curve[i]].select(slice(int(examples.end[i])))
            batch.append(_redrawn(curve, rng) if examples.redrawn[i] else curve)
        yield extract_features(batch)


def _redrawn(curve: LightCurve, rng: np.random.Generator) -> LightCurve:
    scatter = np.clip(np.nan_to_num(curve.mag_err), 0.0, None)
    return replace(curve, mag=rng.normal(curve.mag, scatter))


def _search(
    features: NDArray[np.float64],
    targets: NDArray[np.int64],
    examples: _Examples,
    config: ForestConfig,
    seed: int,
    on_progress: Callable[[int, int], None] | None,
) -> Pipeline:
    """Grow the forest with the settings of best macro F1 on whole curves held out."""
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(config.folds, shuffle=True, random_state=seed)
    splits = list(folds.split(features, targets, groups=examples.curve))
    grid = list(product(config.trees, config.max_features))
    whole = np.arange(len(targets)) < len(np.unique(examples.curve))  # they come first
    total, scores = len(grid) * len(splits) + 1, np.zeros((len(grid), len(splits)))
    for done, ((i, setting), (j, (fit, held_out))) in enumerate(
        product(enumerate(grid), enumerate(splits))
    ):
        if on_progress:
            on_progress(done, total)
        model = _pipeline(*setting, config.max_leaves, seed).fit(features[fit], targets[fit])
        test = held_out[whole[held_out]]
        verdicts = model.predict(features[test])
        scores[i, j] = f1_score(targets[test], verdicts, average="macro", zero_division=0)
    best = grid[int(scores.mean(1).argmax())]
    model = _pipeline(*best, config.max_leaves, seed).fit(features, targets)
    if on_progress:
        on_progress(total, total)
    return model


def _pipeline(trees: int, max_features: str, max_leaves: int, seed: int) -> Pipeline:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestClassifier(
        trees,
        max_features=max_features,
        max_leaf_nodes=max_leaves // trees,
        random_state=seed,
        n_jobs=1,
    )
    return Pipeline([("scale", StandardScaler()), ("forest", forest)])
