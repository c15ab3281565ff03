"""The strongest light-curve classifier we know how to build: boosted and randomised trees.

It reads the same forced photometry as the forest, and all that the photometry tells: the 30
features of MANTRA, and brightness, errors, non-detections, nights, seasons, outbursts and periods
(`transforms/curve_features`). Gradient boosting (histogram-based, as in LightGBM, Ke et al. 2017)
and extremely randomised trees (Geurts, Ernst & Wehenkel 2006) vote with equal weight. It is here so
that the networks have an honest rival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import night_index
from taonet_core.errors import TrainingError
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models.forest import readable
from taonet_core.transforms.curve_features import extract_curve_features
from taonet_core.transforms.features import FEATURE_NAMES, extract_features

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class BoostingConfig:
    """How the trees are boosted.

    Attributes
    ----------
    iterations : int
        Rounds of boosting, one tree a class each.
    learning_rate : float
        Share of each tree that is added.
    max_leaves, min_leaf : int
        Most leaves of a tree, fewest training curves in a leaf.
    l2 : float
        Penalty on the values of the leaves.
    max_features : float
        Share of the features tried at a split, of either kind of tree.
    random_trees, random_leaves : int
        Extremely randomised trees, and most leaves of each.
    beginnings : int
        Beginnings of random length that each training curve is joined by, because the model is
        asked after every night.
    min_points : int
        Curves with fewer measurements are neither trained on nor classified.
    """

    iterations: int = 300
    learning_rate: float = 0.05
    max_leaves: int = 24
    min_leaf: int = 40
    l2: float = 5.0
    max_features: float = 0.3
    random_trees: int = 80
    random_leaves: int = 300
    beginnings: int = 2
    min_points: int = 1

    def __post_init__(self) -> None:
        sizes = (self.max_leaves - 1, self.random_leaves - 1, self.min_leaf, self.min_points)
        counts = (self.iterations, self.random_trees, *sizes)
        whole = (*counts, self.beginnings)
        if min(counts) < 1 or self.beginnings < 0 or any(n % 1 for n in whole):
            raise ValueError(f"wanted whole numbers, at least one round and two leaves; got {self}")
        if not (0 < self.learning_rate <= 1 and 0 < self.max_features <= 1 and self.l2 >= 0):
            raise ValueError(f"wanted shares between 0 and 1 and a penalty >= 0; got {self}")


def curve_table(curves: Sequence[LightCurve]) -> NDArray[np.float64]:
    """Measure all that the boosting reads of light curves.

    Parameters
    ----------
    curves : sequence of LightCurve

    Returns
    -------
    ndarray, shape (len(curves), features), float64
        NaN where a feature is not defined.
    """
    published = extract_features([readable(curve) for curve in curves])
    return np.concatenate([published, extract_curve_features(curves)], axis=1)


def train_boosting(
    curves: Sequence[LightCurve],
    labels: Sequence[TransientClass] | NDArray[np.str_],
    config: BoostingConfig | None = None,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pipeline:
    """Train on whole light curves and on beginnings of them.

    Parameters
    ----------
    curves : sequence of LightCurve
        As measured.
    labels : sequence of TransientClass
        One a curve.
    config : BoostingConfig, optional
    seed : int
        The same seed grows the same trees.
    on_progress : callable, optional
        Called with the steps done and in all: measuring, then growing.

    Returns
    -------
    sklearn.pipeline.Pipeline
        See `taonet_core.models.forest.forest_classes` for the order of its classes.

    Raises
    ------
    TrainingError
        If fewer than two classes have a usable curve.
    """
    config = config or BoostingConfig()
    targets = np.array([SIX_CLASSES.index(TransientClass(label)) for label in labels])
    usable = np.flatnonzero([len(readable(curve)) >= config.min_points for curve in curves])
    if len(np.unique(targets[usable])) < 2:
        raise TrainingError(f"wanted curves of two classes or more; {len(usable)} are usable")
    rng = np.random.default_rng(seed)
    which = np.tile(usable, 1 + config.beginnings)
    examples = [curves[int(i)] for i in usable]
    examples += [_beginning(curves[int(i)], rng) for i in which[len(usable) :]]
    features = curve_table(examples)
    features[:, np.isnan(features).all(axis=0)] = 0.0  # scikit-learn cannot bin what is never known
    if on_progress:
        on_progress(1, 2)
    model = _voters(config, seed).fit(features, targets[which])
    del model[-1].named_estimators_  # a second way to the same trees, which a file would hold twice
    model[-1].estimators_[0]._bin_mapper.n_threads = 1  # else the file depends on the machine
    if on_progress:
        on_progress(2, 2)
    return model


def _voters(config: BoostingConfig, seed: int) -> Pipeline:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        VotingClassifier,
    )
    from sklearn.pipeline import Pipeline

    boosted = HistGradientBoostingClassifier(
        max_iter=config.iterations,
        learning_rate=config.learning_rate,
        max_leaf_nodes=config.max_leaves,
        min_samples_leaf=config.min_leaf,
        l2_regularization=config.l2,
        max_features=config.max_features,
        early_stopping=False,
        class_weight="balanced",
        random_state=seed,
    )
    randomised = ExtraTreesClassifier(
        config.random_trees,
        max_leaf_nodes=config.random_leaves,
        min_samples_leaf=3,
        max_features=config.max_features,
        class_weight="balanced",
        random_state=seed,
        n_jobs=1,
    )
    voters = [("boosted", boosted), ("randomised", randomised)]
    return Pipeline([("vote", VotingClassifier(voters, voting="soft"))])


def _beginning(curve: LightCurve, rng: np.random.Generator) -> LightCurve:
    """Return the first nights of a light curve, any number of them."""
    night = night_index(curve.times)
    return curve.select(night <= rng.integers(night[-1] + 1))


def boosting_probabilities(model: Pipeline, curves: Sequence[LightCurve]) -> NDArray[np.float64]:
    """Classify light curves.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        From `train_boosting`.
    curves : sequence of LightCurve

    Returns
    -------
    ndarray, shape (len(curves), K), float64
        NaN where a curve has no point.
    """
    return read_with_boosting(model, curves)[0]


def read_with_boosting(
    model: Pipeline, curves: Sequence[LightCurve]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `boosting_probabilities` does, and the published features (len(curves), 30)."""
    known = np.array([np.isfinite(c.flux).any() or np.isfinite(c.mag).any() for c in curves])
    probabilities = np.full((len(curves), len(model.classes_)), np.nan)
    features = np.full((len(curves), len(FEATURE_NAMES)), np.nan)
    if known.any():
        table = curve_table([curve for curve, has in zip(curves, known, strict=True) if has])
        probabilities[known] = model.predict_proba(table)
        features[known] = table[:, : len(FEATURE_NAMES)]
    return probabilities, features
