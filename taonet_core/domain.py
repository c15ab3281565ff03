"""What a model was trained on, and how an object differs from that."""

from __future__ import annotations

from typing import Any

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence, known_number
from taonet_core.flags import Flag, Note
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.preprocess import mark_missing, reading_band

#: Percentile of the novelty of known objects above which an object is called never seen.
NOVEL = 99.0
#: Time from the first to the last frame that no object of the training exceeds: CRTS observed from
#: 2003 to 2016 (days).
_LONGEST_SPAN = 5_500.0
#: Frames of a sequence that tell its sky.
_SKY_FRAMES = 8


def domain_warnings(
    source: ImageSequence | LightCurve, n_nights: int, bundle: ModelBundle
) -> list[str]:
    """Say in sentences how an object differs from what the model was trained on."""
    domain = bundle.sidecar.get("domain", {})
    warnings: list[str] = []
    if bundle.sidecar.get("training", {}).get("simulated") and not source.meta.get("simulated"):
        text = "The model was trained on simulated images; this object is not simulated."
        warnings.append(Note(text, Flag.TRAINED_ON_SIMULATIONS))
    bands = domain.get("bands")
    if isinstance(source, ImageSequence):
        band = reading_band(source)
        if bands and band not in bands:
            known = ", ".join(b or "unfiltered" for b in bands)
            text = f"Filter {band or 'unknown'}; the model was trained on {known}."
            warnings.append(Note(text, Flag.FILTER_UNTRAINED))
        warnings += _scale_warnings(source, domain)
        warnings += _size_warnings(source, bundle)
        warnings += _sky_warnings(source, bundle.sidecar.get("calibration", {}).get("sky", {}))
        if source.meta.get("time_kind") == "index":
            text = "No times in the file: frames count as one a day, in file order."
            warnings.append(Note(text, Flag.NO_TIMES))
    low, high = domain.get("nights", (1, np.inf))
    if n_nights < low or n_nights > high:
        text = f"{n_nights} nights; the model was trained on {low} to {high}."
        warnings.append(Note(text, Flag.NIGHTS_UNTRAINED))
    span = float(source.times[-1] - source.times[0])
    if span > _LONGEST_SPAN and source.meta.get("time_kind") != "index":
        text = f"{span / 365.25:.0f} years from first to last; the model was trained on up to 15."
        warnings.append(Note(text, Flag.SPAN_UNTRAINED))
    return warnings


def _scale_warnings(source: ImageSequence, domain: dict[str, Any]) -> list[str]:
    trained, scale = domain.get("pixel_scale"), source.meta.get("pixel_scale")
    warnings: list[str] = []
    if trained and not scale:
        text = f'Pixel scale unknown; the model was trained on {trained:.2f}" a pixel.'
        warnings.append(Note(text, Flag.PIXEL_SCALE_UNKNOWN))
    elif trained and abs(scale / trained - 1) > 0.1:
        text = (
            f'Pixels of {scale:.2f}"; the model was trained on {trained:.2f}", so sources look '
            f"{trained / scale:.1f} times larger to it."
        )
        warnings.append(Note(text, Flag.PIXEL_SCALE_UNTRAINED))
    if np.isnan(known_number(source.meta, "zero_point", np.nan)):
        text = "Zero point unknown: counts are read as if the survey were CRTS."
        warnings.append(Note(text, Flag.ZERO_POINT_UNKNOWN))
    return warnings


def _size_warnings(source: ImageSequence, bundle: ModelBundle) -> list[str]:
    """Say where frames hold little of the square that the model reads."""
    height, width = source.frames.shape[1:]
    size = bundle.preprocess.size if bundle.preprocess else 0
    if 2 * min(height, width) >= size:
        return []
    text = (
        f"Frames of {width} x {height} pixels; the model reads {size} x {size}, mostly empty here."
    )
    return [Note(text, Flag.FRAMES_SMALL)]


def sky(sequence: ImageSequence) -> dict[str, float]:
    """Measure the sky of a sequence: what tells one camera from another.

    Parameters
    ----------
    sequence : ImageSequence

    Returns
    -------
    dict
        ``level``, median over some frames of the median pixel, and ``noise``, of the scatter of
        the pixels below it, where no star reaches; counts, NaN where there are none.
    """
    chosen = np.unique(np.linspace(0, len(sequence) - 1, _SKY_FRAMES).astype(int))
    found = []
    for frame in mark_missing(sequence.frames[chosen]):
        pixels = frame[np.isfinite(frame)].astype(np.float64)
        if len(pixels) and pixels.min() < pixels.max():
            level = np.median(pixels)
            below = level - pixels[pixels <= level]
            found.append((level, np.sqrt(np.mean(below**2))))
    level, noise = np.median(found, axis=0) if found else (np.nan, np.nan)
    return {"level": float(level), "noise": float(noise)}


def _sky_warnings(source: ImageSequence, known: dict[str, Any]) -> list[str]:
    """Say where the sky is not that of the survey, whatever the file says or does not."""
    found = sky(source) if known else {}
    return [
        Note(
            f"Sky {name} of {found[name]:.3g} counts; the model has been tried on {low:.3g} to "
            f"{high:.3g}: the images may be of another survey.",
            Flag.SKY_UNTRAINED,
        )
        for name, (low, high) in known.items()
        if name in found and not low <= found[name] <= high
    ]


def novelty_warnings(novelty: float) -> list[str]:
    """Say in a sentence that an object resembles nothing the model was trained on.

    Parameters
    ----------
    novelty : float
        Percentile (see `Prediction`); NaN says nothing.
    """
    if not novelty > NOVEL:
        return []
    text = (
        "The object resembles nothing the model was trained on: it looks stranger than "
        f"{NOVEL:g} % of known objects, and every class may be wrong."
    )
    return [Note(text, Flag.UNLIKE_TRAINING)]
