"""Light-curve features: against the light-curve package, plain formulas and public tables."""

from __future__ import annotations

from pathlib import Path

import light_curve as lc
import numpy as np
import pandas as pd
import pytest

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.features import FEATURE_NAMES, FEATURES, MIN_POINTS, extract_features


def make_curve(rng: np.random.Generator, n: int, *, equal_errors: bool = False) -> LightCurve:
    mag = rng.normal(18, 0.4, n) + 0.2 * rng.exponential(size=n)
    err = np.full(n, 0.1) if equal_errors else rng.uniform(0.03, 0.3, n)
    return LightCurve(53600 + np.sort(rng.uniform(0, 900, n)), mag, err)


def measure(curve: LightCurve) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, extract_features([curve])[0].tolist(), strict=True))


def flux_of(curve: LightCurve) -> np.ndarray:
    return 10 ** (-0.4 * (curve.mag - np.median(curve.mag)))


def test_there_are_thirty_features() -> None:
    assert len(FEATURES) == 30


@pytest.mark.parametrize("n", [7, 20, 101])
def test_light_curve_package_agrees_on_magnitudes(n: int) -> None:
    curve = make_curve(np.random.default_rng(n), n, equal_errors=True)
    got = measure(curve)
    theirs = {
        "amplitude": 2 * lc.Amplitude()(*arrays(curve))[0],  # theirs is half of ours
        "beyond1st": lc.BeyondNStd(1)(*arrays(curve))[0],
        "skew": lc.Skew()(*arrays(curve))[0],
        "small_kurtosis": lc.Kurtosis()(*arrays(curve))[0],
        "std": lc.StandardDeviation()(*arrays(curve))[0],
        "stetson_k": lc.StetsonK()(*arrays(curve))[0],
        "max_slope": lc.MaximumSlope()(*arrays(curve))[0],
        "median_absolute_deviation": lc.MedianAbsoluteDeviation()(*arrays(curve))[0],
        "poly1_t1": lc.LinearTrend()(*arrays(curve))[0],
    }
    for name, value in theirs.items():
        assert got[name] == pytest.approx(value, rel=1e-9), name


def arrays(curve: LightCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return curve.times.copy(), curve.mag.copy(), curve.mag_err.copy()


def test_light_curve_package_agrees_on_flux() -> None:
    curve = make_curve(np.random.default_rng(1), 60)
    flux, got = flux_of(curve), measure(curve)
    times, _, err = arrays(curve)
    median = np.median(flux)
    theirs = lc.PercentAmplitude()(times, flux, err)[0] / median
    assert got["percent_amplitude"] == pytest.approx(theirs, rel=1e-9)
    tenth_of_median = 0.1 * median / (np.ptp(flux) / 2)  # their unit is half the range
    theirs = lc.MedianBufferRangePercentage(tenth_of_median)(times, flux, err)[0]
    assert got["median_buffer_range_percentage"] == pytest.approx(theirs)


def widths(flux: np.ndarray, middle: float, method: str) -> float:
    low, high = np.quantile(flux, [0.5 - middle / 200, 0.5 + middle / 200], method=method)
    return high - low


@pytest.mark.parametrize("middle", [20, 35, 50, 65, 80])
def test_percentile_features_differ_from_the_package_by_the_quantile_rule_alone(
    middle: int,
) -> None:
    curve = make_curve(np.random.default_rng(2), 37)
    flux, (times, _, err) = flux_of(curve), arrays(curve)
    theirs = lc.MagnitudePercentageRatio(0.5 - middle / 200, 0.05)(times, flux, err)[0]
    assert theirs == pytest.approx(
        widths(flux, middle, "hazen") / widths(flux, 90, "hazen"), rel=1e-5
    )
    ours = measure(curve)[f"flux_percentile_ratio_mid{middle}"]
    assert ours == pytest.approx(widths(flux, middle, "linear") / widths(flux, 90, "linear"))


def test_percent_difference_differs_from_the_package_by_the_quantile_rule_alone() -> None:
    curve = make_curve(np.random.default_rng(3), 37)
    flux, (times, _, err) = flux_of(curve), arrays(curve)
    theirs = lc.PercentDifferenceMagnitudePercentile(0.05)(times, flux, err)[0]
    assert theirs == pytest.approx(widths(flux, 90, "hazen") / np.median(flux), rel=1e-5)
    ours = measure(curve)["percent_difference_flux_percentile"]
    assert ours == pytest.approx(widths(flux, 90, "linear") / np.median(flux))


@pytest.mark.parametrize("n", [6, 17, 80])
def test_the_others_agree_with_a_plain_loop(n: int) -> None:
    curve = make_curve(np.random.default_rng(n), n)
    mag, err, got = curve.mag, curve.mag_err, measure(curve)
    mean = mag.mean()
    fourth = sum((m - mean) ** 4 for m in mag) / n
    assert got["kurtosis"] == pytest.approx(fourth / mag.var() ** 2 - 3)
    centre = np.average(mag, weights=1 / err)
    assert got["beyond1st"] == pytest.approx(np.mean(np.abs(mag - centre) > mag.std(ddof=1)))
    delta = [np.sqrt(n / (n - 1)) * (m - mean) / e for m, e in zip(mag, err, strict=True)]
    pairs = [a * b for a, b in zip(delta[:-1], delta[1:], strict=True)]
    assert got["stetson_j"] == pytest.approx(np.mean([np.sign(p) * abs(p) ** 0.5 for p in pairs]))
    root = np.sqrt(np.mean(np.square(delta)))
    assert got["stetson_k"] == pytest.approx(np.mean(np.abs(delta)) / root)
    rises = [later > earlier for earlier, later in zip(mag[:-1], mag[1:], strict=True)]
    assert got["pair_slope_trend"] == pytest.approx(sum(rises) / n)
    assert got["pair_slope_trend_last_30"] == pytest.approx(np.mean(rises[-30:]))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_polynomial_coefficients_are_those_that_made_the_curve(order: int) -> None:
    rng = np.random.default_rng(order)
    times = np.sort(rng.uniform(55000, 55400, 40))
    truth = rng.normal(size=order + 1) / 200.0 ** np.arange(order + 1)
    mag = np.polynomial.polynomial.polyval(times - times.mean(), truth) + 18
    got = measure(LightCurve(times, mag, np.full(40, 0.1)))
    for power in range(1, order + 1):
        assert got[f"poly{order}_t{power}"] == pytest.approx(truth[power], rel=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_polynomials_agree_with_polyfit_on_noise(order: int) -> None:
    curve = make_curve(np.random.default_rng(9), 50)
    wanted = np.polyfit(curve.times - curve.times.mean(), curve.mag, order)[:-1]
    got = measure(curve)
    found = [got[f"poly{order}_t{power}"] for power in range(order, 0, -1)]
    np.testing.assert_allclose(found, wanted, rtol=1e-7)


def test_features_do_not_depend_on_the_company_of_a_curve() -> None:
    rng = np.random.default_rng(4)
    curves = [make_curve(rng, int(n)) for n in rng.integers(MIN_POINTS, 300, 40)]
    together = extract_features(curves)
    alone = np.concatenate([extract_features([curve]) for curve in curves])
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


def test_brightness_and_epoch_shifts_change_nothing() -> None:
    curve = make_curve(np.random.default_rng(5), 60)
    moved = LightCurve(curve.times + 1000, curve.mag - 3.5, curve.mag_err)
    np.testing.assert_allclose(
        extract_features([moved]), extract_features([curve]), rtol=1e-6, atol=1e-12
    )


def test_short_curves_give_nan_and_unmeasured_points_are_passed_over() -> None:
    curve = make_curve(np.random.default_rng(6), 12)
    mag = np.insert(curve.mag, 5, np.nan)
    gap = LightCurve(np.insert(curve.times, 5, curve.times[5]), mag, np.insert(curve.mag_err, 5, 1))
    short = curve.select(slice(MIN_POINTS - 1))
    full, with_gap, too_short, empty = extract_features([curve, gap, short, curve.select(slice(0))])
    np.testing.assert_array_equal(with_gap, full)
    assert np.isnan(too_short).all() and np.isnan(empty).all()


@pytest.mark.parametrize(
    "curve",
    [
        LightCurve(np.arange(6.0), np.full(6, 18.1), np.full(6, 0.1)),
        LightCurve(np.zeros(6), np.arange(6.0), np.full(6, 0.1)),
        LightCurve([0, 0, 0, 1, 1], [18, 19, 18, 17, 18], np.zeros(5)),
        LightCurve([0, 1e-9, 2e-9, 3e-9, 1e4], [18, 30, 2, 17, 90], np.full(5, np.nan)),
        LightCurve(np.arange(5.0), [-200.0, 300, 5, 6, 7], np.full(5, 1e-300)),
    ],
    ids=["constant", "one epoch", "two epochs", "hardly a base", "absurd"],
)
def test_degenerate_curves_give_finite_features(curve: LightCurve) -> None:
    assert np.isfinite(extract_features([curve])).all()


def test_a_constant_curve_has_no_shape() -> None:
    got = measure(LightCurve(np.arange(9.0), np.full(9, 18.1), np.full(9, 0.1)))
    assert got.pop("median_buffer_range_percentage") == 1.0
    assert set(got.values()) == {0.0}


def tabulated(curve: LightCurve, ours: dict[str, float]) -> dict[str, float]:
    """Our features as the authors' public tables have them (see the module's notes)."""
    n, mag = len(curve), curve.mag
    flux = 10.0 ** -(mag - 18)
    median = np.median(flux)
    return ours | {
        "amplitude": ours["amplitude"] / 2,
        "max_slope": ours["max_slope"] / 24,
        "median_absolute_deviation": np.mean(np.abs(mag - mag.mean())),
        "kurtosis": ours["small_kurtosis"],
        "small_kurtosis": -3 * (n - 1) ** 2 / ((n - 2) * (n - 3)),
        "median_buffer_range_percentage": np.mean(np.abs(flux - median) < 0.1 * median),
        "percent_amplitude": np.max(np.abs(flux - median)) / median,
        "percent_difference_flux_percentile": np.quantile(flux, 0.95) / median - 1,
    } | {
        f"flux_percentile_ratio_mid{m}": widths(flux, m, "linear") / widths(flux, 90, "linear")
        for m in (20, 35, 50, 65, 80)
    }  # fmt: skip


@pytest.mark.data
def test_public_feature_tables_are_reproduced_from_the_same_curves(real_data: Path) -> None:
    table = pd.read_csv(real_data / "crts_features" / "binary_min10obs_train.csv.gz")
    points = pd.read_parquet(real_data / "crts" / "transients.parquet")
    matched = 0
    for _, rows in points.groupby("object_id"):
        curve = LightCurve(rows.mjd.to_numpy(), rows.mag.to_numpy(), rows.mag_err.to_numpy())
        nearest = table.iloc[np.argmin(np.abs(table["std"] - curve.mag.std(ddof=1)))]
        if abs(nearest["std"] - curve.mag.std(ddof=1)) > 1e-9:
            continue  # in the authors' test split
        matched += 1
        expected = tabulated(curve, measure(curve))
        for name in FEATURE_NAMES:
            assert expected[name] == pytest.approx(nearest[name], rel=1e-6, abs=1e-15), name
    assert matched > 150
