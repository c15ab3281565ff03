"""How each model is trained: one recipe a model, all with the same job in hand."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from taonet_core import __version__
from taonet_core.config import to_dict
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.store import map_in_processes, pack_folder
from taonet_core.errors import TaoNetError, TrainingError
from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.boosting import train_boosting
from taonet_core.models.designs import curve_reader
from taonet_core.models.forest import forest_classes, readable, train_forest
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import PreprocessConfig, night_index

if TYPE_CHECKING:
    from taonet_core.fit import EpochReport, TrainConfig, TrainingHistory
    from taonet_core.models.taonet_paper import TAONetPaper
    from taonet_core.tasks import Labelled, Task, VectorTask

logger = logging.getLogger(__name__)
#: How frames become what TAO-Net reads.
TAONET_NIGHTS = PreprocessConfig(visit="mean", register=True)
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
    config: Any
    on_progress: OnProgress

    def __post_init__(self) -> None:
        for name in ("epochs", "time_budget"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive; got {value}")

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class index of every row of the catalogue."""
        return np.array([self.classes.index(TransientClass(c)) for c in self.catalog["label"]])


def taonet_training(*, epochs: int = 40, seed: int = 0, precision: str = "auto") -> TrainConfig:
    """Return how TAO-Net learns."""
    from taonet_core.fit import TrainConfig

    return TrainConfig(epochs=epochs, learning_rate=4e-3, seed=seed, precision=precision)


def train_taonet(job: Job) -> ModelBundle:
    """Train our network on one registered mean image a night."""
    import torch

    from taonet_core.models.taonet import TAONet
    from taonet_core.tasks import NightTask

    config = taonet_training(epochs=job.epochs or 40, seed=job.seed, precision=job.precision)
    task = NightTask(**_packed(job, TAONET_NIGHTS), batch_size=config.batch_size)
    torch.manual_seed(job.seed)
    model = TAONet(job.config)
    history = _fit(job, TAONET_NIGHTS, model, task, config, stage="taonet")
    return _network_bundle(job, "taonet", model, TAONET_NIGHTS, task, {"taonet": history})


def train_taonet_paper(job: Job) -> ModelBundle:
    """Train the published network in its two stages: encoder, then GRU on frozen vectors.

    The published third stage, which fine-tunes both together, is left out.
    """
    import torch

    from taonet_core.fit import TrainConfig
    from taonet_core.models.taonet_paper import TAONetPaper
    from taonet_core.tasks import VectorTask, WindowTask

    preprocess = PreprocessConfig(visit="first")
    config = TrainConfig(  # optimiser, rate, decay and 50 + 100 epochs as published
        epochs=job.epochs or 50,
        optimizer="sgd",
        learning_rate=0.1,
        weight_decay=1e-4,
        seed=job.seed,
        precision=job.precision,
    )
    data = _packed(job, preprocess)
    torch.manual_seed(job.seed)
    model = TAONetPaper(job.config)
    fit = partial(_fit, job, preprocess, model)
    windows = WindowTask(**data, batch_size=config.batch_size)
    histories = {"encoder": fit(windows, config, stage="encoder", share=0.8)}
    vectors = VectorTask(**data, batch_size=config.batch_size)
    _encode(job, vectors, model)
    longer = replace(config, epochs=2 * config.epochs)
    histories["gru"] = fit(vectors, longer, stage="gru", share=0.2)
    return _network_bundle(job, "taonet-paper", model, preprocess, vectors, histories)


def _encode(job: Job, task: VectorTask, model: TAONetPaper) -> None:
    import torch

    n_objects = len(task.train) + len(task.val)
    with torch.autocast(job.device, dtype=torch.bfloat16, enabled=job.precision == "bf16"):
        for done in task.encode(model, torch.device(job.device)):
            job.on_progress("encoding", done / n_objects, f"{done} objects")


def train_on_light_curves(kind: str, job: Job) -> ModelBundle:
    """Train a kind that reads light curves on forced photometry of the training sequences."""
    from sklearn.metrics import f1_score

    curves = light_curves(job)
    read = [readable(curve).times for curve in curves]
    usable = np.array([len(times) >= job.config.min_points for times in read])
    train, val = (side[usable[side]] for side in (job.train, job.val))
    _check_sides(job, train, val)

    def report(done: int, total: int) -> None:
        job.on_progress(kind, done / total, f"{done} of {total} steps")

    labels = job.labels
    model = _CURVE_TRAINERS[kind](
        [curves[i] for i in train],
        np.array(job.classes)[labels[train]],
        job.config,
        seed=job.seed,
        on_progress=report,
    )
    classes = forest_classes(model)
    columns = [classes.index(c) for c in job.classes]
    probabilities = curve_reader(kind)(model, [curves[i] for i in val])[0][:, columns]
    score = f1_score(labels[val], probabilities.argmax(1), average="macro", zero_division=0)
    said = f"validation macro F1 {score:.3f} on {len(val)} of {len(job.val)} objects"
    job.on_progress(kind, 1.0, said)
    nights = [night_index(read[i])[-1] + 1 for i in train]
    sidecar = _measured(float(score), len(val), nights)
    return ModelBundle(kind, __version__, kind, classes, model, job.config, None, sidecar)


_CURVE_TRAINERS: dict[str, Callable[..., Any]] = {
    "forest": train_forest,
    "boosting": train_boosting,
}


def light_curves(job: Job) -> list[LightCurve]:
    """Measure every object of the catalogue; without a point where it cannot be read."""
    curves = []
    paths = [job.folder / path for path in job.catalog["path"]]
    for curve in map_in_processes(_measure, paths, job.workers):
        curves.append(curve)
        job.on_progress("photometry", len(curves) / len(paths), f"{len(curves)} objects")
    return curves


def _measure(path: Path) -> LightCurve:
    try:
        return extract_light_curve(read_sequence(path, trusted=True))
    except TaoNetError as error:
        logger.warning("left out: %s", error)
        return LightCurve(*np.empty((3, 0)))


def _packed(job: Job, preprocess: PreprocessConfig) -> dict[str, Any]:
    def report(done: int, total: int) -> None:
        job.on_progress("reading", done / total, f"{done} of {total} sequences")

    nights = pack_folder(job.folder, job.catalog, preprocess, workers=job.workers, on_object=report)
    train, val = (np.flatnonzero(np.isin(nights.rows, side)) for side in (job.train, job.val))
    _check_sides(job, nights.rows[train], nights.rows[val])
    return {
        "nights": nights,
        "labels": job.labels[nights.rows],
        "train": train,
        "val": val,
        "n_classes": len(job.classes),
    }


def _check_sides(job: Job, train: NDArray[np.int64], val: NDArray[np.int64]) -> None:
    """Refuse data of which, once read, too little is left; takes rows of the catalogue."""
    missing = [str(job.classes[k]) for k in sorted(set(job.labels) - set(job.labels[train]))]
    if missing or not len(val):
        raise TrainingError(
            f"of {len(job.train)} objects to train on {len(train)} are usable, none of class "
            f"{missing}; of {len(job.val)} to validate on {len(val)}; give more objects"
        )


def _fit(
    job: Job,
    preprocess: PreprocessConfig,
    model: Any,
    task: Task,
    config: TrainConfig,
    *,
    stage: str,
    share: float = 1.0,
) -> TrainingHistory:
    """Run a stage with its share of the time budget."""
    from taonet_core.fit import fit

    def report(epoch: EpochReport) -> None:
        text = f"epoch {epoch.epoch + 1}, loss {epoch.loss:.3f}, macro F1 {epoch.macro_f1:.3f}"
        job.on_progress(stage, epoch.share, text)

    return fit(
        model,
        task,
        config,
        stage=stage,
        device=job.device,
        identity=_identity(job, preprocess),
        checkpoint=job.output / f"{stage}.checkpoint",
        resume=job.resume,
        time_budget=None if job.time_budget is None else share * job.time_budget,
        on_epoch=report,
    )


def _identity(job: Job, preprocess: PreprocessConfig) -> str:
    """Digest of what is trained on what: a checkpoint of anything else is not gone on from."""
    made_of = {
        "model": to_dict(job.config),
        "preprocess": to_dict(preprocess),
        "objects": job.catalog[["path", "label"]].to_numpy().tolist(),
        "train": job.train.tolist(),
        "val": job.val.tolist(),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _network_bundle(
    job: Job,
    name: str,
    model: Any,
    preprocess: PreprocessConfig,
    task: Labelled,
    histories: dict[str, TrainingHistory],
) -> ModelBundle:
    last = list(histories.values())[-1]
    best = last.epochs[last.best]
    stages = {
        stage: {"epochs": len(h.epochs), "best": h.best, "seconds": round(h.seconds)}
        for stage, h in histories.items()
    }
    nights = np.diff(task.nights.offsets)[task.train]
    sidecar = _measured(best["macro_f1"], len(task.val), nights) | {"stages": stages}
    model.to("cpu")
    return ModelBundle(name, __version__, name, job.classes, model, job.config, preprocess, sidecar)


def _measured(macro_f1: float, n: int, nights: ArrayLike) -> dict[str, Any]:
    """Score on the validation objects, which chose the epoch: not a test. And the nights read."""
    return {
        "metrics": {"validation_macro_f1": round(macro_f1, 4), "validation_objects": n},
        "domain": {"nights": [int(np.min(nights)), int(np.max(nights))]},
    }


RECIPES: dict[str, Callable[[Job], ModelBundle]] = {
    "taonet": train_taonet,
    "taonet-paper": train_taonet_paper,
    **{kind: partial(train_on_light_curves, kind) for kind in CURVE_KINDS},
}
