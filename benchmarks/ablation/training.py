"""Train one variant on one budget and keep what it says of the test objects."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from ablation.changes import FixedBudget
from ablation.variants import RELEASE, Variant
from taonet_core import console
from taonet_core.data.atomic import atomic_path
from taonet_core.data.catalog import split_by_position
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import night_index
from taonet_core.data.store import PackedNights, pack_folder
from taonet_core.fit import fit
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.batching import collate
from taonet_core.models.checkpoints import Checkpoints
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.recipes import TAONET_NIGHTS, taonet_training
from taonet_core.train import labelled_catalog
from taonet_core.transforms.preprocess import stack_nights

CONFIG = taonet_training(precision="bf16")  # bf16: half the time
#: After how many nights the verdict is scored; the last is "after all".
AFTER = (4, 8, 10_000)
_SHARES = {"train": 0.88, "test": 0.12}
_BATCH = 32


@dataclass(frozen=True)
class Budget:
    """What every variant may use.

    Attributes
    ----------
    per_class : int
        Training objects of each class.
    passes : int
        Times that an object is learnt from, over all objects: sets the number of epochs.
    test_per_class : int
    """

    per_class: int = 600
    passes: int = 21_600
    test_per_class: int = 250


class Data:
    """Objects of a folder on their sides, the same for every variant and seed.

    Parameters
    ----------
    folder : Path
        Labelled sequences of all six classes.
    budget : Budget
    """

    def __init__(self, folder: Path, budget: Budget) -> None:
        self.folder, self.budget = folder, budget
        self.catalog, classes = labelled_catalog(folder)
        if classes != SIX_CLASSES:
            raise SystemExit(f"{folder} holds {classes}; wanted all of {SIX_CLASSES}")
        self.labels = np.array([SIX_CLASSES.index(c) for c in self.catalog["label"]])
        side = split_by_position(self.catalog, _SHARES, seed=0).to_numpy()
        order = np.random.default_rng(0).permutation(len(side))
        self.pool = [order[(side[order] == "train") & (self.labels[order] == k)] for k in range(6)]
        test = [order[(side[order] == "test") & (self.labels[order] == k)] for k in range(6)]
        self.test = np.sort(np.concatenate([rows[: budget.test_per_class] for rows in test]))

    def train(self, variant: Variant) -> NDArray[np.int64]:
        """Rows of the catalogue that a variant learns from."""
        counts = np.minimum([len(rows) for rows in self.pool], 2**31)
        if variant.release:
            shares = np.array([RELEASE[c] for c in SIX_CLASSES])
            scale = min(6 * self.budget.per_class / shares.sum(), (counts / shares).min())
            counts = np.rint(scale * shares).astype(int)
        elif np.isfinite(variant.share):
            counts = np.minimum(counts, int(variant.share * self.budget.per_class))
        return np.sort(np.concatenate([r[:n] for r, n in zip(self.pool, counts, strict=True)]))

    def identity(self) -> str:
        """Digest of objects and sides."""
        names = self.catalog["object_id"].to_numpy()
        told = [vars(self.budget), names.tolist(), self.test.tolist()]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]

    def nights(self, step: str) -> PackedNights:
        """Packed nights of the folder, or its exposures."""
        if step == "night":
            with console.progress("read", total=len(self.catalog)) as report:
                return pack_folder(self.folder, self.catalog, TAONET_NIGHTS, on_object=report)
        used = [self.train(Variant("")), self.test]
        packed = pack_exposures(self.folder, self.catalog, np.sort(np.concatenate(used)))
        return packed if step == "exposure" else first_of_nights(packed)


def pack_exposures(folder: Path, catalog: pd.DataFrame, rows: NDArray[np.int64]) -> PackedNights:
    """Read and pack every usable exposure of some objects, or open what was packed before."""
    home = folder / ".packed" / f"exposures-{hashlib.sha256(rows.tobytes()).hexdigest()[:16]}"
    if not (home / "table.npz").exists():
        home.mkdir(parents=True, exist_ok=True)
        times: list[NDArray[np.float64]] = []
        with (home / "images.f16").open("wb") as file, console.progress("read") as report:
            for done, row in enumerate(rows, start=1):
                images, mjd = exposures(folder / catalog["path"][row])
                file.write(images.tobytes())
                times.append(mjd)
                report(done, len(rows))
        offsets = np.cumsum([0, *map(len, times)])
        with atomic_path(home / "table.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, times=np.concatenate(times), offsets=offsets, rows=rows)
    table = np.load(home / "table.npz")
    images = np.memmap(home / "images.f16", dtype=np.float16, mode="r")
    size = TAONET_NIGHTS.size
    return PackedNights(
        images.reshape(-1, size, size), table["times"], table["offsets"], table["rows"]
    )


def exposures(path: Path) -> tuple[NDArray[np.float16], NDArray[np.float64]]:
    """Return every usable exposure as an image of its own (T, H, W), and its MJD (T,)."""
    sequence = read_sequence(path, trusted=True)
    # a day between any two: each exposure is then a night to the preprocessing
    apart = replace(sequence, times=np.arange(len(sequence), dtype=np.float64))
    nights = stack_nights(apart, TAONET_NIGHTS)
    return nights.images.astype(np.float16), sequence.times[nights.night_of_frame >= 0]


def first_of_nights(packed: PackedNights) -> PackedNights:
    """Keep the first exposure of each night."""
    chosen = []
    for start, end in zip(packed.offsets, packed.offsets[1:], strict=False):
        night = night_index(packed.times[start:end])
        chosen.append(start + np.flatnonzero(np.diff(night, prepend=-1)))
    index, offsets = np.concatenate(chosen), np.cumsum([0, *map(len, chosen)])
    return PackedNights(packed.images[index], packed.times[index], offsets, packed.rows)


def train_variant(data: Data, name: str, variant: Variant, seed: int, runs: Path) -> None:
    """Train a variant, or go on where it was stopped, and keep what it says in ``runs``."""
    stem = f"{name}-{seed}-{data.identity()}"
    result = runs / f"{stem}.npz"
    if not result.exists():
        kept = _train(data, variant, seed, runs / stem, stem)
        with atomic_path(result) as temporary, temporary.open("wb") as file:
            np.savez(file, **kept)
        Checkpoints(runs / stem).remove()


def finished(data: Data, names: Iterable[str], runs: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the runs on these data and this budget that have ended: name -> one entry a seed."""
    done = {}
    for name in names:
        found = sorted(runs.glob(f"{name}-[0-9]*-{data.identity()}.npz"))
        if found:
            done[name] = [dict(np.load(path)) for path in found]
    return done


def _train(
    data: Data, variant: Variant, seed: int, checkpoint: Path, identity: str
) -> dict[str, Any]:
    nights = data.nights(variant.step)
    place = {row: i for i, row in enumerate(nights.rows.tolist())}
    train, test = (
        np.array([place[row] for row in rows if row in place])
        for rows in (data.train(variant).tolist(), data.test.tolist())
    )
    config = replace(CONFIG, seed=seed, epochs=max(1, round(data.budget.passes / len(train))))
    labels = data.labels[nights.rows]
    sizes = {"n_classes": len(SIX_CLASSES), "batch_size": config.batch_size}
    task = variant.task(nights, labels, train, train, **sizes)
    assert isinstance(task, FixedBudget)
    torch.manual_seed(seed)
    model = variant.change(TAONet(TAONetConfig(n_classes=len(SIX_CLASSES))))
    start = time.process_time()
    with console.stages() as report:
        history = fit(
            *(model, task, config),
            identity=identity,
            checkpoint=checkpoint,
            on_epoch=lambda e: report(identity, e.share, f"epoch {e.epoch}, loss {e.loss:.3f}"),
        )
    return {  # as `finished` returns it
        "logits": logits_after(model, nights, test),
        "truth": labels[test],
        "rows": nights.rows[test],
        "train_objects": len(train),
        "epochs": config.epochs,
        "seconds": history.seconds,
        "processor_seconds": time.process_time() - start,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def logits_after(
    model: nn.Module, nights: PackedNights, objects: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return logits (M, len(AFTER), K) after some nights; all of them where there are fewer."""
    found = []
    for start in range(0, len(objects), _BATCH):
        stacks, times = zip(*map(nights.nights, objects[start : start + _BATCH]), strict=True)
        batch = collate(stacks, times)
        with torch.inference_mode():
            logits = model(batch.frames, batch.mask, batch.times).numpy()
        for row, mjd in zip(logits, times, strict=True):
            ends = np.searchsorted(night_index(mjd), AFTER) - 1
            found.append(row[ends])
    return np.stack(found).astype(np.float32)
