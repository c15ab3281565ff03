"""The forest's 30 features in words a reader can use, beside their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core.explaining.feature_words import feature_words
from taonet_core.transforms.features import FEATURE_NAMES

if TYPE_CHECKING:
    import pandas as pd


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
    meanings, units = zip(*feature_words(FEATURE_NAMES), strict=True)
    table = pd.DataFrame(
        {
            "feature": list(FEATURE_NAMES),
            "meaning": meanings,
            "value": values.astype(float),
            "unit": units,
        }
    )
    if known is None or not len(known):
        return table
    there = np.isfinite(known)
    below = ((known < values) & there).sum(0) + 0.5 * ((known == values) & there).sum(0)
    share = 100 * below / np.maximum(there.sum(0), 1)
    return table.assign(percentile=np.where(np.isfinite(values) & there.any(0), share, np.nan))
