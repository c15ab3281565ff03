"""Explanations of image models: what they must satisfy whatever they show."""

import dataclasses

import numpy as np
import pytest
import torch

from taonet_core.data.results import Attribution
from taonet_core.errors import InvalidSequenceError
from taonet_core.explain import BASELINES, METHODS, evidence_shares, explain
from taonet_core.explaining.methods import Score, baseline_frames
from taonet_core.inference import predict
from taonet_core.models.batching import collate
from taonet_core.models.weights import load_model
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import stack_nights

EVENT = 4000.0 * np.repeat([0, 0, 1, 0.6, 0.3, 0.1], 2)  # counts, two frames a night


@pytest.fixture(scope="module")
def bundle():
    return load_model("taonet")


@pytest.fixture
def event(make_sequence):
    """Return a bright source that appears on the third of six nights and fades."""
    return make_sequence(flux=EVENT)


@pytest.fixture(scope="module")
def paper():
    return load_model("taonet-paper")


def test_holding_the_noise_changes_no_logit(event, bundle):
    nights = stack_nights(event, bundle.preprocess)
    score = Score(bundle, nights)
    batch = collate([nights.images], [nights.times])
    plain = bundle.model(batch.frames, batch.mask, batch.times)[:, -1]
    assert torch.equal(score.logits(score.frames), plain / score.temperature)
    assert type(bundle.model.encoder.noise).__name__ == "SkyNoise"  # the model itself is untouched


@pytest.mark.parametrize("name", ["taonet", "taonet-paper"])
def test_the_score_is_the_log_odds_of_the_shown_probability(make_sequence, name):
    event = make_sequence(flux=EVENT[:6], nights=3)
    found = explain(event, name, target="SN", method="saliency")
    probability = predict(event, name).final()[found.target]
    assert found.meta["score"] == pytest.approx(np.log(probability / (1 - probability)), abs=1e-3)


@pytest.mark.parametrize("baseline", BASELINES)
def test_integrated_gradients_sum_to_what_they_explain(event, bundle, baseline):
    found = explain(event, bundle, target="SN", baseline=baseline, steps=64)
    assert found.values.sum() == pytest.approx(found.explained + found.delta, abs=1e-3)
    assert abs(found.delta) < 0.1 * max(abs(found.explained), 1)


def test_integrated_gradients_of_the_published_network_are_complete(make_sequence, paper):
    found = explain(make_sequence(flux=EVENT[:6], nights=3), paper, target="SN", steps=16)
    assert abs(found.delta) < 0.1 * max(abs(found.explained), 1)


def test_the_baseline_is_what_it_says(event, bundle):
    score = Score(bundle, stack_nights(event, bundle.preprocess))
    assert not baseline_frames(score, "sky").any()
    still = baseline_frames(score, "first_night")
    assert torch.equal(still, score.frames[:, :1].expand_as(still))
    blurred = baseline_frames(score, "blurred")
    assert blurred[0, 2].max() < 0.1 * score.frames[0, 2].max()
    light = blurred[0, 2] - blurred[0, 0], score.frames[0, 2] - score.frames[0, 0]
    assert light[0].sum() == pytest.approx(light[1].sum().item(), rel=0.2)


def test_dead_pixels_hold_no_evidence(event, bundle):
    frames = event.frames.copy()
    frames[:, :6, :6] = np.nan
    found = explain(event.with_frames(frames), bundle, target="SN")
    assert not found.values[:, :6, :6].any()
    assert found.values.any()


def test_a_night_that_repeats_the_first_holds_no_evidence(event, bundle):
    frames = event.frames.copy()
    frames[2:4] = frames[:2]
    found = explain(event.with_frames(frames), bundle, target="SN")
    assert np.abs(found.values[0]).max() == 0
    registered = bundle.preprocess.register  # without stars no frame is moved or scaled
    assert registered and np.abs(found.values[1]).max() < 1e-6


def test_a_against_b_is_minus_b_against_a(event, bundle):
    one = explain(event, bundle, target="SN", against="CV")
    other = explain(event, bundle, target="CV", against="SN")
    np.testing.assert_allclose(one.values, -other.values, atol=1e-5)
    assert one.explained == pytest.approx(-other.explained, abs=1e-5)
    final = predict(event, bundle).final()
    assert one.meta["score"] == pytest.approx(np.log(final["SN"] / final["CV"]), abs=1e-3)


@pytest.mark.parametrize("method", ["integrated_gradients", "smoothgrad", "gradient_shap"])
def test_the_same_object_gives_the_same_map(event, bundle, method):
    torch.manual_seed(1)
    first = explain(event, bundle, method=method, steps=4)
    torch.manual_seed(2)
    explain(event, bundle, method="gradient_shap", against="CV", target="SN", steps=3)
    np.testing.assert_array_equal(
        explain(event, bundle, method=method, steps=4).values, first.values
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["taonet", "taonet-paper"])
def test_every_method_tells_its_progress_and_fits_the_nights(make_sequence, request, name, method):
    model = request.getfixturevalue({"taonet": "bundle", "taonet-paper": "paper"}[name])
    sequence, steps = make_sequence(flux=EVENT[2:6], nights=2), []
    found = explain(
        sequence, model, method=method, steps=4, on_step=lambda *counts: steps.append(counts)
    )
    assert found.values.shape == (2, 64, 64)
    assert found.values.any()
    assert steps[-1][0] == steps[-1][1]
    assert all(a[0] < b[0] for a, b in zip(steps, steps[1:], strict=False))
    assert found.signed or found.values.min() >= 0
    assert np.isfinite(found.delta) == METHODS[method].complete
    assert found.importance.sum() == pytest.approx(1)


def test_occlusion_says_what_blanking_a_tile_costs(make_sequence, bundle):
    sequence = make_sequence(flux=EVENT[:6], nights=3)
    found = explain(sequence, bundle, target="SN", method="occlusion", baseline="sky")
    score = Score(bundle, stack_nights(sequence, bundle.preprocess), bundle.classes.index("SN"))
    blank = score.frames.clone()
    blank[0, 2, 26:38, 26:38] = 0  # the tile around the target
    loss = (score.at(score.frames) - score.at(blank)).item()
    assert found.values[2, 26:38, 26:38].sum() == pytest.approx(loss, abs=1e-3)
    assert np.ptp(found.values[2, 26:38, 26:38]) == 0


def test_a_bright_source_gets_the_evidence(event, bundle):
    found = explain(event, bundle, target="NON", baseline="first_night")
    assert found.explained < -2  # what appears is no field source
    assert evidence_shares(found, event)["target"] > 0.3  # on 2 % of the area
    evidence = found.values.sum(0)
    assert np.hypot(*(np.array(np.unravel_index(evidence.argmin(), evidence.shape)) - 32)) < 5
    assert np.argmin(found.per_night) >= 2


def test_shuffled_weights_give_another_map(event, bundle, paper):
    for given in (bundle, paper):
        model = Score(given, stack_nights(event, given.preprocess)).network
        generator = torch.Generator().manual_seed(0)
        for weights in model.parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.data = weights.data.flatten()[order].view_as(weights)
        if hasattr(model.encoder, "noise"):
            model.encoder.noise = given.model.encoder.noise
        true = explain(event, given, target="SN", steps=8).values.ravel()
        other = explain(event, dataclasses.replace(given, model=model), target="SN", steps=8)
        assert abs(np.corrcoef(true, other.values.ravel())[0, 1]) < 0.5


def test_maps_know_where_they_lie_on_frames_of_other_sizes(make_sequence, bundle):
    small = explain(make_sequence(size=63, nights=2), bundle, steps=4)
    large = explain(make_sequence(size=120, nights=2), bundle, steps=4)
    assert (small.meta["left"], small.meta["top"]) == (-1, -1)
    assert (large.meta["left"], large.meta["top"]) == (28, 28)
    assert not small.values[:, 0].any() and not small.values[:, :, 0].any()  # beyond the frames
    assert small.values[1, 1:, 1:].any() and large.values[1, 0].any()


def test_nothing_explainable_is_refused_with_a_reason(event, bundle):
    with pytest.raises(ValueError, match="explain_features"):
        explain(event, "forest")
    with pytest.raises(InvalidSequenceError, match="explain_features"):
        explain(extract_light_curve(event), bundle)
    with pytest.raises(ValueError, match="knows the classes"):
        explain(event, bundle, target="comet")
    with pytest.raises(ValueError, match="two classes"):
        explain(event, bundle, target="SN", against="SN")
    with pytest.raises(ValueError, match="a method of"):
        explain(event, bundle, method="tea leaves")
    with pytest.raises(InvalidSequenceError, match="usable"):
        explain(event.with_frames(np.full(event.frames.shape, np.nan)), bundle)


def test_maps_and_times_must_agree():
    with pytest.raises(ValueError, match="maps"):
        Attribution(
            np.zeros((2, 4, 4), np.float32), np.zeros(3), np.zeros(3, int), "SN", None,
            "m", "1", "saliency", "sky", 0.0, np.nan, False,
        )  # fmt: skip
