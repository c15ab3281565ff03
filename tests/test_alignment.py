"""How frames of different size and place come to lie on each other."""

from __future__ import annotations

import numpy as np
import pytest
from makers import MJD, as_bytes, image, notes, wcs_cards

from taonet_core.data.fits_io import read_sequence
from taonet_core.errors import InvalidSequenceError
from taonet_core.transforms.photometry import extract_light_curve, target_pixel
from taonet_core.transforms.skyview import sky_geometry


def test_mixed_sizes_are_cropped_or_padded_around_the_centre() -> None:
    hdus = [image(MJD + i, shape=shape) for i, shape in enumerate([(9, 9), (9, 9), (5, 13)])]
    for hdu in hdus:
        hdu.data[hdu.data.shape[0] // 2, hdu.data.shape[1] // 2] = -1
    sequence = read_sequence(as_bytes(*hdus))
    assert sequence.frames.shape == (3, 9, 9)
    assert (sequence.frames[:, 4, 4] == -1).all()
    assert np.isnan(sequence.frames[2, [0, 1, 7, 8]]).all()
    assert np.isfinite(sequence.frames[2, 2:7]).all()
    assert "differ in size" in notes(sequence)


def test_frames_are_centred_on_the_target_by_their_own_wcs() -> None:
    hdus = []
    for i, (x, y) in enumerate([(7, 9), (4, 8), (11, 3)]):
        hdu = image(MJD + i, **wcs_cards(x, y))
        hdu.data[y, x] = -1
        hdus.append(hdu)
    sequence = read_sequence(as_bytes(*hdus), ra=120.0, dec=10.0)
    assert (sequence.frames[:, 8, 8] == -1).all()
    assert np.allclose(sequence.wcs.wcs_pix2world([[8, 8]], 0), [[120, 10]])
    assert sequence.meta["pixel_scale"] == pytest.approx(1.0)
    with pytest.raises(InvalidSequenceError, match="outside every frame"):
        read_sequence(as_bytes(*hdus), ra=121.0, dec=10.0)


def test_a_header_position_away_from_the_centre_is_said() -> None:
    hdu = image(MJD, shape=(40, 40), RA=120.0, DEC=10.0, **wcs_cards(30, 20))
    sequence = read_sequence(as_bytes(hdu))
    assert "10 pixels from the centre" in notes(sequence)
    assert "pixels from the centre" not in notes(read_sequence(as_bytes(hdu), ra=120.0, dec=10.0))


def test_turned_frames_are_said() -> None:
    turned = image(MJD + 1, **(wcs_cards(8, 8) | {"CDELT1": 1 / 3600}))
    plain = image(MJD, **wcs_cards(8, 8))
    for hdu in (turned, plain):
        hdu.header["PC1_1"], hdu.header["PC2_2"] = 1.0, 1.0
    assert "turned or mirrored" in notes(read_sequence(as_bytes(plain, turned)))


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB"},
        {"CTYPE1": "RA---TPV", "CTYPE2": "FREQ"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": 0.0, "CD1_2": 0.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "A_ORDER": 99},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
        {"RADESYS": "GAPPT"},
    ],
)
def test_a_wcs_that_cannot_be_used_is_left_out_and_said(cards: dict[str, object]) -> None:
    sequence = read_sequence(as_bytes(image(MJD, **(wcs_cards(8, 8) | cards))))
    assert sequence.wcs is None
    assert sky_geometry(sequence)["plate"] is None
    assert "WCS" in notes(sequence)


@pytest.mark.parametrize(
    "axes",
    [
        {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 210.8, "CRVAL2": 20.6},
        {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 10.0, "CRVAL2": 120.0},
        {"EQUINOX": 1950.0, "RADESYS": "FK4"},
    ],
    ids=["galactic", "declination first", "B1950"],
)
def test_the_target_is_found_in_any_frame_and_order_of_axes(axes: dict[str, object]) -> None:
    cards = wcs_cards(30, 34) | axes
    sequence = read_sequence(as_bytes(image(MJD, shape=(64, 64), **cards)))
    place = sequence.wcs.pixel_to_world(38.25, 27.5).icrs
    aimed = sequence.with_meta(ra=place.ra.deg, dec=place.dec.deg)
    assert target_pixel(aimed) == pytest.approx((38.25, 27.5), abs=1e-6)


# --- zero points --------------------------------------------------------------------------


def exposures(points: list[float | None], **cards: object) -> bytes:
    """Return science images of a star of 17 mag, and their difference images."""
    hdus = []
    for i, point in enumerate(points):
        counts = 10 ** (0.4 * ((25.5 if point is None else point) - 17))
        for name, level in (("SCI", 100.0), ("DIFF", 0.0)):
            hdu = image(MJD + i, shape=(64, 64), **cards)
            hdu.name, hdu.data[...] = name, level
            hdu.data[32, 32] += counts
            hdu.header.update({} if point is None else {"MAGZP": point})
            hdus.append(hdu)
    return as_bytes(*hdus)


def test_frames_of_different_zero_points_show_a_constant_star_constant() -> None:
    sequence = read_sequence(exposures([26.0, 25.0, 26.0, 25.0]))
    frames = sequence.frames - sequence.frames[:, :1, :1]
    assert frames[:, 32, 32] == pytest.approx(10**3.6, rel=1e-4)
    assert sequence.difference[:, 32, 32] == pytest.approx(10**3.6, rel=1e-4)
    assert sequence.meta["zero_point"] == 26.0
    assert "zero_point" not in sequence.columns
    assert "the zero points differ" in notes(sequence)
    assert np.ptp(extract_light_curve(sequence).flux) < 10


def test_frames_of_one_zero_point_are_left_as_they_are() -> None:
    sequence = read_sequence(exposures([26.0, 26.0], SATURATE=20_000.0))
    assert np.array_equal(sequence.difference[:, 32, 32], np.float32([10**3.6] * 2))
    assert sequence.meta["saturation"] == 20_000.0
    assert "zero point" not in notes(sequence)


def test_saturation_is_scaled_with_the_frames_and_a_missing_zero_point_said() -> None:
    sequence = read_sequence(exposures([25.0, 26.0, None], SATURATE=20_000.0))
    assert sequence.meta["zero_point"] == 25.0
    assert sequence.meta["saturation"] == pytest.approx(20_000 / 10**0.4)
    assert sequence.frames[2, 0, 0] == 100.0
    assert "2 images that state none" in notes(sequence)
