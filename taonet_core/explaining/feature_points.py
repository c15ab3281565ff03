"""Where on a light curve a feature is measured, for those that have a place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.features import MIN_POINTS
from taonet_core.transforms.padded import LARGEST_MAG, PaddedCurves, pad_curves
from taonet_core.transforms.photometry import asinh_magnitudes


def feature_points(curve: LightCurve) -> dict[str, NDArray[np.int64]]:
    """Say which points a feature is measured on.

    Parameters
    ----------
    curve : LightCurve
        What a light-curve model reads: one filter.

    Returns
    -------
    dict of str to ndarray of int64
        Names of `taonet_core.transforms.features.FEATURES` that have a place, and their points:
        the two ends of the amplitude and of the steepest slope, the points beyond one standard
        deviation, those near the median flux, the furthest from it, the faintest and brightest
        twentieth, the points fainter than the last. Empty where there are too few points.
    """
    if np.isfinite(curve.flux).any():
        curve = asinh_magnitudes(curve)
    read = np.flatnonzero(np.abs(curve.mag) < LARGEST_MAG)  # NaN is not
    batches = list(pad_curves([curve.select(read)], min_points=MIN_POINTS))
    if not batches:
        return {}
    places = _places(batches[0][1])
    return {name: read[np.sort(points)] for name, points in places.items() if len(points)}


def _places(curves: PaddedCurves) -> dict[str, NDArray[np.int64]]:
    """Points, counted among those read, of one curve."""
    mag, flux, time = curves.mag[0], curves.flux[0], curves.time[0]
    step = np.diff(time)
    slope = np.divide(np.abs(np.diff(mag)), step, out=np.zeros(len(step)), where=step > 0)
    steepest = int(slope.argmax())
    middle = curves.sorted_flux.quantile(0.5)[0]
    low, high = (curves.sorted_flux.quantile(q)[0] for q in (0.05, 0.95))
    weight = 1 / curves.err[0]
    away = np.abs(mag - (weight * mag).sum() / weight.sum())
    rises = np.flatnonzero(curves.rises[0]) + 1
    return {
        "amplitude": np.array([mag.argmin(), mag.argmax()]),
        "beyond1st": np.flatnonzero(away > curves.std[0]),
        "max_slope": np.array([steepest, steepest + 1]) if slope.any() else np.arange(0),
        "median_buffer_range_percentage": np.flatnonzero(np.abs(flux - middle) < 0.1 * middle),
        "pair_slope_trend": rises,
        "pair_slope_trend_last_30": rises[rises >= len(mag) - 30],
        "percent_amplitude": np.array([np.abs(flux - middle).argmax()]),
        "percent_difference_flux_percentile": np.flatnonzero((flux <= low) | (flux >= high)),
    }
