"""Apertures in fixed places on a stack of frames, and the sky around them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from taonet_core.transforms.padded import SortedRows

#: Index of the Moffat profile that turbulence predicts (Trujillo et al. 2001, MNRAS 328, 977).
MOFFAT_INDEX = 4.765
#: FWHM of the normal distribution with the variance of a pixel (1/12).
PIXEL_FWHM = 2.3548 / np.sqrt(12)
#: Where the sky is clipped, sigma, and what that takes off the scatter of a normal distribution.
CLIP, CLIPPED_STD = 2.5, 1.04
#: Fewest pixels of sky that make a measurement.
MIN_SKY_PIXELS = 20

Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class SkyFrames:
    """Frames without their sky.

    Attributes
    ----------
    frames : ndarray, shape (T, H, W), float32 or float64
        Counts above the sky; NaN where there is no data, throughout where there is no sky.
    noise : ndarray, shape (T,)
        Scatter of one pixel of sky, counts; NaN where there is no sky.
    sky_pixels : ndarray, shape (T,)
        Pixels that the sky was measured on.
    """

    frames: NDArray[np.floating]
    noise: NDArray[np.float64]
    sky_pixels: NDArray[np.int64]

    def error(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Error of a sum over pixels with these weights, from the sky alone, shape (T,)."""
        of_the_sky = weights.sum() ** 2 / np.maximum(self.sky_pixels, 1)
        return self.noise * np.sqrt((weights**2).sum() + of_the_sky)


def align(sky: SkyFrames, shifts: NDArray[np.float64]) -> SkyFrames:
    """Move each frame back by its shift, to a fraction of a pixel.

    In Fourier space, which keeps flux and white noise as they are. What a missing pixel touches is
    missing afterwards.

    Parameters
    ----------
    sky : SkyFrames
    shifts : ndarray, shape (T, 2)
        (x, y) by which the sources of each frame are displaced, pixels.
    """
    import scipy.fft
    from scipy.ndimage import binary_dilation

    height, width = sky.frames.shape[1:]
    missing = ~np.isfinite(sky.frames)
    fy, fx = scipy.fft.fftfreq(height)[:, None], scipy.fft.rfftfreq(width)
    spectrum = scipy.fft.rfft2(np.where(missing, sky.frames.dtype.type(0), sky.frames))
    for shift, frequency in ((shifts[:, 0], fx), (shifts[:, 1], fy)):
        turn = shift[:, None, None] * frequency
        with np.errstate(over="ignore", invalid="ignore"):  # sums of the largest numbers
            spectrum *= np.exp(2j * np.pi * turn).astype(spectrum.dtype)
    frames = scipy.fft.irfft2(spectrum, s=(height, width), overwrite_x=True)
    if missing.any():
        frames[binary_dilation(missing, np.ones((1, 3, 3), dtype=bool))] = np.nan
    return replace(sky, frames=frames)


@lru_cache(maxsize=64)
def aperture_weights(
    shape: tuple[int, int], centre: tuple[float, float], radius: float
) -> tuple[Pixels, NDArray[np.float64]]:
    """Share of every pixel that lies within a circle.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the frames.
    centre : (float, float)
        Pixel (x, y), zero-based.
    radius : float
        Pixels.

    Returns
    -------
    pixels : (rows, columns), each shape (P,)
        Pixels that the circle touches.
    weights : ndarray, shape (P,)
    """
    from photutils.aperture import CircularAperture

    image = CircularAperture(centre, radius).to_mask(method="exact").to_image(shape)
    if image is None:
        image = np.zeros(shape)
    rows, columns = np.nonzero(image)
    return (rows, columns), image[rows, columns]


def aperture_correction(radius: float, fwhm: float) -> float:
    """Return the light of a star over that within an aperture, for a Moffat profile.

    Parameters
    ----------
    radius, fwhm : float
        Pixels; the FWHM as measured on the frame. An exact aperture spreads the light of a pixel
        evenly over it, which widens the star by the variance of one more pixel.
    """
    alpha = np.hypot(fwhm, PIXEL_FWHM) / (2 * np.sqrt(2 ** (1 / MOFFAT_INDEX) - 1))
    return float(1 / (1 - (1 + (radius / alpha) ** 2) ** (1 - MOFFAT_INDEX)))


def subtract_sky(
    frames: NDArray[np.float32], centre: tuple[float, float], inner: float, outer: float
) -> SkyFrames:
    """Take the sky in an annulus off each frame.

    The sky is the median of the annulus, refined to the mean of what lies within 2.5 sigma of it:
    on coarsely quantised frames (CRTS: steps of 20 counts) the bare median jumps from step to
    step, which makes the scatter of faint fluxes a third larger than their errors.

    Parameters
    ----------
    frames : ndarray, shape (T, H, W)
        Counts, NaN where there is no data.
    centre : (float, float)
        Pixel (x, y).
    inner, outer : float
        Radii of the annulus, pixels.
    """
    y, x = np.indices(frames.shape[1:])
    distance = np.hypot(x - centre[0], y - centre[1])
    values = frames[:, (distance >= inner) & (distance < outer)].astype(np.float64)
    mask = np.isfinite(values)
    measured = mask.sum(1) >= MIN_SKY_PIXELS
    level, noise = np.full(len(frames), np.nan), np.full(len(frames), np.nan)
    count = np.zeros(len(frames), dtype=np.int64)
    level[measured], noise[measured], count[measured] = _clipped(values[measured], mask[measured])
    return SkyFrames(frames - level[:, None, None], noise, count)


def _clipped(
    values: NDArray[np.float64], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Mean, standard deviation and number of the values near the median of each row."""
    rows = SortedRows(values, mask)
    level, noise = rows.quantile(0.5), (rows.quantile(0.8413) - rows.quantile(0.1587)) / 2
    near = mask
    for _ in range(3):
        # quantised values may have no spread at all: then nothing is clipped
        reach = np.where(noise > 0, CLIP * noise, np.inf)
        near = mask & (np.abs(values - level[:, None]) <= reach[:, None])
        count = near.sum(1)
        level = np.where(near, values, 0.0).sum(1) / count
        noise = np.sqrt(np.where(near, (values - level[:, None]) ** 2, 0.0).sum(1) / count)
        noise *= CLIPPED_STD
    return level, noise, near.sum(1)
