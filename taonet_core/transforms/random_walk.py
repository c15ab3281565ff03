"""How well a damped random walk tells a light curve, the usual description of quasars.

Kelly, Bechtold & Siemiginowska 2009, ApJ 698, 895. Its likelihood is taken on a grid of time scales
and amplitudes by a Kalman filter, all curves at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taonet_core.transforms.padded import Column, pad_rows

#: Grid of time scales, days, and of amplitudes (asymptotic standard deviation), mag.
TIME_SCALES = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
AMPLITUDES = np.array([0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0])
RANDOM_WALK_NAMES = ("walk_over_white", "white_over_constant", "log_time_scale", "log_amplitude")
_MIN_NIGHTS = 3


def random_walk_features(tables: Sequence[Column]) -> Column:
    """Compare three descriptions of light curves, and measure the walk.

    Parameters
    ----------
    tables : sequence of ndarray, shape (3, n)
        Days, magnitude and error of each night.

    Returns
    -------
    ndarray, shape (len(tables), 4), float64
        Gain in log-likelihood of the best walk over the best white noise, and of that over a
        constant; log10 of time scale (days) and amplitude (mag) of the walk, weighted by their
        likelihood. NaN for curves of fewer than three nights.
    """
    features = np.full((len(tables), len(RANDOM_WALK_NAMES)), np.nan)
    scale, size = (g.ravel() for g in np.meshgrid(TIME_SCALES, AMPLITUDES, indexing="ij"))
    for rows, (time, mag, err), mask in pad_rows(tables, _MIN_NIGHTS):
        weight = mask / (err**2 + 0.05**2)
        away = mag - ((weight * mag).sum(1) / weight.sum(1))[:, None]
        walk = _walk_likelihood(time, away, err, mask, scale, size)
        white = _white_likelihood(away, err, mask, AMPLITUDES).max(1)
        constant = _white_likelihood(away, err, mask, np.zeros(1))[:, 0]
        best = walk.max(1)
        trust = np.exp(walk - best[:, None])
        trust /= trust.sum(1, keepdims=True)
        white = np.maximum(white, constant)
        means = trust @ np.log10(np.stack([scale, size], axis=1))
        features[rows] = np.column_stack([best - white, white - constant, means])
    return features


def _walk_likelihood(
    time: Column, away: Column, err: Column, mask: NDArray[np.bool_], scale: Column, size: Column
) -> Column:
    """Log-likelihood of walks, shape (B, grid), up to a constant of each curve."""
    state = np.zeros((len(time), len(scale)))
    variance = np.broadcast_to(size**2, state.shape)
    total = np.zeros_like(state)
    for i in range(time.shape[1]):
        if i:
            kept = np.exp(-np.maximum(time[:, i] - time[:, i - 1], 0.0)[:, None] / scale)
            state = kept * state
            variance = kept**2 * variance + size**2 * (1 - kept**2)
        here = mask[:, i : i + 1]
        spread = variance + err[:, i : i + 1] ** 2
        spread = np.where(here, spread, 1.0)
        surprise = np.where(here, away[:, i : i + 1] - state, 0.0)
        total -= 0.5 * (surprise**2 / spread + np.log(spread))
        gain = np.where(here, variance / spread, 0.0)
        state = state + gain * surprise
        variance = (1 - gain) * variance
    return total


def _white_likelihood(away: Column, err: Column, mask: NDArray[np.bool_], size: Column) -> Column:
    """Log-likelihood of white noise beyond the errors, shape (B, len(size))."""
    spread = np.where(mask, err**2, 1.0)[..., None] + size**2
    terms = np.where(mask[..., None], away[..., None] ** 2 / spread + np.log(spread), 0.0)
    return -0.5 * terms.sum(1)
