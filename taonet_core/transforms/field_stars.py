"""How frames differ in pointing and in light collected, from the stars of the field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence, known_number, night_index
from taonet_core.transforms.apertures import SkyFrames, aperture_weights

#: Stars are peaks of the first night this many times its noise; the brightest are used.
PEAK_SIGMA, MAX_STARS = 8.0, 12
#: Aperture radius for stars, FWHM.
RADIUS_FWHM = 0.85
#: Scatter of a star that photon noise does not explain, as a share of its light.
STAR_SCATTER = 0.03
#: Expected scatter of the throughput: a correction less certain than this is mostly not made.
THROUGHPUT_SCATTER = 0.1
#: Expected scatter of the pointing, pixels, and the least error of one star's centroid.
POINTING_SCATTER, CENTROID_FLOOR = 0.5, 0.07
#: A star that changes more than this within the first night, as a share of its light, is no
#: reference; a frame in which the stars have light outside these shares shows another field, or
#: the same one turned (surveys cut stamps in the orientation of the chip), and is left as it is.
FIRST_NIGHT_CHANGE, BELIEVED = 0.5, (0.3, 3.0)


def stellar_fwhm(sequence: ImageSequence, *, fwhm_pix: float = 2.4, seeing: float = 0.9) -> float:
    """Return the FWHM of a star in pixels, at most a quarter of the frame.

    Parameters
    ----------
    sequence : ImageSequence
        ``meta["fwhm_pix"]`` is believed.
    fwhm_pix : float
        Taken otherwise, pixels (CRTS: 2.0 to 2.6).
    seeing : float
        FWHM that fine pixels must at least resolve, arcsec; used with ``meta["pixel_scale"]``.
    """
    scale = known_number(sequence.meta, "pixel_scale", np.inf)
    finest = seeing / scale if scale > 0 else 0.0
    fwhm = known_number(sequence.meta, "fwhm_pix", max(fwhm_pix, finest))
    return min(fwhm, min(sequence.frames.shape[1:]) / 4)


@dataclass(frozen=True, eq=False)
class Field:
    """Stars of one filter, to compare frames by.

    Attributes
    ----------
    frames : ndarray, shape (F,), int64
        Frames of the sequence in this filter that can be used, in order.
    n_first : int
        How many of them make up the first night, which is the reference.
    stars : list of (float, float)
        Places (x, y) on the mean of the first night.
    """

    frames: NDArray[np.int64]
    n_first: int
    stars: list[tuple[float, float]]


def choose_stars(
    sky: SkyFrames, sequence: ImageSequence, centre: tuple[float, float], fwhm: float
) -> list[Field]:
    """Choose bright stars on the first usable night of each filter.

    No later night has a say, so that nothing measured with them changes as frames are added.

    Parameters
    ----------
    sky : SkyFrames
        Frames without sky, of `sequence`.
    sequence : ImageSequence
        For times, bands and saturation.
    centre : (float, float)
        Pixel (x, y) of the target, which is no reference for itself.
    fwhm : float
        Pixels.
    """
    nights = night_index(sequence.times)
    full = known_number(sequence.meta, "saturation", np.inf)
    fields = []
    for band in np.unique(sequence.bands):
        chosen = np.flatnonzero((sequence.bands == band) & np.isfinite(sky.noise))
        if len(chosen):
            first = chosen[nights[chosen] == nights[chosen[0]]]
            stars = _stars(sky.frames[first], centre, fwhm, full)
            fields.append(Field(chosen, len(first), stars))
    return fields


def pointing_shifts(sky: SkyFrames, fields: list[Field], fwhm: float) -> NDArray[np.float64]:
    """Return how far the stars of each frame lie from their places on the first night.

    Cutouts are cut at whole pixels, so a source wanders by up to half a pixel from frame to frame,
    in and out of an aperture, and its neighbours with it.

    Parameters
    ----------
    sky : SkyFrames
    fields : list of Field
        From `choose_stars`.
    fwhm : float
        Pixels.

    Returns
    -------
    ndarray, shape (T, 2)
        (x, y) in pixels; drawn towards 0 where the stars are few or faint.
    """
    shifts = np.zeros((len(sky.frames), 2))
    for field in fields:
        if not field.stars:
            continue
        offsets, variances = zip(
            *(_centroids(sky, field.frames, star, fwhm) for star in field.stars), strict=True
        )
        offset, variance = np.stack(offsets, 1), np.stack(variances, 1)  # (F, S, 2), (F, S)
        known = np.isfinite(offset).all(2)
        weight = np.where(known, 1 / variance, 0.0)
        first = weight[: field.n_first, :, None]
        home = (first * np.nan_to_num(offset[: field.n_first])).sum(0) / np.maximum(
            first.sum(0), 1e-12
        )
        weight *= (first.sum(0) > 0)[:, 0]
        total = weight.sum(1)
        moved = (weight[:, :, None] * (np.nan_to_num(offset) - home)).sum(1)
        moved /= np.maximum(total, 1e-12)[:, None]
        certainty = POINTING_SCATTER**2 * total
        shifts[field.frames] = np.clip(moved, -2, 2) * (certainty / (certainty + 1))[:, None]
    return shifts


def _centroids(
    sky: SkyFrames, frames: NDArray[np.int64], star: tuple[float, float], fwhm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset (F, 2) of a star from its place, by Gaussian-weighted moments, and variance (F,)."""
    x, y = round(star[0]), round(star[1])
    reach = int(np.ceil(1.5 * fwhm))
    stamp = sky.frames[frames, y - reach : y + reach + 1, x - reach : x + reach + 1]
    axis = np.arange(-reach, reach + 1)
    dx, dy = axis[None, :] - (star[0] - x), axis[:, None] - (star[1] - y)
    window = np.exp(-4 * np.log(2) * (dx**2 + dy**2) / (1.5 * fwhm) ** 2)
    if stamp.shape[1:] != window.shape:  # too near the edge
        return np.full((len(frames), 2), np.nan), np.ones(len(frames))
    light = stamp * window
    total = light.sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = np.stack([(light * d).sum((1, 2)) / total for d in (dx, dy)], 1)
        # a window half again as wide as the star sees (1 + 1 / 1.5^2) of its true offset
        offset = moments * (1 + 1 / 1.5**2)
        signal = total / (sky.noise[frames] * np.sqrt((window**2).sum()))
    seen = np.isfinite(signal) & (signal > 5) & (np.hypot(*offset.T) < fwhm)
    offset[~seen] = np.nan
    variance = (fwhm / np.where(seen, signal, 1.0)) ** 2 + CENTROID_FLOOR**2
    return offset, variance


def relative_throughput(sky: SkyFrames, fields: list[Field], fwhm: float) -> NDArray[np.float64]:
    """Return the light each frame collected in a fixed aperture, relative to the first night.

    Clouds and bad seeing dim the target and the stars of its field alike.

    Parameters
    ----------
    sky : SkyFrames
        Aligned frames without sky.
    fields : list of Field
        From `choose_stars`.
    fwhm : float
        Pixels.

    Returns
    -------
    ndarray, shape (T,)
        1 where it cannot be known.
    """
    throughput = np.ones(len(sky.frames))
    for field in fields:
        throughput[field.frames] = _throughput(sky, field.frames, field.n_first, field.stars, fwhm)
    return throughput


def _stars(
    frames: NDArray[np.float64], centre: tuple[float, float], fwhm: float, full: float
) -> list[tuple[float, float]]:
    """Places (x, y) of bright stars on the mean of some frames, brightest first."""
    from scipy.ndimage import maximum_filter

    image = frames.mean(0)
    if not np.isfinite(image).any():
        return []
    margin = int(np.ceil(RADIUS_FWHM * fwhm)) + 2
    low, middle, high = np.nanquantile(image, [0.1587, 0.5, 0.8413])
    bright = image - middle > PEAK_SIGMA * max((high - low) / 2, 1e-12)
    peak = bright & (maximum_filter(np.nan_to_num(image, nan=-np.inf), size=5) == image)
    peak &= image < 0.5 * full
    rows, columns = np.nonzero(peak[margin:-margin, margin:-margin])
    rows, columns = rows + margin, columns + margin
    away = np.hypot(columns - centre[0], rows - centre[1]) > 3 * fwhm
    rows, columns = rows[away], columns[away]
    brightest = np.argsort(-image[rows, columns], kind="stable")[:MAX_STARS]
    return [_vertex(image, rows[i], columns[i]) for i in brightest]


@np.errstate(over="ignore", invalid="ignore")  # pixels near the largest number are no stars
def _vertex(image: NDArray[np.float64], row: int, column: int) -> tuple[float, float]:
    """Place of a peak to a fraction of a pixel, by parabolas through its neighbours."""

    def offset(before: float, at: float, after: float) -> float:
        bend = 2 * at - before - after
        return 0.5 * (after - before) / bend if bend > 0 else 0.0

    dx = offset(*image[row, column - 1 : column + 2])
    dy = offset(*image[row - 1 : row + 2, column])
    return float(column + dx), float(row + dy)


def _throughput(
    sky: SkyFrames,
    chosen: NDArray[np.int64],
    n_first: int,
    stars: list[tuple[float, float]],
    fwhm: float,
) -> NDArray[np.float64]:
    if not stars:
        return np.ones(len(chosen))
    flux, noise = np.empty((2, len(chosen), len(stars)))
    for i, star in enumerate(stars):
        pixels, weights = aperture_weights(sky.frames.shape[1:], star, RADIUS_FWHM * fwhm)
        flux[:, i] = sky.frames[chosen[:, None], *pixels] @ weights
        noise[:, i] = sky.error(weights)[chosen]
    usual = flux[:n_first].mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares, variance = flux / usual, (noise / usual) ** 2 + STAR_SCATTER**2
        steady = (np.abs(shares[:n_first] - 1) < FIRST_NIGHT_CHANGE).all(0)
    weight = np.where(np.isfinite(shares) & (usual > 0) & steady, 1 / variance, 0.0)
    measured = _weighted_median(np.nan_to_num(shares), weight)
    believed = (measured > BELIEVED[0]) & (measured < BELIEVED[1])
    certainty = THROUGHPUT_SCATTER**2 * weight.sum(1) * believed
    return 1 + (measured - 1) * certainty / (certainty + 1)


def _weighted_median(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Median of each row, shape (T,); whatever where all weights are zero."""
    order = np.argsort(values, axis=1, kind="stable")
    below = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    middle = (below < below[:, -1:] / 2).sum(1)
    return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle]
