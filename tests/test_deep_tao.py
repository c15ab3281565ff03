"""The release's files with every quirk they are known for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from makers import as_bytes

from taonet_core.data.deep_tao import settle_times
from taonet_core.data.fits_headers import calendar_mjd, calendar_text
from taonet_core.data.fits_io import read_sequence
from taonet_core.simulation.deep_tao import encode_sequence


def release(rows: list[tuple], *, text: bool = False, **header: object) -> bytes:
    """Return a release file; a row is (date, MJD, field, observation, cutout, pixel value)."""
    dates, mjds, fields, turns, cutouts, values = zip(*rows, strict=True)
    exts = range(2, len(rows) + 2)
    columns = [
        fits.Column("HDU_Ext", "4A" if text else "K", array=[str(e) if text else e for e in exts]),
        fits.Column("DATE" if text else "Date", "7A", array=dates),
        fits.Column("MJD", "18A" if text else "D", array=[str(m) if text else m for m in mjds]),
        fits.Column("Field_ID", "6A", array=fields),
        fits.Column("Cutout", "4A", array=cutouts),
    ]
    if not text:
        columns.insert(4, fits.Column("Obs_In_Seq", "4A", array=turns))
    cards = fits.Header()
    for key, value in header.items():
        cards[key] = value
    table = fits.BinTableHDU.from_columns(columns, header=cards)
    return as_bytes(table, *(fits.ImageHDU(np.full((8, 8), v, dtype=np.uint16)) for v in values))


def values(sequence) -> list[float]:
    return sequence.frames[:, 0, 0].tolist()


def test_frames_stand_in_time_not_in_the_order_of_month_names() -> None:
    data = release(
        [
            ("06APR02", 53827.2, "N1", "0001", "1", 30),
            ("06DEC02", 54071.2, "N1", "0001", "1", 40),
            ("06FEB02", 53768.3, "N1", "0002", "1", 20),
            ("06FEB02", 53768.2, "N1", "0001", "1", 10),
        ]
    )
    assert values(read_sequence(data)) == [10, 20, 30, 40]


def test_impossible_times_of_a_night_are_rebuilt_in_the_order_of_exposures() -> None:
    rows = [
        ("05DEC01", 53705.3, "N1", "0001", "1", 1),
        ("05DEC01", 53705.1, "N1", "0002", "1", 2),
        ("05DEC01", 53705.5, "N1", "0003", "1", 3),
        ("05DEC20", 53724.2, "N1", "0001", "1", 4),
    ]
    sequence = read_sequence(release(rows))
    assert values(sequence) == [1, 2, 3, 4]
    assert (np.diff(sequence.times) > 0).all()
    assert np.ptp(sequence.times[:3]) < 0.1
    assert sequence.times[3] == 53724.2
    assert any("their times rebuilt" in note for note in sequence.meta["notes"])


def test_good_times_are_left_alone(rng) -> None:
    mjd = np.sort(rng.uniform(53_000, 53_300, 50))
    times, changed = settle_times(mjd, np.floor(mjd))
    assert changed == 0
    assert np.array_equal(times, mjd)


def test_settled_times_never_decrease_whatever_comes_in(rng) -> None:
    for _ in range(50):
        day = np.sort(rng.integers(53_000, 53_010, 30)).astype(float)
        mjd = day + rng.uniform(-3, 4, 30)
        mjd[rng.random(30) < 0.2] = np.nan
        times, _ = settle_times(mjd, day)
        assert np.isfinite(times).all()
        assert (np.diff(times) >= 0).all()
        assert (np.abs(times - day) < 3).all()


def test_an_exposure_in_two_cutouts_is_kept_once() -> None:
    rows = [
        ("06APR02", 53827.2, "N1", "0001", "1", 10),
        ("06APR02", 53827.2, "N1", "0001", "2", 11),
        ("06APR02", 53827.2, "N2", "0001", "1", 12),
        ("06APR02", 53827.21, "N1", "0002", "1", 13),
    ]
    sequence = read_sequence(release(rows))
    assert values(sequence) == [10, 12, 13]
    assert sequence.meta["dropped"] == ["1 frames repeat an exposure from another cut-out"]


def test_non_transients_with_numbers_as_text_are_read(tmp_path: Path) -> None:
    rows = [
        ("06APR02", 53827.25, "N1", "", "1", 20),
        ("06FEB02", 53768.25, "N1", "", "1", 10),
        ("06FEB02", 53768.25, "N1", "", "2", 11),
    ]
    path = tmp_path / "nonCSS:123.25-12.5.fits"
    path.write_bytes(release(rows, text=True))
    sequence = read_sequence(path)
    assert values(sequence) == [10, 20]
    assert sequence.times.tolist() == [53768.25, 53827.25]
    assert {k: sequence.meta[k] for k in ("ra", "dec", "label")} == {
        "ra": 123.25,
        "dec": -12.5,
        "label": "NON",
    }


@pytest.mark.parametrize(
    ("text", "folder", "label"),
    [
        ("SN 2006tf (TSS) SDSS mag 20,7", "x", "SN"),
        ("AGN?", "x", "AGN"),
        ("HPM", "x", "OTHER"),
        ("SN?", "BZ", "BZ"),
        ("", "CV", "CV"),
        ("", "elsewhere", None),
    ],
)
def test_the_class_comes_from_the_header_or_the_folder(tmp_path, text, folder, label) -> None:
    path = tmp_path / folder / "CSS1.fits"
    path.parent.mkdir()
    path.write_bytes(release([("06APR02", 53827.2, "N1", "0001", "1", 1)], CLASS=text))
    assert read_sequence(path).meta.get("label") == label


def test_blank_frames_are_kept_as_they_are() -> None:
    rows = [
        (f"06APR{d:02}", 53825.2 + d, "N1", "0001", "1", v) for d, v in ((1, 0), (2, 7), (3, 0))
    ]
    assert values(read_sequence(release(rows))) == [0, 7, 0]


def test_what_the_release_does_not_say_is_assumed_aloud() -> None:
    row = ("06APR02", 53827.2, "N1", "0001", "1", 1)
    silent = read_sequence(release([row], CRTS_ID="MLS110101:000000+000000"))
    assert silent.meta["pixel_scale"] == 1.0
    assert silent.meta["gain"] == 2.5
    assert any("assumed" in note for note in silent.meta["notes"])
    told = {"PIXSCALE": 0.7, "MAGZERO": 25.1, "SATURATE": 50_000.0, "GAIN": 1.4}
    spoken = read_sequence(release([row], **told))
    assert spoken.meta["gain"] == 1.4
    assert (spoken.meta["pixel_scale"], spoken.meta["zero_point"]) == (0.7, 25.1)
    assert not any("assumed" in note for note in spoken.meta["notes"])


def test_a_file_cut_between_frames_gives_those_before() -> None:
    rows = [(f"06APR{d:02}", 53825.2 + d, "N1", "0001", "1", d) for d in (1, 2, 3)]
    sequence = read_sequence(release(rows)[:-3000])
    assert values(sequence) == [1, 2]
    assert any("only what comes before" in note for note in sequence.meta["notes"])


def test_dates_of_the_release_are_calendar_days(rng) -> None:
    assert calendar_mjd("06APR02") == 53827
    assert np.isnan(calendar_mjd("06XXX02")) and np.isnan(calendar_mjd("06FEB31"))
    for mjd in rng.integers(50_000, 60_000, 200).tolist():
        assert calendar_mjd(calendar_text(mjd + 0.7)) == mjd


@pytest.mark.parametrize("label", ["CV", "NON"])
def test_simulated_files_are_read_and_say_so(make_sequence, label: str) -> None:
    sequence = make_sequence(nights=3, label=label)
    data = encode_sequence(sequence, {"SIMULATD": True, "CLASS": label, "MAGZERO": 25.9})
    read = read_sequence(data)
    assert np.array_equal(read.frames, sequence.frames)
    assert np.allclose(read.times, sequence.times, atol=1e-7, rtol=0)
    assert read.meta["simulated"] is True
    assert read.meta["gain"] == 2.5
    assert not any("assumed" in note for note in read.meta["notes"])
    assert (read.meta["label"], read.meta["zero_point"]) == (label, 25.9)
