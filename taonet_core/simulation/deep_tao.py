"""Write a sequence in the layout of the DEEP-TAO release, fast: header text and raw blocks.

The release (arXiv 2503.16714) holds one file an object: an empty primary HDU, a binary table with
one row a frame, then one unsigned 16-bit image HDU a frame, in alphabetical order of the date.
Field sources (NON) have another table and bare image headers; ours have `Obs_In_Seq` too, lest
wrong clocks leave the order of exposures, and so the class, to be guessed.

Beyond the release, a survey with filters has a column `FILTER`, and one that ships references and
differences has columns `REF_Ext` and `DIFF_Ext`, the HDUs of those images, which follow the frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from taonet_core.data import deep_tao
from taonet_core.data.atomic import atomic_path
from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import TransientClass

_BLOCK = 2880
_MONTHS = np.array(
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
)

# Table columns: name, numpy type.
_TRANSIENT_COLUMNS = (
    ("HDU_Ext", ">i8"),
    ("Set_Number", "S2"),
    ("Date", "S7"),
    ("MJD", ">f8"),
    ("Field_ID", "S6"),
    ("Obs_In_Seq", "S4"),
    ("Cutout", "S4"),
)
_FIELD_COLUMNS = (
    ("HDU_Ext", "S4"),
    ("DATE", "S7"),
    ("MJD", "S18"),
    ("Field_ID", "S6"),
    ("Obs_In_Seq", "S4"),
    ("Cutout", "S4"),
)
_BAND_COLUMN = ("FILTER", "S8")
_PARTNERS = {"reference": "REF_Ext", "difference": "DIFF_Ext"}


def utc_days(times: float | NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Return the calendar days of times in MJD."""
    return np.datetime64("1858-11-17") + np.floor(times).astype("timedelta64[D]")


def release_dates(times: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return dates as the release writes them, such as ``'06APR02'``.

    Parameters
    ----------
    times : ndarray, shape (T,)
        MJD.
    """
    days = utc_days(times)
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
        ``meta["label"]`` chooses the table; columns ``date``, ``field_id``, ``obs_in_seq``,
        ``cutout``, ``set_number`` and ``band`` are written if known, ``recorded`` as the MJD.
        Frames of whole values from 0 to 65535 are stored as 16-bit integers, others as floats.
    cards : mapping, optional
        Header keywords of the object (8 characters, or longer and then HIERARCH) and values, or
        (value, comment) pairs.
    """
    cards = dict(cards or {})
    table, order = _table(sequence)
    simulated = {"SIMULATD": cards["SIMULATD"]} if "SIMULATD" in cards else {}
    stacks = [sequence.frames, *(getattr(sequence, role) for role in _partners(sequence))]
    parts = [
        _header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True, **simulated}),
        _header(_table_keys(table) | cards),
        _padded(table.tobytes()),
    ]
    of_object = {} if _is_field_source(sequence) else cards
    for stack in stacks:
        parts += _images(stack[order], of_object)
    return b"".join(parts)


def _images(frames: NDArray[np.float32], cards: Mapping[str, Any]) -> list[bytes]:
    """Header and pixels of each frame."""
    height, width = frames.shape[1:]
    whole = frames.min() >= 0 and frames.max() <= 65_535 and bool((frames % 1 == 0).all())
    # Unsigned values are stored as signed ones less 32768: the top bit turned over.
    raw = (frames.astype(np.uint16) ^ np.uint16(0x8000)).astype(">u2") if whole else frames
    header = _header(
        {
            "XTENSION": "IMAGE",
            "BITPIX": 16 if whole else -32,
            "NAXIS": 2,
            "NAXIS1": width,
            "NAXIS2": height,
            "PCOUNT": 0,
            "GCOUNT": 1,
            **({"BSCALE": 1, "BZERO": 32768} if whole else {}),
            **cards,
        }
    )
    kind = ">u2" if whole else ">f4"
    return [part for f in raw.astype(kind) for part in (header, _padded(f.tobytes()))]


def as_read(stored: ImageSequence) -> ImageSequence:
    """Return what reading the file of `stored` gives: no exposure twice, wrong clocks settled.

    Parameters
    ----------
    stored : ImageSequence
        With a column ``recorded``, the MJD of the file, in place of which times are true.
    """
    columns = {name: values for name, values in stored.columns.items() if name != "recorded"}
    clean = replace(stored, columns=columns)
    once = (columns["cutout"] == columns["cutout"][0]).all()
    if once and (stored.columns["recorded"] == stored.times).all():
        return clean
    table, order = _table(stored)
    text = {
        name.upper(): values.astype(str) if values.dtype.kind == "S" else values
        for name in table.dtype.names or ()
        for values in [table[name]]
    }
    plan = deep_tao.plan(deep_tao.ObjectTable({}, text), range(2, len(order) + 2))
    read = clean.select(order[[ext - 2 for ext, _, _ in plan.rows]])
    read = replace(read, times=np.array([time for _, time, _ in plan.rows]))
    return read.with_meta(notes=plan.notes, dropped=plan.dropped)


def write_deep_tao(
    sequence: ImageSequence, path: Path, cards: Mapping[str, Any] | None = None
) -> None:
    """Write `encode_sequence` to `path`; an old file is replaced.

    It is not forced to disk, for a data set that a crash cuts short is made anew from its seed.
    """
    with atomic_path(path, flush=False) as temporary:
        temporary.write_bytes(encode_sequence(sequence, cards))


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


def _is_field_source(sequence: ImageSequence) -> bool:
    return sequence.meta.get("label") == TransientClass.NON


def _partners(sequence: ImageSequence) -> list[str]:
    return [role for role in _PARTNERS if getattr(sequence, role) is not None]


def _table(sequence: ImageSequence) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows of the table in the order of the image HDUs, and that order."""
    columns, count = _columns(sequence), len(sequence)
    order = np.lexsort((columns["cutout"], columns["obs_in_seq"], columns["date"]))
    non = _is_field_source(sequence)
    spec = list(_FIELD_COLUMNS if non else _TRANSIENT_COLUMNS)
    spec += [_BAND_COLUMN] if set(sequence.bands) - {"", deep_tao.BAND} else []
    spec += [(_PARTNERS[role], ">i8") for role in _partners(sequence)]
    table = np.zeros(count, dtype=spec)
    extensions = np.arange(2, count + 2)
    times = sequence.columns.get("recorded", sequence.times)[order]
    table["HDU_Ext"] = extensions.astype("S4") if non else extensions
    table["MJD"] = [f"{t:.8f}" for t in times] if non else times
    for stack, role in enumerate(_partners(sequence), start=1):
        table[_PARTNERS[role]] = extensions + stack * count
    for name in table.dtype.names or ():
        if name.lower() in columns:
            table[name] = columns[name.lower()][order]
    if "FILTER" in (table.dtype.names or ()):
        table["FILTER"] = sequence.bands[order]
    return table, order


def _table_keys(table: NDArray[Any]) -> dict[str, Any]:
    forms = {"S": "{}A", "i": "K", "f": "D"}
    names = table.dtype.names or ()
    keys: dict[str, Any] = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": table.dtype.itemsize,
        "NAXIS2": len(table),
        "PCOUNT": 0,
        "GCOUNT": 1,
        "TFIELDS": len(names),
    }
    for number, name in enumerate(names, start=1):
        kind = table.dtype[name]
        form = forms[kind.kind].format(kind.itemsize)
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
