"""Scalar columns of a binary table, straight from the bytes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_scan import Hdu, Header, Slices, shown
from taonet_core.errors import Code, UnreadableFileError

COLUMN = re.compile(r"(\d*)([LXBIJKAEDCMPQ])(.*)")
COLUMN_DTYPES = {
    "L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8", "A": "S", "X": "V",
}  # fmt: skip


def read_table(data: Slices, hdu: Hdu, name: str) -> dict[str, NDArray[Any]]:
    """Return the scalar columns of a binary table; array columns are left out.

    Parameters
    ----------
    data : bytes
        The scanned file.
    hdu : Hdu
        A binary table.
    name : str
        For messages.

    Returns
    -------
    dict of str to ndarray, shape (rows,)
        Upper-case column name -> native values, text stripped.

    Raises
    ------
    UnreadableFileError
        If the columns do not add up to the row.
    """
    if not hdu.shape:
        return {}
    dtype = row_dtype(hdu, f"{name}, HDU {hdu.index}")
    size = hdu.shape[0] * hdu.shape[1]
    rows = np.frombuffer(data[hdu.data_start : hdu.data_start + size], dtype=dtype)
    columns: dict[str, NDArray[Any]] = {}
    for i, field in enumerate(dtype.names or (), start=1):
        values = rows[field]
        if values.ndim > 1 or values.dtype.kind == "V" or str(hdu.header[f"TFORM{i}"])[-1:] == ")":
            continue
        title = str(hdu.header.get(f"TTYPE{i}") or f"COL{i}").strip().upper()
        columns.setdefault(title, _native(values, hdu.header, i))
    return columns


def row_dtype(hdu: Hdu, where: str) -> np.dtype[Any]:
    """Return the type of one row, columns named c0, c1, ...; refuse formats that do not fit."""
    count = hdu.header.get("TFIELDS")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 999:
        text = f"{where}: TFIELDS is {shown(count)}, not a number from 0 to 999; repair the header"
        raise UnreadableFileError(text, code=Code.COLUMNS)
    formats: list[Any] = []
    total = 0  # not left to NumPy, whose sizes of structures start again from 0 at 2^32
    for i in range(1, count + 1):
        match = COLUMN.match(str(hdu.header.get(f"TFORM{i}") or "").strip())
        if match is None or len(match[1]) > 7:
            text = f"{where}: TFORM{i} is not a column format of FITS; repair the header"
            raise UnreadableFileError(text, code=Code.COLUMNS)
        form, width = _format(int(match[1] or 1), match[2])
        formats.append(form)
        total += width
    if total != hdu.shape[1]:
        raise UnreadableFileError(
            f"{where}: NAXIS1 is {hdu.shape[1]} but the columns take {total} bytes; "
            "repair the header",
            code=Code.COLUMNS,
        )
    return np.dtype([(f"c{i}", form) for i, form in enumerate(formats)])


def _format(repeat: int, code: str) -> tuple[Any, int]:
    """Return a column's type as NumPy spells it, and its width in bytes."""
    kind = COLUMN_DTYPES[code]
    if code in "AX":
        width = repeat if code == "A" else -(-repeat // 8)
        return (f"{kind}{width}" if width else "V0"), width
    width = repeat * np.dtype(kind).itemsize
    if code in "PQ":
        return f"V{2 * width}", 2 * width
    return (kind if repeat == 1 else (kind, (repeat,))), width


def _native(values: NDArray[Any], header: Header, number: int) -> NDArray[Any]:
    if values.dtype.kind == "S":
        return np.char.strip(np.char.decode(values, "latin-1"), " \0")
    scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
    values = values.astype(values.dtype.newbyteorder("="))
    if isinstance(scale, int | float) and isinstance(zero, int | float) and (scale, zero) != (1, 0):
        with np.errstate(all="ignore"):
            values = values * float(scale) + float(zero)
    return values
