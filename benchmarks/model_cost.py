"""What each model costs, and the table of the README: that beside how good they are.

One command simulates a few objects, times one of 24 nights with every model and counts the
operations of the networks, writes ``docs/results/model_cost.json``, and prints the table with the
scores that ``taonet benchmark`` stored:

    python benchmarks/model_cost.py
"""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import typer
from tao_sim_table import table
from torch.utils.flop_counter import FlopCounterMode

from taonet_core.benchmark import EXPECTED
from taonet_core.data.catalog import load_catalog
from taonet_core.data.exports import write_json
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.inference import predict
from taonet_core.models import CURVE_KINDS, SUFFIXES
from taonet_core.models.batching import collate
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import night_index, reading_band, stack_nights

NIGHTS = 24
REPEATS = 30
SEED = 20_261
READS = {
    "taonet": "one image a night, time steps",
    "taonet-paper": "windows of three nights (published design)",
    "forest": "30 features of the light curve (published)",
    "boosting": "all that the light curve tells",
}


def main(output: Path = Path("docs/results/model_cost.json")) -> None:
    """Time the shipped models and count their operations, on one thread."""
    torch.set_num_threads(1)
    bundles = {name: load_model(name) for name in SUFFIXES}
    with tempfile.TemporaryDirectory() as scratch:
        simulate_dataset(scratch, per_class=5, seed=SEED)
        sequence = sequence_of_nights(Path(scratch), NIGHTS)
    cost = {
        "object": sequence.object_id,
        "nights": NIGHTS,
        "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
        "milliseconds": time_one(sequence, bundles),
        "gflop": {
            name: gflop(sequence, bundle)
            for name, bundle in bundles.items()
            if bundle.kind not in CURVE_KINDS
        },
    }
    write_json(cost, output)
    typer.echo(readme_table(cost, EXPECTED))


def sequence_of_nights(folder: Path, nights: int) -> ImageSequence:
    """Return the first sequence of the folder that has so many nights, cut to them."""
    catalog = load_catalog(folder)
    for path in catalog.loc[catalog["n_nights"] >= nights, "path"]:
        sequence = read_sequence(folder / path, trusted=True)
        sequence = sequence.select(sequence.bands == reading_band(sequence))
        sequence = sequence.select(night_index(sequence.times) < nights)
        if len(stack_nights(sequence, load_model("taonet").preprocess)) == nights:
            return sequence
    raise typer.BadParameter(f"no sequence of {nights} usable nights; simulate more")


def time_one(sequence: ImageSequence, bundles: dict[str, ModelBundle]) -> dict[str, float]:
    """Median wall time of classifying one sequence, frames in memory, one thread."""
    jobs: dict[str, Callable[[], object]] = {
        name: lambda b=bundle: predict(sequence, b) for name, bundle in bundles.items()
    }
    jobs["photometry alone"] = lambda: extract_light_curve(sequence)
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(REPEATS):  # in turn, so that a busy moment hits all alike
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: round(1e3 * statistics.median(values), 2) for name, values in seconds.items()}


def gflop(sequence: ImageSequence, bundle: ModelBundle) -> float:
    """Floating-point operations of one sequence, in 10^9; a multiply-add counts as two."""
    nights = stack_nights(sequence, bundle.preprocess)
    batch = collate([nights.images], [nights.times])
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        bundle.model(batch.frames, batch.mask, batch.times)
    return round(counter.get_total_flops() / 1e9, 4)


def readme_table(cost: dict[str, Any], scores: Path) -> str:
    """Lay out scores and cost as the README shows them."""
    header = ("model", "reads", "macro F1, half of the outbursts seen", "all seen", "GFLOP")
    rows = []
    for name in SUFFIXES:
        found = json.loads((scores / f"{name}.json").read_text())["visibility"]
        f1 = (found[visibility]["macro_f1"] for visibility in ("0.5", "1.0"))
        said = [f"{f['value']:.3f} [{f['low']:.3f}, {f['high']:.3f}]" for f in f1]
        milliseconds = cost["milliseconds"]
        ratio = milliseconds[name] / milliseconds["forest"]
        gflop = str(cost["gflop"].get(name, "–"))
        rows.append([f"`{name}`", READS[name], *said, gflop, f"{ratio:.2f}"])
    return "\n".join(table((*header, "time / time of `forest`"), rows))


if __name__ == "__main__":
    typer.run(main)
