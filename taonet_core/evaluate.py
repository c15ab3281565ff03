"""Measure a classifier on labelled objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taonet_core.bulk import classify, read_objects, to_row
from taonet_core.data.exports import results_table, write_json, write_table
from taonet_core.data.results import TABLE_COLUMNS, Prediction
from taonet_core.errors import TaoNetError
from taonet_core.metrics import evaluate_probabilities

if TYPE_CHECKING:
    import pandas as pd

    from taonet_core.models.weights import ModelBundle


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a classifier did on a set of objects.

    Parameters
    ----------
    metrics : dict
        What `evaluate_probabilities` returns, and ``model``, ``model_version``, ``data`` (what
        was evaluated), ``n_failed`` (objects that have a row in `predictions` but no part in
        the scores).
    predictions : pandas.DataFrame
        One row an object: the columns of `TABLE_COLUMNS` and ``label``; ``error`` says why an
        object was left out of the scores.
    """

    metrics: dict[str, Any]
    predictions: pd.DataFrame

    def write(self, folder: str | Path) -> None:
        """Write ``metrics.json`` and ``predictions.parquet`` into `folder`.

        Raises
        ------
        TaoNetError
            If the folder cannot be written.
        """
        write_table(self.predictions, Path(folder) / "predictions.parquet")
        write_json(self.metrics, Path(folder) / "metrics.json")


def evaluate(
    data: str | Path,
    model: str | ModelBundle,
    *,
    on_object: Callable[[], object] | None = None,
) -> Evaluation:
    """Classify labelled objects and compare the verdicts with the labels.

    Parameters
    ----------
    data : path
        Folder, archive or file of sequences that carry a label, or a light-curve table.
    model : str or ModelBundle
        Name or path of a model, or one that is loaded.
    on_object : callable, optional
        Called after each object.

    Raises
    ------
    TaoNetError
        If no object could be scored.
    """
    if isinstance(model, str):
        from taonet_core.models.weights import load_model

        model = load_model(model)
    answers = classify(read_objects(data, trusted=True), model)
    rows, scored = _classified_rows(answers, model, on_object)
    if not scored:
        why = next((row["error"] for row in rows), "it is empty")
        raise TaoNetError(f"wanted labelled objects in {data}; none could be scored: {why}")
    scores = evaluate_probabilities(
        [list(answer.final().values()) for answer in scored],
        [str(answer.meta["label"]) for answer in scored],
        model.classes,
    )
    origin = {"model": model.name, "model_version": model.version, "data": str(data)}
    metrics = {**scores, **origin, "n_failed": len(rows) - len(scored)}
    return Evaluation(metrics, results_table(rows, (*TABLE_COLUMNS, "label")))


def _classified_rows(
    results: Iterable[tuple[str, Prediction | TaoNetError]],
    model: ModelBundle,
    on_object: Callable[[], object] | None,
) -> tuple[list[dict[str, Any]], list[Prediction]]:
    """Return a row for every object, and the predictions that can be scored."""
    known = {str(name) for name in model.classes}
    rows, scored = [], []
    for name, result in results:
        row = to_row(name, result) | {"label": ""}
        if isinstance(result, Prediction):
            row["label"] = label = str(result.meta.get("label") or "")
            if label in known:
                scored.append(result)
            else:
                has = f"class {label!r} is not one of the model's" if label else "it has no label"
                row["error"] = f"not scored: {has}"
        rows.append(row)
        if on_object is not None:
            on_object()
    return rows, scored
