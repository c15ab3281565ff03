"""TAO-Net as we build it: one encoder for every night, a GRU over the nights.

The idea is that of Gómez et al. 2020 (arXiv 2004.13877): a convolutional encoder reads images, a
gated recurrent unit reads their order. What differs from the publication is listed in the model
card; the published network itself is `taonet_core.models.taonet_paper`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

N_TIME_FEATURES = 2


@dataclass(frozen=True)
class TAONetConfig:
    """Size of the network.

    Attributes
    ----------
    n_classes : int
    widths : tuple of int
        Channels of the convolutions; all but the last halve the image.
    embedding : int
        Length of the vector that describes one night.
    hidden : int
        State of the GRU.
    tallied : int
        Numbers drawn from a night whose running mean, scatter and maximum the classifier reads
        beside the state of the GRU.
    dropout : float
        On the night vectors and before the classifier.
    apertures : tuple of float
        FWHM (pixels) with which the trainable photometric weights at the target start.
    """

    n_classes: int = 6
    widths: tuple[int, ...] = (24, 48, 72, 96)
    embedding: int = 128
    hidden: int = 128
    tallied: int = 48
    dropout: float = 0.1
    apertures: tuple[float, ...] = (2.5, 5.0)

    def __post_init__(self) -> None:
        sizes = (self.n_classes, self.embedding, self.hidden, self.tallied)
        if len(self.widths) < 2 or min(sizes) < 1:
            raise ValueError(f"wanted at least two widths and positive sizes; got {self}")


class ConvBlock(nn.Sequential):
    """3 x 3 convolution, batch normalisation, ReLU, and a halving if asked for."""

    def __init__(self, n_in: int, n_out: int, *, halve: bool) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
        ]
        super().__init__(*layers, *([nn.MaxPool2d(2)] if halve else []))


class SkyNoise(nn.Module):
    """Robust scatter of the pixels of a night; no gradient flows through it.

    A part of its own, so that explanations can hold it: pixels made blank are no quieter sky.
    """

    def forward(self, frames: Tensor) -> Tensor:
        """Map (N, H, W) to (N, 1)."""
        sample = frames.detach()[:, ::2, ::2].flatten(1).abs()  # a quarter of the pixels is enough
        return sample.median(1, keepdim=True).values / 0.6745 + 0.01  # of a normal distribution


class FrameEncoder(nn.Module):
    """One night (science and difference) to one vector.

    The centre is read at full resolution and the whole cutout at half of it, so that a host and
    the field cost no more pixels than the target (two scales: arXiv 2304.13080). Pixels go through
    asinh, which keeps the faint linear and the bright finite. Photometric weights at the target
    measure its flux beside the convolutions, since pooling blurs brightness; the same over the
    noise of the night says what of it to believe.
    """

    def __init__(self, config: TAONetConfig) -> None:
        super().__init__()
        widths = (4, *config.widths)
        self.blocks = nn.Sequential(
            *(
                ConvBlock(n_in, n_out, halve=i < len(config.widths) - 1)
                for i, (n_in, n_out) in enumerate(zip(widths, widths[1:], strict=False))
            )
        )
        side = 32 // 2 ** (len(config.widths) - 1)
        self.project = nn.Linear(config.widths[-1] * side * side, config.embedding)
        self.weights = nn.Parameter(torch.stack([matched_filter(f) for f in config.apertures]))
        self.noise = SkyNoise()
        self.n_out = config.embedding + 4 * len(config.apertures) + 1

    def forward(self, pair: Tensor) -> Tensor:
        """Map (N, 2, H, W) to (N, n_out)."""
        top, left = pair.shape[-2] // 2 - 16, pair.shape[-1] // 2 - 16
        centre = pair[..., top : top + 32, left : left + 32]  # (N, 2, 32, 32)
        field = F.adaptive_avg_pool2d(pair, 32)  # (N, 2, 32, 32)
        pixels = torch.asinh(torch.cat([centre, field], 1))  # (N, 4, 32, 32)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        vector = F.relu(self.project(self.blocks(pixels).flatten(1)))  # (N, E)
        flux = torch.einsum("nchw,ahw->nca", centre[..., 8:24, 8:24], self.weights)  # (N, 2, A)
        noise = self.noise(pair[:, 0])  # (N, 1)
        flux = flux.flatten(1)  # (N, 2 A)
        return torch.cat([vector, flux.asinh(), (flux / noise).asinh(), noise.log()], 1)


class TAONet(nn.Module):
    """Class probabilities of an image sequence after every night."""

    def __init__(self, config: TAONetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrameEncoder(config)
        self.dropout = nn.Dropout(config.dropout)
        self.gru = nn.GRU(self.encoder.n_out + N_TIME_FEATURES, config.hidden, batch_first=True)
        self.tally = nn.Linear(self.encoder.n_out, config.tallied)
        self.head = nn.Linear(config.hidden + 3 * config.tallied, config.n_classes)

    def forward(self, frames: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Return logits (B, T, K); row t has seen nights 0 … t and nothing later.

        Parameters as `states` takes them.
        """
        return self.head(self.dropout(self.states(frames, mask, times)))  # (B, T, K)

    def states(self, frames: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Return what the classifier reads after every night, shape (B, T, D).

        It is the state of the GRU, and statistics of the nights so far (`running`): a GRU finds it
        hard to learn a mean or a maximum from some thousands of sequences.

        Parameters
        ----------
        frames : Tensor, shape (B, T, H, W)
            Nights, sky-subtracted, linear (`taonet_core.transforms.preprocess`).
        mask : Tensor, shape (B, T), bool
            True where there is a night; padding comes last and its rows mean nothing.
        times : Tensor, shape (B, T)
            Days since the first night.
        """
        pair = torch.stack([frames, frames - earlier_mean(frames, mask)], 2)  # (B, T, 2, H, W)
        vectors = self.encoder(pair[mask])  # (N, E), no work on padding
        steps = vectors.new_zeros(*mask.shape, vectors.shape[-1])  # (B, T, E)
        steps[mask] = vectors
        tallies = running(self.tally(steps))  # (B, T, 3 tallied)
        steps = torch.cat([self.dropout(steps), time_features(times).to(steps)], -1)
        states, _ = self.gru(steps)  # (B, T, hidden)
        return torch.cat([states, tallies], -1)


def earlier_mean(frames: Tensor, mask: Tensor) -> Tensor:
    """Mean of the nights before each one, the reference of its difference image.

    The first night is its own reference. No later night enters, so an early probability stays
    what it would have been on that date.

    Parameters
    ----------
    frames : Tensor, shape (B, T, H, W)
    mask : Tensor, shape (B, T), bool
    """
    valid = mask[:, :, None, None].to(frames)
    total = torch.cumsum(frames * valid, 1)[:, :-1]  # (B, T - 1, H, W)
    count = torch.cumsum(valid, 1)[:, :-1].clamp(min=1)
    return torch.cat([frames[:, :1], total / count], 1)  # (B, T, H, W)


def running(values: Tensor) -> Tensor:
    """Mean, standard deviation and maximum of values (B, T, D) up to each night, (B, T, 3 D)."""
    count = torch.arange(1, values.shape[1] + 1, device=values.device)[:, None]
    values = values.float()  # sums over many nights, which bf16 would round
    mean = values.cumsum(1) / count
    variance = values.square().cumsum(1) / count - mean.square()
    scatter = (variance.clamp(min=0) + 1e-4).sqrt()
    return torch.cat([mean, scatter, values.cummax(1).values], -1)


def time_features(times: Tensor) -> Tensor:
    """Logarithms of the days since the previous and the first night, shape (B, T, 2)."""
    step = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=0)
    return torch.stack([step.log1p() / 5, times.log1p() / 7], -1)


def matched_filter(fwhm: float, size: int = 16) -> Tensor:
    """Gaussian weights whose sum over white noise of one unit has a scatter of one unit.

    Centred on pixel ``size // 2``, where `ImageSequence.cutout` puts the target.
    """
    axis = torch.arange(size) - size // 2
    line = torch.exp(-4 * torch.log(torch.tensor(2.0)) * (axis / fwhm) ** 2)
    weights = torch.outer(line, line)
    return weights / weights.square().sum().sqrt()
