"""What stands in the middle of the frames: one target drawn from the population of its class.

Numbers come from `priors.json` (fitted by ``benchmarks/fit_priors.py`` to real CRTS lists and light
curves) or from the literature that a docstring names. Nothing here depends on a classifier.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.labels import TransientClass
from taonet_core.simulation import curves
from taonet_core.simulation.galaxies import (
    distance_modulus,
    draw_field_galaxy,
    draw_host,
    is_galaxy,
    place_in_host,
    redshift_of,
)
from taonet_core.simulation.scene import Galaxy

_TINY = 1e-3


@dataclass(frozen=True, eq=False)
class Target:
    """The object that a sequence is about.

    Attributes
    ----------
    kind : str
        Subclass, such as ``"dwarf_nova"`` or ``"Ia"``.
    mag : ndarray, shape (T,), float64
        Magnitude of the point source in each frame; infinite where it gives no light.
    discovery_mag, quiescent_mag : float
        At discovery; in quiescence (of the host, for a supernova).
    host : Galaxy, optional
        Galaxy it lies in.
    host_offset : (float, float)
        Host centre from the target, arcsec, along x and y.
    motion : (float, float)
        Proper motion, arcsec a year along x and y.
    drift : (float, float)
        Motion within a night, arcsec an hour (solar-system objects).
    facts : dict
        Whatever else is true of it, for the header.
    temperature : float or ndarray, shape (T,)
        Colour temperature of its light, K: `mag` is in V, and other bands follow a black body.
    """

    kind: str
    mag: NDArray[np.float64]
    discovery_mag: float
    quiescent_mag: float
    host: Galaxy | None = None
    host_offset: tuple[float, float] = (0.0, 0.0)
    motion: tuple[float, float] = (0.0, 0.0)
    drift: tuple[float, float] = (0.0, 0.0)
    facts: dict[str, float] = field(default_factory=dict)
    temperature: float | NDArray[np.float64] = 6500.0


@dataclass(frozen=True, eq=False)
class Sight:
    """When and through what the target is seen.

    Attributes
    ----------
    times : ndarray, shape (T,), float64
        MJD of the frames.
    discovery : float
        MJD of its discovery, in the window or not.
    latitude, longitude : float
        Galactic, degrees.
    wavelength : float or ndarray, shape (T,)
        Effective wavelength of the filter of each frame, nm: quasars vary less in the red.
    """

    times: NDArray[np.float64]
    discovery: float
    latitude: float
    longitude: float
    wavelength: float | NDArray[np.float64] = 551.0


@lru_cache(maxsize=1)
def load_priors() -> dict[str, Any]:
    """Return the fitted numbers of `priors.json`."""
    path = files("taonet_core.simulation").joinpath("priors.json")
    return json.loads(path.read_text(encoding="utf-8"))


def draw_quantile(table: list[float], rng: np.random.Generator) -> float:
    """Draw from a distribution given as quantiles at the grid of `priors.json`."""
    return float(np.interp(rng.random(), load_priors()["grid"], table))


def draw_latitude(label: TransientClass, minimum: float, rng: np.random.Generator) -> float:
    """Draw an absolute galactic latitude, degrees, from the class's place on the real sky."""
    return max(draw_quantile(load_priors()[label]["latitude"], rng), minimum)


def draw_magnitudes(prior: dict[str, Any], rng: np.random.Generator) -> tuple[float, float]:
    """Draw discovery and quiescent magnitude together, with their rank correlation."""
    rho = prior.get("rank_correlation", 0.0)
    first, second = rng.standard_normal(2)
    second = rho * first + sqrt(1 - rho**2) * second
    grid = load_priors()["grid"]
    ranks = [0.5 * (1 + erf(z / sqrt(2))) for z in (first, second)]
    discovery = float(np.interp(ranks[0], grid, prior["discovery"]))
    quiescent = float(np.interp(ranks[1], grid, prior.get("quiescent", [23.0] * len(grid))))
    return discovery, quiescent


def draw_agn(sight: Sight, rng: np.random.Generator) -> Target:
    """Active galactic nucleus: a damped random walk, bright at discovery.

    Walk parameters are fitted to CRTS curves of AGN (35 objects); MacLeod et al. 2010 (ApJ 721,
    1014) find the same form. One in five lies below z = 0.35, where the host shows, the rest
    spread like bright quasars (median z 1.2; Schneider et al. 2010, AJ 139, 2360). Host: M_V =
    -21.3 +- 0.8 (Kim et al. 2017, ApJS 232, 21).
    """
    nearby = rng.random() < 0.2
    redshift = 0.04 + 0.31 * rng.random() if nearby else 1.2 * np.exp(0.5 * rng.standard_normal())
    return _walker("AGN", sight, redshift, -21.3 + 0.8 * rng.standard_normal(), 0.4, rng)


def draw_blazar(sight: Sight, rng: np.random.Generator) -> Target:
    """Blazar: a faster and larger random walk, bright at discovery.

    Walk parameters are fitted to CRTS curves of blazars (35 objects); redshifts as the transient
    list quotes them. Half are BL Lac objects in giant ellipticals of M_R = -22.9 +- 0.5
    (Sbarufatti, Treves & Falomo 2005, ApJ 635, 173); the hosts of the others are lost beside the
    jet.
    """
    redshift = draw_quantile(load_priors()["BZ"]["redshift"], rng)
    host = -22.3 + 0.5 * rng.standard_normal() if rng.random() < 0.5 else -18.0
    return _walker("BZ", sight, redshift, host, 1.0, rng)


def _walker(
    name: str,
    sight: Sight,
    redshift: float,
    host_mag: float,
    bulge: float,
    rng: np.random.Generator,
) -> Target:
    """Nucleus with a random walk of the total light, on a host that is part of that light."""
    prior = load_priors()[name]
    discovery, quiescent = draw_magnitudes(prior, rng)
    mean = max(quiescent, discovery + 0.1)
    walk = prior["walk"]
    first, second = rng.standard_normal(2)
    second = walk["correlation"] * first + np.sqrt(1 - walk["correlation"] ** 2) * second
    tau = 10 ** (walk["log_tau"][0] + walk["log_tau"][1] * first)
    sigma = 10 ** (walk["log_sigma"][0] + walk["log_sigma"][1] * second)
    total = mean + curves.damped_walk(
        sight.times, tau=tau, sigma=sigma, start=(sight.discovery, discovery - mean), rng=rng
    )
    modulus = distance_modulus(redshift)
    apparent = max(host_mag + modulus + 1.5 * redshift, mean + 0.3)
    host = draw_host(apparent, modulus, redshift, rng, bulge=bulge) if apparent < 22.5 else None
    flux = 10 ** (-0.4 * total)
    if host is not None:
        flux = np.maximum(flux - 10 ** (-0.4 * host.mag), 0.02 * flux)
    facts = {"TAU": tau, "SIGMA": sigma, "REDSHIFT": redshift}
    return Target(name.lower(), -2.5 * np.log10(flux), discovery, mean, host=host, facts=facts)


def draw_cv(sight: Sight, rng: np.random.Generator) -> Target:
    """Cataclysmic variable: nine dwarf novae in ten, polars and VY Scl stars.

    Shares after Drake et al. 2014 (MNRAS 441, 1186) and Breedt et al. 2014 (MNRAS 443, 3174); the
    recurrence of outbursts in CRTS has a median of 138 days (Coppejans et al. 2016, MNRAS 456,
    4441), longer where the amplitude is larger (Kukarkin-Parenago relation; Warner 1995, eq. 3.1).
    """
    prior = load_priors()["CV"]
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 1.0)
    flicker = np.minimum(draw_quantile(prior["quiescent_scatter"], rng), 0.6)
    noise = flicker * rng.standard_normal(len(sight.times))
    amplitude = quiescent - discovery
    draw = rng.random()
    if draw < 0.9:
        return outbursts(sight, discovery, quiescent, noise, rng)
    kind, dwell = ("polar", 250.0) if draw < 0.96 else ("novalike", 700.0)
    depth = min(amplitude, 3.5)
    below = curves.two_states(
        sight.times, depth=depth, dwell=dwell, discovery=sight.discovery, rng=rng
    )
    if kind == "polar":  # cyclotron beaming over an orbit of about two hours
        period = 0.08 * np.exp(0.2 * rng.standard_normal())
        below = below + 0.5 * curves.periodic(
            sight.times, period=period, phase=rng.random(), shape="sine"
        )
    return Target(kind, discovery + below + 0.5 * noise, discovery, discovery + depth)


def outbursts(
    sight: Sight,
    discovery: float,
    quiescent: float,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Target:
    """Make a dwarf nova; its flicker `noise` drowns in the light of the outburst."""
    amplitude = quiescent - discovery
    recurrence = 138 * np.exp(0.45 * (amplitude - 3.2) + 0.7 * rng.standard_normal())
    recurrence = float(np.clip(recurrence, 15, 10_000))
    above = curves.dwarf_nova(
        sight.times,
        amplitude=amplitude,
        recurrence=recurrence,
        discovery=sight.discovery,
        rng=rng,
    )
    mag = quiescent - above + noise * np.exp(-above / 2)
    return Target("dwarf_nova", mag, discovery, quiescent, facts={"RECUR": recurrence})


# Peak absolute magnitude and scatter in V (Richardson et al. 2014, AJ 147, 118), scatter of the
# stretch, and latest phase of discovery in days: a survey that comes back every two weeks finds
# them around peak.
_SN_TYPES: dict[str, tuple[float, float, float, float]] = {
    "Ia": (-19.1, 0.45, 0.10, 20.0),
    "Ibc": (-17.5, 0.8, 0.15, 18.0),
    "IIP": (-16.8, 0.9, 0.15, 60.0),
    "IIn": (-18.5, 0.9, 0.30, 50.0),
    "SLSN": (-21.5, 0.5, 0.25, 40.0),
}


def draw_supernova(sight: Sight, rng: np.random.Generator) -> Target:
    """Supernova: type by its share among CRTS's typed ones, in a host of the observed brightness.

    Shares are the counts of the Open Supernova Catalog for CRTS, close to those of
    magnitude-limited samples (Li et al. 2011, MNRAS 412, 1441; Perley et al. 2020, ApJ 904, 35).
    The luminosity function is shifted bright by 1.38 sigma squared, as a magnitude limit does
    (Malmquist 1922). Host magnitudes are those the transient list quotes; the place in the host
    follows its light, where the survey could see the star above it.
    """
    prior = load_priors()["SN"]
    discovery, host_mag = draw_magnitudes(prior, rng)
    counts = np.array(list(prior["types"].values()), dtype=float)
    kind = str(rng.choice(list(prior["types"]), p=counts / counts.sum()))
    return explode(kind, sight, discovery, host_mag, rng)


def explode(
    kind: str, sight: Sight, discovery: float, host_mag: float, rng: np.random.Generator
) -> Target:
    """Make a supernova of type `kind` that had magnitude `discovery` when it was found."""
    mean, scatter, spread, latest = _SN_TYPES[kind]
    absolute = mean - 1.38 * scatter**2 + scatter * rng.standard_normal()
    stretch = np.exp(spread * rng.standard_normal())
    found = rng.uniform(-8.0 * stretch, latest * stretch)
    peak = discovery - float(curves.supernova(kind, np.array(found), stretch))
    redshift = redshift_of(peak - absolute)
    phase = (sight.times - sight.discovery) / (1 + redshift) + found
    mag = peak + curves.supernova(kind, phase, stretch)
    host = draw_host(host_mag, peak - absolute, redshift, rng) if host_mag < 23.5 else None
    offset = place_in_host(host, discovery, rng) if host is not None else (0.0, 0.0)
    facts = {"REDSHIFT": redshift, "PEAKMAG": peak}
    return Target(kind, mag, discovery, host_mag, host=host, host_offset=offset, facts=facts)


def draw_field_source(sight: Sight, rng: np.random.Generator) -> Target:
    """Non-transient: a star or galaxy of the field, constant or mildly variable.

    Magnitudes and excess scatter are those of CRTS field sources (2,490 objects).
    """
    prior = load_priors()["NON"]
    mag = draw_quantile(prior["magnitude"], rng)
    if is_galaxy(mag, sight.latitude, sight.longitude, rng):
        host = draw_field_galaxy(mag, rng)
        none = np.full(len(sight.times), np.inf)
        return Target("galaxy", none, mag, mag, host=host)
    scatter = draw_quantile(prior["excess"], rng)
    mags = np.full(len(sight.times), mag)
    if scatter > _TINY:
        period = 0.5 * np.exp(0.8 * rng.standard_normal())
        wave = curves.periodic(sight.times, period=period, phase=rng.random(), shape="sine") - 0.5
        mags = mags + 2 * np.sqrt(2) * scatter * wave
    return Target("star", mags, mag, mag, facts={"SCATTER": scatter})
