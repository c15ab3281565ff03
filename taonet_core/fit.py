"""The training loop, one for every network.

The same seed on a CPU gives the same weights, and so does a run that was killed and resumed: all
randomness of an epoch derives from (seed, epoch), and a checkpoint is written after each.
"""

from __future__ import annotations

import logging
import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from taonet_core.config import to_dict
from taonet_core.data.atomic import atomic_path
from taonet_core.errors import TrainingError
from taonet_core.models.memory import keep_freed_memory
from taonet_core.tasks import Inputs, Task

logger = logging.getLogger(__name__)


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


OnEpoch = Callable[[EpochReport], None]


def fit(
    model: nn.Module,
    task: Task,
    config: TrainConfig,
    *,
    stage: str = "train",
    device: torch.device | str = "cpu",
    identity: str = "",
    checkpoint: Path | None = None,
    time_budget: float | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainingHistory:
    """Train a model in place; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    model : nn.Module
    task : Task
        Batches, loss and validation score.
    config : TrainConfig
    stage : str
        Name of this run in reports and checkpoint.
    device : torch.device or str
    identity : str
        Stands for the model and the data; a checkpoint of another is refused.
    checkpoint : Path, optional
        Written after each epoch; where it exists, training goes on from it.
    time_budget : float, optional
        Seconds, over all resumes; the schedule then ends with the time if that comes first.
    on_epoch : callable, optional
        Gets an `EpochReport`.

    Raises
    ------
    TrainingError
        If the checkpoint belongs to another run, or the loss is no longer finite.
    ValueError
        If `time_budget` is not positive.
    """
    if time_budget is not None and not time_budget > 0:
        raise ValueError(f"time_budget must be positive; got {time_budget}")
    device = torch.device(device)
    keep_freed_memory()
    model.to(device)
    run = _Run(model, task, config, stage, identity, device, time_budget)
    if checkpoint is not None and checkpoint.exists():
        run.load(checkpoint)
    while not run.finished:
        report = run.one_epoch()
        if checkpoint is not None:
            run.save(checkpoint)
        if on_epoch:
            on_epoch(report)
    model.load_state_dict(run.best_state)
    model.eval()
    return run.history


class _Run:
    """State of one training run: what a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        config: TrainConfig,
        stage: str,
        identity: str,
        device: torch.device,
        time_budget: float | None,
    ) -> None:
        self.model, self.task, self.config = model, task, config
        self.own = {"stage": stage, "identity": identity, "config": to_dict(config)}
        self.stage, self.device, self.budget = stage, device, time_budget
        self.history = TrainingHistory()
        self.best_state = _copy(model.state_dict())
        trainable = [p for p in model.parameters() if p.requires_grad]
        make: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW
        if config.optimizer == "sgd":
            make = partial(torch.optim.SGD, momentum=0.9)
        self.optimizer = make(trainable, config.learning_rate, weight_decay=config.weight_decay)
        on_cuda = device.type == "cuda"
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and on_cuda)

    @property
    def finished(self) -> bool:
        done = self.history.epochs
        return bool(done) and done[-1]["share"] >= 1

    def share(self, epoch_part: float, seconds: float) -> float:
        """Part of the run that is done, by epochs or by time, whichever is further."""
        by_epochs = (len(self.history.epochs) + epoch_part) / self.config.epochs
        if self.budget is None:
            return min(by_epochs, 1.0)
        return min(max(by_epochs, (self.history.seconds + seconds) / self.budget), 1.0)

    def one_epoch(self) -> EpochReport:
        epoch, start = len(self.history.epochs), time.monotonic()
        torch.manual_seed(self.config.seed * 100_003 + epoch)
        losses, begun = [], self.share(0.0, 0.0)
        self.model.train()
        for i, (inputs, labels) in enumerate(self.task.batches(self._rng(epoch), begun)):
            share = self.share(i / self.task.n_batches, time.monotonic() - start)
            losses.append(self._step(inputs, labels, share))
            if share >= 1:
                break
        self.model.eval()
        with torch.inference_mode(), self._autocast():
            score = self.task.score(self.model, self.device)
        seconds = time.monotonic() - start
        report = EpochReport(
            self.stage, epoch, float(np.mean(losses)), score, seconds, self.share(1.0, seconds)
        )
        self.history.epochs.append(vars(report).copy())
        if self.history.best == epoch:
            self.best_state = _copy(self.model.state_dict())
        return report

    def _step(self, inputs: Inputs, labels: Tensor, share: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * schedule(share)
        with self._autocast():
            loss = self.task.loss(
                self.model, tuple(x.to(self.device) for x in inputs), labels.to(self.device)
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        if not math.isfinite(value := loss.item()):
            raise TrainingError(
                f"the loss of {self.stage} is {value}; lower learning_rate "
                f"({self.config.learning_rate}) or look for bad pixels in the data"
            )
        return value

    def _rng(self, epoch: int) -> np.random.Generator:
        return np.random.default_rng((self.config.seed, epoch))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def save(self, path: Path) -> None:
        """Write everything the next epoch depends on."""
        state = {
            **self.own,
            "epochs": self.history.epochs,
            "model": self.model.state_dict(),
            "best": self.best_state,
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Take up the run of a checkpoint."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise TrainingError(
                f"the checkpoint {path} cannot be read ({error}); delete it to start over"
            ) from error
        other = [key for key, value in self.own.items() if state.get(key) != value]
        if other:
            raise TrainingError(
                f"the checkpoint {path} belongs to another run, model or data (it differs in "
                f"{' and '.join(other)}); delete it or choose another output folder"
            )
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"the checkpoint {path} does not fit the model ({error}); delete it to start over"
            ) from error
        self.best_state = state["best"]
        self.history = TrainingHistory(state["epochs"])
        logger.info("resumed %s after %d epochs", self.stage, len(self.history.epochs))


def schedule(share: float, warmup: float = 0.03) -> float:
    """Factor of the learning rate after a share of the run: linear warm-up, then half a cosine."""
    if share < warmup:
        return (share + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}
