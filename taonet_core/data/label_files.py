"""Files of experts' labels: tables written, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from taonet_core.data.expert_labels import COLUMNS, NUMBERS, Annotation, utc_time
from taonet_core.data.exports import one_line, unguarded, write_table
from taonet_core.errors import TaoNetError


def write_labels(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of labels to a file of any kind that `exports.write_table` knows.

    See `printable`: not every format keeps what cannot be printed.
    """
    return write_table(printable(table), path)


def printable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of labels in which line ends are spaces, and what cannot be printed a mark."""
    plain = table.copy()
    for name in table.columns:
        if name not in NUMBERS and table[name].dtype == "str":
            plain[name] = [one_line(" ".join(str(v).splitlines())) for v in table[name]]
    return plain.astype({n: "str" for n in plain if plain[n].dtype == object})


def read_labels(path: str | Path, *, author: str = "") -> list[Annotation]:
    """Read labels from a table with columns ``object_id`` and ``label``, and any of `COLUMNS`.

    Parameters
    ----------
    path : path
        CSV, ECSV, Parquet, JSON (records) or VOTable.
    author : str
        Who said so, where the table does not tell.

    Raises
    ------
    TaoNetError
        If the file is no such table, or a row holds what no label can.
    """
    path = Path(path)
    table = _read_table(path)
    missing = {"object_id", "label"} - set(table.columns)
    if missing:
        raise TaoNetError(
            f"{path}: a table of labels needs the columns object_id and label; "
            f"{' and '.join(sorted(missing))} is not there"
        )
    rows = []
    for number, values in enumerate(table.to_dict("records"), start=1):
        known = {n: _value(n, values[n]) for n in COLUMNS if n in values}
        known["author"] = known.get("author") or author
        try:
            known["created_at"] = utc_time(known.get("created_at", ""))
            rows.append(Annotation(**known))
        except ValueError as error:
            raise TaoNetError(f"{path}, row {number}: {error}") from error
    return rows


def _read_table(path: Path) -> pd.DataFrame:
    from astropy.table import Table

    readers: dict[str, Any] = {
        ".csv": lambda: pd.read_csv(path, dtype="str", keep_default_na=False).map(unguarded),
        ".parquet": lambda: pd.read_parquet(path),
        ".json": lambda: json.loads(path.read_bytes()),
        ".ecsv": lambda: Table.read(path, format="ascii.ecsv").filled("").to_pandas(),
        ".vot": lambda: Table.read(path, format="votable").to_pandas(),
    }
    if path.suffix.lower() not in readers:
        raise TaoNetError(f"{path}: wanted a table ending in {', '.join(readers)}")
    try:
        return pd.DataFrame(readers[path.suffix.lower()]())
    except (OSError, ValueError, TypeError, IndexError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TaoNetError(f"{path} cannot be read as a table of labels: {said}") from error


def _value(name: str, value: Any) -> Any:
    """Return a cell as `Annotation` wants it."""
    if name in NUMBERS:
        return float(value) if value not in ("", None) else np.nan
    if value is None or value is pd.NA or value != value:
        return ""
    return str(value)
