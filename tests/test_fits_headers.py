"""Words and numbers of headers: what they mean, and which are believed."""

from __future__ import annotations

import pytest
from makers import MJD, as_bytes, image, notes, wcs_cards

from taonet_core.data.fits_headers import label_of, parse_angle
from taonet_core.data.fits_io import read_sequence, write_sequence
from taonet_core.transforms.photometry import extract_light_curve


def test_angles_are_read_in_degrees_and_sexagesimal() -> None:
    assert parse_angle("08:12:33", hours=True) == pytest.approx(123.1375)
    assert parse_angle("-00 30 36", hours=False) == pytest.approx(-0.51)
    assert parse_angle("8h12m33s", hours=True) == pytest.approx(123.1375)
    assert parse_angle(12.5, hours=True) == 12.5
    assert parse_angle("99:99", hours=True) is None
    assert label_of("SN") == "SN" and label_of("nothing") is None


def test_words_of_the_header_are_cleaned() -> None:
    sequence = read_sequence(
        as_bytes(image(MJD, OBJECT="<b>x</b>  y", FILTER="r" * 60, MAGZP=25.5))
    )
    assert sequence.object_id == "<b>x</b> y"
    assert len(sequence.bands[0]) == 60
    assert sequence.meta["zero_point"] == 25.5


@pytest.mark.parametrize(
    ("key", "keyword", "value"),
    [
        *(("zero_point", "MAGZERO", value) for value in (9999.0, 99.0, 0.0, -999.0)),
        *(("saturation", "SATURATE", value) for value in (0.0, -1.0)),
        *(("pixel_scale", "PIXSCALE", value) for value in (1e-200, 1e-5, 0.0, 3600.0)),
        *(("gain", "GAIN", value) for value in (0.0, -1.0)),
    ],
)
def test_fill_values_of_the_calibration_are_ignored_aloud(
    key: str, keyword: str, value: float
) -> None:
    sequence = read_sequence(as_bytes(image(MJD, shape=(64, 64), **{keyword: value})))
    assert key not in sequence.meta
    assert f"the {key.replace('_', ' ')} {value:g} cannot be true" in notes(sequence)
    assert len(extract_light_curve(sequence)) == 1


@pytest.mark.parametrize("size", [1e-9, 1.0])
def test_a_pixel_scale_of_the_wcs_is_held_to_the_same_bounds(size: float) -> None:
    cards = wcs_cards(32, 32) | {"CDELT1": -size, "CDELT2": size}
    sequence = read_sequence(as_bytes(image(MJD, shape=(64, 64), **cards)))
    assert "pixel_scale" not in sequence.meta
    assert "cannot be true" in notes(sequence)


@pytest.mark.parametrize(
    ("cards", "gain"),
    [
        ({"GAIN": 1.6}, 1.6),
        ({"GAIN": 300, "EGAIN": 0.9}, 0.9),  # GAIN is a setting of the camera
        ({"HIERARCH ESO DET OUT1 GAIN": 0.5, "HIERARCH ESO DET OUT1 CONAD": 2.0}, 2.0),
    ],
)
def test_the_gain_is_read_kept_and_used(cards: dict[str, object], gain: float, tmp_path) -> None:
    hdu = image(MJD, shape=(64, 64))
    hdu.header.update(cards)
    sequence = read_sequence(as_bytes(hdu))
    assert sequence.meta["gain"] == gain
    assert not any("Gain" in note for note in extract_light_curve(sequence).meta["notes"])
    for layout in ("mef", "deep-tao"):
        again = read_sequence(write_sequence(sequence, tmp_path / layout, layout=layout))
        assert again.meta["gain"] == gain
