"""The point-spread function of each visit, as a transform on the grid of `scene`.

A star is a Moffat profile, elliptical, smeared along a line where tracking or wind drags it,
crossed by the diffraction spikes of the spider, and integrated over square pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation.scene import frequencies
from taonet_core.simulation.survey import Survey

#: Gaussians in the mixture; each has twice the variance of the one before.
_GAUSSIANS = 7
#: Narrowest profile that is drawn, FWHM in pixels before the pixel itself blurs it.
_NARROWEST = 0.7
#: Half-width of the Lorentzian along a spike, pixels: as visible as the wings beyond it.
_SPIKE_LENGTH = 6.0


@lru_cache(maxsize=16)
def moffat_mixture(beta: float) -> tuple[NDArray[np.float64], float]:
    """Gaussians that add up to a Moffat profile of index `beta`.

    The profile (1 + r^2 / alpha^2)^-beta is an integral of Gaussians over t = alpha^2 / (2
    variance) with weight t^(beta - 1) exp(-t), by the definition of the gamma function. The
    trapezoidal rule in log t, in steps of a factor of two, is within 1 % of the profile out to two
    FWHM and 6 % out to three for 2.5 <= beta <= 4.8; beyond five the wings die out, so that light
    does not wrap around the grid.

    Parameters
    ----------
    beta : float
        Index, above 1.

    Returns
    -------
    shares : ndarray, shape (7,)
        Share of the light of each Gaussian, narrowest first; they add up to 1.
    variance : float
        Of the narrowest, for a FWHM of 1; that of each next one is double.
    """
    nodes = 2 * beta / 2.0 ** np.arange(_GAUSSIANS)
    shares = nodes ** (beta - 1) * np.exp(-nodes)
    alpha = 0.5 / np.sqrt(2 ** (1 / beta) - 1)
    return shares / shares.sum(), float(alpha**2 / (2 * nodes[0]))


@lru_cache(maxsize=8)
def camera_transform(size: int, spikes: float) -> NDArray[np.float32]:
    """Transform of what the camera does to every frame: square pixels and diffraction spikes.

    The edges of a vane diffract into a streak whose mean brightness falls with the square of the
    distance (Fraunhofer): a Lorentzian along it. Two vanes cross along the axes of the camera, as
    on an equatorial mount. Every star has spikes; those of bright ones are seen.

    Parameters
    ----------
    size : int
        Side of the working grid.
    spikes : float
        Share of the light in the spikes.

    Returns
    -------
    ndarray, shape (2 size, size + 2), float32
    """
    fy, fx = frequencies(size)
    along_y, along_x = (np.exp(-2 * np.pi * _SPIKE_LENGTH * np.abs(f)) for f in (fy, fx))
    cross = 1 - spikes + spikes / 2 * (along_y[:, None] + along_x)
    return (cross * np.sinc(fy)[:, None] * np.sinc(fx)).astype(np.float32)


def psf_transforms(
    size: int,
    fwhm: NDArray[np.float64],
    ellipticity: NDArray[np.float64],
    angle: NDArray[np.float64],
    *,
    beta: float = 3.0,
    trail: NDArray[np.float64] | None = None,
    trail_angle: NDArray[np.float64] | None = None,
    spikes: float = 0.0,
) -> NDArray[np.float32]:
    """Return transforms of centred PSFs of unit flux.

    Parameters
    ----------
    size : int
        Side of the working grid.
    fwhm : ndarray, shape (N,)
        Full width at half maximum, pixels, as measured on the frame: with the pixel, without the
        smear.
    ellipticity, angle : ndarray, shape (N,)
        1 - axis ratio, and position angle of the major axis, radians.
    beta : float
        Moffat index.
    trail, trail_angle : ndarray, shape (N,), optional
        Length of the smear, pixels, and its direction, radians. It is drawn as the Gaussian of the
        same variance, which a trail shorter than the star resembles.
    spikes : float
        Share of the light in diffraction spikes.

    Returns
    -------
    ndarray, shape (N, 2 size, size + 2), float32
    """
    shares, narrowest = moffat_mixture(beta)
    # A pixel adds 1/24 of the Laplacian to the profile: to first order, this to the FWHM squared.
    half = 2 ** (1 / beta) - 1
    pixel = 2 / 3 * half * (1 + (beta + 1) / (1 + half))
    seeing = np.maximum(fwhm**2 - pixel, _NARROWEST**2)
    stretch = 1 - ellipticity
    core = _quadratic(narrowest * seeing / stretch, narrowest * seeing * stretch, angle)
    drag = None
    if trail is not None and trail_angle is not None:
        drag = _quadratic(trail**2 / 12, np.zeros_like(trail), trail_angle)
    camera = camera_transform(size, spikes)
    psf = np.empty((len(fwhm), *camera.shape), dtype=np.float32)
    part = np.empty_like(camera)
    for number, out in enumerate(psf):  # one at a time, which stays in the cache
        gaussian = _gaussian(size, core[number])
        np.multiply(gaussian, np.float32(shares[0]), out=out)
        for share in shares[1:]:
            np.square(gaussian, out=gaussian)  # twice the variance
            np.multiply(gaussian, np.float32(share), out=part)
            out += part
        if drag is not None:
            out *= _gaussian(size, drag[number])
        out *= camera
    return psf


def _quadratic(
    major: NDArray[np.float64], minor: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Variances along x and y and covariance, shape (N, 3), of ellipses at `angle`."""
    cos, sin = np.cos(angle), np.sin(angle)
    rows = major * cos**2 + minor * sin**2, major * sin**2 + minor * cos**2
    return np.stack([*rows, (major - minor) * sin * cos], axis=1).astype(np.float32)


def _gaussian(size: int, covariance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Transform of a Gaussian of unit flux, shape (2 size, size + 2)."""
    fy, fx = frequencies(size)
    xx, yy, xy = covariance * np.float32(-2 * np.pi**2)
    exponent = np.outer(2 * xy * fy, fx)
    exponent += xx * fx**2
    exponent += (yy * fy**2)[:, None]
    return np.exp(exponent, out=exponent)


def draw_psf_transforms(
    survey: Survey, count: int, size: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw as many PSFs, one a visit: seeing, ellipticity, and smear.

    Parameters
    ----------
    survey : Survey
        Where the numbers come from.
    count : int
        How many, N.
    size : int
        Side of the working grid.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (N, 2 size, size + 2), float32
    """
    seeing = survey.fwhm * np.exp(survey.fwhm_scatter * rng.standard_normal(count))
    return psf_transforms(
        size,
        np.maximum(seeing, survey.fwhm_min),
        np.minimum(rng.rayleigh(survey.ellipticity, count), 0.4),
        np.pi * rng.random(count),
        beta=survey.moffat_beta,
        trail=rng.exponential(survey.trailing, count),
        trail_angle=np.pi * rng.random(count),
        spikes=survey.spikes,
    )
