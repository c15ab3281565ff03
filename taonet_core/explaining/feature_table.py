"""The forest's 30 features in words a reader can use, beside their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.transforms.features import FEATURE_NAMES

if TYPE_CHECKING:
    import pandas as pd

_POLYNOMIAL = "Coefficient of t{power} in the best polynomial of order {order}, t from its mean"
_POWERS = {1: "", 2: "²", 3: "³", 4: "⁴"}
#: Feature -> (what it says in plain words, its unit).
WORDS: dict[str, tuple[str, str]] = {
    "amplitude": ("Faintest minus brightest point", "mag"),
    "beyond1st": ("Share of points further than one standard deviation from the mean", ""),
    "skew": ("Lopsidedness of the magnitudes: positive with a tail to the faint side", ""),
    "kurtosis": ("Weight of the tails against a Gaussian", ""),
    "small_kurtosis": ("Weight of the tails, corrected for few points", ""),
    "std": ("Scatter of the magnitudes: their standard deviation", "mag"),
    "stetson_j": ("Whether neighbours deviate together: large for smooth changes", ""),
    "stetson_k": ("How evenly the deviations are spread: 0.80 for Gaussian noise", ""),
    "max_slope": ("Fastest change between two neighbours", "mag/d"),
    "median_absolute_deviation": ("Scatter that outliers do not reach", "mag"),
    "median_buffer_range_percentage": ("Share of points within 10 % of the median flux", ""),
    "pair_slope_trend": ("Share of neighbours of which the later is fainter", ""),
    "pair_slope_trend_last_30": ("The same among the last 30 neighbours", ""),
    "percent_amplitude": ("Largest distance from the median flux, in units of it", ""),
    "percent_difference_flux_percentile": (
        "Width of the middle 90 % of fluxes over the median flux",
        "",
    ),
    **{
        f"flux_percentile_ratio_mid{middle}": (
            f"Width of the middle {middle} % of fluxes over that of the middle 90 %",
            "",
        )
        for middle in (20, 35, 50, 65, 80)
    },
    **{
        f"poly{order}_t{power}": (
            _POLYNOMIAL.format(order=order, power=_POWERS[power]),
            f"mag/d{_POWERS[power]}",
        )
        for order in (1, 2, 3, 4)
        for power in range(order, 0, -1)
    },
}


def feature_table(
    values: NDArray[np.float64], known: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """List the features of a light curve.

    Parameters
    ----------
    values : ndarray, shape (30,)
        In the order of `taonet_core.transforms.features.FEATURE_NAMES`; NaN where not measured.
    known : ndarray, shape (n, 30), optional
        Features of other objects, to compare with; NaN where not measured.

    Returns
    -------
    pandas.DataFrame
        One row a feature: ``feature``, ``meaning``, ``value``, ``unit``; with `known` also
        ``percentile``, the share of other objects, in percent, whose value is smaller, equal
        ones counting half.

    Raises
    ------
    ValueError
        If there are not 30 values.
    """
    import pandas as pd

    if values.shape != (len(FEATURE_NAMES),):
        raise ValueError(f"wanted {len(FEATURE_NAMES)} values, got {values.shape}")
    table = pd.DataFrame(
        {
            "feature": list(FEATURE_NAMES),
            "meaning": [WORDS[name][0] for name in FEATURE_NAMES],
            "value": values.astype(float),
            "unit": [WORDS[name][1] for name in FEATURE_NAMES],
        }
    )
    if known is None or not len(known):
        return table
    there = np.isfinite(known)
    below = ((known < values) & there).sum(0) + 0.5 * ((known == values) & there).sum(0)
    share = 100 * below / np.maximum(there.sum(0), 1)
    return table.assign(percentile=np.where(np.isfinite(values) & there.any(0), share, np.nan))
