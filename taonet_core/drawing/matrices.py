"""Matrices of two verdicts, or of truth and verdict, as what a page shows and a reader hears."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What the numbers in the cells may be: words on screen -> axis along which shares sum to one.
SHARES: dict[str, int | None] = {"counts": None, "by row": 1, "by column": 0}
#: The name of the column, or row, of objects without a verdict.
NO_VERDICT = "none"


def matrix_payload(
    counts: NDArray[np.int64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_words: str,
    column_words: str,
    show: str = "counts",
    chosen: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Gather what `pages._matrix` shows: a table of buttons.

    Parameters
    ----------
    counts : ndarray, shape (R, C), int64
    rows, columns : sequence of str
        What the rows and columns are; empty ones named `NO_VERDICT` are left out.
    row_words, column_words : str
        Such as ``"true class"`` and ``"verdict"``.
    show : str
        One of `SHARES`.
    chosen : (str, str), optional
        Row and column of the chosen cell.

    Returns
    -------
    dict
        JSON-ready: ``rows``, ``columns``, ``row_words``, ``column_words``; ``cells``, each with
        ``text``, ``count``, ``shade`` in 0 … 1 and ``words`` for a screen reader; ``chosen``;
        ``key``, a hash of the rest.
    """
    held = [_filled(names, counts.sum(axis=axis)) for names, axis in ((rows, 1), (columns, 0))]
    counts = counts[np.ix_(*held)]
    rows, columns = (
        [names[i] for i in kept] for names, kept in zip((rows, columns), held, strict=True)
    )
    shares = counts / np.maximum(counts.sum(axis=SHARES[show], keepdims=True), 1)
    shades = shares if SHARES[show] is not None else counts / max(counts.max(initial=1), 1)
    whole = {"by row": f"the {row_words}", "by column": f"the {column_words}"}.get(show, "all")

    def cell(i: int, j: int) -> dict[str, Any]:
        place = f"{row_words} {rows[i]}, {column_words} {columns[j]}"
        numbers = int(counts[i, j]), float(shares[i, j]), float(shades[i, j])
        return _cell(place, *numbers, whole, counted=SHARES[show] is None)

    payload = {
        "rows": rows,
        "columns": columns,
        "row_words": row_words,
        "column_words": column_words,
        "cells": [[cell(i, j) for j in range(len(columns))] for i in range(len(rows))],
        "chosen": list(chosen) if chosen else None,
    }
    text = json.dumps(payload, sort_keys=True)
    return {"key": hashlib.sha256(text.encode()).hexdigest(), **payload}


def _filled(names: Sequence[str], totals: NDArray[np.int64]) -> list[int]:
    return [i for i, name in enumerate(names) if name != NO_VERDICT or totals[i]]


def _cell(
    place: str, count: int, share: float, shade: float, whole: str, *, counted: bool
) -> dict[str, Any]:
    percent = f"{100 * share:.0f} %"
    return {
        "text": str(count) if counted or not count else percent,
        "count": count,
        "shade": round(shade, 3),
        "words": f"{place}: {count} objects, {percent} of {whole}",
    }
