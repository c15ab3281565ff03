"""Places on the sky: reading them from text, and telling which objects share one."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_headers import parse_angle

_J_NAME = re.compile(r"(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\s*([+-]\d{2})(\d{2})(\d{2}(?:\.\d*)?)")
_DECIMAL = re.compile(r"\s*([+-]?\d+\.?\d*)(?:\s*,\s*|\s+)([+-]?\d+\.?\d*)\s*")


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
    """Return right ascension and declination in degrees of a position in any usual form."""
    decimal, name = _DECIMAL.fullmatch(text), _J_NAME.search(text)
    halves: tuple[str, str] | None = None
    if decimal:
        ra, dec = float(decimal[1]), float(decimal[2])
        return (ra, dec) if 0 <= ra <= 360 and -90 <= dec <= 90 else None
    if name:
        halves = ":".join(name.groups()[:3]), ":".join(name.groups()[3:])
    else:
        parts = text.replace(",", " ").split()
        if len(parts) % 2 == 0 and parts:
            middle = len(parts) // 2
            halves = " ".join(parts[:middle]), " ".join(parts[middle:])
    if halves is None or not any(c.isdigit() for c in halves[0]):
        return None
    in_degrees = "d" in halves[0].lower() or "°" in halves[0]
    right = parse_angle(halves[0], hours=not in_degrees)
    declination = parse_angle(halves[1], hours=False)
    if right is None or declination is None or not (0 <= right <= 360 and abs(declination) <= 90):
        return None
    return right, declination


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors, shape (..., 3), of positions in degrees."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
