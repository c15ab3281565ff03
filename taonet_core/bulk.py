"""Classify many inputs; a broken one is reported and never stops the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from taonet_core.data.exports import results_table
from taonet_core.data.results import TABLE_COLUMNS, Prediction, empty_row
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError

if TYPE_CHECKING:
    import pandas as pd

    from taonet_core.data.lightcurve import LightCurve
    from taonet_core.models.weights import ModelBundle

Readable: TypeAlias = "ImageSequence | LightCurve"

#: Columns of the long prediction table, one row a class: the shape ALeRCE publishes.
LONG_COLUMNS = (
    "object_id",
    "classifier_name",
    "classifier_version",
    "class_name",
    "probability",
    "ranking",
)

_TABLE = re.compile(r"\.(csv|ecsv|txt|parquet|vot|xml)(\.(gz|bz2|xz))?$", re.IGNORECASE)
_BATCH = 32


def read_objects(
    source: str | Path, *, trusted: bool = False, recycle: bool = True
) -> Iterator[tuple[str, Readable | TaoNetError]]:
    """Read whatever objects a path holds.

    Parameters
    ----------
    source : path
        A sequence, a folder or archive of sequences, or a light-curve table.
    trusted, recycle : bool
        See `taonet_core.read_sequences`.

    Yields
    ------
    name : str
        Which object or file of `source` it is.
    object : ImageSequence, LightCurve or TaoNetError
        The error where it could not be read. A sequence without an id gets `name` for one.
    """
    from taonet_core.data.fits_io import read_sequences

    path = Path(source)
    if _TABLE.search(path.name) and path.is_file():
        from taonet_core.data.column_mapping import guess_mapping
        from taonet_core.data.table_files import preview_table
        from taonet_core.data.tables import read_light_curves

        try:
            guess = guess_mapping(preview_table(path, trusted=trusted), "curves")
            mapping = guess.mapping if guess.certain else None
            yield from read_light_curves(path, mapping, trusted=trusted).items()
        except TaoNetError as error:
            yield path.name, error
        return
    for name, item in read_sequences(path, trusted=trusted, recycle=recycle):
        if isinstance(item, ImageSequence) and not item.meta.get("object_id"):
            item = item.with_meta(object_id=name)
        yield name, item


def classify(
    objects: Iterable[tuple[str, Readable | TaoNetError]],
    model: str | ModelBundle,
    *,
    priors: Mapping[str, float] | None = None,
    symmetries: bool = False,
) -> Iterator[tuple[str, Prediction | TaoNetError]]:
    """Classify objects as they come, a batch at a time.

    Parameters
    ----------
    objects : iterable of (name, object or error)
        As `read_objects` yields them; errors are handed on.
    model : str or ModelBundle
        Name of a shipped model, or one that is loaded.
    priors, symmetries
        See `taonet_core.predict`.

    Yields
    ------
    name : str
    result : Prediction or TaoNetError
        In the order of `objects`.
    """
    from taonet_core.inference import predict_many
    from taonet_core.models.weights import load_model

    bundle = load_model(model) if isinstance(model, str) else model
    source = iter(objects)
    while batch := list(islice(source, _BATCH)):
        readable = [item for _, item in batch if not isinstance(item, TaoNetError)]
        answers = iter(predict_many(readable, bundle, priors=priors, symmetries=symmetries))
        for name, item in batch:
            yield name, item if isinstance(item, TaoNetError) else next(answers)


def prediction_table(
    results: Iterable[tuple[str, Prediction | TaoNetError]], *, long: bool = False
) -> pd.DataFrame:
    """Gather results in one table.

    Parameters
    ----------
    results : iterable of (name, Prediction or TaoNetError)
        As `classify` yields them.
    long : bool
        One row a class (`LONG_COLUMNS`), for classified objects only; else one row an object
        (`TABLE_COLUMNS`), with ``error`` filled where there is no verdict.
    """
    results = list(results)
    if long:
        answers = [answer for _, answer in results if isinstance(answer, Prediction)]
        return results_table((row for a in answers for row in a.to_long_rows()), LONG_COLUMNS)
    return results_table((to_row(name, answer) for name, answer in results), TABLE_COLUMNS)


def to_row(name: str, answer: Prediction | TaoNetError) -> dict[str, Any]:
    """Return one row of the wide table (`TABLE_COLUMNS`)."""
    if isinstance(answer, TaoNetError):
        return empty_row(name, error=str(answer), error_code=str(answer.code))
    return answer.to_row()
