"""Columns of a table as numbers of a unit, as text, as dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.fits_headers import parse_angle
from taonet_core.errors import InvalidSequenceError

_MJD_EPOCH = np.datetime64("1858-11-17T00:00:00", "us")
_DAY = np.timedelta64(86_400_000_000, "us")
#: Days beyond count as Julian dates: MJD 2,000,000 would be the year 7334.
_LEAST_JD = 2e6


@dataclass(frozen=True)
class Clock:
    """How a column writes times.

    Attributes
    ----------
    title : str
        Words on screen.
    offset : float
        Days to add to get an MJD.
    """

    title: str
    offset: float = 0.0


#: What a column of times may hold; ``"auto"`` tells MJD, JD and dates apart by their values, and
#: `clock_of` knows Julian dates less any other number, too.
CLOCKS: Mapping[str, Clock] = {
    "mjd": Clock("MJD"),
    "jd": Clock("JD, HJD or BJD", -2_400_000.5),
    "jd-2400000": Clock("JD − 2,400,000", -0.5),
    "jd-2450000": Clock("JD − 2,450,000", 49_999.5),
    "jd-2457000": Clock("BJD − 2,457,000 (TESS)", 56_999.5),
    "date": Clock("date and time (ISO 8601)"),
}


def clock_of(key: str) -> Clock:
    """Return how a column writes times: a key of `CLOCKS`, or such as ``"jd-2454833"`` (Kepler).

    Raises
    ------
    KeyError
        If it is neither.
    """
    days = key.removeprefix("jd-")
    if key in CLOCKS or days == key:
        return CLOCKS[key]
    taken = float(days)
    return Clock(f"JD − {taken:,.10g}", taken - 2_400_000.5)


@np.errstate(invalid="ignore")  # some files hold NaNs that signal when they are cast
def numbers(column: Any, unit: str | None, name: str) -> NDArray[np.float64]:
    """Turn a column into numbers, NaN where there is none.

    Parameters
    ----------
    column : column of pandas or astropy
        Text such as ``">19.5"`` is read without its sign (see `is_limit`).
    unit : str or None
        Wanted, where the column has one; None leaves the numbers as they are.
    name : str
        Of the file, for messages.

    Raises
    ------
    InvalidSequenceError
        If the column's unit cannot be turned into the one wanted.
    """
    import astropy.units as u

    if isinstance(column, u.Quantity):
        filled = column.filled(np.nan * column.unit) if hasattr(column, "filled") else column
        values = np.asarray(filled.value, dtype=np.float64)
    elif not isinstance(column, pd.Series) and np.asarray(column).dtype.kind in "iufb":
        values = np.asarray(np.ma.array(column, dtype=np.float64).filled(np.nan))
    else:
        series = pd.Series(column)
        if series.dtype.kind not in "iufb":
            series = series.astype("str").str.lstrip(" <>≤≥")
        values = pd.to_numeric(series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    found = getattr(column, "unit", None)
    plain = isinstance(found, u.LogUnit | u.UnrecognizedUnit)
    if found is None or unit is None or plain or found == u.dimensionless_unscaled:
        return values
    try:
        return np.asarray((values * found).to_value(unit), dtype=np.float64)
    except (u.UnitConversionError, TypeError) as error:
        raise InvalidSequenceError(
            f"{name}: column {column.name!r} is in {found}, wanted {unit}; convert it first"
        ) from error


def degrees(column: Any, name: str, *, hours: bool) -> NDArray[np.float64]:
    """Turn a column of coordinates into degrees, NaN where there is none.

    Parameters
    ----------
    column : column of pandas or astropy
        Degrees, or sexagesimal text.
    name : str
        Of the file, for messages.
    hours : bool
        Whether sexagesimal text counts hours.
    """
    values = numbers(column, "deg", name)
    if np.isfinite(values).any():
        return values
    found = [parse_angle(text, hours=hours) for text in texts(column).tolist()]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def is_limit(column: Any) -> NDArray[np.bool_]:
    """Return where a value is written as a limit, such as ``">19.5"`` or ``"<14.2"``."""
    series = column if isinstance(column, pd.Series) else pd.Series(np.ma.filled(column, 0))
    if series.dtype.kind in "iufbM":
        return np.zeros(len(series), dtype=bool)
    return series.astype("str").str.strip().str.startswith(("<", ">", "≤", "≥")).to_numpy(bool)


def is_true(column: Any) -> NDArray[np.bool_]:
    """Return where a flag is set, however it is written."""
    return np.isin(np.char.lower(texts(column)), ("true", "1", "1.0", "t", "yes", "y"))


def texts(column: Any) -> NDArray[np.str_]:
    """Turn a column into strings, empty where there is nothing."""
    values = column if isinstance(column, pd.Series) else pd.Series(np.ma.filled(column, ""))
    pairs = zip(values.tolist(), values.isna(), strict=True)
    return np.array(["" if missing else _text(value) for value, missing in pairs], dtype=str)


def mjd(column: Any, clock: str, name: str) -> NDArray[np.float64]:
    """Turn a column of times into MJD, NaN where there is none.

    Parameters
    ----------
    column : column of pandas or astropy
    clock : str
        As for `clock_of`, or ``"auto"``.
    name : str
        Of the file, for messages.

    Notes
    -----
    Heliocentric and barycentric dates are kept as they are: they differ from the observer's by
    8.4 minutes at most.
    """
    from astropy.time import Time

    if isinstance(column, Time):
        return np.asarray(column.mjd, dtype=np.float64)
    if clock == "date":
        return _dates(column)
    values = numbers(column, "day", name)
    if clock != "auto":
        return values + clock_of(clock).offset
    if not np.isfinite(values).any():
        return _dates(column)
    return np.where(values > _LEAST_JD, values + CLOCKS["jd"].offset, values)


def _dates(column: Any) -> NDArray[np.float64]:
    """Read dates and times, UTC where they name no zone."""
    dates = pd.to_datetime(pd.Series(texts(column)), errors="coerce", utc=True, format="ISO8601")
    stamps = dates.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(stamps), np.nan, (stamps - _MJD_EPOCH) / _DAY)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()
