"""Ablations change what they say and nothing else; their tables compute what they state."""

import numpy as np
import pytest
import torch
from ablation.changes import BalancedSampling, Focal, Unadjusted, Weighted
from ablation.tables import macro_f1, page, report
from ablation.training import AFTER, Budget, Data, finished, first_of_nights, train_variant
from ablation.variants import PARTS, RELEASE, VARIANTS
from sklearn.metrics import f1_score

from taonet_core.data.store import PackedNights
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.simulation.dataset import simulate_dataset

SMALL = TAONetConfig(n_classes=6, widths=(4, 4, 4, 4), embedding=8, hidden=8)


def built(name):
    torch.manual_seed(4)
    return VARIANTS[name].change(TAONet(SMALL)).eval()


@pytest.fixture(scope="module")
def batch():
    torch.manual_seed(5)
    frames = 5 * torch.randn(2, 5, 64, 64)
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1, 3:] = False
    times = torch.tensor([[0.0, 1, 20, 30, 300]] * 2)
    return frames * mask[:, :, None, None], mask, times


@pytest.mark.parametrize("name", PARTS)
def test_no_variant_sees_later_nights_or_padding(name, batch):
    network, (frames, mask, times) = built(name), batch
    with torch.inference_mode():
        whole = network(frames, mask, times)
        early = network(frames[:, :3], mask[:, :3], times[:, :3])
    assert whole.shape == (2, 5, 6)
    assert torch.allclose(whole[:, :3], early, atol=1e-5)


@pytest.mark.parametrize("name", ["no-times", "mean"])
def test_without_times_they_do_not_matter(name, batch):
    network, (frames, mask, times) = built(name), batch
    assert torch.equal(network(frames, mask, times), network(frames, mask, 3 * times))
    assert not torch.equal(built("taonet")(*batch), built("taonet")(frames, mask, 3 * times))


def test_a_mean_over_nights_does_not_know_their_order():
    # of equal references, so that the difference channel tells no order either
    network = built("mean").network
    steps = torch.randn(1, 4, network.gru.project.in_features)
    forward, backward = (network.gru(x)[0][0, -1] for x in (steps, steps.flip(1)))
    assert torch.allclose(forward, backward, atol=1e-6)


def test_normalised_frames_hide_brightness(batch):
    frames, mask, times = batch
    assert torch.allclose(
        built("frame-normalised")(frames, mask, times),
        built("frame-normalised")(7 * frames, mask, times),
        atol=1e-4,
    )


def test_the_mean_of_nights_is_all_that_the_classifier_reads(batch):
    frames, mask, times = batch
    network = built("mean").network
    mean = network.states(frames, mask, times)
    assert (mean[:, :, : SMALL.hidden].std((0, 2)) > 0).all()
    assert mean[:, :, SMALL.hidden :].std((0, 1)).abs().max() == 0  # the same for any night


def test_without_the_noise_the_rest_of_the_vector_stays():
    plain, hidden = built("taonet").encoder, built("no-noise").encoder
    pair = torch.randn(3, 2, 64, 64)
    told = 8 + 4  # the embedding, and two fluxes of science and difference each
    assert torch.equal(hidden(pair)[:, :told], plain(pair)[:, :told])
    assert not hidden(pair)[:, told:].any()
    assert plain(pair)[:, told:].all()


def test_without_the_difference_a_change_alone_is_not_seen(batch):
    encoder = built("no-difference").encoder
    pair = torch.randn(3, 2, 64, 64)
    other = torch.stack([pair[:, 0], 9 * pair[:, 1]], 1)
    assert torch.equal(encoder(pair), encoder(other))


@pytest.mark.parametrize(("name", "seen"), [("centre-only", False), ("field-only", True)])
def test_one_scale_sees_what_lies_in_it(name, seen):
    encoder = built(name).encoder
    pair = torch.randn(1, 2, 64, 64)
    other = pair.clone()
    other[..., :8, :8] += 50  # a corner, outside the centre
    vectors, others = encoder(pair)[:, : SMALL.embedding], encoder(other)[:, : SMALL.embedding]
    assert torch.equal(vectors, others) != seen


def task(kind, labels):
    nights = PackedNights(
        np.zeros((len(labels), 64, 64), np.float16),
        np.zeros(len(labels)),
        np.arange(len(labels) + 1),
        np.arange(len(labels)),
    )
    everything = np.arange(len(labels))
    return kind(nights, labels, everything, everything, n_classes=2, batch_size=10)


RARE = np.repeat([0, 1], [900, 100])


def test_balanced_sampling_draws_rare_classes_as_often(rng):
    drawn = np.concatenate(list(task(BalancedSampling, RARE).shuffled(rng)))
    assert len(drawn) == 1000
    assert np.mean(RARE[drawn]) == pytest.approx(0.5, abs=0.05)


def test_weights_make_rare_classes_cost_as_much():
    logits = torch.zeros(1000, 2)
    cost = task(Weighted, RARE).cross_entropy(logits, torch.tensor(RARE))
    assert cost[RARE == 0].sum() == pytest.approx(float(cost[RARE == 1].sum()), rel=1e-4)
    assert cost.mean() == pytest.approx(np.log(2), rel=1e-4)


def test_focal_loss_spares_what_is_told():
    logits, labels = torch.tensor([[4.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0])
    plain = task(Unadjusted, RARE).cross_entropy(logits, labels)
    focal = task(Focal, RARE).cross_entropy(logits, labels)
    expected = [(1 - 1 / (1 + np.exp(-4))) ** 2, 0.25]
    assert (focal / plain).tolist() == pytest.approx(expected, rel=1e-4)


def test_macro_f1_is_that_of_scikit_learn_and_follows_shares(rng):
    truth = np.repeat(np.arange(6), 50)
    verdicts = np.where(rng.random(300) < 0.6, truth, rng.integers(0, 6, 300))
    shares = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])[truth]
    plain, weighed = macro_f1(truth, verdicts, np.stack([np.ones(300), shares]))
    assert plain == pytest.approx(f1_score(truth, verdicts, average="macro"))
    expected = f1_score(truth, verdicts, average="macro", sample_weight=shares)
    assert weighed == pytest.approx(expected)


def test_the_first_exposure_of_each_night_is_kept():
    times = np.array([0.0, 0.01, 0.02, 5.0, 5.01, 0.0, 3.0, 3.01])
    packed = PackedNights(
        np.arange(8, dtype=np.float16)[:, None, None], times, np.array([0, 5, 8]), np.arange(2)
    )
    first = first_of_nights(packed)
    assert first.times.tolist() == [0.0, 5.0, 0.0, 3.0]
    assert first.offsets.tolist() == [0, 2, 4]
    assert first.images[:, 0, 0].tolist() == [0, 3, 5, 6]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate_dataset(tmp_path_factory.mktemp("few"), per_class=10, seed=11)


def test_variants_are_run_once_and_make_a_page(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("ablation.training.TAONetConfig", lambda n_classes: SMALL)
    data = Data(folder, Budget(per_class=4, passes=24, test_per_class=2))
    names = ("taonet", "release-plain", "exposures")
    for _ in range(2):
        for name in names:
            train_variant(data, name, VARIANTS[name], 0, tmp_path)
        monkeypatch.setattr("ablation.training.fit", None)  # the second time nothing is trained
    done = finished(data, VARIANTS, tmp_path)
    assert set(done) == set(names)
    [run] = done["taonet"]
    assert run["logits"].shape == (len(data.test), len(AFTER), 6)
    assert run["truth"].tolist() == done["exposures"][0]["truth"].tolist()
    figures = report(done)
    assert figures["variants"]["taonet"]["difference"]["value"] == 0
    text = page({"budget": {"passes": 24}, **figures})
    assert all(f"`{name}`" in text for name in names)


def test_no_place_teaches_and_tests_and_the_release_is_imitated(folder):
    data = Data(folder, Budget(per_class=9, test_per_class=1))
    train = data.train(VARIANTS["taonet"])
    assert not set(train) & set(data.test)
    assert not set(data.catalog["group"][train]) & set(data.catalog["group"][data.test])
    rare = data.train(VARIANTS["release-plain"])
    counts = np.bincount(data.labels[rare], minlength=6)
    assert counts.argmax() == SIX_CLASSES.index(max(RELEASE, key=RELEASE.get))
