"""The 30 light-curve features of MANTRA's random forest (Neira et al. 2020, ApJS 250, 11).

Each feature is a small function over many curves at once, in one ordered table, `FEATURES`.

Notes
-----
The definitions follow the paper's wording. Where it leaves a choice (degrees of freedom, weights,
the zero of time), the authors' public feature tables decide, which the tests reproduce column by
column from the same real light curves. Those tables depart from the wording in places where we do
not follow: their amplitude is half of maximum minus minimum, their slope is per hour, their
``median_absolute_deviation`` is a *mean* deviation from the *mean*, their flux is
``10**(-mag)``, their percent difference is ``(F95 - F50) / F50``, their ``kurtosis`` is our
``small_kurtosis``, and their ``small_kurtosis`` and (below 31 points)
``pair_slope_trend_last_30`` count points more than they measure shape.

Where a feature is 0/0 (a constant curve) its value is 0; values are clipped to ± `LARGEST`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.padded import (
    POLYNOMIAL_ORDERS,
    Column,
    PaddedCurves,
    SortedRows,
    pad_curves,
    ratio,
)

#: Clip of the feature values; the public tables reach 7e10 where a polynomial has hardly a base.
LARGEST = 1e9
#: Fewest points a curve needs: a polynomial of order four has five coefficients.
MIN_POINTS = 5


def _amplitude(curves: PaddedCurves) -> Column:
    """Maximum minus minimum."""
    return np.ptp(curves.sorted_mag.ends, axis=1)


def _beyond_one_std(curves: PaddedCurves) -> Column:
    """Share of points further than one standard deviation from the mean weighted by 1/error."""
    weight = ratio(curves.mask.astype(float), curves.err)
    centre = (weight * curves.mag).sum(1) / weight.sum(1)
    distance = np.abs(curves.mag - centre[:, None])
    beyond = (distance > curves.std[:, None]) & curves.mask & (curves.std > 0)[:, None]
    return beyond.sum(1) / curves.count


def _skew(curves: PaddedCurves) -> Column:
    """Skewness, corrected for sample size."""
    n = curves.count
    return n / ((n - 1) * (n - 2)) * ratio((curves.residual**3).sum(1), curves.std**3)


def _kurtosis(curves: PaddedCurves) -> Column:
    """Excess kurtosis of the points as they are."""
    n = curves.count
    fourth = ratio((curves.residual**4).sum(1) / n, (curves.std**2 * (n - 1) / n) ** 2)
    return np.where(curves.std > 0, fourth - 3, 0.0)


def _small_kurtosis(curves: PaddedCurves) -> Column:
    """Excess kurtosis, corrected for sample size."""
    n = curves.count
    fourth = ratio((curves.residual**4).sum(1), curves.std**4)
    value = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth
    return np.where(curves.std > 0, value - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)), 0.0)


def _std(curves: PaddedCurves) -> Column:
    """Sample standard deviation."""
    return curves.std


def _stetson_j(curves: PaddedCurves) -> Column:
    """Mean signed root of the products of neighbouring normalised residuals."""
    product = curves.delta[:, 1:] * curves.delta[:, :-1]
    return (np.sign(product) * np.sqrt(np.abs(product))).sum(1) / (curves.count - 1)


def _stetson_k(curves: PaddedCurves) -> Column:
    """Mean over root mean square of the normalised residuals' sizes."""
    size = np.abs(curves.delta)
    return ratio(size.sum(1), np.sqrt(curves.count * (size**2).sum(1)))


def _max_slope(curves: PaddedCurves) -> Column:
    """Largest change between neighbours, mag a day; points of equal time are no neighbours."""
    change = np.abs(np.diff(curves.mag, axis=1)) * curves.mask[:, 1:]
    return ratio(change, np.maximum(np.diff(curves.time, axis=1), 0.0)).max(1)


def _median_absolute_deviation(curves: PaddedCurves) -> Column:
    """Median distance from the median magnitude."""
    distance = np.abs(curves.mag - curves.sorted_mag.quantile(0.5)[:, None])
    return SortedRows(distance, curves.mask).quantile(0.5)


def _median_buffer_range_percentage(curves: PaddedCurves) -> Column:
    """Share of fluxes within a tenth of the median flux from it."""
    median = curves.sorted_flux.quantile(0.5)[:, None]
    near = (np.abs(curves.flux - median) < 0.1 * median) & curves.mask
    return near.sum(1) / curves.count


def _pair_slope_trend(curves: PaddedCurves) -> Column:
    """Rising pairs of neighbours over the number of points."""
    return curves.rises.sum(1) / curves.count


def _pair_slope_trend_last_30(curves: PaddedCurves) -> Column:
    """Rising share of the last 30 pairs of neighbours, or of all where there are fewer."""
    pairs = curves.count - 1
    recent = np.arange(curves.rises.shape[1]) >= pairs[:, None] - 30
    return (curves.rises & recent).sum(1) / np.minimum(pairs, 30)


def _percent_amplitude(curves: PaddedCurves) -> Column:
    """Largest distance from the median flux, in units of it."""
    median = curves.sorted_flux.quantile(0.5)
    return np.abs(curves.sorted_flux.ends - median[:, None]).max(1) / median


def _percent_difference_flux_percentile(curves: PaddedCurves) -> Column:
    """Width of the middle 90 % of fluxes over the median flux."""
    return _width(curves, 90) / curves.sorted_flux.quantile(0.5)


def _flux_percentile_ratio(curves: PaddedCurves, *, middle: int) -> Column:
    """Width of the middle share (in %) of fluxes over that of the middle 90 %."""
    return ratio(_width(curves, middle), _width(curves, 90))


def _width(curves: PaddedCurves, middle: int) -> Column:
    q = middle / 200
    return curves.sorted_flux.quantile(0.5 + q) - curves.sorted_flux.quantile(0.5 - q)


def _coefficient(curves: PaddedCurves, *, order: int, power: int) -> Column:
    """Coefficient of ``t**power`` in the least-squares polynomial, time from its mean, days."""
    return curves.polynomials[order][:, power]


#: Name -> function of `PaddedCurves`, in the order of the feature columns.
FEATURES: dict[str, Callable[[PaddedCurves], Column]] = {
    "amplitude": _amplitude,
    "beyond1st": _beyond_one_std,
    "skew": _skew,
    "kurtosis": _kurtosis,
    "small_kurtosis": _small_kurtosis,
    "std": _std,
    "stetson_j": _stetson_j,
    "stetson_k": _stetson_k,
    "max_slope": _max_slope,
    "median_absolute_deviation": _median_absolute_deviation,
    "median_buffer_range_percentage": _median_buffer_range_percentage,
    "pair_slope_trend": _pair_slope_trend,
    "pair_slope_trend_last_30": _pair_slope_trend_last_30,
    "percent_amplitude": _percent_amplitude,
    "percent_difference_flux_percentile": _percent_difference_flux_percentile,
    **{
        f"flux_percentile_ratio_mid{middle}": partial(_flux_percentile_ratio, middle=middle)
        for middle in (20, 35, 50, 65, 80)
    },
    **{
        f"poly{order}_t{power}": partial(_coefficient, order=order, power=power)
        for order in POLYNOMIAL_ORDERS
        for power in range(order, 0, -1)
    },
}

#: Names of the feature columns, in order.
FEATURE_NAMES: tuple[str, ...] = tuple(FEATURES)


def extract_features(curves: Sequence[LightCurve]) -> Column:
    """Measure all features of many light curves.

    Parameters
    ----------
    curves : sequence of LightCurve
        Of any lengths; points without a magnitude are passed over, bands are not told apart. An
        unknown or non-positive error counts as the median error of its curve (1 mag where none
        is known).

    Returns
    -------
    ndarray, shape (len(curves), 30), float64
        Columns in the order of `FEATURE_NAMES`; a row of NaN where a curve has fewer than
        `MIN_POINTS` points, finite otherwise.
    """
    features = np.full((len(curves), len(FEATURES)), np.nan)
    for rows, batch in pad_curves(curves, min_points=MIN_POINTS):
        columns = np.stack([function(batch) for function in FEATURES.values()], axis=1)
        features[rows] = np.clip(columns, -LARGEST, LARGEST)
    return features
