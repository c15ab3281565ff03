"""Light curves from tables of magnitudes or fluxes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from taonet_core import sandbox
from taonet_core.data.column_fits import FLAGGED
from taonet_core.data.column_mapping import ColumnMapping, map_by_name, zero_point_of
from taonet_core.data.column_values import degrees, is_limit, is_true, mjd, numbers, texts
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sources import name_of
from taonet_core.data.table_files import content_of, read_columns
from taonet_core.errors import InvalidSequenceError
from taonet_core.labels import TransientClass

#: ZTF numbers its filters.
_FILTERS = {"1": "g", "2": "r", "3": "i"}
#: Epochs outside are flags for "no date": MJD 200000 is the year 2406.
_MJD_RANGE = (0.0, 200_000.0)
#: Most curves that travel in one message.
_TOGETHER = 1000
#: As `PhotometryConfig`: flux over error of a detection, and of a limit.
_SIGMA = 3.0
_POGSON = 2.5 / np.log(10)
#: Columns of a light curve that not every table has -> what they are called here.
_FIELDS = {"flux": "flux", "flux_err": "flux_err", "limit": "limit", "bands": "band"}
_ENDINGS = (
    ".gz", ".bz2", ".xz", ".csv", ".tsv", ".txt", ".dat", ".ecsv", ".parquet", ".vot", ".xml",
    ".fits", ".fit",
)  # fmt: skip


def read_light_curves(
    source: Any, mapping: ColumnMapping | None = None, *, trusted: bool = False
) -> dict[str, LightCurve]:
    """Read the light curves of a table, one row a measurement.

    Parameters
    ----------
    source : path, bytes or open binary file
        CSV, ECSV, Parquet, VOTable or FITS with columns for time, magnitude and its error, or
        flux and its error, and optionally the object, filter, limiting magnitude, class (one of
        the six names counts; other words are kept as ``class_text``) and position. Without a
        column for the object the table is one curve, named after the file. Units are honoured
        where the file has them, else days and magnitudes are taken for granted.
    mapping : ColumnMapping, optional
        Which column is which. By default they are told by their names (see `column_roles`), and
        Julian dates, MJD and dates by their values.
    trusted : bool
        Read in this process, not by a worker under limits (`taonet_core.sandbox`).

    Returns
    -------
    dict of str to LightCurve
        Object id -> its curve in time order, in the order of the table. Flags such as 99 are
        read as "no magnitude", and fluxes below 3 sigma as limits; ``meta["dropped"]`` says how
        many rows had no date.

    Raises
    ------
    UnreadableFileError
        If it is no table, damaged, or too large.
    InvalidSequenceError
        If a column is missing, a unit makes no sense, or there is no row.
    """
    name = name_of(source)
    if trusted:
        return _curves(source, name, mapping)
    found: dict[str, LightCurve] = {}
    for part in sandbox.run("curves", content_of(source, name), name, mapping=mapping):
        if isinstance(part, sandbox.Lost):
            raise part.error
        found |= part
    return found


def curves_here(
    file: BinaryIO, name: str, *, mapping: ColumnMapping | None, **_: object
) -> Iterator[dict[str, LightCurve]]:
    """Do in a worker what `read_light_curves` asks for, some curves at a time."""
    found = iter(_curves(file, name, mapping).items())
    while part := dict(islice(found, _TOGETHER)):
        yield part


def _curves(source: Any, name: str, mapping: ColumnMapping | None) -> dict[str, LightCurve]:
    known = mapping

    def choose(names: list[str]) -> dict[str, str]:
        nonlocal known
        known = known or map_by_name(names, "curves")
        return _checked(known, names, name, strict=mapping is None)

    columns = read_columns(source, name, choose)
    assert known is not None  # set while the columns were read
    values = _values(columns, known, name)
    if not len(values["time"]):
        raise InvalidSequenceError(f"{name}: the table has no rows; nothing to classify")
    ids = texts(columns["object_id"]) if "object_id" in columns else None
    return _split(values, ids, name)


def _checked(
    mapping: ColumnMapping, names: list[str], name: str, *, strict: bool
) -> dict[str, str]:
    """Refuse a mapping that lacks what is needed, or names columns that are not there."""
    found = ", ".join(map(str, names[:30])) or "none"
    lost = [column for column in mapping.columns.values() if column not in names]
    if lost:
        raise InvalidSequenceError(f"{name}: there is no column {lost[0]!r}; choose among: {found}")
    columns = dict(mapping.columns)
    brightness = "flux" if "flux" in columns else "mag"
    wanted = ["time", brightness, f"{brightness}_err"] if strict else ["time", brightness]
    missing = [key.replace("time", "mjd") for key in wanted if key not in columns]
    if missing:
        raise InvalidSequenceError(
            f"{name}: a light-curve table needs columns mjd, mag and mag_err (or flux and "
            f"flux_err); {_and(missing)} {'is' if len(missing) == 1 else 'are'} missing. Columns "
            f"there are: {found}; rename them to object_id, mjd, mag and mag_err, or choose them "
            "on the page Upload"
        )
    return columns


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _values(columns: dict[str, Any], mapping: ColumnMapping, name: str) -> dict[str, NDArray[Any]]:
    """Columns as arrays in days and magnitudes, NaN where there is nothing."""
    values: dict[str, NDArray[Any]] = {"time": mjd(columns["time"], mapping.clock, name)}
    values["mag_err"] = np.full(len(values["time"]), np.nan)  # unknown, unless a column tells it
    for key in ("mag", "mag_err", "limit", "zero_point"):
        if key in columns:
            number = numbers(columns[key], "mag", name)
            values[key] = np.where(np.abs(number) < FLAGGED, number, np.nan)
    if "flux" in columns:
        values |= _from_flux(columns, values, mapping, name)
    else:
        limit = is_limit(columns["mag"])
        if "is_limit" in columns:
            limit |= is_true(columns["is_limit"])
        deep = values.get("limit", np.full(len(limit), np.nan))
        if limit.any() or "limit" in values:
            values["limit"] = np.where(limit, values["mag"], deep)
        values["mag"] = np.where(limit, np.nan, values["mag"])
    for key in ("band", "label"):
        if key in columns:
            values[key] = texts(columns[key])
    if "band" in values:
        values["band"] = np.array([_FILTERS.get(b, b) for b in values["band"].tolist()], dtype=str)
    for key in ("ra", "dec"):
        if key in columns:
            values[key] = degrees(columns[key], name, hours=key == "ra")
    return values


def _from_flux(
    columns: dict[str, Any], values: dict[str, NDArray[Any]], mapping: ColumnMapping, name: str
) -> dict[str, NDArray[Any]]:
    """Fluxes at one zero point, their magnitudes where they stand out, limits elsewhere."""
    flux, own = numbers(columns["flux"], None, name), values.get("zero_point")
    err = numbers(columns["flux_err"], None, name) if "flux_err" in columns else flux * np.nan
    unit = getattr(columns["flux"], "unit", None)
    given = mapping.zero_point
    if given is None:
        given = zero_point_of(mapping.columns["flux"], str(unit or ""))
    if own is None and given is None:
        raise InvalidSequenceError(
            f"{name}: fluxes need a zero point, the magnitude of a flux of 1; name the unit (Jy, "
            "mJy, uJy, nJy), add a column zp, or give the number"
        )
    points = np.full(len(flux), given, dtype=np.float64) if own is None else own
    zero_point = float(next(iter(points[np.isfinite(points)]), np.nan))
    factor = 10 ** (0.4 * (zero_point - points))
    flux, err = flux * factor, err * factor
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = (flux > 0) & ~(flux < _SIGMA * err)
        mag = np.where(seen, zero_point - 2.5 * np.log10(flux), np.nan)
        mag_err = np.where(seen, _POGSON * err / flux, np.nan)
        limit = zero_point - 2.5 * np.log10(_SIGMA * err)
    zero = np.full(len(flux), zero_point)
    found = {"flux": flux, "flux_err": err, "mag": mag, "mag_err": mag_err, "zero_point": zero}
    return found | ({} if "limit" in values else {"limit": limit})


def _split(
    values: dict[str, NDArray[Any]], ids: NDArray[np.str_] | None, name: str
) -> dict[str, LightCurve]:
    import pandas as pd

    if ids is None:
        ids = np.full(len(values["time"]), _stem(name))
    codes, objects = pd.factorize(ids)
    order = np.lexsort((values["time"], codes))
    ends = np.cumsum(np.bincount(codes))
    rows = np.split(order, ends[:-1])
    return {
        str(oid): _curve(str(oid), {key: column[chosen] for key, column in values.items()}, name)
        for oid, chosen in zip(objects, rows, strict=True)
    }


def _stem(name: str) -> str:
    stem = Path(name).name
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    return stem


def _curve(object_id: str, values: dict[str, NDArray[Any]], name: str) -> LightCurve:
    low, high = _MJD_RANGE
    dated = (values["time"] > low) & (values["time"] < high)
    meta: dict[str, Any] = {"object_id": object_id, "source": name}
    if not dated.all():
        lost = int((~dated).sum())
        meta["dropped"] = [f"{lost} row{'s' * (lost > 1)} without a date"]
    label = next((text for text in values.get("label", ()) if text), "")
    if label in set(TransientClass):  # other words, such as QSO, mean other things elsewhere
        meta["label"] = str(label)
    elif label:
        meta["class_text"] = str(label)
    if "flux" in values:
        meta |= {"zero_point": float(values["zero_point"][0]), "limit_sigma": _SIGMA}
    if not np.isfinite(values["mag_err"]).any():
        meta["notes"] = ["the errors of the light curve are not known"]
    for key in ("ra", "dec"):
        place = values.get(key, np.array([]))
        place = place[np.isfinite(place)]
        if len(place):
            meta[key] = float(place[0])
    optional: dict[str, Any] = {
        field: values[key][dated] for field, key in _FIELDS.items() if key in values
    }
    times, mag, mag_err = (values[key][dated] for key in ("time", "mag", "mag_err"))
    return LightCurve(times, mag, mag_err, meta=meta, **optional)
