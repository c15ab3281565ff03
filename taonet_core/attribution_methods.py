"""How evidence is shared out over pixels: what `taonet_core.explain` computes with.

All methods ask the same question of the network (`Score`). Gradients and their integrals are those
of Captum (Kokhlikyan et al. 2020, arXiv 2009.07896).
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from taonet_core.models.calibration import at_nights
from taonet_core.models.taonet_paper import reading_plan
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.preprocess import Nights

#: Nights that go through a network together, gradients kept.
NIGHTS_AT_ONCE = 96
#: Noise added by SmoothGrad and Gradient SHAP, in units of the sky noise of the night.
ADDED_NOISE = 0.5
#: Side of the tiles that are blanked, pixels; those of the published network, which costs much
#: more, are larger.
TILE = {"taonet": 8, "taonet-paper": 16}
#: Blur of the baseline "blurred", pixels (standard deviation).
BLUR = 8.0


class HeldNoise(nn.Module):
    """Tells the sky noise of the nights as they are, whatever is done to their pixels."""

    def __init__(self, noise: Tensor) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, frames: Tensor) -> Tensor:
        """Map (B T, H, W) to (B T, 1)."""
        return self.noise.repeat(len(frames) // len(self.noise), 1)


class Score(nn.Module):
    """Log-odds of a class after the last night, as a function of the images alone.

    They are the log-odds of the calibrated probability: ``ln p / (1 - p)``, or ``ln p / q``
    against another class. Times are held, and so is the sky noise of every night. It works on a
    copy of the network, so that the hooks of Captum disturb no other thread.

    Parameters
    ----------
    bundle : ModelBundle
        An image model.
    nights : Nights
    target : int
        Number of the class.
    against : int, optional
        Number of the class to tell it from; all others together where not given.
    on_step : callable, optional
        Called with the evaluations done and to do.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        nights: Nights,
        target: int = 0,
        against: int | None = None,
        *,
        on_step: Callable[[int, int], object] | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.target, self.against = bundle.kind, target, against
        self.on_step, self.done, self.expected = on_step, 0, 1
        self.network = copy.deepcopy(bundle.model).eval()
        self.frames = torch.tensor(nights.images)[None]  # (1, T, H, W)
        self.days = torch.tensor(nights.times - nights.times[0], dtype=torch.float32)[None]
        self.noise = torch.ones(len(nights), 1)
        if self.kind == "taonet":
            self.noise = self.network.encoder.noise(self.frames[0])
            self.network.encoder.noise = HeldNoise(self.noise)
        self.temperature = 1.0
        if bundle.calibration is not None:
            scale = np.log(bundle.calibration.temperatures)
            here = at_nights(bundle.calibration.nights, scale, np.array([len(nights)]))
            self.temperature = float(np.exp(here[0]))

    @property
    def chunk(self) -> int:
        """Sequences that go through the network together."""
        return max(1, NIGHTS_AT_ONCE // self.frames.shape[1])

    def logits(self, frames: Tensor) -> Tensor:
        """Map images (B, T, H, W) to calibrated logits after the last night, (B, K)."""
        n = len(frames)
        if self.kind == "taonet":
            mask = torch.ones(n, frames.shape[1], dtype=torch.bool)
            logits = self.network(frames, mask, self.days.expand(n, -1))[:, -1]
        else:
            windows, beginnings = reading_plan(frames.shape[1], self.network.config.max_nights)
            read = torch.tensor([windows[i] for i in beginnings[-1]])  # (L, 3)
            vectors = self.network.encode(frames[:, read].flatten(0, 1))  # (B L, E)
            logits = self.network.read(vectors.unflatten(0, (n, -1)), torch.full((n,), len(read)))
        return logits / self.temperature

    def forward(self, frames: Tensor) -> Tensor:
        """Map images (B, T, H, W) to log-odds (B,)."""
        logits = self.logits(frames)
        self.done += len(frames)
        if self.on_step is not None:
            self.on_step(min(self.done, self.expected), self.expected)
        return self._odds(logits)

    def _odds(self, logits: Tensor) -> Tensor:
        if self.against is not None:
            return logits[:, self.target] - logits[:, self.against]
        others = [k for k in range(logits.shape[1]) if k != self.target]
        return logits[:, self.target] - logits[:, others].logsumexp(1)

    def probabilities(self, frames: Tensor) -> Tensor:
        """Return calibrated probabilities of images (B, T, H, W), shape (B, K), no gradient."""
        with torch.no_grad():
            logits = torch.cat([self.logits(part) for part in frames.split(self.chunk)])
        return logits.double().softmax(1)

    def at(self, frames: Tensor) -> Tensor:
        """Return the log-odds of images (B, T, H, W), shape (B,), outside the steps."""
        return self._odds(self.probabilities(frames).log())


def baseline_frames(score: Score, baseline: str) -> Tensor:
    """Return the images (1, T, H, W) that hold no evidence; see `taonet_core.explain.BASELINES`."""
    if baseline == "first_night":
        return score.frames[:, :1].expand_as(score.frames).clone()
    if baseline == "blurred":
        images = gaussian_filter(score.frames.numpy(), (0, 0, BLUR, BLUR), mode="nearest")
        return torch.tensor(images)
    return torch.zeros_like(score.frames)


def integrated_gradients(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Gradients along the straight way from the baseline (Sundararajan et al. 2017)."""
    from captum.attr import IntegratedGradients

    score.expected = steps
    return IntegratedGradients(score).attribute(
        score.frames, baseline, n_steps=steps, internal_batch_size=score.chunk
    )


#: Key of `taonet_core.explain.METHODS` -> what computes it: maps (1, T, H, W) from the score, the
#: images of the baseline and the number of steps.
FUNCTIONS: dict[str, Callable[[Score, Tensor, int], Tensor]] = {
    "integrated_gradients": integrated_gradients,
}
