"""What a light curve of forced photometry tells beyond MANTRA's 30 features.

Brightness, errors and non-detections are kept: every frame has a flux, detected or not. Each
feature is a small function over many curves at once, in ordered tables; where it is not defined
(no second night, say) its value is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.padded import Column
from taonet_core.transforms.padded_flux import (
    ZERO_POINT,
    PaddedFlux,
    flux_points,
    night_means,
    pad_flux,
)

#: Flux over error from which a point counts as detected.
DETECTED = 3.0
#: Edges of the bins of the structure function, days.
LAGS = (0.5, 15.0, 45.0, 120.0, 240.0, 500.0, 1000.0)
_FAINTEST = 10 ** (-0.4 * (26.0 - ZERO_POINT))  # a flux below this counts as it


def _mag(flux: Column) -> Column:
    return ZERO_POINT - 2.5 * np.log10(np.maximum(flux, _FAINTEST))


def _divide(above: NDArray[Any], below: NDArray[Any]) -> Column:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _quantile_mag(curves: PaddedFlux, *, q: float) -> Column:
    """Magnitude of a quantile of the fluxes."""
    return _mag(curves.sorted_flux.quantile(q))


def _detected_share(curves: PaddedFlux) -> Column:
    """Share of points above `DETECTED` times their error."""
    return ((curves.flux > DETECTED * curves.err) & curves.mask).sum(1) / curves.count


def _median_error_mag(curves: PaddedFlux) -> Column:
    """Magnitude of the median error: how deep the frames are."""
    return _mag(np.nanmedian(np.where(curves.mask, curves.err, np.nan), axis=1))


def _mean_to_noise(curves: PaddedFlux) -> Column:
    """Weighted mean flux over its error."""
    return curves.mean / curves.mean_err


def _reduced_chi_square(curves: PaddedFlux) -> Column:
    """Chi-square about the weighted mean for each degree of freedom."""
    return _divide((curves.delta**2).sum(1), curves.count - 1.0)


def _excess_variance(curves: PaddedFlux) -> Column:
    """Variance beyond the errors over the squared mean (Nandra et al. 1997, ApJ 476, 70)."""
    mean = curves.flux.sum(1) / curves.count
    residual = np.where(curves.mask, curves.flux - mean[:, None], 0.0)
    beyond = _divide((residual**2).sum(1), curves.count - 1.0)
    return (beyond - (curves.err**2).sum(1) / curves.count) / np.maximum(mean, _FAINTEST) ** 2


def _moment(curves: PaddedFlux, *, order: int) -> Column:
    """Mean power of the normalised residuals over that of their root mean square."""
    square = (curves.delta**2).sum(1) / curves.count
    return _divide((curves.delta**order).sum(1) / curves.count, square ** (order / 2))


def _von_neumann(curves: PaddedFlux) -> Column:
    """Squared changes between neighbours over chi-square, both by their errors."""
    both = curves.mask[:, 1:]
    variance = curves.err[:, 1:] ** 2 + curves.err[:, :-1] ** 2
    change = np.divide(
        np.diff(curves.flux, axis=1) ** 2, variance, out=np.zeros(both.shape), where=both
    )
    return _divide(change.sum(1), (curves.delta**2).sum(1))


def _neighbours(curves: PaddedFlux) -> Column:
    """Mean product of neighbouring normalised residuals."""
    product = curves.delta[:, 1:] * curves.delta[:, :-1]
    return _divide(product.sum(1), curves.count - 1.0)


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
    return _mag(curves.at(curves.flux, curves.peak))


def _peak_over(curves: PaddedFlux, *, q: float) -> Column:
    """Magnitudes from a quantile of the fluxes, or its error where that is larger, to the peak."""
    error = np.nanmedian(np.where(curves.mask, curves.err, np.nan), axis=1)
    return _mag(np.maximum(curves.sorted_flux.quantile(q), error)) - _peak_mag(curves)


def _since_peak(curves: PaddedFlux) -> Column:
    """Days from the night of the peak to the last."""
    return _span(curves) - curves.at(curves.time, curves.peak)


def _before_peak(curves: PaddedFlux) -> Column:
    """Days from the first night to that of the peak."""
    return curves.at(curves.time, curves.peak)


def _change_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Share of the peak above the median that is there some nights later or earlier."""
    beside = curves.at(curves.flux, curves.peak + step) - curves.median
    return _divide(beside, curves.at(curves.flux, curves.peak) - curves.median)


def _gap_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Days from the night of the peak to some nights later or earlier."""
    beside = curves.at(curves.time, curves.peak + step)
    return np.abs(beside - curves.at(curves.time, curves.peak))


def _slope_beside_peak(curves: PaddedFlux, *, step: int) -> Column:
    """Magnitudes a day by which the next night, or the one before, is fainter than the peak."""
    error = curves.at(curves.err, curves.peak + step)
    beside = _mag(np.maximum(curves.at(curves.flux, curves.peak + step), error))
    return _divide(beside - _peak_mag(curves), _gap_beside_peak(curves, step=step))


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
    """Most nights in a row above the median by `DETECTED` times the error."""
    run = longest = np.zeros(len(curves.time))
    for above in (curves.excess > DETECTED).T:
        run = (run + 1) * above
        longest = np.maximum(longest, run)
    return longest


def _separate_runs(curves: PaddedFlux) -> Column:
    """Count the runs of nights above the median by `DETECTED` times the error."""
    above = curves.excess > DETECTED
    return (above[:, 1:] & ~above[:, :-1]).sum(1) + above[:, 0].astype(float)


def _last_excess(curves: PaddedFlux) -> Column:
    """Significance above the median of the last night."""
    return curves.at(curves.excess, curves.count - 1)


def _last_to_peak(curves: PaddedFlux) -> Column:
    """Magnitudes by which the last night is fainter than the peak."""
    last = curves.count - 1
    flux = np.maximum(curves.at(curves.flux, last), curves.at(curves.err, last))
    return _mag(flux) - _peak_mag(curves)


def _season_means(curves: PaddedFlux) -> tuple[Column, Column]:
    """Weighted mean flux of each season and its error, NaN where there is none, (B, S)."""
    means, errors = [], []
    for season in range(int(curves.season.max()) + 1):
        weight = curves.weight * (curves.season == season)
        total = weight.sum(1)
        means.append(_divide((weight * curves.flux).sum(1), total))
        errors.append(_divide(np.ones(len(total)), np.sqrt(total)))
    return np.stack(means, axis=1), np.stack(errors, axis=1)


def _seasons(curves: PaddedFlux) -> Column:
    """Count the seasons."""
    return curves.season.max(1) + 1.0


def _season_chi_square(curves: PaddedFlux) -> Column:
    """Chi-square of the season means about their mean for each degree of freedom."""
    means, errors = _season_means(curves)
    square = np.nansum(((means - curves.mean[:, None]) / errors) ** 2, axis=1)
    return _divide(square, _seasons(curves) - 1)


def _season_range(curves: PaddedFlux) -> Column:
    """Magnitudes from the faintest season to the brightest."""
    means, errors = _season_means(curves)
    mags = _mag(np.fmax(means, errors))
    return np.where(_seasons(curves) > 1, np.nanmax(mags, axis=1) - np.nanmin(mags, axis=1), np.nan)


def _within_seasons(curves: PaddedFlux) -> Column:
    """Chi-square about the season means for each degree of freedom."""
    means, _ = _season_means(curves)
    centre = np.take_along_axis(means, np.maximum(curves.season, 0), axis=1)
    square = curves.weight * np.where(curves.mask, curves.flux - centre, 0.0) ** 2
    return _divide(square.sum(1), curves.count - _seasons(curves))


def _trend(curves: PaddedFlux) -> tuple[Column, Column]:
    """Weighted linear trend of the flux a day, and its error."""
    weight, total = curves.weight, curves.weight.sum(1)
    centre = (weight * curves.time).sum(1) / total
    away = np.where(curves.mask, curves.time - centre[:, None], 0.0)
    spread = (weight * away**2).sum(1)
    slope = _divide((weight * away * curves.flux).sum(1), spread)
    return slope, _divide(np.ones(len(spread)), np.sqrt(spread))


def _trend_to_noise(curves: PaddedFlux) -> Column:
    """Linear trend over its error."""
    slope, error = _trend(curves)
    return _divide(slope, error)


def _trend_share(curves: PaddedFlux) -> Column:
    """Linear trend in a year over the mean flux."""
    return 365.25 * _trend(curves)[0] / np.maximum(curves.mean, _FAINTEST)


def _structure(curves: PaddedFlux, *, low: float, high: float) -> Column:
    """Mean squared change in magnitude beyond the errors between nights so many days apart."""
    soft = np.maximum(curves.flux, curves.err)
    mag = _mag(np.where(curves.mask, soft, 1.0))
    variance = np.divide(1.1788 * curves.err**2, soft**2, out=np.zeros_like(soft), where=soft > 0)
    lag = curves.time[:, :, None] - curves.time[:, None, :]
    pairs = (lag >= low) & (lag < high) & curves.mask[:, :, None] & curves.mask[:, None, :]
    square = (mag[:, :, None] - mag[:, None, :]) ** 2
    square = square - variance[:, :, None] - variance[:, None, :]
    return _divide((square * pairs).sum((1, 2)), pairs.sum((1, 2)).astype(float))


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
    "brightest_point": partial(_ranked_excess, rank=0),
    "faintest_point": partial(_ranked_excess, rank=-1),
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

#: Names of the columns, in order.
CURVE_FEATURE_NAMES: tuple[str, ...] = (*POINT_FEATURES, *NIGHT_FEATURES)


def extract_curve_features(curves: Sequence[LightCurve]) -> Column:
    """Measure the features of many light curves.

    Parameters
    ----------
    curves : sequence of LightCurve
        With fluxes, as measured on images, or with magnitudes alone.

    Returns
    -------
    ndarray, shape (len(curves), len(CURVE_FEATURE_NAMES)), float64
        Columns in the order of `CURVE_FEATURE_NAMES`; NaN where a feature is not defined.
    """
    points = [flux_points(curve) for curve in curves]
    nights = [night_means(table) for table in points]
    columns = []
    for features, tables in ((POINT_FEATURES, points), (NIGHT_FEATURES, nights)):
        values = np.full((len(curves), len(features)), np.nan)
        for rows, batch in pad_flux(tables):
            values[rows] = np.stack([function(batch) for function in features.values()], axis=1)
        columns.append(values)
    return np.concatenate(columns, axis=1)
