"""Few-shot adaptation: a trained network learns another survey from a few objects a class."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from taonet_core import __version__
from taonet_core.data.catalog import SAME_SKY
from taonet_core.data.locks import only_one
from taonet_core.data.sky import sky_groups
from taonet_core.data.store import PackedNights, pack_folder
from taonet_core.errors import TrainingError
from taonet_core.fit import EpochReport, TrainConfig, fit
from taonet_core.labels import TransientClass
from taonet_core.models.weights import ModelBundle, load_model, save_model
from taonet_core.tasks import FewShots, NightTask
from taonet_core.train import (
    LOCK,
    describe_data,
    describe_machine,
    labelled_catalog,
    pick_device,
    write_split,
)

if TYPE_CHECKING:
    from taonet_core.recipes import OnProgress

#: What adapts only the recurrent unit and the classifier, and what adapts all: an encoder that
#: learns needs smaller steps, or sixty objects undo what ten thousand taught it.
HEAD = TrainConfig(epochs=20, batch_size=16, learning_rate=6e-4)
WHOLE = replace(HEAD, learning_rate=3e-4)


def adapt(
    network: nn.Module,
    task: FewShots,
    config: TrainConfig,
    *,
    device: str = "cpu",
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> nn.Module:
    """Return a copy of a TAO-Net that has learnt from a few objects; the original stays.

    Parameters
    ----------
    network : nn.Module
    task : FewShots
    config : TrainConfig
        `HEAD` for a frozen encoder, else `WHOLE`.
    device : str
    on_epoch : callable, optional
    """
    model = copy.deepcopy(network).requires_grad_(True)
    model.get_submodule("encoder").requires_grad_(not task.freeze_encoder)
    torch.manual_seed(config.seed)
    fit(model, task, config, stage="finetune", device=device, on_epoch=on_epoch)
    return model.cpu().requires_grad_(False)


def finetune_model(
    model: str | ModelBundle,
    data: str | Path,
    *,
    output: str | Path,
    freeze_encoder: bool = True,
    per_class: int = 10,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 2,
    on_progress: OnProgress | None = None,
) -> ModelBundle:
    """Adapt a TAO-Net to labelled sequences of another survey and save it as a model of its own.

    Objects beyond `per_class` teach nothing: they measure the model before and after, but for
    those that share their sky with one that teaches. There are no checkpoints, for it takes
    minutes; the same call ends with the same weights.

    Parameters
    ----------
    model : str or ModelBundle
        Name or path of the trained network to start from.
    data : path
        Folder of sequences whose files or folders tell the class.
    output : path
        Folder for weights, sidecar and ``NAME.split.csv``, the side of each object.
    freeze_encoder : bool
        Adapt only what reads the order of nights, not what reads images.
    per_class : int
        Objects of each class that teach, drawn by `seed`; fewer where there are fewer.
    epochs : int, optional
    seed : int
    device : {"auto", "cpu", "cuda"}
    precision : {"auto", "float32", "bf16"}
    workers : int
        Processes that read files.
    on_progress : callable, optional

    Raises
    ------
    TrainingError
        If the model is no TAO-Net, or its classes and those of the data differ.
    TaoNetError
        If another run writes into the folder, or it cannot be written.
    ValueError
        If `per_class` or `epochs` is not positive.
    """
    if per_class < 1:
        raise ValueError(f"per_class must be 1 or more; got {per_class}")
    base = load_model(model) if isinstance(model, str) else model
    config = replace(HEAD if freeze_encoder else WHOLE, seed=seed, precision=precision)
    config = config if epochs is None else replace(config, epochs=epochs)
    report = on_progress or (lambda stage, share, text: None)
    with only_one(Path(output) / LOCK, "a training"):
        few = _read(base, Path(data), per_class, seed, workers, report)
        bundle = _adapted(
            base, few, Path(data), config, freeze_encoder, pick_device(device), report
        )
        return _save(bundle, few, Path(output))


def _adapted(
    base: ModelBundle,
    few: _Few,
    folder: Path,
    config: TrainConfig,
    freeze_encoder: bool,
    device: str,
    report: OnProgress,
) -> ModelBundle:
    """Adapt the network, and say from what and how well."""
    start = time.monotonic()
    network = adapt(
        *(base.model, few.task(config.batch_size, freeze_encoder), config),
        device=device,
        on_epoch=lambda e: report("finetune", e.share, f"epoch {e.epoch + 1}, loss {e.loss:.3f}"),
    )
    facts, domain = describe_data(folder, few.catalog.iloc[few.taught])
    recipe = {"freeze_encoder": freeze_encoder, "epochs": config.epochs, "seed": config.seed}
    sidecar = {
        "training": facts | {"base": _ancestry(base)} | recipe | describe_machine(device),
        "metrics": few.scores(base.model, network),
        "domain": domain | {"nights": few.night_range()},
    }
    sidecar["training"]["seconds"] = round(time.monotonic() - start)
    # neither calibration nor novelty: those of the base were measured on its own outputs
    return ModelBundle(
        *(f"{base.name}-finetuned", __version__, base.kind, base.classes, network, base.config),
        *(base.preprocess, sidecar),
    )


@dataclass(frozen=True, eq=False)
class _Few:
    """Objects that teach, objects that measure, and their nights."""

    catalog: pd.DataFrame
    nights: PackedNights
    labels: NDArray[np.int64]
    taught: NDArray[np.int64]
    held_out: NDArray[np.int64]
    n_classes: int

    def task(self, batch_size: int, freeze_encoder: bool) -> FewShots:
        return FewShots(
            *(self.nights, self.labels, self.taught),
            n_classes=self.n_classes,
            batch_size=batch_size,
            freeze_encoder=freeze_encoder,
        )

    def scores(self, before: nn.Module, after: nn.Module) -> dict[str, float]:
        """Macro F1 of the verdicts on what neither network has learnt from."""
        if not len(self.held_out):
            return {"held_out_objects": 0}
        sides = (self.nights, self.labels, self.taught, self.held_out)
        judge = NightTask(*sides, n_classes=self.n_classes, batch_size=32)
        with torch.inference_mode():
            old, new = (judge.score(network, torch.device("cpu")) for network in (before, after))
        return {
            "held_out_objects": len(self.held_out),
            "held_out_macro_f1_before": round(old, 4),
            "held_out_macro_f1": round(new, 4),
        }

    def night_range(self) -> list[int]:
        """Fewest and most nights of an object that teaches."""
        nights = np.diff(self.nights.offsets)[self.taught]
        return [int(nights.min()), int(nights.max())]


def _read(
    base: ModelBundle, folder: Path, per_class: int, seed: int, workers: int, report: OnProgress
) -> _Few:
    """Read the data as the model reads, refuse what does not fit it, and choose who teaches."""
    if base.kind != "taonet" or base.preprocess is None:
        raise TrainingError(f"{base.name} is of kind {base.kind}; only a taonet can be fine-tuned")
    catalog, _ = labelled_catalog(folder)
    _refuse_other_classes(catalog, base)
    nights = pack_folder(
        *(folder, catalog, base.preprocess),
        workers=workers,
        on_object=lambda done, of: report("reading", done / of, f"{done} of {of} sequences"),
    )
    catalog = catalog.iloc[nights.rows].reset_index(drop=True)
    _refuse_other_classes(catalog, base)  # a class of which no file could be read
    labels = np.array([base.classes.index(TransientClass(c)) for c in catalog["label"]])
    taught, held_out = draw_few(catalog, per_class, np.random.default_rng(seed))
    return _Few(catalog, nights, labels, taught, held_out, len(base.classes))


def _refuse_other_classes(catalog: pd.DataFrame, base: ModelBundle) -> None:
    found, wanted = set(catalog["label"]), {str(c) for c in base.classes}
    if found != wanted:
        raise TrainingError(
            f"{base.name} tells {', '.join(sorted(wanted))}; the data hold readable objects of "
            f"{', '.join(sorted(found))}: give some of each of its classes and of no other"
        )


def draw_few(
    catalog: pd.DataFrame, per_class: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw so many objects of each class, and name those that share no sky with them.

    Parameters
    ----------
    catalog : DataFrame
        With columns ``label``, ``ra`` and ``dec`` (degrees).
    per_class : int
    rng : numpy.random.Generator

    Returns
    -------
    taught, held_out : ndarray of int
        Rows of the catalogue, in order.
    """
    labels = catalog["label"].to_numpy()
    order = rng.permutation(len(catalog))
    drawn = [order[labels[order] == name][:per_class] for name in np.unique(labels)]
    taught = np.sort(np.concatenate(drawn))
    place = sky_groups(catalog["ra"].to_numpy(), catalog["dec"].to_numpy(), SAME_SKY)
    return taught, np.flatnonzero(~np.isin(place, place[taught]))


def _ancestry(base: ModelBundle) -> dict[str, Any]:
    """Say from which weights a model was adapted, and what those had learnt from."""
    known: dict[str, Any] = {
        key: base.sidecar[key] for key in ("sha256", "training") if key in base.sidecar
    }
    return {"name": base.name, "version": base.version, **known}


def _save(bundle: ModelBundle, few: _Few, output: Path) -> ModelBundle:
    """Write weights, sidecar and, beside them, which object was on which side."""
    split = few.catalog.iloc[np.concatenate([few.taught, few.held_out])][["object_id"]].assign(
        side=np.repeat(["train", "held out"], [len(few.taught), len(few.held_out)])
    )
    bundle.sidecar["training"]["split_sha256"] = write_split(split, output, bundle.name)
    save_model(bundle, output)
    return bundle
