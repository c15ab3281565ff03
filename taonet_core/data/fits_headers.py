"""What headers say, in every spelling: times, filter, position, calibration."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from taonet_core.data.fits_keywords import ALIASES, clean, lookup, number, spellings
from taonet_core.flags import Flag, Note
from taonet_core.labels import TransientClass, class_from_catalog

__all__ = [
    "ALIASES",
    "band_of",
    "believed",
    "calendar_mjd",
    "calendar_text",
    "clean",
    "describe",
    "is_believed_mjd",
    "label_of",
    "lookup",
    "number",
    "parse_angle",
    "parse_date",
    "position_of",
    "spellings",
    "time_of",
    "unique",
]

_JD_OF_MJD = 2_400_000.5
_MJD_EPOCH = datetime(1858, 11, 17)
#: Exposures of CCD surveys: 1900 to 2100. Other numbers are fill values or other clocks.
_FIRST_MJD, _LAST_MJD = 15_020.0, 88_069.0

#: Calibration -> what is believed lies between: magnitudes, counts, electrons a count, arcsec.
#: Fill values such as 0, 99, -999 and 9999 lie outside.
_BELIEVED = {
    "zero_point": (0.0, 50.0),
    "saturation": (0.0, math.inf),
    "gain": (0.0, math.inf),
    "pixel_scale": (0.01, 120.0),
}
#: Times of one exposure that differ by more are told (seconds, with what rounding takes).
_SAME_TIME = 1.001
_SPOKEN = {"mjd": "MJD", "jd": "JD", "date": "DATE-OBS"}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d*)?)")
_OLD_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})")


def believed(key: str, value: object, notes: list[str]) -> float | None:
    """Return a number of the calibration, or None, and a note, if it cannot be true.

    Parameters
    ----------
    key : {"zero_point", "saturation", "gain", "pixel_scale"}
    value : object
    notes : list of str
        Takes the note.
    """
    found = number(value)
    low, high = _BELIEVED[key]
    if found is None or low < found < high:
        return found
    text = f"the {key.replace('_', ' ')} {found:g} cannot be true and is ignored"
    notes.append(Note(text, Flag.CALIBRATION_IGNORED))
    return None


def time_of(flat: Mapping[str, Any]) -> tuple[float | None, list[str]]:
    """Find the time of an exposure.

    Parameters
    ----------
    flat : mapping
        From `spellings`.

    Returns
    -------
    float or None
        MJD in the time scale of the file, which is not converted: TT runs 69 s ahead of UTC, and
        nights and light curves are read in days. MJD keywords come before JD, both before dates.
    list of str
        What was doubtful.
    """
    found: dict[str, float] = {}
    notes: list[str] = []
    for meaning in ("mjd", "jd"):
        value = number(lookup(flat, meaning))
        if value is not None:
            value -= _JD_OF_MJD if value > 2_000_000 else 0.0
            found[meaning] = value
    text = lookup(flat, "date")
    if text is not None:
        parsed, has_clock = parse_date(str(text), str(lookup(flat, "clock") or ""))
        if parsed is not None:
            found["date" if has_clock else "day"] = parsed
    if list(found) == ["day"]:
        notes.append(Note("dates without a time of day were read as 0 h UT", Flag.NO_TIME_OF_DAY))
    for meaning in [m for m, mjd in found.items() if not is_believed_mjd(mjd)]:
        text = f"times outside 1900-2100 were taken as missing (MJD {found[meaning]:.6g})"
        notes.append(Note(text, Flag.TIMES_IMPOSSIBLE))
        del found[meaning]
    if not found:
        return None, notes
    notes += _disagreements({m: mjd for m, mjd in found.items() if m != "day"})
    scale = clean(flat.get("TIMESYS") or "UTC", 8).upper()
    if not scale.startswith("UTC"):
        text = f"times are in the scale {scale} as the file says; they were not converted to UTC"
        notes.append(Note(text, Flag.TIME_SCALE))
    return next(iter(found.values())), notes


def is_believed_mjd(mjd: float) -> bool:
    """Return whether a time lies within 1900-2100; false for NaN."""
    return _FIRST_MJD <= mjd <= _LAST_MJD


def _disagreements(found: Mapping[str, float]) -> list[str]:
    """Say which times of one exposure differ by more than a second."""
    if len(found) < 2 or (max(found.values()) - min(found.values())) * 86_400 <= _SAME_TIME:
        return []
    said = ", ".join(f"{_SPOKEN[meaning]} {mjd:.5f}" for meaning, mjd in found.items())
    text = (
        f"time keywords disagree (as MJD: {said}); MJD was taken before JD, and JD before DATE-OBS"
    )
    return [Note(text, Flag.TIMES_DISAGREE)]


def parse_date(text: str, clock: str = "") -> tuple[float | None, bool]:
    """Turn a date of a header, ISO or the old ``31/12/99``, into MJD.

    Returns
    -------
    float or None
        MJD; with a time zone, in UTC.
    bool
        Whether a time of day was there.
    """
    text = text.strip().replace(" ", "T", 1)
    old = _OLD_DATE.fullmatch(text)
    if old:
        day, month, year = (int(part) for part in old.groups())
        text = f"{year + 1900 if year < 100 else year:04}-{month:02}-{day:02}"
    elif re.fullmatch(r"\d{4}/\d{1,2}/\d{1,2}", text):
        text = "-".join(part.zfill(2) for part in text.split("/"))
    has_clock = "T" in text
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None, False
    mjd = (moment - _MJD_EPOCH).total_seconds() / 86400
    time = _CLOCK.fullmatch(clock.strip()) if not has_clock else None
    if time:
        mjd += int(time[1]) / 24 + int(time[2]) / 1440 + float(time[3]) / 86400
    return mjd, has_clock or time is not None


def parse_angle(value: object, *, hours: bool) -> float | None:
    """Turn degrees (a number) or sexagesimal text into degrees.

    Parameters
    ----------
    value : object
        ``123.4``, ``'08:12:33.1'``, ``'08h12m33.1s'``, ``'-12 30 01'``.
    hours : bool
        Whether sexagesimal text counts hours (right ascension).
    """
    plain = number(value)
    if plain is not None or not isinstance(value, str):
        return plain
    parts = [part for part in re.split(r"[\s:hdms°'\"′″]+", value.strip().lower()) if part]
    numbers = [number(part) for part in parts]
    if not 2 <= len(numbers) <= 3 or any(n is None or (i and n < 0) for i, n in enumerate(numbers)):
        return None
    size = sum(abs(n) / 60**i for i, n in enumerate(numbers) if n is not None)
    if any(n is not None and n >= 60 for n in numbers[1:]):
        return None
    return math.copysign(size * (15 if hours else 1), -1 if parts[0].startswith("-") else 1)


def position_of(flat: Mapping[str, Any]) -> tuple[float | None, float | None, list[str]]:
    """Return right ascension and declination of the object in degrees, and what was doubtful."""
    ra = parse_angle(lookup(flat, "ra"), hours=True)
    dec = parse_angle(lookup(flat, "dec"), hours=False)
    if ra is None or dec is None:
        return None, None, []
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        text = f"the position RA {ra:g}, Dec {dec:g} is not on the sky: left out"
        return None, None, [Note(text, Flag.POSITION_DOUBTFUL)]
    return ra % 360, dec, [Note(text, Flag.POSITION_DOUBTFUL) for text in _doubts(flat, ra)]


def _doubts(flat: Mapping[str, Any], ra: float) -> list[str]:
    """Say why a position may be another one."""
    doubts = []
    equinox = number(flat.get("EQUINOX"))
    if equinox not in (None, 2000.0):
        doubts.append(f"the position is of equinox {equinox:g} and is read as if of 2000")
    centre = number(flat.get("CRVAL1")) if str(flat.get("CTYPE1")).startswith("RA") else None
    if centre is not None and abs(ra - centre) > 1 >= abs(15 * ra - centre):
        doubts.append(f"RA {ra:g} looks like hours beside the WCS, and is read as degrees")
    return doubts


def label_of(text: object, *, free_text: bool = False) -> str | None:
    """Return the class named by a header, folder or catalogue, or None.

    Parameters
    ----------
    text : object
    free_text : bool
        Whether the text is a class of the CRTS lists, such as ``'SN 2006tf (TSS)'``; otherwise
        only the six names count.
    """
    word = clean(text)
    if word in set(TransientClass):
        return str(TransientClass(word))
    label = class_from_catalog(word) if free_text and word else None
    return None if label is None else str(label)


def describe(header: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Collect what a header says of the object and its calibration, as `meta` spells it.

    Returns
    -------
    dict
        Only what is there.
    list of str
        What was doubtful.
    """
    flat = spellings(header)
    ra, dec, notes = position_of(flat)
    meta: dict[str, Any] = {"ra": ra, "dec": dec}
    for key in ("object_id", "survey", "unit", "class_text"):
        meta[key] = clean(lookup(flat, key) or "") or None
    meta["mag"] = number(lookup(flat, "mag"))
    for key in _BELIEVED:
        meta[key] = believed(key, lookup(flat, key), notes)
    meta["label"] = label_of(lookup(flat, "label") or "")
    if flat.get("SIMULATD") is True:
        meta["simulated"] = True
    return {key: value for key, value in meta.items() if value is not None}, notes


def band_of(flat: Mapping[str, Any]) -> str:
    """Return the filter, cleaned; empty if none is named. ZTF's numbers become letters."""
    band = lookup(flat, "band")
    if band is None:
        fid = number(lookup(flat, "fid"))
        return {1.0: "g", 2.0: "r", 3.0: "i"}.get(fid or 0.0, "")
    return clean(band)


def unique(notes: Iterable[str]) -> list[str]:
    """Return the sentences in order, each once."""
    return list(dict.fromkeys(notes))


def calendar_mjd(text: str) -> float:
    """Return MJD at 0 h UT of a release date like ``'06APR02'``, NaN if it is none."""
    match = re.fullmatch(r"(\d\d)([A-Z]{3})(\d\d)", text.strip().upper())
    if match is None or match[2] not in _MONTHS:
        return math.nan
    year = int(match[1]) + (1900 if int(match[1]) >= 70 else 2000)
    try:
        day = date(year, _MONTHS.index(match[2]) + 1, int(match[3]))
    except ValueError:
        return math.nan
    return float((day - _MJD_EPOCH.date()).days)


def calendar_text(mjd: float) -> str:
    """Return the release date (``'06APR02'``) of an MJD."""
    day = date.fromordinal(_MJD_EPOCH.toordinal() + math.floor(mjd))
    return f"{day.year % 100:02}{_MONTHS[day.month - 1]}{day.day:02}"
