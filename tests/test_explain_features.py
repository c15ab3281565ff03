"""Shapley values of light-curve models: what must hold whatever the trees."""

import dataclasses

import numpy as np
import pytest

from taonet_core.errors import IncompatibleWeightsError
from taonet_core.explain import explain_features
from taonet_core.explaining.feature_importance import background, shapley_values
from taonet_core.explaining.feature_points import feature_points
from taonet_core.inference import predict
from taonet_core.models.weights import load_model
from taonet_core.outputs import curve_nights

EVENT = 4000.0 * np.repeat([0, 0, 1, 0.6, 0.3, 0.1], 2)  # counts, two frames a night


@pytest.fixture(scope="module")
def forest():
    return load_model("forest")


@pytest.fixture
def event(make_sequence):
    return make_sequence(flux=EVENT)


def test_what_a_linear_model_adds_is_known(rng):
    slopes, own, known = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(7, 5))
    found = shapley_values(lambda rows: rows @ slopes, own, known, rng, walks=14)
    np.testing.assert_allclose(found, slopes * (own - known.mean(0)), atol=1e-12)


def test_of_two_that_act_together_each_gets_half(rng):
    own, known = np.array([2.0, 3.0, 9.0]), np.zeros((1, 3))
    found = shapley_values(lambda rows: rows[:, 0] * rows[:, 1], own, known, rng, walks=4000)
    assert found == pytest.approx([3, 3, 0], abs=0.2)
    assert found.sum() == pytest.approx(6)


@pytest.mark.parametrize("name", ["forest", "boosting"])
def test_contributions_sum_to_the_probability_minus_the_base(event, name):
    found = explain_features(event, name)
    verdict = predict(event, name)
    assert found.target == verdict.verdict
    assert found.probability == pytest.approx(verdict.confidence)
    assert found.contributions.sum() == pytest.approx(found.probability - found.base)
    assert len(found.names) == len(found.values) == len(found.contributions)
    assert np.abs(found.contributions)[found.ranked[0]] == np.abs(found.contributions).max()


def test_a_against_b_is_minus_b_against_a(event, forest):
    one = explain_features(event, forest, target="SN", against="CV")
    other = explain_features(event, forest, target="CV", against="SN")
    np.testing.assert_allclose(one.contributions, -other.contributions, atol=1e-12)
    final = predict(event, forest).final()
    assert one.probability == pytest.approx(final[one.target] - final[other.target])


def test_features_have_their_place_on_the_curve(event, forest):
    curve = curve_nights(event, forest).curve
    found = explain_features(event, forest)
    values = dict(zip(found.names, found.values, strict=True))
    assert set(found.points["amplitude"].tolist()) & {4, 5}  # brightest on the third night
    assert len(found.points["beyond1st"]) / len(curve) == pytest.approx(values["beyond1st"])
    near = len(found.points.get("median_buffer_range_percentage", [])) / len(curve)
    assert near == pytest.approx(values["median_buffer_range_percentage"])
    rising = len(found.points["pair_slope_trend"]) / len(curve)
    assert rising == pytest.approx(values["pair_slope_trend"])
    a, b = found.points["max_slope"].tolist()
    assert b == a + 1 and set(found.points) <= set(found.names)


def test_points_are_counted_on_the_sequence_not_on_what_was_read(event, forest):
    frames = event.frames.copy()
    frames[0] = np.nan  # an unusable frame before all others
    shifted = explain_features(event.with_frames(frames), forest)
    assert shifted.points["amplitude"].min() >= 1
    brightest = shifted.points["percent_amplitude"][0]
    assert brightest in (4, 5)


def test_too_short_a_curve_has_no_places(event):
    from taonet_core.transforms.photometry import extract_light_curve

    assert feature_points(extract_light_curve(event.select(slice(3)))) == {}


def test_nothing_explainable_is_refused_with_a_reason(event, forest):
    with pytest.raises(ValueError, match="use explain"):
        explain_features(event, "taonet")
    with pytest.raises(ValueError, match="knows the classes"):
        explain_features(event, forest, target="comet")
    blank = dataclasses.replace(forest, sidecar={})
    with pytest.raises(IncompatibleWeightsError, match="benchmarks/explanations"):
        explain_features(event, blank)
    assert background(forest).shape == (48, 30)
