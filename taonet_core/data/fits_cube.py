"""Which axis of a cube is time, and what times and filters its planes have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_headers import (
    ALIASES,
    clean,
    is_believed_mjd,
    number,
    spellings,
    time_of,
)
from taonet_core.data.fits_scan import Header
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.flags import Flag, Note

#: Starts of CTYPE of axes that are certainly not time.
NOT_TIME = (
    *("FREQ", "WAVE", "AWAV", "WAVN", "VELO", "VRAD", "VOPT", "ZOPT", "BETA", "ENER", "STOKES"),
    *("RGB", "COLOR", "COLOUR"),
)
#: CTYPE of time axes -> days to add to make MJD.
_TIME_AXES = {"TIME": 0.0, "MJD": 0.0, "JD": -2_400_000.5, "UTC": 0.0}
_SECONDS = ("S", "SEC", "SECOND", "SECONDS")


def time_axis(header: Header, *, compressed: bool) -> int:
    """Return the FITS number of the first long axis beyond the image plane."""
    prefix = "ZNAXIS" if compressed else "NAXIS"
    long = [i for i in range(3, 9) if (number(header.get(f"{prefix}{i}")) or 1) > 1]
    return long[0] if long else 3


def refuse_other_axes(header: Header, axis: int, count: int, where: str) -> None:
    """Refuse cubes whose third axis is certainly not time.

    Parameters
    ----------
    header : dict
        Of the cube.
    axis : int
        FITS number of the third axis that is longer than 1.
    count : int
        Its length.
    where : str
        For the message.

    Raises
    ------
    InvalidSequenceError
        If the header names another axis, or three planes of 8 bits say nothing of time.
    """
    name = clean(header.get(f"CTYPE{axis}") or "").upper()
    what = f"is {name}" if name.startswith(NOT_TIME) else ""
    if not name and count == 3 and header.get("ZBITPIX", header.get("BITPIX")) == 8:
        what = "has three planes of 8 bits, a colour picture"
    if what:
        raise InvalidSequenceError(
            f"{where}: axis {axis} of the cube {what}, not time; choose a cube of exposures",
            code=Code.AXIS,
        )


def cube_times(
    tables: Mapping[int, Mapping[str, NDArray[Any]]], header: Header, axis: int, count: int
) -> tuple[NDArray[np.float64] | None, NDArray[Any] | None, str]:
    """Find the times of the planes of a cube.

    Parameters
    ----------
    tables : mapping
        HDU number -> columns of the tables with as many rows as the cube has planes.
    header : dict
        Of the cube.
    axis : int
        FITS number of the time axis.
    count : int
        Number of planes.

    Returns
    -------
    ndarray, shape (count,), float64, or None
        MJD.
    ndarray, shape (count,), or None
        Filter of every plane.
    str
        Where the times come from, a note.
    """
    read = f"axis {axis} of the cube was read as time"
    for index, table in tables.items():
        columns = spellings(table)
        times = _column_times(columns)
        if times is not None:
            bands = next((columns[key] for key in ALIASES["band"] if key in columns), None)
            return times, bands, f"{read}; its times are those of the table in HDU {index}"
    name = clean(header.get(f"CTYPE{axis}") or "").upper().partition("-")[0]
    step, value = (number(header.get(f"{key}{axis}")) for key in ("CDELT", "CRVAL"))
    if name not in _TIME_AXES:
        text = f"{read}, which nothing in the file says; it has no times"
        return None, None, Note(text, Flag.AXIS_ASSUMED)
    if value is None or not step:
        return None, None, f"{read}; it has no times"
    unit = str(header.get(f"CUNIT{axis}") or "d").strip().upper()
    whole, part = (number(header.get(key)) or 0.0 for key in ("MJDREFI", "MJDREFF"))
    start = (number(header.get("MJDREF")) or whole + part) + _TIME_AXES[name]
    plane = np.arange(1, count + 1) - (number(header.get(f"CRPIX{axis}")) or 1.0)
    days = (value + step * plane) / (86_400 if unit in _SECONDS else 1)
    times = start + days
    if not all(map(is_believed_mjd, times.tolist())):
        text = f"{read}; its times, from MJD {times[0]:.6g}, are outside 1900-2100 and left out"
        return None, None, Note(text, Flag.TIMES_IMPOSSIBLE)
    return times, None, f"{read}; its times are those of the WCS"


def _column_times(columns: dict[str, Any]) -> NDArray[np.float64] | None:
    """Return MJD of every row of a table by the alias table, or None."""
    keys = [k for meaning in ("mjd", "jd", "date") for k in ALIASES[meaning] if k in columns]
    if not keys:
        return None
    times = [time_of({keys[0]: value})[0] for value in columns[keys[0]].tolist()]
    return np.array([np.nan if t is None else t for t in times])
