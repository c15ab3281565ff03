"""The sky as a camera would see it without noise: stars, galaxies, PSF, moving target.

Everything is built in Fourier space: the transform of a Gaussian is known exactly, a shift is a
phase, and one inverse transform draws all frames of an object. Positions are pixels from the
target's nominal place, x along columns and y along rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

#: Rim of the working grid beyond the cutout, pixels on each side: light wraps around in a discrete
#: transform, and must do so outside the cutout.
MARGIN = 8
#: Share of light in the wings of the PSF and their width in units of the core: two Gaussians fitted
#: to a Moffat profile of index 4.765, which turbulence predicts (Trujillo et al. 2001, MNRAS 328,
#: 977), by least squares over six half-widths.
WING_SHARE, WING_WIDTH = 0.492, 1.662
#: FWHM of the two-Gaussian PSF in units of the sigma of its core.
_FWHM_PER_SIGMA = 2.637

# Gaussian mixtures of exponential and de Vaucouleurs profiles: shares of the light, and sigma in
# units of the half-light radius (least squares out to 8 half-light radii, within 6 % of the profile
# between 0.1 and 3; the method of Hogg & Lang 2013, PASP 125, 719).
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
def _frequencies(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frequencies along y and x of the half spectrum of a `size` x `size` image."""
    return (
        np.fft.fftfreq(size).astype(np.float32),
        np.fft.rfftfreq(size).astype(np.float32),
    )


def point_transform(
    size: int, x: NDArray[np.float64], y: NDArray[np.float64], flux: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """Transform of point sources, shape (size, size // 2 + 1).

    Parameters
    ----------
    size : int
        Side of the working grid.
    x, y, flux : ndarray, shape (S,)
        Pixels from the target; total counts.
    """
    fy, fx = _frequencies(size)
    along_x = np.exp((-2j * np.pi) * np.outer(x, fx)).astype(np.complex64)
    along_y = np.exp((-2j * np.pi) * np.outer(fy, y)).astype(np.complex64)
    return (along_y * flux.astype(np.float32)) @ along_x


def galaxy_transform(
    size: int, galaxy: Galaxy, x: float, y: float, flux: float, pixel_scale: float
) -> NDArray[np.complex64]:
    """Transform of one galaxy, shape (size, size // 2 + 1).

    Parameters
    ----------
    size : int
        Side of the working grid.
    galaxy : Galaxy
        Shape and size.
    x, y : float
        Its centre, pixels from the target.
    flux : float
        Total counts.
    pixel_scale : float
        Arcsec a pixel.
    """
    fy, fx = _frequencies(size)
    cos, sin = np.cos(galaxy.angle), np.sin(galaxy.angle)
    major = fx[None, :] * cos + fy[:, None] * sin
    minor = (fy[:, None] * cos - fx[None, :] * sin) * galaxy.axis_ratio
    scaled = -2 * np.pi**2 * (galaxy.radius / pixel_scale) ** 2 * (major**2 + minor**2)
    profile = np.zeros_like(scaled)
    for share, (weights, sigmas) in ((1 - galaxy.bulge, _DISK), (galaxy.bulge, _BULGE)):
        if share:
            for weight, sigma in zip(weights, sigmas, strict=True):
                profile += np.float32(share * weight) * np.exp(np.float32(sigma**2) * scaled)
    phase = np.exp(-2j * np.pi * fy * y)[:, None] * np.exp(-2j * np.pi * fx * x)[None, :]
    return (flux * profile * phase).astype(np.complex64)


def psf_transforms(
    size: int,
    fwhm: NDArray[np.float64],
    ellipticity: NDArray[np.float64],
    angle: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return transforms of centred PSFs of unit flux, (N, size, size // 2 + 1).

    Parameters
    ----------
    size : int
        Side of the working grid.
    fwhm : ndarray, shape (N,)
        Full width at half maximum, pixels, as measured on the frame (so with the pixel).
    ellipticity, angle : ndarray, shape (N,)
        1 - axis ratio, and position angle of the major axis, radians.
    """
    fy, fx = _frequencies(size)
    # A pixel adds the variance 1/12 to each axis.
    variance = np.maximum((fwhm / _FWHM_PER_SIGMA) ** 2 - 1 / 12, 0.2)
    stretch = (1 - ellipticity) ** -0.5
    long, short = variance * stretch**2, variance / stretch**2
    cos, sin = np.cos(angle), np.sin(angle)
    xx = (long * cos**2 + short * sin**2)[:, None, None]
    yy = (long * sin**2 + short * cos**2)[:, None, None]
    xy = ((long - short) * sin * cos)[:, None, None]
    gx, gy = fx[None, None, :], fy[None, :, None]
    scale = np.float32(-2 * np.pi**2)
    exponent = xx.astype(np.float32) * (gx**2 * scale) + yy.astype(np.float32) * (gy**2 * scale)
    exponent += xy.astype(np.float32) * (2 * scale * gx * gy)
    psf = np.exp(exponent) * np.float32(1 - WING_SHARE)
    exponent *= np.float32(WING_WIDTH**2)
    psf += np.float32(WING_SHARE) * np.exp(exponent)
    psf *= (np.sinc(fy)[:, None] * np.sinc(fx)[None, :]).astype(np.float32)
    return psf


def render(
    static: NDArray[np.complex64],
    psf: NDArray[np.float32],
    night: NDArray[np.int64],
    flux: NDArray[np.float64],
    position: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Draw all frames of an object, counts without sky or noise.

    Parameters
    ----------
    static : ndarray, shape (P, P // 2 + 1), complex64
        Transform of all that does not change, from `point_transform` and `galaxy_transform`.
    psf : ndarray, shape (N, P, P // 2 + 1), float32
        Transform of the PSF of each night.
    night : ndarray, shape (T,)
        Which PSF each frame has.
    flux : ndarray, shape (T,)
        Counts of the target in each frame.
    position : ndarray, shape (T, 2)
        Where the target is, (x, y) pixels from its nominal place: proper motion.
    shift : ndarray, shape (T, 2)
        Where that nominal place falls on each frame, (x, y) pixels from the central pixel.

    Returns
    -------
    ndarray, shape (T, P - 2 MARGIN, P - 2 MARGIN), float32
        The central pixel is ``size // 2`` on both axes.
    """
    size = static.shape[0]
    fy, fx = _frequencies(size)
    centre = shift + size // 2

    def phases(offset: NDArray[np.float64]) -> NDArray[np.complex64]:
        along_x = np.exp((-2j * np.pi) * offset[:, 0, None] * fx).astype(np.complex64)
        along_y = np.exp((-2j * np.pi) * offset[:, 1, None] * fy).astype(np.complex64)
        return along_y[:, :, None] * along_x[:, None, :]

    counts = flux.astype(np.float32)[:, None, None]
    if position.any():
        spectrum = phases(position)
        spectrum *= counts
        spectrum += static
    else:
        spectrum = static + counts
    spectrum *= phases(centre)
    spectrum *= psf[night]
    frames = scipy.fft.irfft2(spectrum, s=(size, size), overwrite_x=True)
    return frames[:, MARGIN : size - MARGIN, MARGIN : size - MARGIN]
