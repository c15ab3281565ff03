"""Whether a classifier can tell real light curves from simulated ones, and by what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from realsky.catalogue import CurveSet, thin
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import night_index
from taonet_core.transforms.features import FEATURES, extract_features

_EXTRA = (
    "mean mag", "mag q05", "mag q50", "mag q95",
    "mean error", "error q05", "error q50", "error q95", "error spread",
    "night scatter", "night scatter rms", "night scatter / error",
    "points", "nights", "points a night", "time between exposures",
    "night gap q50", "night gap q90", "longest gap", "seasons", "span",
)  # fmt: skip


def feature_names() -> list[str]:
    """Names of the columns of `describe`."""
    return [*FEATURES, *_EXTRA]


def describe(curves: list[LightCurve]) -> NDArray[np.float64]:
    """Return the 30 features, then statistics of magnitude, error and gaps, shape (N, 51)."""
    return np.column_stack([extract_features(curves), [_extra(curve) for curve in curves]])


def _extra(curve: LightCurve) -> list[float]:
    mag, err, night = curve.mag, curve.mag_err, night_index(curve.times)
    count = np.bincount(night)
    first = np.flatnonzero(np.diff(night, prepend=-1))
    scatter = np.array([np.ptp(mag[night == i]) for i in np.flatnonzero(count >= 3)])
    scatter = scatter if len(scatter) else np.zeros(1)
    gaps = np.diff(curve.times[first])
    inside = gaps[gaps < 60]
    inside = inside if len(inside) else np.array([60.0])
    step = np.diff(curve.times)[np.diff(night) == 0]
    return [
        mag.mean(), *np.quantile(mag, [0.05, 0.5, 0.95]),
        err.mean(), *np.quantile(err, [0.05, 0.5, 0.95]), err.std(),
        np.median(scatter), np.sqrt(np.mean(scatter**2)), np.median(scatter) / np.median(err),
        len(curve), len(count), count.mean(), np.median(step) if len(step) else 0.0,
        np.median(inside), np.quantile(inside, 0.9), gaps.max(initial=0.0),
        np.sum(gaps > 60) + 1, np.ptp(curve.times),
    ]  # fmt: skip


def match_lengths(
    real: CurveSet, simulated: CurveSet, rng: np.random.Generator
) -> tuple[CurveSet, CurveSet]:
    """Return pairs of a real and a simulated curve of the same length, as many as there can be.

    The pairing leaves the least total difference of log length; then the longer of a pair is
    thinned to the shorter, so that length cannot tell the two apart.
    """
    sides = [side.select(rng.permutation(len(side))) for side in (real, simulated)]
    lengths = [np.log([len(curve) for curve in side.curves]) for side in sides]
    rows, columns = linear_sum_assignment(np.abs(lengths[0][:, None] - lengths[1]))
    one, two = sides[0].select(rows), sides[1].select(columns)
    for i, (left, right) in enumerate(zip(one.curves, two.curves, strict=True)):
        points = min(len(left), len(right))
        for side, curve in ((one, left), (two, right)):
            if len(curve) > points + 2:
                side.curves[i] = thin(curve, points, rng)
    return one, two


def marginals(real: CurveSet, simulated: CurveSet) -> dict[str, dict[str, list[float]]]:
    """Quantiles (10, 50, 90 %) of every statistic of both, and their Kolmogorov distance."""
    one, two = describe(real.curves), describe(simulated.curves)
    table = {}
    for i, name in enumerate(feature_names()):
        table[name] = {
            "real": np.quantile(one[:, i], [0.1, 0.5, 0.9]).round(4).tolist(),
            "simulated": np.quantile(two[:, i], [0.1, 0.5, 0.9]).round(4).tolist(),
            "distance": [round(float(ks_2samp(one[:, i], two[:, i]).statistic), 3)],
        }
    return table


@dataclass(frozen=True, eq=False)
class Verdict:
    """Area under the ROC curve of each repetition, and what it rests on, most telling first."""

    auc: NDArray[np.float64]
    telling: list[tuple[str, float]]


def tell_apart(
    real: CurveSet, simulated: CurveSet, *, seed: int = 0, repeats: int = 5, trees: int = 150
) -> Verdict:
    """Cross-validate a gradient-boosted classifier of real against simulated, by groups."""
    rng = np.random.default_rng(seed)
    aucs, drops = [], []
    for repeat in range(repeats):
        one, two = match_lengths(real, simulated, rng)
        x = describe(one.curves + two.curves)
        y = np.repeat([1, 0], [len(one), len(two)])
        groups = np.concatenate([one.groups, two.groups])
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=repeat)
        score = np.empty(len(y))
        for fit, held in folds.split(x, y, groups):
            model = HistGradientBoostingClassifier(
                max_iter=trees, learning_rate=0.06, min_samples_leaf=8, random_state=repeat
            ).fit(x[fit], y[fit])
            score[held] = model.predict_proba(x[held])[:, 1]
            found = permutation_importance(
                model, x[held], y[held], scoring="roc_auc", n_repeats=2, random_state=repeat
            )
            drops.append(found.importances_mean)
        aucs.append(roc_auc_score(y, score))
    mean = np.mean(drops, 0)
    order = np.argsort(-mean)[:8]
    names = feature_names()
    return Verdict(np.array(aucs), [(names[i], round(float(mean[i]), 3)) for i in order])
