"""Cataclysmic variables: dwarf novae, polars and novalikes, a few of them eclipsing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation import curves
from taonet_core.simulation.targets import (
    Sight,
    Target,
    draw_magnitudes,
    draw_quantile,
    load_priors,
)

#: Kinds and shares. Dwarf novae dominate what a transient search lists (Drake et al. 2014, MNRAS
#: 441, 1186; Breedt et al. 2014, MNRAS 443, 3174), most of them below the period gap.
_SHARES = {"su_uma": 0.64, "wz_sge": 0.08, "u_gem": 0.21, "polar": 0.05, "novalike": 0.02}
_ECLIPSING = 0.08
_FLICKER_DAYS = 5.0
#: Light in quiescence is that of the disk and white dwarf, in outburst that of a hot disk, K.
_QUIET_TEMPERATURE, _OUTBURST_TEMPERATURE = 8000.0, 13_000.0


def draw_cv(sight: Sight, rng: np.random.Generator) -> Target:
    """Cataclysmic variable of one kind, by the shares above.

    One in twelve is seen edge on and eclipses. The amplitude of outbursts is that of the lists: the
    discovery and quiescent magnitudes are drawn together.
    """
    prior = load_priors()["CV"]
    kind = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 1.0)
    noise = _flicker(sight, min(draw_quantile(prior["quiescent_scatter"], rng), 0.6), rng)
    if kind in ("polar", "novalike"):
        target = _two_states(kind, sight, discovery, quiescent, 0.5 * noise, rng)
    else:
        target = outbursts(kind, sight, discovery, quiescent, noise, rng)
    return _eclipse(target, sight, rng) if rng.random() < _ECLIPSING else target


def _flicker(sight: Sight, scatter: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Restlessness in quiescence: `scatter` over days, and a few hundredths within a night.

    Within a night real curves scatter by 0.03 to 0.06 mag beyond their noise, a few by much more.
    """
    start = (float(sight.times[0]), scatter * rng.standard_normal())
    slow = curves.damped_walk(sight.times, tau=_FLICKER_DAYS, sigma=scatter, start=start, rng=rng)
    fast = 0.04 * np.exp(0.6 * rng.standard_normal())
    return slow + fast * rng.standard_normal(len(sight.times))


def orbital_period(kind: str, rng: np.random.Generator) -> float:
    """Draw an orbital period, days: below the gap of two to three hours or above it.

    Spread as in Gaensicke et al. 2009 (MNRAS 397, 2170): WZ Sge stars pile up at 80 to 86 minutes.
    """
    hours = {
        "su_uma": 1.65 * np.exp(0.15 * rng.standard_normal()),
        "wz_sge": 1.38 * np.exp(0.03 * rng.standard_normal()),
        "polar": 1.9 * np.exp(0.2 * rng.standard_normal()),
    }.get(kind, 4.0 * np.exp(0.25 * rng.standard_normal()))
    return float(hours) / 24


def outbursts(
    kind: str,
    sight: Sight,
    discovery: float,
    quiescent: float,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Target:
    """Make a dwarf nova; its flicker `noise` drowns in the light of the outburst.

    The recurrence of outbursts in CRTS has a median of 138 days (Coppejans et al. 2016, MNRAS 456,
    4441), longer where the amplitude is larger (the relation of Kukarkin and Parenago; Warner 1995,
    Cataclysmic Variable Stars). WZ Sge stars wait for years or decades. Declines take longer where
    the orbit does (Bailey 1975; Warner 1995).
    """
    amplitude = quiescent - discovery
    period = orbital_period(kind, rng)
    if kind == "wz_sge":
        recurrence = 3000 * np.exp(0.6 * rng.standard_normal())
    else:
        recurrence = 138 * np.exp(0.45 * (amplitude - 3.2) + 0.7 * rng.standard_normal())
    recurrence = float(np.clip(recurrence, 12, 10_000))
    above = curves.dwarf_nova(
        sight.times,
        kind=kind,
        amplitude=amplitude,
        recurrence=recurrence,
        decline=0.53 * (24 * period) ** 0.84,
        discovery=sight.discovery,
        rng=rng,
    )
    mag = quiescent - above + noise * np.exp(-above / 2)
    hot = 1 - 10 ** (-0.4 * above)
    temperature = _QUIET_TEMPERATURE + (_OUTBURST_TEMPERATURE - _QUIET_TEMPERATURE) * hot
    facts = {"RECUR": recurrence, "ORBIT": period}
    return Target(kind, mag, discovery, quiescent, facts=facts, temperature=temperature)


def _two_states(
    kind: str,
    sight: Sight,
    discovery: float,
    quiescent: float,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Target:
    """Make a polar or VY Scl star: high and low states, high at discovery.

    Polars spend about half their time in each (Wu & Kiss 2008, A&A 481, 433), VY Scl stars leave
    the high state more seldom (Honeycutt & Kafka 2004, AJ 128, 1279). A polar's cyclotron light is
    beamed, so it brightens once an orbit.
    """
    depth = min(quiescent - discovery, 3.5)
    dwell = {"polar": 250.0, "novalike": 700.0}[kind]
    below = curves.two_states(
        sight.times, depth=depth, dwell=dwell, discovery=sight.discovery, rng=rng
    )
    period = orbital_period(kind, rng)
    if kind == "polar":
        from_discovery = sight.times - sight.discovery
        below = below + 0.6 * curves.periodic(
            from_discovery, period=period, phase=0.1 * rng.standard_normal(), shape="sine"
        )
    facts = {"ORBIT": period}
    temperature = {"polar": 9000.0, "novalike": 14_000.0}[kind]
    mag = discovery + below + noise
    return Target(kind, mag, discovery, discovery + depth, facts=facts, temperature=temperature)


def _eclipse(target: Target, sight: Sight, rng: np.random.Generator) -> Target:
    """Let the donor star cover the disk once an orbit, but not at discovery."""
    depth = rng.uniform(0.7, 2.5)
    turn = curves.periodic(
        sight.times - sight.discovery,
        period=target.facts["ORBIT"],
        phase=rng.uniform(0.1, 0.9),
        shape="eclipse",
    )
    return replace(
        target, mag=target.mag + depth * turn, facts=target.facts | {"ECLIPSE": float(depth)}
    )
