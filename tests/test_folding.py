"""Periods are found where they are, and not where there is only noise."""

import numpy as np
import pytest

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.folding import MIN_POINTS, SHOWN, period_search


def wave(rng, period, *, points=120, amplitude=300.0, noise=20.0):
    """Make a sine in two filters of different brightness."""
    times = np.sort(rng.uniform(55_000, 55_400, points))
    bands = rng.choice(["g", "r"], points)
    flux = np.where(bands == "g", 900.0, 2500.0) + amplitude * np.sin(2 * np.pi * times / period)
    flux = flux + rng.normal(0, noise, points)
    mag = 26 - 2.5 * np.log10(flux)
    return LightCurve(times, mag, np.full(points, 0.05), flux, np.full(points, noise), bands=bands)


@pytest.mark.parametrize("period", [0.31, 7.3, 90.0])
def test_the_period_of_a_wave_is_found_across_filters(rng, period):
    found = period_search(wave(rng, period))
    # within the width of the peak
    assert 1 / found["period"] == pytest.approx(1 / period, abs=0.5 / 400)
    assert found["false_alarm"] < 1e-6
    best = found["frequency"][int(np.argmax(found["power"]))]
    assert 1 / best == pytest.approx(found["period"])


def test_magnitudes_serve_where_fluxes_are_unknown(rng):
    curve = wave(rng, 7.3)
    alone = LightCurve(curve.times, curve.mag, curve.mag_err, bands=curve.bands)
    assert period_search(alone)["period"] == pytest.approx(7.3, rel=0.01)


def test_noise_alone_has_no_period_worth_the_name(rng):
    chances = [period_search(wave(rng, 1.0, amplitude=0.0))["false_alarm"] for _ in range(20)]
    assert np.median(chances) > 0.05


def test_the_periodogram_is_thinned_to_its_peaks(rng):
    found = period_search(wave(rng, 3.0))
    assert len(found["frequency"]) == len(found["power"]) <= SHOWN
    assert np.all(np.diff(found["frequency"]) > 0)
    assert 1 / found["frequency"][0] <= 200.0 + 1e-6


def test_too_few_points_and_constants_have_no_period(rng):
    assert period_search(wave(rng, 3.0, points=MIN_POINTS - 1)) is None
    times = np.arange(20.0)
    assert period_search(LightCurve(times, np.full(20, 18.0), np.full(20, 0.1))) is None
    assert period_search(LightCurve(times, np.full(20, np.nan), np.full(20, np.nan))) is None


def test_what_nightly_visits_make_of_a_slow_change_is_called_an_alias(rng):
    times = 55_000.3 + np.arange(90) + rng.normal(0, 0.01, 90)
    fading = LightCurve(times, 18 + 0.02 * (times - times[0]), np.full(90, 0.02))
    found = period_search(fading)
    assert found["period"] == pytest.approx(1, abs=0.03) and found["alias"]
    assert not period_search(wave(rng, 7.3))["alias"]


def test_equal_steps_have_blind_frequencies_and_still_a_period(rng):
    """One point a day sees nothing of one cycle a day; 0/0 there is no peak."""
    times = 55_000 + np.arange(60.0)
    mag = 18 + 0.5 * np.sin(2 * np.pi * times / 7.3) + rng.normal(0, 0.02, 60)
    found = period_search(LightCurve(times, mag, np.full(60, 0.02)))
    beat = 1 / found["period"] % 1  # whole cycles a day leave no trace
    assert min(beat, 1 - beat) == pytest.approx(1 / 7.3, abs=0.005)
    assert max(found["power"]) <= 1
