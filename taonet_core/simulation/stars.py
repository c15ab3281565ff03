"""Stars among the OTHER: moving, pulsating, eclipsing, flaring, young."""

from __future__ import annotations

from typing import Any

import numpy as np

from taonet_core.simulation import curves
from taonet_core.simulation.targets import (
    Sight,
    Target,
    draw_magnitudes,
    draw_quantile,
)

#: Colour temperatures, K.
_RED_DWARF, _FLARE, _GIANT = 3300.0, 10_000.0, 2900.0


def draw_proper_motion(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Star of high proper motion: constant light, moving.

    How many move by more than 1 and 0.5 arcsec a year is read off their names: the LHS catalogue
    (Luyten 1979) numbers the former below 1000. The rest is spread down to 0.2. Above 1, numbers
    fall as the cube, as for stars spread evenly. Most are red dwarfs, one in eight a white dwarf.
    """
    mag = draw_quantile(prior["discovery"], rng)
    fast, slower = prior["above_one"], prior["above_half"]
    draw = rng.random()
    if draw < fast:
        total = min(rng.random() ** (-1 / 3), 5.0)
    else:
        low, high = (0.5, 1.0) if draw < slower else (0.2, 0.5)
        total = low * (high / low) ** rng.random()
    angle = 2 * np.pi * rng.random()
    motion = (float(total * np.cos(angle)), float(total * np.sin(angle)))
    return Target(
        "proper_motion",
        np.full(len(sight.times), mag),
        mag,
        mag,
        motion=motion,
        facts={"PMX": motion[0], "PMY": motion[1]},
        temperature=8000.0 if rng.random() < 0.12 else _RED_DWARF,
    )


def draw_flare(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Flare of an M dwarf: an hour of blue light, else constant and red.

    Shape: Davenport et al. 2014 (ApJ 797, 122). A survey that takes four exposures in half an hour
    notices the long ones: half an hour above half the peak, give or take a factor of two.
    """
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 0.4)
    half_width = 0.02 * np.exp(0.6 * rng.standard_normal())
    since = half_width * rng.exponential(0.5)
    share = curves.stellar_flare(sight.times - sight.discovery + since, half_width)
    share = share / float(curves.stellar_flare(np.array(since), half_width))
    boost = (10 ** (0.4 * (quiescent - discovery)) - 1) * share
    mag = quiescent - 2.5 * np.log10(1 + boost)
    temperature = _RED_DWARF + (_FLARE - _RED_DWARF) * boost / (1 + boost)
    facts = {"WIDTH": 24 * half_width}
    return Target("flare", mag, discovery, quiescent, facts=facts, temperature=temperature)


def draw_mira(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Mira: a slow wave of 330 days and 1.2 to 3.2 mag, bright at discovery, no two cycles alike.

    Periods: Samus et al. 2017 (Astronomy Reports 61, 80). Amplitudes in the unfiltered, red-rich
    band are below those in V: the real curves scatter by 0.5 to 0.95 mag.
    """
    return _giant("mira", prior, sight, 330 * np.exp(0.3 * rng.standard_normal()), (1.2, 3.2), rng)


def draw_semi_regular(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Semi-regular or carbon star: 50 to 400 days, out of step.

    A search for outbursts lists those of large amplitude: its five real curves of long-period and
    carbon stars scatter by 0.7 to 1 mag.
    """
    period = 150 * np.exp(0.5 * rng.standard_normal())
    return _giant("semi_regular", prior, sight, period, (0.8, 2.4), rng)


def _giant(
    kind: str,
    prior: dict[str, Any],
    sight: Sight,
    period: float,
    amplitudes: tuple[float, float],
    rng: np.random.Generator,
) -> Target:
    discovery, amplitude = draw_quantile(prior["discovery"], rng), rng.uniform(*amplitudes)
    since, phase = sight.times - sight.discovery, rng.normal(0, 0.05)
    shape = "mira" if kind == "mira" else "sine"
    mag = discovery + amplitude * curves.periodic(since, period=period, phase=phase, shape=shape)
    # From cycle to cycle the height changes by a tenth (Miras) or a third of the amplitude.
    wander = amplitude * (0.1 if kind == "mira" else 0.3)
    start = (sight.discovery, 0.0)
    mag = mag + curves.damped_walk(sight.times, tau=period, sigma=wander, start=start, rng=rng)
    facts = {"PERIOD": period}
    quiet = discovery + amplitude
    return Target(kind, mag, discovery, quiet, facts=facts, temperature=_GIANT)


def draw_rr_lyrae(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """RR Lyrae of type ab, or c in one of four: half a day or a third, bright and blue together."""
    discovery = draw_quantile(prior["discovery"], rng)
    overtone = rng.random() < 0.25
    centre, spread = (0.32, 0.04) if overtone else (0.56, 0.07)
    period = centre + spread * rng.standard_normal()
    amplitude = rng.uniform(0.3, 0.55) if overtone else rng.uniform(0.5, 1.2)
    wave = curves.periodic(
        sight.times - sight.discovery,
        period=max(period, 0.2),
        phase=0.05 * rng.standard_normal(),
        shape="sine" if overtone else "sawtooth",
    )
    return Target(
        "rr_lyrae",
        discovery + amplitude * wave,
        discovery,
        discovery + amplitude,
        facts={"PERIOD": period},
        temperature=7500.0 - 1300.0 * wave,
    )


def draw_eclipsing(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Eclipsing binary: in contact (a quarter to half a day), or of Algol's kind (days)."""
    discovery = draw_quantile(prior["discovery"], rng)
    contact = rng.random() < 0.5
    period = 0.35 * np.exp(0.2 * rng.standard_normal()) if contact else 10 ** rng.normal(0.4, 0.4)
    amplitude = rng.uniform(0.3, 0.9) if contact else rng.uniform(0.4, 2.5)
    wave = curves.periodic(
        sight.times - sight.discovery,
        period=float(period),
        phase=0.25,
        shape="contact" if contact else "algol",
    )
    mag = discovery + amplitude * wave
    facts = {"PERIOD": float(period)}
    temperature = 5500.0 if contact else 7000.0
    quiet = discovery + amplitude
    return Target("eclipsing", mag, discovery, quiet, facts=facts, temperature=temperature)


def draw_irregular(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Variable without a type: irregular over weeks to months."""
    discovery, quiescent = draw_magnitudes(prior, rng)
    amplitude = float(np.clip(quiescent - discovery, 0.4, 3.0))
    return _irregular("irregular", sight, discovery, discovery + amplitude, 60.0, rng)


def draw_yso(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Young star: irregular over weeks to years, as a damped random walk.

    Without a period, as the curves that Findeisen et al. 2015 (ApJ 798, 89) discuss. The real ones
    of the lists scatter by 0.3 to 0.9 mag, less than the quoted magnitudes would suggest.
    """
    discovery, quiescent = draw_magnitudes(prior, rng)
    tau = 10 ** rng.normal(1.7, 0.5)
    amplitude = float(np.clip(quiescent - discovery, 0.5, 1.8))
    return _irregular("yso", sight, discovery, discovery + amplitude, tau, rng)


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
    facts = {"TAU": tau, "SIGMA": sigma}
    return Target(kind, mean + walk, discovery, mean, facts=facts, temperature=4000.0)
