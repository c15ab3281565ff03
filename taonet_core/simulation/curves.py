"""Shapes of light curves: magnitudes against time, each from its published description."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Magnitudes = NDArray[np.float64]

# Magnitudes below peak against rest-frame days from peak, close to V. Ia: the V template of
# Nugent, Kim & Perlmutter 2002 (PASP 114, 803), rise of Hayden et al. 2010 (ApJ 712, 350). Ibc:
# Drout et al. 2011 (ApJ 741, 97). II-P: Anderson et al. 2014 (ApJ 786, 67). IIn: Kiewe et al. 2012
# (ApJ 744, 10) and Nyholm et al. 2020 (A&A 637, A73). SLSN: De Cia et al. 2018 (ApJ 860, 100).
_SUPERNOVAE: dict[str, tuple[list[float], list[float]]] = {
    "Ia": (
        [-19, -17, -14, -10, -5, 0, 5, 10, 15, 20, 25, 30, 40, 60, 80, 100, 200, 400],
        [8.0, 4.0, 2.0, 0.8, 0.18, 0, 0.07, 0.32, 0.65, 0.95, 1.22, 1.55, 2.1, 2.75, 3.3, 3.8,
         6.3, 9.5],
    ),
    "Ibc": (
        [-22, -18, -14, -10, -5, 0, 5, 10, 15, 20, 30, 40, 60, 100, 200, 400],
        [8.0, 3.2, 1.7, 0.85, 0.22, 0, 0.12, 0.45, 0.9, 1.25, 1.85, 2.2, 2.6, 3.4, 5.3, 9.0],
    ),
    "IIP": (
        [-12, -9, -6, -3, 0, 20, 50, 80, 100, 110, 120, 130, 200, 400],
        [8.0, 2.2, 0.9, 0.25, 0, 0.12, 0.35, 0.65, 1.0, 1.6, 2.4, 2.7, 3.4, 5.4],
    ),
    "IIn": (
        [-35, -25, -15, -7, 0, 10, 30, 60, 100, 150, 200, 400],
        [8.0, 2.2, 0.8, 0.2, 0, 0.1, 0.5, 1.2, 2.1, 2.9, 3.6, 6.0],
    ),
    "SLSN": (
        [-60, -45, -30, -15, 0, 15, 30, 50, 80, 120, 200, 400],
        [8.0, 2.6, 1.1, 0.3, 0, 0.3, 0.85, 1.6, 2.6, 3.6, 5.3, 9.0],
    ),
}  # fmt: skip


def supernova(kind: str, phase: Times, stretch: float = 1.0) -> Magnitudes:
    """Magnitudes below peak of a supernova; infinite before it explodes.

    Parameters
    ----------
    kind : str
        ``"Ia"``, ``"Ibc"``, ``"IIP"``, ``"IIn"`` or ``"SLSN"``.
    phase : ndarray
        Days from peak in the rest frame.
    stretch : float
        Time axis multiplied by this.
    """
    days, mags = _SUPERNOVAE[kind]
    scaled = np.asarray(phase) / stretch
    below = np.interp(scaled, days, mags)
    below = np.where(scaled > days[-1], mags[-1] + 0.01 * (scaled - days[-1]), below)
    return np.where(scaled < days[0], np.inf, below)


def damped_walk(
    times: Times,
    *,
    tau: float,
    sigma: float,
    start: tuple[float, float],
    rng: np.random.Generator,
) -> Magnitudes:
    """Damped random walk that passes through a given value at a given time.

    The walk is the same seen backwards, so it is drawn from `start` in both directions (Kelly,
    Bechtold & Siemiginowska 2009, ApJ 698, 895; MacLeod et al. 2010, ApJ 721, 1014).

    Parameters
    ----------
    times : ndarray, shape (T,)
        Not decreasing, days.
    tau, sigma : float
        Damping time, days; standard deviation over long times, magnitudes.
    start : (float, float)
        Time, and magnitude from the mean at that time.
    rng : numpy.random.Generator
        Source of chance.
    """
    values = np.empty(len(times))
    split = int(np.searchsorted(times, start[0]))
    for order in (range(split, len(times)), range(split - 1, -1, -1)):
        now, value = start
        for index in order:
            decay = np.exp(-abs(times[index] - now) / tau)
            value = value * decay + sigma * np.sqrt(1 - decay**2) * rng.standard_normal()
            values[index] = value
            now = times[index]
    return values


# Of dwarf novae: share of superoutbursts (long outbursts of U Gem stars), their plateau in days and
# its fall in mag a day, and how much fainter the other outbursts are, which stay at maximum for
# about three days (Warner 1995, Cataclysmic Variable Stars, chapter 3; Otulakowska-Hypka et al.
# 2016, MNRAS 460, 2526; Kato 2015, PASJ 67, 108 for WZ Sge stars).
_DWARF_NOVAE: dict[str, tuple[float, float, float, float]] = {
    "su_uma": (0.2, 13.0, 0.10, 0.7),
    "wz_sge": (1.0, 24.0, 0.08, 0.0),
    "u_gem": (0.4, 9.0, 0.0, 0.1),
}


def dwarf_nova(
    times: Times,
    *,
    kind: str,
    amplitude: float,
    recurrence: float,
    decline: float,
    discovery: float,
    rng: np.random.Generator,
) -> Magnitudes:
    """Magnitudes above quiescence of a dwarf nova that is in outburst at `discovery`.

    Parameters
    ----------
    times : ndarray, shape (T,)
        Days.
    kind, amplitude : str, float
        ``"su_uma"``, ``"wz_sge"`` or ``"u_gem"``; magnitudes above quiescence at discovery.
    recurrence, decline, discovery : float
        Mean days between outbursts; days a magnitude after the top; a time in outburst, days.
    rng : numpy.random.Generator
        Source of chance.
    """
    share, top, slope, fainter = _DWARF_NOVAE[kind]
    found_share = share * top / (share * top + (1 - share) * 3.0)  # the longer, the likelier found
    above = np.zeros(len(times))
    for number, onset in enumerate(_renewals(times, recurrence, discovery, rng)):
        long = rng.random() < (share if number else found_share)
        days, scatter, fall = (top, 0.25, slope) if long else (3.0, 0.4, 0.0)
        plateau = days * np.exp(scatter * rng.standard_normal())
        if number == 0:  # discovered some way along the plateau, at the amplitude asked for
            found_long, wait = long, plateau * rng.random()
            onset, height = discovery - 1.0 - wait, amplitude + fall * wait
        else:
            usual = amplitude + fainter * (int(long) - int(found_long))
            height = max(usual + 0.25 * rng.standard_normal(), 0.3)
        np.maximum(above, _outburst(times - onset, height, plateau, fall, decline), out=above)
    return above


def _outburst(
    phase: Times, height: float, plateau: float, fall: float, decline: float
) -> Magnitudes:
    """One outburst: a day of rise, a top that may fall (mag a day), a decline."""
    end = max(height - fall * plateau, 0.2)
    knots = [0.0, 1.0, 1.0 + plateau, 1.0 + plateau + end * decline]
    return np.interp(phase, knots, [0.0, height, end, 0.0])


#: Sum of rise and decay times of `flares`, in units of the decay.
FLARE_WIDTH = 1.75


def flares(
    times: Times, *, rate: float, height: float, decay: float, rng: np.random.Generator
) -> Magnitudes:
    """Magnitudes above the level between flares; the variance is rate height^2 width decay.

    Flares come at random, rise and fall exponentially, the fall 4/3 as long as the rise (near the
    1.3 of Valtaoja et al. 1999, ApJS 120, 95), and have exponentially distributed heights.

    Parameters
    ----------
    times : ndarray, shape (T,)
        Days, in any order.
    rate : float
        Flares a day.
    height : float
        Mean height, magnitudes.
    decay : float
        Days.
    rng : numpy.random.Generator
        Source of chance.
    """
    first, last = float(times.min()) - 5 * decay, float(times.max()) + 5 * decay
    number = rng.poisson(rate * (last - first))
    peaks, heights = rng.uniform(first, last, number), rng.exponential(height, number)
    phase = (times[:, None] - peaks) / decay
    return np.exp(-np.abs(phase) * np.where(phase < 0, 1 / (FLARE_WIDTH - 1), 1.0)) @ heights


def stellar_flare(phase: Times, half_width: float) -> NDArray[np.float64]:
    """Light of a flare of an M dwarf as a share of its peak.

    A sudden rise, then the sum of two exponentials (Davenport et al. 2014, ApJ 797, 122).

    Parameters
    ----------
    phase : ndarray
        Time since the peak, in any unit.
    half_width : float
        Time above half the peak, in the same unit.
    """
    turn = np.asarray(phase) / half_width
    after = np.maximum(turn, 0.0)
    fall = 0.689 * np.exp(-1.6 * after) + 0.303 * np.exp(-0.2783 * after)
    return np.where(turn >= 0, fall, np.clip(1 + turn, 0.0, 1.0))


def _renewals(
    times: Times, recurrence: float, discovery: float, rng: np.random.Generator
) -> list[float]:
    """Onsets of outbursts, the discovered one first, over the span of `times`.

    Waiting times have a coefficient of variation of 0.35, between clockwork and chance.
    """
    onsets = [discovery]
    for sign, edge in ((1, times[-1]), (-1, times[0] - 60)):
        now = discovery
        while sign * (edge - now) > 0:
            now += sign * recurrence * max(rng.gamma(8.0, 1 / 8.0), 0.1)
            if times[0] - 60 < now < times[-1]:
                onsets.append(now)
    return onsets


def two_states(
    times: Times, *, depth: float, dwell: float, discovery: float, rng: np.random.Generator
) -> Magnitudes:
    """Magnitudes below the high state of a star that switches between two, high at `discovery`.

    Used for polars and VY Scl stars (Wu & Kiss 2008, A&A 481, 433; Honeycutt & Kafka 2004, AJ 128,
    1279): waiting times are exponential with mean `dwell` days, the change takes ten days.
    """
    walk = np.zeros(len(times))
    for selected in (times >= discovery, times < discovery):
        span = np.abs(times[selected] - discovery)
        flips = np.cumsum(rng.exponential(dwell, 4 + int(6 * span.max(initial=1.0) / dwell)))
        low = np.zeros(len(span))
        for number, flip in enumerate(flips):
            low += (-1) ** number * np.clip((span - flip) / 10, 0, 1)
        walk[selected] = low
    return depth * walk


def periodic(times: Times, *, period: float, phase: float, shape: str) -> Magnitudes:
    """Magnitudes below maximum, from 0 to 1, of a strictly periodic star.

    Parameters
    ----------
    times : ndarray
        Days.
    period, phase : float
        Days; fraction of the period at time 0.
    shape : str
        ``"sine"``; ``"sawtooth"`` (RR Lyrae of type ab: rise in 0.15 of the period); ``"mira"``
        (rise in 0.42 of the period); ``"eclipse"`` (dips of a tenth of the period) and ``"algol"``
        (the same, with a second dip a third as deep); ``"contact"`` (two waves a period, of
        unequal depth).
    """
    turn = (times / period + phase) % 1.0
    if shape == "sine":
        return 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    if shape == "mira":
        warped = np.interp(turn, [0.0, 0.58, 1.0], [0.0, 0.5, 1.0])
        return 0.5 - 0.5 * np.cos(2 * np.pi * warped)
    if shape == "sawtooth":
        return np.interp(turn, [0.0, 0.5, 0.85, 1.0], [0.0, 0.85, 1.0, 0.0])
    if shape == "contact":
        unequal = 0.9 + 0.1 * np.cos(2 * np.pi * turn)
        return unequal * (0.5 + 0.5 * np.cos(4 * np.pi * turn))
    dip = np.clip(1 - np.abs((turn + 0.5) % 1.0 - 0.5) / 0.05, 0.0, 1.0)
    if shape == "algol":
        dip += np.clip(1 - np.abs(turn - 0.5) / 0.05, 0.0, 1.0) / 3
    return dip


def nova(phase: Times, decline: float) -> Magnitudes:
    """Magnitudes below peak of a nova; `decline` is t2, days (Strope et al. 2010, AJ 140, 34)."""
    after = np.maximum(phase, 0.0)
    below = 2.0 * np.log10(1 + after / (decline / 9))
    return np.where(phase < -2, np.inf, np.where(phase < 0, -2.0 * phase, below))


def tidal_disruption(phase: Times, decline: float) -> Magnitudes:
    """Magnitudes below peak: Gaussian rise, exponential fall of `decline` days.

    The form of van Velzen et al. 2021 (ApJ 908, 4).
    """
    rise = 1.086 * 0.5 * (phase / 12.0) ** 2
    return np.where(phase < 0, rise, 1.086 * phase / decline)
