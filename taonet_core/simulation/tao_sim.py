"""TAO-Sim v1: a frozen test set that anyone can draw again, bit for bit, from its seed.

300 objects of each of the six classes with the CRTS preset, once with every outburst in the images
(visibility 1.0) and once with half of them (0.5). What was drawn on the day it was frozen is
remembered as one digest of all pixels and times a class.

A processor with newer vector instructions rounds the last bit of an exponential or of a sum
otherwise, and one pixel in some million then falls on the other side of a count. So the set is
drawn by processes of their own, which are told to leave those instructions alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from taonet_core.data.atomic import replacing
from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation.deep_tao import write_deep_tao
from taonet_core.simulation.draw import draw_stored

NAME = "TAO-Sim v1"
SEED = 77_000_001
PER_CLASS = 300
SURVEY = "crts"
VISIBILITIES = (1.0, 0.5)
#: The digests of the day it was frozen.
DIGESTS = "tao_sim_v1.json"
_COMPLETE = "complete"


@dataclass(frozen=True)
class Shard:
    """The objects of one class at one visibility.

    Attributes
    ----------
    visibility : float
        Share of events whose discovery epoch lies in the window.
    label : TransientClass
    folder : Path
        Where their files lie, or will.
    """

    visibility: float
    label: TransientClass
    folder: Path

    @property
    def paths(self) -> list[Path]:
        """The files in order of their names."""
        return sorted(self.folder.glob("*.fits"))


def draw_set(
    folder: Path,
    *,
    per_class: int = PER_CLASS,
    workers: int = 1,
    on_object: Callable[[int, int], object] | None = None,
) -> list[Shard]:
    """Draw the set, but for the shards that are there already.

    Parameters
    ----------
    folder : Path
    per_class : int
        Objects of each class; fewer than `PER_CLASS` are its first ones.
    workers : int
        Processes; the files are the same for any number.
    on_object : callable, optional
        Called with the objects drawn and to draw.
    """
    shards = [
        Shard(visibility, label, folder / f"{per_class}-a-class" / f"{visibility}" / label)
        for visibility in VISIBILITIES
        for label in SIX_CLASSES
    ]
    missing = [shard for shard in shards if not (shard.folder / _COMPLETE).exists()]
    if missing:
        done = 0
        with _plain_processes(workers) as pool:
            for shard in missing:
                shard.folder.mkdir(parents=True, exist_ok=True)
                jobs = [(shard, index) for index in range(per_class)]
                for _ in pool.map(_draw, jobs, chunksize=8):
                    done += 1
                    if on_object is not None:
                        on_object(done, per_class * len(missing))
                with replacing(shard.folder / _COMPLETE) as temporary:
                    temporary.write_text(f"{per_class} objects\n")
    return shards


@contextmanager
def _plain_processes(workers: int) -> Iterator[Executor]:
    """Start processes in which NumPy and OpenBLAS use what every processor has, one thread each."""
    plain = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config("dicts")["SIMD Extensions"]["found"]),
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
    }
    before = {name: os.environ.get(name) for name in plain}
    os.environ.update(plain)  # spawned processes read them as they load NumPy
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _draw(job: tuple[Shard, int]) -> None:
    shard, index = job
    sequence = draw_stored(
        shard.label, survey=SURVEY, visibility=shard.visibility, seed=SEED, index=index
    )
    path = shard.folder / f"{sequence.object_id}.fits"
    write_deep_tao(sequence, path, sequence.meta["header"])


def sequence_digest(sequence: ImageSequence) -> bytes:
    """Return the SHA-256 of the times (MJD) and pixels (whole counts) of a sequence as read."""
    times = np.ascontiguousarray(sequence.times, dtype="<f8")
    pixels = np.ascontiguousarray(sequence.frames.astype("<u2"))
    return hashlib.sha256(times.tobytes() + pixels.tobytes()).digest()


def joint_digest(digests: Iterable[bytes]) -> str:
    """Return one digest of many objects, whatever their order."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def frozen_digests(part: str = "digests") -> dict[str, dict[str, str]]:
    """Return the digests of the day the set was frozen: visibility -> class -> digest.

    Parameters
    ----------
    part : {"digests", "first_objects"}
        Of all objects, or of the first of each class alone.
    """
    text = files("taonet_core.simulation").joinpath(DIGESTS).read_text("utf-8")
    digests: dict[str, dict[str, str]] = json.loads(text)[part]
    return digests
