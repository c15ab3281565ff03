"""Bytes of a table file to named columns: CSV, ECSV, Parquet, VOTable."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError, ParserCreate

from taonet_core.data.archives import MAX_FILE_BYTES, decompress
from taonet_core.data.sources import name_of
from taonet_core.errors import UnreadableFileError

if TYPE_CHECKING:
    from astropy.table import Table

#: Most rows of a table: a compressed column can hold any number of them in few bytes.
MAX_ROWS = 20_000_000
_SEPARATORS = ",;\t|"
#: Deepest nesting of a VOTable; real ones have about ten levels.
_MAX_DEPTH = 100
#: What the readers of damaged tables raise.
_BROKEN = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, EOFError, ExpatError,
    RecursionError, NotImplementedError, OverflowError, MemoryError,
)  # fmt: skip

#: Picks, from the names of the columns, those that are wanted.
Choice = Callable[[list[str]], Mapping[str, str]]


def read_columns(source: Any, choose: Choice) -> dict[str, Any]:
    """Read some columns of a table.

    Parameters
    ----------
    source : path, bytes or open binary file
        CSV (comma, semicolon, tab or bar), ECSV, Parquet or VOTable, told apart by content; may
        be compressed with gzip, bzip2 or xz.
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
    name = name_of(source)
    data = decompress(_bytes(source, name), name)
    reader = _reader(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what VOTables get wrong and can still be read
            return reader(data, choose)
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: not a readable table ({_first_line(error)}); give CSV, ECSV, Parquet or "
            "VOTable"
        ) from error


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
            f"{name}: {size:,} bytes, at most {MAX_FILE_BYTES:,} are read; split the table"
        )
    if not data.strip():
        raise UnreadableFileError(f"{name}: the file is empty; fetch it again")
    return data


def _reader(data: bytes) -> Callable[[bytes, Choice], dict[str, Any]]:
    if data.startswith(b"PAR1"):
        return _parquet
    start = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"# %ECSV"):
        return _ecsv
    return _votable if start.startswith(b"<") else _csv


def _parquet(data: bytes, choose: Choice) -> dict[str, Any]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(data))
    if file.metadata.num_rows > MAX_ROWS:
        raise ValueError(f"{file.metadata.num_rows:,} rows, at most {MAX_ROWS:,} are read")
    chosen = choose(file.schema_arrow.names)
    frame = file.read(columns=list(dict.fromkeys(chosen.values()))).to_pandas()
    return {key: frame[column] for key, column in chosen.items()}


def _csv(data: bytes, choose: Choice) -> dict[str, Any]:
    import pandas as pd

    text = data.decode("utf-8-sig")
    lines = text.splitlines()[:200]
    comments = next((i for i, s in enumerate(lines) if s.strip() and s[0] != "#"), 0)
    header = lines[comments]
    separator = max(_SEPARATORS, key=header.count)
    names = [part.strip().strip('"') for part in header.split(separator)]
    chosen = choose(names)
    as_text = {chosen["object_id"]: str} if "object_id" in chosen else {}
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        skiprows=comments,
        skipinitialspace=True,
        names=names,
        header=0,
        dtype=as_text,
        index_col=False,
        low_memory=False,
    )
    return {key: frame[column] for key, column in chosen.items()}


def _ecsv(data: bytes, choose: Choice) -> dict[str, Any]:
    from astropy.table import Table

    return _from_astropy(
        Table.read(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), format="ascii.ecsv"), choose
    )


def _votable(data: bytes, choose: Choice) -> dict[str, Any]:
    from astropy.io import votable

    _check_xml(data)
    table = votable.parse(io.BytesIO(data), verify="ignore").get_first_table()
    return _from_astropy(table.to_table(use_names_over_ids=True), choose)


def _check_xml(data: bytes) -> None:
    """Refuse what makes a reader of VOTables open other files, or sink into itself."""
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")
        if _local(tag) == "stream" and "href" in map(_local, attributes):
            raise ValueError("its data are in another file, which is not opened")

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise ValueError("it declares a document type or entities; take the DOCTYPE out")

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(data, True)


def _local(name: str) -> str:
    """Return a name of XML without its namespace, in lower case."""
    return name.rpartition(":")[2].lower()


def _from_astropy(table: Table, choose: Choice) -> dict[str, Any]:
    return {key: table[column] for key, column in choose(list(table.colnames)).items()}


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
