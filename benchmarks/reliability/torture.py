"""The whole torture set, each file as a user hands it over, against what its table says of it.

``python benchmarks/reliability/torture.py``, with the set in the folder ``TAONET_REAL_DATA``. A
process stands for the server: its memory is watched, and the clock, for every bomb and every file
that kills or hangs plain astropy. Expectations are `_expectations`; deviations are listed.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from _children import Done, each, resident
from _corpus import TortureFile, torture, wrapped
from _expectations import expectation, is_killer
from _figures import Findings, Goal, command
from _unforeseen import unforeseen
from rich.console import Console
from rich.progress import track
from rich.table import Table

from taonet_core import sandbox
from taonet_core.bulk import read_objects
from taonet_core.data.fits_io import read_sequences
from taonet_core.errors import TaoNetError

#: Bombs and killers are refused in so many seconds; others may do other work on the machine, so a
#: file that takes longer is read again, and the fastest of three counts.
AT_MOST, TRIES = 1.0, 3
PATIENCE = 60.0


@cache
def files() -> dict[str, TortureFile]:
    """Return the files of the set by name."""
    return {file.name: file for file in torture()}


def read(name: str) -> dict[str, Any]:
    """Read one file and say what became of it, how long it took, and what it left in memory."""
    _warm()
    file = files()[name]
    seconds, outcomes, fault = [], [], ""
    unforeseen()
    before = resident()
    for _ in range(TRIES):
        start = time.perf_counter()
        try:
            found = _objects(file)
            outcomes = [(str(i.code), str(i)) if _refused(i) else ("opened", "") for _, i in found]
            del found
        except Exception:  # noqa: BLE001  whatever comes is what is being counted
            fault = traceback.format_exc(limit=-4)
        seconds.append(time.perf_counter() - start)
        if seconds[-1] < AT_MOST:
            break
    return {
        "outcomes": outcomes,
        "fault": "\n".join([fault, *unforeseen()]).strip(),
        "seconds": min(seconds),
        "growth": resident() - before,
        "worker_peak": sandbox.peak_rss(),
    }


@cache
def _warm() -> None:
    """Start the fork server, so that its start is no file's time."""
    list(read_sequences(wrapped(b"")))


def _objects(file: TortureFile) -> list[tuple[str, Any]]:
    if file.kind == "text header":
        return list(read_sequences(wrapped(file.path.read_bytes())))
    return list(read_objects(file.path, recycle=False))


def _refused(item: Any) -> bool:
    return isinstance(item, TaoNetError)


def chosen(quick: bool) -> list[str]:
    """Return the files to read: all, or every fifth and all that harm."""
    names = list(files())
    return [n for i, n in enumerate(names) if not quick or i % 5 == 0 or is_killer(files()[n])]


def measure(quick: bool) -> Findings:
    """Read the torture set and compare with its table."""
    names = chosen(quick)
    if not names:
        raise SystemExit("set TAONET_REAL_DATA to the folder that holds the torture set")
    done = list(track(each(read, names, patience=PATIENCE), total=len(names)))
    sound = [one for one in done if not one.end]
    faults = {one.job: one.result["fault"] for one in sound if one.result["fault"]}
    ends = {one.job: one.end for one in done if one.end}
    odd = deviations(sound)
    killers = [one.result for one in sound if is_killer(files()[one.job])]
    false = [one for one in odd if one["expected"].startswith("sound ")]
    show_table(sound)
    goals = [
        Goal("outcomes other than expected", len(odd), "==", 0),
        Goal("false refusals of images that fitsverify passes", len(false), "==", 0),
        Goal("exceptions that are not ours, workers included", len(faults), "==", 0),
        Goal("deaths or hangs of the server", len(ends), "==", 0),
        Goal("slowest bomb or killer", max(k["seconds"] for k in killers), "<", AT_MOST, "s"),
        Goal("most growth by one", max(k["growth"] for k in killers) / 1e6, "<", 100, "MB"),
    ]
    figures = {
        "files": len(names),
        "bombs_and_killers": len(killers),
        "outcomes": by_kind(sound),
        "ms_p50_p95_max": _quantiles([one.result["seconds"] for one in sound]),
        "killers_ms_p50_p95_max": _quantiles([k["seconds"] for k in killers]),
        "worker_peak_mb": max(one.result["worker_peak"] for one in sound) / 1e6,
        "deviations": odd,
        "faults": faults,
        "ends": ends,
    }
    return Findings(goals, figures)


def deviations(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return the files that became something else than expected."""
    found = []
    for one in done:
        wanted = expectation(files()[one.job])
        outcomes = one.result["outcomes"]
        if not wanted.met_by(code for code, _ in outcomes):
            codes = sorted(str(code) for code in wanted.codes) if len(wanted.codes) < 9 else []
            found.append(
                {"file": one.job, "expected": wanted.why, "codes": codes, "was": outcomes[:3]}
            )
    return found


def by_kind(done: Sequence[Done]) -> dict[str, dict[str, int]]:
    """Return how many files of each kind came to which outcome."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in done:
        first = one.result["outcomes"][0][0] if one.result["outcomes"] else "nothing"
        counts[files()[one.job].kind][first] += 1
    return {kind: dict(found.most_common()) for kind, found in sorted(counts.items())}


def show_table(done: Sequence[Done]) -> None:
    """Print the outcomes by kind."""
    table = Table("kind", "files", "opened", "refused, by code", title="torture, by kind")
    for kind, counts in by_kind(done).items():
        codes = ", ".join(f"{code} {n}" for code, n in counts.items() if code != "opened")
        table.add_row(kind, str(sum(counts.values())), str(counts.get("opened", 0)), codes)
    Console(width=110).print(table)


def _quantiles(seconds: Sequence[float]) -> list[float]:
    return [round(float(s) * 1000, 2) for s in np.quantile(seconds, [0.5, 0.95, 1.0])]


if __name__ == "__main__":
    command(measure, "torture")
