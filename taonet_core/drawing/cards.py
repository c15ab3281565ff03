"""Cards of the gallery, and how classes and verdicts look wherever they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.packed import packed
from taonet_core.labels import STYLES
from taonet_core.transforms.display import display_limits, sky_levels
from taonet_core.transforms.preprocess import mark_missing, night_index
from taonet_core.transforms.summary import peak_epoch

_CARD = 96  # most pixels of a card's picture, along a side


def class_styles() -> dict[str, dict[str, str]]:
    """Return how each class looks: name, colour, glyph, and the ink that reads well on it."""
    return {
        str(kind): {
            "name": style.name,
            "colour": style.colour,
            "glyph": style.glyph,
            "ink": "#111111" if _luminance(style.colour) > 0.18 else "#ffffff",
        }
        for kind, style in STYLES.items()
    }


def _luminance(colour: str) -> float:
    """Relative luminance of a hex colour (WCAG 2): above 0.18 black reads better than white."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


def badge(
    model: str, version: str, verdict: str, probability: float, nights: int | None = None
) -> dict[str, Any]:
    """Return what the badge of a model's verdict says: who says what, how surely.

    Parameters
    ----------
    model, version : str
    verdict : str
    probability : float
        Of the verdict.
    nights : int, optional
        How many were read.
    """
    said = {"model": model, "version": version, "class": str(verdict)}
    read = {} if nights is None else {"nights": int(nights)}
    return {**said, "probability": float(probability), **read}


def magnitude_words(peak: float | None, catalogued: float) -> str:
    """Return how bright an object is: at its measured peak, else as the catalogue has it.

    Parameters
    ----------
    peak : float or None
        Magnitude of the brightest night; NaN or `None` where none was measured.
    catalogued : float
        Magnitude in the catalogue, which is said to be that; NaN where it has none.

    Returns
    -------
    str
        ``17.4 mag``, ``cat. 16.5 mag``, or nothing where neither is known.
    """
    if peak is not None and np.isfinite(peak):
        return f"{peak:.1f} mag"
    return f"cat. {catalogued:.1f} mag" if np.isfinite(catalogued) else ""


def verdict_badge(prediction: Prediction) -> dict[str, Any]:
    """Return what the badge of a prediction says; see `badge`."""
    who = prediction.model, prediction.model_version
    return badge(*who, prediction.verdict, prediction.confidence, prediction.n_nights)


def gallery_card(
    sequence: ImageSequence, curve: LightCurve, prediction: Prediction | None = None
) -> dict[str, Any]:
    """Return what a card of the catalogue shows: the night at peak, the light curve, badges.

    Parameters
    ----------
    sequence : ImageSequence
    curve : LightCurve
        One point a frame.
    prediction : Prediction, optional
        Its verdict becomes the card's badge.

    Returns
    -------
    dict
        ``id``, ``image`` (base64 of uint8, origin lower), ``width``, ``height``, ``peak`` (frame
        index), ``points`` (pairs in 0 … 1, later to the right, brighter up), ``truth``,
        ``verdict`` and ``simulated``.
    """
    peak = peak_epoch(curve)
    nights, usable = night_index(sequence.times), np.isfinite(curve.flux)
    chosen = (nights == nights[peak]) & (sequence.bands == sequence.bands[peak]) & usable
    frames = mark_missing(sequence.frames[chosen if chosen.any() else [peak]])
    image = np.median(frames - sky_levels(frames)[:, None, None], axis=0)
    image = _middle(image)
    low, high = display_limits(image)["zscale"]
    shade = np.clip((np.nan_to_num(image, nan=low) - low) / (high - low), 0, 1)
    shade = np.arcsinh(3 * shade) / np.arcsinh(3)  # as the viewer's asinh
    return {
        "id": sequence.object_id,
        "image": packed(np.round(255 * shade).astype(np.uint8)),
        "height": image.shape[0],
        "width": image.shape[1],
        "peak": peak,
        "points": _spark(curve),
        "truth": sequence.meta.get("label"),
        "simulated": bool(sequence.meta.get("simulated")),
        "verdict": None if prediction is None else verdict_badge(prediction),
    }


def _spark(curve: LightCurve) -> list[tuple[float, float]]:
    """Light curve of the most observed filter, scaled to the unit square."""
    curve = next(iter(curve.per_band().values()))
    curve = curve.select(curve.detected)
    if not len(curve):
        return []
    x = (curve.times - curve.times[0]) / max(np.ptp(curve.times), 1e-9)
    y = (curve.mag.max() - curve.mag) / max(np.ptp(curve.mag), 0.5)
    return [(round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True)]


def curve_card(curve: LightCurve) -> dict[str, Any]:
    """Return the card of an object that is known by its light curve alone: it has no image."""
    return {
        "id": str(curve.meta.get("object_id") or "unnamed"),
        "image": None,
        "points": _spark(curve),
        "truth": curve.meta.get("label") if curve.meta.get("label") in set(STYLES) else None,
        "simulated": bool(curve.meta.get("simulated")),
        "verdict": None,
    }


def _middle(image: NDArray[Any]) -> NDArray[Any]:
    """Cut a card's picture around the target, where the image is larger."""
    top, left = (max(0, side // 2 - _CARD // 2) for side in image.shape)
    return image[top : top + _CARD, left : left + _CARD]
