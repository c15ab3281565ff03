"""Measure on labelled objects how far a model may be trusted, and write it into its sidecar."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.bulk import read_objects
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.domain import sky
from taonet_core.errors import TaoNetError
from taonet_core.metrics import calibration_error
from taonet_core.models.calibration import Calibration, fit_calibration, softmax
from taonet_core.models.novelty import fit_novelty
from taonet_core.models.weights import ModelBundle, load_model, save_trust, sidecar_path
from taonet_core.outputs import BATCH_SIZE, Outputs, model_outputs


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model makes of labelled objects, each read once.

    Attributes
    ----------
    names : list of str, length M
    labels : list of int, length M
        Class numbers, in the order of the model's classes.
    logits, vectors : list of ndarray, each shape (N_i, K) or (N_i, D), float64
        See `taonet_core.outputs.Outputs`.
    skies : list of dict, length M
        See `taonet_core.domain.sky`; empty for light curves.
    """

    names: list[str]
    labels: list[int]
    logits: list[NDArray[np.float64]]
    vectors: list[NDArray[np.float64]]
    skies: list[dict[str, float]]

    def __len__(self) -> int:
        return len(self.labels)


def read_labelled(
    data: str | Path,
    bundle: ModelBundle,
    *,
    symmetries: bool = False,
    on_object: Callable[[], object] | None = None,
) -> Reading:
    """Let a model read every labelled object of a folder once.

    Objects that cannot be read or classified, or have no label that it knows, are left out.

    Parameters
    ----------
    data : path
        Folder, archive or file of sequences that carry a label, or a light-curve table.
    bundle : ModelBundle
    symmetries : bool
        See `taonet_core.predict`.
    on_object : callable, optional
        Called after each object.

    Raises
    ------
    TaoNetError
        If no object is left.
    """
    number = {str(name): k for k, name in enumerate(bundle.classes)}
    reading, left_out = Reading([], [], [], [], []), list[str]()
    labelled = _labelled(data, set(number), on_object, left_out)
    while batch := list(islice(labelled, BATCH_SIZE)):
        answers = model_outputs([item for _, item in batch], bundle, symmetries=symmetries)
        for (name, item), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Outputs):
                reading.names.append(name)
                reading.labels.append(number[str(item.meta["label"])])
                reading.logits.append(answer.logits)
                reading.vectors.append(answer.vectors)
                reading.skies.append(sky(item) if isinstance(item, ImageSequence) else {})
            else:
                left_out.append(str(answer))
    if not len(reading):
        why = left_out[0] if left_out else "it is empty"
        raise TaoNetError(f"wanted labelled objects in {data}; none could be used: {why}")
    return reading


def _labelled(
    data: str | Path, known: set[str], on_object: Callable[[], object] | None, left_out: list[str]
) -> Iterator[tuple[str, ImageSequence | LightCurve]]:
    """Yield what carries a known label; put into `left_out` why the rest is not used."""
    for name, item in read_objects(data, trusted=True):
        if on_object is not None:
            on_object()
        if isinstance(item, TaoNetError):
            left_out.append(str(item))
        elif str(item.meta.get("label")) in known:
            yield name, item
        else:
            left_out.append(f"{name} has no label, or one of a class that the model does not know")


def calibrate(
    data: str | Path,
    model: str | Path,
    *,
    coverage: float = 0.9,
    on_object: Callable[[], object] | None = None,
) -> ModelBundle:
    """Measure a model's temperatures, thresholds and known places, and write them beside it.

    Parameters
    ----------
    data : path
        Labelled sequences that the model was not trained on: some hundred a class, alike what it
        is going to read. A folder drawn with the seed of its training data is refused.
    model : str or path
        Name of a model, or its file. Its sidecar is rewritten, its weights are not touched.
    coverage : float
        Share of the objects of each class whose prediction set is to hold their class.
    on_object : callable, optional
        Called after each object.

    Returns
    -------
    ModelBundle
        The calibrated model.

    Raises
    ------
    TaoNetError
        If there are too few labelled objects, or the model was trained on them.
    """
    bundle = load_model(model)
    origin = _origin(Path(data), bundle)
    reading = read_labelled(data, bundle, on_object=on_object)
    truth = np.array(reading.labels, dtype=np.int64)
    try:
        calibration = fit_calibration(reading.logits, truth, coverage=coverage)
        novelty = fit_novelty(reading.vectors)
    except ValueError as error:
        raise TaoNetError(f"{data} does not calibrate {bundle.name}: {error}") from error
    counts = np.bincount(truth, minlength=len(bundle.classes))
    facts = {
        "data": origin,
        "objects": {str(c): int(n) for c, n in zip(bundle.classes, counts, strict=True)},
        "calibration_error": _errors(reading, truth, calibration),
        "sky": _sky_ranges(reading.skies),
    }
    save_trust(sidecar_path(model), calibration, novelty, facts)
    return load_model(model)


def _origin(data: Path, bundle: ModelBundle) -> Any:
    """Say what the data are; refuse what the model has learned from."""
    made = data / "dataset.json"
    if not made.is_file():
        return data.name
    try:
        drawn = json.loads(made.read_bytes())
    except ValueError as error:
        raise TaoNetError(f"{made} is not valid JSON ({error}); mend or delete it") from error
    learned = bundle.sidecar.get("training", {}).get("data")
    same = ("survey", "seed", "simulated")
    known = isinstance(learned, dict) and isinstance(drawn, dict)
    if known and all(k in drawn and learned.get(k) == drawn[k] for k in same):
        raise TaoNetError(
            f"{bundle.name} was trained on data drawn with seed {drawn['seed']}, and so is "
            f"{data}; draw objects it has not seen, with another --seed"
        )
    return drawn


def _errors(
    reading: Reading, truth: NDArray[np.int64], calibration: Calibration
) -> dict[str, float]:
    """Calibration error of the verdicts before and after, on the objects that it was fitted to."""
    before = softmax(np.array([z[-1] for z in reading.logits]))
    after = np.array([calibration.probabilities(z)[-1] for z in reading.logits])
    return {
        "before": round(calibration_error(before, truth), 4),
        "after": round(calibration_error(after, truth), 4),
    }


def _sky_ranges(skies: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return where all but one in five hundred of each measure of the sky lie."""
    names = skies[0] if all(skies) else ()
    return {
        name: [float(f"{np.nanquantile([s[name] for s in skies], q):.4g}") for q in (0.001, 0.999)]
        for name in names
    }
