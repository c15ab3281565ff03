"""How a frame lies on the sky: scale, orientation, target, coordinates in words."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.photometry import target_pixel


def coordinate_texts(ra: float | None, dec: float | None) -> list[dict[str, str]]:
    """Write a position in degrees, sexagesimal and galactic.

    Parameters
    ----------
    ra, dec : float or None
        ICRS, degrees.

    Returns
    -------
    list of dict
        ``label``, ``symbols`` and ``text`` of each form; empty where there is no valid position.
    """
    if ra is None or dec is None or not np.isfinite([ra, dec]).all() or abs(dec) > 90:
        return []
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    place = SkyCoord(ra * u.deg, dec * u.deg, frame="icrs")
    galactic = place.galactic
    hms = place.ra.to_string(u.hour, sep=":", precision=2, pad=True)
    dms = place.dec.to_string(u.deg, sep=":", precision=1, pad=True, alwayssign=True)
    return [
        _place("ICRS, degrees", "RA Dec", f"{place.ra.deg:.6f} {place.dec.deg:+.6f}"),
        _place("ICRS, sexagesimal", "", f"{hms} {dms}"),
        _place("Galactic, degrees", "l b", f"{galactic.l.deg:.4f} {galactic.b.deg:+.4f}"),
    ]


def _place(label: str, symbols: str, text: str) -> dict[str, str]:
    return {"label": label, "symbols": symbols, "text": text}


def sky_geometry(sequence: ImageSequence) -> dict[str, Any]:
    """Say how to show a frame north up and east left, and where each pixel is.

    Parameters
    ----------
    sequence : ImageSequence

    Returns
    -------
    dict
        ``target`` : pixel (x, y), zero-based.
        ``scale`` : arcsec a pixel, or None.
        ``transpose``, ``flip_x``, ``flip_y`` : what to do, in this order, to the image with its
        first row at the bottom, so that north comes nearest to up and east to left.
        ``north``, ``east`` : unit vectors (right, up) on the image so shown, or None.
        ``plate`` : ``x0, y0, ra0, dec0`` and ``jacobian`` (arcsec a pixel on the tangent plane)
        for the position under the pointer, or None.
    """
    known = sequence.meta.get("pixel_scale")
    view: dict[str, Any] = {
        "target": target_pixel(sequence),
        "scale": float(known) if known else None,
        **{"transpose": False, "flip_x": False, "flip_y": False},
        **{"north": None, "east": None, "plate": None},
    }
    plate = None if sequence.wcs is None else _plate(sequence)
    if plate is None:
        return view
    jacobian = np.array(plate["jacobian"])
    inverse = np.linalg.inv(jacobian)
    east, north = inverse[:, 0], inverse[:, 1]
    best = max(
        product([False, True], repeat=3),
        key=lambda how: float(_turn(north, *how)[1] - _turn(east, *how)[0]) - 1e-6 * sum(how),
    )
    view |= dict(zip(("transpose", "flip_x", "flip_y"), best, strict=True))
    view |= {
        "scale": float(np.sqrt(abs(np.linalg.det(jacobian)))),
        "north": (_turn(north, *best) / np.hypot(*north)).tolist(),
        "east": (_turn(east, *best) / np.hypot(*east)).tolist(),
        "plate": plate,
    }
    return view


def _turn(
    vector: NDArray[np.float64], transpose: bool, flip_x: bool, flip_y: bool
) -> NDArray[np.float64]:
    """Turn a pixel direction (x, y) as the image is turned."""
    x, y = vector[::-1] if transpose else vector
    return np.array([-x if flip_x else x, -y if flip_y else y])


def _plate(sequence: ImageSequence) -> dict[str, Any] | None:
    """Linearise the WCS at the middle of the frame; None where it leads nowhere."""
    assert sequence.wcs is not None
    height, width = sequence.frames.shape[1:]
    x0, y0 = (width - 1) / 2, (height - 1) / 2
    places = sequence.wcs.pixel_to_world([x0, x0 + 1, x0], [y0, y0, y0 + 1]).icrs
    degrees = np.array([places.ra.deg, places.dec.deg])
    if not np.isfinite(degrees).all():
        return None
    xi, eta = places[0].spherical_offsets_to(places[1:])
    jacobian = np.array([xi.arcsec, eta.arcsec])  # columns: one pixel right, one pixel up
    if not np.linalg.det(jacobian):
        return None
    return {
        "x0": x0,
        "y0": y0,
        "ra0": float(degrees[0, 0]),
        "dec0": float(degrees[1, 0]),
        "jacobian": jacobian.tolist(),
    }
