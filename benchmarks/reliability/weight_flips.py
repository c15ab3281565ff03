"""A thousand single bits flipped in each file of each shipped model: a thousand refusals.

``python benchmarks/reliability/weight_flips.py``: the files are copied, one bit at a time is
flipped in place, the model is loaded as the app and the command line load it, and the bit is
flipped back. A refusal is an `IncompatibleWeightsError`; anything else, an answer or another error,
counts against us.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _figures import Findings, Goal, command
from rich.progress import track

from taonet_core.errors import IncompatibleWeightsError
from taonet_core.models.weights import WEIGHTS_FOLDER, load_model

SEED = 20_261_122
COUNT, QUICK = 1000, 5


def flipped(path: Path, bit: int) -> None:
    """Flip one bit of a file in place."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def outcome(model: Path) -> str:
    """Load a model and say what came of it: a code, or what it should not be."""
    try:
        load_model(model)
    except IncompatibleWeightsError as error:
        return str(error.code)
    except Exception as error:  # whatever it is, it is counted
        return f"other error: {type(error).__name__}"
    return "loaded"


def measure(quick: bool) -> Findings:
    """Flip single bits of weight files and count what loads."""
    rng, count = np.random.default_rng(SEED), QUICK if quick else COUNT
    figures, goals, slowest = {}, [], 0.0
    with TemporaryDirectory() as name:
        folder = Path(shutil.copytree(WEIGHTS_FOLDER, Path(name) / "weights"))
        files = sorted(path for path in folder.iterdir() if path.suffix != ".md")
        for path in files:
            found: Counter[str] = Counter()
            model = folder / f"{path.name.split('.')[0]}.json"
            bits = rng.integers(path.stat().st_size * 8, size=count)
            for bit in track(bits.tolist(), path.name, transient=True):
                flipped(path, bit)
                began = time.perf_counter()
                found[outcome(model)] += 1
                slowest = max(slowest, time.perf_counter() - began)
                flipped(path, bit)
            figures[path.name] = dict(found)
            refused = sum(n for said, n in found.items() if said.startswith("E_"))
            goals.append(Goal(f"flips of {path.name} refused", refused, "==", count))
        whole = sum(outcome(path) == "loaded" for path in files if path.suffix == ".json")
    models = sum(path.suffix == ".json" for path in files)
    goals.append(Goal("models that load once the bits are back", whole, "==", models))
    figures["slowest refusal, seconds"] = round(slowest, 3)
    return Findings(goals, figures, seed=SEED)


if __name__ == "__main__":
    command(measure, "weight_flips")
