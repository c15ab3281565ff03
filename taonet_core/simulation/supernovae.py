"""Supernovae: which type explodes at a magnitude, how it looks, and where in which host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation import curves
from taonet_core.simulation.galaxies import (
    distance_modulus,
    draw_host,
    place_in_host,
    redshift_of,
)
from taonet_core.simulation.targets import Sight, Target, draw_magnitudes, load_priors


@dataclass(frozen=True)
class SupernovaType:
    """What sets one type apart.

    Attributes
    ----------
    rate : float
        In the local universe, a year and cubic megaparsec, in units of 1e-4.
    peak, scatter : float
        Mean absolute magnitude at peak near V, and its scatter, in a given volume.
    stretch_scatter : float
        Scatter of the logarithm of the duration.
    latest : float
        Latest phase of discovery, days: a survey that comes back every two weeks finds them around
        peak, those with a plateau later.
    offset : float
        Scale of its places in units of the host's light: below 1, nearer the centre.
    temperature : tuple of (tuple of float, tuple of float)
        Days from peak, and colour temperature then, K.
    """

    rate: float
    peak: float
    scatter: float
    stretch_scatter: float
    latest: float
    offset: float
    temperature: tuple[tuple[float, ...], tuple[float, ...]]


#: Rates: Li et al. 2011 (MNRAS 412, 1473) and the fractions of Li et al. 2011 (MNRAS 412, 1441),
#: with II-L and IIb under IIP; superluminous ones: Quimby et al. 2013 (MNRAS 431, 912).
#: Luminosities after Richardson et al. 2014 (AJ 147, 118). Places follow the light of the host, a
#: little nearer the centre for stripped-envelope ones (Kelly, Kirshner & Pahre 2008, ApJ 687, 1201)
#: and superluminous ones (Lunnan et al. 2015, ApJ 804, 90). Temperatures are rounded from the
#: colours of each type.
SUPERNOVA_TYPES: dict[str, SupernovaType] = {
    "Ia": SupernovaType(
        0.301, -19.1, 0.45, 0.10, 20.0, 1.0, ((-15, 0, 12, 25, 60), (11e3, 11e3, 7e3, 5e3, 6e3))
    ),
    "Ibc": SupernovaType(
        0.258, -17.5, 0.9, 0.15, 18.0, 0.8, ((-10, 0, 15, 40), (8e3, 7e3, 5e3, 5e3))
    ),
    "IIP": SupernovaType(
        0.408, -16.9, 1.0, 0.15, 60.0, 1.0, ((-8, 0, 20, 50, 110), (15e3, 12e3, 7.5e3, 6e3, 5e3))
    ),
    "IIn": SupernovaType(
        0.038, -18.5, 0.9, 0.30, 50.0, 1.0, ((-20, 0, 60, 150), (14e3, 11e3, 7.5e3, 6.5e3))
    ),
    "SLSN": SupernovaType(
        0.0018, -21.5, 0.5, 0.25, 40.0, 0.7, ((-30, 0, 40, 100), (15e3, 12e3, 8e3, 6e3))
    ),
}  # fmt: skip
_ABSOLUTE = np.linspace(-23.0, -13.0, 101)
#: Hosts of superluminous supernovae are dwarfs (Lunnan et al. 2014, ApJ 787, 138).
_SLSN_HOST = (-17.3, 1.2)
_FAINTEST_HOST = 23.5
#: No galaxy is brighter: some 2 mag above the knee of the luminosity function (Blanton et al. 2003,
#: ApJ 592, 819).
_BRIGHTEST_HOST = -23.0
#: Redshift out of which no light in the optical is left to find.
_FARTHEST = 1.5


@lru_cache(maxsize=1)
def _volumes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance moduli, and comoving volume a magnitude of modulus over 1 + z, Mpc^3."""
    redshifts = np.geomspace(1e-3, _FARTHEST, 300)
    moduli = np.array([distance_modulus(float(z)) for z in redshifts])
    comoving = 10 ** (moduli / 5 - 5) / (1 + redshifts)
    return moduli, 4 * np.pi * comoving**2 * np.gradient(comoving, moduli) / (1 + redshifts)


def type_odds(mag: float) -> NDArray[np.float64]:
    """How often supernovae of each type and luminosity peak at an apparent magnitude.

    Rate, luminosity function and volume at the distance that makes it as bright as `mag`: what a
    magnitude limit does to a population (Malmquist 1922), without counting volumes by hand.

    Returns
    -------
    ndarray, shape (types, luminosities)
        Adds up to 1; types in the order of `SUPERNOVA_TYPES`.
    """
    moduli, volumes = _volumes()
    volume = np.interp(mag - _ABSOLUTE, moduli, volumes, left=0.0, right=0.0)
    odds = np.array(
        [
            kind.rate / kind.scatter * np.exp(-0.5 * ((_ABSOLUTE - kind.peak) / kind.scatter) ** 2)
            for kind in SUPERNOVA_TYPES.values()
        ]
    )
    odds *= volume
    return odds / odds.sum()


def draw_supernova(sight: Sight, rng: np.random.Generator) -> Target:
    """Supernova: type and distance by rates, luminosities and volume, host as the lists have it.

    Magnitudes at discovery and of the host are those of the CRTS list, drawn together, so that
    hosts run from bright spirals to ones too faint to be seen; the place in the host follows its
    light, where the survey could tell the star from it.
    """
    discovery, host_mag = draw_magnitudes(load_priors()["SN"], rng)
    return explode(sight, discovery, host_mag, rng)


def explode(sight: Sight, discovery: float, host_mag: float, rng: np.random.Generator) -> Target:
    """Make a supernova that had magnitude `discovery` when it was found.

    Parameters
    ----------
    sight : Sight
        When it is seen.
    discovery, host_mag : float
        Magnitude at discovery; of the host.
    rng : numpy.random.Generator
        Source of chance.
    """
    kind, absolute = _draw_type(discovery, rng)
    nature = SUPERNOVA_TYPES[kind]
    stretch = np.exp(nature.stretch_scatter * rng.standard_normal())
    found = rng.uniform(-8.0 * stretch, nature.latest * stretch)
    peak = discovery - float(curves.supernova(kind, np.array(found), stretch))
    modulus = peak - absolute
    redshift = redshift_of(modulus)
    phase = (sight.times - sight.discovery) / (1 + redshift) + found
    if kind == "SLSN":
        host_mag = modulus + _SLSN_HOST[0] + _SLSN_HOST[1] * rng.standard_normal()
    host_mag = max(host_mag, modulus + _BRIGHTEST_HOST)
    target = Target(
        kind,
        peak + curves.supernova(kind, phase, stretch),
        discovery,
        host_mag,
        facts={"REDSHIFT": redshift, "PEAKMAG": peak},
        temperature=np.interp(phase / stretch, *nature.temperature) / (1 + redshift),
    )
    if host_mag > _FAINTEST_HOST:
        return target
    host = draw_host(host_mag, modulus, redshift, rng)
    sites = replace(host, radius=host.radius * nature.offset)
    return replace(target, host=host, host_offset=place_in_host(sites, discovery, rng))


def _draw_type(discovery: float, rng: np.random.Generator) -> tuple[str, float]:
    """Draw type and absolute magnitude at peak by their odds."""
    odds = type_odds(discovery)
    row = int(rng.choice(len(odds), p=odds.sum(axis=1)))
    absolute = float(rng.choice(_ABSOLUTE, p=odds[row] / odds[row].sum()))
    return list(SUPERNOVA_TYPES)[row], absolute + 0.1 * (rng.random() - 0.5)
