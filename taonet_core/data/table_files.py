"""Bytes of a table file to named columns: CSV, ECSV, Parquet, VOTable, FITS."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers.expat import ExpatError

import numpy as np

from taonet_core import sandbox
from taonet_core.data.archives import MAX_FILE_BYTES, decompress
from taonet_core.data.sources import name_of
from taonet_core.data.table_formats import Choice, reader_of
from taonet_core.errors import Code, UnreadableFileError

if TYPE_CHECKING:
    import pandas as pd

#: File names that promise a table, compressed or not.
TABLE_NAME = re.compile(
    r"\.(csv|tsv|txt|dat|ecsv|parquet|pq|vot|votable|xml)(\.(gz|bz2|xz))?$", re.IGNORECASE
)
#: Rows that are looked at before a table is read.
PREVIEW_ROWS = 1000
#: What the readers of damaged tables raise.
_BROKEN = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, EOFError, ExpatError,
    RecursionError, NotImplementedError, OverflowError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TablePreview:
    """The first rows of a table.

    Attributes
    ----------
    name : str
        Of the file.
    rows : DataFrame
        At most `PREVIEW_ROWS` rows; those of a CSV file are text, as they are written.
    units : dict of str to str
        Column -> its unit, where the file states one.
    complete : bool
        Whether these are all rows.
    """

    name: str
    rows: pd.DataFrame
    units: Mapping[str, str]
    complete: bool


def preview_table(source: Any, *, trusted: bool = False) -> TablePreview:
    """Look at the columns and the first rows of a table.

    Parameters
    ----------
    source : as for `read_columns`
    trusted : bool
        Read in this process, not by a worker under limits (`taonet_core.sandbox`).

    Raises
    ------
    UnreadableFileError
        If it is no table, damaged, or too large.
    """
    name = name_of(source)
    if trusted:
        return _preview(source, name)
    preview: TablePreview = sandbox.ask("preview", content_of(source, name), name)
    return preview


def preview_here(file: BinaryIO, name: str, **_: object) -> Iterator[TablePreview]:
    """Do in a worker what `preview_table` asks for."""
    yield _preview(file, name)


def _preview(source: Any, name: str) -> TablePreview:
    import pandas as pd

    columns = _read(source, name, lambda names: {n: n for n in names}, PREVIEW_ROWS + 1)
    units = {name: str(unit) for name, c in columns.items() if (unit := getattr(c, "unit", None))}
    rows = pd.DataFrame({name: _plain(column) for name, column in columns.items()})
    whole = len(rows) <= PREVIEW_ROWS
    return TablePreview(name, rows.head(PREVIEW_ROWS), units, whole)


def read_columns(source: Any, name: str, choose: Choice) -> dict[str, Any]:
    """Read some columns of a table, in this process.

    Parameters
    ----------
    source : path, bytes or open binary file
        CSV (comma, semicolon, tab, bar or blanks), ECSV, Parquet, VOTable or FITS, told apart by
        content; may be compressed with gzip, bzip2 or xz. Columns of a CSV file without a line of
        names are called ``column 1`` and so on.
    name : str
        For messages.
    choose : callable
        From the list of all column names to a dict, key of the result -> column name. The key
        ``"object_id"`` is read as text.

    Returns
    -------
    dict of str to column
        As pandas or astropy has them, units included.

    Raises
    ------
    UnreadableFileError
        If it is no such table, or too large.
    """
    return _read(source, name, choose, None)


def content_of(source: Any, name: str) -> sandbox.Content:
    """Return what a worker can read of a path, bytes or an open file."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    return _bytes(source, name)


def _read(source: Any, name: str, choose: Choice, limit: int | None) -> dict[str, Any]:
    data = decompress(_bytes(source, name), name)
    reader = reader_of(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what VOTables get wrong and can still be read
            return reader(data, choose, limit)
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: not a readable table ({_first_line(error)}); give CSV, ECSV, Parquet, "
            "VOTable or FITS"
        ) from error


def _plain(column: Any) -> Any:
    """Return a column of astropy as one of pandas, its gaps kept and its dates as they read."""
    import pandas as pd

    if isinstance(column, pd.Series):
        return column
    if hasattr(column, "isot"):  # Time
        return pd.Series(column.isot.astype(str))
    values = getattr(column, "value", column)
    values = np.ma.filled(values.astype(object), None) if np.ma.isMA(values) else values
    values = np.asarray(values)
    if values.ndim > 1:
        return pd.Series([str(row) for row in values])
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    return pd.Series(values.astype(values.dtype.newbyteorder("=")))


def _bytes(source: Any, name: str) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        size, data = len(source), bytes(source)
    elif hasattr(source, "read"):
        data = source.read(MAX_FILE_BYTES + 1)
        if not isinstance(data, bytes):
            raise UnreadableFileError(f"{name}: open the file in binary mode ('rb')")
        size = len(data)
    else:
        try:
            size = Path(source).stat().st_size
            data = b"" if size > MAX_FILE_BYTES else Path(source).read_bytes()
        except OSError as error:
            raise UnreadableFileError(f"{name}: cannot be opened: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise UnreadableFileError(
            f"{name}: {size:,} bytes, at most {MAX_FILE_BYTES:,} are read; split the table",
            code=Code.SIZE,
        )
    if not data.strip():
        raise UnreadableFileError(f"{name}: the file is empty; fetch it again", code=Code.EMPTY)
    return data


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
