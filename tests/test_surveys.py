"""Surveys as data: every preset draws, writes and reads back; faults are those of the release."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from taonet_core.cli import app
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.simulation.cadence import draw_cadence, moon_phase
from taonet_core.simulation.colors import band_offset
from taonet_core.simulation.deep_tao import write_deep_tao
from taonet_core.simulation.detector import expose, moonlight
from taonet_core.simulation.draw import draw_object, draw_stored
from taonet_core.simulation.presets import SURVEYS
from taonet_core.simulation.survey import Band, Survey
from taonet_core.transforms.photometry import extract_light_curve

CRTS, ZTF = SURVEYS["crts"], SURVEYS["ztf"]
#: Two filters that differ by two magnitudes in what a count means, and a short window.
SMALL = Survey(
    name="small",
    pixel_scale=1.5,
    bands=(Band("g", 480.0, 25.0, 40.0), Band("r", 620.0, 27.0, 250.0, share=2.0)),
    fwhm=2.4,
    bands_a_night=2,
    revisit=12.0,
    first_year=2021,
    last_year=2021,
    reference_depth=10,
)


def read_back(stored: ImageSequence, folder: Path) -> ImageSequence:
    path = folder / f"{stored.object_id}.fits"
    write_deep_tao(stored, path, stored.meta["header"])
    return read_sequence(path)


@pytest.mark.parametrize("name", sorted(SURVEYS))
def test_what_is_drawn_is_what_its_file_reads(name: str, tmp_path: Path) -> None:
    survey = replace(SURVEYS[name], revisit=30.0, revisit_min=10.0)
    drawn = draw_object("CV", survey=survey, seed=1)
    read = read_back(draw_stored("CV", survey=survey, seed=1), tmp_path)
    for part in ("frames", "times", "bands", "reference", "difference"):
        expected = getattr(drawn, part)
        if expected is None:
            assert getattr(read, part) is None
        else:
            np.testing.assert_array_equal(getattr(read, part), expected)
    for key in ("object_id", "label", "survey", "pixel_scale", "zero_point", "gain", "saturation"):
        assert read.meta[key] == drawn.meta[key]
    assert set(drawn.bands) <= {band.name for band in survey.bands}
    assert drawn.frames.shape[1:] == (survey.size, survey.size)


def test_the_documented_survey_of_ones_own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[1] / "docs" / "surveys.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/surveys.md", "exec"), {})
    written = sorted(tmp_path.rglob("*.fits"))
    assert len(written) == 6
    read = read_sequence(written[0])
    assert (read.meta["survey"], read.meta["pixel_scale"]) == ("mine", 1.5)
    assert set(read.bands) == {"g", "r"}


def test_command_line_simulates_another_survey(tmp_path: Path) -> None:
    words = ["simulate", "--survey", "crts-sss", "--per-class", "1", "--output", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.rglob("*.fits"))) == 6


def test_clock_and_archive_faults_are_mended_as_the_reader_mends_them(tmp_path: Path) -> None:
    faulty = replace(
        CRTS, clock_fault=(0.0, 1e5, 1.0), overlap_share=1.0, visit_sizes=(0.0, 0.0, 0.0, 1.0)
    )
    for label in ("SN", "NON"):
        stored = draw_stored(label, survey=faulty, seed=2)
        recorded, first = stored.columns["recorded"], stored.columns["cutout"] == "0001"
        assert first.sum() == (~first).sum()
        steps = (recorded[first] - stored.times[first][::4].repeat(4)) / 0.2
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
        assert (np.diff(recorded[first]) < 0).any()
        read, drawn = read_back(stored, tmp_path), draw_object(label, survey=faulty, seed=2)
        assert len(read) == first.sum()
        np.testing.assert_array_equal(read.frames, drawn.frames)
        np.testing.assert_array_equal(read.times, drawn.times)
        assert read.meta["dropped"] == drawn.meta["dropped"] != []
        assert (np.abs(read.times - stored.times[first]) < 1).all()


def test_an_exposure_stored_twice_has_the_same_pixels_at_another_offset() -> None:
    twice = replace(CRTS, overlap_share=1.0, edge_share=0.0)
    stored = draw_stored("AGN", survey=twice, seed=3)
    shifts = set()
    for one, two in zip(stored.frames[::2], stored.frames[1::2], strict=True):
        inner = one[1:-1, 1:-1]
        shifts |= {
            (y, x)
            for y in range(3)
            for x in range(3)
            if (two[y : y + 62, x : x + 62] == inner).all() and np.ptp(one) > 0
        }
    assert len(shifts) == 1


def test_bands_share_one_zero_point() -> None:
    """Stars are as bright in counts in both bands as their colours say; most have no neighbour."""
    steady = replace(
        SMALL, fwhm_scatter=0.0
    )  # the seeing of the first night sets the aperture loss
    drawn = [draw_object("NON", survey=steady, seed=4, index=i) for i in range(24)]
    offsets = []
    for sequence in drawn:
        true = sequence.columns["true_mag"]
        if true.min() > 14 and true.max() < 18.6:
            above = extract_light_curve(sequence).mag - true
            offsets.append([np.nanmedian(above[sequence.bands == band]) for band in ("g", "r")])
    assert len(offsets) >= 4
    green, red = np.median(offsets, axis=0)
    assert green == pytest.approx(red, abs=0.08)
    assert abs(green) < 0.2
    assert drawn[0].meta["zero_point"] == 27.0
    assert drawn[0].meta["saturation"] == pytest.approx(SMALL.saturation)


def test_difference_is_what_changed_since_the_reference() -> None:
    survey = replace(SMALL, reference_error=0.0, calibration_scatter=0.0)
    drawn = draw_object("SN", survey=survey, visibility=1.0, seed=5, index=2)
    assert drawn.reference is not None and drawn.difference is not None
    bright = int(np.argmin(drawn.columns["true_mag"]))
    flux = 10 ** (-0.4 * (drawn.columns["true_mag"][bright] - drawn.meta["zero_point"]))
    y, x = np.mgrid[: survey.size, : survey.size] - survey.size // 2
    inside = np.hypot(x, y) < 8
    noise = drawn.difference[bright][~inside].std() * np.sqrt(inside.sum())
    assert abs(drawn.difference[bright][inside].sum() - flux) < 4 * noise + 0.15 * flux
    quiet = drawn.reference[bright][np.hypot(x, y) > 25]
    spread = [np.median(np.abs(p - np.median(p))) for p in (quiet, drawn.difference[bright])]
    assert spread[0] < 0.6 * spread[1]


def test_each_night_has_its_number_of_filters() -> None:
    rng = np.random.default_rng(6)
    cadence = draw_cadence(ZTF, 120.0, rng)
    assert (np.diff(cadence.times) > 0).all()
    day = np.floor(cadence.times)
    for date in np.unique(day):
        assert len(set(cadence.band[day == date])) == 2 == (day == date).sum()
    share = np.bincount(cadence.band, minlength=3) / len(cadence)
    assert share[:2].min() > 0.3 > share[2]


def test_crts_sleeps_at_full_moon() -> None:
    rng = np.random.default_rng(7)
    times = np.concatenate([draw_cadence(CRTS, ra, rng).times for ra in np.linspace(0, 360, 40)])
    days_from_full = np.abs(moon_phase(times) - 0.5) * 29.53
    assert (days_from_full < 2.5).mean() < 0.02
    # full moon of 2010 January 30 and new moon of 2010 January 15, UT
    turn = 2 * np.pi * moon_phase(np.array([55226.26, 55211.3]))
    assert np.cos(turn) == pytest.approx([-1.0, 1.0], abs=0.02)


def test_moonlight_fades_with_the_phase_and_lights_the_sky() -> None:
    full, quarter = 55226.2, 55226.2 - 7.4
    assert moonlight(np.array([full]))[0] > 0.9
    assert 0.05 < moonlight(np.array([quarter]))[0] < 0.15  # a tenth, not a half
    always = replace(ZTF, revisit=1.0, revisit_min=1.0, reference_depth=0)
    drawn = draw_object("NON", survey=always, seed=8)
    sky = np.nanmedian(drawn.frames, axis=(1, 2))
    green, light = drawn.bands == "g", moonlight(drawn.times)
    dark, bright = sky[green & (light < 0.02)], sky[green & (light > 0.4)]
    assert np.median(bright) > 1.3 * np.median(dark)


def test_hot_pixels_and_ghosts_last_a_visit_and_all_else_is_sky() -> None:
    plain = Survey("plain", 1.0, (Band("r", 620.0, 26.0, 400.0),), 2.2, gain=1e6, read_noise=0.1)
    plain = replace(plain, sky_scatter=0.0, sky_night_scatter=0.0)
    rng = np.random.default_rng(9)
    cadence = draw_cadence(replace(plain, visit_sizes=(0.0, 0.0, 1.0)), 60.0, rng)
    dark = np.zeros((len(cadence), 40, 40), dtype=np.float32)
    for fault in ("hot_pixels", "ghost_share"):
        frames = expose(dark.copy(), replace(plain, **{fault: 0.8}), cadence, rng)
        above = frames > np.median(frames, axis=(1, 2), keepdims=True) + 2
        struck = above.any(axis=(1, 2)).reshape(-1, 3)
        assert 0.2 < struck[:, 0].mean() < 0.95
        same = [(above[i] == above[i + 1]).mean() for i in range(0, len(above), 3)]
        assert np.median(same) == 1.0
    assert not (expose(dark, plain, cadence, rng) > 500).any()


def test_black_bodies_have_their_colours() -> None:
    assert band_offset(5800.0, 551.0) == 0
    assert band_offset(3500.0, 800.0) < -0.5 < 0.3 < band_offset(20_000.0, 800.0)
    hot = band_offset(1e7, 400.0)  # Rayleigh-Jeans: intensity falls as the wavelength squared
    assert hot == pytest.approx(-5 * np.log10(551 / 400), abs=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visit_sizes": (0.5, 0.2)}, r"add up to 1; got \(0.5, 0.2\)"),
        ({"visit_sizes": (1.5, -0.5)}, "add up to 1"),
        ({"bands": ()}, "at least one band"),
        ({"bands_a_night": 2}, "bands_a_night"),
        ({"bands": (CRTS.bands[0], CRTS.bands[0])}, "same name"),
        ({"fwhm": 0.0}, "fwhm must be above zero; got 0.0"),
        ({"gain": float("nan")}, "gain must be above zero"),
        ({"size": 8}, "16 pixels or more; got 8"),
        ({"blank_share": 1.2}, "blank_share must lie between 0 and 1; got 1.2"),
        ({"season_scatter": -1.0}, "season_scatter must be 0 or more"),
        ({"read_noise": -1.0}, "read_noise must be 0 or more"),
        ({"moffat_beta": 1.0}, "moffat_beta must be above 1"),
        ({"last_year": 1999}, "last_year no earlier than first_year"),
        ({"declination": (60.0, -30.0)}, "declination must rise"),
    ],
)
def test_surveys_that_make_no_sense_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CRTS, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "narrow-band"}, "1 to 8 ASCII characters; got 'narrow-band'"),
        ({"sky": 0.0}, "sky must be above zero"),
        ({"moon": -1.0}, "moon must be 0 or more"),
    ],
)
def test_bands_that_make_no_sense_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CRTS.bands[0], **changes)


def test_a_deeper_survey_sees_the_same_objects_further_away() -> None:
    near, far = (draw_object("SN", survey=replace(SMALL, depth=d), seed=10) for d in (0.0, 2.0))
    seen = np.isfinite(near.columns["true_mag"])
    np.testing.assert_allclose(
        far.columns["true_mag"][seen], near.columns["true_mag"][seen] + 2.0, rtol=1e-12
    )
    headers = [drawn.meta["header"] for drawn in (near, far)]
    for card in ("SIMMAG", "SIMQUIET"):
        assert headers[1][card][0] == pytest.approx(headers[0][card][0] + 2.0, abs=1e-3)
