"""How evidence is shared out over pixels: what `taonet_core.explain` computes with.

All methods ask the same question of the network (`Score`). Gradients and their integrals are those
of Captum (Kokhlikyan et al. 2020, arXiv 2009.07896).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from taonet_core.explaining.questions import BLUR
from taonet_core.models.taonet_paper import reading_plan
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.preprocess import Nights

#: Nights that go through a network together, gradients kept.
NIGHTS_AT_ONCE = 96
#: Noise that SmoothGrad adds, in units of the sky noise of the night.
ADDED_NOISE = 0.5
#: Side of the tiles that occlusion blanks, pixels, one of them centred on the target; about the
#: two FWHM around it. Neighbouring nights are blanked together where there are so many that the
#: network would read more than this number of nights.
TILE = 12
NIGHTS_READ = {"taonet": 24_000, "taonet-paper": 3_000}


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
    against another class. Times are held, and so is the sky noise of every night. Methods see
    pixels as the network does, through asinh: brightness that grows in equal steps of the linear
    pixels is past all that matters with the first. It works on a copy of the network, so that the
    hooks of Captum disturb no other thread.

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
        self.frames = torch.tensor(nights.images)[None]  # (1, T, H, W), linear
        self.pixels = self.frames.asinh()  # (1, T, H, W), as methods see them
        self.days = torch.tensor(nights.times - nights.times[0], dtype=torch.float32)[None]
        self.noise = torch.ones(len(nights), 1)
        if self.kind == "taonet":
            self.noise = self.network.encoder.noise(self.frames[0])
            self.network.encoder.noise = HeldNoise(self.noise)
        held = bundle.calibration
        self.temperature = 1.0 if held is None else held.temperature(len(nights))

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
            read = torch.tensor(self.windows(frames.shape[1]))  # (L, 3)
            vectors = self.network.encode(frames[:, read].flatten(0, 1))  # (B L, E)
            logits = self.network.read(vectors.unflatten(0, (n, -1)), torch.full((n,), len(read)))
        return logits / self.temperature

    def forward(self, pixels: Tensor) -> Tensor:
        """Map asinh of images (B, T, H, W) to log-odds (B,), as one step of a method."""
        logits = self.logits(pixels.sinh())
        self.done += len(pixels)
        if self.on_step is not None:
            self.on_step(min(self.done, self.expected), self.expected)
        return self._odds(logits)

    def _odds(self, logits: Tensor) -> Tensor:
        if self.against is not None:
            return logits[:, self.target] - logits[:, self.against]
        others = [k for k in range(logits.shape[1]) if k != self.target]
        return logits[:, self.target] - logits[:, others].logsumexp(1)

    def windows(self, n_nights: int) -> list[list[int]]:
        """Return the nights of each window that the published network reads for its verdict."""
        windows, beginnings = reading_plan(n_nights, self.network.config.max_nights)
        return [windows[i] for i in beginnings[-1]]

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
        score.pixels, baseline.asinh(), n_steps=steps, internal_batch_size=score.chunk
    )


def saliency(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Size of the gradient (Simonyan et al. 2014)."""
    from captum.attr import Saliency

    return Saliency(score).attribute(score.pixels.clone().requires_grad_())


def smoothgrad(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Size of the mean gradient of noisy copies (Smilkov et al. 2017)."""
    score.expected = steps
    generator = torch.Generator().manual_seed(0)
    noise = ADDED_NOISE * score.noise[:, :, None]  # (T, 1, 1)
    total = torch.zeros_like(score.pixels)
    for _ in range(steps):
        added = noise * torch.randn(score.frames.shape, generator=generator)
        total += _gradient(score, (score.frames + added).asinh())
    return (total / steps).abs()


def gradient_shap(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Gradients between the object and baselines with the noise of the sky (Erion et al. 2021).

    Points lie anywhere on the way, one in each of as many equal parts of it as there are steps.
    """
    score.expected = steps
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros_like(score.pixels)
    for i in range(steps):
        noise = score.noise[:, :, None] * torch.randn(score.frames.shape, generator=generator)
        start = (baseline + noise).asinh()
        way = score.pixels - start
        share = (i + torch.rand(1, generator=generator)) / steps
        total += way * _gradient(score, start + share * way)
    return total / steps


def _gradient(score: Score, pixels: Tensor) -> Tensor:
    from captum.attr import Saliency

    return Saliency(score).attribute(pixels.requires_grad_(), abs=False)


def deep_lift(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Differences from the baseline, carried back layer by layer (Shrikumar et al. 2017)."""
    from captum.attr import DeepLift

    score.expected = 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        return DeepLift(score).attribute(score.pixels.clone().requires_grad_(), baseline.asinh())


def occlusion(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Losses of log-odds when a tile of a night is blanked (Zeiler & Fergus 2014).

    The loss is spread evenly over the pixels of the tile.
    """
    from captum.attr import FeatureAblation

    n_nights, height, width = score.frames.shape[1:]
    rows, columns = (
        (torch.arange(n) - n // 2 + TILE // 2).div(TILE, rounding_mode="floor")
        for n in (height, width)
    )
    across = int(columns[-1] - columns[0]) + 1
    tiles = (rows - rows[0])[:, None] * across + columns - columns[0]  # (H, W)
    count = int(tiles.max()) + 1
    together = -(-count * n_nights**2 // NIGHTS_READ[score.kind])
    group = torch.arange(n_nights) // together
    parts = group[:, None, None] * count + tiles  # (T, H, W)
    score.expected = int(parts.max()) + 2
    with torch.no_grad():
        losses = FeatureAblation(score).attribute(
            score.pixels,
            baseline.asinh(),
            feature_mask=parts[None],
            perturbations_per_eval=score.chunk,
        )
    return losses / torch.bincount(parts.flatten())[parts]


def grad_cam(score: Score, baseline: Tensor, steps: int) -> Tensor:
    """Last feature maps, those that speak for the class added up (Selvaraju et al. 2017).

    `TAONet` reads the centre and the whole cutout in one stack, so that a place of its last maps
    means a place of either: half of the evidence is drawn on each. A map of the published network
    belongs to three nights alike.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    encoder = score.network.encoder
    layer = encoder.blocks[-1] if score.kind == "taonet" else encoder[-3]
    maps = LayerGradCam(score, layer).attribute(
        score.pixels.clone().requires_grad_(), relu_attributions=True
    )  # (T or L, 1, h, w)
    n_nights, height, width = score.frames.shape[1:]
    values = torch.zeros_like(score.frames)
    whole = LayerAttribution.interpolate(maps, (height, width), "bilinear")[:, 0]
    if score.kind == "taonet":
        top, left = height // 2 - 16, width // 2 - 16
        centre = LayerAttribution.interpolate(maps, (32, 32), "bilinear")[:, 0]
        values[0] = whole / (height * width)
        values[0, :, top : top + 32, left : left + 32] += centre / 32**2
        return values / 2
    for window, seen in zip(score.windows(n_nights), whole, strict=True):
        values[0, window] += seen / (len(window) * height * width)
    return values


#: Key of `taonet_core.explain.METHODS` -> what computes it: maps (1, T, H, W) from the score, the
#: images of the baseline and the number of steps.
FUNCTIONS: dict[str, Callable[[Score, Tensor, int], Tensor]] = {
    "integrated_gradients": integrated_gradients,
    "saliency": saliency,
    "smoothgrad": smoothgrad,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
    "gradient_shap": gradient_shap,
    "deep_lift": deep_lift,
}


def evidence(
    score: Score, method: str, baseline: str, steps: int
) -> tuple[NDArray[np.float64], float, float]:
    """Share out evidence by a method.

    Returns
    -------
    values : ndarray, shape (T, H, W), float64
    full, bare : float
        Log-odds of the object and of the baseline.
    """
    blank = baseline_frames(score, baseline)
    with torch.backends.cudnn.flags(enabled=False):  # no backward pass through its GRU in eval mode
        values = FUNCTIONS[method](score, blank, steps)[0].detach().double().numpy()
    full, bare = score.at(torch.cat([score.frames, blank])).tolist()
    return values, full, bare
