"""What stands out in a light curve of forced photometry: the peak, its sides, other bright nights.

Each feature is a small function of the nights of many curves at once, in one ordered table; where
it is not defined (no night before the peak, say) its value is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from taonet_core.transforms.padded import Column
from taonet_core.transforms.padded_flux import PaddedFlux, magnitude, quotient

#: Errors above the median from which a night counts as bright.
BRIGHT = 3.0


def _ranked_excess(curves: PaddedFlux, *, rank: int) -> Column:
    """Significance above the median of the brightest night, of the second, ….

    A negative rank counts from the faintest.
    """
    if rank < 0:
        ordered = np.sort(np.where(curves.mask, curves.excess, np.inf), axis=1)
        position = np.full(len(ordered), -rank - 1)
    else:
        ordered = np.sort(curves.excess, axis=1)[:, ::-1]
        position = np.full(len(ordered), rank)
    return curves.at(ordered, position)


def _share_beyond(curves: PaddedFlux, *, sigma: float) -> Column:
    """Share of nights further above the median (below, if negative) than so many errors."""
    excess = curves.excess if sigma > 0 else -curves.excess
    return ((excess > abs(sigma)) & curves.mask).sum(1) / curves.count


def _peak_mag(curves: PaddedFlux) -> Column:
    """Magnitude of the night of the peak."""
    return magnitude(curves.at(curves.flux, curves.peak))


def _peak_over(curves: PaddedFlux, *, q: float) -> Column:
    """Magnitudes from a quantile of the fluxes, or its error where that is larger, to the peak."""
    error = curves.typical_err
    return magnitude(np.maximum(curves.sorted_flux.quantile(q), error)) - _peak_mag(curves)


def _since_peak(curves: PaddedFlux) -> Column:
    """Days from the night of the peak to the last."""
    return curves.time.max(1) - curves.at(curves.time, curves.peak)


def _before_peak(curves: PaddedFlux) -> Column:
    """Days from the first night to that of the peak."""
    return curves.at(curves.time, curves.peak)


def _change_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Share of the peak above the median that is there some nights later or earlier."""
    beside = curves.at(curves.flux, curves.peak + step) - curves.median
    return quotient(beside, curves.at(curves.flux, curves.peak) - curves.median)


def _gap_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Days from the night of the peak to some nights later or earlier."""
    beside = curves.at(curves.time, curves.peak + step)
    return np.abs(beside - curves.at(curves.time, curves.peak))


def _slope_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Magnitudes a day by which the next night, or the one before, is fainter than the peak."""
    error = curves.at(curves.err, curves.peak + step)
    beside = magnitude(np.maximum(curves.at(curves.flux, curves.peak + step), error))
    return quotient(beside - _peak_mag(curves), _gap_beside_peak(curves, step=step))


def _days_above_half(curves: PaddedFlux, *, later: bool) -> Column:
    """Days from the peak to the nearest night (later or earlier) below half of it.

    Light is counted from the median; NaN where there is no such night.
    """
    rows = np.arange(len(curves.time))
    half = (curves.flux[rows, curves.peak] + curves.median) / 2
    below = (curves.flux < half[:, None]) & curves.mask
    away = curves.time - curves.time[rows, curves.peak][:, None]
    away = np.where(below & ((away > 0) if later else (away < 0)), np.abs(away), np.inf).min(1)
    return np.where(np.isfinite(away), away, np.nan)


def _longest_run(curves: PaddedFlux) -> Column:
    """Most nights in a row above the median by `BRIGHT` times the error."""
    run = longest = np.zeros(len(curves.time))
    for above in (curves.excess > BRIGHT).T:
        run = (run + 1) * above
        longest = np.maximum(longest, run)
    return longest


def _separate_runs(curves: PaddedFlux) -> Column:
    """Count the runs of nights above the median by `BRIGHT` times the error."""
    above = curves.excess > BRIGHT
    return (above[:, 1:] & ~above[:, :-1]).sum(1) + above[:, 0].astype(float)


def _last_excess(curves: PaddedFlux) -> Column:
    """Significance above the median of the last night."""
    return curves.at(curves.excess, curves.count - 1)


def _last_to_peak(curves: PaddedFlux) -> Column:
    """Magnitudes by which the last night is fainter than the peak."""
    last = curves.count - 1
    flux = np.maximum(curves.at(curves.flux, last), curves.at(curves.err, last))
    return magnitude(flux) - _peak_mag(curves)


#: Name -> function of the nights, in the order of the columns.
OUTBURST_FEATURES: dict[str, Callable[[PaddedFlux], Column]] = {
    **{f"brightest_{rank + 1}": partial(_ranked_excess, rank=rank) for rank in range(4)},
    **{f"faintest_{-rank}": partial(_ranked_excess, rank=rank) for rank in (-1, -2)},
    **{f"share_above_{s}": partial(_share_beyond, sigma=s) for s in (2, 3, 5, 10)},
    **{f"share_below_{s}": partial(_share_beyond, sigma=-s) for s in (2, 5)},
    "peak_mag": _peak_mag,
    "peak_over_median": partial(_peak_over, q=0.5),
    "peak_over_low": partial(_peak_over, q=0.1),
    "before_peak": _before_peak,
    "since_peak": _since_peak,
    **{f"change_{s:+d}": partial(_change_beside_peak, step=s) for s in (-2, -1, 1, 2)},
    **{f"gap_{s:+d}": partial(_gap_beside_peak, step=s) for s in (-1, 1)},
    **{f"slope_{s:+d}": partial(_slope_beside_peak, step=s) for s in (-1, 1)},
    "days_rising": partial(_days_above_half, later=False),
    "days_declining": partial(_days_above_half, later=True),
    "longest_run": _longest_run,
    "runs": _separate_runs,
    "last_excess": _last_excess,
    "last_to_peak": _last_to_peak,
}
