"""Why this class: which pixels of which nights spoke for it, and which against it.

What is explained is always the log-odds of the probability after the last night: of the target
class against all others together, or against one of them. Evidence is therefore counted as
astronomers count odds: 2.3 more make a class ten times as likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError
from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS, DEFAULT_MODEL
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.outputs import name_of
from taonet_core.transforms.preprocess import stack_nights


@dataclass(frozen=True)
class Method:
    """A way to share out evidence over pixels.

    Attributes
    ----------
    name : str
    help : str
        One sentence for a reader.
    signed : bool
        Whether evidence against the class comes out negative.
    complete : bool
        Whether the evidence of all pixels sums to the explained log-odds.
    """

    name: str
    help: str
    signed: bool = True
    complete: bool = False


#: Key -> method, the default first.
METHODS = MappingProxyType(
    {
        "integrated_gradients": Method(
            "Integrated Gradients",
            "Adds up how the log-odds react while the images grow out of the baseline; the "
            "evidence of all pixels sums to what is explained.",
            complete=True,
        ),
        "gradient_shap": Method(
            "Gradient SHAP",
            "As Integrated Gradients, from many baselines that have the noise of the sky.",
        ),
        "occlusion": Method(
            "Occlusion",
            "Blanks one tile of one night after the other and notes what the log-odds lose.",
        ),
        "saliency": Method(
            "Saliency",
            "How much the log-odds react to each pixel as it is, in either direction.",
            signed=False,
        ),
        "smoothgrad": Method(
            "SmoothGrad",
            "Saliency averaged over copies with added noise.",
            signed=False,
        ),
        "grad_cam": Method(
            "Grad-CAM",
            "Where the last feature maps that speak for the class are bright; coarse.",
            signed=False,
        ),
        "deep_lift": Method(
            "DeepLIFT",
            "Carries the difference from the baseline back layer by layer; it has no rule for "
            "recurrent layers and running maxima.",
            complete=True,
        ),
    }
)
#: Key -> what the images are compared with, in words; the default first. Empty sky is no neutral
#: ground: to `taonet` it is a supernova too faint to see.
BASELINES = MappingProxyType(
    {
        "first_night": "nothing ever changes: every night looks like the first",
        "sky": "empty sky: no source anywhere, on any night",
        "blurred": "the same light without its shapes: every night blurred over 20 pixels",
    }
)


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
        If no frame is usable, or a light curve was given.
    IncompatibleWeightsError
        If the model cannot be loaded.
    ValueError
        If class, method or baseline is unknown, the two classes are one, or the model reads light
        curves (see `explain_features`).
    """
    start = time.perf_counter()
    bundle = image_model(model)
    if method not in METHODS or baseline not in BASELINES or steps < 1:
        raise ValueError(
            f"wanted a method of {sorted(METHODS)}, a baseline of {sorted(BASELINES)} and one "
            f"step or more; got {method!r}, {baseline!r}, {steps}"
        )
    if not isinstance(sequence, ImageSequence):
        raise InvalidSequenceError(
            f"{bundle.name} reads images and got a light curve; see explain_features"
        )
    import torch

    from taonet_core.attribution_methods import FUNCTIONS, Score, baseline_frames

    nights = stack_nights(sequence, bundle.preprocess)
    score = Score(bundle, nights, on_step=on_step)
    if target is None:
        target = bundle.classes[int(score.probabilities(score.frames)[0].argmax())]
    score.target, score.against = _question(bundle, target, against)
    empty = baseline_frames(score, baseline)
    with torch.backends.cudnn.flags(enabled=False):  # no backward pass through its GRU in eval mode
        values = FUNCTIONS[method](score, empty, steps)[0].detach().double().numpy()
    full, bare = score.at(torch.cat([score.frames, empty])).double().tolist()
    height, width = sequence.frames.shape[1:]
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
        full - bare,
        float(values.sum()) - (full - bare) if METHODS[method].complete else np.nan,
        METHODS[method].signed,
        {
            "object_id": name_of(sequence),
            "left": width // 2 - values.shape[2] // 2,
            "top": height // 2 - values.shape[1] // 2,
            "score": full,
            "steps": steps,
            "seconds": time.perf_counter() - start,
        },
    )


def image_model(model: str | ModelBundle) -> ModelBundle:
    """Load a model whose decisions lie in pixels.

    Raises
    ------
    ValueError
        If the model reads light curves.
    """
    bundle = load_model(model) if isinstance(model, str) else model
    if bundle.kind in CURVE_KINDS:
        raise ValueError(
            f"{bundle.name} reads light curves and sees no pixels; use explain_features"
        )
    return bundle


def _question(
    bundle: ModelBundle, target: TransientClass | str, against: TransientClass | str | None
) -> tuple[int, int | None]:
    """Return the numbers of the two classes."""
    names = [str(name) for name in bundle.classes]
    for name in (target, against):
        if name is not None and str(name) not in names:
            raise ValueError(f"{bundle.name} knows the classes {names}; got {str(name)!r}")
    if against is not None and str(target) == str(against):
        raise ValueError(f"wanted two classes to tell apart; got {str(target)!r} twice")
    return names.index(str(target)), None if against is None else names.index(str(against))
