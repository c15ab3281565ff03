"""The class OTHER: many kinds under one name, in the shares of the public CRTS lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from taonet_core.simulation import curves
from taonet_core.simulation.galaxies import draw_host, redshift_of
from taonet_core.simulation.populations import (
    Sight,
    Target,
    draw_magnitudes,
    draw_quantile,
    explode,
    load_priors,
    outbursts,
)


def draw_other(sight: Sight, rng: np.random.Generator) -> Target:
    """Draw what the release calls OTHER: kind by its share in the CRTS lists, then the object.

    Over half are stars of high proper motion, which a catalogue search misses at their old place; a
    fifth are unknown.
    """
    kinds = load_priors()["OTHER"]["kinds"]
    counts = np.array([kind["n"] for kind in kinds.values()], dtype=float)
    name = str(rng.choice(list(kinds), p=counts / counts.sum()))
    return _KINDS[name](kinds[name], sight, rng)


def draw_proper_motion(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Star of high proper motion: constant light, moving.

    Most are of the LHS catalogue (Luyten 1979), whose limit is 0.5 arcsec a year, some of fainter
    lists. Numbers above a motion fall as its inverse square, between the inverse cube of stars
    spread evenly and what a magnitude limit leaves; here from 0.2 arcsec a year on, so that the
    median is 0.28 and one in six is above 0.5.
    """
    mag = draw_quantile(prior["discovery"], rng)
    total = min(0.2 * rng.random() ** (-1 / 2.0), 5.0)
    angle = 2 * np.pi * rng.random()
    motion = (float(total * np.cos(angle)), float(total * np.sin(angle)))
    mags = np.full(len(sight.times), mag)
    return Target(
        "proper_motion", mags, mag, mag, motion=motion, facts={"PMX": motion[0], "PMY": motion[1]}
    )


def draw_unknown(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Unknown: seen once or few times, too faint in quiescence to be studied.

    What they are is not known; they are drawn as supernovae, dwarf novae and single-night events in
    equal parts, the three explanations that the list's own doubtful labels give (SN/CV, SN/Ast).
    """
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 1.0)
    draw = rng.integers(3)
    if draw == 0:
        return explode("Ia", sight, discovery, quiescent, rng)
    if draw == 1:
        return outbursts(sight, discovery, quiescent, np.zeros(len(sight.times)), rng)
    mag = _one_night(sight, discovery, quiescent)
    drift = _drift(5.0, rng) if rng.random() < 0.5 else (0.0, 0.0)
    return Target("single_night", mag, discovery, quiescent, drift=drift)


def draw_ambiguous(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Doubtful, such as SN/CV: a faint supernova or a dwarf nova, in equal parts."""
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 1.0)
    if rng.random() < 0.5:
        return explode("Ia", sight, discovery, quiescent, rng)
    return outbursts(sight, discovery, quiescent, np.zeros(len(sight.times)), rng)


def draw_variable(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Variable star: RR Lyrae, eclipsing binary or irregular, in equal parts."""
    discovery, quiescent = draw_magnitudes(prior, rng)
    amplitude = float(np.clip(quiescent - discovery, 0.4, 3.0))
    shape = ("sawtooth", "eclipse", "irregular")[rng.integers(3)]
    if shape == "irregular":
        return _irregular("irregular", sight, discovery, discovery + amplitude, 60.0, rng)
    period = (
        0.55 + 0.07 * rng.standard_normal() if shape == "sawtooth" else 10 ** rng.normal(0.3, 0.5)
    )
    phase = 0.0 if shape == "sawtooth" else 0.25
    wave = curves.periodic(
        sight.times - sight.discovery, period=max(period, 0.2), phase=phase, shape=shape
    )
    mag = discovery + min(amplitude, 1.5) * wave
    return Target(shape, mag, discovery, discovery + amplitude, facts={"PERIOD": period})


def draw_mira(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Mira or semi-regular: a slow wave of 330 days and 1.2 to 3.2 mag, bright at discovery.

    Periods: Samus et al. 2017 (Astronomy Reports 61, 80). Amplitudes in the unfiltered, red-rich
    band are below those in V: the ten real curves scatter by 0.5 to 0.95 mag.
    """
    discovery = draw_quantile(prior["discovery"], rng)
    period = 330 * np.exp(0.3 * rng.standard_normal())
    amplitude = rng.uniform(1.2, 3.2)
    wave = curves.periodic(
        sight.times - sight.discovery, period=period, phase=rng.normal(0, 0.05), shape="sine"
    )
    mag = discovery + amplitude * wave
    return Target("mira", mag, discovery, discovery + amplitude, facts={"PERIOD": period})


def draw_yso(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Young star: irregular over weeks to years (Findeisen et al. 2015, ApJ 798, 89)."""
    discovery, quiescent = draw_magnitudes(prior, rng)
    tau = 10 ** rng.normal(1.7, 0.5)
    return _irregular("yso", sight, discovery, max(quiescent, discovery + 0.5), tau, rng)


def draw_nova(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Nova, in CRTS mostly of other galaxies: fast rise, power-law fall (Strope et al. 2010)."""
    discovery = draw_quantile(prior["discovery"], rng)
    decline = 20 * np.exp(0.8 * rng.standard_normal())
    found = rng.uniform(0, decline)
    peak = discovery - float(curves.nova(np.array(found), decline))
    mag = np.minimum(peak + curves.nova(sight.times - sight.discovery + found, decline), 23.0)
    return Target("nova", mag, discovery, 23.0, facts={"T2": decline})


def draw_tde(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Tidal disruption in the nucleus of a galaxy, half a magnitude fainter, give or take one.

    Peak near M = -19.5, shape: van Velzen et al. 2021 (ApJ 908, 4). The list's magnitude is taken
    for that of the peak; discovery is up to 30 days later.
    """
    peak = draw_quantile(prior["discovery"], rng)
    decline = 60 * np.exp(0.4 * rng.standard_normal())
    found = rng.uniform(-10, 30)
    phase = sight.times - sight.discovery + found
    modulus, host_mag = peak + 19.5, peak + rng.normal(0.5, 1.0)
    host = draw_host(host_mag, modulus, redshift_of(modulus), rng, bulge=0.6)
    mag = peak + curves.tidal_disruption(phase, decline)
    discovery = peak + float(curves.tidal_disruption(np.array(found), decline))
    return Target("tde", mag, discovery, host_mag, host=host)


def draw_comet(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Comet or asteroid: there for one night, moving between exposures."""
    discovery = draw_quantile(prior["discovery"], rng)
    mag = _one_night(sight, discovery, np.inf)
    return Target("comet", mag, discovery, np.inf, drift=_drift(25.0, rng))


def _one_night(sight: Sight, discovery: float, quiescent: float) -> np.ndarray:
    """Bright within a third of a day of discovery, quiescent otherwise."""
    return np.where(np.abs(sight.times - sight.discovery) < 0.33, discovery, quiescent)


def _drift(typical: float, rng: np.random.Generator) -> tuple[float, float]:
    """Apparent motion of a solar-system body, arcsec an hour; the main belt has about 30."""
    speed, angle = typical * np.exp(0.4 * rng.standard_normal()), 2 * np.pi * rng.random()
    return float(speed * np.cos(angle)), float(speed * np.sin(angle))


def _irregular(
    kind: str,
    sight: Sight,
    discovery: float,
    mean: float,
    tau: float,
    rng: np.random.Generator,
) -> Target:
    sigma = max((mean - discovery) / 2, 0.15)
    walk = curves.damped_walk(
        sight.times, tau=tau, sigma=sigma, start=(sight.discovery, discovery - mean), rng=rng
    )
    return Target(kind, mean + walk, discovery, mean, facts={"TAU": tau, "SIGMA": sigma})


_KINDS: dict[str, Callable[[dict[str, Any], Sight, np.random.Generator], Target]] = {
    "ambiguous": draw_ambiguous,
    "comet": draw_comet,
    "mira": draw_mira,
    "nova": draw_nova,
    "proper_motion": draw_proper_motion,
    "tde": draw_tde,
    "unknown": draw_unknown,
    "variable": draw_variable,
    "yso": draw_yso,
}
