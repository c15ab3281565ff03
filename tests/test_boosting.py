"""The boosted trees learn, answer from the first night, and go through a file unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import TrainingError
from taonet_core.inference import predict
from taonet_core.labels import TransientClass
from taonet_core.models.boosting import BoostingConfig, boosting_probabilities, train_boosting
from taonet_core.models.forest import forest_classes, truncated
from taonet_core.models.weights import ModelBundle, load_model, save_model

SMALL = BoostingConfig(iterations=5, min_leaf=3, beginnings=1, random_trees=5)
SHAPES = {
    TransientClass.AGN: lambda t, rng: 800 + 300 * np.sin(t / 60 + rng.uniform(0, 6)),
    TransientClass.SN: lambda t, rng: 3000 * np.exp(-np.abs(t - 200) / 30),
    TransientClass.NON: lambda t, rng: 400 + 0 * t,
}


def make_curve(label: TransientClass, rng: np.random.Generator) -> LightCurve:
    """Make forced photometry of 10 to 20 nights of three exposures."""
    nights = np.sort(rng.uniform(0, 400, rng.integers(10, 20)))
    times = np.sort(nights[:, None] + [0.0, 0.01, 0.02], axis=None)
    flux = SHAPES[label](times, rng) + rng.normal(0, 20, len(times))
    nothing = np.full(len(times), np.nan)
    meta = {"label": label, "zero_point": 26.0, "object_id": "a"}
    return LightCurve(55000 + times, nothing, nothing, flux, np.full(len(times), 20.0), meta=meta)


def make_set(n: int, seed: int) -> tuple[list[LightCurve], list[TransientClass]]:
    rng = np.random.default_rng(seed)
    labels = [label for label in SHAPES for _ in range(n)]
    return [make_curve(label, rng) for label in labels], labels


@pytest.fixture(scope="module")
def model():
    return train_boosting(*make_set(15, 0), SMALL, seed=1)


def test_it_learns(model) -> None:
    curves, labels = make_set(20, 1)
    verdicts = boosting_probabilities(model, curves).argmax(1)
    right = [forest_classes(model)[v] == label for v, label in zip(verdicts, labels, strict=True)]
    assert np.mean(right) > 0.9


def test_it_answers_from_the_first_point_and_not_before(model) -> None:
    curves, _ = make_set(1, 2)
    probabilities = boosting_probabilities(model, truncated(curves[0], range(5)))
    assert np.isnan(probabilities[0]).all()
    np.testing.assert_allclose(probabilities[1:].sum(1), 1)


def test_company_changes_nothing(model) -> None:
    curves, _ = make_set(4, 3)
    together = boosting_probabilities(model, curves)
    alone = np.concatenate([boosting_probabilities(model, [curve]) for curve in curves])
    np.testing.assert_allclose(together, alone, atol=1e-9)


def test_the_same_seed_grows_the_same_trees() -> None:
    curves, labels = make_set(8, 4)
    one, two, other = (train_boosting(curves, labels, SMALL, seed=s) for s in (5, 5, 6))
    expected = boosting_probabilities(one, curves)
    np.testing.assert_array_equal(boosting_probabilities(two, curves), expected)
    assert (boosting_probabilities(other, curves) != expected).any()


def test_it_is_served_from_its_file_like_every_model(model, tmp_path) -> None:
    curves, _ = make_set(1, 5)
    classes = forest_classes(model)
    path = save_model(ModelBundle("small", "0", "boosting", classes, model, SMALL), tmp_path)
    prediction = predict(curves[0], load_model(path))
    expected = boosting_probabilities(model, curves[:1])[0]
    np.testing.assert_allclose(prediction.probabilities[-1], expected)
    assert prediction.n_nights == len(prediction.times) >= 10
    assert np.isfinite(prediction.probabilities).all()


def test_one_class_is_refused() -> None:
    curves, _ = make_set(3, 6)
    with pytest.raises(TrainingError, match="two classes"):
        train_boosting(curves[:3], [TransientClass.AGN] * 3, SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iterations": 0},
        {"max_leaves": 1},
        {"learning_rate": 0.0},
        {"beginnings": -1},
        {"iterations": float("inf")},
    ],
)
def test_settings_that_make_no_trees_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="wanted"):
        BoostingConfig(**wrong)
