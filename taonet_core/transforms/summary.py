"""An object in a few words: when it stands out, what was read, calendar dates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.preprocess import night_index

_MJD_EPOCH = np.datetime64("1858-11-17T00:00:00", "ms")


def describe(source: ImageSequence | LightCurve) -> str:
    """Say in a few words what was read: frames or points, nights, filters, pixels.

    Parameters
    ----------
    source : ImageSequence or LightCurve
    """
    kind, unit, pixels = "light curve", "point", []
    if isinstance(source, ImageSequence):
        height, width = source.frames.shape[1:]
        kind, unit, pixels = "image sequence", "frame", [f"{width} × {height} pixels"]
    count = f"{len(source)} {unit}{'s' * (len(source) != 1)}"
    if source.meta.get("time_kind", "mjd") == "mjd":
        nights = int(night_index(source.times)[-1]) + 1 if len(source) else 0
        count += f" on {nights} night{'s' * (nights != 1)}"
    assert source.bands is not None  # always set
    bands = [str(band) for band in np.unique(source.bands) if band]
    filters = f"filter{'s' * (len(bands) != 1)} {', '.join(bands)}" if bands else "filter unknown"
    return ", ".join([kind, count, filters, *pixels])


def peak_epoch(curve: LightCurve | None) -> int:
    """Return where the object stands out most: the best measured of its bright points, or 0."""
    if curve is None or not curve.detected.any():
        return 0
    certainty = np.where(curve.detected, 1 / np.maximum(curve.mag_err, 1e-3), 0)
    bright = curve.mag <= np.nanmin(curve.mag) + 0.5
    return int(np.argmax(np.where(bright, np.nan_to_num(certainty) + 1, 0)))


def utc_texts(times: NDArray[np.float64]) -> list[str]:
    """Return MJD (UTC) as ``YYYY-MM-DD hh:mm:ss``, shape (T,)."""
    stamps = _MJD_EPOCH + np.round(times * 86_400_000).astype("timedelta64[ms]")
    return [text.replace("T", " ") for text in np.datetime_as_string(stamps, unit="s")]
