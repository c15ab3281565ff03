"""One command measures trust on labelled sequences and writes it into the sidecar."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from taonet_core import predict, read_sequences
from taonet_core.calibrate import calibrate, read_labelled
from taonet_core.cli import app
from taonet_core.errors import TaoNetError
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle, load_model, save_model
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.transforms.preprocess import PreprocessConfig

SEED = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate_dataset(tmp_path_factory.mktemp("known"), per_class=20, seed=SEED)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    sidecar = {"training": {"data": {"simulated": True, "survey": "crts", "seed": 1}}}
    model = TAONet(config).eval()
    bundle = ModelBundle(
        "net", "1", "taonet", SIX_CLASSES, model, config, PreprocessConfig(), sidecar
    )
    return save_model(bundle, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def calibrated(folder, saved):
    before = saved.with_suffix(".safetensors").read_bytes()
    bundle = calibrate(folder, saved)
    assert saved.with_suffix(".safetensors").read_bytes() == before
    return bundle


def test_what_was_measured_stands_in_the_sidecar(calibrated, saved):
    facts = json.loads(saved.read_text())["calibration"]
    assert facts["data"]["seed"] == SEED
    assert facts["objects"] == {str(c): 20 for c in SIX_CLASSES}
    assert facts["settings"]["prior"] == pytest.approx([1 / 6] * 6)
    assert calibrated.calibration.temperatures == load_model(saved).calibration.temperatures


def test_nine_in_ten_objects_of_each_class_have_it_in_their_set(calibrated, folder):
    reading = read_labelled(folder, calibrated)
    labels = np.array(reading.labels)
    calibration = calibrated.calibration
    at = calibration.nights[0]  # a node, where the promise is exact: 2 of 21 may be missed
    sets = [calibration.sets(calibration.probabilities(z))[at - 1] for z in reading.logits]
    held = np.array(sets)[np.arange(len(labels)), labels]
    assert [held[labels == k].sum() for k in range(6)] == [19] * 6


def test_a_prediction_carries_its_set_and_its_novelty(calibrated, folder):
    [(_, sequence)] = list(read_sequences(next((folder / "data" / "SN").glob("*.fits"))))
    prediction = predict(sequence, calibrated)
    assert prediction.prediction_sets.shape == prediction.probabilities.shape
    assert prediction.verdict == prediction.prediction_set[0]
    assert 0 <= prediction.novelty <= 100


def test_images_of_another_camera_are_told_by_their_sky(calibrated, folder):
    [(_, sequence)] = list(read_sequences(next((folder / "data" / "SN").glob("*.fits"))))
    strange = sequence.with_frames(200 + (sequence.frames - 1000) / 6)
    assert not any("Sky" in text for text in predict(sequence, calibrated).meta["warnings"])
    said = " ".join(predict(strange, calibrated).meta["warnings"])
    assert "Sky level" in said
    assert "Sky noise" in said


def test_what_the_model_was_trained_on_does_not_calibrate_it(saved, tmp_path):
    seen = simulate_dataset(tmp_path, per_class=1, seed=1)
    with pytest.raises(TaoNetError, match="was trained on data drawn with seed 1"):
        calibrate(seen, saved)


def test_too_few_objects_are_said_in_one_sentence(saved, tmp_path):
    simulate_dataset(tmp_path, per_class=2, seed=3)
    answer = CliRunner().invoke(app, ["calibrate", str(saved), str(tmp_path)])
    assert answer.exit_code == 1
    assert "objects or more of each" in answer.stderr


def test_without_a_labelled_object_the_reason_is_given(saved, tmp_path):
    for folder, said in ((tmp_path / "none", "No such file"), (tmp_path, "no FITS files")):
        answer = CliRunner().invoke(app, ["calibrate", str(saved), str(folder)])
        assert answer.exit_code == 1
        assert "wanted labelled objects" in answer.stderr
        assert said in " ".join(answer.stderr.split())


def test_new_weights_do_not_keep_what_was_measured_of_the_old(calibrated, tmp_path):
    path = save_model(calibrated, tmp_path)
    assert load_model(path).calibration is None
    assert not (tmp_path / "net.novelty.safetensors").exists()


def test_shares_of_classes_are_given_on_the_command_line(calibrated, saved, folder, tmp_path):
    file = next((folder / "data" / "SN").glob("*.fits"))
    command = ["predict", str(file), "--model", str(saved), "--output", str(tmp_path / "t.csv")]
    assert CliRunner().invoke(app, [*command, "--prior", "SN=0.9"]).exit_code == 0
    table = pd.read_csv(tmp_path / "t.csv")
    [(_, sequence)] = list(read_sequences(file))
    told = predict(sequence, calibrated, priors={"SN": 0.9}).final()
    assert table["p_SN"][0] == pytest.approx(told["SN"], abs=1e-9)
    assert set(table["prediction_set"][0].split()) <= {str(c) for c in SIX_CLASSES}
    for wrong, said in {
        "UFO=0.1": "wanted positive shares",
        "SN=2": "wanted positive shares",
        "SN": "wanted CLASS=SHARE",
        "AGN=0.2": "two of AGN",
    }.items():
        answer = CliRunner().invoke(app, [*command, "--prior", "AGN=0.1", "--prior", wrong])
        assert answer.exit_code == 2
        assert said in " ".join(answer.stderr.split())
