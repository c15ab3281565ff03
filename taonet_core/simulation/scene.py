"""The sky as a camera would see it without noise: stars, galaxies, PSF, moving target.

Everything is built in Fourier space: the transform of a Gaussian is known exactly, and a shift is a
phase. To sample a picture is to add up all frequencies that differ by whole cycles a pixel, so
transforms are kept at each frequency and at its first alias; beyond, a PSF has no power left.
(To leave the aliases out, as a plain discrete transform does, draws ripples about every star.)
Positions are pixels from the target's nominal place, x along columns and y along rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

#: Rim of the working grid beyond the cutout, pixels on each side: light wraps around in a discrete
#: transform, and must do so outside the cutout. Sources are placed in the inner half of it.
MARGIN = 16

# Gaussian mixtures of exponential and de Vaucouleurs profiles: shares of the light, and sigma in
# units of the half-light radius (least squares out to 8 half-light radii, within 6 % and 8 % of the
# profile between 0.1 and 3; the method of Hogg & Lang 2013, PASP 125, 719).
_DISK = (np.array([0.049, 0.238, 0.476, 0.237]), np.array([0.244, 0.525, 0.935, 1.548]))
_BULGE = (
    np.array([0.043, 0.103, 0.176, 0.232, 0.241, 0.205]),
    np.array([0.055, 0.149, 0.341, 0.727, 1.530, 3.587]),
)


@dataclass(frozen=True)
class Galaxy:
    """An inclined disk with a bulge.

    Attributes
    ----------
    mag : float
        Total magnitude.
    radius : float
        Half-light radius along the major axis, arcsec.
    axis_ratio, angle : float
        Minor over major axis; position angle of the major axis from x to y, radians.
    bulge : float
        Share of the light in a de Vaucouleurs profile; the rest is exponential.
    temperature : float
        Colour temperature of its light, K.
    """

    mag: float
    radius: float
    axis_ratio: float
    angle: float
    bulge: float
    temperature: float = 5000.0


@lru_cache(maxsize=8)
def frequencies(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frequencies of the transforms of this module, cycles a pixel.

    Parameters
    ----------
    size : int
        Side P of the working grid, even.

    Returns
    -------
    along_y : ndarray, shape (2 P,), float32
        From 0 to 1, then their aliases from -1 to 0.
    along_x : ndarray, shape (P + 2,), float32
        From 0 to 1/2, since a real picture needs no more, then their aliases from -1 to -1/2.
    """
    along_y = np.arange(size, dtype=np.float32) / np.float32(size)
    along_x = along_y[: size // 2 + 1]
    return np.concatenate([along_y, along_y - 1]), np.concatenate([along_x, along_x - 1])


def point_transform(
    size: int, x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """Transform of point sources.

    Parameters
    ----------
    size : int
        Side P of the working grid.
    x, y : ndarray, shape (S,)
        Pixels from the target.
    flux : ndarray, shape (S,) or (B, S)
        Total counts, or counts in each band.

    Returns
    -------
    ndarray, shape (2 P, P + 2) or (B, 2 P, P + 2), complex64
    """
    fy, fx = frequencies(size)
    along_y, along_x = _phases(y, fy).T, _phases(x, fx)
    spectrum = (along_y * flux.astype(np.float32)[..., None, :]) @ along_x
    return spectrum.astype(np.complex64, copy=False)


def galaxy_transform(
    size: int,
    galaxy: Galaxy,
    x: float,
    y: float,
    flux: float | NDArray[np.float64],
    pixel_scale: float,
) -> NDArray[np.complex64]:
    """Transform of one galaxy.

    Parameters
    ----------
    size : int
        Side P of the working grid.
    galaxy : Galaxy
        Shape and size.
    x, y : float
        Its centre, pixels from the target.
    flux : float or ndarray, shape (B,)
        Total counts, or counts in each band.
    pixel_scale : float
        Arcsec a pixel.

    Returns
    -------
    ndarray, shape (2 P, P + 2) or (B, 2 P, P + 2), complex64
    """
    fy, fx = frequencies(size)
    cos, sin = np.cos(galaxy.angle), np.sin(galaxy.angle)
    major = np.float32(cos) * fx + np.float32(sin) * fy[:, None]
    minor = np.float32(cos) * fy[:, None] - np.float32(sin) * fx
    minor *= np.float32(galaxy.axis_ratio)
    scaled = major**2 + minor**2
    scaled *= np.float32(-2 * np.pi**2 * (galaxy.radius / pixel_scale) ** 2)
    profile = np.zeros_like(scaled)
    for share, (weights, sigmas) in ((1 - galaxy.bulge, _DISK), (galaxy.bulge, _BULGE)):
        if share:
            for weight, sigma in zip(weights, sigmas, strict=True):
                profile += np.float32(share * weight) * np.exp(np.float32(sigma**2) * scaled)
    along_y, along_x = _phases(np.array([y]), fy).T, _phases(np.array([x]), fx)
    spectrum = (profile * along_y) * along_x
    return spectrum * np.asarray(flux, dtype=np.float32)[..., None, None]


def render(
    static: NDArray[np.complex64],
    psf: NDArray[np.float32],
    psf_index: NDArray[np.int64],
    flux: NDArray[np.float64],
    position: NDArray[np.float64],
    shift: NDArray[np.float64],
    *,
    band: NDArray[np.int64] | None = None,
    shape: NDArray[np.complex64] | None = None,
) -> NDArray[np.float32]:
    """Draw all frames of an object, counts without sky or noise.

    Parameters
    ----------
    static : ndarray, shape (2 P, P + 2) or (B, 2 P, P + 2), complex64
        Transform of all that does not change, from `point_transform` and `galaxy_transform`, or
        one in each band.
    psf : ndarray, shape (N, 2 P, P + 2), float32
        Transform of each PSF.
    psf_index : ndarray, shape (T,)
        Which PSF each frame has.
    flux : ndarray, shape (T,)
        Counts of the target in each frame.
    position : ndarray, shape (T, 2)
        Where the target is, (x, y) pixels from its nominal place: proper motion.
    shift : ndarray, shape (T, 2)
        Where that nominal place falls on each frame, (x, y) pixels from the central pixel.
    band : ndarray, shape (T,), optional
        Which `static` each frame shows; the first by default.
    shape : ndarray, shape (2 P, P + 2), complex64, optional
        Transform of the target, of unit light; a point by default.

    Returns
    -------
    ndarray, shape (T, P - 2 MARGIN, P - 2 MARGIN), float32
        The central pixel is ``size // 2`` on both axes.
    """
    size = psf.shape[-1] - 2
    static = static.reshape(-1, *psf.shape[1:])
    look = psf_index * len(static) + (0 if band is None else band)
    # A target that has left the grid must not come in again on the other side.
    inside = np.abs(position).max(axis=1) < size / 2
    counts = np.where(inside, flux, 0.0).astype(np.float32)[:, None]
    field = _Shift(size, shift + size // 2)
    target = _Shift(size, shift + size // 2 + position) if position.any() else field
    side = size - 2 * MARGIN
    frames = np.empty((len(psf_index), side, side), dtype=np.float32)
    for number in np.unique(look):  # a few frames at a time stay in the cache
        index = np.flatnonzero(look == number)
        star = psf[number // len(static)]
        sky, own = static[number % len(static)] * star, counts[index]
        star = star if shape is None else star * shape
        if target is field:
            spectrum = field.sample(index, (sky, 1.0), (star, own))
        else:
            spectrum = field.sample(index, (sky, 1.0)) + target.sample(index, (star, own))
        drawn = scipy.fft.irfft2(spectrum, s=(size, size), overwrite_x=True)
        frames[index] = drawn[:, MARGIN : size - MARGIN, MARGIN : size - MARGIN]
    return frames


class _Shift:
    """Where each of T frames has its origin, (T, 2) in x and y, as phases of its transform."""

    def __init__(self, size: int, offset: NDArray[np.float64]) -> None:
        fy, fx = frequencies(size)
        self.along_y = _phases(offset[:, 1], fy[:size])
        self.along_x = _phases(offset[:, 0], fx[: size // 2 + 1])
        # An alias lies one cycle lower: the same phase but for a turn of the whole offset.
        turn = np.exp(2j * np.pi * offset)
        columns = [np.ones(len(offset)), turn[:, 0], turn[:, 1], turn[:, 0] * turn[:, 1]]
        self.aliases = np.column_stack(columns).astype(np.complex64)

    def sample(
        self, index: NDArray[np.int64], *light: tuple[NDArray, float | NDArray[np.float32]]
    ) -> NDArray[np.complex64]:
        """Return transforms of the pixels of frames `index`, (n, P, P // 2 + 1).

        Each `light` is a transform and its brightness, the same for all or one a frame.
        """
        aliases = self.aliases[index]
        weights = np.concatenate([aliases * brightness for _, brightness in light], axis=1)
        rows, columns = self.along_y.shape[1], self.along_x.shape[1]
        blocks = np.empty((len(light), 2, 2, rows, columns), dtype=np.complex64)
        for block, (sky, _) in zip(blocks, light, strict=True):
            block[:] = sky.reshape(2, rows, 2, columns).transpose(0, 2, 1, 3)
        sampled = (weights @ blocks.reshape(weights.shape[1], -1)).reshape(-1, rows, columns)
        sampled *= self.along_y[index, :, None]
        sampled *= self.along_x[index, None, :]
        return sampled


def _phases(offset: NDArray[np.float64], frequency: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Phases that move by each offset, one a row, at each frequency."""
    cycles = np.outer(offset, frequency)
    cycles -= np.rint(cycles)  # near zero, single precision suffices
    angle = cycles.astype(np.float32) * np.float32(-2 * np.pi)
    phases = np.empty(angle.shape, dtype=np.complex64)
    np.cos(angle, out=phases.real)
    np.sin(angle, out=phases.imag)
    return phases
