"""How a network learns, and what became of it epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TrainConfig:
    """How a network learns.

    Attributes
    ----------
    epochs : int
    batch_size : int
    optimizer : {"adamw", "sgd"}
        "sgd" has the published momentum of 0.9 (arXiv 2004.13877).
    learning_rate : float
        At the top of a cosine schedule that starts with a warm-up over 3 % of the run.
    weight_decay : float
    seed : int
        Of initial weights, order, augmentation and dropout.
    precision : {"auto", "float32", "bf16"}
        "auto" is bf16 autocast on CUDA and float32 on CPU.
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2 or self.learning_rate <= 0:
            raise ValueError(f"epochs >= 1, batch_size >= 2, learning_rate > 0; got {self}")
        if self.optimizer not in ("adamw", "sgd"):
            raise ValueError(f"optimizer is 'adamw' or 'sgd', not {self.optimizer!r}")
        if self.precision not in ("auto", "float32", "bf16"):
            raise ValueError(f"precision is auto, float32 or bf16, not {self.precision!r}")


@dataclass(frozen=True)
class EpochReport:
    """What one epoch did; `share` is the part of the run that is behind us."""

    stage: str
    epoch: int
    loss: float
    macro_f1: float
    seconds: float
    share: float


@dataclass
class TrainingHistory:
    """Every epoch of a run, across resumes.

    Attributes
    ----------
    epochs : list of dict
        Fields of `EpochReport`.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best(self) -> int:
        """Epoch whose weights are kept: highest validation macro F1, the latest of equals."""
        scores = [epoch["macro_f1"] for epoch in self.epochs]
        return len(scores) - 1 - int(np.argmax(scores[::-1]))

    @property
    def seconds(self) -> float:
        """Time spent in all epochs."""
        return float(sum(epoch["seconds"] for epoch in self.epochs))


def schedule(share: float, warmup: float = 0.03) -> float:
    """Factor of the learning rate after a share of the run: linear warm-up, then half a cosine."""
    if share < warmup:
        return (share + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))
