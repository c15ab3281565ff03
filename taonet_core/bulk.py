"""Classify many inputs; a broken one is reported and never stops the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from taonet_core.data.results import Prediction
from taonet_core.errors import TaoNetError, UnreadableFileError

if TYPE_CHECKING:
    from taonet_core.data.lightcurve import LightCurve
    from taonet_core.data.sequence import ImageSequence
    from taonet_core.models.weights import ModelBundle

Readable: TypeAlias = "ImageSequence | LightCurve"

_TABLES = {".csv", ".ecsv", ".parquet", ".vot", ".xml"}
_BATCH = 32


def read_objects(source: str | Path) -> Iterator[tuple[str, Readable | TaoNetError]]:
    """Read whatever objects a path holds.

    Parameters
    ----------
    source : path
        A sequence, a folder or archive of sequences, or a light-curve table.

    Yields
    ------
    name : str
        Which object or file of `source` it is.
    object : ImageSequence, LightCurve or TaoNetError
        The error where it could not be read.
    """
    from taonet_core.data.fits_io import read_sequences
    from taonet_core.data.tables import read_light_curves

    path = Path(source)
    found = False
    objects: Iterable[tuple[str, Readable | TaoNetError]]
    try:
        if not path.exists():
            raise UnreadableFileError(f"{path} does not exist")
        if path.suffix.lower() in _TABLES and path.is_file():
            objects = read_light_curves(path).items()
        else:
            objects = read_sequences(path)
        for name, item in objects:
            found = True
            yield name, item
        if not found:
            raise UnreadableFileError(f"{path} holds no image sequence")
    except TaoNetError as error:
        yield str(path), error


def classify(
    objects: Iterable[tuple[str, Readable | TaoNetError]], model: str | ModelBundle
) -> Iterator[tuple[str, Prediction | TaoNetError]]:
    """Classify objects as they come, a batch at a time.

    Parameters
    ----------
    objects : iterable of (name, object or error)
        As `read_objects` yields them; errors are handed on.
    model : str or ModelBundle
        Name of a shipped model, or one that is loaded.

    Yields
    ------
    name : str
    result : Prediction or TaoNetError
        In the order of `objects`.
    """
    if isinstance(model, str):
        from taonet_core.models.weights import load_model

        model = load_model(model)
    source = iter(objects)
    while batch := list(islice(source, _BATCH)):
        answers = iter(_answers([o for _, o in batch if not isinstance(o, TaoNetError)], model))
        for name, item in batch:
            yield name, item if isinstance(item, TaoNetError) else next(answers)


def _answers(objects: list[Readable], model: ModelBundle) -> list[Prediction | TaoNetError]:
    """Classify a batch; where it fails, one by one, so that the error falls on the guilty."""
    from taonet_core.predict import predict, predict_many

    try:
        return list(predict_many(objects, model))
    except TaoNetError:
        answers: list[Prediction | TaoNetError] = []
        for item in objects:
            try:
                answers.append(predict(item, model))
            except TaoNetError as error:
                answers.append(error)
        return answers
