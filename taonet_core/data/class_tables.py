"""Tables of known classes: `LabelTable`, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from taonet_core import sandbox
from taonet_core.data.column_mapping import ColumnMapping, map_by_name
from taonet_core.data.column_values import degrees, texts
from taonet_core.data.sources import name_of
from taonet_core.data.table_files import content_of, read_columns
from taonet_core.errors import InvalidSequenceError


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Rows that say of an object what it is.

    Attributes
    ----------
    name : str
        Of the file.
    rows : DataFrame
        ``row`` (from 1), ``object_id``, ``file`` and ``text`` (the class in the table's words),
        empty where not given; ``ra`` and ``dec``, ICRS degrees, NaN where not given.
    """

    name: str
    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)


def read_label_table(
    source: Any, mapping: ColumnMapping | None = None, *, trusted: bool = False
) -> LabelTable:
    """Read a table of classes.

    Parameters
    ----------
    source : path, bytes or open binary file
        CSV, ECSV, Parquet, VOTable or FITS.
    mapping : ColumnMapping, optional
        Which column is which; by default by their names.
    trusted : bool
        Read in this process, not by a worker under limits (`taonet_core.sandbox`).

    Raises
    ------
    UnreadableFileError
        If it is no table, damaged, or too large.
    InvalidSequenceError
        If there is no column for the class, or none that tells the object.
    """
    name = name_of(source)
    if trusted:
        return _labels(source, name, mapping)
    found: LabelTable = sandbox.ask("labels", content_of(source, name), name, mapping=mapping)
    return found


def labels_here(
    file: BinaryIO, name: str, *, mapping: ColumnMapping | None, **_: object
) -> Iterator[LabelTable]:
    """Do in a worker what `read_label_table` asks for."""
    yield _labels(file, name, mapping)


def _labels(source: Any, name: str, mapping: ColumnMapping | None) -> LabelTable:
    def choose(names: list[str]) -> Mapping[str, str]:
        chosen = mapping or map_by_name(names, "labels")
        lost = [column for column in chosen.columns.values() if column not in names]
        if chosen.missing or lost:
            raise InvalidSequenceError(
                f"{name}: a table of classes needs a column for the class, and one for the object, "
                f"its file, or its position; columns there are: {', '.join(names[:30])}"
            )
        return chosen.columns

    columns = read_columns(source, name, choose)
    count = len(columns["label"])
    rows: dict[str, Any] = {"row": np.arange(1, count + 1)}
    for key in ("object_id", "file", "label"):
        rows[key] = texts(columns[key]) if key in columns else np.full(count, "")
    for key in ("ra", "dec"):
        hours = key == "ra"
        rows[key] = degrees(columns[key], name, hours=hours) if key in columns else np.nan
    return LabelTable(name, pd.DataFrame(rows).rename(columns={"label": "text"}))
