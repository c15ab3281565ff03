"""Periods of one light curve: the periodogram to choose from, and how likely its peak is chance.

For thousands of curves at once, at a coarser grid, see `taonet_core.transforms.periodogram`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve

#: Fewest measurements in which a period is looked for.
MIN_POINTS = 8
#: Shortest period searched, days, and the most frequencies tried, five to a peak.
SHORTEST, MOST = 0.05, 100_000
#: Points of the periodogram that is returned; each is the highest of its neighbourhood.
SHOWN = 400
_PER_PEAK = 5


def period_search(curve: LightCurve) -> dict[str, Any] | None:
    """Look for a period in all measurements of a light curve, of whatever filter.

    Parameters
    ----------
    curve : LightCurve
        Its fluxes are used where at least as many are known as magnitudes, so that nights without
        a detection count too.

    Returns
    -------
    dict or None
        ``period`` : days, of the highest peak between `SHORTEST` and half of the time covered.
        ``false_alarm`` : probability of a peak as high in noise alone (Baluev 2008, MNRAS 385,
        1279), blind to trends.
        ``alias`` : whether the peak lies where nightly visits mirror what changes slowly: within
        two resolution elements of a whole number of cycles a day.
        ``frequency`` (cycles a day) and ``power`` (0 to 1): at most `SHOWN` points, the highest
        of each neighbourhood in the logarithm of the period, from long periods to short.
        None where fewer than `MIN_POINTS` measurements are known, or nothing changes.
    """
    time, value, error = _measurements(curve)
    span = float(np.ptp(time)) if len(time) else 0.0
    if len(time) < MIN_POINTS or span < 4 * SHORTEST or not np.ptp(value) > 0:
        return None
    from astropy.timeseries import LombScargle

    fastest = min(1 / SHORTEST, MOST / (_PER_PEAK * span))
    search = LombScargle(time, value, error)
    frequency = np.arange(2 / span, fastest, 1 / (_PER_PEAK * span))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 where equal steps see no change
        power = search.power(frequency, assume_regular_frequency=True)
    power = np.where((power >= 0) & (power <= 1), power, 0.0)
    best = int(np.argmax(power))
    chance = search.false_alarm_probability(power[best], method="baluev", maximum_frequency=fastest)
    shown = _highest(frequency, power)
    return {
        "period": float(1 / frequency[best]),
        "false_alarm": float(chance),
        "alias": bool(abs(frequency[best] - round(frequency[best])) < 2 / span < frequency[best]),
        "frequency": frequency[shown].tolist(),
        "power": np.round(power[shown], 4).tolist(),
    }


def _measurements(curve: LightCurve) -> tuple[NDArray[np.float64], ...]:
    """Return times, brightness about the mean of each filter, and errors of what was measured."""
    value, error = curve.mag, curve.mag_err
    if np.isfinite(curve.flux).sum() >= np.isfinite(curve.mag).sum():
        value, error = curve.flux, curve.flux_err
    known = np.isfinite(value) & (error > 0)
    if known.any():  # a star also flickers: few small errors must not rule
        error = np.hypot(error, np.median(error[known]))
    away = np.zeros(len(curve))
    for band in np.unique(curve.bands):
        chosen = known & (curve.bands == band)
        if chosen.any():
            away[chosen] = value[chosen] - np.average(value[chosen], weights=error[chosen] ** -2)
    return curve.times[known], away[known], error[known]


def _highest(frequency: NDArray[np.float64], power: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the highest power of each cell, cells being equal in the logarithm."""
    place = np.log(frequency / frequency[0])
    cell = np.minimum(place / place[-1] * SHOWN, SHOWN - 1).astype(np.int64)
    order = np.lexsort((-power, cell))
    _, first = np.unique(cell[order], return_index=True)
    return order[first]
