"""The training loop, one for every network.

The same seed on a CPU gives the same weights, and so does a run that was killed and resumed, at
whatever instant: all randomness of an epoch derives from (seed, epoch), and a checkpoint is written
after each, and within a long one every minute.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from taonet_core.config import to_dict
from taonet_core.errors import Code, TrainingError
from taonet_core.learning import EpochReport, TrainConfig, TrainingHistory, schedule
from taonet_core.models.checkpoints import (
    Checkpoint,
    Checkpoints,
    copied,
    optimizer_tensors,
    restore_optimizer,
)
from taonet_core.models.memory import keep_freed_memory, lost_device, ran_out
from taonet_core.stopping import Hold, held
from taonet_core.tasks import Inputs, Task

logger = logging.getLogger(__name__)
#: Seconds between checkpoints within an epoch; one costs some hundredths of a second.
SAVE_EVERY = 60.0

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
    resume: bool = True,
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
        Where states of the run are kept (`Checkpoints`), after each epoch and `SAVE_EVERY`
        seconds.
    resume : bool
        Whether training goes on from the last of them; otherwise they are deleted.
    time_budget : float, optional
        Seconds, over all resumes; the schedule then ends with the time if that comes first.
    on_epoch : callable, optional
        Gets an `EpochReport`.

    Raises
    ------
    TrainingError
        If the checkpoint belongs to another run, or the loss is no longer finite.
    TaoNetError
        If a checkpoint cannot be written; the one before it is as it was.
    Stopped
        After a checkpoint, if the process was asked to end (`stoppable`).
    ValueError
        If `time_budget` is not positive.
    """
    if time_budget is not None and not time_budget > 0:
        raise ValueError(f"time_budget must be positive; got {time_budget}")
    device = torch.device(device)
    keep_freed_memory()
    model.to(device)
    run = _Run(model, task, config, stage, identity, device, time_budget)
    if checkpoint is not None:
        states = Checkpoints(checkpoint)
        if not resume:
            states.remove()
        run.resume(states)
    with held() as hold, _machine_suffices(stage, device):
        while not run.finished:
            report = run.one_epoch(hold)
            run.save()
            if on_epoch:
                on_epoch(report)
            hold.let_go()
    model.load_state_dict(run.best_state)
    model.eval()
    return run.history


@contextmanager
def _machine_suffices(stage: str, device: torch.device) -> Iterator[None]:
    """Say in one sentence that memory ran out, or that a GPU was lost."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not (ran_out(error) or lost_device(error)):
            raise
        what = "there is not enough memory" if ran_out(error) else "the GPU does not answer"
        raise TrainingError(
            f"{what} to train {stage} on {device.type}; the same command goes on from the last "
            "checkpoint once there is, on another device (--device cpu) with other roundings",
            code=Code.MEMORY if ran_out(error) else Code.TRAINING,
        ) from error


@dataclass
class _Begun:
    """The epoch that is under way: the losses of its steps, the seconds they took."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0


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
        self.begun = _Begun()
        self.checkpoints: Checkpoints | None = None
        self.best_state = copied(model)
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

    def one_epoch(self, hold: Hold) -> EpochReport:
        """Learn from every batch once, from where the epoch was left, and judge."""
        self._learn(hold)
        self.model.eval()
        start, epoch = time.monotonic(), len(self.history.epochs)
        with torch.inference_mode(), self._autocast():
            score = self.task.score(self.model, self.device)
        seconds = self.begun.seconds + time.monotonic() - start
        loss, share = float(np.mean(self.begun.losses)), self.share(1.0, seconds)
        report = EpochReport(self.stage, epoch, loss, score, seconds, share)
        self.history.epochs.append(vars(report).copy())
        self.begun = _Begun()
        if self.history.best == epoch:
            self.best_state = copied(self.model)
        return report

    def _learn(self, hold: Hold) -> None:
        """Take the steps of an epoch that are still to take."""
        begun, epoch = self.begun, len(self.history.epochs)
        start = saved = time.monotonic() - begun.seconds
        if not begun.losses:
            torch.manual_seed(self.config.seed * 100_003 + epoch)
        self.model.train()
        taken = len(begun.losses)
        for i, (inputs, labels) in enumerate(self.task.batches(self._rng(epoch), self.share(0, 0))):
            if i < taken:
                continue  # drawn again, so that what follows is drawn as it would have been
            share = self.share(i / self.task.n_batches, time.monotonic() - start)
            begun.losses.append(self._step(inputs, labels, share))
            begun.seconds = time.monotonic() - start
            if share >= 1:
                break
            if hold.asked or time.monotonic() - saved > SAVE_EVERY:
                self.save()
                saved = time.monotonic()
                hold.let_go()

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

    def save(self) -> None:
        """Write everything that the next step depends on."""
        if self.checkpoints is None:
            return
        noise = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            noise["cuda"] = torch.cuda.get_rng_state(self.device)
        parts = {
            "model": self.model.state_dict(),
            "best": self.best_state,
            "optimizer": optimizer_tensors(self.optimizer),
            "noise": noise,
        }
        tensors = {f"{part}.{k}": t for part, own in parts.items() for k, t in own.items()}
        facts = {**self.own, "epochs": self.history.epochs, "begun": vars(self.begun)}
        self.checkpoints.write(Checkpoint(facts, tensors))

    def resume(self, checkpoints: Checkpoints) -> None:
        """Take up the run whose states are kept there, if it was begun."""
        self.checkpoints = checkpoints
        state = checkpoints.newest(self.device)
        if state is None:
            return
        other = [key for key, value in self.own.items() if state.facts.get(key) != value]
        if other:
            raise TrainingError(
                f"the checkpoint {str(checkpoints.path)!r} belongs to another run, model or data "
                f"(it differs in {' and '.join(other)}); delete it or choose another output folder",
                code=Code.CHECKPOINT,
            )
        try:
            self._restore(state)
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            raise TrainingError(
                f"the checkpoint {str(checkpoints.path)!r} does not fit the model ({error}); "
                "delete it to start over",
                code=Code.CHECKPOINT,
            ) from error
        logger.info("resumed %s after %d epochs", self.stage, len(self.history.epochs))

    def _restore(self, state: Checkpoint) -> None:
        self.model.load_state_dict(state.part("model"))
        restore_optimizer(self.optimizer, state.part("optimizer"))
        self.best_state = state.part("best")
        self.history = TrainingHistory(state.facts["epochs"])
        self.begun = _Begun(**state.facts["begun"])
        noise = state.part("noise")
        torch.set_rng_state(noise["cpu"].cpu())
        if "cuda" in noise:
            torch.cuda.set_rng_state(noise["cuda"].cpu(), self.device)
