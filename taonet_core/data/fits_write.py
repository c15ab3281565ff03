"""Write an `ImageSequence` as FITS, in the two layouts that hold everything a reader needs."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from taonet_core.data.atomic import replacing
from taonet_core.data.fits_headers import calendar_text
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.plain_text import card_text

#: `meta` key -> (keyword, comment) of the object header.
_KEYWORDS = {
    "survey": ("SURVEY", "survey"),
    "pixel_scale": ("PIXSCALE", "[arcsec] per pixel"),
    "zero_point": ("MAGZERO", "[mag] of 1 count"),
    "gain": ("GAIN", "[electron/count]"),
    "saturation": ("SATURATE", "[count]"),
    "unit": ("BUNIT", "unit of the pixels"),
    "mag": ("MAG", "[mag] at discovery"),
}


def write_sequence(
    sequence: ImageSequence,
    path: str | os.PathLike[str],
    *,
    layout: str = "deep-tao",
    overwrite: bool = False,
) -> Path:
    """Write a sequence to one FITS file, whole or not at all.

    Parameters
    ----------
    sequence : ImageSequence
    path : path
    layout : {"deep-tao", "mef"}
        ``"deep-tao"`` is the release's: a table and one image a frame, 16-bit unsigned where
        every pixel is a whole number from 0 to 65535, else 32-bit float. ``"mef"`` has the time,
        filter and WCS in the header of every image, and holds references and differences too.
    overwrite : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    TaoNetError
        If the file exists.
    ValueError
        If the layout is unknown or cannot hold the sequence.
    """
    path = Path(path)
    if layout not in _WRITERS:
        raise ValueError(f"layout is one of {sorted(_WRITERS)}, not {layout!r}")
    if path.exists() and not overwrite:
        raise TaoNetError(f"{path} exists; choose another name or overwrite=True")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        hdus = _WRITERS[layout](sequence)
        with replacing(path) as temporary:
            hdus.writeto(temporary, overwrite=True)
    return path


def _object_header(sequence: ImageSequence) -> fits.Header:
    """Return the keywords of the object as the release spells them."""
    meta, header = sequence.meta, fits.Header()
    header["CRTS_ID"] = card_text(sequence.object_id)
    for key, keyword in (("ra", "HIERARCH RA_(J2000)"), ("dec", "HIERARCH DEC_(J2000)")):
        if meta.get(key) is not None:
            header[keyword] = float(meta[key])
    header["N_IMAGES"] = len(sequence)
    for key, (keyword, comment) in _KEYWORDS.items():
        value = meta.get(key)
        if value is not None:
            header[keyword] = (
                card_text(value) if isinstance(value, str) else float(value),
                comment,
            )
    for keyword, value in (("CLASS", meta.get("label")), ("CLASSTXT", meta.get("class_text"))):
        if value:
            header[keyword] = card_text(value)
    if meta.get("simulated"):
        header["SIMULATD"] = (True, "not an observation")
    return header


def _deep_tao(sequence: ImageSequence) -> fits.HDUList:
    if sequence.reference is not None or sequence.difference is not None:
        raise ValueError("layout 'deep-tao' has no references or differences; use 'mef'")
    if sequence.meta.get("time_kind") == "index":
        raise ValueError("layout 'deep-tao' needs times; use 'mef'")
    header = _object_header(sequence)
    table = fits.BinTableHDU.from_columns(_table_columns(sequence), header=header)
    primary = fits.PrimaryHDU()
    if sequence.meta.get("simulated"):
        primary.header["SIMULATD"] = (True, "not an observation")
    stack = _integers(sequence.frames)
    return fits.HDUList([primary, table, *(fits.ImageHDU(plane, header) for plane in stack)])


def _table_columns(sequence: ImageSequence) -> list[fits.Column]:
    """Return the release's columns, and a filter where the frames have one."""
    count, given = len(sequence), {k: v.astype(str) for k, v in sequence.columns.items()}
    dates = given.get("date", np.array([calendar_text(t) for t in sequence.times]))
    dates = np.array([card_text(date) for date in dates], dtype=np.str_)
    blank = np.full(count, "")
    turns = given.get("obs_in_seq", np.array([f"{k + 1:04}" for k in _place_in(dates)]))
    columns = [
        fits.Column("HDU_Ext", "K", array=np.arange(2, count + 2)),
        fits.Column("Set_Number", "2A", array=np.full(count, "01")),
        fits.Column("Date", "7A", array=dates),
        fits.Column("MJD", "D", array=sequence.times),
    ]
    texts = {
        "Field_ID": given.get("field_id", blank),
        "Obs_In_Seq": turns,
        "Cutout": given.get("cutout", blank),
        "FILTER": sequence.bands,
    }
    for name, values in texts.items():
        width = {"Field_ID": 6, "Obs_In_Seq": 4, "Cutout": 4}.get(name, 1)
        printed = np.array([card_text(value) for value in values], dtype=np.str_)
        width = max(width, printed.dtype.itemsize // 4)
        columns.append(fits.Column(name, f"{width}A", array=printed))
    return columns


def _place_in(dates: NDArray[np.str_]) -> list[int]:
    """Return how many frames of the same date come before each frame."""
    seen: dict[str, int] = {}
    places = []
    for date in dates.tolist():
        places.append(seen.get(date, 0))
        seen[date] = places[-1] + 1
    return places


def _integers(frames: NDArray[np.float32]) -> NDArray[Any]:
    """Return 16-bit unsigned pixels where that loses nothing."""
    whole = bool(np.isfinite(frames).all()) and bool(
        (frames == np.rint(frames)).all() and frames.min() >= 0 and frames.max() <= 65_535
    )
    return frames.astype(np.uint16) if whole else frames


def _mef(sequence: ImageSequence) -> fits.HDUList:
    primary = fits.PrimaryHDU(header=_object_header(sequence))
    wcs = sequence.wcs.to_header(relax=True) if sequence.wcs is not None else fits.Header()
    stacks = {"SCI": sequence.frames, "REF": sequence.reference, "DIFF": sequence.difference}
    hdus: list[Any] = [primary]
    for i, (time, band) in enumerate(zip(sequence.times, sequence.bands, strict=True)):
        for name, stack in stacks.items():
            if stack is None:
                continue
            hdu = fits.ImageHDU(stack[i], header=wcs.copy(), name=name, ver=i + 1)
            hdu.header.update(_frame_header(sequence, i, float(time), str(band)))
            hdus.append(hdu)
    return fits.HDUList(hdus)


def _frame_header(sequence: ImageSequence, index: int, time: float, band: str) -> dict[str, Any]:
    header: dict[str, Any] = {}
    if sequence.meta.get("time_kind") != "index":
        header["MJD-OBS"] = time
    if band:
        header["FILTER"] = card_text(band)
    exposure = sequence.columns.get("exposure")
    if exposure is not None and math.isfinite(exposure[index]):
        header["EXPTIME"] = float(exposure[index])
    return header


_WRITERS: dict[str, Callable[[ImageSequence], fits.HDUList]] = {
    "deep-tao": _deep_tao,
    "mef": _mef,
}
