"""kill -9 of a prediction of ten thousand inputs, fifty times: each once, and the same table.

``python benchmarks/reliability/bulk_kills.py``: tiny simulated sequences, each a file, are read in
the sandbox and classified by a small network, as ``taonet predict --output`` does. Once without a
stop. Then it is killed with SIGKILL, begun again by the same call, and killed again: at random
instants, some of them before anything is answered, and at last while the table is written.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from _children import resident
from _figures import ROOT, Findings, Goal, command

from taonet_core.bulk import classify, prediction_table, read_objects
from taonet_core.bulk_table import predict_to_table
from taonet_core.data.exports import write_table
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.results import TABLE_COLUMNS, empty_row
from taonet_core.data.sequence import ImageSequence
from taonet_core.journal import open_journal
from taonet_core.journal_entries import Answer
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.weights import ModelBundle

sys.path.append(str(ROOT / "tests"))
from faults import KILL, faulty  # noqa: E402

SEED = 20_261_122
#: Inputs; kills at random instants.
FULL, QUICK = (10_000, 46), (100, 2)
#: Kills while the table is written: at which operation in its folder.
LAST = (("write", 2), ("rename", 1), ("open", 2), ("fsync", 1))
#: Rows of the table whose writing is measured alone.
ROWS = 100_000
#: Objects that are stored together.
_BATCH = 32
#: Seconds that processes of a killed run may take to see that it is gone.
_GRACE = 5.0
_PROCESSES = get_context("forkserver")
_NEEDED = (
    "taonet_core.bulk_table",
    "taonet_core.models.taonet",
    "taonet_core.objects.verdict_store",
)


@lru_cache
def network() -> ModelBundle:
    """Return a small untrained network, each time the same."""
    import torch

    from taonet_core.models.taonet import TAONet, TAONetConfig
    from taonet_core.transforms.preprocess import PreprocessConfig

    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    model = TAONet(config).eval()
    known = {"sha256": "of seed 0"}
    settings = PreprocessConfig()
    return ModelBundle("tiny", "0", "taonet", SIX_CLASSES, model, config, settings, known)


def write_inputs(folder: Path, count: int) -> list[Path]:
    """Write sequences of eight nights, each a point source that brightens, on noise."""
    rng = np.random.default_rng(SEED)
    times = 53_800.2 + 10.0 * np.arange(8)
    known = {"survey": "CRTS", "pixel_scale": 2.5, "zero_point": 26.0, "time_kind": "mjd"}
    paths = []
    for number in range(count):
        frames = rng.normal(2000, 20, (8, 24, 24))
        frames[:, 12, 12] += rng.uniform(500, 9000) * np.linspace(0, 1, 8)
        place = {"object_id": f"object-{number:05}", "ra": 100 + number / 1000, "dec": 20.0}
        bands = {"band": np.full(8, "clear")}
        more = known | place | {"label": "SN", "saturation": 27_000.0, "notes": [], "dropped": []}
        sequence = ImageSequence(np.rint(frames), times, None, more, bands)
        path = folder / f"{number // 1000:02}" / f"object-{number:05}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(write_sequence(sequence, path, layout="deep-tao"))
    return paths


@dataclass(frozen=True)
class Job:
    """A prediction of all that a folder holds.

    Attributes
    ----------
    inputs : Path
        A folder.
    output : Path
        The table.
    trusted : bool
        Read without the sandbox, which takes seconds to start.
    """

    inputs: Path
    output: Path
    trusted: bool

    def start(self, *fault: Any) -> tuple[Any, Any]:
        """Begin it in a process of its own; return that, and how many objects are done."""
        done = RawValue("i", -1)
        process = _PROCESSES.Process(target=predict, args=(self, done, *fault))
        process.start()
        return process, done


def predict(job: Job, done: Any, *fault: Any) -> None:
    """Predict, to the end or to a fault that kills this process."""

    def step(count: int) -> None:
        done.value = count

    with ExitStack() as stack:
        if fault:
            stack.enter_context(faulty(*fault, KILL, under=job.output.parent))
        predict_to_table([job.inputs], network(), job.output, trusted=job.trusted, on_object=step)


def measure(quick: bool) -> Findings:
    """Predict once without a stop, and once with many, and compare."""
    _PROCESSES.set_forkserver_preload([*_NEEDED])
    count, kills = QUICK if quick else FULL
    rng = np.random.default_rng(SEED)
    began = time.monotonic()
    with TemporaryDirectory() as place:
        inputs = Path(place) / "inputs"
        paths = write_inputs(inputs, count)
        whole, stopped = Path(place) / "whole" / "t.csv", Path(place) / "stopped" / "t.csv"
        figures = _cost(paths, whole, trusted=quick)
        predict(Job(inputs, whole, trusted=quick), RawValue("i", 0))
        killed, lost, left = _interrupted(Job(inputs, stopped, trusted=quick), count, kills, rng)
        table = pd.read_csv(stopped)
        times = Counter(table["object_id"])
        same = whole.read_bytes() == stopped.read_bytes()
        strays = [path.name for path in stopped.parent.iterdir() if path != stopped]
        figures |= _export(Path(place), 2000 if quick else ROWS)
    goals = [
        Goal("kills", killed, "==", kills + len(LAST)),
        Goal("inputs", len(times), "==", count),
        Goal("inputs lost", sum(path.stem not in times for path in paths), "==", 0),
        Goal("inputs answered twice", sum(n > 1 for n in times.values()), "==", 0),
        Goal("inputs without a verdict", int(table["error"].notna().sum()), "==", 0),
        Goal("tables that differ from that of an undisturbed run", int(not same), "==", 0),
        Goal("files left behind", len(strays), "==", 0),
        Goal("processes left behind", left, "==", 0),
        Goal("objects acknowledged and lost", lost, "==", 0),
    ]
    figures |= {"files left behind": strays, "seconds": round(time.monotonic() - began)}
    notes = ["the quick version reads without the sandbox"] if quick else []
    return Findings(goals, figures, seed=SEED, notes=notes)


def _cost(paths: list[Path], output: Path, *, trusted: bool) -> dict[str, Any]:
    """Predict up to a thousand with a journal and without one; return what each takes."""
    few = paths[:1000]
    warm = output.with_name("warm.csv")
    predict_to_table(few[:_BATCH], network(), warm, trusted=trusted)  # the sandbox starts
    began = time.monotonic()
    objects = (item for path in few for item in read_objects(path, trusted=trusted))
    write_table(prediction_table(classify(objects, network())), output.with_name("plain.csv"))
    plain = (time.monotonic() - began) / len(few)
    began = time.monotonic()
    predict_to_table(few, network(), output.with_name("journal.csv"), trusted=trusted)
    journal = (time.monotonic() - began) / len(few)
    return {
        "milliseconds an object": {
            "without a journal": round(1000 * plain, 2),
            "with one": round(1000 * journal, 2),
        },
    }


def _interrupted(
    job: Job, count: int, kills: int, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Predict until killed, again and again, then to the end.

    Returns how often it was killed, how many objects were told done and are not in the journal,
    and how many processes outlived their run.
    """
    killed = lost = left = 0
    for target in np.sort(rng.integers(-count // 10, count - _BATCH, kills)):
        process, done = job.start()
        patience = time.monotonic() + (float(rng.uniform(0, 2)) if target < 0 else 600)
        while process.is_alive() and done.value < max(target, 0) and time.monotonic() < patience:
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0, 0.1)))
        helpers = _descendants(process.pid)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        lost += max(done.value - _answered(job.output), 0)
        left += _outliving(helpers)
    for fault in LAST:
        process, _ = job.start(*fault)
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    process, _ = job.start()
    process.join()
    return killed, lost, left


def _answered(output: Path) -> int:
    """Return how many objects the journal of a table holds."""
    path = Path(f"{output}.journal")
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as file, suppress(sqlite3.OperationalError):  # no table yet
        return int(file.execute("SELECT count(*) FROM answers").fetchone()[0])
    return 0


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    found = [int(number) for number in text.split()]
    return [*found, *(below for child in found for below in _descendants(child))]


def _outliving(processes: list[int]) -> int:
    """Wait for processes to end; return how many have not."""
    until = time.monotonic() + _GRACE
    while any(map(resident, processes)) and time.monotonic() < until:
        time.sleep(0.01)
    return sum(resident(pid) > 0 for pid in processes)


def _export(folder: Path, count: int) -> dict[str, Any]:
    """Write the table of a long journal, and return what that takes."""
    from taonet_core.bulk_table import _table

    path = folder / "long.csv.journal"
    row = empty_row("object", error="") | {"class_name": "SN", "p_SN": 1 / 3, "model": "tiny"}
    with open_journal(path, [folder / "inputs"], {}) as journal:
        began = time.monotonic()
        for start in range(0, count, _BATCH):
            names = [f"object-{n:06}" for n in range(start, min(start + _BATCH, count))]
            journal.add([Answer(n, "0" * 64, name, [row]) for n, name in enumerate(names)])
        stored = time.monotonic() - began
        before, began = resident(), time.monotonic()
        table = _table(journal, long=False)
        write_table(table, folder / "long.csv")
        seconds, grown = time.monotonic() - began, resident() - before
    assert list(table.columns) == list(TABLE_COLUMNS)
    return {
        f"table of {count:,} objects": {
            "seconds to write": round(seconds, 1),
            "megabytes more in memory": round(grown / 1e6),
            "milliseconds an object to store": round(1000 * stored / count, 3),
            "journal, megabytes": round(os.path.getsize(path) / 1e6, 1),
        },
    }


if __name__ == "__main__":
    command(measure, "bulk_kills")
