"""kill -9 of training at a hundred random instants, twenty of them inside a save.

``python benchmarks/reliability/training_kills.py``: every kind of model is trained once without a
stop. Then, many times, in a new folder, until it is killed, and again by the same call: the weights
must have the same SHA-256, what lies in the folder after the kill must be usable or absent, never a
part, and neither a temporary file nor a process may be left. Checkpoints are written after each
step rather than each minute, so that most instants are near one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _figures import ROOT, Findings, Goal, command
from rich.progress import track

from taonet_core import fit
from taonet_core.errors import TaoNetError
from taonet_core.finetune import finetune_model
from taonet_core.labels import TransientClass
from taonet_core.models.weights import load_model
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.train import train_model

sys.path.append(str(ROOT / "tests"))
from faults import KILL, KINDS, faulty  # noqa: E402

SEED = 20_261_122
#: Kills of each kind of model: at any instant, and within a save.
KILLS = {
    "taonet": (40, 10),
    "taonet-paper": (16, 4),
    "forest": (8, 2),
    "boosting": (8, 2),
    "finetune": (8, 2),
}
QUICK = {"taonet": (1, 1)}
_SETTINGS: dict[str, dict[str, Any]] = {
    "taonet": {"widths": [4, 4, 4, 4], "embedding": 8, "hidden": 8},
    "taonet-paper": {"growth": 2, "depth": 10},
    "forest": {"trees": [5], "max_features": ["sqrt"]},
    "boosting": {"iterations": 5, "random_trees": 5, "min_leaf": 2},
}
_EPOCHS = 8
_CLASSES = (TransientClass.SN, TransientClass.NON)
#: Seconds that processes of a killed training may take to see that it is gone: those that were
#: just begun load what they need first.
_GRACE = 60.0
_PROCESSES = get_context("forkserver")
#: Loaded once for all processes; PyTorch loads the last at the first step of an optimiser.
_PRELOADED = (
    *("taonet_core.finetune", "taonet_core.models.taonet_paper", "skops.io", "sklearn.ensemble"),
    *("sklearn.pipeline", "astropy.wcs", "scipy.ndimage", "photutils", "torch._dynamo"),
)


@dataclass
class Tally:
    """What was found over all kills."""

    kills: int = 0
    in_saves: int = 0
    too_late: int = 0
    other_weights: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    left_behind: int = 0
    went_on: Counter[str] = field(default_factory=Counter)


def train(kind: str, data: str, output: str, workers: int = 1) -> None:
    """Train a kind, as the command line does; called in a process of its own."""
    fit.SAVE_EVERY = 0.0
    once: dict[str, Any] = {"output": output, "workers": workers, "device": "cpu"}
    if kind == "finetune":
        base = str(Path(data) / "base" / "taonet.json")
        finetune_model(base, Path(data) / "files", per_class=3, epochs=_EPOCHS, **once)
        return
    train_model(kind, Path(data) / "files", epochs=_EPOCHS, settings=_SETTINGS[kind], **once)


def train_to_the_fault(kind: str, data: str, output: str, what: str, n: int) -> None:
    """Train until the n-th open, write, fsync or rename in the output folder, and die there."""
    with faulty(what, n, KILL, under=output):
        train(kind, data, output)


def weights(output: Path) -> str:
    """Return the SHA-256 of the weights in a folder; empty where there are none."""
    found = [*output.glob("[!.]*.safetensors"), *output.glob("[!.]*.skops")]
    return hashlib.sha256(found[0].read_bytes()).hexdigest() if found else ""


def run(function: Callable[..., None], *args: Any, kill_after: float | None = None) -> int | None:
    """Run in a new process and return its exit code, killing it after some seconds if asked."""
    process = _PROCESSES.Process(target=function, args=args)
    process.start()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def measure(quick: bool) -> Findings:
    """Kill training, and compare what it ends with."""
    _PROCESSES.set_forkserver_preload([*_PRELOADED])
    rng, tally, plan = np.random.default_rng(SEED), Tally(), QUICK if quick else KILLS
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        simulate_dataset(data / "files", per_class=6, seed=6, classes=_CLASSES)
        for kind, (anywhere, in_saves) in plan.items():
            with contextlib.closing(_trials(kind, data, anywhere, in_saves, rng, tally)) as trials:
                for _ in track(trials, kind, total=anywhere + in_saves):
                    pass
        if not quick:
            tally.left_behind = _left_behind(data, Path(folder) / "two workers")
    seconds = round(time.monotonic() - began)
    wanted = sum(map(sum, plan.values()))
    goals = [
        Goal("kills of training", tally.kills, "==", wanted),
        Goal("of these inside a save", tally.in_saves, ">=", sum(n for _, n in plan.values())),
        Goal("final weights that differ", len(tally.other_weights), "==", 0),
        Goal("models left that cannot be loaded", len(tally.parts), "==", 0),
        Goal("temporary files left", len(tally.strays), "==", 0),
    ]
    if not quick:
        goals.append(Goal("processes left behind", tally.left_behind, "==", 0))
    figures = {
        "kills by kind": {kind: sum(kills) for kind, kills in plan.items()},
        "kills after which training went on from": dict(tally.went_on),
        "runs that ended before their kill and were drawn again": tally.too_late,
        "deviations": [*tally.other_weights, *tally.parts, *tally.strays],
        "seconds": seconds,
    }
    notes = [
        "forest, boosting and fine-tuning keep no checkpoint: they start again and end the same"
    ]
    return Findings(goals, figures, seed=SEED, notes=notes)


def _trials(
    kind: str, data: Path, anywhere: int, in_saves: int, rng: np.random.Generator, tally: Tally
) -> Iterator[None]:
    """Train once undisturbed, then be killed as often as asked."""
    if kind == "finetune" and not (data / "base").exists():
        run(train, "taonet", str(data), str(data / "base"))
    whole = data.parent / f"{kind}-whole"
    assert run(train, kind, str(data), str(whole)) == 0  # and the files are packed
    began = time.monotonic()
    assert run(train, kind, str(data), str(data.parent / f"{kind}-again")) == 0
    longest, wanted = time.monotonic() - began, weights(whole)
    operations = _operations(kind, data)
    for number in range(anywhere + in_saves):
        output = data.parent / f"{kind}-{number}"
        while not _killed(kind, data, output, number >= anywhere, longest, operations, rng):
            tally.too_late += 1
            shutil.rmtree(output)
        _judge(kind, data, output, wanted, tally, f"{kind} {number}")
        tally.in_saves += number >= anywhere
        shutil.rmtree(output)
        yield


def _operations(kind: str, data: Path) -> list[tuple[str, int]]:
    """Return every operation of the saves of a whole training, as `faulty` names it."""
    output, found = data.parent / f"{kind}-counted", []
    with contextlib.ExitStack() as stack:
        never = [faulty(what, sys.maxsize, KILL, under=output) for what in KINDS]
        faults = [stack.enter_context(fault) for fault in never]
        train(kind, str(data), str(output))
    for fault in faults:
        first = 2 if fault.kind in ("open", "write") else 1  # the first is the lock
        found += [(fault.kind, n) for n in range(first, fault.seen + 1)]
    shutil.rmtree(output)
    return found


def _killed(
    kind: str,
    data: Path,
    output: Path,
    in_save: bool,
    longest: float,
    operations: list[tuple[str, int]],
    rng: np.random.Generator,
) -> bool:
    """Train until a kill; False where the training had ended before."""
    if rng.random() < 0.25:  # and the files are packed anew
        shutil.rmtree(data / "files" / ".packed", ignore_errors=True)
    if in_save:
        what, n = operations[rng.integers(len(operations))]
        code = run(train_to_the_fault, kind, str(data), str(output), what, n)
    else:
        after = float(rng.uniform(0, longest))
        code = run(train, kind, str(data), str(output), kill_after=after)
    output.mkdir(exist_ok=True)
    return code == -signal.SIGKILL


def _judge(kind: str, data: Path, output: Path, wanted: str, tally: Tally, trial: str) -> None:
    """Look at what the kill left, go on, and compare."""
    tally.kills += 1
    for sidecar in output.glob("[!.]*.json"):
        try:
            load_model(sidecar)
        except TaoNetError as error:
            tally.parts.append(f"{trial}: {error}")
    begun = any(output.glob("*.checkpoint.?"))
    tally.went_on["a checkpoint" if begun else "the start"] += 1
    code = run(train, kind, str(data), str(output))
    if code != 0 or weights(output) != wanted:
        tally.other_weights.append(f"{trial}: exit code {code}, {weights(output)[:12]}")
    for folder in (output, data / "files" / ".packed"):
        tally.strays += [f"{trial}: {path.name}" for path in folder.glob(".*")]


def _left_behind(data: Path, output: Path) -> int:
    """Kill a training whose files are read by other processes; count those still there after."""
    shutil.rmtree(data / "files" / ".packed", ignore_errors=True)
    process = _PROCESSES.Process(target=train, args=("taonet", str(data), str(output), 2))
    process.start()
    children: list[int] = []
    while process.is_alive() and len(children) < 2:
        children = _children(process.pid or 0)
    process.kill()
    process.join()
    until = time.monotonic() + _GRACE
    while any(map(_lives, children)) and time.monotonic() < until:
        time.sleep(0.05)
    return sum(map(_lives, children))


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii")
    return [int(number) for number in text.split()]


def _lives(process: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(process, 0)
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text("utf-8")
    return False


if __name__ == "__main__":
    command(measure, "training_kills")
