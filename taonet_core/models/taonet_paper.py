"""The published network: DenseNet-BC over three-night windows, then a two-layer GRU.

Source: Gómez et al. 2020 (arXiv 2004.13877) and the public training scripts of its first author.
Where those are silent we chose, and say so here: pixels go through asinh after the sky is
subtracted; logits are read after every window; more than `max_nights` nights are read as the
latest `max_nights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WINDOW = 3  # consecutive nights that form the channels of one image (published)


@dataclass(frozen=True)
class TAONetPaperConfig:
    """Size of the published network.

    Attributes
    ----------
    n_classes : int
    growth, depth : int
        DenseNet-BC growth rate and depth; published evaluation runs: 32 and 70, defaults of the
        scripts: 12 and 30. ``depth`` counts 6 n + 4 layers.
    hidden, layers : int
        GRU, as published.
    max_nights : int
        Nights read at most, as published.
    """

    n_classes: int = 6
    growth: int = 12
    depth: int = 30
    hidden: int = 128
    layers: int = 2
    max_nights: int = 30

    def __post_init__(self) -> None:
        if self.depth < 10 or self.growth < 1:
            raise ValueError(f"depth >= 10 and growth >= 1; got {self.depth}, {self.growth}")


class Bottleneck(nn.Module):
    """BN-ReLU-1x1 to 4k channels, BN-ReLU-3x3 to k channels, appended to the input."""

    def __init__(self, n_in: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(n_in),
            nn.ReLU(),
            nn.Conv2d(n_in, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C + k, H, W)."""
        return torch.cat([x, self.layers(x)], 1)


class DenseNet(nn.Sequential):
    """Three dense blocks, each followed by a transition that halves channels and pixels."""

    def __init__(self, config: TAONetPaperConfig) -> None:
        channels = 2 * config.growth
        layers: list[nn.Module] = [nn.Conv2d(WINDOW, channels, 3, padding=1, bias=False)]
        for _ in range(3):
            for _ in range((config.depth - 4) // 6):
                layers.append(Bottleneck(channels, config.growth))
                channels += config.growth
            layers += [
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels // 2, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            channels //= 2
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        super().__init__(*layers)
        self.n_out = channels


class TAONetPaper(nn.Module):
    """Class probabilities after every night, by the published design."""

    def __init__(self, config: TAONetPaperConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = DenseNet(config)
        self.classifier = nn.Linear(self.encoder.n_out, config.n_classes)  # for pre-training
        self.gru = nn.GRU(
            self.encoder.n_out, config.hidden, num_layers=config.layers, batch_first=True
        )
        self.head = nn.Linear(config.hidden, config.n_classes)

    def encode(self, windows: Tensor) -> Tensor:
        """Map windows (N, 3, H, W) of linear pixels to vectors (N, E)."""
        pixels = torch.asinh(windows).contiguous(memory_format=torch.channels_last)
        return self.encoder(pixels)

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Map window vectors (B, L, E), `lengths` of them valid, to logits (B, K)."""
        return self.head(self.last_states(vectors, lengths))

    def last_states(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Map window vectors (B, L, E), `lengths` of them valid, to states (B, hidden)."""
        states, _ = self.gru(vectors)  # (B, L, hidden)
        return states[torch.arange(len(states)), lengths - 1]

    def forward(self, frames: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Return logits (B, T, K); row t has seen nights 0 … t and nothing later.

        Parameters as `states` takes them.
        """
        return self.head(self.states(frames, mask, times))  # (B, T, K)

    def states(self, frames: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Return what the classifier reads after every night, shape (B, T, hidden).

        Parameters
        ----------
        frames : Tensor, shape (B, T, H, W)
        mask : Tensor, shape (B, T), bool
            True where there is a night; padding comes last and its rows mean nothing.
        times : Tensor, shape (B, T)
            Not read: the published network knows the order of the nights, not their dates.
        """
        states = frames.new_zeros(*mask.shape, self.config.hidden)  # (B, T, hidden)
        for row, stack, valid in zip(states, frames, mask, strict=True):
            windows, beginnings = reading_plan(int(valid.sum()), self.config.max_nights)
            vectors = self.encode(stack[valid][torch.tensor(windows)])  # (W, E)
            padded, lengths = pad_vectors([vectors[ids] for ids in beginnings])
            row[: len(beginnings)] = self.last_states(padded, lengths)
        return states


def reading_plan(n_nights: int, max_nights: int) -> tuple[list[list[int]], list[list[int]]]:
    """Say which windows exist, and which of them are read after every night.

    A beginning of three nights or fewer is doubled (published), a single night twice, so that
    there is a window to read.

    Returns
    -------
    windows : list of [int, int, int]
        Nights that form each window.
    beginnings : list of list of int, length `n_nights`
        Windows read after night 0, 1, …
    """
    windows: list[list[int]] = []
    beginnings = []
    for n in range(1, min(n_nights, WINDOW) + 1):
        doubled = list(range(n)) * (2 if n > 1 else 4)
        short = [doubled[i : i + WINDOW] for i in range(len(doubled) - WINDOW + 1)]
        beginnings.append(list(range(len(windows), len(windows) + len(short))))
        windows += short
    first = len(windows)
    windows += [list(range(i, i + WINDOW)) for i in range(n_nights - WINDOW + 1)]
    for n in range(WINDOW + 1, n_nights + 1):
        oldest = max(0, n - max_nights)
        beginnings.append(list(range(first + oldest, first + n - WINDOW + 1)))
    return windows, beginnings


def pad_vectors(vectors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Pad sequences (L_i, E) to (B, L, E), and return their lengths (B,)."""
    lengths = torch.tensor([len(v) for v in vectors], device=vectors[0].device)
    return nn.utils.rnn.pad_sequence(list(vectors), batch_first=True), lengths
