"""The figures of the README: how well, how fast, how heavy.

One command simulates a test set that no model has seen, evaluates the shipped models on it, times
one sequence, counts operations, writes ``docs/results/main_job.json`` and prints the table of the
README:

    python benchmarks/main_job.py --training-data FOLDER
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.metrics import f1_score
from torch.utils.flop_counter import FlopCounterMode

from taonet_core import console
from taonet_core.data.catalog import load_catalog
from taonet_core.data.exports import write_json
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.evaluate import Evaluation, evaluate
from taonet_core.inference import predict
from taonet_core.metrics import bootstrap_interval
from taonet_core.models import CURVE_KINDS, SUFFIXES
from taonet_core.models.batching import collate
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import night_index, reading_band, stack_nights

MODELS = tuple(SUFFIXES)
NIGHTS = 24
SEPARATION_ARCSEC = 10.0
REPEATS = 30


def main(
    training_data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder a model was trained on: test objects within 10 arcsec are left out."
        ),
    ] = None,
    per_class: int = 200,
    visibility: float = 0.5,
    seed: int = 20_261,
    data: Annotated[Path | None, typer.Option(help="Keep the test set here.")] = None,
    output: Path = Path("docs/results/main_job.json"),
) -> None:
    """Measure the shipped models."""
    torch.set_num_threads(1)
    drawn = {"survey": "crts", "per_class": per_class, "visibility": visibility, "seed": seed}
    with tempfile.TemporaryDirectory() as scratch:
        folder = data or Path(scratch)
        with console.progress("simulated") as step:
            simulate_dataset(folder, on_object=step, **drawn)
        bundles = {name: load_model(name) for name in MODELS}
        nearest = check_unseen(folder, seed, training_data or [], bundles)
        report = {
            "data": {**drawn, "nearest_training_object_arcsec": nearest},
            "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
            **measure(folder, bundles),
        }
    write_json(report, output)
    typer.echo(readme_table(report))


def measure(folder: Path, bundles: dict[str, ModelBundle]) -> dict[str, Any]:
    """Score each model on the folder, compare them, time them and count their operations."""
    evaluations = {}
    for name, bundle in bundles.items():
        with console.progress(f"classified by {name}", total=len(load_catalog(folder))) as step:
            evaluations[name] = evaluate(folder, bundle, on_object=step)
    sequence = sequence_of_nights(folder, NIGHTS)
    return {
        "models": {name: e.metrics | {"data": "simulated"} for name, e in evaluations.items()},
        **compare(evaluations),
        "milliseconds": time_one(sequence, bundles),
        "gflop": {
            name: gflop(sequence, bundle)
            for name, bundle in bundles.items()
            if bundle.kind not in CURVE_KINDS
        },
    }


def check_unseen(
    folder: Path, seed: int, training: list[Path], bundles: dict[str, ModelBundle]
) -> float | None:
    """Make sure that no model was trained on these objects, nor on the same places.

    Test objects that happen to be drawn on the place of a training object are deleted.

    Returns
    -------
    float or None
        Distance of the nearest training object left, arcsec; None without training folders.
    """
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    for name, bundle in bundles.items():
        drawn = bundle.sidecar["training"]["data"]
        if isinstance(drawn, dict) and drawn.get("seed") == seed:
            raise typer.BadParameter(f"{name} was trained on data drawn with seed {seed}")
    if not training:
        return None
    test = load_catalog(folder)
    seen = pd.concat([load_catalog(path) for path in training])
    places, known = (SkyCoord(c["ra"], c["dec"], unit=u.deg) for c in (test, seen))
    _, separation, _ = places.match_to_catalog_sky(known)
    apart = separation.arcsec >= SEPARATION_ARCSEC
    for path in test.loc[~apart, "path"]:
        (folder / path).unlink()
    return round(float(separation.arcsec[apart].min()), 1)


def compare(evaluations: dict[str, Evaluation]) -> dict[str, Any]:
    """Bootstrap macro F1 of each model, and paired differences, on the objects all classified."""
    tables = [e.predictions[e.predictions["error"] == ""] for e in evaluations.values()]
    common = set.intersection(*(set(table["object_id"]) for table in tables))
    rows = [t[t["object_id"].isin(common)].set_index("object_id").sort_index() for t in tables]
    truth = rows[0]["label"].to_numpy()
    verdicts = {
        name: row["class_name"].to_numpy() for name, row in zip(evaluations, rows, strict=True)
    }

    def macro_f1(name: str, chosen: Any = slice(None)) -> float:
        return float(f1_score(truth[chosen], verdicts[name][chosen], average="macro"))

    def interval(statistic: Callable[[Any], float]) -> dict[str, float]:
        low, high = bootstrap_interval(statistic, truth, rng=np.random.default_rng(0))
        return {"value": statistic(slice(None)), "low": low, "high": high}

    return {
        "n_common": len(common),
        "macro_f1_95": {name: interval(lambda i, n=name: macro_f1(n, i)) for name in verdicts},
        "difference_95": {
            f"taonet - {other}": interval(lambda i, o=other: macro_f1("taonet", i) - macro_f1(o, i))
            for other in MODELS[1:]
        },
    }


def sequence_of_nights(folder: Path, nights: int) -> ImageSequence:
    """Return the first sequence of the folder that has so many nights, cut to them."""
    catalog = load_catalog(folder)
    for path in catalog.loc[catalog["n_nights"] >= nights, "path"]:
        sequence = read_sequence(folder / path)
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


def readme_table(report: dict[str, Any]) -> str:
    """Lay out the figures as the README shows them."""
    lines = [
        "| model | reads | macro F1 [95 %] | max-F1 | GFLOP | ms | ms / ms of `forest` |",
        "|---|---|---|---|---|---|---|",
    ]
    reads = {
        "taonet": "one image a night, time steps",
        "taonet-paper": "windows of three nights (published design)",
        "forest": "30 features of the light curve",
    }
    for name in MODELS:
        scores, f1 = report["models"][name], report["macro_f1_95"][name]
        milliseconds = report["milliseconds"][name]
        lines.append(
            f"| `{name}` | {reads[name]} | {f1['value']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}] "
            f"| {scores['macro_max_f1']:.3f} | {report['gflop'].get(name, '–')} "
            f"| {milliseconds:.1f} | {milliseconds / report['milliseconds']['forest']:.2f} |"
        )
    lines.append("")
    for pair, d in report["difference_95"].items():
        lines.append(f"{pair}: {d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]")
    lines.append(f"{report['n_common']} objects, {report['machine']}, {NIGHTS} nights timed")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
