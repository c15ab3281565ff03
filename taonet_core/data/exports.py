"""Tables of results as files: CSV, ECSV, Parquet, JSON, VOTable, whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.atomic import replacing

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {
    **dict.fromkeys(("ra", "dec"), "deg"),
    "separation_arcsec": "arcsec",
    **dict.fromkeys(("mjd_first", "mjd_last"), "d"),
    **dict.fromkeys(("mag", "mag_peak"), "mag"),
}
_TEXT = (
    "object_id",
    "class_name",
    "prediction_set",
    "label",
    "error",
    "error_code",
    "flags",
    "classifier_name",
    "classifier_version",
)
_COUNTS = ("n_nights", "ranking")
# How a line of a text begins that a spreadsheet would run: the signs of a formula, wide ones of
# Japanese keyboards too, after blanks; and apostrophes in front, so that guarding can be undone.
_FORMULA = r"'*(?:[^\S\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])"
_TO_GUARD = re.compile(rf"(^|[\r\n])(?={_FORMULA})")
_GUARDED = re.compile(rf"(^|[\r\n])'(?={_FORMULA})")


def results_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Gather rows into a table whose column types do not depend on the rows.

    Parameters
    ----------
    rows : iterable of mapping
        For example `Prediction.to_row()`; missing numbers are NaN.
    columns : sequence of str
        The columns wanted, in order.

    Returns
    -------
    pandas.DataFrame
        Text columns as ``str`` on one line of printable characters, counts as ``int64``, the
        rest as ``float64``.
    """
    import pandas as pd

    rows = list(rows)
    table = {}
    for name in columns:
        values = [row[name] for row in rows]
        if name in _TEXT or name.startswith("model"):
            table[name] = pd.Series([one_line(str(v)) for v in values], dtype="str")
        else:
            table[name] = pd.Series(values, dtype="int64" if name in _COUNTS else "float64")
    return pd.DataFrame(table)


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table in the format its file name asks for.

    Parameters
    ----------
    table : pandas.DataFrame
    path : path
        Ends in ``.csv``, ``.ecsv``, ``.parquet``, ``.json`` (a list of records) or ``.vot``.
        Folders on the way are made.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the ending is another.
    TaoNetError
        If the file cannot be written; an older file of that name is then left as it was.
    """
    path = Path(path)
    write = table_writer(path)
    with replacing(path) as temporary:
        write(table, temporary)
    return path


def table_writer(path: Path) -> Callable[[pd.DataFrame, Path], None]:
    """Return the function that writes the format `path` asks for, or raise `ValueError`."""
    try:
        return _WRITERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(_WRITERS)
        raise ValueError(f"wanted a table ending in {known}; got {path.name!r}") from None


def write_json(values: Mapping[str, Any], path: str | Path) -> Path:
    """Write a mapping as readable JSON, whole or not at all."""
    path = Path(path)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", "utf-8")
    return path


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV whose text cells no spreadsheet takes for a formula.

    Numbers stay numbers: -1.5 is no text. See `guarded`; `unguarded` gives the text back.
    """
    safe = table.rename(columns=lambda name: guarded(str(name)))
    for place, kind in enumerate(table.dtypes):
        if kind in ("str", "object"):
            cells = [guarded(v) if isinstance(v, str) else v for v in table.iloc[:, place]]
            safe.isetitem(place, cells)
    return str(safe.to_csv(index=False, lineterminator="\n"))


def guarded(text: str) -> str:
    r"""Put an apostrophe before each line of a text that a spreadsheet would take for a formula.

    Such a line begins with one of ``= + - @`` after blanks, or with a tab. A line that begins so
    after apostrophes gets one more, so that `unguarded` gives back every text.
    """
    return _TO_GUARD.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """Take away the apostrophes that `guarded` put into a text."""
    return _GUARDED.sub(r"\1", text)


def one_line(text: str) -> str:
    """Replace what cannot be printed, line ends among it: XML and logs refuse or obey it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _text_columns(table: pd.DataFrame) -> list[str]:
    return [str(name) for name, dtype in table.dtypes.items() if dtype == "str"]


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    path.write_text(csv_text(table), "utf-8")


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _write_json_records(table: pd.DataFrame, path: Path) -> None:
    path.write_text(table.to_json(orient="records", indent=2, double_precision=15), "utf-8")


def _write_astropy(table: pd.DataFrame, path: Path, kind: str) -> None:
    from astropy.table import Table

    text = _text_columns(table)
    columns = {str(name): table[name].to_numpy() for name in table.columns}
    out = Table({n: _lines(v) if n in text else v for n, v in columns.items()})
    for name in out.colnames:
        out[name].unit = _UNITS.get(name)
    out.write(path, format=kind, overwrite=True)


def _lines(texts: NDArray[Any]) -> NDArray[np.str_]:
    """Return texts of one line: XML holds no control characters, ECSV no ends of lines."""
    return np.array([one_line(str(value)) for value in texts], dtype=np.str_)


def _write_ecsv(table: pd.DataFrame, path: Path) -> None:
    _write_astropy(table, path, "ascii.ecsv")


def _write_votable(table: pd.DataFrame, path: Path) -> None:
    _write_astropy(table, path, "votable")


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".ecsv": _write_ecsv,
    ".parquet": _write_parquet,
    ".json": _write_json_records,
    ".vot": _write_votable,
}
#: Endings `write_table` knows.
TABLE_SUFFIXES = tuple(_WRITERS)
