"""The light-curve forest learns, and says the same of the same curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import TrainingError
from taonet_core.labels import FIVE_CLASSES, TransientClass
from taonet_core.models.forest import (
    ForestConfig,
    forest_classes,
    forest_probabilities,
    readable,
    train_forest,
    truncated,
)

SMALL = ForestConfig(trees=(20,), max_features=("sqrt",), beginnings=1)
SHAPES = {
    TransientClass.AGN: lambda t, rng: 18 + 0.4 * np.sin(t / 60 + rng.uniform(0, 6)),
    TransientClass.SN: lambda t, rng: 18 + 0.02 * np.abs(t - 200),
    TransientClass.NON: lambda t, rng: 18 + 0 * t,
}


def make_curve(label: TransientClass, rng: np.random.Generator) -> LightCurve:
    times = np.sort(rng.uniform(0, 400, rng.integers(25, 60)))
    mag = SHAPES[label](times, rng) + rng.normal(0, 0.05, len(times))
    return LightCurve(55000 + times, mag, np.full(len(times), 0.05), meta={"label": label})


def make_set(n: int, seed: int) -> tuple[list[LightCurve], list[TransientClass]]:
    rng = np.random.default_rng(seed)
    labels = [label for label in SHAPES for _ in range(n)]
    return [make_curve(label, rng) for label in labels], labels


@pytest.fixture(scope="module")
def model():
    curves, labels = make_set(15, 0)
    return train_forest(curves[3:], labels[3:], SMALL, seed=1)  # classes of unequal size


def test_it_learns(model) -> None:
    curves, labels = make_set(20, 1)
    verdicts = forest_probabilities(model, curves).argmax(1)
    right = [forest_classes(model)[v] == label for v, label in zip(verdicts, labels, strict=True)]
    assert np.mean(right) > 0.9


def test_classes_stand_in_the_order_of_the_project(model) -> None:
    assert forest_classes(model) == (TransientClass.AGN, TransientClass.SN, TransientClass.NON)


def test_probabilities_sum_to_one_or_are_nan_while_there_is_little(model) -> None:
    curves, _ = make_set(1, 2)
    ends = range(len(curves[0]) + 1)
    probabilities = forest_probabilities(model, truncated(curves[0], ends))
    assert np.isnan(probabilities[:5]).all()
    np.testing.assert_allclose(probabilities[5:].sum(1), 1)
    np.testing.assert_array_equal(
        probabilities[20], forest_probabilities(model, [curves[0].select(slice(20))])[0]
    )


def test_company_changes_nothing(model) -> None:
    curves, _ = make_set(4, 3)
    together = forest_probabilities(model, curves)
    alone = np.concatenate([forest_probabilities(model, [curve]) for curve in curves])
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_the_same_seed_grows_the_same_trees() -> None:
    curves, labels = make_set(6, 4)
    one, two, other = (train_forest(curves, labels, SMALL, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(
        forest_probabilities(one, curves), forest_probabilities(two, curves)
    )
    assert (forest_probabilities(one, curves) != forest_probabilities(other, curves)).any()


def test_the_grid_is_searched_and_progress_told() -> None:
    curves, labels = make_set(6, 7)
    config = ForestConfig(trees=(5, 9), max_features=("sqrt", "log2"), beginnings=0)
    told: list[tuple[int, int]] = []
    model = train_forest(curves, labels, config, on_progress=lambda *step: told.append(step))
    assert told[-1] == (9, 9) and [done for done, _ in told[:-1]] == list(range(8))
    assert len(model[-1].estimators_) in (5, 9)


def test_it_goes_through_skops(model) -> None:
    curves, _ = make_set(3, 8)
    blob = skops.io.dumps(model)
    assert set(skops.io.get_untrusted_types(data=blob)) == {"sklearn.tree._tree.Tree"}
    again = skops.io.loads(blob, trusted=["sklearn.tree._tree.Tree"])
    np.testing.assert_array_equal(
        forest_probabilities(again, curves), forest_probabilities(model, curves)
    )


def test_the_trees_keep_to_their_leaves() -> None:
    curves, labels = make_set(10, 9)
    config = ForestConfig(trees=(10,), max_features=("sqrt",), max_leaves=30)
    model = train_forest(curves, labels, config)
    assert max(tree.get_n_leaves() for tree in model[-1].estimators_) <= 3


def test_curves_measured_on_images_count_frames_without_detection() -> None:
    flux = np.array([500.0, -3, 2, 400, 300, np.nan])
    nothing = np.full(6, np.nan)
    curve = LightCurve(np.arange(6.0), nothing, nothing, flux, np.full(6, 10.0))
    read = readable(curve)
    assert len(read) == 5 and np.isfinite(read.mag).all()
    np.testing.assert_array_equal(readable(read).mag, read.mag)


def test_one_filter_is_read() -> None:
    bands = np.array(["g", "r", "r", "g", "r"])
    mag = np.array([17.0, 18, 18, 17, 18])
    curve = LightCurve(np.arange(5.0), mag, np.full(5, 0.1), bands=bands)
    assert readable(curve).mag.tolist() == [18, 18, 18]


def test_too_few_curves_are_refused() -> None:
    curves, labels = make_set(3, 10)
    with pytest.raises(TrainingError, match="at least 2 curves"):
        train_forest(curves[:4], labels[:4], SMALL)
    with pytest.raises(TrainingError, match="usable are none"):
        train_forest([c.select(slice(3)) for c in curves], labels, SMALL)


@pytest.mark.parametrize(
    "wrong", [{"trees": ()}, {"folds": 1}, {"min_points": 3}, {"max_leaves": 5}]
)
def test_settings_that_make_no_forest_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="wanted"):
        ForestConfig(**wrong)


@pytest.mark.data
def test_real_transients_are_told_apart(real_data: Path) -> None:
    """Far above chance (macro F1 0.2) on real CRTS curves, by sky position, halves swapped."""
    from sklearn.metrics import f1_score

    data = real_data / "crts"
    curves = read_light_curves(data / "transients.parquet")
    groups = pd.read_csv(data / "transients_objects.csv", dtype={"object_id": str})
    group = groups.set_index("object_id")["group"]
    labels = np.array([curve.meta["label"] for curve in curves.values()])
    half = np.array([group[name] % 2 for name in curves])
    values = np.array(list(curves.values()), dtype=object)
    verdicts = np.empty(len(values), dtype=object)
    for side in (0, 1):
        config = ForestConfig(trees=(100,), max_features=("sqrt",))
        model = train_forest(values[half != side].tolist(), labels[half != side], config)
        assert forest_classes(model) == FIVE_CLASSES
        probabilities = forest_probabilities(model, values[half == side].tolist())
        verdicts[half == side] = np.array(FIVE_CLASSES)[probabilities.argmax(1)]
    assert f1_score(labels, verdicts.astype(str), average="macro") > 0.5
