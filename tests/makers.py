"""Small FITS files for the tests, made with astropy alone, and what reading them said."""

from __future__ import annotations

import io

import numpy as np
from astropy.io import fits

from taonet_core.data.sequence import ImageSequence

MJD = 55_197.25  # 2010-01-01 06:00


def image(
    mjd: float | None = None, *, shape: tuple[int, int] = (16, 16), **header: object
) -> fits.ImageHDU:
    """Return an image HDU whose pixels tell its time."""
    cards = fits.Header(header)
    if mjd is not None:
        cards["MJD-OBS"] = mjd
    return fits.ImageHDU(np.full(shape, mjd or 0, dtype=np.float32), cards)


def as_bytes(*hdus: object) -> bytes:
    """Return the bytes of a FITS file with an empty primary and these HDUs."""
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer, output_verify="ignore")
    return buffer.getvalue()


def wcs_cards(x: float, y: float) -> dict[str, object]:
    """Return a WCS, 1 arcsec a pixel, with RA 120, Dec 10 on the zero-based pixel (x, y)."""
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 120.0,
        "CRVAL2": 10.0,
        "CRPIX1": x + 1,
        "CRPIX2": y + 1,
        "CDELT1": -1 / 3600,
        "CDELT2": 1 / 3600,
    }


def notes(sequence: ImageSequence) -> str:
    """Return all that was assumed or left out."""
    return " | ".join([*sequence.meta["notes"], *sequence.meta["dropped"]])
