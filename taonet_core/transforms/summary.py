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
    """Return an epoch of the night on which the object was brightest; 0 where none is measured.

    Nights are compared by their median flux in the most observed filter, those of a single
    exposure only among themselves: one bad pixel makes no outburst.
    """
    if curve is None:
        return 0
    assert curve.flux is not None  # always set
    values = curve.flux if np.isfinite(curve.flux).any() else 10 ** (-0.4 * curve.mag)
    band = next(iter(curve.per_band()), "")
    good = np.isfinite(values) & (curve.bands == band)
    nights = night_index(curve.times)
    visits = np.bincount(nights[good], minlength=1)
    full = np.flatnonzero(visits >= min(2, visits.max(initial=0)))
    if not good.any():
        return 0
    brightness = [np.median(values[good & (nights == night)]) for night in full]
    best = int(np.argmax(brightness))
    members = np.flatnonzero(good & (nights == full[best]))
    return int(members[np.argmin(np.abs(values[members] - brightness[best]))])


def utc_texts(times: NDArray[np.float64]) -> list[str]:
    """Return MJD (UTC) as ``YYYY-MM-DD hh:mm:ss``, shape (T,)."""
    stamps = _MJD_EPOCH + np.round(times * 86_400_000).astype("timedelta64[ms]")
    return [text.replace("T", " ") for text in np.datetime_as_string(stamps, unit="s")]
