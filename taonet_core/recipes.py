"""How each model is trained: one recipe a model, all with the same job in hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core import __version__
from taonet_core.config import from_dict
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.store import map_in_processes, pack_folder
from taonet_core.errors import TaoNetError
from taonet_core.labels import TransientClass
from taonet_core.models.forest import (
    ForestConfig,
    forest_classes,
    forest_probabilities,
    train_forest,
)
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import PreprocessConfig

if TYPE_CHECKING:
    from taonet_core.data.lightcurve import LightCurve
    from taonet_core.fit import EpochReport, TrainConfig, TrainingHistory
    from taonet_core.tasks import Task

#: Called with the stage, the share of it that is done (0 to 1), and what to say.
OnProgress = Callable[[str, float, str], None]


@dataclass(frozen=True)
class Job:
    """One call of `train_model`, read once and passed to the recipe."""

    folder: Path
    catalog: pd.DataFrame
    classes: tuple[TransientClass, ...]
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    output: Path
    epochs: int | None
    time_budget: float | None
    seed: int
    device: str
    precision: str
    resume: bool
    workers: int
    settings: dict[str, Any]
    on_progress: OnProgress

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class index of every row of the catalogue."""
        return np.array([self.classes.index(TransientClass(c)) for c in self.catalog["label"]])


def train_taonet(job: Job) -> ModelBundle:
    """Train our network on one mean image a night."""
    from taonet_core.fit import TrainConfig
    from taonet_core.models.taonet import TAONet, TAONetConfig
    from taonet_core.tasks import NightTask

    preprocess = PreprocessConfig(visit="mean")
    train_config = TrainConfig(epochs=job.epochs or 24, seed=job.seed, precision=job.precision)
    config = from_dict(TAONetConfig, {"n_classes": len(job.classes), **job.settings})
    task = NightTask(**_packed(job, preprocess), batch_size=train_config.batch_size)
    _seed_weights(job)
    model = TAONet(config)
    history = _fit(job, model, task, train_config, stage="taonet", budget=job.time_budget)
    return _network_bundle(job, "taonet", model, config, preprocess, {"taonet": history})


def train_taonet_paper(job: Job) -> ModelBundle:
    """Train the published network in its two stages: encoder, then GRU on frozen vectors.

    The published third stage, which fine-tunes both together, is left out.
    """
    import torch

    from taonet_core.fit import TrainConfig
    from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig
    from taonet_core.tasks import VectorTask, WindowTask

    preprocess = PreprocessConfig(visit="first")
    config = from_dict(TAONetPaperConfig, {"n_classes": len(job.classes), **job.settings})
    encoder = TrainConfig(  # optimiser, rate, decay and 50 + 100 epochs as published
        epochs=job.epochs or 50,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        seed=job.seed,
        precision=job.precision,
    )
    recurrence = replace(encoder, epochs=2 * encoder.epochs)
    data = _packed(job, preprocess)
    _seed_weights(job)
    model = TAONetPaper(config)
    budget = job.time_budget
    first = _fit(
        job,
        model,
        WindowTask(**data, batch_size=encoder.batch_size),
        encoder,
        stage="encoder",
        budget=None if budget is None else 0.8 * budget,
    )
    task = VectorTask(**data, batch_size=recurrence.batch_size)
    n_objects = len(job.train) + len(job.val)
    for done in task.encode(model, torch.device(job.device)):
        job.on_progress("encoding", done / n_objects, f"{done} objects")
    second = _fit(
        job,
        model,
        task,
        recurrence,
        stage="gru",
        budget=None if budget is None else 0.2 * budget,
    )
    histories = {"encoder": first, "gru": second}
    return _network_bundle(job, "taonet-paper", model, config, preprocess, histories)


def train_light_curve_forest(job: Job) -> ModelBundle:
    """Train the forest on forced photometry of the training sequences."""
    from sklearn.metrics import f1_score

    config = from_dict(ForestConfig, job.settings)
    curves = light_curves(job)
    labels, names = job.labels, np.array(job.classes)
    usable = {i for i, curve in enumerate(curves) if curve is not None}
    train = [i for i in job.train.tolist() if i in usable]
    val = [i for i in job.val.tolist() if i in usable]

    def report(done: int, total: int) -> None:
        job.on_progress("forest", done / total, f"{done} of {total} forests")

    model = train_forest(
        [curves[i] for i in train],
        names[labels[train]],
        config,
        seed=job.seed,
        on_progress=report,
    )
    classes = forest_classes(model)
    columns = [classes.index(c) for c in job.classes]
    probabilities = forest_probabilities(model, [curves[i] for i in val])[:, columns]
    score = f1_score(labels[val], probabilities.argmax(1), average="macro", zero_division=0)
    job.on_progress("forest", 1.0, f"validation macro F1 {score:.3f}")
    sidecar = {"metrics": _metrics(job, float(score), len(val))}
    return ModelBundle("forest", __version__, "forest", classes, model, config, None, sidecar)


def light_curves(job: Job) -> list[LightCurve | None]:
    """Measure every object of the catalogue; None where it cannot be read."""
    curves = []
    paths = [job.folder / path for path in job.catalog["path"]]
    for curve in map_in_processes(_measure, paths, job.workers):
        curves.append(curve)
        job.on_progress("photometry", len(curves) / len(paths), f"{len(curves)} objects")
    return curves


def _measure(path: Path) -> LightCurve | None:
    try:
        return extract_light_curve(read_sequence(path))
    except TaoNetError:
        return None


def _packed(job: Job, preprocess: PreprocessConfig) -> dict[str, Any]:
    def report(done: int, total: int) -> None:
        job.on_progress("reading", done / total, f"{done} of {total} sequences")

    nights = pack_folder(job.folder, job.catalog, preprocess, workers=job.workers, on_object=report)
    packed = np.arange(len(nights))
    return {
        "nights": nights,
        "labels": job.labels[nights.rows],
        "train": packed[np.isin(nights.rows, job.train)],
        "val": packed[np.isin(nights.rows, job.val)],
    }


def _seed_weights(job: Job) -> None:
    import torch

    torch.manual_seed(job.seed)


def _fit(
    job: Job,
    model: Any,
    task: Task,
    config: TrainConfig,
    *,
    stage: str,
    budget: float | None,
) -> TrainingHistory:
    from taonet_core.fit import fit

    def report(epoch: EpochReport) -> None:
        text = f"epoch {epoch.epoch + 1}, loss {epoch.loss:.3f}, macro F1 {epoch.macro_f1:.3f}"
        job.on_progress(stage, epoch.share, text)

    checkpoint = job.output / f"{stage}.checkpoint.pt"
    if not job.resume:
        checkpoint.unlink(missing_ok=True)
    return fit(
        model,
        task,
        config,
        stage=stage,
        device=job.device,
        checkpoint=checkpoint,
        time_budget=budget,
        on_epoch=report,
    )


def _network_bundle(
    job: Job,
    name: str,
    model: Any,
    config: Any,
    preprocess: PreprocessConfig,
    histories: dict[str, TrainingHistory],
) -> ModelBundle:
    last = list(histories.values())[-1]
    best = last.epochs[last.best]
    stages = {
        stage: {"epochs": len(h.epochs), "best": h.best, "seconds": round(h.seconds)}
        for stage, h in histories.items()
    }
    sidecar = {"metrics": _metrics(job, best["macro_f1"], len(job.val)), "stages": stages}
    cpu = model.to("cpu")
    return ModelBundle(name, __version__, name, job.classes, cpu, config, preprocess, sidecar)


def _metrics(job: Job, macro_f1: float, n: int) -> dict[str, Any]:
    """Score on the validation objects, which chose the epoch: not a test."""
    return {"validation_macro_f1": round(macro_f1, 4), "validation_objects": n}


RECIPES: dict[str, Callable[[Job], ModelBundle]] = {
    "taonet": train_taonet,
    "taonet-paper": train_taonet_paper,
    "forest": train_light_curve_forest,
}
