"""Prediction: every night, every source, any company, and what the model was not trained for."""

import numpy as np
import pytest
import torch

from taonet_core import predict
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.domain import novelty_warnings
from taonet_core.errors import InvalidSequenceError
from taonet_core.inference import predict_many
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.forest import ForestConfig, train_forest
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle
from taonet_core.orientation import orientation_range
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import PreprocessConfig
from taonet_core.transforms.symmetry import symmetry

DOMAIN = {"domain": {"bands": [""], "pixel_scale": 2.5, "nights": [3, 40]}}


def star(rng, n_nights=6, *, band=None, **meta):
    """Make a star of 2,000 counts a frame on a sky of 2,000, two exposures a night."""
    y, x = np.mgrid[:64, :64] - 32
    profile = np.exp(-(x**2 + y**2) / 2.0) / (2 * np.pi) * 2000
    times = np.sort(np.concatenate([np.arange(n_nights) * 12.0 + d for d in (0.2, 0.21)]))
    frames = rng.normal(2000, 22, (len(times), 64, 64)) + profile
    columns = {} if band is None else {"band": np.resize(band, len(times))}
    known = {"object_id": "star", "pixel_scale": 2.5, "zero_point": 26.0, "simulated": True}
    return ImageSequence(frames, times, meta=known | meta, columns=columns)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    model = TAONet(config).eval()
    sidecar = DOMAIN | {"training": {"simulated": True}}
    return ModelBundle(
        "net", "1", "taonet", SIX_CLASSES, model, config, PreprocessConfig(), sidecar
    )


@pytest.fixture(scope="module")
def forest():
    rng = np.random.default_rng(0)
    curves = [extract_light_curve(star(rng)) for _ in range(24)]
    labels = np.resize([str(c) for c in SIX_CLASSES], 24)
    config = ForestConfig()
    model = train_forest(curves, labels, config, seed=0)
    return ModelBundle("forest", "1", "forest", SIX_CLASSES, model, config, None, DOMAIN)


@pytest.fixture(params=["network", "forest"])
def bundle(request):
    return request.getfixturevalue(request.param)


def test_there_is_a_probability_after_every_night(bundle, rng):
    prediction = predict(star(rng), bundle)
    spoken = prediction.probabilities[np.isfinite(prediction.probabilities).all(1)]
    assert prediction.probabilities.shape == (6, 6)
    assert spoken.sum(1) == pytest.approx(1.0)
    assert np.isfinite(prediction.probabilities[-1]).all()
    assert prediction.night_of_frame.tolist() == np.repeat(np.arange(6), 2).tolist()
    assert prediction.meta["object_id"] == "star"


def test_the_spread_is_that_of_the_orientations(network, rng):
    sequence = star(rng, 5)
    low, high = orientation_range(sequence, network)
    upright = predict(sequence, network).probabilities
    assert low.shape == upright.shape and (low < high).all()
    assert (low <= upright + 1e-6).all() and (upright <= high + 1e-6).all()
    turned = ImageSequence(symmetry(sequence.frames, 5), sequence.times, meta=sequence.meta)
    np.testing.assert_allclose(orientation_range(turned, network), [low, high], atol=2e-3)


def test_company_in_the_batch_changes_nothing(bundle, rng):
    sequences = [star(rng, n) for n in (4, 9, 6)]
    together = predict_many(sequences, bundle)
    for sequence, answer in zip(sequences, together, strict=True):
        alone = predict(sequence, bundle)
        np.testing.assert_allclose(alone.probabilities, answer.probabilities, atol=1e-6)


def test_an_early_probability_uses_no_later_frame(bundle, rng):
    sequence = star(rng, 8)
    whole = predict(sequence, bundle).probabilities
    early = predict(sequence.select(slice(0, 10)), bundle).probabilities
    np.testing.assert_allclose(early[-1], whole[4], atol=1e-6)


def test_one_that_cannot_be_classified_does_not_stop_the_rest(bundle, rng):
    empty = star(rng).with_frames(np.full((12, 64, 64), np.nan))
    first, second = predict_many([empty, star(rng)], bundle)
    assert isinstance(first, InvalidSequenceError)
    assert second.n_nights == 6
    with pytest.raises(InvalidSequenceError):
        predict(empty, bundle)


def test_only_the_filter_of_most_nights_is_read_and_the_rest_is_said(bundle, rng):
    sequence = star(rng, 9, band=["r", "r", "g", "r"])
    prediction = predict(sequence, bundle)
    other = sequence.bands == "g"
    assert (prediction.night_of_frame[other] == -1).all()
    reason = prediction.meta["unused"][int(np.flatnonzero(other)[0])]
    assert "filter g" in reason
    assert any("Filter r" in text for text in prediction.meta["warnings"])


def test_the_filter_is_chosen_by_the_whole_sequence_and_early_rows_follow_it(bundle, rng):
    sequence = star(rng, 18, band=["g"] * 14 + ["r"] * 22)
    whole = predict(sequence, bundle)
    early = predict(sequence.select(slice(0, 24)), bundle)
    assert (whole.night_of_frame[:14] == -1).all()  # r leads in the end
    assert (early.night_of_frame[:14] >= 0).all()  # on that date it was g
    alone = predict(sequence.select(slice(14, 24)), bundle).probabilities
    np.testing.assert_allclose(whole.probabilities[:5], alone, atol=1e-6)


def test_what_the_model_was_not_trained_for_is_said(network, rng):
    def warnings(sequence):
        return " ".join(predict(sequence, network).meta["warnings"])

    assert warnings(star(rng)) == ""
    assert "2.5 times larger" in warnings(star(rng, pixel_scale=1.0))
    assert "Pixel scale unknown" in warnings(star(rng, pixel_scale=None))
    for unknown in (None, np.nan):
        assert "Zero point unknown" in warnings(star(rng, zero_point=unknown))
    assert "trained on simulated images" in warnings(star(rng, simulated=False))
    assert "2 nights" in warnings(star(rng, 2))
    assert "No times" in warnings(star(rng, time_kind="index"))


def test_a_light_curve_goes_to_the_forest_and_not_to_a_network(network, forest, rng):
    times = np.sort(rng.uniform(54000, 54300, 30))
    curve = LightCurve(
        times, rng.normal(18, 0.2, 30), np.full(30, 0.1), meta={"object_id": "curve"}
    )
    assert predict(curve, forest).meta["object_id"] == "curve"
    with pytest.raises(InvalidSequenceError, match="reads images"):
        predict(curve, network)
    with pytest.raises(InvalidSequenceError, match="at least"):
        predict(curve.select(slice(0, 2)), forest)


def test_an_empty_light_curve_stops_nothing_and_only_measured_points_choose_the_filter(forest, rng):
    times = 54000 + 5.0 * np.arange(26)
    bands = np.array(["g"] * 14 + ["r"] * 12)
    mag = np.where(np.arange(26) < 10, np.nan, rng.normal(18, 0.2, 26))
    curve = LightCurve(times, mag, np.full(26, 0.1), bands=bands)
    empty, mixed = predict_many([LightCurve([], [], []), curve], forest)
    assert isinstance(empty, InvalidSequenceError)
    assert mixed.night_of_frame.tolist() == [-1] * 14 + list(range(12))


def test_pixels_beyond_every_bound_still_give_finite_probabilities(network, rng):
    sequence = star(rng)
    frames = sequence.frames.copy()
    frames[0, 10, 10], frames[1, 11, 11], frames[2, 30, 30] = np.inf, 1e37, -1e37
    frames[3] *= 1e6
    assert np.isfinite(predict(sequence.with_frames(frames), network).probabilities).all()


def test_shares_of_the_classes_weigh_the_probabilities_by_bayes(bundle, rng):
    sequence = star(rng)
    flat = predict(sequence, bundle)
    told = predict(sequence, bundle, priors={"SN": 0.5})
    prior = np.array([0.5 if c == "SN" else 0.1 for c in SIX_CLASSES])
    wanted = flat.probabilities[-1] * prior
    np.testing.assert_allclose(told.probabilities[-1], wanted / wanted.sum())
    assert told.meta["priors"]["AGN"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "priors", [{}, {"UFO": 0.1}, {"SN": 0.0}, {"SN": 1.0}, dict.fromkeys(SIX_CLASSES, 0.1)]
)
def test_shares_that_cannot_be_are_refused(network, rng, priors):
    with pytest.raises(ValueError, match="wanted positive shares"):
        predict(star(rng), network, priors=priors)


def test_averaged_over_the_symmetries_no_orientation_is_left(network, rng):
    sequence = star(rng)
    turned = sequence.with_frames(symmetry(sequence.frames, 5))
    answers = predict_many([sequence, turned], network, symmetries=True)
    np.testing.assert_allclose(*(a.probabilities for a in answers), atol=1e-5)
    plain = predict_many([sequence, turned], network)
    assert not np.allclose(*(a.probabilities for a in plain), atol=1e-5)


def test_a_model_that_was_not_calibrated_gives_no_set_and_no_novelty(bundle, rng):
    prediction = predict(star(rng), bundle)
    assert prediction.prediction_sets is None
    assert prediction.prediction_set is None
    assert np.isnan(prediction.novelty)


@pytest.mark.parametrize(("novelty", "said"), [(np.nan, 0), (50.0, 0), (99.5, 1)])
def test_only_what_is_stranger_than_nearly_all_is_called_so(novelty, said):
    assert len(novelty_warnings(novelty)) == said
