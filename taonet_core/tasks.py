"""What each training stage learns from: its batches, its loss, its validation score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from torch import Tensor, nn

from taonet_core.data.store import PackedNights
from taonet_core.models.batching import Batch, collate
from taonet_core.models.taonet_paper import TAONetPaper, pad_vectors, reading_plan
from taonet_core.transforms.symmetry import symmetry

Inputs = tuple[Tensor, ...]
#: Nights of a sequence that are shown at most, until this share of a run.
FEW_NIGHTS, FEW_UNTIL = 10, 0.7


class Task(Protocol):
    """A stage of training, as `taonet_core.fit.fit` runs it."""

    @property
    def n_batches(self) -> int:
        """Batches of one epoch."""

    def batches(self, rng: np.random.Generator, share: float) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield one epoch of (inputs, labels), drawn by `rng`; `share` of the run is over."""

    def loss(self, model: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        """Return the scalar to minimise."""

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Return the macro F1 of the verdicts on the validation set."""


class Labelled:
    """Packed nights with class indices, split into training and validation objects.

    Parameters
    ----------
    nights : PackedNights
    labels : ndarray, shape (M,), int64
        Class index of every packed object.
    train, val : ndarray of int
        Which objects learn and which judge.
    n_classes : int
        Outputs of the model.
    batch_size : int
    """

    def __init__(
        self,
        nights: PackedNights,
        labels: NDArray[np.int64],
        train: NDArray[np.int64],
        val: NDArray[np.int64],
        *,
        n_classes: int,
        batch_size: int,
    ) -> None:
        self.nights, self.labels, self.train, self.val = nights, labels, train, val
        self.batch_size = batch_size
        counts = np.bincount(labels[train], minlength=n_classes)
        self.log_share = torch.tensor(np.log(np.maximum(counts, 1) / len(train))).float()

    @property
    def n_batches(self) -> int:
        """Batches of one epoch."""
        return -(-len(self.train) // self.batch_size)

    def shuffled(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the training objects of one epoch in random batches."""
        order = rng.permutation(self.train)
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def chunks(self, objects: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield objects in order, a batch at a time."""
        for start in range(0, len(objects), self.batch_size):
            yield objects[start : start + self.batch_size]

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy of each item, unreduced, of logits to which the prior is added.

        So the network learns what tells the classes apart and not how frequent they are (logit
        adjustment, Menon et al. 2021, arXiv 2007.07314). With as many objects of each class it is
        the plain cross entropy; with the shares of the release it beats weights in the loss, and
        does as well as balanced sampling (``docs/ablations.md``).
        """
        prior = self.log_share.to(logits.device)
        return F.cross_entropy(logits.float() + prior, labels, reduction="none")


class NightTask(Labelled):
    """TAO-Net: the class after every night, from rotated and thinned sequences."""

    def batches(self, rng: np.random.Generator, share: float) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield (frames, mask, times), labels; half of the sequences lose some of their nights.

        Until the last third, all are cut to few: twice as many objects are learnt from in the same
        time.
        """
        most = FEW_NIGHTS if share < FEW_UNTIL else None
        for objects in self.shuffled(rng):
            images, times = [], []
            for i in objects:
                stack, mjd = self.augmented(*self.nights.nights(i), rng, most)
                images.append(stack)
                times.append(mjd)
            batch = collate(images, times)
            yield (batch.frames, batch.mask, batch.times), torch.tensor(self.labels[objects])

    def augmented(
        self,
        stack: NDArray[np.floating],
        mjd: NDArray[np.float64],
        rng: np.random.Generator,
        most: int | None,
    ) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
        """Return some or all nights of an object (T, H, W), turned, and their times (T,)."""
        keep = thin(len(mjd), rng, most)
        return self.turned(stack[keep], rng), mjd[keep]

    def turned(self, stack: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
        """Turn or reflect the nights of an object (T, H, W) at random."""
        return symmetry(stack, int(rng.integers(8)))

    def loss(self, model: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        """Half the loss is the verdict's, half the mean over all nights: right and early."""
        mask = inputs[1]
        logits = model(*inputs)  # (B, T, K)
        nightly = self.cross_entropy(
            logits.flatten(0, 1), labels[:, None].expand(mask.shape).flatten()
        ).view_as(mask)  # (B, T)
        last = nightly.gather(1, mask.sum(1, keepdim=True) - 1).mean()
        return (last + (nightly * mask).sum() / mask.sum()) / 2

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Macro F1 after the last night."""
        verdicts = []
        for objects in self.chunks(self.val):
            stacks, times = zip(*(self.nights.nights(i) for i in objects), strict=True)
            batch: Batch = collate(stacks, times).to(device)
            logits = model(batch.frames, batch.mask, batch.times)
            last = batch.mask.sum(1) - 1
            verdicts.append(logits[torch.arange(len(last)), last].argmax(1).cpu().numpy())
        return _macro_f1(self.labels[self.val], np.concatenate(verdicts))


class FewShots(NightTask):
    """A few labelled objects, all of which teach.

    None is spared for choosing an epoch: the last one counts.

    Parameters
    ----------
    nights : PackedNights
    labels : ndarray, shape (M,), int64
        Class index of every packed object.
    objects : ndarray of int
        Which objects teach.
    n_classes : int
    batch_size : int
    freeze_encoder : bool
        Whether the statistics of the encoder's batch normalisation stay as they are.
    """

    def __init__(
        self,
        nights: PackedNights,
        labels: NDArray[np.int64],
        objects: NDArray[np.int64],
        *,
        n_classes: int,
        batch_size: int,
        freeze_encoder: bool,
    ) -> None:
        sizes = {"n_classes": n_classes, "batch_size": batch_size}
        super().__init__(nights, labels, objects, objects, **sizes)
        self.freeze_encoder = freeze_encoder

    def loss(self, model: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        """Loss of `NightTask`, with an encoder that is frozen in evaluation mode."""
        if self.freeze_encoder:
            model.get_submodule("encoder").eval()
        return super().loss(model, inputs, labels)

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Return 0: of equal epochs `fit` keeps the latest."""
        return 0.0


class WindowTask(Labelled):
    """Pre-training of the published encoder: a plain classifier on three-channel images.

    The channels are the first, the brightest and the last night of a stretch (arXiv 2004.13877:
    beginning of the season, maximum, end); the stretch is drawn anew each epoch.
    """

    def batches(self, rng: np.random.Generator, share: float) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield (windows,), labels."""
        for objects in self.shuffled(rng):
            windows = [self._window(i, rng) for i in objects]
            yield (torch.tensor(np.stack(windows)),), torch.tensor(self.labels[objects])

    def _window(self, i: int, rng: np.random.Generator) -> NDArray[np.float32]:
        stack, _ = self.nights.nights(i)
        first, last = sorted(rng.integers(len(stack), size=2))
        half = stack.shape[-1] // 2
        core = stack[first : last + 1, half - 1 : half + 2, half - 1 : half + 2]
        brightest = first + int(core.astype(np.float32).sum((1, 2)).argmax())
        return symmetry(stack[[first, brightest, last]], int(rng.integers(8))).astype(np.float32)

    def loss(self, model: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        """Cross entropy of the pre-training classifier."""
        assert isinstance(model, TAONetPaper)
        return self.cross_entropy(model.classifier(model.encode(*inputs)), labels).mean()

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Macro F1 on one fixed stretch of each validation object."""
        assert isinstance(model, TAONetPaper)
        rng, verdicts = np.random.default_rng(0), []
        for objects in self.chunks(self.val):
            windows = torch.tensor(np.stack([self._window(i, rng) for i in objects]))
            logits = model.classifier(model.encode(windows.to(device)))
            verdicts.append(logits.argmax(1).cpu().numpy())
        return _macro_f1(self.labels[self.val], np.concatenate(verdicts))


class VectorTask(Labelled):
    """The published GRU over the vectors of a frozen encoder, computed once."""

    def encode(self, model: TAONetPaper, device: torch.device) -> Iterator[int]:
        """Fill the cache of window vectors; yields the number of objects done."""
        self._vectors: dict[int, tuple[Tensor, list[list[int]]]] = {}
        for done, i in enumerate([*self.train.tolist(), *self.val.tolist()], start=1):
            stack, _ = self.nights.nights(i)
            windows, beginnings = reading_plan(len(stack), model.config.max_nights)
            images = torch.tensor(stack.astype(np.float32)[windows])
            with torch.inference_mode():
                vectors = model.encode(images.to(device)).float().cpu()
            self._vectors[i] = (vectors.clone(), beginnings)
            yield done

    def batches(self, rng: np.random.Generator, share: float) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield (vectors, lengths), labels; half of the sequences end early."""
        for objects in self.shuffled(rng):
            chosen = []
            for i in objects.tolist():
                vectors, beginnings = self._vectors[i]
                whole = rng.random() < 0.5
                end = len(beginnings) - 1 if whole else int(rng.integers(len(beginnings)))
                chosen.append(vectors[beginnings[end]])
            yield pad_vectors(chosen), torch.tensor(self.labels[objects])

    def loss(self, model: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
        """Cross entropy after the last window."""
        assert isinstance(model, TAONetPaper)
        return self.cross_entropy(model.read(*inputs), labels).mean()

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Macro F1 after the last night."""
        assert isinstance(model, TAONetPaper)
        verdicts = []
        for objects in self.chunks(self.val):
            cached = [self._vectors[i] for i in objects.tolist()]
            vectors, lengths = pad_vectors([v[beginnings[-1]] for v, beginnings in cached])
            logits = model.read(vectors.to(device), lengths.to(device))
            verdicts.append(logits.argmax(1).cpu().numpy())
        return _macro_f1(self.labels[self.val], np.concatenate(verdicts))


def _macro_f1(labels: NDArray[np.int64], verdicts: NDArray[np.int64]) -> float:
    return float(f1_score(labels, verdicts, average="macro", zero_division=0))


def thin(n_nights: int, rng: np.random.Generator, most: int | None = None) -> NDArray[np.int64]:
    """Choose which nights of a sequence to show: all, or a random share; from one to `most`."""
    chosen = np.arange(n_nights)
    if rng.random() >= 0.5:
        keep = rng.random(n_nights) < rng.uniform(0.3, 1.0)
        keep[rng.integers(n_nights)] = True
        chosen = np.flatnonzero(keep)
    if most is not None and len(chosen) > most:
        chosen = np.sort(rng.choice(chosen, most, replace=False))
    return chosen
