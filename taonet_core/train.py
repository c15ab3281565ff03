"""From a folder of labelled sequences to a model with its sidecar."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.atomic import replacing, sweep
from taonet_core.data.catalog import load_catalog, split_by_position
from taonet_core.data.expert_labels import label_sentence, relabel
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.label_sources import experts_say
from taonet_core.data.locks import only_one
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError, TrainingError
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.models.designs import model_settings
from taonet_core.models.weights import ModelBundle, save_model
from taonet_core.recipes import RECIPES, Job, OnProgress

#: Shares of the objects, by position on the sky: what judges each epoch never teaches.
_SHARES = {"train": 0.9, "val": 0.1}
#: Held by a run for its output folder.
LOCK = ".training.lock"


def train_model(
    name: str,
    data: str | Path,
    *,
    output: str | Path,
    epochs: int | None = None,
    time_budget: float | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    resume: bool = True,
    workers: int = 2,
    settings: dict[str, Any] | None = None,
    labels: str | Path | None = None,
    on_progress: OnProgress | None = None,
) -> ModelBundle:
    """Train a model on a folder of labelled sequences and save it.

    Parameters
    ----------
    name : {"taonet", "taonet-paper", "forest"}
    data : path
        Folder of sequences whose files or folders tell the class.
    output : path
        Folder for weights, sidecar, checkpoints and ``NAME.split.csv``, the side of each object.
    epochs : int, optional
        Default: what the recipe has.
    time_budget : float, optional
        Seconds of optimisation, over all resumes.
    seed : int
    device : {"auto", "cpu", "cuda"}
    precision : {"auto", "float32", "bf16"}
    resume : bool
        Go on from checkpoints in `output`; otherwise they are deleted.
    workers : int
        Processes that read files.
    settings : dict, optional
        Overrides of the model's settings, such as ``{"depth": 70, "growth": 32}``.
    labels : {"database"} or path, optional
        Experts' labels, which take the place of those of the files; see `experts_say`.
    on_progress : callable, optional

    Raises
    ------
    TrainingError
        If there is too little labelled data, or training cannot go on.
    TaoNetError
        If another run writes into the folder, or it cannot be written.
    ValueError
        If the model or a setting is unknown, or `epochs` or `time_budget` is not positive.
    """
    folder, output = Path(data), Path(output)
    catalog, classes, experts = relabelled_catalog(folder, labels)
    train, val = _split(catalog, seed)
    job = Job(
        folder=folder,
        catalog=catalog,
        classes=classes,
        train=train,
        val=val,
        output=output,
        epochs=epochs,
        time_budget=time_budget,
        seed=seed,
        device=pick_device(device),
        precision=precision,
        resume=resume,
        workers=workers,
        config=model_settings(name, settings or {}, len(classes)),
        on_progress=on_progress or (lambda stage, share, text: None),
    )
    with only_one(output / LOCK, "a training"):
        sweep(output)
        origin = _origin(job, experts)
        start = time.monotonic()
        return _save(RECIPES[name](job), job, origin, time.monotonic() - start)


def labelled_catalog(folder: Path) -> tuple[pd.DataFrame, tuple[TransientClass, ...]]:
    """Return the catalogue of what carries a known label, and the classes there are.

    Raises
    ------
    TrainingError
        If there are fewer than two classes.
    """
    return relabelled_catalog(folder)[:2]


def relabelled_catalog(
    folder: Path, labels: str | Path | None = None
) -> tuple[pd.DataFrame, tuple[TransientClass, ...], dict[str, int]]:
    """Return what `labelled_catalog` does once experts' labels took the place of others.

    The third is how many labels they changed (`relabel`); empty without `labels`.
    """
    catalog = load_catalog(folder)
    counts: dict[str, int] = {}
    if labels is not None:
        catalog, counts = relabel(catalog, experts_say(labels, catalog))
    catalog = catalog[catalog["label"].isin(list(SIX_CLASSES))].reset_index(drop=True)
    classes = tuple(c for c in SIX_CLASSES if (catalog["label"] == c).any())
    if len(classes) < 2:
        found = ", ".join(classes) or "no class"
        raise TrainingError(f"{folder} holds labelled objects of {found}; wanted two classes")
    return catalog, classes, counts


def _split(catalog: pd.DataFrame, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the catalogue to train on and to validate on."""
    side = split_by_position(catalog, _SHARES, seed=seed).to_numpy()
    train, val = np.flatnonzero(side == "train"), np.flatnonzero(side == "val")
    if not len(train) or not len(val):
        raise TrainingError(
            f"{len(catalog)} objects are too few: a tenth of them, by place on the sky, is kept to "
            "validate on; give some tens of objects a class"
        )
    return train, val


def pick_device(device: str) -> str:
    """Turn "auto" into "cuda" where there is one, else "cpu"."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("device 'cuda' was asked for but there is none; use 'auto' or 'cpu'")
    return device


def _origin(job: Job, experts: dict[str, int]) -> dict[str, Any]:
    """Say what the model learns from, and where it may be trusted, before the work begins."""
    if experts:
        job.on_progress("labels", 1.0, label_sentence(experts))
    said = {"experts_labels": experts} if experts else {}
    data, domain = describe_data(job.folder, job.catalog)
    made_by = {"train_objects": len(job.train), "seed": job.seed, **describe_machine(job.device)}
    return {"training": data | made_by | said, "domain": domain}


def describe_data(folder: Path, catalog: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a sidecar says of labelled data: what they are, and how they were taken.

    Parameters
    ----------
    folder : Path
    catalog : DataFrame
        Of the objects in it that a model learns from.

    Raises
    ------
    TrainingError
        If ``dataset.json`` is no JSON or none of the files can be read.
    """
    made = folder / "dataset.json"
    try:
        data = json.loads(made.read_bytes()) if made.exists() else folder.name
    except ValueError as error:
        raise TrainingError(f"{made} is not valid JSON ({error}); mend or delete it") from error
    first = _first_readable(folder, catalog)
    counts = catalog["label"].value_counts()
    facts = {
        "data": data,
        "simulated": bool(catalog["simulated"].all()),
        "objects": {str(c): int(counts[c]) for c in SIX_CLASSES if c in counts},
    }
    domain = {
        "bands": sorted(set(first.bands.tolist())),
        "pixel_scale": first.meta.get("pixel_scale"),
        "survey": first.meta.get("survey"),
    }
    return facts, domain


def describe_machine(device: str) -> dict[str, str]:
    """Return what a sidecar says of where a model was trained."""
    import torch

    return {"device": device, "torch": torch.__version__, "python": platform.python_version()}


def _first_readable(folder: Path, catalog: pd.DataFrame) -> ImageSequence:
    for path in catalog["path"]:
        try:
            return read_sequence(folder / path, trusted=True)
        except TaoNetError:
            continue  # the recipe says which files it leaves out, and why
    raise TrainingError(f"none of {len(catalog)} labelled files in {folder} can be read")


def _save(bundle: ModelBundle, job: Job, origin: dict[str, Any], seconds: float) -> ModelBundle:
    """Write weights, sidecar and, beside them, which object was on which side."""
    side = np.where(np.isin(np.arange(len(job.catalog)), job.val), "val", "train")
    digest = write_split(job.catalog[["object_id"]].assign(side=side), job.output, bundle.name)
    known = bundle.sidecar | {
        "training": origin["training"] | {"seconds": round(seconds), "split_sha256": digest},
        "domain": origin["domain"] | bundle.sidecar["domain"],
    }
    bundle = replace(bundle, sidecar=known)
    save_model(bundle, job.output)
    return bundle


def write_split(sides: pd.DataFrame, folder: Path, name: str) -> str:
    """Write which object was on which side as ``NAME.split.csv``; return its SHA-256.

    The names stand there as they are, for programs; those that a spreadsheet would take for
    formulas, too.
    """
    content = sides.to_csv(index=False, lineterminator="\n").encode()
    path = folder / f"{name}.split.csv"
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
