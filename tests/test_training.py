"""Training learns, resumes exactly, and refuses a checkpoint that is not its own."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from taonet_core import recipes
from taonet_core.data import store
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.store import PackedNights
from taonet_core.errors import Code, TrainingError
from taonet_core.fit import TrainConfig, fit, schedule
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.tasks import NightTask, VectorTask, WindowTask, thin
from taonet_core.train import train_model, write_split
from taonet_core.transforms.symmetry import symmetry

SMALL = TAONetConfig(n_classes=3, widths=(8, 8, 8, 8), embedding=16, hidden=16, dropout=0.0)


@pytest.fixture
def packed():
    """Twelve objects of three kinds: one brightens, one fades, one stays."""
    rng = np.random.default_rng(5)
    labels, lengths = np.arange(12) % 3, rng.integers(5, 9, 12)
    images = []
    for label, n in zip(labels, lengths, strict=True):
        stack = rng.normal(0, 1, (n, 64, 64))
        stack[:, 31:34, 31:34] += (np.linspace(0, 40, n), np.linspace(40, 0, n), np.full(n, 20))[
            label
        ][:, None, None]
        images.append(stack)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    times = np.concatenate([np.arange(n) * 10.0 for n in lengths])
    stacked = np.concatenate(images).astype(np.float16)
    return PackedNights(stacked, times, offsets, np.arange(12)), labels


def night_task(packed, batch_size=6):
    everything = np.arange(12)
    return NightTask(*packed, everything, everything, n_classes=3, batch_size=batch_size)


def test_taonet_overfits_twelve_sequences(packed):
    torch.manual_seed(1)
    model = TAONet(SMALL)
    history = fit(model, night_task(packed), TrainConfig(epochs=30, learning_rate=5e-3))
    assert history.epochs[history.best]["macro_f1"] == 1.0
    assert history.epochs[-1]["loss"] < 0.5 * history.epochs[0]["loss"]


def test_the_published_recipe_overfits_twelve_sequences(packed):
    torch.manual_seed(1)
    model = TAONetPaper(TAONetPaperConfig(n_classes=3, growth=4, depth=10))
    everything = np.arange(12)
    config = TrainConfig(epochs=80, optimizer="sgd", learning_rate=0.1, weight_decay=1e-4)
    windows = WindowTask(*packed, everything, everything, n_classes=3, batch_size=6)
    fit(model, windows, config, stage="encoder")
    task = VectorTask(*packed, everything, everything, n_classes=3, batch_size=6)
    assert list(task.encode(model, torch.device("cpu")))[-1] == 24
    history = fit(model, task, TrainConfig(epochs=200, learning_rate=1e-2), stage="gru")
    assert history.epochs[history.best]["macro_f1"] > 0.9


def test_a_resumed_run_ends_with_the_same_weights(packed, tmp_path):
    config = TrainConfig(epochs=4, batch_size=6)

    class Killed(Exception):
        pass

    def kill_after_two(report):
        if report.epoch == 1:
            raise Killed

    def fresh():
        torch.manual_seed(3)
        return TAONet(TAONetConfig(n_classes=3, widths=(8, 8, 8, 8), embedding=16, hidden=16))

    whole, first, second = fresh(), fresh(), fresh()
    fit(whole, night_task(packed), config)
    checkpoint = tmp_path / "run"
    with pytest.raises(Killed):
        fit(first, night_task(packed), config, checkpoint=checkpoint, on_epoch=kill_after_two)
    history = fit(second, night_task(packed), config, checkpoint=checkpoint)
    assert [epoch["epoch"] for epoch in history.epochs] == [0, 1, 2, 3]
    for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_foreign_or_broken_checkpoint_is_refused(packed, tmp_path):
    checkpoint = tmp_path / "run"
    fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=1), checkpoint=checkpoint)
    with pytest.raises(TrainingError, match="belongs to another run"):
        fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=2), checkpoint=checkpoint)
    [state] = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="checksum does not agree") as refused:
        fit(TAONet(SMALL), night_task(packed), TrainConfig(epochs=1), checkpoint=checkpoint)
    assert refused.value.code is Code.CHECKPOINT


def test_a_checkpoint_of_other_data_or_another_model_is_refused(packed, tmp_path):
    checkpoint, config = tmp_path / "run", TrainConfig(epochs=1)
    fit(TAONet(SMALL), night_task(packed), config, identity="a", checkpoint=checkpoint)
    with pytest.raises(TrainingError, match="another run, model or data"):
        fit(TAONet(SMALL), night_task(packed), config, identity="b", checkpoint=checkpoint)
    wider = TAONet(replace(SMALL, hidden=32))
    with pytest.raises(TrainingError, match="does not fit the model"):
        fit(wider, night_task(packed), config, identity="a", checkpoint=checkpoint)


def test_a_time_budget_ends_the_run_and_its_schedule(packed):
    reports = []
    fit(
        TAONet(SMALL),
        night_task(packed),
        TrainConfig(epochs=10_000),
        time_budget=0.5,
        on_epoch=reports.append,
    )
    assert reports[-1].share == 1.0
    assert len(reports) < 1000
    with pytest.raises(ValueError, match="time_budget"):
        fit(TAONet(SMALL), night_task(packed), TrainConfig(), time_budget=0)


def test_adjusted_logits_cost_what_plain_ones_with_the_prior_cost(packed):
    nights, labels = packed
    task = NightTask(nights, labels // 2, np.arange(9), np.arange(9, 12), n_classes=2, batch_size=6)
    logits, true = torch.randn(8, 2), torch.arange(8) % 2
    prior = torch.tensor([6 / 9, 3 / 9]).log()
    plain = torch.nn.functional.cross_entropy(logits + prior, true, reduction="none")
    assert torch.allclose(task.cross_entropy(logits, true), plain, atol=1e-6)


def test_a_class_that_packs_nothing_still_has_a_prior(packed):
    nights, labels = packed
    task = NightTask(nights, labels % 2, np.arange(9), np.arange(9, 12), n_classes=3, batch_size=6)
    assert task.log_share.exp().tolist() == pytest.approx([6 / 9, 3 / 9, 1 / 9])


def test_pixels_that_are_not_finite_stop_training_with_a_reason(packed):
    nights, labels = packed
    broken = PackedNights(nights.images * np.float16(np.inf), *list(vars(nights).values())[1:])
    with pytest.raises(TrainingError, match="the loss of train is nan"):
        fit(TAONet(SMALL), night_task((broken, labels)), TrainConfig(epochs=1))


def test_the_schedule_warms_up_and_ends_at_zero():
    values = [schedule(share) for share in np.linspace(0, 1, 101)]
    assert max(values) == pytest.approx(1.0, abs=0.01)
    assert values[0] < 0.1
    assert values[-1] == pytest.approx(0.0, abs=1e-9)


def test_the_eight_symmetries_differ_and_leave_the_target_in_place(rng):
    stack = rng.normal(size=(2, 64, 64))
    variants = [symmetry(stack, which) for which in range(8)]
    assert all((v[:, 32, 32] == stack[:, 32, 32]).all() for v in variants)
    assert len({v.tobytes() for v in variants}) == 8


def test_thinning_keeps_order_and_from_one_night_to_the_most_asked_for(rng):
    for _ in range(200):
        most = int(rng.integers(1, 30)) if rng.random() < 0.5 else None
        kept = thin(int(rng.integers(1, 30)), rng, most)
        assert 1 <= len(kept) <= (most or 30)
        assert (np.diff(kept) > 0).all()


# --- a folder of files ---------------------------------------------------------------------------

NARROW = {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 8}
FEW_TREES = {"trees": [5], "max_features": ["sqrt"]}


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    """Six supernovae and six field sources."""
    folder = tmp_path_factory.mktemp("dozen")
    return simulate_dataset(folder, per_class=6, seed=6, classes=("SN", "NON"))


@pytest.fixture
def copied(dozen, tmp_path):
    return shutil.copytree(dozen, tmp_path / "data", ignore=shutil.ignore_patterns(".packed"))


def unread(part, read):
    """Return the reader, but for files with `part` in their path, of which it makes nothing."""

    def reader(job):
        path = job[0] if isinstance(job, tuple) else job
        if part not in path.as_posix():
            return read(job)
        return None if isinstance(job, tuple) else LightCurve([], [], [])

    return reader


def train(data, output, name="taonet", **options):
    options = {"epochs": 1, "workers": 1, "settings": NARROW} | options
    return train_model(name, data, output=output, **options)


def test_the_split_lies_beside_the_weights_and_the_sidecar_knows_it(dozen, tmp_path):
    facts = train(dozen, tmp_path).sidecar
    text = (tmp_path / "taonet.split.csv").read_bytes()
    assert hashlib.sha256(text).hexdigest() == facts["training"]["split_sha256"]
    table = pd.read_csv(tmp_path / "taonet.split.csv")
    assert set(table["object_id"]) == {path.stem for path in dozen.rglob("*.fits")}
    sides = table["side"].value_counts()
    assert (sides["train"], sides["val"]) == (facts["training"]["train_objects"], 2)
    assert facts["metrics"]["validation_objects"] == 2


def test_the_split_has_the_names_as_they_are(tmp_path):
    names = ["=1+1", "+a", "-b", "@c", "'d", 'e"f,g']
    write_split(pd.DataFrame({"object_id": names, "side": "val"}), tmp_path, "a")
    assert pd.read_csv(tmp_path / "a.split.csv")["object_id"].tolist() == names


def test_a_finished_run_is_not_taken_for_one_on_other_data(dozen, copied, tmp_path):
    train(dozen, tmp_path / "models")
    next(copied.rglob("*.fits")).unlink()
    with pytest.raises(TrainingError, match="model or data"):
        train(copied, tmp_path / "models")
    with pytest.raises(TrainingError, match="model or data"):
        train(dozen, tmp_path / "models", settings=NARROW | {"hidden": 9})
    facts = train(copied, tmp_path / "models", resume=False).sidecar
    assert sum(facts["training"]["objects"].values()) == 11


def test_what_cannot_be_told_of_the_data_is_refused_before_the_work(copied, tmp_path):
    (copied / "dataset.json").write_text("{")
    with pytest.raises(TrainingError, match="not valid JSON"):
        train(copied, tmp_path / "models")
    assert not (copied / ".packed").exists()


def test_an_unreadable_first_file_costs_that_file_alone(copied, tmp_path):
    first = min(copied.rglob("*.fits"))
    first.write_bytes(first.read_bytes()[: 2880 * 8])  # its header and table, no frame
    facts = train(copied, tmp_path / "models").sidecar
    assert facts["domain"]["pixel_scale"] == 2.5
    assert facts["training"]["objects"]["NON"] == 6


def test_a_model_of_which_too_little_can_be_read_is_not_trained(copied, tmp_path, monkeypatch):
    monkeypatch.setattr("taonet_core.data.store._read_nights", unread("SN", store._read_nights))
    with pytest.raises(TrainingError, match=r"none of class \['SN'\]"):
        train(copied, tmp_path / "models")


def test_a_forest_without_a_curve_of_some_class_is_not_grown(dozen, tmp_path, monkeypatch):
    monkeypatch.setattr("taonet_core.recipes._measure", unread("NON", recipes._measure))
    with pytest.raises(TrainingError, match=r"none of class \['NON'\]"):
        train(dozen, tmp_path, "forest", settings=FEW_TREES)


def test_only_curves_that_the_forest_classifies_are_scored(dozen, tmp_path, monkeypatch):
    train(dozen, tmp_path, "forest", settings=FEW_TREES)
    split = pd.read_csv(tmp_path / "forest.split.csv")
    lost = split.loc[split["side"] == "val", "object_id"].iloc[0]
    monkeypatch.setattr("taonet_core.recipes._measure", unread(lost, recipes._measure))
    said = []
    facts = train(
        *(dozen, tmp_path, "forest"),
        settings=FEW_TREES,
        on_progress=lambda stage, share, text: said.append(text),
    ).sidecar
    assert facts["metrics"]["validation_objects"] == 1
    assert said[-1].endswith("on 1 of 2 objects")


@pytest.mark.parametrize("options", [{"epochs": 0}, {"time_budget": 0.0}, {"time_budget": -1.0}])
def test_no_time_to_train_is_refused(dozen, tmp_path, options):
    with pytest.raises(ValueError, match="must be positive"):
        train(dozen, tmp_path, **options)


def store_of(folder):
    [home] = [path for path in (folder / ".packed").iterdir() if not path.name.startswith(".")]
    return home


@pytest.mark.parametrize("name", ["images.f16", "table.npz"])
def test_a_damaged_store_is_made_anew(copied, tmp_path, caplog, name):
    train(copied, tmp_path / "a")
    file = store_of(copied) / name
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    train(copied, tmp_path / "b")
    assert "is damaged" in caplog.text
    assert len(file.read_bytes()) == len(whole)
    assert (tmp_path / "a/taonet.safetensors").read_bytes() == (
        tmp_path / "b/taonet.safetensors"
    ).read_bytes()
