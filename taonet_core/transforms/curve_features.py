"""What a light curve of forced photometry tells beyond MANTRA's 30 features.

Brightness, errors and non-detections are kept: every frame has a flux, detected or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.outbursts import OUTBURST_FEATURES
from taonet_core.transforms.padded import Column
from taonet_core.transforms.padded_flux import (
    PaddedFlux,
    flux_points,
    night_magnitudes,
    night_means,
    pad_flux,
)
from taonet_core.transforms.periodogram import PERIODOGRAM_NAMES, periodogram_peaks
from taonet_core.transforms.random_walk import RANDOM_WALK_NAMES, random_walk_features
from taonet_core.transforms.variability import NIGHT_FEATURES, POINT_FEATURES

#: Names of the columns, in order.
CURVE_FEATURE_NAMES: tuple[str, ...] = (
    *POINT_FEATURES,
    *NIGHT_FEATURES,
    *OUTBURST_FEATURES,
    *PERIODOGRAM_NAMES,
    *RANDOM_WALK_NAMES,
)


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
    columns = [
        _columns(points, POINT_FEATURES),
        _columns(nights, {**NIGHT_FEATURES, **OUTBURST_FEATURES}),
        periodogram_peaks(points),
        random_walk_features([night_magnitudes(table) for table in nights]),
    ]
    return np.concatenate(columns, axis=1)


def _columns(
    tables: Sequence[Column], features: Mapping[str, Callable[[PaddedFlux], Column]]
) -> Column:
    values = np.full((len(tables), len(features)), np.nan)
    for rows, batch in pad_flux(tables):
        values[rows] = np.stack([function(batch) for function in features.values()], axis=1)
    return values
