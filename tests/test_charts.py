"""Figures: they hold what was measured, in the colours of the classes, and say it in words."""

import json

import numpy as np
import pytest

from taonet_core.data.results import Prediction
from taonet_core.drawing.charts import class_intervals, f1_against_magnitude, f1_against_nights
from taonet_core.drawing.object_charts import chance_against_time
from taonet_core.drawing.probability_charts import precision_recall, reliability_diagram, roc
from taonet_core.judging.answers import frozen_answers
from taonet_core.judging.performance import f1_by_magnitude, f1_by_nights, score
from taonet_core.judging.probabilities import class_curves, trust
from taonet_core.labels import STYLES, TransientClass


@pytest.fixture(scope="module")
def frozen():
    return frozen_answers(1.0)


def plain(chart):
    """Return a figure as the browser gets it; it must survive JSON."""
    return json.loads(chart.figure.to_json())


def test_f1_against_nights_has_a_line_and_a_band_for_every_model(frozen):
    found = {name: f1_by_nights(one) for name, one in frozen.items()}
    chart = f1_against_nights(found, ["forest"])
    lines = {t["name"]: t for t in plain(chart)["data"] if "fill" not in t}
    bands = [t for t in plain(chart)["data"] if "fill" in t]
    assert set(lines) == set(frozen) and len(bands) == len(frozen)
    assert list(lines["taonet"]["x"]) == ["1", "2", "4", "8", "16", "24", "all"]
    assert lines["taonet"]["y"][-1] == pytest.approx(0.7261, abs=1e-4)
    assert list(lines)[-1] == "forest"  # the leading one lies on top, in a colour of its own
    colours = {name: line["line"]["color"] for name, line in lines.items()}
    assert [name for name in colours if colours[name] == colours["forest"]] == ["forest"]
    assert len({(t["line"]["dash"], t["marker"]["symbol"]) for t in lines.values()}) == len(lines)
    assert "taonet: 1: 0.33" in chart.words


def test_f1_against_magnitude_carries_its_intervals(frozen):
    bins = f1_by_magnitude(frozen["taonet"])
    [line] = plain(f1_against_magnitude({"taonet": bins}, ["taonet"]))["data"]
    assert line["x"] == [b.label for b in bins]
    for place, b in enumerate(bins):
        low = line["y"][place] - line["error_y"]["arrayminus"][place]
        high = line["y"][place] + line["error_y"]["array"][place]
        assert (low, high) == (pytest.approx(b.f1.low), pytest.approx(b.f1.high))


def test_classes_keep_their_colours_and_markers(frozen):
    scores = score(frozen["taonet"])
    shown = plain(class_intervals(scores))
    f1 = [t["marker"] for t in shown["data"] if t["name"] == "F1"]
    looks = [(STYLES[c.name].colour, STYLES[c.name].marker) for c in scores.classes]
    assert [(m["color"], m["symbol"]) for m in f1] == looks
    curves = class_curves(frozen["taonet"])
    for chart in (precision_recall(curves), roc(curves)):
        named = [t for t in plain(chart)["data"] if t["mode"] == "markers"]
        assert [(t["marker"]["color"], t["marker"]["symbol"]) for t in named] == looks
        assert all(f"{c.name} " in chart.words for c in curves)


def test_the_reliability_diagram_holds_every_object(frozen):
    found = trust(frozen["taonet"])
    traces = plain(reliability_diagram(found))["data"]
    [bars] = [t for t in traces if t["type"] == "bar"]
    points = traces[1]
    assert sum(bars["y"]) == len(frozen["taonet"]) == sum(points["customdata"])
    assert all(0 <= y <= 1 for y in points["y"])


def two_predictions(*times):
    return [
        Prediction(
            np.array([[0.1, 0.9], [last, 1 - last]]),
            np.array(times),
            (TransientClass.CV, TransientClass.SN),
            model,
            "1.0",
            np.array([0, 1]),
        )
        for model, last in (("taonet", 0.8), ("forest", 0.3))
    ]


def test_the_chance_of_a_class_is_drawn_as_both_saw_it():
    both = two_predictions(53800.2, 53810.2)
    chart = chance_against_time(both, TransientClass.CV)
    lines = plain(chart)["data"]
    assert [(line["name"], line["y"]) for line in lines] == [
        ("taonet", [0.1, 0.8]),
        ("forest", [0.1, 0.3]),
    ]
    assert lines[0]["x"] == [53800.2, 53810.2] and lines[0]["line"] != lines[1]["line"]
    assert "forest: 0.10 at first, 0.30 at last" in chart.words
    assert plain(chart)["layout"]["xaxis"]["title"]["text"] == "MJD"


def test_chances_without_dates_are_drawn_against_frames():
    drawn = plain(chance_against_time(two_predictions(0.0, 1.0), TransientClass.CV, dated=False))
    assert drawn["layout"]["xaxis"]["title"]["text"] == "frame"
    assert [line["x"] for line in drawn["data"]] == [[1, 2], [1, 2]]
    assert all(line["hovertemplate"].startswith("frame ") for line in drawn["data"])


def test_figures_are_transparent_and_hold_still(frozen):
    nights = f1_against_nights({"taonet": f1_by_nights(frozen["taonet"])}, ["taonet"])
    for chart in (nights, reliability_diagram(trust(frozen["taonet"]))):
        layout = plain(chart)["layout"]
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
        assert layout["dragmode"] is False and layout["xaxis"]["fixedrange"]
        assert "color" not in layout.get("font", {})  # texts take the colour of the page
