"""Pixels of every type and compression, as counts."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from makers import MJD, as_bytes

from taonet_core.data.fits_io import read_sequence


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_pixel_type_gives_the_same_counts(dtype: str) -> None:
    counts = np.arange(36).reshape(6, 6) * 3
    sequence = read_sequence(as_bytes(fits.ImageHDU(counts.astype(dtype))))
    assert np.array_equal(sequence.frames[0], counts)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_every_tile_compression_gives_the_pixels(codec: str, rng) -> None:
    counts = rng.integers(0, 4000, (33, 20)).astype(np.int16)
    hdu = fits.CompImageHDU(counts, compression_type=codec)
    hdu.header["MJD-OBS"] = MJD
    sequence = read_sequence(as_bytes(hdu))
    assert np.array_equal(sequence.frames[0], counts)
    assert sequence.times[0] == MJD


def test_blank_scale_and_zero_are_honoured() -> None:
    hdu = fits.ImageHDU(np.array([[1, 2, -99] * 2] * 6, np.int16))
    raw = bytearray(as_bytes(hdu))
    card = "BZERO   =                 10.0".ljust(80) + "BSCALE  =                  0.5".ljust(80)
    card += "BLANK   =                  -99".ljust(80) + "END".ljust(80)
    end = raw.rindex(b"END" + b" " * 77)
    raw[end : end + len(card)] = card.encode()
    frame = read_sequence(bytes(raw)).frames[0]
    assert frame[0, :2].tolist() == [10.5, 11.0]
    assert np.isnan(frame[:, 2]).all()
