"""Where evidence lies, whether it is the network's, and which methods passed: numbers and words."""

import re

import numpy as np
import pytest

from taonet_core.data.results import Attribution
from taonet_core.explain import BASELINES, METHODS, explain, faithfulness, method_checks
from taonet_core.explaining.evidence import (
    aperture_radius,
    evidence_masks,
    evidence_sentence,
    evidence_shares,
    main_nights,
)
from taonet_core.explaining.method_checks import LIMITS, judge
from taonet_core.labels import TransientClass
from taonet_core.models.sidecar import extend_sidecar, read_sidecar
from taonet_core.models.weights import load_model, sidecar_path

EVENT = 4000.0 * np.repeat([0, 0, 1, 0.6, 0.3, 0.1], 2)  # counts, two frames a night


@pytest.fixture(scope="module")
def bundle():
    return load_model("taonet")


@pytest.fixture
def made(make_sequence):
    """Make a sequence of six nights, and an attribution with the evidence that is asked for."""

    def make(
        values, *, explained=1.5, score=0.5, against=None, method="integrated_gradients", **meta
    ):
        sequence = make_sequence(**meta)
        nights = np.arange(len(sequence)) // 2
        attribution = Attribution(
            values.astype(np.float32),
            sequence.times[1::2],
            nights,
            TransientClass.SN,
            against,
            "taonet",
            "1",
            method,
            "first_night",
            explained,
            0.0,
            METHODS[method].signed,
            {"left": 0, "top": 0, "score": score},
        )
        return attribution, sequence

    return make


@pytest.fixture
def split():
    """Return evidence of which 3 parts in 4 lie on the target, half of those on night 2."""
    values = np.zeros((6, 64, 64))
    values[2, 32, 32], values[4, 33, 31], values[5, 32, 32] = 3.0, 2.0, 1.0
    values[1, 5, 50] = 2.0
    return values


def test_shares_are_those_of_the_pixels_and_sum_to_one(made, split):
    attribution, sequence = made(split)
    shares = evidence_shares(attribution, sequence)
    assert shares == pytest.approx({"target": 0.75, "host": 0.0, "rest": 0.25})
    attribution, sequence = made(-split)  # evidence against counts as much
    assert evidence_shares(attribution, sequence)["target"] == pytest.approx(0.75)


def test_the_target_is_what_lies_within_two_fwhm(made, split):
    attribution, sequence = made(split, fwhm_pix=3.0)
    assert aperture_radius(sequence) == 6.0
    mask = evidence_masks(attribution, sequence)["target"]
    assert mask.sum() == pytest.approx(np.pi * 36, rel=0.02)
    assert mask[32, 38] and mask[26, 32] and not mask[32, 39]


def test_maps_of_other_size_than_the_frames_keep_their_place(made, split):
    attribution, _ = made(split)
    _, larger = made(split, size=120)
    attribution.meta.update(left=28, top=28)
    assert evidence_shares(attribution, larger)["target"] == pytest.approx(0.75)


def test_the_host_is_the_extended_source_at_the_target(made, split, make_sequence):
    attribution, empty = made(split)
    host = make_sequence(flux=60_000.0, fwhm=9.0, centre=(36, 30))
    star = make_sequence(flux=20_000.0, fwhm=2.4)
    found = evidence_masks(attribution, host)
    assert found["host"][30, 39] and found["host"].sum() > 60
    assert not (found["host"] & found["target"]).any()
    assert sum(found.values()).min() == sum(found.values()).max() == 1
    assert not evidence_masks(attribution, star)["host"].any()
    assert not evidence_masks(attribution, empty)["host"].any()


def test_what_flares_up_is_no_host(made, split, make_sequence):
    attribution, _ = made(split)
    event = make_sequence(flux=90_000.0 * (np.arange(12) > 9), fwhm=6.0)
    assert not evidence_masks(attribution, event)["host"].any()


def test_the_sentence_says_what_was_measured(made, split):
    sentence = evidence_sentence(*made(split))
    assert sentence.startswith(
        "75 % of the evidence for SN lies within 2 FWHM (12.0″) of the target, most of it on the "
        "nights of 2006-03-26 and 2006-04-15. "
    )
    assert sentence.endswith(  # e to the -1 at first and 0.5 at last, 6 at the target, 2 elsewhere
        "From a sequence in which nothing ever changes to the images, the odds of SN go from "
        "1 : 2.72 to 1.65 : 1: what lies at the target multiplies them by 403, all else by 7.39."
    )
    nights, shares = main_nights(*made(split))
    assert nights.tolist() == [2, 4]
    assert shares == pytest.approx([1 / 2, 1 / 3])


def test_the_sentence_tells_for_from_against_and_mixed(made, split):
    against = evidence_sentence(*made(-split, explained=-0.7))
    assert "of the evidence against SN" in against and "from 3.32 : 1 to 1.65 : 1" in against
    mixed = split * np.array([1, -1, 1, 1, -1, 1])[:, None, None]
    assert "of the evidence for and against SN" in evidence_sentence(*made(mixed))
    rather = evidence_sentence(*made(split, against=TransientClass.CV))
    assert "for SN rather than CV" in rather and "odds of SN rather than CV go" in rather
    marked = evidence_sentence(*made(split, method="saliency"))
    assert "what decides on SN by this method" in marked and "odds" not in marked


def test_the_sentence_says_when_the_verdict_stands_without_the_evidence(made, split):
    cv = TransientClass.CV
    rather = evidence_sentence(*made(-split, explained=-1.5, score=2.5, against=cv))
    assert rather.endswith(
        " Already without any change it would be called SN rather than CV (54.6 : 1), by what "
        "stands there on the first night."
    )
    assert "Already" not in evidence_sentence(*made(-split, explained=-1.5, score=-0.5))  # no more
    assert "to over 10 000 : 1" in evidence_sentence(*made(split, score=12.0))


def test_the_sentence_says_when_most_lies_elsewhere(made, split):
    split[:, 5, 50] += 3
    sentence = evidence_sentence(*made(split))
    assert re.match(r"Only 2\d % of the evidence for SN .*; 7\d % lies elsewhere", sentence)


def test_the_sentence_does_without_dates_scale_and_evidence(made, split):
    sentence = evidence_sentence(*made(split, time_kind="index", pixel_scale=None))
    assert "(4.8 px)" in sentence and "on nights 3 and 5." in sentence
    many = np.zeros((6, 64, 64))
    many[:, 32, 32] = 1
    assert "spread over many nights (17 % of it on the night of" in evidence_sentence(*made(many))
    nothing = evidence_sentence(*made(np.zeros((6, 64, 64)), explained=0.0))
    assert nothing.startswith("There is no evidence about SN: nothing differs from")


def test_blanking_what_decides_beats_blanking_at_random(make_sequence, bundle):
    event = make_sequence(flux=EVENT)
    verdict = explain(event, bundle)
    curves = faithfulness(event, bundle, verdict)
    assert curves.deletion_gain > 0.25
    assert curves.deletion[0] == pytest.approx(curves.insertion[-1])
    assert curves.deletion[-1] == pytest.approx(curves.insertion[0])
    assert curves.shares[0] == 0 and curves.shares[-1] == 1
    odds = curves.deletion[[0, -1]] / (1 - curves.deletion[[0, -1]])
    assert -np.diff(np.log(odds))[0] == pytest.approx(verdict.explained, abs=1e-3)
    assert curves.deletion_gain == pytest.approx(
        np.trapezoid(curves.random_deletion - curves.deletion, curves.shares)
    )


def test_random_orders_gain_nothing_and_can_be_shared(make_sequence, bundle, rng):
    event = make_sequence(flux=EVENT[:6], nights=3)
    verdict = explain(event, bundle, steps=8)
    curves = faithfulness(event, bundle, verdict)
    object.__setattr__(verdict, "values", rng.normal(size=(3, 64, 64)).astype(np.float32))
    blind = faithfulness(event, bundle, verdict, controls=curves)
    assert abs(blind.deletion_gain) < 0.2 and blind.deletion_gain < curves.deletion_gain
    np.testing.assert_array_equal(blind.random_deletion, curves.random_deletion)
    np.testing.assert_array_equal(
        faithfulness(event, bundle, verdict, seed=0).deletion, blind.deletion
    )


def test_a_method_is_judged_by_every_limit():
    good = dict(LIMITS)
    assert judge(good).passed and not judge(good).reason
    for key, worse in (("deletion", 0.2), ("pointing", 0.5), ("randomised", 0.9)):
        verdict = judge(good | {key: worse})
        assert verdict.passed is False
        assert f"{worse:.0%}" in verdict.reason or f"{worse:.2f}" in verdict.reason
    assert judge({}).passed is None and "not measured" in judge({}).reason
    no_promise = {key: value for key, value in good.items() if key != "completeness"}
    assert judge(no_promise).passed


def test_marks_stand_in_the_sidecar_and_leave_the_weights(tmp_path):
    source = sidecar_path("taonet")
    path = tmp_path / "taonet.json"
    path.write_bytes(source.read_bytes())
    before = read_sidecar(path)
    extend_sidecar(path, {"explanations": {"methods": {"saliency": dict(LIMITS, deletion=0.0)}}})
    assert read_sidecar(path)["sha256"] == before["sha256"]
    checks = method_checks(str(path))
    assert set(checks) == set(METHODS)
    assert checks["saliency"].passed is False
    assert checks["occlusion"].passed is None


def test_the_default_comes_first():
    assert next(iter(METHODS)) == "integrated_gradients"
    assert explain.__kwdefaults__["method"] == next(iter(METHODS))
    assert explain.__kwdefaults__["baseline"] == next(iter(BASELINES))
