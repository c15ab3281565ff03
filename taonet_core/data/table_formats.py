"""The formats of tables: bytes to named columns, one reader each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.parsers.expat import ParserCreate

from taonet_core.data.fits_scan import scan
from taonet_core.data.fits_tables import read_table

if TYPE_CHECKING:
    from astropy.table import Table

#: Most rows of a table: a compressed column can hold any number of them in few bytes.
MAX_ROWS = 20_000_000
_SEPARATORS = ",;\t|"
_BLANKS = r"\s+"
#: Characters in which the line of names is looked for.
_HEAD = 1 << 20
#: Deepest nesting of a VOTable; real ones have about ten levels.
_MAX_DEPTH = 100

#: Picks, from the names of the columns, those that are wanted.
Choice: TypeAlias = Callable[[list[str]], Mapping[str, str]]
#: Reads the chosen columns of a table's bytes, of the first rows or of all (None).
Reader: TypeAlias = Callable[[bytes, Choice, "int | None"], dict[str, Any]]


def reader_of(data: bytes) -> Reader:
    """Return the reader for a table, told by its first bytes."""
    if data.startswith(b"PAR1"):
        return _parquet
    if data.startswith(b"SIMPLE"):
        return _fits
    start = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"# %ECSV"):
        return _ecsv
    return _votable if start.startswith(b"<") else _csv


def _parquet(data: bytes, choose: Choice, limit: int | None) -> dict[str, Any]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(data))
    if file.metadata.num_rows > MAX_ROWS:
        raise ValueError(f"{file.metadata.num_rows:,} rows, at most {MAX_ROWS:,} are read")
    chosen = choose(file.schema_arrow.names)
    names = list(dict.fromkeys(chosen.values()))
    if limit is None:
        frame = file.read(columns=names).to_pandas()
    else:
        batches = file.iter_batches(batch_size=limit, columns=names)
        frame = next(batches, file.schema_arrow.empty_table()).to_pandas()
    return {key: frame[column] for key, column in chosen.items()}


def _csv(data: bytes, choose: Choice, limit: int | None) -> dict[str, Any]:
    import pandas as pd

    text = data.decode("utf-8-sig")
    names, separator, skipped = _csv_header(text)
    chosen = choose(names)
    as_text = {chosen["object_id"]: str} if "object_id" in chosen else {}
    frame = pd.read_csv(
        io.StringIO(text),
        sep=separator,
        skiprows=skipped,
        skipinitialspace=True,
        names=names,
        header=None,
        dtype=as_text if limit is None else str,
        index_col=False,
        low_memory=False,
        nrows=limit,
        comment="#" if separator == _BLANKS else None,
    )
    return {key: frame[column] for key, column in chosen.items()}


def _csv_header(text: str) -> tuple[list[str], str, int]:
    """Return the names of the columns, what is between them, and the lines before the data."""
    lines = text[:_HEAD].splitlines()[:200]
    first = next((i for i, s in enumerate(lines) if s.strip() and s[0] != "#"), None)
    if first is None:
        raise ValueError("there is no line but comments")
    separator = max(_SEPARATORS, key=lines[first].count)
    if separator not in lines[first]:
        separator = _BLANKS if len(lines[first].split()) > 1 else ","
    names = _fields(lines[first], separator)
    if not all(map(_is_number, names)):
        return _unique(names), separator, first + 1
    above = _fields(lines[first - 1].lstrip("# "), separator) if first else []
    return _unique(above if len(above) == len(names) else [""] * len(names)), separator, first


def _unique(names: list[str]) -> list[str]:
    """Give a name to columns without one, and another to those that share theirs."""
    found: list[str] = []
    for i, name in enumerate(names, start=1):
        name = name or f"column {i}"
        found.append(name if name not in found else f"{name} ({i})")
    return found


def _fields(line: str, separator: str) -> list[str]:
    parts = line.split() if separator == _BLANKS else line.split(separator)
    return [part.strip().strip('"') for part in parts]


def _is_number(text: str) -> bool:
    try:
        float(text.lstrip("<>"))
    except ValueError:
        return False
    return True


def _ecsv(data: bytes, choose: Choice, limit: int | None) -> dict[str, Any]:
    from astropy.table import Table

    table = Table.read(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), format="ascii.ecsv")
    return _from_astropy(table, choose, limit)


def _fits(data: bytes, choose: Choice, limit: int | None) -> dict[str, Any]:
    """Read the first binary table, by the strict reader: astropy would trust its header."""
    from astropy.table import Column, Table
    from astropy.units import Unit

    found = next((h for h in scan(data, "file").hdus if h.kind == "table" and h.shape), None)
    if found is None:
        raise ValueError("the FITS file has no binary table with rows")
    if found.shape[0] > MAX_ROWS:
        raise ValueError(f"{found.shape[0]:,} rows, at most {MAX_ROWS:,} are read")
    table = Table()
    titles = {str(found.header.get(f"TTYPE{i}") or "").strip().upper(): i for i in range(1, 1000)}
    for name, values in read_table(data, found, "file").items():
        unit = found.header.get(f"TUNIT{titles.get(name)}")
        unit = Unit(str(unit), parse_strict="silent") if unit else None
        table[name] = Column(values, unit=unit)
    return _from_astropy(table, choose, limit)


def _votable(data: bytes, choose: Choice, limit: int | None) -> dict[str, Any]:
    from astropy.io import votable

    _check_xml(data)
    table = votable.parse(io.BytesIO(data), verify="ignore").get_first_table()
    return _from_astropy(table.to_table(use_names_over_ids=True), choose, limit)


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


def _from_astropy(table: Table, choose: Choice, limit: int | None) -> dict[str, Any]:
    chosen = choose(list(table.colnames))
    return {key: table[column][:limit] for key, column in chosen.items()}
