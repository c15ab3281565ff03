"""What safety costs: reading in worker processes against reading the same files in this process.

``python benchmarks/reliability/cost.py``: real ZTF stamps, where ``TAONET_REAL_DATA`` is set, and
simulated DEEP-TAO files. Interactive reading gives every file a worker of its own, as the app does;
bulk reading is that of a folder, whose workers go on from file to file, as the command line does.
Both are timed beside the same read without workers, in turn, so that other work on the machine
meets all alike; the fastest of some rounds counts, since that work is not what is measured
(quantiles of all rounds are kept). The scan of the structure, part of every read, is timed alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _children import processor_seconds
from _figures import Findings, Goal, command
from rich.progress import track

from taonet_core import sandbox
from taonet_core.bulk import read_objects
from taonet_core.data.archives import decompress
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.fits_layouts import FitsFile
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.labels import SIX_CLASSES
from taonet_core.simulation.draw import draw_object

SEED = 31
ROUNDS, QUICK_ROUNDS = 5, 2
STAMPS, QUICK_STAMPS = 120, 20
OBJECTS, QUICK_OBJECTS = 60, 20
#: Milliseconds asked for: a file of a session, and beyond plain reading a file of many.
INTERACTIVE, BULK = 20.0, 2.0
#: The shortest of the real sequences.
_SHORT = "ZTF19abegmle"


def read(path: Path, **how: bool) -> None:
    """Read a file as a whole; it must open."""
    for name, item in read_sequences(path, **how):
        if isinstance(item, TaoNetError):
            raise RuntimeError(f"{name} was to open: {item}")


def scan_alone(path: Path) -> None:
    """Unpack a file and walk its structure, no more."""
    FitsFile.from_bytes(decompress(path.read_bytes(), path.name), path.name)


ROADS: dict[str, Callable[[Path], None]] = {
    "interactive": lambda path: read(path),
    "without": lambda path: read(path, trusted=True),
    "scan": scan_alone,
}


def timed(paths: Sequence[Path], rounds: int) -> dict[str, np.ndarray]:
    """Time every road over every file.

    Returns
    -------
    dict of str to ndarray, shape (rounds, files), milliseconds
    """
    for path in paths[:3]:
        for road in ROADS.values():
            road(path)
    found = {name: np.empty((rounds, len(paths))) for name in ROADS}
    for i in track(range(rounds)):
        for j, path in enumerate(paths):
            for name, road in ROADS.items():
                start = time.perf_counter()
                road(path)
                found[name][i, j] = (time.perf_counter() - start) * 1000
    return found


def folder_ms(folder: Path, rounds: int) -> dict[str, float]:
    """Time the reading of a folder as `taonet predict` reads it.

    Returns
    -------
    dict
        ``files``; ``in_workers`` and ``without``, milliseconds a file in the fastest round;
        ``more``, their difference; ``ratio``.
    """
    files = sum(path.name.endswith((".fits", ".fits.gz")) for path in folder.rglob("*"))
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for trusted, found in times.items():
            start = time.perf_counter()
            items = [item for _, item in read_objects(folder, trusted=trusted)]
            found.append((time.perf_counter() - start) * 1000 / files)
            if not all(isinstance(item, ImageSequence) for item in items):
                raise RuntimeError(f"{folder} was to open: {items}")
    apart, here = min(times[False]), min(times[True])
    ratio = round(apart / here, 2)
    return {"files": files, "in_workers": apart, "without": here, "more": apart - here} | {
        "ratio": ratio
    }


def processor_ms(paths: Sequence[Path], rounds: int) -> dict[str, float]:
    """Return the milliseconds of processor that a file takes on each road, all processes counted.

    Other work on the machine does not change them much.
    """
    roads = ROADS | {"bulk": lambda path: read(path, recycle=True)}
    found = {}
    for name, road in roads.items():
        before = processor_seconds()
        for _ in range(rounds):
            for path in paths:
                road(path)
        found[name] = round((processor_seconds() - before) * 1000 / (rounds * len(paths)), 3)
    return found


def stamps(count: int) -> list[Path]:
    """Return real ZTF stamps, evenly from all objects; none without the real data."""
    data = os.environ.get("TAONET_REAL_DATA")
    paths = sorted(Path(data).glob("ztf/sequences/*/*.fits.gz")) if data else []
    return paths[:: max(1, len(paths) // count)][:count]


def objects(folder: Path, count: int) -> list[Path]:
    """Write simulated objects in the layout of DEEP-TAO."""
    names = [(SIX_CLASSES[i % len(SIX_CLASSES)], i) for i in range(count)]
    return [
        write_sequence(draw_object(name, seed=SEED, index=i), folder / f"{i:03d}.fits")
        for name, i in names
    ]


def measure(quick: bool) -> Findings:
    """Time reading with and without worker processes."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    goals: list[Goal] = []
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as name:
        made = objects(Path(name), QUICK_OBJECTS if quick else OBJECTS)
        kinds = {"DEEP-TAO file": (made, Path(name))}
        if real := stamps(QUICK_STAMPS if quick else STAMPS):
            sequences = real[0].parents[1]
            kinds["ZTF stamp"] = (real, sequences / _SHORT if quick else sequences)
        for kind, (paths, folder) in kinds.items():
            times, bulk = timed(paths, rounds), folder_ms(folder, rounds)
            p50 = float(np.median(times["interactive"].min(axis=0)))
            goals += [
                Goal(f"interactive, a {kind}, p50", p50, "<=", INTERACTIVE, "ms"),
                Goal(f"bulk, a {kind}, beyond plain reading", bulk["more"], "<=", BULK, "ms"),
            ]
            figures[kind] = {"files": len(paths), "rounds": rounds, **summary(times), "bulk": bulk}
            figures[kind]["processor_ms"] = processor_ms(paths, rounds)
    figures["worker_peak_mb"] = sandbox.peak_rss() / 1e6
    notes = [] if real else ["Without the real data: no ZTF stamps were timed."]
    return Findings(goals, figures, SEED, notes)


def summary(times: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return quantiles over the files, each at its fastest, and over all rounds."""
    fastest = {name: values.min(axis=0) for name, values in times.items()}
    return {
        "fastest_ms_p50_p95": {name: _quantiles(values) for name, values in fastest.items()},
        "all_rounds_ms_p50_p95": {name: _quantiles(values) for name, values in times.items()},
    }


def _quantiles(values: np.ndarray) -> list[float]:
    return [round(float(ms), 3) for ms in np.quantile(values, [0.5, 0.95])]


if __name__ == "__main__":
    command(measure, "cost")
