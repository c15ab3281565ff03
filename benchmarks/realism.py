"""Compare the simulator with the real sky and write `docs/results/realism.json` and its plots.

Run it with ``python benchmarks/realism.py [--data FOLDER]``; the folder is that of the variable
TAONET_REAL_DATA, with ``crts`` (Drake et al. 2009, ApJ 696, 870; MANTRA, Neira et al. 2020, ApJS
250, 11) and ``ztf`` (Bellm et al. 2019, PASP 131, 018002). What the figures mean stands in
``docs/realism.md``. Nothing of the data is written but statistics.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from page_block import replace_block
from realsky import page, plots, sampling, stamps
from realsky.catalogue import CurveSet, ErrorModel, fit_errors, join, load_field, load_transients
from realsky.simulated import OFTEN_SEEN, RANDOM, RISEN, draw_curves
from realsky.tell_apart import Verdict, marginals, tell_apart
from realsky.transfer import transfer
from rich.console import Console

from taonet_core.labels import FIVE_CLASSES, SIX_CLASSES

_DOCS = Path(__file__).parents[1] / "docs"
_console = Console()


def main(
    data: Annotated[Path, typer.Option(envvar="TAONET_REAL_DATA", help="Folder of real data.")],
    per_class: Annotated[int, typer.Option(help="Simulated light curves a class.")] = 200,
    images: Annotated[int, typer.Option(help="Simulated ZTF stamps.")] = 222,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 20_240,
    repeats: Annotated[int, typer.Option(help="Seeds of forests and folds.")] = 5,
    output: Annotated[Path, typer.Option(help="Where results and images go.")] = _DOCS,
) -> None:
    """Compare light curves, sampling, errors and pixels."""
    started = time.monotonic()
    real, field = load_transients(data), load_field(data)
    errors = fit_errors(load_field(data, "extra_300to564"))
    simulated = join([_draw(str(c), per_class, real, errors, seed) for c in SIX_CLASSES])
    result: dict[str, Any] = {
        "per_class": per_class,
        "seed": seed,
        "real": {str(c): int((real.labels == str(c)).sum()) for c in FIVE_CLASSES},
        "error_model": {"floor": round(errors.floor, 4), "photon": round(errors.photon, 4)},
    }
    result["transfer"] = _transfer(real, simulated, repeats)
    pairs = _pairs(real, field, simulated, seed)
    verdicts = {label: tell_apart(*pair, repeats=repeats) for label, pair in pairs.items()}
    result["discriminator"] = {label: _auc(verdict) for label, verdict in verdicts.items()}
    result["marginals"] = {label: marginals(*pair) for label, pair in pairs.items()}
    _console.print(result["discriminator"])
    result["errors"] = sampling.compare_errors(field, pairs["NON"][1], errors)
    result["cadence"] = sampling.compare_cadence(data, seed=seed)
    real_stamps, drawn = stamps.load_stamps(data), stamps.draw_stamps(images, seed=seed)
    result["pixels"] = {
        band: stamps.compare_stamps(real_stamps[band], drawn[band]) for band in real_stamps
    }
    result["minutes"] = round((time.monotonic() - started) / 60, 1)
    _write(output, result, pairs, (real_stamps, drawn))


def _draw(label: str, count: int, real: CurveSet, errors: ErrorModel, seed: int) -> CurveSet:
    """Draw a class with the strata of the real sample; of field sources none is known."""
    names, counts = np.unique(real.strata[real.labels == label], return_counts=True)
    strata = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    selection = {"NON": RANDOM, "SN": RISEN}.get(label, OFTEN_SEEN)
    drawn = draw_curves(label, count, errors, seed=seed, selection=selection, strata=strata or None)
    _console.print(f"{label}: {len(drawn)} simulated light curves")
    return drawn


def _transfer(real: CurveSet, simulated: CurveSet, repeats: int) -> dict[str, Any]:
    """Macro F1 on real curves of forests trained on real and on simulated, over seeds."""
    training = simulated.select(simulated.labels != "NON")
    scores = [transfer(real, training, seed=seed) for seed in range(repeats)]
    table: dict[str, Any] = {}
    for side in ("real", "simulated"):
        f1 = np.array([score[side] for score in scores])
        table[side] = {
            "macro_f1": _summary(f1.mean(1)),
            "f1": dict(zip(map(str, FIVE_CLASSES), f1.mean(0).round(4).tolist(), strict=True)),
        }
    table["ratio"] = round(
        table["simulated"]["macro_f1"]["mean"] / table["real"]["macro_f1"]["mean"], 4
    )
    _console.print(table)
    return table


def _summary(values: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "mean": round(float(values.mean()), 4),
        "sd": round(float(values.std(ddof=1)), 4),
        "each": values.round(4).tolist(),
    }


def _pairs(
    real: CurveSet, field: CurveSet, simulated: CurveSet, seed: int
) -> dict[str, tuple[CurveSet, CurveSet]]:
    """Real and simulated curves of each class, as many field sources as simulated ones."""
    pairs = {}
    for label in map(str, SIX_CLASSES):
        drawn = simulated.select(simulated.labels == label)
        own = real.select(real.labels == label)
        if label == "NON":
            order = np.random.default_rng(seed).permutation(len(field))
            own = field.select(order[: len(drawn)])
        pairs[label] = (own, drawn)
    return pairs


def _auc(verdict: Verdict) -> dict[str, Any]:
    return _summary(verdict.auc) | {"telling": verdict.telling}


def _write(output: Path, result: dict[str, Any], pairs: Any, pixels: Any) -> None:
    (output / "results").mkdir(parents=True, exist_ok=True)
    (output / "results" / "realism.json").write_text(json.dumps(result, indent=1) + "\n")
    replace_block(output / "realism.md", "figures", page.tables(result))
    images = output / "images" / "realism"
    images.mkdir(parents=True, exist_ok=True)
    plots.plot_marginals(pairs, images / "marginals.png")
    plots.plot_errors(result["errors"], images / "errors.png")
    plots.plot_cadence(result["cadence"], images / "cadence.png")
    plots.plot_pixels(*pixels, images / "pixels.png")


if __name__ == "__main__":
    typer.run(main)
