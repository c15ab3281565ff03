"""What a model makes of objects, before calibration: the same steps for every model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.models import CURVE_KINDS
from taonet_core.models.memory import ran_out
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import (
    Nights,
    frame_faults,
    latest_nights,
    night_index,
    other_filter,
    reading_band,
    stack_nights,
)
from taonet_core.transforms.symmetry import symmetry

#: Objects that are prepared together, and whose light curves a forest reads together.
BATCH_SIZE = 32


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model makes of one object, before calibration.

    Attributes
    ----------
    nights : Nights or CurveNights
        What it read.
    logits : ndarray, shape (N, K), float64
        Scores after every night, of a light-curve model the logarithms of its probabilities; NaN
        where it could not yet say.
    vectors : ndarray, shape (N, D), float64
        How the model describes the object after every night: what the last layer of a network
        reads of the images as they are, or the features of the light curve.
    """

    nights: Nights | CurveNights
    logits: NDArray[np.float64]
    vectors: NDArray[np.float64]


def model_outputs(
    sources: Sequence[ImageSequence | LightCurve], bundle: ModelBundle, *, symmetries: bool = False
) -> list[Outputs | InvalidSequenceError]:
    """Let a model read many objects, a batch at a time.

    Parameters
    ----------
    sources : sequence of ImageSequence or LightCurve
    bundle : ModelBundle
    symmetries : bool
        See `predict`.

    Returns
    -------
    list of Outputs or InvalidSequenceError
        The error of an object that cannot be classified stands in its place.
    """
    results: list[Outputs | InvalidSequenceError] = []
    for start in range(0, len(sources), BATCH_SIZE):
        results += _within_memory(sources[start : start + BATCH_SIZE], bundle, symmetries)
    return results


def _within_memory(
    sources: Sequence[ImageSequence | LightCurve], bundle: ModelBundle, symmetries: bool
) -> list[Outputs | InvalidSequenceError]:
    """Read a batch, or its halves where memory does not suffice, down to single objects."""
    try:
        return _batch_outputs(sources, bundle, symmetries)
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
    # outside of the handler, which holds on to what was in memory
    if len(sources) == 1:
        return [
            InvalidSequenceError(
                f"{name_of(sources[0])}: there is not enough memory to read it; select fewer of "
                "its frames, or close other programs",
                code=Code.MEMORY,
            )
        ]
    half = len(sources) // 2
    return [
        *_within_memory(sources[:half], bundle, symmetries),
        *_within_memory(sources[half:], bundle, symmetries),
    ]


def _batch_outputs(
    sources: Sequence[ImageSequence | LightCurve], bundle: ModelBundle, symmetries: bool
) -> list[Outputs | InvalidSequenceError]:
    prepare, read = _STEPS["curve" if bundle.kind in CURVE_KINDS else "network"]
    prepared: list[Any] = []
    for source in sources:
        try:
            prepared.append(prepare(source, bundle))
        except InvalidSequenceError as error:
            prepared.append(error)
    good = [item for item in prepared if not isinstance(item, InvalidSequenceError)]
    answers = iter(read(good, bundle, symmetries) if good else ())
    results: list[Outputs | InvalidSequenceError] = []
    for source, item in zip(sources, prepared, strict=True):
        if isinstance(item, InvalidSequenceError):
            results.append(item)
            continue
        outputs = Outputs(item, *next(answers))
        said = not np.isnan(outputs.logits[-1]).any()
        results.append(outputs if said else _nothing_said(source, len(item), bundle))
    return results


def _nothing_said(
    source: ImageSequence | LightCurve, n_nights: int, bundle: ModelBundle
) -> InvalidSequenceError:
    return InvalidSequenceError(
        f"{name_of(source)}: the {bundle.name} model gives no probability for this object "
        f"({n_nights} nights); see which frames were used"
    )


def name_of(source: ImageSequence | LightCurve) -> str:
    """Return the name of an object, for tables and messages."""
    return str(source.meta.get("object_id") or "unnamed")


# --- networks ---------------------------------------------------------------------------------


def _prepare_nights(source: ImageSequence | LightCurve, bundle: ModelBundle) -> Nights:
    if isinstance(source, LightCurve):
        raise InvalidSequenceError(
            f"{bundle.name} reads images and got a light curve; use the model 'forest'"
        )
    return stack_nights(source, bundle.preprocess)


def _read_nights(
    nights: Sequence[Nights], bundle: ModelBundle, symmetries: bool
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Logits and vectors of each object; the logits averaged over the symmetries of the square."""
    return [_read_alone(item, bundle, symmetries) for item in nights]


def _read_alone(
    nights: Nights, bundle: ModelBundle, symmetries: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read one object by itself.

    Beside others its sums would be added up in another order, and its verdict differ from the one
    it has alone by 1e-7: the app, the command line and Python are to agree bit for bit.
    """
    import torch

    from taonet_core.models.batching import collate

    logits: list[NDArray[np.float64]] = []
    for which in range(8 if symmetries else 1):
        batch = collate([symmetry(nights.images, which)], [nights.times])
        with torch.inference_mode():
            states = bundle.model.states(batch.frames, batch.mask, batch.times)  # (1, T, D)
            logits.append(bundle.model.head(states)[0].double().numpy())  # (T, K)
        if which == 0:  # known objects, too, were described as they are
            vectors = states[0].double().numpy()
    return np.mean(logits, 0), vectors


# --- light curves -----------------------------------------------------------------------------


class CurveNights:
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


def curve_nights(source: ImageSequence | LightCurve, bundle: ModelBundle) -> CurveNights:
    """Return the light curve that a model reads of an object, measured if need be.

    Raises
    ------
    InvalidSequenceError
        If it has too few measurements in one filter.
    """
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
    used = latest_nights(source.times, used, unused) if len(used) else used
    if len(used) < least:
        raise InvalidSequenceError(
            f"the {bundle.name} needs at least {least} measurements in one filter; "
            f"{name_of(source)} has {len(used)}"
        )
    return CurveNights(curve, used, dict(sorted(unused.items())))


def _curve_band(source: ImageSequence | LightCurve, measured: NDArray[np.bool_]) -> str:
    """Return the filter read: of images that of most nights, of curves that of most points."""
    if isinstance(source, LightCurve):
        return next(iter(source.select(measured).per_band()), "")
    return reading_band(source)


def _read_curves(
    nights: Sequence[CurveNights], bundle: ModelBundle, symmetries: bool
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Logarithms of the probabilities, and features, of each object; they have no symmetries."""
    from taonet_core.models.designs import curve_reader
    from taonet_core.models.forest import truncated

    beginnings = [curve for n in nights for curve in truncated(n.curve, n.ends)]
    probabilities, features = curve_reader(bundle.kind)(bundle.model, beginnings)
    with np.errstate(divide="ignore"):  # no tree voted for it
        logits = np.log(probabilities)
    splits = np.cumsum([len(n) for n in nights])[:-1]
    return list(zip(np.split(logits, splits), np.split(features, splits), strict=True))


_STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "network": (_prepare_nights, _read_nights),
    "curve": (curve_nights, _read_curves),
}
