"""Damped random walks fitted to light curves, night by night; used by `fit_priors.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from taonet_core.data.sequence import night_index
from taonet_core.simulation.curves import damped_walk


def night_means(curve: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return time, median magnitude and its variance, of each night.

    The variance is that of the quoted errors, scaled to how the exposures of a night really
    scatter, and that of a median of so many; and the square of 0.02 mag, which they share.
    """
    curve = curve.sort_values("mjd")
    group = curve.groupby(night_index(curve["mjd"].to_numpy()))
    count, error = group["mag"].size().to_numpy(), group["mag_err"].median().to_numpy()
    several = count >= 3
    found = (group["mag"].std().to_numpy() / error)[several]
    ratio = float(np.median(found)) / 0.9 if several.any() else 1.0
    return (
        group["mjd"].mean().to_numpy(),
        group["mag"].median().to_numpy(),
        (ratio * error) ** 2 * np.where(several, np.pi / 2, 1.0) / count + 0.02**2,
    )


#: Weak prior of the parameters of `walk_misfit`.
_EXPECTED, _EXPECTED_SCATTER = np.array([2.6, -0.45, -1.7]), np.array([0.6, 0.5, 0.2])


def walk_misfit(
    theta: NDArray[Any], times: NDArray[Any], values: NDArray[Any], noise: NDArray[Any]
) -> float:
    """Negative log posterior of a damped random walk (Kalman filter).

    `theta` holds log10 of tau (days), of sigma, and of what else a night is off (both mag).
    """
    tau, variance = 10.0 ** theta[0], 10.0 ** (2 * theta[1])
    mean, spread, total = float(np.median(values)), variance, 0.0
    centre = mean
    for index, (value, error) in enumerate(zip(values, noise, strict=True)):
        if index:
            decay = np.exp(-(times[index] - times[index - 1]) / tau)
            centre = mean + decay * (centre - mean)
            spread = variance + decay**2 * (spread - variance)
        scatter = spread + error + 10.0 ** (2 * theta[2])
        total += 0.5 * (np.log(scatter) + (value - centre) ** 2 / scatter)
        gain = spread / scatter
        centre, spread = centre + gain * (value - centre), spread * (1 - gain)
    # Weak priors keep the parameters of short or flat curves finite.
    return total + 0.5 * float(np.sum(((theta - _EXPECTED) / _EXPECTED_SCATTER) ** 2))


def fit_walk(nights: tuple[NDArray[Any], ...]) -> NDArray[Any]:
    """Most likely `theta` of `walk_misfit` given time, magnitude and variance of each night."""
    return minimize(walk_misfit, _EXPECTED, args=nights, method="Nelder-Mead").x


def redraw(nights: tuple[NDArray[Any], ...], theta: NDArray[Any], rng: Any) -> tuple[Any, ...]:
    """Draw the same nights of another object, whose walk has the parameters `theta`."""
    times, _, noise = nights
    tau, sigma, shared = 10.0**theta
    start = (float(times[0]), sigma * rng.standard_normal())
    walk = damped_walk(times, tau=tau, sigma=sigma, start=start, rng=rng)
    return times, walk + np.sqrt(noise + shared**2) * rng.standard_normal(len(times)), noise


def fit_walks(curves: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Mean, standard deviation and correlation of log10 tau (days) and log10 sigma (mag).

    A curve of eight years holds too few damping times, so a fit falls short; by how much is seen
    where walks of the parameters found are drawn on the same nights and fitted again.
    """
    rng = np.random.default_rng(0)
    nights = [night_means(curve) for curve in curves.values()]
    found = np.array([fit_walk(one) for one in nights])
    again = [
        fit_walk(redraw(one, fit, rng)) for one, fit in zip(nights * 3, [*found] * 3, strict=True)
    ]
    mean = 2 * found.mean(axis=0) - np.mean(again, axis=0)
    return {
        "log_tau": [round(float(v), 3) for v in (mean[0], found[:, 0].std())],
        "log_sigma": [round(float(v), 3) for v in (mean[1], found[:, 1].std())],
        "correlation": round(float(np.corrcoef(found[:, :2].T)[0, 1]), 3),
        "n": len(found),
    }
