"""Weights come back as they were saved, and anything else is refused in one sentence."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from taonet_core.errors import IncompatibleWeightsError
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.calibration import Calibration
from taonet_core.models.forest import ForestConfig
from taonet_core.models.novelty import fit_novelty
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import (
    WEIGHTS_FOLDER,
    ModelBundle,
    available_models,
    load_model,
    save_model,
    save_trust,
    sidecars,
)
from taonet_core.transforms.preprocess import PreprocessConfig

CONFIG = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = TAONet(CONFIG).eval()
    bundle = ModelBundle(
        "small", "0.0", "taonet", SIX_CLASSES, model, CONFIG, PreprocessConfig(scale=20.0)
    )
    return bundle, save_model(bundle, tmp_path)


def rewrite(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rehash(path):
    import hashlib

    digest = hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest()
    rewrite(path, sha256=digest)


def test_a_saved_model_comes_back_the_same(saved):
    bundle, path = saved
    found = load_model(path)
    assert (found.config, found.preprocess, found.classes, found.version) == (
        bundle.config,
        bundle.preprocess,
        bundle.classes,
        "0.0",
    )
    for name, tensor in bundle.model.state_dict().items():
        assert torch.equal(tensor, found.model.state_dict()[name])
    assert not found.model.training


def test_class_order_is_read_not_assumed(saved):
    _, path = saved
    rewrite(path, classes=["SN", "NON", "AGN", "CV", "BZ", "OTHER"])
    assert [str(c) for c in load_model(path).classes][:2] == ["SN", "NON"]


def test_every_flipped_bit_is_refused(saved, rng):
    _, path = saved
    weights = path.with_suffix(".safetensors")
    whole = weights.read_bytes()
    for at in rng.integers(len(whole) * 8, size=50):
        flipped = bytearray(whole)
        flipped[at // 8] ^= 1 << (at % 8)
        weights.write_bytes(flipped)
        with pytest.raises(IncompatibleWeightsError, match="SHA-256"):
            load_model(path)


def test_a_truncated_or_missing_file_is_refused(saved):
    _, path = saved
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(IncompatibleWeightsError, match="damaged"):
        load_model(path)
    weights.unlink()
    with pytest.raises(IncompatibleWeightsError, match="missing"):
        load_model(path)
    path.unlink()
    with pytest.raises(IncompatibleWeightsError, match="sidecar"):
        load_model(path)
    with pytest.raises(IncompatibleWeightsError, match="no model named 'nothing'"):
        load_model("nothing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"config": {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 9}}, "does not fit"),
        ({"config": {"colour": 1}}, "no setting"),
        ({"kind": "oracle"}, "one of the kinds"),
        ({"format": 99}, "wanted format 1"),
        ({"classes": ["SN", "UFO"]}, "UFO"),
        ({"classes": ["SN", "CV", "AGN", "BZ", "NON"]}, "wanted 6 different classes"),
        ({"classes": ["SN"] * 6}, "wanted 6 different classes"),
        ({"classes": "SN"}, r"\['classes'\] should be \['list'\]"),
        ({"kind": []}, r"\['kind'\] should be \['str'\]"),
        ({"config": []}, r"\['config'\] should be \['dict'\]"),
        ({"config": {"hidden": 10**12}}, "can build"),
        ({"preprocess": ["size"]}, r"\['preprocess'\] should be \['dict'\]"),
        ({"sha256": 7, "domain": [1]}, r"\['sha256', 'domain'\] should be \['str', 'dict'\]"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(saved, changes, reason):
    _, path = saved
    rewrite(path, **changes)
    with pytest.raises(IncompatibleWeightsError, match=reason):
        load_model(path)


def test_a_sidecar_that_is_not_json_or_lacks_keys_is_refused(saved):
    _, path = saved
    path.write_text("{}")
    with pytest.raises(IncompatibleWeightsError, match="lacks"):
        load_model(path)
    path.write_text("weights")
    with pytest.raises(IncompatibleWeightsError, match="JSON"):
        load_model(path)


def test_weights_that_are_not_finite_are_refused_even_with_the_right_hash(saved):
    _, path = saved
    weights = path.with_suffix(".safetensors")
    tensors = load(weights.read_bytes())
    tensors["head.bias"][0] = float("nan")
    weights.write_bytes(save(tensors))
    rehash(path)
    with pytest.raises(IncompatibleWeightsError, match=r"not finite: \['head.bias'\]"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"PK\x03\x04", b"\xff" * 4096])
def test_other_file_kinds_are_refused_even_with_the_right_hash(saved, content):
    _, path = saved
    path.with_suffix(".safetensors").write_bytes(content)
    rehash(path)
    with pytest.raises(IncompatibleWeightsError, match="does not fit"):
        load_model(path)


@pytest.mark.parametrize("name", ["taonet", "taonet-paper", "forest"])
def test_a_shipped_model_loads_and_says_what_it_is(name):
    bundle = load_model(name)
    assert set(bundle.classes) == set(SIX_CLASSES)
    facts = bundle.sidecar
    assert facts["training"]["simulated"] is True
    assert facts["training"]["train_objects"] > 1000
    assert 0.3 < facts["metrics"]["validation_macro_f1"] < 1
    assert available_models()[0] == "taonet"
    assert sidecars()[name]["sha256"] == facts["sha256"]


def test_shipped_weights_are_small():
    sizes = {p.name: p.stat().st_size for p in WEIGHTS_FOLDER.iterdir()}
    assert max(sizes.values()) <= 20e6


def test_the_forest_predicts_without_loading_a_network_design():
    code = (
        "import sys; from taonet_core.models.weights import load_model; load_model('forest'); "
        "sys.exit('taonet_core.models.taonet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["taonet", "taonet-paper"])
def test_no_network_tensor_is_stored_in_double_precision(name):
    tensors = load((WEIGHTS_FOLDER / f"{name}.safetensors").read_bytes())
    assert {t.dtype for t in tensors.values()} <= {torch.float32, torch.int64}


def test_a_forest_answers_for_as_many_classes_as_its_sidecar_names(tmp_path):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

    trees = RandomForestClassifier(2).fit(np.eye(3), [0, 1, 2])
    model = Pipeline([("forest", trees)])
    bundle = ModelBundle("small", "0.0", "forest", SIX_CLASSES[:3], model, ForestConfig())
    path = save_model(bundle, tmp_path)
    assert load_model(path).classes == SIX_CLASSES[:3]
    rewrite(path, classes=["AGN", "SN"])
    with pytest.raises(IncompatibleWeightsError, match="wanted 3 different classes"):
        load_model(path)


@pytest.fixture
def trusted(saved, rng):
    bundle, path = saved
    settings = {"nights": (1, 8), "temperatures": (2.0, 1.0), "prior": (1 / 6,) * 6}
    calibration = Calibration(**settings, thresholds=((0.1,) * 6,) * 2)
    novelty = fit_novelty(list(rng.normal(0, 1, (120, 9, 8))))
    save_trust(path, calibration, novelty, {"objects": 120})
    return path, calibration, novelty


def test_what_was_measured_of_a_model_comes_back_with_it(trusted, rng):
    path, calibration, novelty = trusted
    found = load_model(path)
    assert found.calibration.temperatures == calibration.temperatures
    assert np.array_equal(found.calibration.thresholds, calibration.thresholds)
    row = rng.normal(0, 1, 8)
    assert found.novelty.percentile(row, 4) == pytest.approx(novelty.percentile(row, 4), abs=0.1)
    assert found.sidecar["calibration"]["objects"] == 120


def test_a_changed_novelty_file_is_refused(trusted):
    path, _, _ = trusted
    file = path.with_suffix(".novelty.safetensors")
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(IncompatibleWeightsError, match="SHA-256"):
        load_model(path)
    file.unlink()
    with pytest.raises(IncompatibleWeightsError, match="missing"):
        load_model(path)


@pytest.mark.parametrize("sky", [[1, 2], {"level": 3}, {"noise": ["a", "b"]}])
def test_a_sky_that_is_no_range_is_refused(trusted, sky):
    path, _, _ = trusted
    rewrite(path, calibration=json.loads(path.read_text())["calibration"] | {"sky": sky})
    with pytest.raises(IncompatibleWeightsError, match="two numbers"):
        load_model(path)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperatures": [0.0, 1.0]},
        {"prior": [0.5, 0.5], "thresholds": [[0.1, 0.1], [0.1, 0.1]]},
        {"temperatures": ["hot", "cold"]},
        {"nights": 3},
    ],
)
def test_a_calibration_that_cannot_be_is_refused(trusted, settings):
    path, _, _ = trusted
    stated = json.loads(path.read_text())["calibration"]
    rewrite(path, calibration=stated | {"settings": stated["settings"] | settings})
    with pytest.raises(IncompatibleWeightsError, match="does not describe"):
        load_model(path)
