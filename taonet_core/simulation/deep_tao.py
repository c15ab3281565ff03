"""Write a sequence in the layout of the DEEP-TAO release, fast: header text and raw blocks.

The release (arXiv 2503.16714) holds one file an object: an empty primary HDU, a binary table with
one row a frame, then one unsigned 16-bit image HDU a frame, in alphabetical order of the date.
Field sources (NON) have another table and bare image headers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import TransientClass

_BLOCK = 2880
_MONTHS = np.array(
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
)

# Table columns: name, FITS format, numpy type.
_TRANSIENT_COLUMNS = (
    ("HDU_Ext", "K", ">i8"),
    ("Set_Number", "2A", "S2"),
    ("Date", "7A", "S7"),
    ("MJD", "D", ">f8"),
    ("Field_ID", "6A", "S6"),
    ("Obs_In_Seq", "4A", "S4"),
    ("Cutout", "4A", "S4"),
)
_FIELD_COLUMNS = (
    ("HDU_Ext", "4A", "S4"),
    ("DATE", "7A", "S7"),
    ("MJD", "18A", "S18"),
    ("Field_ID", "6A", "S6"),
    ("Cutout", "4A", "S4"),
)


def release_dates(times: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return dates as the release writes them, such as ``'06APR02'``.

    Parameters
    ----------
    times : ndarray, shape (T,)
        MJD.
    """
    days = np.datetime64("1858-11-17") + np.floor(times).astype("timedelta64[D]")
    months = days.astype("datetime64[M]")
    month = _MONTHS[months.astype(int) % 12]
    year = np.datetime_as_string(days.astype("datetime64[Y]"))
    day = (days - months).astype(int) + 1
    return np.array([f"{y[2:]}{m}{d:02d}" for y, m, d in zip(year, month, day, strict=True)])


def encode_sequence(sequence: ImageSequence, cards: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of the file.

    Parameters
    ----------
    sequence : ImageSequence
        Frames with whole values from 0 to 65535. ``meta["label"]`` chooses the table; columns
        ``date``, ``field_id``, ``obs_in_seq``, ``cutout`` and ``set_number`` are written if known.
    cards : mapping, optional
        Header keywords of the object (8 characters, or longer and then HIERARCH) and values, or
        (value, comment) pairs.
    """
    cards = dict(cards or {})
    non = sequence.meta.get("label") == TransientClass.NON
    columns = _columns(sequence)
    order = np.lexsort((columns["cutout"], columns["obs_in_seq"], columns["date"]))
    table = _table(sequence, columns, order, non=non)
    simulated = {"SIMULATD": cards["SIMULATD"]} if "SIMULATD" in cards else {}
    height, width = sequence.frames.shape[1:]
    parts = [
        _header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True, **simulated}),
        _header(_table_keys(table, non=non) | cards),
        _padded(table.tobytes()),
    ]
    image = _header(
        {
            "XTENSION": "IMAGE",
            "BITPIX": 16,
            "NAXIS": 2,
            "NAXIS1": width,
            "NAXIS2": height,
            "PCOUNT": 0,
            "GCOUNT": 1,
            "BSCALE": 1,
            "BZERO": 32768,
            **({} if non else cards),
        }
    )
    # Unsigned values are stored as signed ones less 32768: the top bit turned over.
    pixels = sequence.frames[order].astype(np.uint16) ^ np.uint16(0x8000)
    raw = pixels.astype(">u2")
    for frame in raw:
        parts += [image, _padded(frame.tobytes())]
    return b"".join(parts)


def write_deep_tao(
    sequence: ImageSequence, path: Path, cards: Mapping[str, Any] | None = None
) -> None:
    """Write `encode_sequence` to `path`, whose folder must exist; an old file is replaced.

    The file appears whole or not at all to a reader beside us; it is not forced to disk, for a data
    set that a crash cuts short is made anew from its seed.
    """
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(encode_sequence(sequence, cards))
    os.replace(temporary, path)


def _columns(sequence: ImageSequence) -> dict[str, NDArray[np.str_]]:
    count = len(sequence)
    known = {name: values.astype(str) for name, values in sequence.columns.items()}
    defaults = {
        "date": release_dates(sequence.times),
        "field_id": np.full(count, "N00000"),
        "obs_in_seq": np.array([f"{i + 1:04d}" for i in range(count)]),
        "cutout": np.full(count, "0001"),
        "set_number": np.full(count, "01"),
    }
    return defaults | known


def _table(
    sequence: ImageSequence,
    columns: Mapping[str, NDArray[np.str_]],
    order: NDArray[np.int64],
    *,
    non: bool,
) -> NDArray[Any]:
    """Rows of the table in the order of the image HDUs."""
    spec = _FIELD_COLUMNS if non else _TRANSIENT_COLUMNS
    table = np.zeros(len(order), dtype=[(name, kind) for name, _, kind in spec])
    extensions = np.arange(2, len(order) + 2)
    times = sequence.times[order]
    table["HDU_Ext"] = extensions.astype("S4") if non else extensions
    table["MJD"] = [f"{t:.8f}" for t in times] if non else times
    for name in table.dtype.names or ():
        if name.lower() in columns:
            table[name] = columns[name.lower()][order]
    return table


def _table_keys(table: NDArray[Any], *, non: bool) -> dict[str, Any]:
    spec = _FIELD_COLUMNS if non else _TRANSIENT_COLUMNS
    keys: dict[str, Any] = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": table.dtype.itemsize,
        "NAXIS2": len(table),
        "PCOUNT": 0,
        "GCOUNT": 1,
        "TFIELDS": len(spec),
    }
    for number, (name, form, _) in enumerate(spec, start=1):
        keys |= {f"TTYPE{number}": name, f"TFORM{number}": form}
    return keys


def _header(cards: Mapping[str, Any]) -> bytes:
    """One header as padded text; astropy formats the cards."""
    lines = []
    for key, value in cards.items():
        value, comment = value if isinstance(value, tuple) else (value, None)
        keyword = key if len(key) <= 8 and key.isupper() else f"HIERARCH {key}"
        lines.append(fits.Card(keyword, value, comment).image)
    text = "".join([*lines, "END".ljust(80)])
    return text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _BLOCK)
