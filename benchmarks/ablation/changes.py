"""Changes to TAO-Net and to what it learns from, one an ablation.

Each takes away or replaces one part through the public pieces of the network, so that the product
carries no switches for experiments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from taonet_core.models.taonet import TAONet
from taonet_core.tasks import Inputs, NightTask

# --- what the network reads -----------------------------------------------------------------------


class Reading(nn.Module):
    """A network that is given its inputs after a change of them."""

    def __init__(self, network: nn.Module, change: Callable[..., Inputs]) -> None:
        super().__init__()
        self.network, self.change = network, change

    def forward(self, frames: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Return logits (B, T, K) of the changed inputs."""
        return self.network(*self.change(frames, mask, times))


def without_times(network: TAONet) -> nn.Module:
    """Hide when the nights were: every step is of zero days."""
    return Reading(network, lambda frames, mask, times: (frames, mask, torch.zeros_like(times)))


def frame_normalised(network: TAONet) -> nn.Module:
    """Bring every night to mean 0 and scatter 1 of its own pixels, as image classifiers do."""

    def change(frames: Tensor, mask: Tensor, times: Tensor) -> Inputs:
        scatter, mean = torch.std_mean(frames, (2, 3), keepdim=True)
        return (frames - mean) / scatter.clamp(min=1e-3), mask, times

    return Reading(network, change)


class Only(nn.Module):
    """Lets some channels of images, or some numbers of vectors, through; the others are zero."""

    keep: Tensor

    def __init__(self, keep: list[bool]) -> None:
        super().__init__()
        self.register_buffer("keep", torch.tensor(keep))

    def forward(self, values: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        return values * self.keep.view(-1, *[1] * (values.ndim - 2))


def without_difference(network: TAONet) -> nn.Module:
    """Show the nights alone, not what changed since the nights before."""
    network.encoder = nn.Sequential(Only([True, False]), network.encoder)
    return network


def without_noise(network: TAONet) -> nn.Module:
    """Hide the noise of a night, and its fluxes in units of it."""
    config, width = network.config, network.encoder.n_out
    told = width - 2 * len(config.apertures) - 1
    network.encoder = nn.Sequential(network.encoder, Only([i < told for i in range(width)]))
    return network


def centre_only(network: TAONet) -> nn.Module:
    """Show the 32 pixels around the target, not the whole cutout at half resolution."""
    network.encoder.blocks = nn.Sequential(Only([True, True, False, False]), network.encoder.blocks)
    return network


def field_only(network: TAONet) -> nn.Module:
    """Show the whole cutout at half resolution, not the centre at full."""
    network.encoder.blocks = nn.Sequential(Only([False, False, True, True]), network.encoder.blocks)
    return network


# --- how the nights are put together --------------------------------------------------------------


class RunningMean(nn.Module):
    """In place of the GRU: the mean of the nights so far, in any order."""

    def __init__(self, n_in: int, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(n_in, hidden)

    def forward(self, steps: Tensor) -> tuple[Tensor, None]:
        """Map (B, T, n_in) to (B, T, hidden)."""
        total = F.relu(self.project(steps)).float().cumsum(1)  # bf16 would round the sum
        return total / torch.arange(1, steps.shape[1] + 1).to(total)[:, None], None


class CausalAttention(nn.Module):
    """In place of the GRU: two layers of attention over the nights so far.

    The order of nights enters by the time features alone.
    """

    def __init__(self, n_in: int, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(n_in, hidden)
        layer = nn.TransformerEncoderLayer(hidden, 4, 2 * hidden, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, steps: Tensor) -> tuple[Tensor, None]:
        """Map (B, T, n_in) to (B, T, hidden)."""
        later = nn.Transformer.generate_square_subsequent_mask(steps.shape[1]).to(steps.device)
        return self.layers(self.project(steps), mask=later, is_causal=True), None


def mean_of_nights(network: TAONet) -> nn.Module:
    """Average the nights: what the images hold without order and time."""
    network.gru = RunningMean(network.gru.input_size, network.gru.hidden_size)
    return without_times(without_statistics(network))


def without_statistics(network: TAONet) -> TAONet:
    """Leave the classifier the state of the GRU, and hide mean, scatter and maximum."""
    for parameter in network.tally.requires_grad_(False).parameters():
        nn.init.zeros_(parameter)
    return network


def attention(network: TAONet) -> nn.Module:
    """Attention for the GRU."""
    network.gru = CausalAttention(network.gru.input_size, network.gru.hidden_size)
    return network


def lstm(network: TAONet) -> nn.Module:
    """Put an LSTM of the same width in place of the GRU."""
    network.gru = nn.LSTM(network.gru.input_size, network.gru.hidden_size, batch_first=True)
    return network


# --- what is learnt from --------------------------------------------------------------------------


class FixedBudget(NightTask):
    """The task of the product, for a set number of epochs of which the last counts.

    Nothing is chosen by a validation score, so the training objects are all there is to read.
    """

    def score(self, model: nn.Module, device: torch.device) -> float:
        """Return 0: of equal epochs `fit` keeps the latest."""
        return 0.0


class Unrotated(FixedBudget):
    """Sequences as they were taken, neither rotated nor reflected."""

    def turned(self, stack: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
        """Leave them as they are."""
        return stack


class Unadjusted(FixedBudget):
    """Rare classes count as little as they are."""

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Plain cross entropy of each item, unreduced."""
        return F.cross_entropy(logits, labels, reduction="none")


class Weighted(FixedBudget):
    """Rare classes weigh as much as common ones."""

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Class-weighted cross entropy of each item, unreduced."""
        weight = torch.exp(-self.log_share) / len(self.log_share)
        return F.cross_entropy(logits, labels, weight=weight.to(logits), reduction="none")


class BalancedSampling(Unadjusted):
    """Every class is drawn as often, so that rare objects come back often."""

    def shuffled(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield as many batches as `Labelled.shuffled`, of objects drawn with replacement."""
        chance = np.exp(-self.log_share.numpy())[self.labels[self.train]]
        drawn = rng.choice(self.train, len(self.train), p=chance / chance.sum())
        return self.chunks(drawn)


class Focal(FixedBudget):
    """Focal loss with an exponent of 2, unweighted (Lin et al. 2017, arXiv 1708.02002)."""

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy, weighed down where the class is told already."""
        loss = F.cross_entropy(logits, labels, reduction="none")
        return (1 - torch.exp(-loss)) ** 2 * loss
