"""Whatever fails or dies while a model is trained, it goes on and ends with the same weights."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
import torch._dynamo  # the optimiser loads it at its first step: here, and not in each process
import typer
from faults import ERRORS, every_fault, every_kill, faulty

from taonet_core import fit as loop
from taonet_core.console import may_be_stopped
from taonet_core.data.locks import only_one
from taonet_core.data.store import PackedNights, map_in_processes
from taonet_core.errors import Code, TaoNetError, TrainingError
from taonet_core.fit import fit
from taonet_core.learning import TrainConfig
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.stopping import Stopped, stoppable
from taonet_core.tasks import NightTask
from taonet_core.train import LOCK, train_model

SIZES = {"widths": (2, 2), "embedding": 4, "hidden": 4, "tallied": 2, "apertures": (2.5,)}
CONFIG = TrainConfig(epochs=1, batch_size=4)


def task():
    """Eight objects of two nights and two kinds, on images of 32 pixels."""
    rng, labels = np.random.default_rng(5), np.arange(8) % 2
    images = rng.normal(0, 1, (16, 32, 32)).astype(np.float16)
    images += np.repeat(labels, 2)[:, None, None].astype(np.float16)
    nights = PackedNights(images, np.tile([0.0, 9.0], 8), np.arange(0, 17, 2), np.arange(8))
    return NightTask(nights, labels, np.arange(8), np.arange(8), n_classes=2, batch_size=4)


def weights(model):
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


def train(path, config=CONFIG, **options):
    """Train a small network whose state is kept in `path` after every step."""
    torch.manual_seed(3)
    model = TAONet(TAONetConfig(n_classes=2, **SIZES))
    fit(model, task(), config, checkpoint=path / "run", **options)
    return weights(model)


@pytest.fixture(autouse=True)
def every_step(monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return train(tmp_path_factory.mktemp("undisturbed"))


def clear(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("errors", "lasting"), [(ERRORS, False), ([errno.ENOSPC], True)], ids=["once", "from then on"]
)
def test_after_every_fault_training_goes_on_to_the_same_weights(
    tmp_path, undisturbed, errors, lasting
):
    """The checkpoint before is intact, nothing half written is left, and the error says why."""

    def anew():
        clear(tmp_path)
        train(tmp_path)

    faults = 0
    for fault in every_fault(anew, under=tmp_path, errors=errors, lasting=lasting):
        faults += 1
        assert isinstance(fault.raised, TaoNetError)
        full = fault.error == errno.ENOSPC
        assert fault.raised.code is (Code.DISK_FULL if full else Code.WRITE)
        assert str(tmp_path) in str(fault.raised)
        left = {file.name for file in tmp_path.iterdir()}
        assert left <= {"run.0", "run.1"}
        assert train(tmp_path) == undisturbed
    assert faults > 20


def save_every_step(path):
    loop.SAVE_EVERY = 0.0
    train(path)


def test_after_every_kill_training_goes_on_to_the_same_weights(tmp_path, undisturbed):
    kills = 0
    for _ in every_kill(save_every_step, tmp_path, under=tmp_path):
        kills += 1
        assert train(tmp_path) == undisturbed
        clear(tmp_path)
    assert kills > 10


def test_a_disk_that_fails_while_a_checkpoint_is_read_is_named(tmp_path):
    train(tmp_path)
    for name in ("run.0", "run.1"):
        (tmp_path / name).chmod(0)
    with (
        faulty("open", 1, errno.EIO, under=tmp_path, lasting=True),
        pytest.raises(TrainingError, match="Input/output error") as refused,
    ):
        train(tmp_path)
    assert refused.value.code is Code.CHECKPOINT


@pytest.mark.parametrize("bit", range(0, 8 * 64, 73))
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_says_so(
    tmp_path, undisturbed, caplog, bit, rng
):
    with pytest.raises(Dead):
        train(tmp_path, on_epoch=die)
    newest = max(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    content = bytearray(newest.read_bytes())
    content[int(rng.integers(len(content))) if bit else 0] ^= 1 << bit % 8
    newest.write_bytes(content)
    assert train(tmp_path) == undisturbed
    assert f"{newest.name} cannot be read (its checksum does not agree)" in caplog.text
    assert "goes on from the other checkpoint" in caplog.text


class Dead(Exception):
    pass


def die(report):
    raise Dead


def test_two_damaged_checkpoints_are_not_taken_for_a_new_run(tmp_path):
    train(tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(TrainingError, match="no checkpoint .* is whole.*run.0.*run.1.*delete"):
        train(tmp_path)


def test_a_signal_ends_the_step_and_the_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    longer = replace(CONFIG, epochs=2)
    (tmp_path / "undisturbed").mkdir()
    undisturbed = train(tmp_path / "undisturbed", longer)
    monkeypatch.setattr(loop, "SAVE_EVERY", 1e9)  # what is kept is kept because of the signal
    step, steps = loop._Run._step, []

    def interrupted(self, *args):
        loss = step(self, *args)
        steps.append(loss)
        if len(steps) == 3:  # the first of the second epoch
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_step", interrupted)
        with pytest.raises(Stopped) as stopped, stoppable():
            train(tmp_path, longer)
    assert stopped.value.exit_code == 143
    assert len(steps) == 3
    monkeypatch.setattr(loop._Run, "_step", counted := Counted(step))
    assert train(tmp_path, longer) == undisturbed
    assert counted.calls == 1


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __get__(self, run, kind):
        def call(*args):
            self.calls += 1
            return self.function(run, *args)

        return call


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dozen")
    return simulate_dataset(folder, per_class=6, seed=6, classes=("SN", "NON"))


NARROW = {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 8}


def test_a_second_training_in_a_folder_is_refused(dozen, tmp_path):
    with (
        only_one(tmp_path / LOCK, "a training"),
        pytest.raises(TaoNetError, match="does a training in") as refused,
    ):
        train_model("taonet", dozen, output=tmp_path, epochs=1, settings=NARROW)
    assert refused.value.code is Code.LOCKED


def test_the_command_stops_with_one_sentence_and_the_code_of_the_signal(dozen, tmp_path):
    job = [sys.executable, "-m", "taonet_core", "train", "taonet", dozen, "--output", tmp_path]
    options = ["--epochs", "1000", "--workers", "1", "--set", "widths=[4,4,4,4]"]
    with subprocess.Popen([*map(str, job), *options], stderr=subprocess.PIPE, text=True) as run:
        until = time.monotonic() + 100
        while not any(tmp_path.glob("*.checkpoint.?")) and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=60)[1].strip().splitlines()
    assert run.returncode == 143
    assert said[-1] == "taonet: stopped; the same command goes on where it was"
    assert "Traceback" not in "".join(said)
    assert not any(tmp_path.glob(".*"))


def test_ctrl_c_ends_with_130(capfd):
    with pytest.raises(typer.Exit) as ended, may_be_stopped("the same command goes on"):
        os.kill(os.getpid(), signal.SIGINT)
    assert ended.value.exit_code == 130
    assert capfd.readouterr().err == "taonet: stopped; the same command goes on\n"


def test_a_folder_that_cannot_be_written_is_named(dozen, tmp_path):
    place = tmp_path / "a file\nof two lines"
    place.write_text("in the way")
    with pytest.raises(TaoNetError, match=r"cannot write '.*a file\\nof two lines") as refused:
        train_model("taonet", dozen, output=place / "models", epochs=1, settings=NARROW)
    assert refused.value.code is Code.WRITE


# --- processes that read files -------------------------------------------------------------------


def announce(folder):
    """Stand in for the reading of a file that takes long."""
    (folder / str(os.getpid())).touch()
    time.sleep(300)


def read_with_two(folder):
    list(map_in_processes(announce, [folder] * 2, 2))


def is_running(process):
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_processes_that_read_end_with_the_one_they_read_for(tmp_path):
    parent = get_context("spawn").Process(target=read_with_two, args=(tmp_path,))
    parent.start()
    until = time.monotonic() + 100
    while len(readers := [int(file.name) for file in tmp_path.iterdir()]) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    parent.kill()
    parent.join()
    while any(map(is_running, readers)):
        assert time.monotonic() < until
        time.sleep(0.05)
