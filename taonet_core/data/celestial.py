"""World coordinates from untrusted headers: linear and SIP only."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from taonet_core.data.fits_headers import clean, number
from taonet_core.data.fits_scan import Header, Value
from taonet_core.flags import Flag, Note

if TYPE_CHECKING:
    from astropy.wcs import WCS

#: Numbers that a linear or SIP WCS is made of.
_NUMBER_KEY = re.compile(
    r"(CRVAL|CRPIX|CDELT|CROTA)[12]|(CD|PC)[12]_[12]|LONPOLE|LATPOLE|EQUINOX"
    r"|(A|B|AP|BP)_(ORDER|\d_\d)"
)
#: Words of a WCS, and what is handed on of them: wcslib writes long texts past its buffers.
_UNITS = dict.fromkeys(("DEG", "DEGREE", "DEGREES"), "deg")
_FRAMES = {name: name for name in ("ICRS", "FK5", "FK4", "FK4-NO-E")}
_WORDS = {"CUNIT1": _UNITS, "CUNIT2": _UNITS, "RADESYS": _FRAMES, "RADECSYS": _FRAMES}
_MAX_WCS_CARDS = 400
#: Projections with a distortion of their own, and keywords of others, none of them applied.
_DISTORTED = ("TPV", "TPD", "TNX", "ZPX")
_DISTORTIONS = ("CPDIS1", "CPDIS2", "CQDIS1", "CQDIS2", "D2IMDIS1", "D2IMDIS2")
_CELESTIAL = re.compile(r"(RA---|DEC--|GLON-|GLAT-|ELON-|ELAT-)[A-Z]{3}(-SIP)?")


def celestial_wcs(header: Header) -> tuple[WCS | None, str]:
    """Build a linear (or SIP) celestial WCS from the few keywords it needs.

    Tables, look-up distortions and other axes are never handed to wcslib: some crash it.

    Returns
    -------
    WCS or None
    str
        Why a WCS that the header has could not be used as it is, a note; empty otherwise.
    """
    kinds = [str(header.get(f"CTYPE{i}") or "").strip().upper() for i in (1, 2)]
    if not any(kinds) or "LINEAR" in kinds or "PIXEL" in kinds:
        return None, ""
    if not all(_CELESTIAL.fullmatch(kind) for kind in kinds) or "TAB" in "".join(kinds):
        return None, _left_out(f"{clean(' / '.join(kinds), 40)} is not celestial and linear")
    numbers = {
        key: value
        for key, value in header.items()
        if _NUMBER_KEY.fullmatch(key) and value is not None
    }
    if not _is_finite(numbers.get("EQUINOX", 2000)):  # often a word: 'J2000'
        del numbers["EQUINOX"]
    if len(numbers) > _MAX_WCS_CARDS:
        return None, _left_out(f"has {len(numbers):,} numbers, more than {_MAX_WCS_CARDS}")
    if not all(_is_finite(value) for value in numbers.values()):
        return None, _left_out("holds values that are no finite numbers")
    orders = [numbers.get(f"{name}_ORDER", 0) for name in ("A", "B", "AP", "BP")]
    if not all(isinstance(n, int) and 0 <= n <= 9 for n in orders):
        return None, _left_out("has a distortion of impossible order")
    words = {key: str(header.get(key) or "").strip().upper() for key in _WORDS}
    for key, word in words.items():
        if word and word not in _WORDS[key]:
            return None, _left_out(f"has {key} {clean(word, 20)}, which is not read")
    known = {key: _WORDS[key][word] for key, word in words.items() if word in _WORDS[key]}
    wcs, doubt = _wcslib(numbers | known | dict(zip(("CTYPE1", "CTYPE2"), kinds, strict=True)))
    return wcs, doubt or _simplified(header, kinds)


def _left_out(why: str) -> Note:
    return Note(f"the WCS {why}: left out", Flag.WCS_UNUSABLE)


def _is_finite(value: Value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _simplified(header: Header, kinds: list[str]) -> str:
    """Say which distortions of a WCS are not applied, a note; empty if it has no others."""
    found = [kind[-3:] for kind in kinds if kind[-3:] in _DISTORTED]
    found += [key for key in _DISTORTIONS if key in header]
    if not found:
        return ""
    text = f"the distortion {clean(found[0], 8)} of the WCS is not applied; positions are linear"
    return Note(text, Flag.WCS_SIMPLIFIED)


def _wcslib(values: Mapping[str, Value]) -> tuple[WCS | None, str]:
    from astropy.coordinates import SkyCoord
    from astropy.io.fits import Header as FitsHeader
    from astropy.wcs import WCS, WcsError

    card = FitsHeader()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for key, value in values.items():
                card[key] = value
            wcs = WCS(card, naxis=2, fix=False)
            wcs.wcs.set()
            place = wcs.pixel_to_world(0, 0)  # plain numbers if the frame or axis is unknown
            usable = isinstance(place, SkyCoord) and np.isfinite(place.icrs.cartesian.xyz).all()
    except (WcsError, ValueError, TypeError, KeyError, AttributeError, MemoryError) as error:
        return None, _left_out(f"cannot be used ({type(error).__name__})")
    return (wcs, "") if usable else (None, _left_out("does not reach the sky"))


def pixel_of(wcs: WCS, ra: float, dec: float) -> tuple[float, float] | None:
    """Return the pixel (x, y), zero-based, of an ICRS position in degrees.

    None where the projection does not reach it.
    """
    from astropy.coordinates import SkyCoord
    from astropy.wcs import NoConvergence, WcsError

    try:
        x, y = wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
    except (WcsError, NoConvergence, ValueError):
        return None
    return (float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None


def orientation(header: Header) -> tuple[float, float] | None:
    """Return rotation (degrees) and parity (+1, -1) of the pixel axes, None if not given."""
    matrix = [number(header.get(f"CD{i}_{j}")) for i in (1, 2) for j in (1, 2)]
    if any(matrix):
        a, b, c, d = (value or 0.0 for value in matrix)
    else:
        names = [f"PC{i}_{j}" for i in (1, 2) for j in (1, 2)]
        steps = [number(header.get(f"CDELT{i}")) for i in (1, 2)]
        if not any(steps) and not any(name in header for name in names):
            return None
        turn = math.radians(number(header.get("CROTA2")) or 0.0)
        turned = (math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn))
        stated = [number(header.get(name)) for name in names]
        x, y = (step or 1.0 for step in steps)
        a, b, c, d = (
            (default if value is None else value) * step
            for value, default, step in zip(stated, turned, (x, x, y, y), strict=True)
        )
    return math.degrees(math.atan2(c, d)), math.copysign(1, a * d - b * c)
