"""Weights come back as they were saved, and anything else is refused in one sentence."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from faults import every_fault, every_kill
from safetensors.torch import load, save

from taonet_core.errors import Code, IncompatibleWeightsError
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
    known = json.loads(path.read_text())
    known.pop("checksum", None)
    path.write_text(json.dumps(known | changes))


def rehash(path, suffix=".safetensors"):
    digest = hashlib.sha256(path.with_suffix(suffix).read_bytes()).hexdigest()
    rewrite(path, sha256=digest)


@pytest.fixture
def silent(saved):
    """Weights that do not say what they are, as versions before 0.4 wrote them."""
    bundle, path = saved
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(save(load(weights.read_bytes())))
    rehash(path)
    return bundle, path


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


def test_class_order_is_read_not_assumed(silent):
    _, path = silent
    rewrite(path, classes=["SN", "NON", "AGN", "CV", "BZ", "OTHER"])
    assert [str(c) for c in load_model(path).classes][:2] == ["SN", "NON"]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"classes": ["SN", "NON", "AGN", "CV", "BZ", "OTHER"]}, "differ in: classes "),
        ({"config": {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 9}}, "config.hidden "),
        ({"kind": "taonet-paper"}, "differ in: kind "),
        ({"preprocess": None}, "preprocess.scale "),
    ],
    ids=["class order", "architecture", "kind", "preprocessing"],
)
def test_weights_say_themselves_what_they_are(saved, changes, differs):
    _, path = saved
    rewrite(path, **changes)
    with pytest.raises(IncompatibleWeightsError, match=re.escape(differs)) as refused:
        load_model(path)
    assert refused.value.code is Code.WEIGHTS_OTHER


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


def test_every_flipped_bit_of_a_sidecar_is_refused(saved, rng):
    _, path = saved
    whole = path.read_bytes()
    for at in rng.integers(len(whole) * 8, size=200):
        flipped = bytearray(whole)
        flipped[at // 8] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        with pytest.raises(IncompatibleWeightsError):
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
    with pytest.raises(IncompatibleWeightsError, match="without their sidecar") as refused:
        load_model(path)
    assert refused.value.code is Code.WEIGHTS_MISSING
    with pytest.raises(IncompatibleWeightsError, match="no model named 'nothing'"):
        load_model("nothing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"config": {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 9}}, "does not fit"),
        ({"config": {"colour": 1}}, "no setting"),
        ({"config": {"widths": [4] * 4, "hidden": 10**7}}, "tensors differ"),
        ({"kind": "oracle"}, "one of the kinds"),
        ({"format": 99}, "wanted format 1"),
        ({"classes": ["SN", "UFO"]}, "UFO"),
        ({"classes": ["SN", "CV", "AGN", "BZ", "NON"]}, "wanted 6 different classes"),
        ({"classes": ["SN"] * 6}, "wanted 6 different classes"),
        ({"classes": "SN"}, r"\['classes'\] should be \['list'\]"),
        ({"kind": []}, r"\['kind'\] should be \['str'\]"),
        ({"config": []}, r"\['config'\] should be \['dict'\]"),
        ({"config": {"hidden": 0}}, "can build"),
        ({"preprocess": ["size"]}, r"\['preprocess'\] should be \['dict'\]"),
        ({"sha256": 7, "domain": [1]}, r"\['sha256', 'domain'\] should be \['str', 'dict'\]"),
        ({"sha256": "../../etc"}, "64 hexadecimal digits"),
        ({"name": "../../home/user/.profile"}, "'name' should be letters"),
        ({"format": True}, r"\['format'\] should be \['int'\]"),
        ({"pickle": "gASV"}, r"\['pickle'\], which format 1 does not know"),
        ({"domain": {"bands": 5}}, "'domain': bands should be a list of names"),
        ({"domain": {"pixel_scale": -1}}, "'domain': pixel_scale should be a number"),
        ({"domain": {"survey": ["CRTS"]}}, "'domain': survey should be a name"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(silent, changes, reason):
    _, path = silent
    rewrite(path, **changes)
    with pytest.raises(IncompatibleWeightsError, match=reason) as refused:
        load_model(path)
    assert refused.value.code in (Code.WEIGHTS_SIDECAR, Code.WEIGHTS_OTHER)


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


OTHER_KINDS = {
    "pickle": (b"\x80\x04\x95pickle", "a pickle, which could run any code"),
    ".pt": (b"PK\x03\x04" + b"\0" * 60, "a zip archive, as PyTorch"),
    ".h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "an HDF5 file"),
    ".npy": (b"\x93NUMPY\x01\0", "a NumPy array"),
    "empty": (b"", "does not begin with a header"),
    "random": (b"\xff" * 4096, "does not begin with a header"),
    "no JSON": (b"\x08" + b"\0" * 7 + b"{nonsens", "does not begin with a header"),
}


@pytest.mark.parametrize(("content", "looks"), OTHER_KINDS.values(), ids=OTHER_KINDS)
@pytest.mark.parametrize("hashed", [True, False], ids=["right hash", "wrong hash"])
def test_other_file_kinds_are_refused_whatever_their_hash(saved, content, looks, hashed):
    _, path = saved
    path.with_suffix(".safetensors").write_bytes(content)
    if hashed:
        rehash(path)
    said = looks if hashed or "begin with a header" not in looks else "damaged|empty"
    with pytest.raises(IncompatibleWeightsError, match=said):
        load_model(path)


@pytest.mark.parametrize("name", ["model.pt", "model.h5", "model.keras", "model.pkl"])
def test_a_model_named_by_another_kind_of_file_is_refused(tmp_path, name):
    content = {".h5": b"\x89HDF\r\n\x1a\n", ".pkl": b"\x80\x05"}.get(name[5:], b"PK\x03\x04")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IncompatibleWeightsError, match=f"{name} looks like") as refused:
        load_model(tmp_path / name)
    assert refused.value.code is Code.WEIGHTS_FORMAT


def test_a_header_of_a_hundred_thousand_tensors_is_refused_before_it_is_loaded(silent):
    _, path = silent
    many = {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(20_000)}
    for header in (many, {"a" * 5_000_000: {}}):
        text = json.dumps(header).encode()
        content = len(text).to_bytes(8, "little") + text
        path.with_suffix(".safetensors").write_bytes(content)
        rehash(path)
        with pytest.raises(IncompatibleWeightsError, match="more than") as refused:
            load_model(path)
        assert refused.value.code is Code.WEIGHTS_SIZE


def test_a_sidecar_that_says_a_thing_twice_or_too_much_is_refused(saved):
    _, path = saved
    rewrite(path)  # and no checksum
    text = path.read_text()
    for content, reason in (
        (text.replace("{", '{"kind": "forest",', 1), "there twice"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "wanted an object"),
        (text + " " * 5_000_000, "larger than"),
    ):
        path.write_text(content)
        with pytest.raises(IncompatibleWeightsError, match=reason):
            load_model(path)


def test_at_no_fault_while_saving_do_weights_and_sidecar_disagree(saved):
    """The new or the old model loads, whatever fails."""
    bundle, path = saved
    folder, old = path.parent, path.with_suffix(".safetensors").read_bytes()
    later = replace(bundle, model=TAONet(CONFIG).eval())
    for fault in every_fault(lambda: save_model(later, folder), under=folder):
        assert fault.raised.code in (Code.DISK_FULL, Code.WRITE)
        found = load_model(path).model.state_dict()["head.weight"]
        assert any(torch.equal(found, b.model.state_dict()["head.weight"]) for b in (bundle, later))
        save_model(bundle, folder)
        assert path.with_suffix(".safetensors").read_bytes() == old


def test_at_no_kill_while_saving_do_weights_and_sidecar_disagree(saved):
    _, path = saved
    for _ in every_kill(save_other_weights, path, under=path.parent):
        load_model(path)


def save_other_weights(path):
    bundle = load_model(path)
    tensors = {name: tensor + 1 for name, tensor in bundle.model.state_dict().items()}
    bundle.model.load_state_dict(tensors)
    save_model(bundle, path.parent)


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


def test_what_is_half_written_is_no_model(saved):
    _, path = saved
    path.with_name(".part-00000000-1-00000000.json").write_text('{"name":')
    path.with_name(f".next-{path.stem}.safetensors").write_bytes(b"")
    assert available_models(path.parent) == ["small"]
    assert set(sidecars(path.parent)) == {"small"}


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
    with pytest.raises(IncompatibleWeightsError, match="differ in: classes"):
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
