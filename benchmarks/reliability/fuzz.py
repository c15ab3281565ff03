"""Ten thousand damaged FITS files, read as the app and the command line read what they are given.

``python benchmarks/reliability/fuzz.py``: every mutant (`_mutations`) of the originals (`_corpus`,
and files of our own layouts) is read twice. Once in worker processes, as everybody's files are,
by a process that stands for the server and whose memory is watched; and once without, in one
process, where every fault of the parser shows: what is killed or hangs there is what the workers
are for. Both must come to the same result. What opens is measured, too, as a page would do it.
"""

from __future__ import annotations

import contextlib
import io
import re
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _children import Done, each, resident
from _corpus import digest, fits_originals, torture_folder
from _figures import Findings, Goal, command
from _mutations import mutant
from _unforeseen import unforeseen
from astropy.io import fits
from rich.progress import track

from taonet_core import sandbox
from taonet_core.bulk import read_objects
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.intake import NamedBytes, sort_out
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import Code, TaoNetError
from taonet_core.provenance import data_digest
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import stack_nights

SEED = 20_261_122
COUNT, QUICK = 10_000, 240
HANG = 5.0
#: Files after which the memory of the server is taken as its start: caches are then filled.
WARM = 100
#: Tiles written by gzip hold the time of writing.
_TIME_IN_GZIP = re.compile(rb"\x1f\x8b\x08\x00....", re.DOTALL)
_DEATHS = (Code.WORKER, Code.TIMEOUT, Code.MEMORY)


@cache
def originals() -> list[bytes]:
    """Return what is damaged: the collected files, most of them tables, and images of our own.

    Those come three times, so that about half of all mutants are made of images.
    """
    return [*fits_originals().values(), *[*own_layouts()] * 3]


def own_layouts() -> Iterator[bytes]:
    """Yield small files in every layout that is read: objects, extensions, cubes, tiles."""
    sequence = draw_object("CV", seed=3).select(slice(0, 6)).cutout((32.0, 32.0), 24)
    with TemporaryDirectory() as folder:
        for layout in ("deep-tao", "mef"):
            path = write_sequence(sequence, Path(folder) / f"{layout}.fits", layout=layout)
            yield path.read_bytes()
    cube = fits.PrimaryHDU(sequence.frames)
    cube.header["CTYPE3"] = "TIME"
    times = fits.BinTableHDU.from_columns([fits.Column("MJD", "D", array=sequence.times)])
    yield _written(cube, times)
    image = np.clip(sequence.frames[0], 0, 30_000)
    for kind in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"):
        whole = image.astype(np.int16)
        yield _written(fits.PrimaryHDU(), fits.CompImageHDU(whole, compression_type=kind))
        if kind != "PLIO_1":  # it has no floats
            yield _written(fits.PrimaryHDU(), fits.CompImageHDU(image, compression_type=kind))


def _written(*hdus: Any) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return _TIME_IN_GZIP.sub(b"\x1f\x8b\x08\0\0\0\0\0", buffer.getvalue())


def read_apart(number: int) -> dict[str, Any]:
    """Read a mutant in a worker process."""
    return in_worker(number, _damaged(number))


def read_here(number: int) -> dict[str, Any]:
    """Read a mutant in this process."""
    return read(number, _damaged(number), trusted=True)


def _damaged(number: int) -> NamedBytes:
    return NamedBytes(f"mutant_{number}.fits", mutant(originals(), number, seed=SEED).data)


def in_worker(number: int, file: NamedBytes) -> dict[str, Any]:
    """Read a file in a worker process, and say what the workers report."""
    unforeseen()
    found = read(number, file, trusted=False)
    return found | {"unforeseen": unforeseen(), "worker_peak": sandbox.peak_rss()}


def read(number: int, file: NamedBytes, *, trusted: bool) -> dict[str, Any]:
    """Read a file, in turn as the app and as the command line do."""
    road = _as_command if number % 2 else _as_app
    outcomes, fault = [], ""
    start = time.perf_counter()
    try:
        for item in road(file.name, file.getvalue(), trusted):
            outcomes.append(_outcome(item))
            if trusted and isinstance(item, ImageSequence):
                _use(item)
    except Exception:  # noqa: BLE001  whatever comes is what is being counted
        fault = traceback.format_exc(limit=-4)
    seconds = time.perf_counter() - start
    return {"outcomes": outcomes, "fault": fault, "seconds": seconds, "rss": resident()}


def _as_app(name: str, data: bytes, trusted: bool) -> Iterator[Any]:
    """Yield what the app makes of an upload: images, or tables of light curves."""
    intake = sort_out([NamedBytes(name, data)], trusted=trusted)
    yield from (error for _, error in intake.refused)
    if intake.images:
        yield from (item for _, item in read_sequences(intake.images, trusted=trusted))
    for group in intake.tables:
        try:
            curves = read_light_curves(group.files[0], group.guess.mapping, trusted=trusted)
        except TaoNetError as error:
            yield error
        else:
            yield from curves.values()


def _as_command(name: str, data: bytes, trusted: bool) -> Iterator[Any]:
    """Yield what the command line makes of a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield from (item for _, item in read_objects(path, trusted=trusted))


def _outcome(item: ImageSequence | LightCurve | TaoNetError) -> str:
    return str(item.code) if isinstance(item, TaoNetError) else f"opened {data_digest(item)}"


def _use(sequence: ImageSequence) -> None:
    """Measure what was opened, as every page and model does; a warning counts as a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for measured in (extract_light_curve, stack_nights):
            with contextlib.suppress(TaoNetError):
                measured(sequence)


@dataclass
class Tally:
    """What became of all mutants on one road."""

    outcomes: dict[int, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    unforeseen: dict[int, str] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    worker_peak: int = 0

    @property
    def hangs(self) -> int:
        """Files that took longer than `HANG`, or never ended."""
        return sum(s > HANG for s in self.seconds) + list(self.ends.values()).count("hang")

    @property
    def deaths(self) -> int:
        """Files that ended the process that read them."""
        return sum(end != "hang" for end in self.ends.values())

    @property
    def growth(self) -> float:
        """Most memory of the reading process after it was warm, less what it then had, MB."""
        warm = self.rss[min(WARM, len(self.rss) // 2) :]
        return (max(warm) - warm[0]) / 1e6 if warm else float("nan")

    def add(self, done: Done) -> None:
        """Count one mutant."""
        if done.end:
            self.ends[done.job] = done.end
            return
        result = done.result
        self.outcomes[done.job] = result["outcomes"]
        self.counts.update(outcome.partition(" ")[0] for outcome in result["outcomes"])
        self.seconds.append(result["seconds"])
        self.rss.append(result["rss"])
        self.worker_peak = max(self.worker_peak, result.get("worker_peak", 0))
        if result["fault"]:
            self.faults[done.job] = result["fault"]
        if result.get("unforeseen"):
            self.unforeseen[done.job] = result["unforeseen"][0]

    def figures(self) -> dict[str, Any]:
        """Return what is worth keeping."""
        slowest = np.quantile(self.seconds, [0.5, 0.95, 1.0]) * 1000
        return {
            "outcomes": dict(self.counts.most_common()),
            "ms_p50_p95_max": [round(float(ms), 2) for ms in slowest],
            "faults": _kinds(self.faults),
            "unforeseen": _kinds(self.unforeseen),
            "ends": self.ends,
        }


def _kinds(faults: dict[int, str]) -> dict[str, dict[str, Any]]:
    """Return the kinds of faults by their last line: how many, and one to make again."""
    found: dict[str, dict[str, Any]] = {}
    for number, text in faults.items():
        kind = found.setdefault(
            text.strip().rpartition("\n")[2][:200], {"count": 0, "mutant": number, "trace": text}
        )
        kind["count"] += 1
    return found


def tally(read: Callable[[int], dict[str, Any]], count: int, *, patience: float) -> Tally:
    """Read so many mutants on one road."""
    found = Tally()
    for done in track(each(read, range(count), patience=patience), total=count):
        found.add(done)
    return found


def measure(quick: bool) -> Findings:
    """Read damaged FITS files in worker processes and without, and compare."""
    count = QUICK if quick else COUNT
    apart = tally(read_apart, count, patience=60)
    here = tally(read_here, count, patience=HANG)
    return compared(apart, here, originals(), SEED, _notes())


def compared(
    apart: Tally, here: Tally, damaged: list[bytes], seed: int, notes: list[str]
) -> Findings:
    """Return what was found on both roads, and where they part."""
    differing = [n for n in here.outcomes if here.outcomes[n] != apart.outcomes.get(n)]
    goals = [
        Goal("exceptions that are not ours", len(apart.faults), "==", 0),
        Goal("the same inside workers", len(apart.unforeseen), "==", 0),
        Goal("files that took over 5 s", apart.hangs, "==", 0),
        Goal("deaths of the server", apart.deaths, "==", 0),
        Goal("peak memory of a worker", apart.worker_peak / 1e6, "<=", 1000, "MB"),
        Goal("growth of the server", apart.growth, "<", 50, "MB"),
        Goal("other result without workers", len(differing), "==", 0),
        Goal("without workers: exceptions that are not ours", len(here.faults), "==", 0),
        Goal("without workers: hangs", here.hangs, "==", 0),
        Goal("without workers: deaths", here.deaths, "==", 0),
    ]
    figures = {
        "mutants": len(apart.outcomes) + len(apart.ends),
        "originals": len(damaged),
        "originals_sha256": digest(damaged),
        "workers_lost": sum(apart.counts[str(code)] for code in _DEATHS),
        "in_workers": apart.figures(),
        "without": here.figures(),
        "differing": differing[:50],
    }
    return Findings(goals, figures, seed, notes)


def _notes() -> list[str]:
    if torture_folder() is None:
        return ["Without the torture set: only astropy's files and our own layouts were damaged."]
    return []


if __name__ == "__main__":
    command(measure, "fuzz")
