"""Known answers of the features of forced photometry."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.timeseries import LombScargle

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.curve_features import CURVE_FEATURE_NAMES, extract_curve_features
from taonet_core.transforms.padded_flux import (
    ZERO_POINT,
    flux_points,
    night_magnitudes,
    night_means,
)
from taonet_core.transforms.periodogram import FLOOR, periodogram_peaks
from taonet_core.transforms.photometry import POGSON
from taonet_core.transforms.random_walk import random_walk_features

NIGHTS = 37.0 * np.arange(25) + 100.0 * (np.arange(25) > 12)  # two seasons
TIMES = np.add.outer(55_000 + NIGHTS, [0.0, 0.007, 0.014, 0.021]).ravel()


def curve(flux: np.ndarray, err: float | np.ndarray = 10.0, **meta: object) -> LightCurve:
    nothing = np.full(len(flux), np.nan)
    errors = np.broadcast_to(err, flux.shape)
    known = {"zero_point": ZERO_POINT} | meta
    return LightCurve(TIMES[: len(flux)], nothing, nothing, flux, errors, meta=known)


def features_of(*curves: LightCurve) -> dict[str, np.ndarray]:
    return dict(zip(CURVE_FEATURE_NAMES, extract_curve_features(curves).T, strict=True))


def test_noise_looks_like_noise(rng) -> None:
    found = features_of(*(curve(1000 + rng.normal(0, 10, 100)) for _ in range(400)))
    for name in ("chi_square", "night_chi_square", "season_chi_square", "within_seasons"):
        assert np.mean(found[name]) == pytest.approx(1, abs=0.15), name
    assert np.mean(found["von_neumann"]) == pytest.approx(1, abs=0.05)
    assert abs(np.mean(found["neighbours"])) < 0.05
    assert abs(np.mean(found["excess_variance"])) < 1e-5
    assert np.mean(found["trend_to_noise"] ** 2) == pytest.approx(1, abs=0.7)
    assert abs(np.mean(found["structure_45"])) < 1e-4
    assert found["longest_run"].max() <= 2


def test_an_outburst_is_found_and_measured(rng) -> None:
    night = np.repeat(np.arange(25), 4)
    flux = 100 + rng.normal(0, 10, 100)
    flux[night == 10] += 10_000
    flux[night == 11] += 5_500
    flux[night == 12] += 1_000
    found = {name: value[0] for name, value in features_of(curve(flux)).items()}
    assert found["before_peak"] == pytest.approx(370, abs=0.1)
    assert found["since_peak"] == pytest.approx(618, abs=0.1)
    assert found["peak_mag"] == pytest.approx(ZERO_POINT - 2.5 * np.log10(10_100), abs=0.01)
    assert found["peak_over_median"] == pytest.approx(2.5 * np.log10(101), abs=0.15)
    assert found["change_+1"] == pytest.approx(0.55, abs=0.01)
    assert found["change_-1"] == pytest.approx(0, abs=0.01)
    assert found["days_rising"] == pytest.approx(37, abs=0.1)
    assert found["days_declining"] == pytest.approx(74, abs=0.1)
    assert (found["longest_run"], found["runs"]) == (3, 1)
    assert found["slope_+1"] == pytest.approx(2.5 * np.log10(10_100 / 5_600) / 37, rel=0.01)


def test_counts_and_shares() -> None:
    flux = np.where(np.arange(100) < 40, 100.0, 5.0)
    found = {name: value[0] for name, value in features_of(curve(flux)).items()}
    assert (found["points"], found["nights"], found["detected_share"]) == (100, 25, 0.4)
    assert found["span"] == pytest.approx(988, abs=0.1)
    assert found["longest_gap"] == pytest.approx(137, abs=0.1)
    assert found["median_error_mag"] == pytest.approx(ZERO_POINT - 2.5)


def test_seasons_end_with_a_gap() -> None:
    times = np.concatenate([np.arange(0, 100, 10.0), np.arange(300, 400, 10.0)])
    flux = np.where(times < 200, 1000.0, 2000.0)
    nothing = np.full(20, np.nan)
    one = LightCurve(times, nothing, nothing, flux, np.full(20, 10.0), meta={"zero_point": 20.0})
    found = {name: value[0] for name, value in features_of(one).items()}
    assert found["seasons"] == 2
    assert found["season_range"] == pytest.approx(2.5 * np.log10(2))
    assert found["within_seasons"] == pytest.approx(0, abs=1e-12)


def test_the_zero_point_is_taken_out(rng) -> None:
    flux = 1000 + rng.normal(0, 50, 100)
    one, other = curve(flux), curve(100 * flux, 1000.0, zero_point=ZERO_POINT + 5)
    np.testing.assert_allclose(*extract_curve_features([one, other]), rtol=1e-6, atol=1e-9)


def test_magnitudes_alone_serve_too(rng) -> None:
    flux = 1000 + rng.normal(0, 50, 100)
    mag, mag_err = ZERO_POINT - 2.5 * np.log10(flux), POGSON * 10 / flux
    table = LightCurve(TIMES, mag, mag_err)
    np.testing.assert_allclose(*extract_curve_features([curve(flux), table]), rtol=1e-6, atol=1e-9)


def test_company_changes_nothing(rng) -> None:
    curves = [curve(1000 + rng.normal(0, 50, n)) for n in (100, 37, 8, 4, 1)]
    together = extract_curve_features(curves)
    alone = np.concatenate([extract_curve_features([c]) for c in curves])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-9)


def test_where_nothing_is_defined_there_is_nan(rng) -> None:
    nothing = np.full(4, np.nan)
    values = extract_curve_features([curve(nothing), curve(1000 + rng.normal(0, 10, 4))])
    assert np.isnan(values[0]).all()
    found = dict(zip(CURVE_FEATURE_NAMES, values[1], strict=True))
    assert found["nights"] == 1 and np.isnan(found["change_+1"]) and found["mag_50"] < ZERO_POINT


def test_an_unknown_error_is_that_of_the_curve() -> None:
    err = np.full(100, 10.0)
    err[3:5] = np.nan, 0.0
    np.testing.assert_array_equal(flux_points(curve(np.full(100, 50.0), err))[2], 10.0)


def test_a_night_is_its_weighted_mean() -> None:
    points = flux_points(curve(np.array([10.0, 20, 30, 40]), np.array([1.0, 1, 1e6, 1e6])))
    [[_], [mean], [err], [scatter]] = night_means(points)
    assert (mean, err) == (pytest.approx(15), pytest.approx(2**-0.5))
    assert scatter == pytest.approx(50 / 3, rel=1e-6)


@pytest.mark.parametrize("period", [0.61, 2.7, 45.0, 300.0])
def test_the_period_is_found(period, rng) -> None:
    times = np.sort(rng.uniform(0, 1000, 30)[:, None] + [0.0, 0.01, 0.02, 0.03], axis=None)
    flux = 1000 + 300 * np.sin(2 * np.pi * times / period) + rng.normal(0, 20, 120)
    table = np.stack([times - times[0], flux, np.full(120, 20.0), np.zeros(120)])
    slow, slow_power, fast, fast_power = periodogram_peaks([table])[0]
    found, power = (slow, slow_power) if period > 10 else (fast, fast_power)
    assert 10**found == pytest.approx(period, rel=0.05)
    exact = LombScargle(times, flux, np.hypot(20, FLOOR * flux), fit_mean=False)
    assert power == pytest.approx(float(exact.power(10**-found)), abs=0.05)


def test_a_random_walk_is_told_from_noise(rng) -> None:
    def walk(scale: float) -> np.ndarray:
        state = [rng.normal(0, 0.5)]
        for kept in np.exp(-np.diff(NIGHTS) / scale):
            state.append(kept * state[-1] + 0.5 * np.sqrt(1 - kept**2) * rng.normal())
        return np.stack([NIGHTS, 18 + np.array(state), np.full(25, 0.02)])

    slow = random_walk_features([walk(300) for _ in range(40)])
    white = random_walk_features([walk(1) for _ in range(40)])
    still = np.stack([NIGHTS, 18 + rng.normal(0, 0.02, 25), np.full(25, 0.02)])
    constant = random_walk_features([still])[0]
    assert np.median(slow[:, 0]) > 3 and abs(np.median(white[:, 0])) < 1
    assert np.median(slow[:, 1]) > 100 > 5 > constant[1]
    assert np.median(slow[:, 2]) > np.median(white[:, 2]) + 0.7
    assert np.median(white[:, 3]) == pytest.approx(np.log10(0.5), abs=0.15)


def test_a_faint_night_counts_as_its_error() -> None:
    points = flux_points(curve(np.full(4, -5.0), 10.0))
    assert night_magnitudes(night_means(points))[1] == pytest.approx(ZERO_POINT - 2.5 * np.log10(5))
