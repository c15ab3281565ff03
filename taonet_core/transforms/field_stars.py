"""How much light each frame collected, from the stars of the field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.apertures import SkyFrames, aperture_weights
from taonet_core.transforms.preprocess import night_index

#: Stars are peaks of the first night this many times its noise; the brightest are used.
PEAK_SIGMA, MAX_STARS = 12.0, 12
#: Aperture radius for stars, FWHM.
RADIUS_FWHM = 0.85
#: Scatter of a star that photon noise does not explain, as a share of its light.
STAR_SCATTER = 0.03
#: Expected scatter of the throughput: a correction less certain than this is mostly not made.
THROUGHPUT_SCATTER = 0.1
_RANGE = (0.1, 3.0)


def relative_throughput(
    sky: SkyFrames, sequence: ImageSequence, centre: tuple[float, float], fwhm: float
) -> NDArray[np.float64]:
    """Return the light each frame collected in a fixed aperture, relative to the first night.

    Clouds, bad seeing and pointing errors dim the target and the stars of its field alike. The
    stars are chosen, and their brightness taken, on the first usable night alone; no frame is
    changed by a later one.

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

    Returns
    -------
    ndarray, shape (T,)
        1 where it cannot be known.
    """
    throughput = np.ones(len(sequence))
    nights = night_index(sequence.times)
    for band in np.unique(sequence.bands):
        chosen = np.flatnonzero((sequence.bands == band) & np.isfinite(sky.noise))
        if len(chosen):
            first = chosen[nights[chosen] == nights[chosen[0]]]
            full = float(sequence.meta.get("saturation") or np.inf)
            stars = _stars(sky.frames[first], centre, fwhm, full)
            throughput[chosen] = _throughput(sky, chosen, len(first), stars, fwhm)
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
    weight = np.where(np.isfinite(shares) & (usual > 0), 1 / variance, 0.0)
    measured = np.clip(_weighted_median(np.nan_to_num(shares), weight), *_RANGE)
    certainty = THROUGHPUT_SCATTER**2 * weight.sum(1)
    return 1 + (measured - 1) * certainty / (certainty + 1)


def _weighted_median(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Median of each row, shape (T,); whatever where all weights are zero."""
    order = np.argsort(values, axis=1, kind="stable")
    below = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    middle = (below < below[:, -1:] / 2).sum(1)
    return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), middle]
