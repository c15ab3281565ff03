"""The photometric history that an alert brings along, as a light curve."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from taonet_core import sandbox
from taonet_core.data.alerts import NANOJANSKY_ZERO_POINT, facts_of, records
from taonet_core.data.fits_headers import band_of, describe, number, spellings, time_of
from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import Code, UnreadableFileError

#: Most past detections of an alert; those with the longest history have some hundred.
MAX_POINTS = 20_000
#: What "detected" means in alerts, sigma.
_LIMIT_SIGMA = 5.0
_POSITIVE = {"t", "1", "true", "1.0"}
_COLUMNS = ("mag", "mag_err", "limit", "flux", "flux_err")

Point = tuple[float, str, dict[str, float | None]]


def alert_light_curve(data: bytes, name: str, *, trusted: bool = False) -> LightCurve | None:
    """Return the history of the one object of an Avro file, its alerts included.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.
    trusted : bool
        Read in this process, not by a worker under limits (`taonet_core.sandbox`).

    Returns
    -------
    LightCurve or None
        Brightness on difference images: detections where the source is brighter than the
        reference, limits elsewhere; each time and filter once. None where the file holds several
        objects, or no time at all.

    Raises
    ------
    UnreadableFileError
        As `taonet_core.data.alerts.read_alerts`.
    """
    if trusted:
        return _history(data, name)
    curve: LightCurve | None = sandbox.ask("history", data, name)
    return curve


def history_here(file: BinaryIO, name: str, **_: object) -> Iterator[LightCurve | None]:
    """Do in a worker what `alert_light_curve` asks for."""
    yield _history(file.read(), name)


def _history(data: bytes, name: str) -> LightCurve | None:
    points: dict[tuple[float, str], Point] = {}
    meta: dict[str, Any] = {}
    notes: list[str] = []
    for schema, record in records(data, name):
        facts = facts_of(schema, record)
        mine, doubts = describe(facts)
        if meta and meta.get("object_id") != mine.get("object_id"):
            return None
        meta = mine
        ztf = schema.survey == "ZTF"
        past = record.get("prv_candidates" if ztf else "prvDiaSources") or ()
        if len(past) > MAX_POINTS:
            raise UnreadableFileError(
                f"{name}: an alert with {len(past):,} past detections, at most {MAX_POINTS:,} are "
                "read",
                code=Code.SIZE,
            )
        now = record["candidate" if ztf else "diaSource"]
        for source in filter(None, (*past, now)):
            time, said = time_of(spellings(_when(source)))
            notes += [*doubts, *said]
            band = _band(source)
            if time is not None:
                measured = _ztf_point(source) if ztf else _lsst_point(source)
                points[time, band] = time, band, measured
    if not points:
        return None
    meta |= {"limit_sigma": _LIMIT_SIGMA, "source": name, "system": "AB, difference images"}
    meta["notes"] = list(dict.fromkeys(notes))
    return _curve(sorted(points.values(), key=lambda point: point[:2]), meta)


def _curve(points: list[Point], meta: Mapping[str, Any]) -> LightCurve:
    columns = {
        key: [math.nan if (v := measured.get(key)) is None else v for *_, measured in points]
        for key in _COLUMNS
    }
    times, bands = [time for time, *_ in points], [band for _, band, _ in points]
    return LightCurve(times, bands=bands, meta=meta, **columns)  # type: ignore[arg-type]


def _when(source: Mapping[str, Any]) -> dict[str, Any]:
    if "jd" in source:
        return {"JD": source["jd"]}
    time = source.get("midpointMjdTai") or source.get("midPointTai")
    return {"MJD": time, "TIMESYS": "TAI"}


def _band(source: Mapping[str, Any]) -> str:
    named = source.get("band") or source.get("filterName")
    return band_of({"FILTER": named} if named else {"FID": source.get("fid")})


def _ztf_point(source: Mapping[str, Any]) -> dict[str, float | None]:
    mag, error = number(source.get("magpsf")), number(source.get("sigmapsf"))
    brighter = str(source.get("isdiffpos")).lower() in _POSITIVE
    return {
        "mag": mag if brighter else None,
        "mag_err": error if brighter else None,
        "limit": number(source.get("diffmaglim")),
    }


def _lsst_point(source: Mapping[str, Any]) -> dict[str, float | None]:
    """Return AB magnitude and flux in nJy."""
    flux = number(source.get("psfFlux", source.get("psFlux")))
    error = number(source.get("psfFluxErr", source.get("psFluxErr")))
    point = {"flux": flux, "flux_err": error}
    if flux is not None and flux > 0:
        point["mag"] = NANOJANSKY_ZERO_POINT - 2.5 * math.log10(flux)
        if error is not None and error > 0:
            point["mag_err"] = 2.5 / math.log(10) * error / flux
    if error is not None and error > 0:
        point["limit"] = NANOJANSKY_ZERO_POINT - 2.5 * math.log10(_LIMIT_SIGMA * error)
    return point
