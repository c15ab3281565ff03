"""How far the probabilities of the models may be trusted.

One command measures, on labelled sequences that no model has seen, what `taonet calibrate` wrote
into the sidecars: calibration, prediction sets, priors of another survey, symmetries and novelty.
It writes ``docs/results/trust.json`` and the diagrams in ``docs/images/trust``, and prints the
tables of ``docs/trust.md``:

    taonet simulate --per-class 500 --seed 31 --output runs/trust
    python benchmarks/trust.py runs/trust --page docs/trust.md

Each model reads each object once; what it said is kept in ``--cache``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from foreign import foreign
from numpy.typing import NDArray
from page_block import replace_block

from taonet_core import console
from taonet_core.calibrate import Reading, read_labelled
from taonet_core.data.catalog import load_catalog
from taonet_core.data.exports import write_json
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.results import Prediction
from taonet_core.domain import NOVEL
from taonet_core.inference import predict_many
from taonet_core.labels import STYLES
from taonet_core.metrics import calibration_error, evaluate_probabilities, reliability
from taonet_core.models import CURVE_KINDS
from taonet_core.models.calibration import reweight, softmax
from taonet_core.models.weights import ModelBundle, available_models, load_model

NIGHTS = (1, 2, 4, 8, 16, 24)
#: Objects of each class in the DEEP-TAO release (arXiv 2503.16714).
RELEASE = {"AGN": 606, "BZ": 239, "CV": 772, "SN": 1372, "OTHER": 818, "NON": 12500}
DRAWS = 200


def main(
    data: Annotated[Path, typer.Argument(help="Labelled sequences that no model has seen.")],
    model: Annotated[list[str] | None, typer.Option(help="Default: all that ship.")] = None,
    symmetric: Annotated[int, typer.Option(help="Objects to try the symmetries on.")] = 200,
    cache: Annotated[Path, typer.Option(help="Folder for what the models said.")] = Path(
        "runs/trust-cache"
    ),
    output: Path = Path("docs/results/trust.json"),
    images: Path = Path("docs/images/trust"),
    page: Annotated[Path | None, typer.Option(help="Page whose tables are replaced.")] = None,
    seed: int = 0,
) -> None:
    """Measure calibrated models."""
    torch.set_num_threads(1)
    report: dict[str, Any] = {"data": data.name, "seed": seed, "models": {}}
    if output.exists():  # models measured before, on the same data, stay
        before = json.loads(output.read_text())
        if (before["data"], before["seed"]) == (data.name, seed):
            report = before
    images.mkdir(parents=True, exist_ok=True)
    for name in model or available_models():
        bundle = load_model(name)
        if bundle.calibration is None or bundle.novelty is None:
            raise typer.BadParameter(
                f"{name} is not calibrated; run `taonet calibrate {name} DATA`"
            )
        rng = np.random.default_rng(seed)
        reading = cached(data, bundle, cache)
        scores = {"nights": {str(n): at_night(reading, bundle, n, rng) for n in (*NIGHTS, None)}}
        scores["priors"] = other_priors(reading, bundle, rng)
        scores["novelty"] = {"known objects": known_flagged(reading, bundle)}
        if bundle.kind not in CURVE_KINDS:
            scores["novelty"] |= foreign(bundle)
        if symmetric and bundle.kind not in CURVE_KINDS:
            scores["symmetries"] = symmetries(data, bundle, symmetric, seed)
        report["models"][bundle.name] = scores
        draw_reliability(reading, bundle, images / f"{bundle.name}.png")
    write_json(report, output)
    for name, table in tables(report).items():
        typer.echo(f"{table}\n")
        if page is not None:
            replace_block(page, name, table)


def cached(data: Path, bundle: ModelBundle, cache: Path) -> Reading:
    """Let a model read a folder, or recall what it said when it did."""
    path = cache / f"{data.name}-{bundle.sidecar['sha256'][:16]}.npz"
    if not path.exists():
        with console.progress(f"read by {bundle.name}", total=len(load_catalog(data))) as step:
            reading = read_labelled(data, bundle, on_object=step)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            names=reading.names,
            labels=reading.labels,
            ends=np.cumsum([len(z) for z in reading.logits]),
            logits=np.concatenate(reading.logits),
            vectors=np.concatenate(reading.vectors).astype(np.float32),
        )
    found = np.load(path)
    logits, vectors = (np.split(found[key], found["ends"][:-1]) for key in ("logits", "vectors"))
    labels, names = (found[key].tolist() for key in ("labels", "names"))
    return Reading(names, labels, logits, vectors, [])


def rows_at(
    reading: Reading, bundle: ModelBundle, n: int | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return raw and calibrated probabilities, sets and truth after n nights (None: all)."""
    assert bundle.calibration is not None
    chosen = [
        (z[:n], label)
        for z, label in zip(reading.logits, reading.labels, strict=True)
        if (n is None or len(z) >= n) and np.isfinite(z[: n or len(z)][-1]).any()
    ]
    raw = np.array([softmax(z[-1]) for z, _ in chosen])
    probabilities = [bundle.calibration.probabilities(z) for z, _ in chosen]
    sets = np.array([bundle.calibration.sets(p)[-1] for p in probabilities])
    truth = np.array([k for _, k in chosen], dtype=np.int64)
    return raw, np.array([p[-1] for p in probabilities]), sets, truth


def at_night(
    reading: Reading, bundle: ModelBundle, n: int | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Measure calibration and coverage after n nights."""
    raw, probabilities, sets, truth = rows_at(reading, bundle, n)
    if not len(truth):
        return {"objects": 0}
    held = sets[np.arange(len(truth)), truth]
    sure = [
        calibration_error(probabilities, drawn_labels(probabilities, rng)) for _ in range(DRAWS)
    ]
    return {
        "objects": len(truth),
        "calibration_error": calibration_error(probabilities, truth),
        "calibration_error_before": calibration_error(raw, truth),
        "calibration_error_if_perfect": float(np.mean(sure)),
        "log_loss": log_loss(probabilities, truth),
        "log_loss_before": log_loss(raw, truth),
        "coverage": float(held.mean()),
        "coverage_per_class": {
            str(name): float(held[truth == k].mean()) for k, name in enumerate(bundle.classes)
        },
        "set_size": float(sets.sum(1).mean()),
        "single": float((sets.sum(1) == 1).mean()),
    }


def drawn_labels(probabilities: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the labels that perfectly calibrated probabilities promise."""
    return (np.cumsum(probabilities, 1) < rng.random((len(probabilities), 1))).sum(1)


def log_loss(probabilities: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean negative logarithm of the probability of the true class, at most that of 1e-4."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-4)).mean())


def other_priors(reading: Reading, bundle: ModelBundle, rng: np.random.Generator) -> dict[str, Any]:
    """Draw objects in the shares of the release; classify them with and without saying so."""
    _, probabilities, sets, truth = rows_at(reading, bundle, None)
    shares = np.array([RELEASE[str(name)] for name in bundle.classes], dtype=np.float64)
    shares /= shares.sum()
    weight = (shares / np.bincount(truth, minlength=len(shares)))[truth]
    drawn = rng.choice(len(truth), 20_000, p=weight / weight.sum())
    told = reweight(probabilities, bundle.prior, shares)
    result: dict[str, Any] = {"shares": dict(zip(map(str, bundle.classes), shares, strict=True))}
    labels = [str(bundle.classes[k]) for k in truth[drawn]]
    for name, p in (("flat", probabilities[drawn]), ("told", told[drawn])):
        scores = evaluate_probabilities(p, labels, bundle.classes)
        result[name] = {key: scores[key] for key in ("macro_f1", "macro_recall")} | {
            "accuracy": float((p.argmax(1) == truth[drawn]).mean()),
            "log_loss": log_loss(p, truth[drawn]),
            "calibration_error": calibration_error(p, truth[drawn]),
        }
    result["coverage"] = float(sets[np.arange(len(truth)), truth][drawn].mean())
    return result


def known_flagged(reading: Reading, bundle: ModelBundle) -> dict[str, float]:
    """Return the share of known objects that would be called never seen: 1 % by design."""
    assert bundle.novelty is not None
    strange = [
        bundle.novelty.percentile(v[-1], len(v)) > NOVEL
        for v in reading.vectors
        if np.isfinite(v[-1]).all()
    ]
    return {"objects": len(strange), "by_novelty": float(np.mean(strange))}


def symmetries(data: Path, bundle: ModelBundle, count: int, seed: int) -> dict[str, Any]:
    """Classify the same objects with and without averaging over the symmetries; time both."""
    catalog = load_catalog(data).sample(count, random_state=seed)
    sequences = [read_sequence(data / path, trusted=True) for path in catalog["path"]]
    result: dict[str, Any] = {"objects": count}
    for name, averaged in (("once", False), ("averaged", True)):
        start = time.process_time()
        answers = predict_many(sequences, bundle, symmetries=averaged)
        seconds = time.process_time() - start
        good = [answer for answer in answers if isinstance(answer, Prediction)]
        probabilities = np.array([answer.probabilities[-1] for answer in good])
        labels = [str(answer.meta["label"]) for answer in good]
        scores = evaluate_probabilities(probabilities, labels, bundle.classes)
        truth = np.array([[str(c) for c in bundle.classes].index(label) for label in labels])
        result[name] = {
            "macro_f1": scores["macro_f1"],
            "log_loss": log_loss(probabilities, truth),
            "calibration_error": scores["calibration_error"],
            "milliseconds": 1000 * seconds / count,
        }
    return result


def draw_reliability(reading: Reading, bundle: ModelBundle, path: Path) -> None:
    """Draw how often verdicts are right against how sure the model is, before and after."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), sharey=True, layout="constrained")
    colours = [style.colour for style in STYLES.values()]
    for axis, n in zip(axes, (4, 8, 16, None), strict=True):
        raw, probabilities, _, truth = rows_at(reading, bundle, n)
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for p, label, colour in ((raw, "before", colours[1]), (probabilities, "after", colours[0])):
            if len(truth):
                found = reliability(p, truth, bins=10)
                axis.plot(found.confidence, found.accuracy, "o-", color=colour, label=label)
        axis.set(title="all nights" if n is None else f"{n} nights", xlabel="highest probability")
        axis.set(xlim=(0, 1), ylim=(0, 1))
    axes[0].set_ylabel("share of right verdicts")
    axes[-1].legend(frameon=False, loc="upper left")
    figure.suptitle(f"{bundle.name}, before and after calibration")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def tables(report: dict[str, Any]) -> dict[str, str]:
    """Lay the figures out as the Markdown tables of the page."""
    trust, priors, squares, strange = [], [], [], []
    for name, scores in report["models"].items():
        for nights, at in scores["nights"].items():
            if at["objects"]:
                errors = [at[f"calibration_error{end}"] for end in ("_before", "", "_if_perfect")]
                by_class = at["coverage_per_class"].values()
                span = f"{min(by_class):.3f} to {max(by_class):.3f}"
                row = [name, nights.replace("None", "all"), at["objects"], *errors]
                trust.append([*row, at["coverage"], span, f"{at['set_size']:.2f}"])
        for told in ("flat", "told"):
            priors.append([name, told, *scores["priors"][told].values()])
        for what, shares in scores["novelty"].items():
            by_sky = f"{shares['by_sky']:.3f}" if "by_sky" in shares else ""
            strange.append([name, what, shares["objects"], by_sky, shares["by_novelty"]])
        for way in ("once", "averaged") if "symmetries" in scores else ():
            *found, cost = scores["symmetries"][way].values()
            tried = scores["symmetries"]["objects"]
            squares.append([name, way, tried, *found, f"{cost:.0f}"])
    flagged = ("model", "images", "objects", "flagged by sky", "by novelty")
    head = ("model", "nights", "objects", "ECE before", "after", "if perfect", "coverage")
    common = ("log loss", "ECE")
    return {
        "trust": markdown((*head, "by class", "set size"), trust),
        "priors": markdown(
            ("model", "prior", "macro F1", "macro recall", "accuracy", *common), priors
        ),
        "foreign": markdown(flagged, strange),
        "symmetries": markdown(
            ("model", "read", "objects", "macro F1", *common, "ms an object"), squares
        ),
    }


def markdown(head: tuple[str, ...], rows: list[list[Any]]) -> str:
    """Lay out a table; numbers get three digits."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
