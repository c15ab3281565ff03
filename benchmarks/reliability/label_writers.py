"""Eight writers of labels at once, killed again and again: nothing that was acknowledged is lost.

``python benchmarks/reliability/label_writers.py``: on SQLite, and on a private PostgreSQL cluster
where the programs are installed. A writer stores label after label and notes each that was
acknowledged, with how long it took; then one of the eight is killed with SIGKILL, at a random
instant, and another takes its place.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack, closing
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _figures import Findings, Goal, command
from _postgresql import cluster, missing

from taonet_core.data.annotations import Annotations
from taonet_core.errors import TaoNetError

SEED = 20_261_122
WRITERS = 8
#: Kills on each database.
KILLS, QUICK = 200, 6
#: Longest time between two kills, seconds.
_PAUSE = 0.4
_PROCESSES = get_context("forkserver")


def write(url: str, name: str, notes: str) -> None:
    """Store labels until the end of this process, in a process of its own.

    Half of them are of objects that all label, half of the writer's own.
    """
    file = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    labels = Annotations(url)
    number = 0
    while True:
        number += 1
        object_id = f"shared-{number % 20}" if number % 2 else f"{name}-{number}"
        began = time.perf_counter()
        try:
            labels.add(object_id, "SN", author=name, note=str(number))
            said = f"stored {number} {time.perf_counter() - began:.6f}\n"
        except TaoNetError as error:
            said = f"refused {error}\n"
        os.write(file, said.encode())  # in one piece, which outlives the process


def measure(quick: bool) -> Findings:
    """Let writers write and be killed, and look for what they were promised."""
    _PROCESSES.set_forkserver_preload(["taonet_core.data.annotations", "psycopg"])
    goals: list[Goal] = []
    figures: dict[str, Any] = {}
    notes = []
    for kind in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            url = f"sqlite:///{folder / 'labels.sqlite'}"
            if kind == "PostgreSQL":
                if reason := missing():
                    notes.append(f"nothing was measured on PostgreSQL: {reason}")
                    continue
                url = stack.enter_context(cluster())
            found, figures[kind] = _on(url, folder, QUICK if quick else KILLS)
            goals += [
                Goal(f"{kind}: {name}", value, *asked) for name, (value, *asked) in found.items()
            ]
    return Findings(goals, figures, seed=SEED, notes=notes)


def _on(url: str, folder: Path, kills: int) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(SEED)
    began = time.monotonic()
    names = _let_write(url, folder, kills, rng)
    seconds = time.monotonic() - began
    promised, refused, waits = _notes(folder)
    labels = Annotations(url)
    held = Counter((row.author, row.note) for row in labels.history())
    labels.close()
    found: dict[str, Any] = {
        "labels acknowledged and lost": (sum(not held[label] for label in promised), "==", 0),
        "labels stored twice": (sum(count > 1 for count in held.values()), "==", 0),
        "writers refused": (len(refused), "==", 0),
        "kills": (len(names) - WRITERS, "==", kills),
    }
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(folder / "labels.sqlite")) as file:
            whole = file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found["damage that the database finds"] = (int(not whole), "==", 0)
    figures = {
        "labels acknowledged": len(promised),
        "labels stored, their writers killed before they heard of it": len(set(held) - promised),
        "labels a second": round(len(promised) / seconds, 1),
        "wait for a label, ms": {
            name: round(1000 * float(np.quantile(waits, share)), 1)
            for name, share in (("median", 0.5), ("95 %", 0.95), ("longest", 1.0))
        },
        "refusals": refused[:5],
        "seconds": round(seconds, 1),
    }
    return found, figures


def _let_write(url: str, folder: Path, kills: int, rng: np.random.Generator) -> list[str]:
    """Let eight write, kill one after the other and begin another; return the names of all."""
    names: list[str] = []

    def start() -> BaseProcess:
        names.append(f"writer-{len(names)}")
        job = (url, names[-1], str(folder / f"{names[-1]}.notes"))
        process = _PROCESSES.Process(target=write, args=job, daemon=True)
        process.start()
        return process

    writers = [start() for _ in range(WRITERS)]
    try:
        while not all((folder / f"{name}.notes").exists() for name in names):
            time.sleep(_PAUSE / 10)
            if not all(writer.is_alive() for writer in writers):
                raise RuntimeError("a writer ended by itself")
        for _ in range(kills):
            time.sleep(float(rng.uniform(0.02, _PAUSE)))
            number = int(rng.integers(WRITERS))
            writers[number].kill()
            writers[number].join()
            writers[number] = start()
        time.sleep(_PAUSE)
    finally:
        for writer in writers:
            writer.kill()
            writer.join()
    return names


def _notes(folder: Path) -> tuple[set[tuple[str, str]], list[str], list[float]]:
    """Return author and number of each label acknowledged, refusals, and waits in seconds."""
    promised, refused, waits = set(), [], []
    for path in folder.glob("*.notes"):
        for line in path.read_text("utf-8").splitlines():
            word, *rest = line.split(" ")
            if word == "stored":
                promised.add((path.stem, rest[0]))
                waits.append(float(rest[1]))
            else:
                refused.append(line)
    return promised, refused, waits


if __name__ == "__main__":
    command(measure, "label_writers")
