"""The keywords of headers: every spelling of what is looked for, and values cleaned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: The one alias table. Spellings are compared without ``-``, ``_``, spaces and HIERARCH prefixes,
#: earlier ones first.
ALIASES: dict[str, tuple[str, ...]] = {
    "mjd": ("MJDOBS", "MJD", "OBSMJD", "MJDMID", "MJDAVG", "MJDSTART", "MJDBEG"),
    "jd": ("JD", "OBSJD", "JDOBS", "JDMID", "JULDATE"),
    "date": ("DATEOBS", "OBSDATE", "DATEBEG", "DATEAVG", "UTCOBS"),
    "clock": ("TIMEOBS", "UTOBS", "UTC", "UT", "UTSTART", "TIMEBEG"),
    "band": ("FILTER", "BAND", "FILTNAM", "FILTERID", "FILTER1", "FILT"),
    "fid": ("FID",),
    "object_id": ("CRTSID", "OBJECTID", "OBJECT", "OBJNAME", "OBJ", "OBJID", "TARGNAME"),
    "ra": ("RA(J2000)", "OBJRA", "RAOBJ", "OBJCTRA", "RATARG", "RA", "RADEG"),
    "dec": ("DEC(J2000)", "OBJDEC", "DECOBJ", "OBJCTDEC", "DECTARG", "DEC", "DECDEG"),
    "exposure": ("EXPTIME", "EXPOSURE", "EXPTIM", "XPOSURE"),
    "zero_point": ("MAGZP", "MAGZERO", "MAGZPT", "ZEROPT", "ZEROPOINT", "ZP", "PHOTZP", "PHOTZPT"),
    "gain": ("EGAIN", "CONAD", "GAIN"),
    "saturation": ("SATURATE", "SATURVAL", "SATLEVEL", "SATLIMIT"),
    "pixel_scale": ("PIXSCALE", "SECPIX", "PIXSCAL", "PIXSCAL1", "SCALE"),
    "survey": ("SURVEY",),
    "unit": ("BUNIT",),
    "class_text": ("CLASSTXT", "CLASS", "TAOCLASS", "LABEL"),
    "label": ("CLASS", "TAOCLASS", "LABEL"),
    "mag": ("MAG",),
}
_IGNORED = str.maketrans("", "", "-_ ")


def spellings(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header under keywords as `ALIASES` writes them."""
    flat: dict[str, Any] = {}
    for key, value in header.items():
        flat.setdefault(key.upper().translate(_IGNORED), value)
    for key, value in header.items():  # HIERARCH ESO OBS MJD-OBS
        if " " in key:
            flat.setdefault(key.upper().rpartition(" ")[2].translate(_IGNORED), value)
    return flat


def lookup(flat: Mapping[str, Any], meaning: str) -> Any:
    """Return the first filled value of the keywords that mean `meaning`, or None."""
    for key in ALIASES[meaning]:
        value = flat.get(key)
        if value is not None and value != "":
            return value
    return None


def clean(value: object, length: int = 80) -> str:
    """Return text of a header fit to be shown: printable, one line, at most `length` letters."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return " ".join(text.split())[:length]


def number(value: object) -> float | None:
    """Return a finite number, or None."""
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) and not isinstance(value, bool) else None
