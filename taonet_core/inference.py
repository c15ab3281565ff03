"""A sequence or light curve in, class probabilities after every night out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence, known_number
from taonet_core.errors import InvalidSequenceError
from taonet_core.models import CURVE_KINDS, DEFAULT_MODEL
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import (
    Nights,
    frame_faults,
    night_index,
    other_filter,
    reading_band,
    stack_nights,
)

if TYPE_CHECKING:
    from torch import Tensor

#: Objects that go through a network together.
BATCH_SIZE = 32


def predict(
    source: ImageSequence | LightCurve, model: str | ModelBundle = DEFAULT_MODEL
) -> Prediction:
    """Classify one object after every night.

    Parameters
    ----------
    source : ImageSequence or LightCurve
        The forest and the boosting take both and measure the light curve of a sequence
        themselves; the networks take sequences.
    model : str or ModelBundle
        A name (see `available_models`) or a loaded model.

    Raises
    ------
    InvalidSequenceError
        If the object cannot be classified by this model.
    IncompatibleWeightsError
        If the model cannot be loaded.
    """
    [result] = predict_many([source], model)
    if isinstance(result, InvalidSequenceError):
        raise result
    return result


def predict_many(
    sources: Iterable[ImageSequence | LightCurve], model: str | ModelBundle = DEFAULT_MODEL
) -> list[Prediction | InvalidSequenceError]:
    """Classify many objects; one that cannot be is returned as its error, in its place.

    Parameters
    ----------
    sources : iterable of ImageSequence or LightCurve
    model : str or ModelBundle
    """
    bundle = load_model(model) if isinstance(model, str) else model
    sources = list(sources)
    results: list[Prediction | InvalidSequenceError] = []
    for start in range(0, len(sources), BATCH_SIZE):
        results += _predict_batch(sources[start : start + BATCH_SIZE], bundle)
    return results


def _predict_batch(
    sources: Sequence[ImageSequence | LightCurve], bundle: ModelBundle
) -> list[Prediction | InvalidSequenceError]:
    prepare, probabilities = _STEPS["curve" if bundle.kind in CURVE_KINDS else "network"]
    prepared: list[Any] = []
    for source in sources:
        try:
            prepared.append(prepare(source, bundle))
        except InvalidSequenceError as error:
            prepared.append(error)
    good = [item for item in prepared if not isinstance(item, InvalidSequenceError)]
    answers = iter(probabilities(good, bundle) if good else ())
    return [
        item
        if isinstance(item, InvalidSequenceError)
        else _prediction(source, item, next(answers), bundle)
        for source, item in zip(sources, prepared, strict=True)
    ]


def _prediction(
    source: ImageSequence | LightCurve,
    nights: Nights | _CurveNights,
    probabilities: NDArray[np.float64],
    bundle: ModelBundle,
) -> Prediction | InvalidSequenceError:
    if not np.isfinite(probabilities[-1]).all():
        return InvalidSequenceError(
            f"{_name(source)}: the {bundle.name} model gives no probability for this object "
            f"({len(nights)} nights); see which frames were used"
        )
    meta = {key: source.meta[key] for key in ("ra", "dec", "label") if key in source.meta}
    meta |= {
        "object_id": _name(source),
        "warnings": domain_warnings(source, len(nights), bundle),
        "unused": nights.unused,
    }
    return Prediction(
        probabilities,
        nights.times,
        bundle.classes,
        bundle.name,
        bundle.version,
        nights.night_of_frame,
        meta,
    )


def _name(source: ImageSequence | LightCurve) -> str:
    return str(source.meta.get("object_id") or "unnamed")


# --- networks ---------------------------------------------------------------------------------


def _prepare_nights(source: ImageSequence | LightCurve, bundle: ModelBundle) -> Nights:
    if isinstance(source, LightCurve):
        raise InvalidSequenceError(
            f"{bundle.name} reads images and got a light curve; use the model 'forest'"
        )
    return stack_nights(source, bundle.preprocess)


def _network_probabilities(
    nights: Sequence[Nights], bundle: ModelBundle
) -> list[NDArray[np.float64]]:
    import torch

    from taonet_core.models.batching import collate

    batch = collate([n.images for n in nights], [n.times for n in nights])
    with torch.inference_mode():
        logits: Tensor = bundle.model(batch.frames, batch.mask, batch.times)  # (B, T, K)
        probabilities = logits.double().softmax(-1).numpy()
    return [rows[: len(n)] for rows, n in zip(probabilities, nights, strict=True)]


# --- light curves -----------------------------------------------------------------------------


class _CurveNights:
    """The nights of a light curve in one filter, and where each ends."""

    def __init__(self, curve: LightCurve, used: NDArray[np.int64], unused: dict[int, str]) -> None:
        self.curve, self.unused = curve.select(used), unused
        night = night_index(self.curve.times)
        self.ends = np.append(np.flatnonzero(np.diff(night)), len(night) - 1) + 1
        self.times = self.curve.times[self.ends - 1]
        self.night_of_frame = np.full(len(curve), -1, dtype=np.int64)
        self.night_of_frame[used] = night

    def __len__(self) -> int:
        return len(self.times)


def _prepare_curve(source: ImageSequence | LightCurve, bundle: ModelBundle) -> _CurveNights:
    unused: dict[int, str] = {}
    if isinstance(source, LightCurve):
        curve = source
    else:
        curve = extract_light_curve(source)
        unused = {i: fault for i, fault in enumerate(frame_faults(source)) if fault}
    measured = np.isfinite(curve.flux) | np.isfinite(curve.mag)
    band = _curve_band(source, measured)
    for i in np.flatnonzero(~measured):
        unused.setdefault(int(i), "no photometry at the target")
    for i in np.flatnonzero(curve.bands != band):
        unused.setdefault(int(i), other_filter(curve.bands[i], band))
    used = np.array([i for i in range(len(curve)) if i not in unused], dtype=np.int64)
    least = bundle.config.min_points
    if len(used) < least:
        raise InvalidSequenceError(
            f"the {bundle.name} needs at least {least} measurements in one filter; "
            f"{_name(source)} has {len(used)}"
        )
    return _CurveNights(curve, used, dict(sorted(unused.items())))


def _curve_band(source: ImageSequence | LightCurve, measured: NDArray[np.bool_]) -> str:
    """Return the filter read: of images that of most nights, of curves that of most points."""
    if isinstance(source, LightCurve):
        return next(iter(source.select(measured).per_band()), "")
    return reading_band(source)


def _curve_probabilities(
    nights: Sequence[_CurveNights], bundle: ModelBundle
) -> list[NDArray[np.float64]]:
    from taonet_core.models.designs import curve_probabilities
    from taonet_core.models.forest import truncated

    beginnings = [curve for n in nights for curve in truncated(n.curve, n.ends)]
    probabilities = curve_probabilities(bundle.kind)(bundle.model, beginnings)
    splits = np.cumsum([len(n) for n in nights])[:-1]
    return np.split(probabilities, splits)


_STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "network": (_prepare_nights, _network_probabilities),
    "curve": (_prepare_curve, _curve_probabilities),
}


# --- what the model was not trained for ---------------------------------------------------------


def domain_warnings(
    source: ImageSequence | LightCurve, n_nights: int, bundle: ModelBundle
) -> list[str]:
    """Say in sentences how an object differs from what the model was trained on."""
    domain = bundle.sidecar.get("domain", {})
    warnings = []
    if bundle.sidecar.get("training", {}).get("simulated") and not source.meta.get("simulated"):
        warnings.append("The model was trained on simulated images; this object is not simulated.")
    bands = domain.get("bands")
    if isinstance(source, ImageSequence):
        band = reading_band(source)
        if bands and band not in bands:
            known = ", ".join(b or "unfiltered" for b in bands)
            warnings.append(f"Filter {band or 'unknown'}; the model was trained on {known}.")
        warnings += _scale_warnings(source, domain)
        if source.meta.get("time_kind") == "index":
            warnings.append("No times in the file: frames count as one a day, in file order.")
    low, high = domain.get("nights", (1, np.inf))
    if n_nights < low or n_nights > high:
        warnings.append(f"{n_nights} nights; the model was trained on {low} to {high}.")
    return warnings


def _scale_warnings(source: ImageSequence, domain: dict[str, Any]) -> list[str]:
    trained, scale = domain.get("pixel_scale"), source.meta.get("pixel_scale")
    warnings = []
    if trained and not scale:
        warnings.append(f'Pixel scale unknown; the model was trained on {trained:.2f}" a pixel.')
    elif trained and abs(scale / trained - 1) > 0.1:
        warnings.append(
            f'Pixels of {scale:.2f}"; the model was trained on {trained:.2f}", so sources look '
            f"{trained / scale:.1f} times larger to it."
        )
    if np.isnan(known_number(source.meta, "zero_point", np.nan)):
        warnings.append("Zero point unknown: counts are read as if the survey were CRTS.")
    return warnings
