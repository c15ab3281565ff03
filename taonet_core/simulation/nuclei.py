"""Active galactic nuclei and blazars: damped random walks, with flares where there is a jet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from taonet_core.simulation import curves
from taonet_core.simulation.colors import V_WAVELENGTH
from taonet_core.simulation.galaxies import distance_modulus, draw_host
from taonet_core.simulation.targets import (
    Sight,
    Target,
    draw_quantile,
    load_priors,
)

#: Colour temperature of what varies in quasars, K: over the optical its black body rises with
#: frequency to the power 0.4, near the 1/3 of an accretion disk (Shakura & Sunyaev 1973, A&A 24,
#: 337). The composite spectrum is redder (power -0.44: Vanden Berk et al. 2001, AJ 122, 549).
QUASAR_TEMPERATURE = 11_000.0
_FAINTEST_HOST = 22.5
#: Slopes of log10 tau and log10 sigma with log10 rest wavelength, M_i, and log10 black-hole mass
#: (MacLeod et al. 2010, ApJ 721, 1014).
_TAU_SLOPES = (0.17, 0.03, 0.21)
_SIGMA_SLOPES = (-0.479, 0.131, 0.18)
#: Means over the AGN drawn here, about which the slopes turn; the share of the fitted scatter of
#: log10 tau and log10 sigma that the slopes leave unexplained (both by simulation).
_PIVOT = (-0.30, -23.5, 8.36)
_UNEXPLAINED = (0.98, 0.79)
#: Luminosities beyond these were not studied.
_LUMINOSITIES = (-28.0, -22.0)
#: Share of a blazar's variance that is flares, how many it has a day, and their decay, in units of
#: the damping time of the walk.
_FLARE_SHARE, _FLARE_RATE, _FLARE_DECAY = 0.3, 1.5 / 365.25, 0.2


def draw_agn(sight: Sight, rng: np.random.Generator) -> Target:
    """Active galactic nucleus: a damped random walk, bright at discovery.

    Mean and scatter of the walk's parameters are fitted to CRTS curves of AGN (35 objects); within
    that scatter they follow wavelength, luminosity and black-hole mass as in stripe 82 (MacLeod et
    al. 2010, ApJ 721, 1014). One in five lies below z = 0.35, where the host shows, the rest
    spread about z = 1.2, as bright quasars do. Hosts have M_V = -21.3 +- 0.8, after those of nearby
    type 1 AGN (Kim et al. 2017, ApJS 232, 21).
    """
    prior = load_priors()["AGN"]
    nearby = rng.random() < 0.2
    redshift = 0.04 + 0.31 * rng.random() if nearby else 1.2 * np.exp(0.5 * rng.standard_normal())
    discovery = draw_quantile(prior["discovery"], rng)
    mean = discovery + draw_quantile(prior["brightening"], rng)
    tau, sigma = quasar_walk(prior["walk"], mean, redshift, rng)
    host = -21.3 + 0.8 * rng.standard_normal()
    deviation = curves.damped_walk(
        sight.times, tau=tau, sigma=sigma, start=(sight.discovery, discovery - mean), rng=rng
    )
    deviation = deviation * (np.asarray(sight.wavelength) / V_WAVELENGTH) ** _SIGMA_SLOPES[0]
    facts = {"TAU": tau, "SIGMA": sigma, "REDSHIFT": redshift}
    nucleus = Target(
        "agn", mean + deviation, discovery, mean, facts=facts, temperature=QUASAR_TEMPERATURE
    )
    return _on_host(nucleus, (redshift, host, 0.4), rng)


def draw_blazar(sight: Sight, rng: np.random.Generator) -> Target:
    """Blazar: a faster and larger random walk with flares, bright at discovery.

    The parameters of the walk are fitted to CRTS curves of blazars (35 objects); three tenths of
    its variance are given to flares that rise and fall exponentially, as Valtaoja et al. 1999 (ApJS
    120, 95) describe them. Redshifts as the transient list quotes them. Half are BL Lac objects in
    giant ellipticals of M_R = -22.9 +- 0.5 (Sbarufatti, Treves & Falomo 2005, ApJ 635, 173); the
    hosts of the others are lost beside the jet.
    """
    prior = load_priors()["BZ"]
    redshift = draw_quantile(prior["redshift"], rng)
    lacertid = rng.random() < 0.5
    host = -22.3 + 0.5 * rng.standard_normal() if lacertid else -18.0
    discovery = draw_quantile(prior["discovery"], rng)
    mean = discovery + draw_quantile(prior["brightening"], rng)
    tau, sigma = _draw_walk(prior["walk"], (0.0, 0.0), (1.0, 1.0), rng)
    decay = _FLARE_DECAY * tau
    flares = curves.flares(
        np.append(sight.times, sight.discovery),
        rate=_FLARE_RATE,
        height=sigma * np.sqrt(_FLARE_SHARE / (curves.FLARE_WIDTH * _FLARE_RATE * decay)),
        decay=decay,
        rng=rng,
    )
    flares -= np.median(flares)
    walk = curves.damped_walk(
        sight.times,
        tau=tau,
        sigma=sigma * np.sqrt(1 - _FLARE_SHARE),
        start=(sight.discovery, discovery - mean + float(flares[-1])),
        rng=rng,
    )
    facts = {"TAU": tau, "SIGMA": sigma, "REDSHIFT": redshift}
    total = mean + walk - flares[:-1]
    kind, temperature = ("bl_lac", 6000.0) if lacertid else ("fsrq", 7500.0)
    return _on_host(
        Target(kind, total, discovery, mean, facts=facts, temperature=temperature),
        (redshift, host, 1.0),
        rng,
    )


def quasar_walk(
    walk: dict[str, Any], mag: float, redshift: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Damping time and long-term scatter of a quasar seen in V.

    Parameters
    ----------
    walk : dict
        Fitted mean and scatter of log10 tau and log10 sigma, and their correlation.
    mag, redshift : float
        Mean apparent magnitude; redshift.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    tau, sigma : float
        Days in the observer's frame; magnitudes.

    Notes
    -----
    Black-hole masses given the luminosity are those MacLeod et al. 2010 use: log10 of them is
    2.0 - 0.27 M_i, with a scatter of 0.58 + 0.011 M_i. CRTS lists what varies strongly, so the
    level is that of its curves, and stripe 82 gives the slopes alone. Curves were fitted in the
    observer's frame: the mean holds time dilation, its spread with redshift is part of the scatter.
    """
    absolute = mag - distance_modulus(redshift) + 2.5 * np.log10(1 + redshift)
    absolute = float(np.clip(absolute, *_LUMINOSITIES))
    mass = 2.0 - 0.27 * absolute + (0.58 + 0.011 * absolute) * rng.standard_normal()
    from_pivot = np.array([-np.log10(1 + redshift), absolute, mass]) - _PIVOT
    offsets = (float(from_pivot @ _TAU_SLOPES), float(from_pivot @ _SIGMA_SLOPES))
    return _draw_walk(walk, offsets, _UNEXPLAINED, rng)


def _draw_walk(
    walk: dict[str, Any],
    offsets: tuple[float, float],
    unexplained: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Damping time and scatter: fitted mean, offset from it, and what is left to chance."""
    first, second = rng.standard_normal(2)
    second = walk["correlation"] * first + np.sqrt(1 - walk["correlation"] ** 2) * second
    (tau, tau_scatter), (sigma, sigma_scatter) = walk["log_tau"], walk["log_sigma"]
    return (
        10 ** (tau + offsets[0] + unexplained[0] * tau_scatter * first),
        10 ** (sigma + offsets[1] + unexplained[1] * sigma_scatter * second),
    )


def _on_host(
    nucleus: Target, galaxy: tuple[float, float, float], rng: np.random.Generator
) -> Target:
    """Put a nucleus whose `mag` is the total light into its host, which is part of that light.

    `galaxy` holds redshift, absolute magnitude and share of the bulge.
    """
    redshift, absolute, bulge = galaxy
    modulus = distance_modulus(redshift)
    apparent = max(absolute + modulus + 1.5 * redshift, nucleus.quiescent_mag + 0.3)
    if apparent > _FAINTEST_HOST:
        return nucleus
    host = draw_host(apparent, modulus, redshift, rng, bulge=bulge)
    flux = 10 ** (-0.4 * nucleus.mag)
    point = np.maximum(flux - 10 ** (-0.4 * host.mag), 0.02 * flux)
    return replace(nucleus, mag=-2.5 * np.log10(point), host=host)
