"""From a folder of labelled sequences to a model with its sidecar."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from taonet_core.data.catalog import load_catalog, split_by_position
from taonet_core.data.fits_io import read_sequence
from taonet_core.errors import TrainingError
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.weights import ModelBundle, save_model
from taonet_core.recipes import RECIPES, Job, OnProgress

#: Share of the objects, by position on the sky, that judges each epoch and never teaches.
VALIDATION_SHARE = 0.1


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
    on_progress: OnProgress | None = None,
) -> ModelBundle:
    """Train a model on a folder of labelled sequences and save it.

    Parameters
    ----------
    name : {"taonet", "taonet-paper", "forest"}
    data : path
        Folder of sequences whose files or folders tell the class.
    output : path
        Folder for weights, sidecar and checkpoints.
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
    on_progress : callable, optional

    Raises
    ------
    TrainingError
        If there is too little labelled data, or training cannot go on.
    ValueError
        If the model or a setting is unknown.
    """
    if name not in RECIPES:
        raise ValueError(f"no model named {name!r}; there are {sorted(RECIPES)}")
    folder, output = Path(data), Path(output)
    catalog = load_catalog(folder)
    catalog = catalog[catalog["label"].isin(list(SIX_CLASSES))].reset_index(drop=True)
    classes = tuple(c for c in SIX_CLASSES if (catalog["label"] == c).any())
    if len(classes) < 2:
        raise TrainingError(f"{folder} holds labelled objects of {len(classes)} classes; wanted 2")
    shares = {"train": 1 - VALIDATION_SHARE, "val": VALIDATION_SHARE}
    side = split_by_position(catalog, shares, seed=seed).to_numpy()
    train, val = np.flatnonzero(side == "train"), np.flatnonzero(side == "val")
    if min(len(train), len(val)) < 1:
        raise TrainingError(f"{len(catalog)} objects are too few to train and to validate on")
    job = Job(
        folder,
        catalog,
        classes,
        train,
        val,
        output,
        epochs,
        time_budget,
        seed,
        pick_device(device),
        precision,
        resume,
        workers,
        dict(settings or {}),
        on_progress or (lambda stage, share, text: None),
    )
    start = time.monotonic()
    bundle = RECIPES[name](job)
    bundle = replace(bundle, sidecar=bundle.sidecar | _provenance(job, time.monotonic() - start))
    save_model(bundle, output)
    return bundle


def pick_device(device: str) -> str:
    """Turn "auto" into "cuda" where there is one, else "cpu"."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("device 'cuda' was asked for but there is none; use 'auto' or 'cpu'")
    return device


def _provenance(job: Job, seconds: float) -> dict[str, Any]:
    """Say what the model was trained on, and where it may be trusted."""
    import torch

    made = job.folder / "dataset.json"
    first = read_sequence(job.folder / job.catalog["path"].iloc[0])
    counts = job.catalog["label"].value_counts()
    return {
        "training": {
            "data": json.loads(made.read_text()) if made.exists() else job.folder.name,
            "simulated": bool(job.catalog["simulated"].all()),
            "objects": {str(c): int(counts[c]) for c in job.classes},
            "train_objects": len(job.train),
            "seed": job.seed,
            "seconds": round(seconds),
            "device": job.device,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "domain": {
            "bands": sorted(set(first.bands.tolist())),
            "pixel_scale": first.meta.get("pixel_scale"),
            "nights": [int(q) for q in np.quantile(job.catalog["n_nights"], [0.0, 1.0])],
            "survey": first.meta.get("survey"),
        },
    }
