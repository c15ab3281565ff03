"""World coordinates from untrusted headers: linear and SIP only."""

from __future__ import annotations

import math
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from taonet_core.data.fits_headers import clean, number
from taonet_core.data.fits_scan import Header, Value

if TYPE_CHECKING:
    from astropy.wcs import WCS

_WCS_KEY = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|LONPOLE|LATPOLE|RADE(CSYS|SYS)"
    r"|EQUINOX|(A|B|AP|BP)_(ORDER|\d_\d)"
)
_CELESTIAL = re.compile(r"(RA---|DEC--|GLON-|GLAT-|ELON-|ELAT-)[A-Z]{3}(-SIP)?")


def celestial_wcs(header: Header) -> tuple[WCS | None, str]:
    """Build a linear (or SIP) celestial WCS from the few keywords it needs.

    Tables, look-up distortions and other axes are never handed to wcslib: some crash it.

    Returns
    -------
    WCS or None
    str
        Why a WCS that the header has could not be used; empty otherwise.
    """
    kinds = [str(header.get(f"CTYPE{i}") or "").strip().upper() for i in (1, 2)]
    if not any(kinds) or "LINEAR" in kinds or "PIXEL" in kinds:
        return None, ""
    if not all(_CELESTIAL.fullmatch(kind) for kind in kinds) or "TAB" in "".join(kinds):
        return None, f"the WCS {clean(' / '.join(kinds), 40)} is not celestial and linear: left out"
    values = {key: value for key, value in header.items() if _WCS_KEY.fullmatch(key)}
    if any(isinstance(v, float | int) and not math.isfinite(v) for v in values.values()):
        return None, "the WCS holds numbers that are not finite: left out"
    orders = [values.get(f"{name}_ORDER", 0) for name in ("A", "B", "AP", "BP")]
    if not all(isinstance(n, int) and 0 <= n <= 9 for n in orders):
        return None, "the WCS has a distortion of impossible order: left out"
    return _wcslib(values)


def _wcslib(values: dict[str, Value]) -> tuple[WCS | None, str]:
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
        return None, f"the WCS cannot be used ({type(error).__name__}): left out"
    return (wcs, "") if usable else (None, "the WCS does not reach the sky: left out")


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
    keys = (("CD1_1", "CD1_2", "CD2_1", "CD2_2"), ("PC1_1", "PC1_2", "PC2_1", "PC2_2"))
    for names in keys:
        values = [number(header.get(name)) for name in names]
        if values[0] is None and values[1] is None:
            continue
        a, b, c, d = (value or 0.0 for value in values)
        if names[0].startswith("PC"):
            x, y = (number(header.get(f"CDELT{i}")) or 1.0 for i in (1, 2))
            a, b, c, d = a * x, b * x, c * y, d * y
        return math.degrees(math.atan2(c, d)), math.copysign(1, a * d - b * c)
    return None
