"""The scores, against numbers worked out by hand and against their definitions."""

import json

import numpy as np
import pytest

from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.metrics import (
    calibration_error,
    evaluate_probabilities,
    max_f1,
    reliability,
)

AGN, BZ, SN = TransientClass.AGN, TransientClass.BZ, TransientClass.SN


def one_hot(verdicts, classes):
    return np.array([[float(v == c) for c in classes] for v in verdicts])


def test_perfect_probabilities_score_one_everywhere():
    labels = [*SIX_CLASSES, *SIX_CLASSES]
    scores = evaluate_probabilities(one_hot(labels, SIX_CLASSES), labels, SIX_CLASSES)
    assert scores["macro_f1"] == scores["macro_max_f1"] == scores["macro_recall"] == 1.0
    assert scores["std_f1"] == 0.0
    assert scores["confusion"] == (2 * np.eye(6, dtype=int)).tolist()


def test_known_confusion():
    labels = [AGN, AGN, AGN, SN, SN]
    verdicts = [AGN, AGN, SN, SN, AGN]
    scores = evaluate_probabilities(one_hot(verdicts, (AGN, SN)), labels, (AGN, SN))
    assert scores["confusion"] == [[2, 1], [1, 1]]  # true classes down, verdicts across
    assert scores["per_class"]["AGN"]["precision"] == pytest.approx(2 / 3)
    assert scores["per_class"]["AGN"]["f1"] == pytest.approx(2 / 3)
    assert scores["per_class"]["SN"]["recall"] == pytest.approx(1 / 2)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores["std_f1"] == pytest.approx((2 / 3 - 1 / 2) / 2)  # population, not sample
    assert scores["n"] == 5


def test_max_f1_chooses_the_best_threshold():
    # Ranked: yes, yes, no, yes, no. Cutting after rank 2 gives P 1, R 2/3 (F1 0.8);
    # after rank 4 P 3/4, R 1 (F1 6/7), the best there is.
    assert max_f1([True, True, False, True, False], [0.9, 0.8, 0.7, 0.2, 0.1]) == pytest.approx(
        6 / 7
    )


def test_max_f1_depends_on_the_order_of_scores_only():
    rng = np.random.default_rng(3)
    truth, scores = rng.random(60) < 0.3, rng.random(60)
    assert max_f1(truth, scores) == pytest.approx(max_f1(truth, np.exp(5 * scores)))


def test_max_f1_is_never_below_the_f1_of_any_threshold():
    rng = np.random.default_rng(4)
    truth, scores = rng.random(60) < 0.3, rng.random(60)
    for threshold in scores:
        chosen = scores >= threshold
        f1 = 2 * (chosen & truth).sum() / (chosen.sum() + truth.sum())
        assert max_f1(truth, scores) >= f1 - 1e-12


def test_swapping_classes_swaps_the_scores():
    rng = np.random.default_rng(5)
    labels = rng.choice([str(c) for c in SIX_CLASSES], 80)
    probabilities = rng.dirichlet(np.ones(6), 80)
    order = rng.permutation(6)
    one = evaluate_probabilities(probabilities, labels, SIX_CLASSES)
    two = evaluate_probabilities(probabilities[:, order], labels, [SIX_CLASSES[i] for i in order])
    assert one["per_class"] == two["per_class"]
    assert one["macro_f1"] == pytest.approx(two["macro_f1"])


def test_a_class_without_objects_has_no_score_and_no_say_in_the_averages():
    labels = [AGN, SN]
    scores = evaluate_probabilities(one_hot([AGN, BZ], (AGN, BZ, SN)), labels, (AGN, BZ, SN))
    assert scores["per_class"]["BZ"] == dict.fromkeys(("precision", "recall", "f1", "max_f1")) | {
        "support": 0
    }
    assert scores["macro_f1"] == pytest.approx(1 / 2)
    json.dumps(scores, allow_nan=False)


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.empty((0, 2)), []),
        (np.ones((2, 3)), [AGN, SN]),
        (np.full((2, 2), np.nan), [AGN, SN]),
        (np.ones((2, 2)), [AGN, BZ]),
    ],
    ids=["no object", "wrong width", "not finite", "label the model does not know"],
)
def test_what_cannot_be_scored_is_refused(probabilities, labels):
    with pytest.raises(ValueError, match="wanted"):
        evaluate_probabilities(probabilities, labels, (AGN, SN))


def test_reliability_and_calibration_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.35, 0.65]])
    truth = np.array([0, 1, 1, 1])
    found = reliability(probabilities, truth, bins=2)
    assert found.count.tolist() == [0, 4]
    assert found.confidence[1] == pytest.approx(0.7625)
    assert found.accuracy[1] == pytest.approx(0.75)
    assert np.isnan(found.accuracy[0])
    fine = calibration_error(probabilities, truth, bins=5)  # 0.6 to 0.8 and 0.8 to 1
    assert fine == pytest.approx((abs(0.625 - 1) * 2 + abs(0.9 - 0.5) * 2) / 4)


def test_honest_probabilities_have_a_small_calibration_error(rng):
    probabilities = rng.dirichlet(np.ones(4), 40_000)
    truth = (np.cumsum(probabilities, 1) < rng.random((40_000, 1))).sum(1)
    assert calibration_error(probabilities, truth) < 0.01
    assert calibration_error(probabilities**3 / (probabilities**3).sum(1)[:, None], truth) > 0.1
