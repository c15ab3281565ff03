"""Train on simulated light curves, test on real ones, beside the same forest trained on real."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold

from realsky.catalogue import CurveSet
from taonet_core.labels import FIVE_CLASSES
from taonet_core.models.forest import (
    ForestConfig,
    forest_classes,
    forest_probabilities,
    train_forest,
)

#: The published recipe with one setting of its grid, to save time.
CONFIG = ForestConfig(trees=(200,), max_features=("sqrt",))


def transfer(
    real: CurveSet, simulated: CurveSet, *, seed: int, folds: int = 5
) -> dict[str, NDArray[np.float64]]:
    """F1 of each class on all real curves, trained on real (cross-validated) and on simulated.

    Parameters
    ----------
    real, simulated : CurveSet
    seed : int
        Of the folds and the forests.
    folds : int
        Parts of the cross-validation; curves of one group stay together.

    Returns
    -------
    dict
        ``"real"`` and ``"simulated"``, each of shape (5,): the training set.
    """
    verdicts = np.empty(len(real), dtype=simulated.labels.dtype)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fit, held in splitter.split(real.labels, real.labels, real.groups):
        verdicts[held] = _classify(real.select(fit), real.select(held), seed)
    return {
        "real": _scores(real.labels, verdicts),
        "simulated": _scores(real.labels, _classify(simulated, real, seed)),
    }


def _classify(training: CurveSet, test: CurveSet, seed: int) -> NDArray[np.str_]:
    model = train_forest(training.curves, list(training.labels), CONFIG, seed=seed)
    names = np.array([str(label) for label in forest_classes(model)])
    return names[forest_probabilities(model, test.curves).argmax(1)]


def _scores(truth: NDArray[np.str_], verdicts: NDArray[np.str_]) -> NDArray[np.float64]:
    labels = [str(label) for label in FIVE_CLASSES]
    return f1_score(truth, verdicts, labels=labels, average=None, zero_division=0)
