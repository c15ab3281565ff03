"""What the app draws, as plain values: the epoch viewer's payload, overlays and cards.

Everything here is arithmetic; the browser only paints. All values survive JSON: arrays travel as
base64, numbers that are not finite as ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.cards import class_styles, curve_card, gallery_card, verdict_badge
from taonet_core.drawing.overlay import attribution_overlay
from taonet_core.drawing.packed import content_key, packed, plain
from taonet_core.errors import InvalidSequenceError
from taonet_core.labels import STYLES
from taonet_core.plain_text import LONGEST_SENTENCE, shown
from taonet_core.transforms.display import (
    bounded_for_display,
    display_limits,
)
from taonet_core.transforms.folding import period_search
from taonet_core.transforms.planes import image_planes
from taonet_core.transforms.skyview import coordinate_texts, sky_geometry
from taonet_core.transforms.summary import epoch_columns, peak_epoch

__all__ = ["attribution_overlay", "class_styles", "curve_card", "gallery_card", "viewer_payload"]

_NAME, _FILTER, _UNIT = 120, 80, 24  # letters shown of names
_QUIET = 3.0  # differences are shown over this many times the interval: mid-grey noise


def viewer_payload(
    sequence: ImageSequence | None,
    curve: LightCurve | None,
    predictions: Sequence[Prediction] = (),
    *,
    expert: Mapping[str, str] | None = None,
    periods: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gather all that the epoch viewer shows of one object.

    Parameters
    ----------
    sequence : ImageSequence or None
        `None` for an object known by its light curve alone.
    curve : LightCurve or None
        One point a frame, as `extract_light_curve` returns, or the whole curve of an object
        without images.
    predictions : sequence of Prediction
        One a model, the leading model first.
    expert : mapping, optional
        What an expert says of the object: ``class``, ``author`` and ``when`` (ISO 8601).
    periods : mapping, optional
        What `taonet_core.transforms.folding.period_search` says of the curve; it is asked where
        this is not given.

    Returns
    -------
    dict
        JSON-ready. ``key`` is a hash of the rest but for ``expert``, which may change while the
        object is open: equal keys mean equal contents.

    Raises
    ------
    InvalidSequenceError
        If there is neither a sequence nor a light curve, or they do not belong together.

    Notes
    -----
    Large frames are cut around the middle pixel and long sequences thinned to evenly spaced
    frames (`bounded_for_display`); ``reduced`` says so. The classifiers read the whole sequence.
    """
    if sequence is None and curve is None:
        raise InvalidSequenceError("the viewer needs an image sequence or a light curve")
    if sequence is not None and curve is not None and len(sequence) != len(curve):
        raise InvalidSequenceError(
            f"{len(sequence)} frames need a light curve of as many points; got {len(curve)}"
        )
    if periods is None and curve is not None and curve.meta.get("time_kind", "mjd") == "mjd":
        periods = period_search(curve)
    reduced: list[str] = []
    if sequence is not None:
        sequence, kept, reduced = bounded_for_display(sequence)
        curve = None if curve is None else curve.select(kept)
        predictions = [_of_frames(prediction, kept) for prediction in predictions]
    subject = sequence if sequence is not None else curve
    assert subject is not None
    meta = dict(subject.meta)
    payload = {
        "object": _object(meta, predictions),
        "styles": class_styles(),
        "epochs": _epochs(subject.times, subject.bands, meta) | {"peak": peak_epoch(curve)},
        "frames": None if sequence is None else _frames(sequence),
        "curve": None if curve is None else _curve(curve),
        "models": [_model(prediction, subject.times, subject.bands) for prediction in predictions],
        "periods": None if periods is None else dict(periods),
        "reduced": reduced,
    }
    expert = None if expert is None else {name: shown(text) for name, text in expert.items()}
    return {"key": content_key(payload), "expert": expert, **payload}


def _of_frames(prediction: Prediction, kept: NDArray[np.int64]) -> Prediction:
    """Return the prediction with the frames that are shown, where it knows frames at all."""
    nights = prediction.night_of_frame
    return (
        replace(prediction, night_of_frame=nights[kept]) if len(nights) > kept[-1] else prediction
    )


def _epochs(
    times: NDArray[np.float64], bands: NDArray[np.str_], meta: dict[str, Any]
) -> dict[str, Any]:
    columns = epoch_columns(times, bands, meta)
    return {**columns, "band": [shown(band, _FILTER) for band in columns["band"]]}


def _object(meta: dict[str, Any], predictions: Sequence[Prediction]) -> dict[str, Any]:
    return {
        "name": shown(meta.get("object_id") or "unnamed", _NAME),
        "coordinates": coordinate_texts(meta.get("ra"), meta.get("dec")),
        "truth": meta.get("label") if meta.get("label") in set(STYLES) else None,
        "simulated": bool(meta.get("simulated")),
        "agree": len({prediction.verdict for prediction in predictions}) <= 1,
    }


def _frames(sequence: ImageSequence) -> dict[str, Any]:
    """Stacks, their sky levels, the display limits and how the frames lie on the sky."""
    planes = image_planes(sequence)
    seen = planes.seen
    return {
        "count": len(planes.science),
        "height": planes.science.shape[1],
        "width": planes.science.shape[2],
        "unit": shown(sequence.meta.get("unit") or "counts", _UNIT),
        "fault": planes.faults,
        "science": packed(planes.science),
        "level": plain(planes.levels),
        "reference": packed(planes.templates),
        "reference_of_epoch": planes.template_of_frame.tolist(),
        "reference_level": plain(planes.template_levels),
        "reference_said": planes.said,
        "difference": None if planes.own is None else packed(planes.own),
        "difference_said": "science − reference" if planes.own is None else "as the survey made it",
        "limits": display_limits(planes.flat[seen]),
        "raw_limits": display_limits(planes.science[seen]),
        "difference_limits": {
            name: _QUIET * max(abs(low), abs(high))
            for name, (low, high) in display_limits(planes.difference[seen]).items()
        },
        "sky": sky_geometry(sequence),
    }


def _curve(curve: LightCurve) -> dict[str, Any]:
    columns = ("mag", "mag_err", "flux", "flux_err", "limit")
    return {
        **{name: plain(getattr(curve, name)) for name in columns},
        "system": shown(curve.meta.get("system") or "", _UNIT),
        "sigma": curve.meta.get("limit_sigma"),
    }


def _model(
    prediction: Prediction, times: NDArray[np.float64], bands: NDArray[np.str_]
) -> dict[str, Any]:
    """One classifier's probabilities, tied to the epochs both ways."""
    nights = prediction.night_of_frame
    rows = np.searchsorted(prediction.times, times + 1e-9, side="right") - 1
    read: set[str] = set()
    if len(nights) == len(times):
        rows = np.where(nights >= 0, nights, rows)
        read = {str(band) for band, night in zip(bands, nights, strict=True) if night >= 0}
    epochs = np.searchsorted(times, prediction.times + 1e-9, side="right") - 1
    return {
        **verdict_badge(prediction),
        "classes": [str(name) for name in prediction.classes],
        "probabilities": [plain(row) for row in prediction.probabilities],
        "spread": None
        if prediction.spread is None
        else [[plain(row) for row in ends] for ends in prediction.spread],
        "band": shown(read.pop(), _FILTER) if len(read) == 1 < len(set(bands.tolist())) else "",
        "mjd": prediction.times.tolist(),
        "row_of_epoch": rows.tolist(),
        "epoch_of_row": np.clip(epochs, 0, None).tolist(),
        "warnings": [shown(text, LONGEST_SENTENCE) for text in prediction.meta.get("warnings", ())],
        "set": None if prediction.prediction_sets is None else _sets(prediction),
        "novelty": plain(np.array([prediction.novelty]))[0],
    }


def _sets(prediction: Prediction) -> list[list[str]]:
    """Classes that cannot be ruled out after each night, the most probable first."""
    assert prediction.prediction_sets is not None
    ranked = np.argsort(-prediction.probabilities, axis=1, kind="stable")
    return [
        [str(prediction.classes[k]) for k in order if inside[k]]
        for order, inside in zip(ranked, prediction.prediction_sets, strict=True)
    ]
