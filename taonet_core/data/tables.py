"""Light curves from tables of magnitudes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sources import name_of
from taonet_core.data.table_files import read_columns
from taonet_core.errors import InvalidSequenceError
from taonet_core.labels import TransientClass

#: Spellings of each column, in order of preference; case and punctuation do not count.
COLUMN_ALIASES: dict[str, tuple[str, ...]] = {
    "object_id": ("objectid", "oid", "diaobjectid", "sourceid", "crtsid", "object", "id", "name"),
    "mjd": ("mjd", "mjdobs", "obsmjd", "jd", "jdobs", "obsjd", "hjd", "bjd", "time"),
    "mag": ("mag", "magnitude", "magpsf", "psfmag", "magauto", "vmag"),
    "mag_err": (
        "magerr", "magerror", "emag", "errmag", "sigmapsf", "sigmag", "magnitudeerr",
        "magnitudeerror", "emagnitude", "evmag", "psfmagerr", "err", "error", "sigma",
    ),
    "band": ("band", "filter", "fid", "filt", "passband", "filtercode"),
    "limit": ("limit", "diffmaglim", "maglim", "limmag", "limitingmag"),
    "is_limit": ("upperlimit", "islimit", "isupperlimit"),
    "label": ("label", "class", "classname", "taoclass"),
    "ra": ("ra", "raj2000", "radeg", "meanra"),
    "dec": ("dec", "dej2000", "decj2000", "decdeg", "decl", "meandec"),
}  # fmt: skip
#: ZTF numbers its filters.
_FILTERS = {"1": "g", "2": "r", "3": "i"}
_JD_OF_MJD_0 = 2_400_000.5
#: Epochs outside are flags for "no date": MJD 200000 is the year 2406.
_MJD_RANGE = (0.0, 200_000.0)
#: Magnitudes beyond are flags for "no magnitude": 99, -999 and the like.
_MAG_LIMIT = 90.0


def read_light_curves(source: Any) -> dict[str, LightCurve]:
    """Read the light curves of a table, one row a measurement.

    Parameters
    ----------
    source : path, bytes or open binary file
        CSV, ECSV, Parquet or VOTable with columns for time, magnitude and its error (see
        `COLUMN_ALIASES`), and optionally the object, filter, limiting magnitude, class (one of
        the six names; other words are passed over) and position. Without a column for the object
        the table is one curve, named after the file. Units are honoured where the file has them,
        else days and magnitudes are taken for granted; a Julian date is told from an MJD by its
        size.

    Returns
    -------
    dict of str to LightCurve
        Object id -> its curve in time order, in the order of the table. Flags such as 99 are
        read as "no magnitude"; ``meta["dropped"]`` says how many rows had no date.

    Raises
    ------
    UnreadableFileError
        If it is no table, damaged, or too large.
    InvalidSequenceError
        If a column is missing, a unit makes no sense, or there is no row.
    """
    name = name_of(source)
    columns = read_columns(source, lambda names: _choose(names, name))
    values = _values(columns, name)
    if not len(values["mjd"]):
        raise InvalidSequenceError(f"{name}: the table has no rows; nothing to classify")
    ids = _texts(columns["object_id"]) if "object_id" in columns else None
    return _split(values, ids, name)


def _choose(names: list[str], name: str) -> dict[str, str]:
    """Match the columns there are with those wanted: canonical name -> column name."""
    plain = {re.sub(r"[^a-z0-9]", "", str(n).lower()): n for n in reversed(names)}
    chosen = {
        key: next(plain[alias] for alias in aliases if alias in plain)
        for key, aliases in COLUMN_ALIASES.items()
        if any(alias in plain for alias in aliases)
    }
    missing = [key for key in ("mjd", "mag", "mag_err") if key not in chosen]
    if missing:
        found = ", ".join(map(str, names[:30])) or "none"
        raise InvalidSequenceError(
            f"{name}: a light-curve table needs columns mjd, mag and mag_err; {_and(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Columns there are: {found}"
        )
    return chosen


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _values(columns: dict[str, Any], name: str) -> dict[str, NDArray[Any]]:
    """Columns as arrays in days and magnitudes, NaN where there is nothing."""
    mjd = _floats(columns["mjd"], "day", name)
    values: dict[str, NDArray[Any]] = {"mjd": np.where(mjd > 2e6, mjd - _JD_OF_MJD_0, mjd)}
    for key in ("mag", "mag_err", "limit"):
        if key in columns:
            number = _floats(columns[key], "mag", name)
            values[key] = np.where(np.abs(number) < _MAG_LIMIT, number, np.nan)
    if "is_limit" in columns:
        limits = np.char.lower(_texts(columns["is_limit"])).astype(str)
        is_limit = np.isin(limits, ("true", "1", "1.0", "t", "yes"))
        deep = values.get("limit", np.full(len(mjd), np.nan))
        values["limit"] = np.where(is_limit, values["mag"], deep)
        values["mag"] = np.where(is_limit, np.nan, values["mag"])
    if "band" in columns:
        bands = _texts(columns["band"])
        values["band"] = np.array([_FILTERS.get(b, b) for b in bands.tolist()], dtype=str)
    if "label" in columns:
        values["label"] = _texts(columns["label"])
    for key in ("ra", "dec"):
        if key in columns:
            values[key] = _floats(columns[key], "deg", name)
    return values


def _floats(column: Any, unit: str, name: str) -> NDArray[np.float64]:
    """Turn a column into numbers of a unit, NaN where there is none."""
    import astropy.units as u
    import pandas as pd
    from astropy.time import Time

    if isinstance(column, Time):
        return np.asarray(column.mjd, dtype=np.float64)
    if isinstance(column, u.Quantity):
        filled = column.filled(np.nan * column.unit) if hasattr(column, "filled") else column
        numbers = np.asarray(filled.value, dtype=np.float64)
    elif not isinstance(column, pd.Series) and np.asarray(column).dtype.kind in "iufb":
        numbers = np.asarray(np.ma.array(column, dtype=np.float64).filled(np.nan))
    else:
        numbers = pd.to_numeric(pd.Series(column), errors="coerce").to_numpy(
            np.float64, na_value=np.nan
        )
    found = getattr(column, "unit", None)
    if found is None or isinstance(found, u.LogUnit) or found == u.dimensionless_unscaled:
        return numbers
    try:
        return np.asarray((numbers * found).to_value(unit), dtype=np.float64)
    except (u.UnitConversionError, TypeError) as error:
        raise InvalidSequenceError(
            f"{name}: column {column.name!r} is in {found}, wanted {unit}; convert it first"
        ) from error


def _texts(column: Any) -> NDArray[np.str_]:
    """Turn a column into strings, empty where there is nothing."""
    import pandas as pd

    values = column if isinstance(column, pd.Series) else pd.Series(np.ma.filled(column, ""))
    texts = values.map(_text, na_action="ignore").fillna("")
    return texts.to_numpy(dtype=str)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()


def _split(
    values: dict[str, NDArray[Any]], ids: NDArray[np.str_] | None, name: str
) -> dict[str, LightCurve]:
    import pandas as pd

    if ids is None:
        ids = np.full(len(values["mjd"]), _stem(name))
    codes, objects = pd.factorize(ids)
    order = np.lexsort((values["mjd"], codes))
    ends = np.cumsum(np.bincount(codes))
    rows = np.split(order, ends[:-1])
    return {
        str(oid): _curve(str(oid), {key: column[chosen] for key, column in values.items()}, name)
        for oid, chosen in zip(objects, rows, strict=True)
    }


def _stem(name: str) -> str:
    stem = Path(name).name
    for ending in (".gz", ".bz2", ".xz", ".csv", ".txt", ".ecsv", ".parquet", ".vot", ".xml"):
        stem = stem.removesuffix(ending)
    return stem


def _curve(object_id: str, values: dict[str, NDArray[Any]], name: str) -> LightCurve:
    low, high = _MJD_RANGE
    dated = (values["mjd"] > low) & (values["mjd"] < high)
    meta: dict[str, Any] = {"object_id": object_id, "source": name}
    if not dated.all():
        lost = int((~dated).sum())
        meta["dropped"] = [f"{lost} row{'s' * (lost > 1)} without a date"]
    label = next((text for text in values.get("label", ()) if text), "")
    if label in set(TransientClass):  # other words, such as QSO, mean other things elsewhere
        meta["label"] = str(label)
    for key in ("ra", "dec"):
        place = values.get(key, np.array([]))
        place = place[np.isfinite(place)]
        if len(place):
            meta[key] = float(place[0])
    optional: dict[str, Any] = {
        field: values[key][dated]
        for field, key in (("limit", "limit"), ("bands", "band"))
        if key in values
    }
    times, mag, mag_err = (values[key][dated] for key in ("mjd", "mag", "mag_err"))
    return LightCurve(times, mag, mag_err, meta=meta, **optional)
