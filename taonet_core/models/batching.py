"""Sequences of unequal length, padded into one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network reads.

    Attributes
    ----------
    frames : Tensor, shape (B, T, H, W), float32
        Images of the nights, zero where padded.
    mask : Tensor, shape (B, T), bool
        True where there is a night; padding comes last.
    times : Tensor, shape (B, T), float32
        Days since the first night of the sequence.
    """

    frames: Tensor
    mask: Tensor
    times: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on another device."""
        return Batch(self.frames.to(device), self.mask.to(device), self.times.to(device))


def collate(images: Sequence[NDArray[np.floating]], times: Sequence[NDArray[np.float64]]) -> Batch:
    """Pad to the longest sequence.

    Parameters
    ----------
    images : sequence of ndarray, each shape (T_i, H, W)
    times : sequence of ndarray, each shape (T_i,)
        MJD.
    """
    lengths = [len(t) for t in times]
    size = images[0].shape[1:]
    frames = torch.zeros(len(images), max(lengths), *size)
    mask = torch.zeros(len(images), max(lengths), dtype=torch.bool)
    days = torch.zeros(len(images), max(lengths))
    for i, (stack, mjd, n) in enumerate(zip(images, times, lengths, strict=True)):
        frames[i, :n] = torch.tensor(stack)
        mask[i, :n] = True
        days[i, :n] = torch.tensor(mjd - mjd[0])
    return Batch(frames, mask, days)
