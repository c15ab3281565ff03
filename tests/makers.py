"""Small FITS files for the tests, made with astropy alone, and what reading them said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from astropy.io import fits

from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError

MJD = 55_197.25  # 2010-01-01 06:00
#: Images of noise.
SKY = np.random.default_rng(7).normal(100, 5, (9, 16, 16)).astype(np.float32)


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


def frame(number: int = 0, mjd: float | None = None, **cards: object) -> fits.ImageHDU:
    """Return an image of noise, a night after the other."""
    hdu = fits.ImageHDU(SKY[number].copy(), fits.Header(cards))
    hdu.header["MJD-OBS"] = MJD + number if mjd is None else mjd
    return hdu


def frames(**cards: object) -> list[fits.ImageHDU]:
    """Return images of three nights."""
    return [frame(i, **cards) for i in range(3)]


def read(source: object, **place: float) -> ImageSequence:
    """Read bytes, or HDUs, in this process."""
    data = source if isinstance(source, bytes) else as_bytes(*source)  # type: ignore[misc]
    return read_sequence(data, trusted=True, **place)


def refused(source: object, **place: float) -> TaoNetError:
    """Return the error of a source that must be refused."""
    with pytest.raises(TaoNetError) as caught:
        read(source, **place)
    return caught.value
