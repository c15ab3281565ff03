"""From photons to stored pixels: sky, noise, saturation, quantisation and defects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation.cadence import Cadence, moon_phase
from taonet_core.simulation.survey import Survey


def expose(
    sky_light: NDArray[np.float32],
    survey: Survey,
    cadence: Cadence,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Turn noiseless frames into what the camera reads.

    Parameters
    ----------
    sky_light : ndarray, shape (T, H, W), float32
        Counts of sources, without sky; overwritten.
    survey : Survey
        Camera and site.
    cadence : Cadence
        Which frames belong to one visit, and so to one sky.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (T, H, W), float32
        Counts: whole multiples of `Survey.quantum`; zeros, or NaN where the survey stores floats,
        where there is no data.
    """
    frames = np.ascontiguousarray(sky_light)
    pedestal = survey.pedestal + survey.pedestal_scatter * rng.standard_normal()
    _add_sky(frames, survey, cadence, rng)
    _add_cosmic_rays(frames, survey, rng)
    _add_trails(frames, survey, rng)
    _add_ghosts(frames, survey, cadence, rng)
    noise = rng.standard_normal(frames.shape, dtype=np.float32)
    variance = frames * np.float32(1 / survey.gain)
    variance += np.float32(survey.read_noise**2)
    np.maximum(variance, np.float32(1e-3), out=variance)
    noise *= np.sqrt(variance, out=variance)
    frames += noise
    frames += np.float32(pedestal)
    _add_bad_columns(frames, survey, rng)
    _add_hot_pixels(frames, survey, cadence, rng)
    _bleed(frames, survey)
    if survey.quantum:
        frames *= np.float32(1 / survey.quantum)
        np.rint(frames, out=frames)
        frames *= np.float32(survey.quantum)
    least = 0.0 if survey.stores_counts else -np.inf
    np.clip(frames, least, survey.saturation, out=frames)
    _lose_pixels(frames, survey, cadence, rng)
    return frames


def _add_sky(
    frames: NDArray[np.float32], survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> None:
    """Sky of each frame, with a slope across it."""
    sky = _sky_levels(survey, cadence, rng)
    ramp = np.linspace(-0.5, 0.5, frames.shape[1], dtype=np.float32)
    slope = (sky * survey.sky_gradient)[:, None] * rng.standard_normal((len(sky), 2))
    plane = slope[:, :1, None].astype(np.float32) * ramp[:, None]
    frames += sky.astype(np.float32)[:, None, None] + plane
    frames += slope[:, 1, None, None].astype(np.float32) * ramp


def _sky_levels(survey: Survey, cadence: Cadence, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sky above the pedestal in each frame: field, visit, moon, and drift within the visit."""
    dark = np.log([band.sky for band in survey.bands])[cadence.band]
    dark += survey.sky_scatter * rng.standard_normal()
    of_visit = survey.sky_night_scatter * rng.standard_normal(cadence.n_visits)
    drift = 0.02 * rng.standard_normal(len(cadence))
    height = rng.random(cadence.n_visits)[cadence.visit]  # sine of its altitude, so to say
    strength = np.array([band.moon for band in survey.bands])[cadence.band]
    moon = strength * height * moonlight(cadence.times)
    return np.exp(dark + of_visit[cadence.visit] + drift) * (1 + moon)


def moonlight(time_mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of the moon in units of that of the full moon.

    Parameters
    ----------
    time_mjd : ndarray, float64
        MJD.

    Returns
    -------
    ndarray, float64
        With the phase angle as in Krisciunas & Schaefer 1991 (PASP 103, 1033).
    """
    angle = 360 * np.abs(moon_phase(time_mjd) - 0.5)
    return 10 ** (-0.4 * (0.026 * angle + 4e-9 * angle**4))


def _add_cosmic_rays(frames: NDArray[np.float32], survey: Survey, rng: np.random.Generator) -> None:
    """Short bright tracks, a few pixels long."""
    count, height, width = frames.shape
    for index in np.flatnonzero(rng.random(count) < -np.expm1(-survey.cosmic_rays)):
        length = 1 + int(rng.geometric(0.4))
        angle = 2 * np.pi * rng.random()
        along = np.arange(length)
        y = (rng.random() * height + along * np.sin(angle)).astype(int) % height
        x = (rng.random() * width + along * np.cos(angle)).astype(int) % width
        frames[index, y, x] += np.float32(200 * np.exp(1.2 * rng.standard_normal()))


def _add_trails(frames: NDArray[np.float32], survey: Survey, rng: np.random.Generator) -> None:
    """Satellites and aircraft: a blurred line across the frame."""
    count, height, width = frames.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for index in np.flatnonzero(rng.random(count) < survey.trail_share):
        angle, offset = np.pi * rng.random(), (rng.random() - 0.5) * height
        distance = (y - height / 2) * np.cos(angle) - (x - width / 2) * np.sin(angle) - offset
        peak = 150 * np.exp(rng.standard_normal())
        frames[index] += (peak * np.exp(-0.5 * (distance / 1.2) ** 2)).astype(np.float32)


def _add_ghosts(
    frames: NDArray[np.float32], survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> None:
    """Out-of-focus reflections of bright stars nearby: pale disks, hollow in the middle."""
    _, height, width = frames.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for visit in np.flatnonzero(rng.random(cadence.n_visits) < survey.ghost_share):
        (row, column), radius = rng.random(2) * (height, width), height * rng.uniform(0.15, 0.6)
        distance = np.hypot(y - row, x - column) / radius
        peak = survey.bands[cadence.band_of_visit[visit]].sky * rng.exponential(0.05)
        ghost = np.where((distance < 1) & (distance > 0.35), peak, 0.0)  # the secondary's shadow
        frames[cadence.visit == visit] += ghost.astype(np.float32)


def _add_bad_columns(frames: NDArray[np.float32], survey: Survey, rng: np.random.Generator) -> None:
    """Columns that read high or low, from a random row to the end."""
    count, height, width = frames.shape
    for index in np.flatnonzero(rng.random(count) < survey.column_share):
        column, row = int(rng.integers(width)), int(rng.integers(height))
        frames[index, row:, column] += np.float32(rng.choice([-1, 1]) * rng.exponential(300))


def _add_hot_pixels(
    frames: NDArray[np.float32], survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> None:
    """Single pixels that read high all through a visit: the field lies elsewhere on the next."""
    _, height, width = frames.shape
    number = rng.poisson(survey.hot_pixels, cadence.n_visits)
    for visit in np.flatnonzero(number):
        place = rng.integers(height, size=number[visit]), rng.integers(width, size=number[visit])
        index = np.flatnonzero(cadence.visit == visit)[:, None]
        frames[index, place[0], place[1]] += rng.exponential(300, number[visit]).astype(np.float32)


def _bleed(frames: NDArray[np.float32], survey: Survey) -> None:
    """Charge above the full well runs along the column, half each way."""
    full = np.float32(survey.saturation)
    for index, column in np.argwhere((frames > full).any(axis=1)):
        values = frames[index, :, column]
        excess = float(np.maximum(values - full, 0).sum())
        reach = int(excess / survey.saturation / 2)
        rows = np.flatnonzero(values > full)
        values[max(rows[0] - reach, 0) : rows[-1] + reach + 1] = full


def _lose_pixels(
    frames: NDArray[np.float32],
    survey: Survey,
    cadence: Cadence,
    rng: np.random.Generator,
) -> None:
    """Frames without data, and visits that fall over the edge of the chip."""
    nothing = 0.0 if survey.stores_counts else np.nan
    again = np.flatnonzero(cadence.cutout > 1)
    blank = rng.random(len(frames)) < survey.blank_share
    level = np.where(rng.random(len(frames)) < 0.5, nothing, survey.pedestal)
    blank[again], level[again] = blank[again - 1], level[again - 1]
    frames[blank] = level[blank, None, None]
    size = frames.shape[1]
    for visit in np.flatnonzero(rng.random(cadence.n_visits) < survey.edge_share):
        index = np.flatnonzero(cadence.visit == visit)
        # The target is on the chip: it would not be in the catalogue of this frame otherwise.
        keep = int(rng.integers(size // 2 + 4, size))
        side = int(rng.integers(4))
        cut = slice(keep, None) if side % 2 else slice(None, size - keep)
        if side < 2:
            frames[index, cut, :] = nothing
        else:
            frames[index, :, cut] = nothing
