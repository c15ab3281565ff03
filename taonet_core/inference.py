"""A sequence or light curve in, class probabilities after every night out.

Whatever the model, its scores (`taonet_core.outputs`) become calibrated probabilities, prediction
sets and a novelty here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.domain import domain_warnings, novelty_warnings
from taonet_core.errors import InvalidSequenceError
from taonet_core.flags import Flag, flags_of, plain_text
from taonet_core.models import DEFAULT_MODEL
from taonet_core.models.calibration import full_prior, reweight, softmax
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.outputs import Outputs, model_outputs, name_of


def predict(
    source: ImageSequence | LightCurve,
    model: str | ModelBundle = DEFAULT_MODEL,
    *,
    priors: Mapping[str, float] | None = None,
    symmetries: bool = False,
) -> Prediction:
    """Classify one object after every night.

    Parameters
    ----------
    source : ImageSequence or LightCurve
        The forest and the boosting take both and measure the light curve of a sequence
        themselves; the networks take sequences.
    model : str or ModelBundle
        A name (see `available_models`) or a loaded model.
    priors : mapping of class name to float, optional
        Shares of the classes in the survey at hand, such as ``{"SN": 0.1}``; what is not named
        shares the rest as the model assumes. Without it the model's own prior holds, in which all
        classes are equally frequent.
    symmetries : bool
        Average a network over the eight rotations and reflections of the images, at eight times
        the cost. Light-curve models see no orientation: it changes nothing for them.

    Raises
    ------
    InvalidSequenceError
        If the object cannot be classified by this model.
    IncompatibleWeightsError
        If the model cannot be loaded.
    ValueError
        If `priors` names an unknown class, or shares that cannot be.
    """
    [result] = predict_many([source], model, priors=priors, symmetries=symmetries)
    if isinstance(result, InvalidSequenceError):
        raise result
    return result


def predict_many(
    sources: Iterable[ImageSequence | LightCurve],
    model: str | ModelBundle = DEFAULT_MODEL,
    *,
    priors: Mapping[str, float] | None = None,
    symmetries: bool = False,
) -> list[Prediction | InvalidSequenceError]:
    """Classify many objects; one that cannot be is returned as its error, in its place.

    Parameters
    ----------
    sources : iterable of ImageSequence or LightCurve
    model : str or ModelBundle
    priors, symmetries
        See `predict`.
    """
    bundle = load_model(model) if isinstance(model, str) else model
    prior = None if priors is None else full_prior(priors, bundle.classes, bundle.prior)
    sources = list(sources)
    outputs = model_outputs(sources, bundle, symmetries=symmetries)
    return [
        item if isinstance(item, InvalidSequenceError) else _prediction(source, item, bundle, prior)
        for source, item in zip(sources, outputs, strict=True)
    ]


def _prediction(
    source: ImageSequence | LightCurve,
    outputs: Outputs,
    bundle: ModelBundle,
    prior: NDArray[np.float64] | None,
) -> Prediction:
    """Turn what a model said into what it means."""
    nights, calibration = outputs.nights, bundle.calibration
    sets, novelty = None, np.nan
    if calibration is None:
        probabilities = softmax(outputs.logits)
    else:
        probabilities = calibration.probabilities(outputs.logits)
        sets = calibration.sets(probabilities)  # hold for every prior: one threshold a class
    warnings = domain_warnings(source, len(nights), bundle)
    if bundle.novelty is not None:
        novelty = bundle.novelty.percentile(outputs.vectors[-1], len(nights))
        warnings += novelty_warnings(novelty)
    meta = {key: source.meta[key] for key in ("ra", "dec", "label") if key in source.meta}
    flags = {*source.meta.get("flags", ()), *flags_of(warnings)}
    flags |= {str(Flag.FRAMES_UNUSED)} if nights.unused else set()
    meta |= {"object_id": name_of(source), "warnings": plain_text(warnings)}
    meta |= {"flags": sorted(flags), "unused": nights.unused}
    if prior is not None:
        probabilities = reweight(probabilities, bundle.prior, prior)
        meta["priors"] = dict(zip(map(str, bundle.classes), prior.tolist(), strict=True))
    return Prediction(
        probabilities,
        nights.times,
        bundle.classes,
        bundle.name,
        bundle.version,
        nights.night_of_frame,
        meta,
        prediction_sets=sets,
        novelty=novelty,
        embedding=outputs.vectors[-1],
    )
