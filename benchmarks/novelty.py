"""Does the novelty flag what a model has never seen? One kind of object is left out in turn.

A short training on simulated sequences without the kind, the same recipe as `taonet train taonet`;
then objects of that kind, drawn anew with their outburst in the images, against objects of all
other kinds drawn the same way. AUROC: the chance that an unseen one looks stranger than a seen one.

    taonet simulate --per-class 2500 --seed 41 --output runs/novelty
    for KIND in mira tde comet flare; do
        python benchmarks/novelty.py runs/novelty --kind $KIND --page docs/trust.md
    done

Each run adds its kind to ``docs/results/novelty.json``; the table of all is printed. With several
``--kind`` in one run they are left out together: four times quicker, and no easier.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from astropy.io import fits
from numpy.typing import NDArray
from page_block import replace_block
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

from taonet_core import console
from taonet_core.data.catalog import load_catalog, split_by_position
from taonet_core.data.exports import write_json
from taonet_core.data.store import PackedNights, pack_folder
from taonet_core.fit import TrainConfig, fit
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models.batching import collate
from taonet_core.models.calibration import softmax
from taonet_core.models.novelty import fit_novelty
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle
from taonet_core.outputs import Outputs, model_outputs
from taonet_core.simulation.draw import draw_object
from taonet_core.tasks import NightTask
from taonet_core.transforms.preprocess import PreprocessConfig

PREPROCESS = PreprocessConfig(visit="mean", register=True)
#: What every left-out kind belongs to; other kinds of it are still taught.
OTHER = SIX_CLASSES.index(TransientClass.OTHER)
#: Shares of the objects: to learn from, to choose the epoch by, and to measure distances to.
SHARES = {"train": 0.75, "val": 0.05, "known": 0.2}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of simulated sequences.")],
    kind: Annotated[list[str], typer.Option(help="Kind to leave out; several times: together.")],
    time_budget: Annotated[float, typer.Option(help="Seconds of training.")] = 300.0,
    epochs: int = 8,
    per_class: Annotated[int, typer.Option(help="Objects of each class to test on.")] = 60,
    unseen: Annotated[int, typer.Option(help="Objects of the kind to test on.")] = 120,
    seed: int = 0,
    test_seed: int = 77_001,
    output: Path = Path("docs/results/novelty.json"),
    page: Annotated[Path | None, typer.Option(help="Page whose table is replaced.")] = None,
) -> None:
    """Leave kinds out, train, and try to tell them."""
    torch.set_num_threads(1)
    catalog = load_catalog(data)
    with console.progress("sequences packed") as step:
        nights = pack_folder(data, catalog, PREPROCESS, on_object=step)
    sides = split_by_position(catalog, SHARES, seed=seed).to_numpy()[nights.rows]
    taught = ~np.isin(kinds_of(data, catalog["path"].tolist())[nights.rows], kind)
    labels = class_numbers(catalog["label"].tolist())[nights.rows]
    side = {name: np.flatnonzero((sides == name) & taught) for name in SHARES}
    bundle, score = train(nights, labels, side["train"], side["val"], epochs, time_budget, seed)
    known = read_packed(bundle, nights, side["known"])
    report = json.loads(output.read_text()) if output.exists() else {}
    with console.progress("test objects drawn and read") as step:
        inside = read_drawn(bundle, drawn_seen(kind, per_class, test_seed), step)
        for name in kind:
            outside = read_drawn(bundle, drawn_kind(name, unseen, test_seed), step)
            report[name] = {
                "auroc": compare(known, labels[side["known"]], inside, outside, seed),
                "called_other": float((outside[0].argmax(1) == OTHER).mean()),
                "left_out": kind,
                "validation_macro_f1": score,
                "train_objects": len(side["train"]),
                "seconds": time_budget,
                "seen": len(inside[0]),
                "unseen": len(outside[0]),
                "seed": seed,
            }
    write_json(report, output)
    typer.echo(table(report))
    if page is not None:
        replace_block(page, "novelty", table(report))


def class_numbers(labels: list[str]) -> NDArray[np.int64]:
    """Turn names of classes into their places in `SIX_CLASSES`."""
    return np.array([SIX_CLASSES.index(TransientClass(label)) for label in labels])


def kinds_of(data: Path, paths: list[str]) -> NDArray[np.str_]:
    """Read the kind of every object from its header."""
    return np.array([str(fits.getval(data / path, "SIMKIND", ext=1)) for path in paths])


def train(
    nights: PackedNights,
    labels: NDArray[np.int64],
    learning: NDArray[np.int64],
    judging: NDArray[np.int64],
    epochs: int,
    time_budget: float,
    seed: int,
) -> tuple[ModelBundle, float]:
    """Train a network for a few minutes; return it and its validation macro F1."""
    config = TrainConfig(epochs=epochs, seed=seed)
    task = NightTask(
        nights,
        labels,
        learning,
        judging,
        n_classes=len(SIX_CLASSES),
        batch_size=config.batch_size,
    )
    torch.manual_seed(seed)
    model = TAONet(TAONetConfig())
    with console.stages() as report:
        history = fit(
            model,
            task,
            config,
            time_budget=time_budget,
            on_epoch=lambda e: report("training", e.share, f"macro F1 {e.macro_f1:.3f}"),
        )
    model.requires_grad_(False)
    bundle = ModelBundle("short", "0", "taonet", SIX_CLASSES, model, model.config, PREPROCESS)
    return bundle, float(history.epochs[history.best]["macro_f1"])


#: Logits (n, K) after the last night; vectors after every night, n arrays of shape (N_i, D).
Reading = tuple[NDArray[np.float64], list[NDArray[np.float64]]]


def read_packed(bundle: ModelBundle, nights: PackedNights, objects: NDArray[np.int64]) -> Reading:
    """Let the network read packed objects."""
    logits, vectors = [], []
    for i in objects:
        stack, times = nights.nights(int(i))
        batch = collate([stack], [times])
        with torch.inference_mode():
            states = bundle.model.states(batch.frames, batch.mask, batch.times)[0]
            logits.append(bundle.model.head(states[-1]).double().numpy())
        vectors.append(states.double().numpy())
    return np.array(logits), vectors


def read_drawn(bundle: ModelBundle, objects: Any, step: Any) -> Reading:
    """Let the network read sequences as they are drawn, on the road that every user's takes."""
    outputs = []
    for sequence in objects:
        [answer] = model_outputs([sequence], bundle)
        if isinstance(answer, Outputs):
            outputs.append(answer)
        step()
    return np.array([o.logits[-1] for o in outputs]), [o.vectors for o in outputs]


def drawn_seen(left_out: list[str], per_class: int, seed: int) -> Any:
    """Draw objects of every class but of some kinds, their outbursts in the images."""
    for label in SIX_CLASSES:
        for index in range(per_class):
            sequence = draw_object(label, visibility=1.0, seed=seed, index=index)
            if sequence.meta["header"]["SIMKIND"][0] not in left_out:
                yield sequence


def drawn_kind(kind: str, count: int, seed: int) -> Any:
    """Draw objects of one kind of OTHER."""
    for index in range(count):
        yield draw_object(
            TransientClass.OTHER, visibility=1.0, seed=seed + 1, index=index, kind=kind
        )


def compare(
    known: Reading, labels: NDArray[np.int64], inside: Reading, outside: Reading, seed: int
) -> dict[str, float]:
    """Return the AUROC of every score."""
    truth = np.repeat([0, 1], [len(inside[0]), len(outside[0])])
    logits = np.concatenate([inside[0], outside[0]])
    vectors = [*inside[1], *outside[1]]
    novelty = fit_novelty(known[1], seed=seed)
    last = np.array([v[-1] for v in vectors])
    before, after = (novelty.components(np.array([v[-1] for v in x])) for x in (known[1], vectors))
    peak = logits.max(1)
    scores = {
        "novelty": [novelty.percentile(v[-1], len(v)) for v in vectors],
        "distance of the 10th neighbour": novelty.distance(last),
        "Mahalanobis": mahalanobis(before, labels, after),
        "local outlier factor": -LocalOutlierFactor(20, novelty=True)
        .fit(before)
        .score_samples(after),
        "highest probability": -softmax(logits).max(1),
        "energy": -peak - np.log(np.exp(logits - peak[:, None]).sum(1)),
    }
    return {name: float(roc_auc_score(truth, score)) for name, score in scores.items()}


def mahalanobis(
    before: NDArray[np.float64], labels: NDArray[np.int64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance to the nearest class mean in the covariance of all (Lee et al. 2018)."""
    means = np.array([before[labels == k].mean(0) for k in np.unique(labels)])
    precision = LedoitWolf().fit(before - means[labels]).precision_
    gaps = after[:, None] - means  # (n, K, P)
    return np.einsum("nkp,pq,nkq->nk", gaps, precision, gaps).min(1)


def table(report: dict[str, Any]) -> str:
    """Lay out the AUROC of every score and kind as a Markdown table."""
    kinds = list(report)
    lines = ["| score | " + " | ".join([*kinds, "mean"]) + " |", "|---" * (len(kinds) + 2) + "|"]
    for name in report[kinds[0]]["auroc"]:
        values = [report[kind]["auroc"][name] for kind in kinds]
        cells = [f"{value:.3f}" for value in [*values, float(np.mean(values))]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    right = [report[kind]["called_other"] for kind in kinds]
    cells = [f"{value:.3f}" for value in [*right, float(np.mean(right))]]
    return "\n".join([*lines, f"| *share called OTHER* | {' | '.join(cells)} |"])


if __name__ == "__main__":
    typer.run(main)
