"""Which axis of a cube is time, and what times and filters its planes have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_headers import ALIASES, clean, number, spellings, time_of
from taonet_core.data.fits_scan import Header

#: Starts of CTYPE of axes that are certainly not time.
NOT_TIME = ("FREQ", "WAVE", "AWAV", "VELO", "VRAD", "VOPT", "ZOPT", "BETA", "ENER", "STOKES", "RGB")
#: CTYPE of time axes -> days to add to make MJD.
_TIME_AXES = {"TIME": 0.0, "MJD": 0.0, "JD": -2_400_000.5, "UTC": 0.0}
_SECONDS = ("S", "SEC", "SECOND", "SECONDS")


def time_axis(header: Header, *, compressed: bool) -> tuple[int, str]:
    """Return the FITS number and CTYPE of the first long axis beyond the image plane."""
    prefix = "ZNAXIS" if compressed else "NAXIS"
    long = [i for i in range(3, 9) if (number(header.get(f"{prefix}{i}")) or 1) > 1]
    axis = long[0] if long else 3
    return axis, clean(header.get(f"CTYPE{axis}") or "").upper()


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
        Where the times come from.
    """
    for index, table in tables.items():
        columns = spellings(table)
        times = _column_times(columns)
        if times is not None:
            bands = next((columns[key] for key in ALIASES["band"] if key in columns), None)
            return times, bands, f"its times are those of the table in HDU {index}"
    name = clean(header.get(f"CTYPE{axis}") or "").upper().partition("-")[0]
    step, value = (number(header.get(f"{key}{axis}")) for key in ("CDELT", "CRVAL"))
    if name not in _TIME_AXES or value is None or not step:
        return None, None, "it has no times"
    unit = str(header.get(f"CUNIT{axis}") or "d").strip().upper()
    whole, part = (number(header.get(key)) or 0.0 for key in ("MJDREFI", "MJDREFF"))
    start = (number(header.get("MJDREF")) or whole + part) + _TIME_AXES[name]
    plane = np.arange(1, count + 1) - (number(header.get(f"CRPIX{axis}")) or 1.0)
    days = (value + step * plane) / (86_400 if unit in _SECONDS else 1)
    return start + days, None, "its times are those of the WCS"


def _column_times(columns: dict[str, Any]) -> NDArray[np.float64] | None:
    """Return MJD of every row of a table by the alias table, or None."""
    keys = [k for meaning in ("mjd", "jd", "date") for k in ALIASES[meaning] if k in columns]
    if not keys:
        return None
    times = [time_of({keys[0]: value})[0] for value in columns[keys[0]].tolist()]
    return np.array([np.nan if t is None else t for t in times])
