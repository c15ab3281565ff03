"""Places on the sky: reading them from text, drawing them flat, telling which objects share one."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_headers import parse_angle

_J_NAME = re.compile(r"(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\s*([+-]\d{2})(\d{2})(\d{2}(?:\.\d*)?)")
_DEGREES = r"([+-]?\d+\.?\d*)\s*(?:deg|d|°)?"
_DECIMAL = re.compile(rf"\s*{_DEGREES}(?:\s*,\s*|\s+){_DEGREES}\s*")
_GALACTIC = re.compile(r"\bgal(?:actic)?\b|\bl\s*[=:]?\s*[\d+-].*\bb\s*[=:]?\s*[\d+-]")
_OTHER_FRAME = re.compile(r"\b(?:fk4|b1950|supergalactic|\w*ecliptic|altaz|cirs|gcrs)\b")
# What people and programs write around the numbers.
_WORDS = re.compile(
    r"\b(?:galactic|gal|icrs|fk5|j2000(?:\.0)?|ra|dec)\b\s*[=:]?|\b[lb](?=[\s=:\d+-])\s*[=:]?"
)
_SKYCOORD_WORDS = re.compile(
    r"\b(?:unit|frame)\s*=\s*[^,)]*|\*\s*(?:u\.)?(?:deg\b|degree\b)|[\"'=<>]"
)
_RADIUS = re.compile(
    r"[\s,;]+(?:r|radius|within)\s*[=:]?\s*(\d+\.?\d*)\s*"
    r"(arcsec|arcmin|deg|[\"″'′°smd]?)\s*$",
    re.IGNORECASE,
)
_RADIUS_TRIED = re.compile(r"[\s,;]+((?:r|radius|within)\s*[=:]?\s*\S+)\s*$", re.IGNORECASE)
_ARCSEC = {"arcmin": 60, "m": 60, "'": 60, "′": 60, "deg": 3600, "d": 3600, "°": 3600}
#: Where the middle of `hammer` lies: right ascension in degrees.
MIDDLE = 180.0


def sky_groups(
    ra: NDArray[np.float64], dec: NDArray[np.float64], radius_arcsec: float
) -> NDArray[np.int64]:
    """Give objects linked by less than a radius one number, shape (N,).

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Degrees; an object without a position is a place of its own.
    radius_arcsec : float
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    chord = 2 * math.sin(math.radians(radius_arcsec / 3600) / 2)
    pairs = known[
        cKDTree(unit_vectors(ra[known], dec[known])).query_pairs(chord, output_type="ndarray")
    ]
    links = coo_matrix((np.ones(len(pairs)), tuple(pairs.reshape(-1, 2).T)), (len(ra), len(ra)))
    return connected_components(links, directed=False)[1].astype(np.int64)


def parse_position(text: str) -> tuple[float, float] | None:
    """Return right ascension and declination in degrees of a position in any usual form.

    Parameters
    ----------
    text : str
        Decimal degrees, sexagesimal (``01:32:45 +20:15:12``, ``01h32m45s +20d15m12s``, with
        spaces), a name that ends in a position (``J013245+201512``), Galactic coordinates that
        say so (``l 135.2 b -41.6``, ``gal 135.2 -41.6``), or what astropy's ``SkyCoord`` prints.

    Returns
    -------
    tuple of float or None
        Degrees, ICRS; `None` where the text is no position or of another frame.
    """
    text = " ".join(text.replace("−", "-").split("·")[0].lower().split())
    if _OTHER_FRAME.search(text):
        return None
    if "skycoord" in text:
        inner = re.search(r"\(([^()]*)\)>?$", text)
        galactic = "galactic" in text
        text = _SKYCOORD_WORDS.sub(" ", inner[1] if inner else "").strip(" ,")
    else:
        galactic = bool(_GALACTIC.search(text))
    name = None if galactic else _J_NAME.search(text)
    if name:
        return _sexagesimal(":".join(name.groups()[:3]), ":".join(name.groups()[3:]))
    text = _WORDS.sub(" ", text).strip()
    decimal = _DECIMAL.fullmatch(text)
    if decimal is None:
        return None if galactic else _sexagesimal(*_halves(text))
    first, second = float(decimal[1]), float(decimal[2])
    if not (0 <= first <= 360 and abs(second) <= 90):
        return None
    return _from_galactic(first, second) if galactic else (first, second)


def parse_cone(text: str) -> tuple[float, float, float | None] | None:
    """Return a position in degrees and the radius in arcsec that a text gives with it.

    Parameters
    ----------
    text : str
        A position as `parse_position` reads it, which ``r=2m`` may follow: a number of
        ``arcsec`` (or ``s``, ``"``, nothing), ``arcmin`` (``m``, ``'``) or ``deg`` (``d``, ``°``).

    Returns
    -------
    tuple or None
        Right ascension, declination, radius; the radius is `None` where the text has none.
    """
    radius = _RADIUS.search(text)
    place = parse_position(text[: radius.start()] if radius else text)
    if place is None:
        return None
    size = float(radius[1]) * _ARCSEC.get(radius[2].lower(), 1) if radius else None
    return *place, size


def position_problem(text: str) -> str:
    """Return why a text that looks like a position is none; empty where it is one, or a name.

    Parameters
    ----------
    text : str
        As `parse_cone` takes it.

    Returns
    -------
    str
        Such as ``Dec 99 is not on the sky`` or ``r=10x is not a radius``.
    """
    if parse_cone(text) is not None:
        return ""
    radius = _RADIUS.search(text)
    place = text[: radius.start()] if radius else text
    tail = _RADIUS_TRIED.search(place)
    if tail and parse_position(place[: tail.start()]) is not None:
        return f"{tail[1].strip()} is not a radius"
    decimal = _DECIMAL.fullmatch(_WORDS.sub(" ", place.replace("−", "-").lower()).strip())
    if decimal is None:
        return ""
    along, across = ("l", "b") if _GALACTIC.search(text.lower()) else ("RA", "Dec")
    wrong = [] if 0 <= float(decimal[1]) <= 360 else [f"{along} {decimal[1]}"]
    wrong += [f"{across} {decimal[2]}"] if abs(float(decimal[2])) > 90 else []
    return f"{' and '.join(wrong)} {'are' if len(wrong) > 1 else 'is'} not on the sky"


def separations(
    ra: NDArray[np.float64], dec: NDArray[np.float64], centre: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the distance of positions (N,) from a centre in arcsec; all inputs in degrees."""
    chord = np.linalg.norm(
        unit_vectors(ra, dec) - unit_vectors(*(np.asarray(angle) for angle in centre)), axis=-1
    )
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))) * 3600


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors, shape (..., 3), of positions in degrees."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def hammer(
    ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project the sky onto a plane, keeping areas (Hammer 1892, after Aitoff).

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Degrees.

    Returns
    -------
    x, y : ndarray, shape (N,)
        In an ellipse of half axes 2 and 1; north up, right ascension growing to the left,
        `MIDDLE` in the middle.

    Notes
    -----
    Calabretta & Greisen 2002, A&A 395, 1077, their equations 67 and 68 over √2.
    """
    # East of the middle is to the left; its far edge is not wrapped to the other side.
    half = np.radians(MIDDLE - np.where(ra == 360, 360.0, np.mod(ra, 360))) / 2
    dec = np.radians(dec)
    scale = 1 / np.sqrt(1 + np.cos(dec) * np.cos(half))
    return 2 * scale * np.cos(dec) * np.sin(half), scale * np.sin(dec)


def inside(
    x: NDArray[np.float64], y: NDArray[np.float64], corners: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which points (N,) lie in a polygon of corners (M, 2): crossings of a ray are odd."""
    within = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crossing = (y0 > y) != (y1 > y)
            within ^= crossing & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return within


def _halves(text: str) -> tuple[str, str]:
    """Cut a pair of angles in two: at the sign of the second, at a comma, or in the middle."""
    signed = re.fullmatch(r"([+-]?[^+-]+?)[\s,]*([+-][^+-]+)", text)
    if signed:
        return signed[1], signed[2]
    if text.count(",") == 1:
        first, second = text.split(",")
        return first, second
    parts = text.split()
    middle = len(parts) // 2
    return ("", "") if len(parts) % 2 else (" ".join(parts[:middle]), " ".join(parts[middle:]))


def _sexagesimal(first: str, second: str) -> tuple[float, float] | None:
    if not any(c.isdigit() for c in first):
        return None
    in_degrees = "d" in first or "°" in first
    ra, dec = parse_angle(first, hours=not in_degrees), parse_angle(second, hours=False)
    if ra is None or dec is None or not (0 <= ra <= 360 and abs(dec) <= 90):
        return None
    return ra, dec


def _from_galactic(longitude: float, latitude: float) -> tuple[float, float]:
    from astropy.coordinates import SkyCoord

    place = SkyCoord(longitude, latitude, unit="deg", frame="galactic").icrs
    return float(place.ra.deg), float(place.dec.deg)
