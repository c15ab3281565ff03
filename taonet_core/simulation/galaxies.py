"""Galaxies and stars of the field: how many, how bright, how large, what colour, and how far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation.scene import Galaxy

#: Speed of light over the Hubble constant of 70 km/s/Mpc, Mpc.
_HUBBLE_LENGTH = 4282.7
_REDSHIFTS = np.geomspace(1e-3, 6.0, 400)
#: Magnitudes at which stars are counted, V.
STAR_MAGS = np.linspace(9.0, 27.0, 73)
#: Faintest sources of the field that are drawn for CRTS, V: the next ones are lost in its noise.
_FAINTEST_STAR, _FAINTEST_GALAXY = 22.0, 21.5
#: Radius of a ground-based measurement, and blur of the seeing, arcsec.
_BEAM, _BLUR = 4.0, 2.0
_SOLID_ANGLE_UNIT = 3600.0**2


def _distance_moduli() -> NDArray[np.float64]:
    """Distance moduli at `_REDSHIFTS` for a flat universe of matter density 0.3."""
    fine = np.linspace(0.0, 6.0, 6001)
    speed = 1 / np.sqrt(0.3 * (1 + fine) ** 3 + 0.7)
    comoving = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)]) * (fine[1])
    distance = np.interp(_REDSHIFTS, fine, comoving) * (1 + _REDSHIFTS) * _HUBBLE_LENGTH
    return 5 * np.log10(distance) + 25


_MODULI = _distance_moduli()


def distance_modulus(redshift: float) -> float:
    """Distance modulus, magnitudes."""
    return float(np.interp(redshift, _REDSHIFTS, _MODULI))


def redshift_of(modulus: float) -> float:
    """Redshift at which the distance modulus is `modulus`."""
    return float(np.interp(modulus, _MODULI, _REDSHIFTS))


def draw_host(
    mag: float,
    modulus: float,
    redshift: float,
    rng: np.random.Generator,
    *,
    bulge: float | None = None,
) -> Galaxy:
    """Draw shape and size of a galaxy of known magnitude and distance.

    Half-light radii follow the size-luminosity relations of early types, which are those with the
    larger part of their light in the bulge, and late types, and their scatter (Shen et al. 2003,
    MNRAS 343, 978, eq. 14 to 16 and table 1, Sérsic radii in r). Inclinations are isotropic for
    disks of thickness 0.2, more for larger bulges. Colours go from those of Sc to those of
    ellipticals with the bulge (B - V of 0.55 to 0.90: Roberts & Haynes 1994, ARA&A 32, 115) and
    redden with the redshift.

    Parameters
    ----------
    mag, modulus, redshift : float
        Apparent magnitude, distance modulus, redshift.
    rng : numpy.random.Generator
        Source of chance.
    bulge : float, optional
        Share of the light in the bulge; drawn where not given.
    """
    if bulge is None:
        bulge = float(np.clip(rng.exponential(0.2), 0.0, 1.0))
    log_kpc = _log_size(mag - modulus, early=bulge > 0.5)
    log_kpc += _log_size_scatter(mag - modulus) * rng.standard_normal()
    angular = 10 ** (modulus / 5 + 1 - 6) / (1 + redshift) ** 2 * 1e3  # kpc
    radius = float(np.clip(10**log_kpc / angular * 206_265, 0.3, 60.0))
    thickness = 0.2 + 0.5 * bulge
    cosine = rng.random()
    ratio = float(np.sqrt(thickness**2 + (1 - thickness**2) * cosine**2))
    at_rest = colour_temperature(0.55 + 0.35 * bulge + 0.08 * rng.standard_normal())
    return Galaxy(
        mag, radius, ratio, float(np.pi * rng.random()), bulge, float(at_rest) / (1 + redshift)
    )


def _log_size(absolute: float, *, early: bool) -> float:
    """Median half-light radius at an absolute magnitude, log10 kpc."""
    if early:
        return -0.4 * 0.65 * absolute - 5.06
    return -0.4 * 0.26 * absolute + 0.25 * np.log10(1 + 10 ** (-0.4 * (absolute + 20.91))) - 1.71


def _log_size_scatter(absolute: float) -> float:
    """Scatter of the half-light radius at an absolute magnitude, dex: fainter, wider."""
    return (0.27 + 0.18 / (1 + 10 ** (-0.8 * (absolute + 20.91)))) / np.log(10)


def draw_field_galaxy(mag: float, rng: np.random.Generator) -> Galaxy:
    """Draw a galaxy of the field at the typical redshift of its magnitude (0.1 at 17.8).

    The share of early types grows with luminosity: 0.3 at -20.5, and 0.1 more a magnitude.
    """
    redshift = float(np.clip(0.1 * 10 ** (0.2 * (mag - 17.8)), 0.01, 0.8))
    modulus = distance_modulus(redshift)
    early = rng.random() < np.clip(0.3 - 0.1 * (mag - modulus + 20.5), 0.05, 0.6)
    bulge = rng.uniform(0.5, 1.0) if early else min(rng.exponential(0.15), 0.5)
    return draw_host(mag, modulus, redshift, rng, bulge=float(bulge))


def place_in_host(host: Galaxy, mag: float, rng: np.random.Generator) -> tuple[float, float]:
    """Draw where a star of magnitude `mag` stands in its host; return the centre seen from it.

    Places follow the light of an exponential disk. The survey reports what has brightened against
    its own past (Drake et al. 2009, ApJ 696, 870): nine in ten of the real curves of supernovae
    rise by 1 mag or more, so a place is taken only where the host is fainter than the star by
    enough.

    Returns
    -------
    (float, float)
        Along x and y, arcsec.
    """
    scale = host.radius / 1.678
    blurred = scale + _BLUR  # the seeing spreads the light of the middle
    area = np.pi * _BEAM**2 / (2 * np.pi * blurred**2 * host.axis_ratio)
    allowed = 10 ** (-0.4 * (mag - host.mag)) / (10**0.4 - 1) / min(area, 1.0)
    radii, angles = scale * rng.gamma(2.0, size=40), 2 * np.pi * rng.random(40)
    clear = np.exp(-radii / blurred) < allowed
    best = int(np.argmax(clear)) if clear.any() else int(np.argmax(radii))
    along = radii[best] * np.cos(angles[best])
    across = radii[best] * np.sin(angles[best]) * host.axis_ratio
    cos, sin = np.cos(host.angle), np.sin(host.angle)
    return float(across * sin - along * cos), float(-along * sin - across * cos)


def star_counts(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Stars of the disk and of the halo brighter than each of `STAR_MAGS`.

    The two-component fit of Bahcall & Soneira 1980 (ApJS 44, 73, appendix B), in V.

    Parameters
    ----------
    latitude, longitude : float
        Galactic, degrees.

    Returns
    -------
    ndarray, shape (2, M), float64
        A square degree; neither row ever falls.
    """
    b, along = np.radians(abs(latitude)), np.cos(np.radians(longitude))
    mags = STAR_MAGS
    mu = np.clip(0.0075 * (mags - 12) + 0.03, 0.03, 0.09)
    gamma = np.clip(0.04 * (12 - mags) + 0.36, 0.04, 0.36)
    disk = 925 * 10 ** (0.035 * (mags - 15.75)) / (1 + 10 ** (-0.132 * (mags - 15.75))) ** 3
    disk = disk / (np.sin(b) * (1 - mu / np.tan(b) * along)) ** (3 - 5 * gamma)
    halo = 1050 * 10 ** (0.087 * (mags - 17.5)) / (1 + 10 ** (-0.180 * (mags - 17.5))) ** 2.5
    halo = halo / (1 - np.cos(b) * along) ** (1.45 - 0.20 * np.cos(b) * along)
    return np.maximum.accumulate(np.stack([disk, halo]), axis=1)


def colour_temperature(b_minus_v: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Temperature of the black body of this B - V, K (Ballesteros 2012, EPL 97, 34008)."""
    scaled = 0.92 * np.asarray(b_minus_v)
    return 4600 * (1 / (scaled + 1.7) + 1 / (scaled + 0.62))


def galaxy_counts(mag: float) -> float:
    """Galaxies a square degree brighter than `mag` in V, after Yasuda et al. 2001, AJ 122, 1104."""
    return float(65 * 10 ** (0.5 * (mag - 18.5)))


def draw_star_temperatures(
    mags: float | NDArray[np.float64], latitude: float, longitude: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw the colour temperatures of stars of magnitude `mags` in one direction, K.

    Faint stars have two colours (Bahcall & Soneira 1980): those of the halo lie near its turn-off,
    B - V about 0.6; those of the disk get redder as they get fainter, since ever more of them are
    near, up to the M dwarfs at 1.4. So fields are bluer towards the poles.
    """
    mags = np.asarray(mags)
    disk, halo = np.diff(star_counts(latitude, longitude), axis=1)
    share = np.interp(mags, (STAR_MAGS[1:] + STAR_MAGS[:-1]) / 2, halo / (disk + halo))
    of_halo = rng.random(mags.shape) < share
    colour = 0.6 + np.where(of_halo, 0.0, 0.1 * np.clip(mags - 12.0, 0.0, 8.0))
    colour = colour + 0.2 * rng.standard_normal(mags.shape)
    return colour_temperature(np.clip(colour, -0.2, 1.7))


def draw_stars(
    latitude: float,
    longitude: float,
    side: float,
    rng: np.random.Generator,
    *,
    depth: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw the field stars of a square of `side` arcsec, to `depth` magnitudes beyond CRTS.

    Returns
    -------
    mags : ndarray, shape (S,)
    places : ndarray, shape (2, S)
        Arcsec from the middle.
    temperatures : ndarray, shape (S,)
        Colour temperature, K.
    """
    counts = star_counts(latitude, longitude).sum(axis=0) * side**2 / _SOLID_ANGLE_UNIT
    total = np.interp(_FAINTEST_STAR + depth, STAR_MAGS, counts)
    number = rng.poisson(total)
    mags = np.interp(rng.random(number) * total, counts, STAR_MAGS)
    places = (rng.random((2, number)) - 0.5) * side
    return mags, places, draw_star_temperatures(mags, latitude, longitude, rng)


def draw_galaxies(
    side: float, rng: np.random.Generator, *, depth: float = 0.0
) -> list[tuple[Galaxy, float, float]]:
    """Draw the field galaxies of a square: (galaxy, x, y), all in arcsec from the middle."""
    faintest = _FAINTEST_GALAXY + depth
    number = rng.poisson(galaxy_counts(faintest) * side**2 / _SOLID_ANGLE_UNIT)
    found = []
    for _ in range(number):
        mag = faintest + 2 * np.log10(rng.random())
        x, y = (rng.random(2) - 0.5) * side
        found.append((draw_field_galaxy(float(mag), rng), float(x), float(y)))
    return found


def is_galaxy(mag: float, latitude: float, longitude: float, rng: np.random.Generator) -> bool:
    """Whether a field source of this magnitude and line of sight is a galaxy, by the counts."""
    counts = star_counts(latitude, longitude).sum(axis=0)
    stars = np.interp([mag - 0.5, mag + 0.5], STAR_MAGS, counts)
    stars_here = max(float(stars[1] - stars[0]), 1e-3)
    galaxies_here = galaxy_counts(mag + 0.5) - galaxy_counts(mag - 0.5)
    return bool(rng.random() < galaxies_here / (galaxies_here + stars_here))
