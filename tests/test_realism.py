"""The comparison with the real sky: it finds what differs, and nothing where nothing does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from realsky.catalogue import CurveSet, ErrorModel, catalogue_view, fit_errors, thin, tidied
from realsky.simulated import OFTEN_SEEN, PEEK_SIZE, draw_curves, stratum_of
from realsky.stamps import describe_stamps, power_spectrum
from realsky.tell_apart import match_lengths, tell_apart

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import night_index
from taonet_core.simulation.draw import draw_object, draw_stored

ERRORS = ErrorModel(floor=0.05, photon=0.17)


def visits(nights: int) -> NDArray[np.float64]:
    """Return times of four exposures a night, ten days apart."""
    return (55_000 + 10.0 * np.arange(nights)[:, None] + 0.0071 * np.arange(4)).ravel()


def curve(nights: int, scatter: float, rng: np.random.Generator) -> LightCurve:
    times = visits(nights)
    mag = 18 + 0.3 * rng.standard_normal() + scatter * rng.standard_normal(len(times))
    return LightCurve(times, mag, ERRORS.quoted(mag))


def curve_set(
    count: int, scatter: float, rng: np.random.Generator, *, nights: tuple[int, int] = (15, 40)
) -> CurveSet:
    curves = [curve(int(rng.integers(*nights)), scatter, rng) for _ in range(count)]
    names = np.array([f"{scatter} {rng.random()}" for _ in range(count)])
    return CurveSet(curves, np.full(count, "NON"), names, np.full(count, "star"))


def test_errors_of_the_catalogue_are_recovered(rng: np.random.Generator) -> None:
    mag = rng.uniform(12.5, 21.5, 20_000)
    points = LightCurve(np.arange(20_000.0), mag, ERRORS.quoted(mag))
    found = fit_errors(CurveSet([points], *(np.array([""]) for _ in range(3))))
    assert found.floor == pytest.approx(0.05, rel=0.02)
    assert found.photon == pytest.approx(0.17, rel=0.02)


def test_catalogue_lists_detections_and_leaves_magnitudes_but_outliers(
    rng: np.random.Generator,
) -> None:
    times, flux = visits(100), np.full(400, 1000.0)
    flux[::10] = 30.0
    err = np.full(400, 20.0)
    mag = 26 - 2.5 * np.log10(flux)
    measured = LightCurve(times, mag, 1.0857 * err / flux, flux, err, np.full(400, 21.5))
    listed = catalogue_view(measured, ERRORS, rng)
    assert listed is not None
    assert len(listed) == 360  # 30 is below two times 20
    untouched = np.abs(listed.mag - 18.5) < 0.006
    assert 0.9 < untouched.mean() < 1.0
    np.testing.assert_allclose(listed.mag_err[untouched], 0.144, atol=6e-3)


def test_a_second_field_is_left_out() -> None:
    minutes = np.array([0.0, 10.0, 11.0, 20.0, 30.0])
    curve = LightCurve(55_000 + minutes / 1440, np.full(5, 17.234), np.full(5, 0.0871))
    tidy = tidied(curve)
    np.testing.assert_allclose((tidy.times - 55_000) * 1440, [0, 10, 20, 30], atol=1e-4)
    assert set(tidy.mag) == {17.23}
    assert set(tidy.mag_err) == {0.09}


def test_thinning_leaves_whole_nights_out(rng: np.random.Generator) -> None:
    full = curve(40, 0.1, rng)
    thinned = thin(full, 60, rng)
    assert 56 <= len(thinned) <= 62
    assert (np.bincount(night_index(thinned.times)) == 4).all()


def test_matched_curves_have_the_same_lengths(rng: np.random.Generator) -> None:
    short = curve_set(30, 0.1, rng, nights=(15, 25))
    long = curve_set(40, 0.1, rng, nights=(24, 40))
    one, two = match_lengths(short, long, rng)
    lengths = [[len(c) for c in side.curves] for side in (one, two)]
    assert np.abs(np.subtract(*lengths)).max() <= 4


def test_only_what_differs_is_told_apart(rng: np.random.Generator) -> None:
    base = curve_set(40, 0.10, rng, nights=(20, 21))
    same = tell_apart(base, curve_set(40, 0.10, rng, nights=(20, 21)), repeats=1, trees=6)
    other = tell_apart(base, curve_set(40, 0.16, rng, nights=(20, 21)), repeats=1, trees=6)
    assert abs(same.auc[0] - 0.5) < 0.2
    assert other.auc[0] > 0.95
    assert any("scatter" in name or "std" in name for name, _ in other.telling[:4])


def test_a_larger_cutout_shows_the_same_object() -> None:
    survey = OFTEN_SEEN.survey
    large = draw_stored("CV", survey=survey, seed=4)
    small = draw_stored("CV", survey=replace(survey, size=PEEK_SIZE), seed=4)
    np.testing.assert_array_equal(large.times, small.times)
    np.testing.assert_array_equal(large.columns["true_mag"], small.columns["true_mag"])


def test_strata_are_as_coarse_as_the_lists() -> None:
    for index in range(6):
        *kind, phase = stratum_of(draw_object("OTHER", seed=1, index=index)).split()
        assert set(kind) < {"proper_motion", "mira", "yso", "variable", "flare", "rest"}
        assert phase in {"before", "during", "after"}
    assert stratum_of(draw_object("SN", seed=1, visibility=1.0)) == "during"


def test_drawn_curves_have_the_strata_asked_for() -> None:
    drawn = draw_curves("CV", 2, ERRORS, seed=4, strata={"during": 0.5, "after": 0.5})
    assert sorted(drawn.strata) == ["after", "during"]
    assert min(len(curve) for curve in drawn.curves) >= 60


def test_stamps_of_white_noise_have_a_flat_spectrum(rng: np.random.Generator) -> None:
    stamps = [200 + 5 * rng.standard_normal((63, 63)) for _ in range(12)]
    assert np.median(describe_stamps(stamps)["sky, counts"]) == pytest.approx(200, abs=0.5)
    assert np.median(describe_stamps(stamps)["noise, counts"]) == pytest.approx(5, rel=0.05)
    np.testing.assert_allclose(power_spectrum(stamps)[3:], 1.0, atol=0.2)


def test_width_of_stars_is_measured(rng: np.random.Generator) -> None:
    y, x = np.mgrid[:63, :63]
    star = 4000 * np.exp(-4 * np.log(2) * ((x - 30.2) ** 2 + (y - 31.1) ** 2) / 2.4**2)
    width = describe_stamps([200 + star + 5 * rng.standard_normal((63, 63))])
    assert width["width of stars, pixels"][0] == pytest.approx(2.4, rel=0.05)
