"""When frames were taken: every spelling, and what is done without."""

from __future__ import annotations

import time

import numpy as np
import pytest
from astropy.io import fits
from makers import MJD, as_bytes, image, notes

from taonet_core.data.fits_headers import parse_date
from taonet_core.data.fits_io import read_sequence


@pytest.mark.parametrize(
    "cards",
    [
        {"MJD-OBS": MJD},
        {"MJD_OBS": MJD},
        {"MJD": MJD},
        {"OBSMJD": str(MJD)},
        {"JD": MJD + 2_400_000.5},
        {"OBSJD": MJD + 2_400_000.5},
        {"MJD": MJD + 2_400_000.5},
        {"HIERARCH ESO OBS MJD-OBS": MJD},
        {"HIERARCH MJD OBS": MJD},
        {"DATE-OBS": "2010-01-01T06:00:00.000"},
        {"DATE-OBS": "2010-01-01T06:00:00Z"},
        {"DATE-OBS": "2010-01-01T08:00:00+02:00"},
        {"DATE-OBS": "2010-01-01", "TIME-OBS": "06:00:00"},
        {"DATE-OBS": "2010/01/01", "UT": "06:00:00.0"},
        {"DATE-OBS": "01/01/2010", "UT": "6:00:00"},
        {"MJD-OBS": MJD, "DATE-OBS": "2010-01-01T05:00:00"},
    ],
)
def test_every_spelling_of_a_time_is_understood(cards: dict[str, object]) -> None:
    hdu = fits.ImageHDU(np.ones((8, 8), np.float32))
    for key, value in cards.items():
        hdu.header[key] = value
    sequence = read_sequence(as_bytes(hdu))
    assert sequence.times[0] == pytest.approx(MJD, abs=1e-6)
    assert sequence.meta["time_kind"] == "mjd"


@pytest.mark.parametrize("bad", [0.0, -5.0, 9999.0, 1e9, "yesterday", "NaN"])
def test_impossible_times_count_as_missing(bad: object) -> None:
    hdu = fits.ImageHDU(np.ones((8, 8), np.float32))
    hdu.header["MJD-OBS"] = bad
    sequence = read_sequence(as_bytes(hdu))
    assert sequence.meta["time_kind"] == "index"
    assert "no frame has a time" in notes(sequence)


def test_dates_alone_and_disagreements_are_said() -> None:
    assert parse_date("31/12/99") == (51_543.0, False)
    assert parse_date("2010-13-01") == (None, False)
    dated = read_sequence(as_bytes(image(DATE_OBS="2010-01-01")))
    assert "without a time of day" in notes(dated)
    twice = read_sequence(as_bytes(image(MJD, DATE_OBS="2010-01-01T07:00:00")))
    assert "disagree" in notes(twice)


def test_frames_are_sorted_and_exact_duplicates_dropped(rng) -> None:
    hdus = [image(MJD + i) for i in range(6)]
    wanted = read_sequence(as_bytes(*hdus))
    for _ in range(10):
        order = rng.permutation(9) % 6
        order = [*order, *range(6)]
        read = read_sequence(as_bytes(*(hdus[i] for i in order)))
        assert np.array_equal(read.frames, wanted.frames)
        assert np.array_equal(read.times, wanted.times)
        assert "9 frames are exact duplicates" in notes(read)


def test_many_frames_of_one_time_are_compared_quickly(rng) -> None:
    pixels = rng.normal(size=(3000, 6, 6)).astype(np.float32)
    columns = [fits.Column("MJD", "D", array=np.full(3000, MJD))]
    data = as_bytes(fits.ImageHDU(pixels), fits.BinTableHDU.from_columns(columns))
    start = time.process_time()
    assert len(read_sequence(data)) == 3000
    assert time.process_time() - start < 3


def test_equal_times_with_other_pixels_or_filters_are_two_exposures() -> None:
    hdus = [image(MJD, FILTER="g"), image(MJD, FILTER="r"), image(MJD, FILTER="g")]
    hdus[2].data[0, 0] += 1
    assert len(read_sequence(as_bytes(*hdus))) == 3


def test_a_frame_without_time_among_timed_ones_is_left_out() -> None:
    sequence = read_sequence(as_bytes(image(MJD), image(), image(MJD + 1)))
    assert len(sequence) == 2
    assert "1 frames without a time" in notes(sequence)
