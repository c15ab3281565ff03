"""Few-shot adaptation learns, leaves a frozen encoder alone, and refuses what does not fit."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from finetune import resampled, summary

from taonet_core.data.store import PackedNights
from taonet_core.errors import TrainingError
from taonet_core.finetune import HEAD, WHOLE, FewShots, adapt, draw_few, finetune_model
from taonet_core.fit import TrainConfig, fit
from taonet_core.labels import TransientClass
from taonet_core.models.forest import ForestConfig
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.tasks import NightTask
from taonet_core.transforms.preprocess import PreprocessConfig

SMALL = TAONetConfig(n_classes=2, widths=(8, 8, 8, 8), embedding=16, hidden=16, dropout=0.0)
CLASSES = (TransientClass.SN, TransientClass.NON)


def packed(first, second, *, count=12):
    """Objects that fade from `first` (class 0) or rise to `second` (class 1)."""
    rng = np.random.default_rng(8)
    labels, lengths = np.arange(count) % 2, np.full(count, 6)
    images = rng.normal(0, 1, (count, 6, 64, 64))
    slopes = np.stack([np.linspace(first, 0, 6), np.linspace(0, second, 6)])
    images[:, :, 31:34, 31:34] += slopes[labels][..., None, None]
    times = np.tile(np.arange(6) * 10.0, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    stacked = images.reshape(-1, 64, 64).astype(np.float16)
    return PackedNights(stacked, times, offsets, np.arange(count)), labels


@pytest.fixture(scope="module")
def trained():
    """Return a network that knows a bright survey."""
    everything = np.arange(12)
    torch.manual_seed(0)
    network = TAONet(SMALL)
    task = NightTask(*packed(40, 40), everything, everything, n_classes=2, batch_size=6)
    fit(network, task, TrainConfig(epochs=12, learning_rate=5e-3))
    return network


def few_shots(objects, *, freeze_encoder):
    """Return four shots of a survey in which sources are negative, and the objects left."""
    task = FewShots(
        *packed(-20, -20), objects, n_classes=2, batch_size=4, freeze_encoder=freeze_encoder
    )
    rest = np.setdiff1d(np.arange(12), objects)
    return task, NightTask(task.nights, task.labels, objects, rest, n_classes=2, batch_size=8)


@pytest.mark.parametrize(("freeze_encoder", "config"), [(True, HEAD), (False, WHOLE)])
def test_four_shots_teach_another_survey(trained, freeze_encoder, config):
    task, held_out = few_shots(np.arange(4), freeze_encoder=freeze_encoder)
    config = replace(config, epochs=30, learning_rate=1e-2)
    adapted = adapt(trained, task, config)
    cpu = torch.device("cpu")
    with torch.inference_mode():
        before, after = held_out.score(trained, cpu), held_out.score(adapted, cpu)
    assert before < 0.7
    assert after == 1.0


def test_a_frozen_encoder_stays_as_it_was_to_the_last_bit(trained):
    task, _ = few_shots(np.arange(4), freeze_encoder=True)
    old = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    new = adapt(trained, task, replace(HEAD, epochs=3)).state_dict()
    changed = {name for name, tensor in new.items() if not torch.equal(tensor, old[name])}
    assert changed
    assert not [name for name in changed if name.startswith("encoder.")]
    assert all(torch.equal(tensor, old[name]) for name, tensor in trained.state_dict().items())


def test_what_measures_shares_no_sky_with_what_teaches(rng):
    catalog = pd.DataFrame(
        {
            "label": ["SN", "NON"] * 8,
            "ra": np.repeat(np.arange(8) * 10.0, 2) + np.tile([0, 0.01], 8),  # pairs 36" apart
            "dec": 0.0,
        }
    )
    taught, held_out = draw_few(catalog, 2, rng)
    assert catalog["label"][taught].value_counts().to_dict() == {"SN": 2, "NON": 2}
    assert not set(taught // 2) & set(held_out // 2)
    assert len(held_out) == 16 - 2 * len(set(taught // 2))


# --- a folder of files ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four supernovae and four field sources."""
    home = tmp_path_factory.mktemp("other survey")
    return simulate_dataset(home, per_class=4, seed=7, classes=CLASSES)


@pytest.fixture(scope="module")
def base(trained):
    facts = {"training": {"seed": 3}, "sha256": "abc", "calibration": {"temperature": 2.0}}
    return ModelBundle("small", "0.9", "taonet", CLASSES, trained, SMALL, PreprocessConfig(), facts)


def finetune(base, folder, output, **options):
    options = {"epochs": 2, "workers": 1, "per_class": 2} | options
    return finetune_model(base, folder, output=output, **options)


def test_the_sidecar_tells_where_the_model_came_from_and_how_it_does(base, folder, tmp_path):
    finetune(base, folder, tmp_path)
    bundle = load_model(tmp_path / "small-finetuned.json")
    facts = json.loads((tmp_path / "small-finetuned.json").read_text())
    assert bundle.classes == CLASSES
    training = facts["training"]
    assert training["base"] == {
        "name": "small",
        "version": "0.9",
        "sha256": "abc",
        "training": {"seed": 3},
    }
    assert training["objects"] == {"SN": 2, "NON": 2}
    assert training["data"]["seed"] == 7
    assert facts["metrics"]["held_out_objects"] == 4
    assert {"held_out_macro_f1_before", "held_out_macro_f1"} < set(facts["metrics"])
    assert facts["domain"]["pixel_scale"] == 2.5
    assert bundle.calibration is None  # that of the base was measured on other weights
    sides = pd.read_csv(tmp_path / "small-finetuned.split.csv")["side"]
    assert sides.value_counts().to_dict() == {"train": 4, "held out": 4}


def test_without_objects_to_spare_nothing_is_claimed(base, folder, tmp_path):
    bundle = finetune(base, folder, tmp_path, per_class=10)
    assert bundle.sidecar["training"]["objects"] == {"SN": 4, "NON": 4}
    assert bundle.sidecar["metrics"] == {"held_out_objects": 0}


def test_the_same_seed_gives_the_same_weights(base, folder, tmp_path):
    first, again, other = (
        finetune(base, folder, tmp_path, seed=seed).model.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first.values(), again.values(), strict=True))
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_other_classes_than_the_models_are_refused(base, folder, tmp_path):
    cataclysmic = replace(base, classes=(TransientClass.SN, TransientClass.CV))
    with pytest.raises(TrainingError, match="tells CV, SN; the data hold readable .* NON, SN"):
        finetune(cataclysmic, folder, tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_a_taonet_can_be_finetuned(folder, tmp_path):
    forest = ModelBundle("forest", "1", "forest", CLASSES, None, ForestConfig())
    with pytest.raises(TrainingError, match="only a taonet"):
        finetune(forest, folder, tmp_path)


def test_no_object_a_class_is_refused(base, folder, tmp_path):
    with pytest.raises(ValueError, match="per_class"):
        finetune(base, folder, tmp_path, per_class=0)


# --- the benchmark -------------------------------------------------------------------------------


def test_larger_pixels_hold_the_same_light_in_the_same_place(make_sequence):
    flux = 50_000.0
    fine = make_sequence(size=63, flux=flux, noise=0.0, sky=0.0, pixel_scale=1.0, nights=1)
    coarse = resampled(fine, scale=2.5)
    assert coarse.frames.shape[1:] == (25, 25)
    assert coarse.frames[0].sum() == pytest.approx(fine.frames[0].sum(), rel=1e-3)
    assert np.unravel_index(coarse.frames[0].argmax(), (25, 25)) == (12, 12)
    assert coarse.meta["pixel_scale"] == 2.5


def test_a_network_that_learnt_nothing_gained_nothing():
    truth = np.repeat(np.arange(3), 20)
    verdicts = np.where(np.arange(60) % 4 == 0, (truth + 1) % 3, truth)
    same = summary(truth, [verdicts, verdicts], verdicts)
    assert same["gain"] == {"value": 0, "low": 0, "high": 0}
    assert same["value"] == pytest.approx(0.75)
    assert same["low"] < 0.75 < same["high"]
    better = summary(truth, [truth, truth], verdicts)
    assert better["gain"]["low"] > 0
