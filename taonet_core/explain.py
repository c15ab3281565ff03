"""Why this class: which pixels of which nights spoke for it, and which against it.

What is explained is always the log-odds of the probability after the last night: of the target
class against all others together, or against one of them. Evidence is therefore counted as
astronomers count odds: 2.3 more make a class ten times as likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.explaining.evidence import (
    aperture_radius,
    evidence_masks,
    evidence_sentence,
    evidence_shares,
    main_nights,
)
from taonet_core.explaining.faithfulness import Faithfulness, faithfulness
from taonet_core.explaining.feature_importance import FeatureImportance, explain_features
from taonet_core.explaining.method_checks import MethodCheck, method_checks
from taonet_core.explaining.questions import BASELINES, METHODS, Method, class_numbers, image_model
from taonet_core.labels import TransientClass
from taonet_core.models import DEFAULT_MODEL
from taonet_core.models.memory import ran_out
from taonet_core.models.weights import ModelBundle
from taonet_core.outputs import name_of
from taonet_core.transforms.preprocess import stack_nights

#: Seconds after which an explanation is given up, and most evaluations one can ask for.
MOST_SECONDS, MOST_STEPS = 300.0, 1000

__all__ = [
    "BASELINES",
    "METHODS",
    "Attribution",
    "Faithfulness",
    "FeatureImportance",
    "Method",
    "MethodCheck",
    "aperture_radius",
    "evidence_masks",
    "evidence_sentence",
    "evidence_shares",
    "explain",
    "explain_features",
    "faithfulness",
    "main_nights",
    "method_checks",
]


def explain(
    sequence: ImageSequence,
    model: str | ModelBundle = DEFAULT_MODEL,
    *,
    target: TransientClass | str | None = None,
    against: TransientClass | str | None = None,
    method: str = "integrated_gradients",
    baseline: str = "first_night",
    steps: int = 32,
    on_step: Callable[[int, int], object] | None = None,
) -> Attribution:
    """Say which pixels of which nights speak for a class.

    Parameters
    ----------
    sequence : ImageSequence
    model : str or ModelBundle
        A model that reads images.
    target : TransientClass or str, optional
        The class to explain; the verdict where not given.
    against : TransientClass or str, optional
        The class to tell it from; all others together where not given.
    method, baseline : str
        Keys of `METHODS` and `BASELINES`.
    steps : int
        Evaluations of the methods that take samples or steps.
    on_step : callable, optional
        Called with the evaluations done and to do.

    Returns
    -------
    Attribution

    Raises
    ------
    InvalidSequenceError
        If no frame is usable, a light curve was given, or memory or `MOST_SECONDS` do not suffice.
    IncompatibleWeightsError
        If the model cannot be loaded.
    ValueError
        If class, method or baseline is unknown, the two classes are one, or the model reads light
        curves (see `explain_features`).
    """
    start = time.perf_counter()
    bundle = image_model(model)
    _check(sequence, bundle, method, baseline, steps)
    from taonet_core.explaining.methods import Score, evidence

    nights = stack_nights(sequence, bundle.preprocess)
    score = Score(bundle, nights, on_step=_in_time(start, sequence, on_step))
    try:
        if target is None:
            target = bundle.classes[int(score.probabilities(score.frames)[0].argmax())]
        score.target, score.against = class_numbers(bundle, target, against)
        values, full, bare = evidence(score, method, baseline, steps)
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise InvalidSequenceError(
            f"{name_of(sequence)}: there is not enough memory to explain it; select fewer frames",
            code=Code.MEMORY,
        ) from error
    return Attribution(
        values.astype(np.float32),
        nights.times,
        nights.night_of_frame,
        bundle.classes[score.target],
        None if score.against is None else bundle.classes[score.against],
        bundle.name,
        bundle.version,
        method,
        baseline,
        explained=full - bare,
        delta=float(values.sum()) - (full - bare) if METHODS[method].complete else np.nan,
        signed=METHODS[method].signed,
        meta={**_corner(sequence, values), "score": full, "steps": steps}
        | {"object_id": name_of(sequence), "seconds": time.perf_counter() - start},
    )


def _in_time(
    start: float, sequence: ImageSequence, on_step: Callable[[int, int], object] | None
) -> Callable[[int, int], None]:
    """Return what to call after each evaluation: it ends those that take too long."""

    def step(done: int, of: int) -> None:
        if time.perf_counter() - start > MOST_SECONDS:
            raise InvalidSequenceError(
                f"{name_of(sequence)}: the explanation took longer than {MOST_SECONDS:.0f} s "
                f"({done} of {of} evaluations); ask for fewer steps or select fewer frames",
                code=Code.TIMEOUT,
            )
        if on_step is not None:
            on_step(done, of)

    return step


def _corner(sequence: ImageSequence, values: NDArray[np.floating]) -> dict[str, int]:
    """Return where in the frames the maps begin: both have the target in the middle."""
    (height, width), (rows, columns) = sequence.frames.shape[1:], values.shape[1:]
    return {"left": width // 2 - columns // 2, "top": height // 2 - rows // 2}


def _check(
    sequence: ImageSequence, bundle: ModelBundle, method: str, baseline: str, steps: int
) -> None:
    """Refuse what cannot be explained, before any work."""
    if method not in METHODS or baseline not in BASELINES or not 1 <= steps <= MOST_STEPS:
        raise ValueError(
            f"wanted a method of {sorted(METHODS)}, a baseline of {sorted(BASELINES)} and 1 to "
            f"{MOST_STEPS} steps; got {method!r}, {baseline!r}, {steps}"
        )
    if not isinstance(sequence, ImageSequence):
        raise InvalidSequenceError(
            f"{bundle.name} reads images and got a light curve; see explain_features"
        )
