"""An object in a few words: what was read, when, what of it was used, when it stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.preprocess import frame_faults, night_index

if TYPE_CHECKING:
    import pandas as pd

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
    if is_dated(source.meta):
        nights = int(night_index(source.times)[-1]) + 1 if len(source) else 0
        count += f" on {nights} night{'s' * (nights != 1)}"
    assert source.bands is not None  # always set
    bands = [str(band) for band in np.unique(source.bands) if band]
    filters = f"filter{'s' * (len(bands) != 1)} {', '.join(bands)}" if bands else "filter unknown"
    return ", ".join([kind, count, filters, *pixels])


def is_dated(meta: Mapping[str, Any]) -> bool:
    """Return whether the times of what `meta` tells of are MJD; else they are frame numbers."""
    return bool(meta.get("time_kind", "mjd") == "mjd")


def epoch_columns(
    times: NDArray[np.float64], bands: NDArray[np.str_], meta: Mapping[str, Any]
) -> dict[str, Any]:
    """Return when each frame or point was taken, and on which night.

    Parameters
    ----------
    times : ndarray, shape (T,)
        MJD, non-decreasing; frame numbers where ``meta["time_kind"]`` is ``"index"``.
    bands : ndarray, shape (T,)
    meta : mapping

    Returns
    -------
    dict
        Lists of length T ``mjd``, ``utc``, ``band`` and ``night`` (from 0), the number of
        ``nights``, and ``dated``: whether there are times at all. Without them every frame
        stands for a night of its own.
    """
    dated = is_dated(meta)
    nights = night_index(times) if dated else np.arange(len(times))
    return {
        "mjd": times.tolist(),
        "dated": dated,
        "utc": utc_texts(times) if dated else [""] * len(times),
        "band": bands.tolist(),
        "night": nights.tolist(),
        "nights": int(nights[-1]) + 1,
    }


def frame_table(sequence: ImageSequence, predictions: Sequence[Prediction]) -> pd.DataFrame:
    """List the frames of a sequence and what each classifier did with them.

    Parameters
    ----------
    sequence : ImageSequence
    predictions : sequence of Prediction

    Returns
    -------
    pandas.DataFrame
        One row a frame: ``frame``, ``night``, ``MJD``, ``UTC``, ``filter``, ``state`` of the
        pixels, and a column a model that says ``read`` or why not.
    """
    import pandas as pd

    epochs = epoch_columns(sequence.times, sequence.bands, sequence.meta)
    table = {
        "frame": range(1, len(sequence) + 1),
        "night": [night + 1 for night in epochs["night"]],
        "MJD": epochs["mjd"],
        "UTC": epochs["utc"],
        "filter": epochs["band"],
        "state": [fault or "usable" for fault in frame_faults(sequence)],
    }
    for prediction in predictions:
        unused = prediction.meta.get("unused", {})
        table[prediction.model] = [unused.get(i, "read") for i in range(len(sequence))]
    frame = pd.DataFrame(table)
    return frame if epochs["dated"] else frame.drop(columns=["night", "MJD", "UTC"])


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
