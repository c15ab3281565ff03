"""Cutouts of another survey, without a word on where they come from.

They show what the models say when a file says nothing: real ZTF alert stamps where the folder
TAONET_REAL_DATA is set, and simulated ZTF sequences.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from taonet_core.data.fits_io import read_sequence
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.domain import NOVEL
from taonet_core.errors import TaoNetError
from taonet_core.inference import predict_many
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.weights import ModelBundle
from taonet_core.simulation.draw import draw_object

STAMPS = Path("ztf/alert_stamps.zip")
PER_CLASS, SEED = 5, 32


def foreign(bundle: ModelBundle) -> dict[str, dict[str, float]]:
    """Return the share of foreign cutouts that a model flags, by their sky and by novelty."""
    kinds = {"simulated ZTF": list(simulated())}
    root = os.environ.get("TAONET_REAL_DATA")
    if root:
        kinds["real ZTF stamps"] = list(stamps(Path(root) / STAMPS))
    return {name: flagged(sequences, bundle) for name, sequences in kinds.items()}


def flagged(sequences: list[ImageSequence], bundle: ModelBundle) -> dict[str, float]:
    """Classify, and count the warnings."""
    answers = [a for a in predict_many(sequences, bundle) if isinstance(a, Prediction)]
    by_sky = [any(text.startswith("Sky") for text in a.meta["warnings"]) for a in answers]
    strange = [a.novelty > NOVEL for a in answers]
    return {
        "objects": len(answers),
        "by_sky": float(np.mean(by_sky)),
        "by_novelty": float(np.mean(strange)),
    }


def simulated() -> Iterator[ImageSequence]:
    """Draw sequences of the ZTF preset, one filter, and forget all else about them."""
    for label in SIX_CLASSES:
        for index in range(PER_CLASS):
            sequence = draw_object(label, survey="ztf", seed=SEED, index=index)
            yield nameless(sequence.select(sequence.bands == sequence.bands[0]))


def stamps(path: Path) -> Iterator[ImageSequence]:
    """Read the science cutouts of real alerts, each a sequence of one frame."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("_sci.fits.gz"):
                try:
                    yield nameless(read_sequence(io.BytesIO(archive.read(name))))
                except TaoNetError:
                    continue  # some stamps hold no data


def nameless(sequence: ImageSequence) -> ImageSequence:
    """Return frames and times alone."""
    return ImageSequence(sequence.frames, sequence.times)
