"""How a light curve of forced photometry varies: level, scatter, memory, trend and seasons.

Each feature is a small function over many curves at once, in ordered tables; where it is not
defined (no second night, say) its value is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from taonet_core.transforms.padded import Column
from taonet_core.transforms.padded_flux import FAINTEST, PaddedFlux, magnitude, quotient
from taonet_core.transforms.photometry import POGSON

#: Flux over error from which a point counts as detected.
DETECTED = 3.0
#: Edges of the bins of the structure function, days.
LAGS = (0.5, 15.0, 45.0, 120.0, 240.0, 500.0, 1000.0)
#: Pairs of nights compared at once: their number grows as the square of the nights.
_PAIRS = 1 << 21


def _quantile_mag(curves: PaddedFlux, *, q: float) -> Column:
    """Magnitude of a quantile of the fluxes."""
    return magnitude(curves.sorted_flux.quantile(q))


def _detected_share(curves: PaddedFlux) -> Column:
    """Share of points above `DETECTED` times their error."""
    return ((curves.flux > DETECTED * curves.err) & curves.mask).sum(1) / curves.count


def _median_error_mag(curves: PaddedFlux) -> Column:
    """Magnitude of the median error: how deep the frames are."""
    return magnitude(curves.typical_err)


def _mean_to_noise(curves: PaddedFlux) -> Column:
    """Weighted mean flux over its error."""
    return curves.mean / curves.mean_err


def _reduced_chi_square(curves: PaddedFlux) -> Column:
    """Chi-square about the weighted mean for each degree of freedom."""
    return quotient((curves.delta**2).sum(1), curves.count - 1.0)


def _excess_variance(curves: PaddedFlux) -> Column:
    """Variance beyond the errors over the squared mean (Nandra et al. 1997, ApJ 476, 70)."""
    mean = curves.flux.sum(1) / curves.count
    residual = np.where(curves.mask, curves.flux - mean[:, None], 0.0)
    beyond = quotient((residual**2).sum(1), curves.count - 1.0)
    return (beyond - (curves.err**2).sum(1) / curves.count) / np.maximum(mean, FAINTEST) ** 2


def _moment(curves: PaddedFlux, *, order: int) -> Column:
    """Mean power of the normalised residuals over that of their root mean square."""
    square = (curves.delta**2).sum(1) / curves.count
    return quotient((curves.delta**order).sum(1) / curves.count, square ** (order / 2))


def _von_neumann(curves: PaddedFlux) -> Column:
    """Squared changes between neighbours over chi-square, both by their errors."""
    both = curves.mask[:, 1:]
    variance = curves.err[:, 1:] ** 2 + curves.err[:, :-1] ** 2
    change = np.divide(
        np.diff(curves.flux, axis=1) ** 2, variance, out=np.zeros(both.shape), where=both
    )
    return quotient(change.sum(1), (curves.delta**2).sum(1))


def _neighbours(curves: PaddedFlux) -> Column:
    """Mean product of neighbouring normalised residuals."""
    product = curves.delta[:, 1:] * curves.delta[:, :-1]
    return quotient(product.sum(1), curves.count - 1.0)


def _count(curves: PaddedFlux) -> Column:
    """Count the points."""
    return curves.count.astype(float)


def _span(curves: PaddedFlux) -> Column:
    """Days from first to last."""
    return curves.time.max(1)


def _longest_gap(curves: PaddedFlux) -> Column:
    """Most days between neighbours."""
    return (np.diff(curves.time, axis=1, prepend=0.0) * curves.mask).max(1)


def _night_scatter(curves: PaddedFlux, *, q: float) -> Column:
    """Quantile over the nights of chi-square within a night for each degree of freedom."""
    known = np.isfinite(curves.other) & curves.mask
    values = np.where(known, curves.other, np.nan)
    some = known.any(1)
    out = np.full(len(values), np.nan)
    out[some] = np.nanquantile(values[some], q, axis=1)
    return out


def _season_means(curves: PaddedFlux) -> tuple[Column, Column]:
    """Weighted mean flux of each season and its error, NaN where there is none, (B, S)."""
    means, errors = [], []
    for season in range(int(curves.season.max()) + 1):
        weight = curves.weight * (curves.season == season)
        total = weight.sum(1)
        means.append(quotient((weight * curves.flux).sum(1), total))
        errors.append(quotient(np.ones(len(total)), np.sqrt(total)))
    return np.stack(means, axis=1), np.stack(errors, axis=1)


def _seasons(curves: PaddedFlux) -> Column:
    """Count the seasons."""
    return curves.season.max(1) + 1.0


def _season_chi_square(curves: PaddedFlux) -> Column:
    """Chi-square of the season means about their mean for each degree of freedom."""
    means, errors = _season_means(curves)
    square = np.nansum(((means - curves.mean[:, None]) / errors) ** 2, axis=1)
    return quotient(square, _seasons(curves) - 1)


def _season_range(curves: PaddedFlux) -> Column:
    """Magnitudes from the faintest season to the brightest."""
    means, errors = _season_means(curves)
    mags = magnitude(np.fmax(means, errors))
    return np.where(_seasons(curves) > 1, np.nanmax(mags, axis=1) - np.nanmin(mags, axis=1), np.nan)


def _within_seasons(curves: PaddedFlux) -> Column:
    """Chi-square about the season means for each degree of freedom."""
    means, _ = _season_means(curves)
    centre = np.take_along_axis(means, np.maximum(curves.season, 0), axis=1)
    square = curves.weight * np.where(curves.mask, curves.flux - centre, 0.0) ** 2
    return quotient(square.sum(1), curves.count - _seasons(curves))


def _trend(curves: PaddedFlux) -> tuple[Column, Column]:
    """Weighted linear trend of the flux a day, and its error."""
    weight, total = curves.weight, curves.weight.sum(1)
    centre = (weight * curves.time).sum(1) / total
    away = np.where(curves.mask, curves.time - centre[:, None], 0.0)
    spread = (weight * away**2).sum(1)
    slope = quotient((weight * away * curves.flux).sum(1), spread)
    return slope, quotient(np.ones(len(spread)), np.sqrt(spread))


def _trend_to_noise(curves: PaddedFlux) -> Column:
    """Linear trend over its error."""
    slope, error = _trend(curves)
    return quotient(slope, error)


def _trend_share(curves: PaddedFlux) -> Column:
    """Linear trend in a year over the mean flux."""
    return 365.25 * _trend(curves)[0] / np.maximum(curves.mean, FAINTEST)


def _structure(curves: PaddedFlux, *, low: float, high: float) -> Column:
    """Mean squared change in magnitude beyond the errors between nights so many days apart."""
    soft = np.maximum(curves.flux, curves.err)
    mag = magnitude(np.where(curves.mask, soft, 1.0))
    variance = np.divide(
        (POGSON * curves.err) ** 2, soft**2, out=np.zeros_like(soft), where=soft > 0
    )
    total, count = np.empty(len(mag)), np.empty(len(mag))
    step = max(1, _PAIRS // mag.shape[1] ** 2)
    for start in range(0, len(mag), step):
        rows = slice(start, start + step)
        time, mask, m, v = curves.time[rows], curves.mask[rows], mag[rows], variance[rows]
        lag = time[:, :, None] - time[:, None, :]
        pairs = (lag >= low) & (lag < high) & mask[:, :, None] & mask[:, None, :]
        square = (m[:, :, None] - m[:, None, :]) ** 2
        square = square - v[:, :, None] - v[:, None, :]
        total[rows], count[rows] = (square * pairs).sum((1, 2)), pairs.sum((1, 2))
    return quotient(total, count)


#: Name -> function of the points, in the order of the columns.
POINT_FEATURES: dict[str, Callable[[PaddedFlux], Column]] = {
    "points": _count,
    "detected_share": _detected_share,
    "median_error_mag": _median_error_mag,
    "mean_to_noise": _mean_to_noise,
    "chi_square": _reduced_chi_square,
    "excess_variance": _excess_variance,
    "skew": partial(_moment, order=3),
    "kurtosis": partial(_moment, order=4),
    "von_neumann": _von_neumann,
    "neighbours": _neighbours,
}
#: Name -> function of the nights, in the order of the columns.
NIGHT_FEATURES: dict[str, Callable[[PaddedFlux], Column]] = {
    "nights": _count,
    "span": _span,
    "longest_gap": _longest_gap,
    **{f"mag_{round(100 * q)}": partial(_quantile_mag, q=q) for q in (0, 0.1, 0.5, 0.9, 1)},
    "night_chi_square": _reduced_chi_square,
    "night_excess_variance": _excess_variance,
    "night_skew": partial(_moment, order=3),
    "night_kurtosis": partial(_moment, order=4),
    "night_von_neumann": _von_neumann,
    "night_neighbours": _neighbours,
    "scatter_50": partial(_night_scatter, q=0.5),
    "scatter_90": partial(_night_scatter, q=0.9),
    "scatter_100": partial(_night_scatter, q=1.0),
    "seasons": _seasons,
    "season_chi_square": _season_chi_square,
    "season_range": _season_range,
    "within_seasons": _within_seasons,
    "trend_to_noise": _trend_to_noise,
    "trend_share": _trend_share,
    **{
        f"structure_{low:g}": partial(_structure, low=low, high=high)
        for low, high in zip(LAGS[:-1], LAGS[1:], strict=True)
    },
}
