"""Calibrated probabilities are right as often as they say; sets hold the truth as promised."""

import numpy as np
import pytest

from taonet_core.models.calibration import (
    Calibration,
    at_nights,
    fit_calibration,
    reweight,
    softmax,
)

K = 4


def drawn(rng, n_objects, n_nights, temperature):
    """Draw labels from softmax(z) and give out z times a temperature that differs by night."""
    truth = np.resize(np.arange(K), n_objects)
    evidence = rng.normal(0, 0.5, (n_objects, n_nights, K))
    evidence[np.arange(n_objects), :, truth] += 0.25  # a likelihood ratio of exp(z_a - z_b)
    honest = np.cumsum(evidence, 1)
    return [z * temperature[:, None] for z in honest], truth


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    temperature = 3.0 / np.arange(1, 25) ** 0.25
    logits, truth = drawn(rng, 4000, 24, temperature)
    return fit_calibration(logits, truth), temperature


def test_temperatures_are_found_at_every_number_of_nights(fitted):
    calibration, temperature = fitted
    assert calibration.nights == (1, 2, 3, 4, 6, 8, 12, 16, 24)
    known = temperature[np.array(calibration.nights) - 1]
    np.testing.assert_allclose(calibration.temperatures, known, rtol=0.2)


def test_a_temperature_changes_no_verdict_and_is_the_one_scikit_learn_finds(rng):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Given(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def decision_function(self, X):
            return X

        def predict(self, X):
            return self.classes_[X.argmax(1)]

    logits, truth = drawn(rng, 2000, 1, np.array([2.0]))
    rows = np.concatenate(logits)
    ours = fit_calibration(logits, truth).probabilities(rows[:1])
    given = FrozenEstimator(Given().fit(rows, truth))
    theirs = CalibratedClassifierCV(given, method="temperature", ensemble=False).fit(rows, truth)
    np.testing.assert_allclose(ours, theirs.predict_proba(rows[:1]), atol=2e-3)
    assert ours.argmax() == rows[0].argmax()


def test_sets_hold_the_class_of_as_many_objects_of_each_class_as_promised(fitted):
    calibration, temperature = fitted
    logits, truth = drawn(np.random.default_rng(1), 8000, 24, temperature)
    sets = np.array([calibration.sets(calibration.probabilities(z)) for z in logits])
    held = sets[np.arange(len(truth)), :, truth]  # (objects, nights)
    for k in range(K):
        assert np.abs(held[truth == k].mean(0) - 0.9).max() < 0.04
    assert sets[:, -1].sum(1).mean() < sets[:, 0].sum(1).mean() < K


def test_the_threshold_of_a_class_leaves_out_one_in_ten_of_n_plus_one():
    chances = np.linspace(0.01, 0.99, 99)
    logits = np.log(np.stack([chances, 1 - chances], 1))
    both = [*logits[:, None, :], *logits[:, None, ::-1]]
    truth = np.repeat([0, 1], 99)
    calibration = fit_calibration(both, truth)
    t = calibration.temperatures[0]
    tenth = softmax(np.log([0.1, 0.9]) / t)[0]  # the tenth smallest of 99: 10 of 100
    assert calibration.thresholds[0] == pytest.approx((tenth, tenth), rel=1e-6)


def test_where_the_model_cannot_say_no_class_is_ruled_out(fitted):
    calibration, _ = fitted
    logits = np.full((3, K), np.nan)
    logits[2] = [5.0, 0.0, 0.0, 0.0]
    probabilities = calibration.probabilities(logits)
    assert np.isnan(probabilities[:2]).all()
    assert probabilities[2].sum() == pytest.approx(1)
    assert calibration.sets(probabilities)[:2].all()
    assert not calibration.sets(probabilities)[2].all()


def test_a_class_without_a_vote_stays_possible(fitted):
    calibration, _ = fitted
    votes = np.where(np.eye(K) > 0, 0.0, -np.inf)  # logarithms of 1 and 0
    probabilities = calibration.probabilities(votes)
    assert (probabilities > 0).all()
    assert probabilities.argmax(1).tolist() == list(range(K))


def test_values_run_linearly_in_the_logarithm_of_the_nights():
    found = at_nights((2, 8), [[0.0, 1.0], [2.0, 5.0]], np.array([1, 2, 4, 8, 100]))
    np.testing.assert_allclose(found, [[0, 1], [0, 1], [1, 3], [2, 5], [2, 5]])


def test_new_priors_are_those_of_bayes(rng):
    likelihood = rng.random((5, K))
    old, new = np.full(K, 1 / K), np.array([0.7, 0.1, 0.1, 0.1])
    before = likelihood * old / (likelihood * old).sum(1, keepdims=True)
    wanted = likelihood * new / (likelihood * new).sum(1, keepdims=True)
    np.testing.assert_allclose(reweight(before, old, new), wanted)


@pytest.mark.parametrize(
    "change",
    [
        {"temperatures": (1.0, 0.0)},
        {"temperatures": (1.0,)},
        {"nights": (8, 2)},
        {"thresholds": ((0.1, 0.1), (0.1, 1.5))},
        {"prior": (0.9, 0.2)},
        {"prior": (1.0, 0.0)},
        {"coverage": 1.0},
    ],
)
def test_numbers_that_cannot_be_are_refused(change):
    good = {
        "nights": (2, 8),
        "temperatures": (1.0, 2.0),
        "thresholds": ((0.1, 0.1), (0.1, 0.1)),
        "prior": (0.5, 0.5),
    }
    Calibration(**good)
    with pytest.raises(ValueError):
        Calibration(**good | change)


def test_too_few_objects_are_refused(rng):
    logits, truth = drawn(rng, 4 * K, 3, np.ones(3))
    with pytest.raises(ValueError, match="of each of 4 classes"):
        fit_calibration(logits, truth)


def test_the_sets_are_those_of_crepes(rng):
    import crepes

    logits, truth = drawn(rng, 800, 1, np.ones(1))
    new, _ = drawn(rng, 300, 1, np.ones(1))
    calibration = fit_calibration(logits, truth)
    known, found = (
        np.concatenate([calibration.probabilities(z) for z in rows]) for rows in (logits, new)
    )
    theirs = crepes.ConformalClassifier().fit(1 - known[np.arange(800), truth], bins=truth)
    ours = np.array([calibration.sets(row[None])[0] for row in found])
    for k in range(K):
        wanted = theirs.predict_set(
            1 - found[:, [k]], bins=np.full(300, k), confidence=0.9, smoothing=False
        )
        np.testing.assert_array_equal(ours[:, k], wanted[:, 0])
