"""TAO-Sim v1: a frozen test set that anyone can draw again, bit for bit, from its seed.

300 objects of each of the six classes with the CRTS preset, once with every outburst in the images
(visibility 1.0) and once with half of them (0.5). What was drawn on the day it was frozen is
remembered as one digest of all pixels and times a class.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

import numpy as np

from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation.dataset import simulate_dataset

NAME = "TAO-Sim v1"
SEED = 77_000_001
PER_CLASS = 300
SURVEY = "crts"
VISIBILITIES = (1.0, 0.5)
TOTAL = PER_CLASS * len(SIX_CLASSES) * len(VISIBILITIES)
#: The digests of the day it was frozen.
DIGESTS = "tao_sim_v1.json"


def draw_shard(
    folder: Path,
    label: TransientClass,
    visibility: float,
    *,
    per_class: int = PER_CLASS,
    workers: int = 1,
    on_object: Callable[[], object] | None = None,
) -> list[Path]:
    """Draw the objects of one class at one visibility, unless they are there already.

    Parameters
    ----------
    folder : Path
        Where the whole set lies.
    label : TransientClass
    visibility : float
        Share of events whose discovery epoch lies in the window.
    per_class : int
        Objects of the class; fewer than `PER_CLASS` are its first ones.
    workers : int
        Processes; the files are the same for any number.
    on_object : callable, optional
        Called after each object drawn.

    Returns
    -------
    list of Path
        The files in order of their names.
    """

    def step(done: int, of: int) -> None:
        if on_object is not None:
            on_object()

    home = folder / f"visibility-{visibility}-{per_class}" / label
    if not (home / "dataset.json").exists():  # written last: marks the shard complete
        simulate_dataset(
            home,
            survey=SURVEY,
            per_class=per_class,
            visibility=visibility,
            seed=SEED,
            workers=workers,
            classes=[label],
            on_object=step,
        )
    return sorted((home / "data" / label).glob("*.fits"))


def sequence_digest(sequence: ImageSequence) -> bytes:
    """Return the SHA-256 of the times (MJD) and pixels of a sequence, whole counts each."""
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


def shards() -> list[tuple[float, TransientClass]]:
    """Return visibility and class of every part of the set, in order."""
    return [(visibility, label) for visibility in VISIBILITIES for label in SIX_CLASSES]
