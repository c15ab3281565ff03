"""Sources of the field: constant and mildly variable stars, galaxies, and what lies beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taonet_core.simulation import curves
from taonet_core.simulation.galaxies import (
    draw_field_galaxy,
    draw_star_temperatures,
    galaxy_counts,
    is_galaxy,
)
from taonet_core.simulation.nuclei import QUASAR_TEMPERATURE, quasar_walk
from taonet_core.simulation.scene import Galaxy
from taonet_core.simulation.targets import Sight, Target, draw_quantile, load_priors

#: Full amplitude from which a star is called variable, magnitudes.
_VARIABLE = 0.08
#: Share of field sources that are parts of a galaxy which the catalogue lists on their own: HII
#: regions, clusters, blends. Large galaxies shed them wherever sources are extracted.
_KNOT_SHARE = 0.04
#: Share of point sources that strongly vary, and the scatter of quasars nobody was alerted to.
_PULSATING_SHARE = 0.004
_CALM_QUASARS = {"log_tau": (2.4, 0.4), "log_sigma": (-0.8, 0.2), "correlation": 0.2}
_BRIGHTEST, _FAINTEST = 13.0, 20.5


def draw_field_source(sight: Sight, rng: np.random.Generator) -> Target:
    """Non-transient: a star, galaxy, quasar or knot of a galaxy, constant or mildly variable.

    Magnitudes and excess scatter are those of CRTS field sources (2,490 objects); stars and
    galaxies stand in the ratio of their counts at that magnitude and latitude.
    """
    prior = load_priors()["NON"]
    mag = draw_quantile(prior["magnitude"], rng)
    constant = np.full(len(sight.times), mag)
    if rng.random() < _KNOT_SHARE:
        host = (beside_galaxy(rng, brightest=mag - 5.0, faintest=mag - 0.5),)
        return Target("knot", constant, mag, mag, neighbours=host, temperature=8000.0)
    if is_galaxy(mag, sight.latitude, sight.longitude, rng):
        galaxy, none = draw_field_galaxy(mag, rng), np.full(len(sight.times), np.inf)
        return Target("galaxy", none, mag, mag, host=galaxy)
    if rng.random() < _quasar_share(mag, sight):
        return _calm_quasar(mag, sight, rng)
    return _star(mag, draw_quantile(prior["excess"], rng), sight, rng)


def _star(mag: float, scatter: float, sight: Sight, rng: np.random.Generator) -> Target:
    """Star: constant but for the small waves that the bright real ones show, seldom an RR Lyrae."""
    temperature = float(draw_star_temperatures(mag, sight.latitude, sight.longitude, rng))
    period, shape = 0.5 * np.exp(0.8 * rng.standard_normal()), "sine"
    amplitude = 2 * np.sqrt(2) * scatter
    if rng.random() < _PULSATING_SHARE:
        period, shape = 0.45 + 0.2 * rng.random(), "sawtooth"
        amplitude, temperature = rng.uniform(0.4, 1.1), 6800.0
    wave = curves.periodic(sight.times, period=period, phase=rng.random(), shape=shape) - 0.5
    kind = "variable_star" if amplitude > _VARIABLE else "star"
    facts = {"PERIOD": period, "AMPLITUDE": amplitude}
    return Target(kind, mag + amplitude * wave, mag, mag, facts=facts, temperature=temperature)


def _quasar_share(mag: float, sight: Sight) -> float:
    """Share of quasars among point sources: a few in a hundred at 19, fewer in the disk.

    From some 10 quasars a square degree brighter than 19 (Croom et al. 2009, MNRAS 399, 1755), each
    magnitude with three to five times those of the one before, and the star counts.
    """
    at_pole = np.interp(mag, [16.0, 17.0, 18.0, 19.0, 20.0], [0.0, 0.002, 0.01, 0.03, 0.06])
    return float(at_pole * np.sin(np.radians(abs(sight.latitude))))


def _calm_quasar(mag: float, sight: Sight, rng: np.random.Generator) -> Target:
    """Quasar whose variations never called for an alert (MacLeod et al. 2010, ApJ 721, 1014)."""
    redshift = 1.4 * np.exp(0.4 * rng.standard_normal())
    tau, sigma = quasar_walk(_CALM_QUASARS, mag, redshift, rng)
    start = (float(sight.times[0]), sigma * rng.standard_normal())
    walk = curves.damped_walk(sight.times, tau=tau, sigma=sigma, start=start, rng=rng)
    facts = {"TAU": tau, "SIGMA": sigma, "REDSHIFT": redshift}
    return Target("quasar", mag + walk, mag, mag, facts=facts, temperature=QUASAR_TEMPERATURE)


def beside_galaxy(
    rng: np.random.Generator, *, brightest: float = _BRIGHTEST, faintest: float = _FAINTEST
) -> tuple[Galaxy, float, float]:
    """Draw a galaxy that the target happens to lie upon or beside.

    Its magnitude follows the counts times the sky that a galaxy of that magnitude covers; the place
    is uniform over the ellipse of three half-light radii, at least two arcsec from the centre.

    Returns
    -------
    (Galaxy, float, float)
        Centre as seen from the target, arcsec along x and y.
    """
    brightest = max(brightest, 11.0)
    faintest = max(faintest, brightest + 0.5)
    mags = np.linspace(brightest, faintest, 50)
    counts = np.array([galaxy_counts(float(mag)) for mag in mags])
    covered = counts * 10 ** (-0.3 * (mags - mags[0]))  # sizes fall as about 10^(-0.15 mag)
    galaxy = draw_field_galaxy(float(rng.choice(mags, p=covered / covered.sum())), rng)
    radius = max(3 * galaxy.radius * np.sqrt(rng.random()), 2.0)
    turn = 2 * np.pi * rng.random()
    along, across = radius * np.cos(turn), radius * np.sin(turn) * galaxy.axis_ratio
    cos, sin = np.cos(galaxy.angle), np.sin(galaxy.angle)
    return galaxy, float(along * cos - across * sin), float(along * sin + across * cos)


def put_beside(target: Target, rng: np.random.Generator) -> Target:
    """Return the target with a galaxy beside it that has nothing to do with it."""
    return replace(target, neighbours=(*target.neighbours, beside_galaxy(rng)))
