"""States of a training run on disk: tensors and JSON under one checksum, and nothing that is code.

A file is the SHA-256 of all that follows, as 64 hexadecimal digits, and a safetensors file whose
metadata hold the facts as JSON. Two files take turns, so that one is whole whatever becomes of the
other.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from taonet_core.data.atomic import replacing, writing
from taonet_core.errors import Code, TrainingError

logger = logging.getLogger(__name__)
_DIGITS = 64  # of a SHA-256


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a run goes on from.

    Attributes
    ----------
    facts : dict
        What JSON can hold.
    tensors : dict of str to Tensor
    """

    facts: dict[str, Any]
    tensors: dict[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with ``name.``, without it."""
        start = f"{name}."
        return {k.removeprefix(start): t for k, t in self.tensors.items() if k.startswith(start)}


class Checkpoints:
    """The two last states of a run.

    Parameters
    ----------
    path : Path
        They are written to ``path.0`` and ``path.1`` in turn.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = [path.with_name(f"{path.name}.{i}") for i in range(2)]
        self._turn = 0

    def write(self, checkpoint: Checkpoint) -> None:
        """Write a state in place of the older one, whole or not at all.

        Raises
        ------
        TaoNetError
            If it cannot be written; both earlier states are as they were.
        """
        file = self.files[self._turn % 2]
        facts = json.dumps({**checkpoint.facts, "turn": self._turn})
        blob = save({k: t.contiguous() for k, t in checkpoint.tensors.items()}, {"facts": facts})
        digest = hashlib.sha256(blob).hexdigest().encode()
        with replacing(file) as temporary, temporary.open("wb") as out:
            out.write(digest)
            out.write(blob)
        self._turn += 1

    def newest(self, device: torch.device) -> Checkpoint | None:
        """Return the last state that is whole; None where there is none yet.

        Raises
        ------
        TrainingError
            If there are states, but all are damaged.
        """
        found, problems = [], []
        for file in filter(Path.exists, self.files):
            try:
                found.append(_read(file, device))
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                problems.append(f"{file.name} cannot be read ({error})")
        if not found and problems:
            raise TrainingError(
                f"no checkpoint in {str(self.path.parent)!r} is whole: {'; '.join(problems)}; "
                "delete them to start over",
                code=Code.CHECKPOINT,
            )
        if not found:
            return None
        newest = max(found, key=lambda checkpoint: checkpoint.facts["turn"])
        self._turn = newest.facts.pop("turn") + 1
        if problems:
            logger.warning("%s; training goes on from the other checkpoint", "; ".join(problems))
        return newest

    def remove(self) -> None:
        """Forget the run."""
        for file in self.files:
            with writing(file):
                file.unlink(missing_ok=True)


def _read(file: Path, device: torch.device) -> Checkpoint:
    """Read a state, and nothing of it before its checksum agrees."""
    content = file.read_bytes()
    digest, blob = content[:_DIGITS], content[_DIGITS:]
    if hashlib.sha256(blob).hexdigest().encode() != digest:
        raise ValueError("its checksum does not agree")
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    facts = json.loads(header["__metadata__"]["facts"])
    return Checkpoint(facts, {name: tensor.to(device) for name, tensor in load(blob).items()})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimiser remembers of its parameters, by parameter and name."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": tensor for i, own in state.items() for name, tensor in own.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser back what `optimizer_tensors` returned.

    Raises
    ------
    ValueError
        If it is of other parameters.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if not set(state) <= set(range(len(parameters))):
        raise ValueError(f"it remembers {len(state)} parameters; there are {len(parameters)}")
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def copied(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a model as they are now."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
