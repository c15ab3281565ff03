"""How far an explanation holds and what features add, in figures and words, with known answers."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution
from taonet_core.drawing.explain_charts import faithfulness_chart, night_chart, place_chart
from taonet_core.drawing.feature_charts import (
    SHOWN,
    curve_chart,
    feature_chart,
    feature_contributions,
    feature_sentence,
    sum_words,
)
from taonet_core.explaining.faithfulness import Faithfulness
from taonet_core.explaining.feature_importance import FeatureImportance
from taonet_core.explaining.feature_words import CURVE_WORDS, feature_words
from taonet_core.explaining.method_checks import judge
from taonet_core.explaining.questions import BASELINES, BLUR
from taonet_core.explaining.words import check_words, faithfulness_words, minus, sum_rule
from taonet_core.labels import TransientClass
from taonet_core.transforms.curve_features import CURVE_FEATURE_NAMES
from taonet_core.transforms.features import FEATURE_NAMES

MINUS = "\N{MINUS SIGN}"


def attribution(explained, delta):
    values = np.full((1, 4, 4), (explained + (0 if np.isnan(delta) else delta)) / 16)
    nights = (np.array([55_000.0]), np.array([0]))
    of = (TransientClass.SN, None, "taonet", "1.0", "integrated_gradients", "sky")
    return Attribution(values, *nights, *of, explained, delta, True)


@pytest.mark.parametrize(
    ("explained", "delta", "large"),
    [
        (3.0, 0.1, False),
        (3.0, -0.2, True),
        (0.1, 0.04, False),
        (0.1, -0.06, True),
        (-9, 0.4, False),
    ],
)
def test_a_sum_is_off_by_a_share_of_what_is_explained(explained, delta, large):
    rule = sum_rule(attribution(explained, delta))
    assert rule.large == large
    assert rule.delta == pytest.approx(delta)
    assert f"{delta:+.3f}".replace("-", MINUS) in rule.words


def test_signs_of_numbers_are_no_hyphens():
    assert minus("log-odds -3 of 1e-05, chi-square (-0.2)") == (
        f"log-odds {MINUS}3 of 1e{MINUS}05, chi-square ({MINUS}0.2)"
    )


def test_a_method_that_promises_no_sum_has_no_rule():
    assert sum_rule(attribution(3.0, np.nan)) is None


def test_checks_are_said_as_far_as_they_were_measured():
    assert check_words(judge({"deletion": 0.31, "pointing": 0.95})) == (
        "blanking the places it marks lowers the probability far more than blanking places at "
        "random (by 0.31 of the area), it points at 95% of bright supernovae"
    )
    assert check_words(judge({"deletion": 0.01, "randomised": -0.004})) == (
        "blanking the places it marks lowers the probability no more than blanking places at "
        "random, shuffling the network's weights changes the map entirely"
    )
    assert "hardly changes the map (correlation 0.61)" in check_words(judge({"randomised": 0.61}))
    assert check_words(judge(None)) == ""


@pytest.fixture
def curves():
    shares = np.linspace(0, 1, 5)
    flat, fall = np.full(5, 0.8), np.array([0.8, 0, 0, 0, 0])
    return Faithfulness(shares, fall, flat, flat, flat - 0.4, flat, flat - 0.2)


def test_faithfulness_is_drawn_against_chance_in_both_ways(curves):
    chart = faithfulness_chart(curves, "SN")
    assert len(chart.figure.data) == 6
    own = [line for line in chart.figure.data if line.name == "in the order of evidence"]
    assert [list(line.y) for line in own] == [list(curves.deletion), list(curves.insertion)]
    assert (
        len({line.line.dash for line in chart.figure.data}) == 3
    )  # not told apart by colour alone
    assert chart.words == faithfulness_words(curves)
    assert "+0.70 blanking and +0.40 uncovering" in chart.words


def test_evidence_is_in_log_odds_wherever_a_figure_says_its_unit():
    table = pd.DataFrame(
        {"night": [1], "utc": ["2020-01-01"], "mjd": [58_849.0], "evidence": [1.5],
         "importance": [1.0]}
    )  # fmt: skip
    chart = night_chart(table)
    assert chart.figure.layout.yaxis.title.text == "evidence (log-odds)"
    assert "+1.50 log-odds" in chart.figure.data[1].hovertext[0]
    assert "log-odds" in sum_rule(attribution(3.0, 0.1)).words


def test_extended_light_is_not_called_a_galaxy():
    chart = place_chart({"target": 0.5, "host": 0.3, "rest": 0.2})
    assert "extended light there (such as a host) 30%" in chart.words
    [bars] = chart.figure.data
    assert max(len(line) for label in bars.y for line in label.split("<br>")) <= 24


def test_the_blur_is_said_as_wide_as_it_is():
    """A point blurred as the baseline is has so many pixels above half its height."""
    point = np.zeros(201)
    point[100] = 1
    profile = gaussian_filter1d(point, BLUR)
    assert f"{(profile > profile.max() / 2).sum()} pixels FWHM" in BASELINES["blurred"]


@pytest.fixture
def importance():
    """Thirty features of which the second adds most and the fourth takes away."""
    contributions = np.linspace(0.001, 0.002, 30)
    contributions[[1, 3]] = 0.3, -0.1
    values = np.arange(30.0)
    values[3] = np.nan
    points = {FEATURE_NAMES[1]: np.array([0, 2]), "amplitude": np.array([1, 3])}
    return FeatureImportance(
        FEATURE_NAMES, values, contributions, 0.2, 0.2 + contributions.sum(), TransientClass.SN,
        None, "forest", "1.0", points, {"background": 48},
    )  # fmt: skip


def test_features_come_in_the_order_of_what_they_count(importance):
    table = feature_contributions(importance)
    assert table["feature"].tolist()[:2] == [FEATURE_NAMES[1], FEATURE_NAMES[3]]
    assert sorted(table["feature"]) == sorted(FEATURE_NAMES)
    assert table.loc[table["on_curve"], "feature"].tolist() == [FEATURE_NAMES[1], "amplitude"]


def test_bars_of_features_and_of_the_rest_add_up(importance):
    [bars] = feature_chart(importance).figure.data
    assert len(bars.x) == SHOWN + 1
    assert sum(bars.x) == pytest.approx(importance.probability - importance.base)
    assert bars.customdata[0] == FEATURE_NAMES[1]
    assert feature_chart(importance).figure.layout.margin.r >= 7 * len(bars.text[0])
    assert "not defined" in bars.y[1]
    total = importance.probability - importance.base
    assert f"0.200 {total:+.3f} of all features = {importance.probability:.3f}" in sum_words(
        importance
    )


def test_the_sentence_names_what_counts_most(importance):
    text = feature_sentence(importance)
    assert "From 0.20" in text and f"SN to {importance.probability:.2f}" in text
    assert "+0.30" in text and f"{MINUS}0.10" in text


def test_points_of_a_feature_are_marked_on_the_light_curve(importance):
    times = 55_000.0 + np.array([0, 0.01, 10, 20])
    mag = np.array([18, 18.1, 17, np.nan])
    curve = LightCurve(times, mag, mag / 100, limit=np.full(4, 20.0))
    detected, limits, marked = curve_chart(curve, importance, "amplitude", night=1).figure.data
    assert list(detected.customdata) == [1, 1, 2]  # two points of one night
    assert list(limits.y) == [20.0]
    assert list(marked.y) == [18.1, 20.0]
    assert len(set(detected.marker.color)) == 2
    assert not len(curve_chart(curve, importance, "skew").figure.data[-1].x)


def test_every_feature_has_words():
    assert set(CURVE_WORDS) == set(CURVE_FEATURE_NAMES)
    words = feature_words((*FEATURE_NAMES, *CURVE_FEATURE_NAMES))
    assert len({meaning for meaning, _ in words}) == len(words)
    assert all(meaning[0].isupper() and not meaning.endswith(".") for meaning, _ in words)


def test_a_point_that_measured_nothing_is_not_drawn(importance):
    """Without a limit there is no place for it."""
    nan = np.nan
    curve = LightCurve(
        55_000.0 + np.arange(3), [17.0, nan, nan], [0.1, nan, nan], limit=[nan, 19.0, nan]
    )
    traces = {trace.name: trace for trace in curve_chart(curve, importance, "none").figure.data}
    assert len(traces["detected"].x) == len(traces["limit"].x) == 1
