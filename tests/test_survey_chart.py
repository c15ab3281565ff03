"""Another survey's light curve beside the object's own."""

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.drawing.survey_chart import survey_chart


def test_each_filter_has_its_own_look_and_brighter_is_up():
    own = LightCurve([1.0, 2.0, 3.0], [17.0, np.nan, 16.0], [0.1, np.nan, 0.1])
    other = LightCurve([4.0, 5.0, 6.0], [18.0, 19.0, 18.5], [0.1] * 3, bands=["r", "g", "r"])
    chart = survey_chart(own, other, name="ZTF")
    traces = {trace.name: trace for trace in chart.figure.data}
    assert set(traces) == {"this object", "ZTF r", "ZTF g"}
    np.testing.assert_array_equal(traces["this object"].x, [1, 3])  # detections alone
    np.testing.assert_array_equal(traces["ZTF r"].y, [18.0, 18.5])
    assert len({(t.marker.color, t.marker.symbol) for t in traces.values()}) == 3
    assert chart.figure.layout.yaxis.autorange == "reversed"
    assert chart.words == "3 points of ZTF beside 2 of this object."


def test_nothing_of_the_other_survey_leaves_the_object(rng):
    own = LightCurve(np.arange(9000.0), rng.normal(18, 0.1, 9000), np.full(9000, 0.1))
    chart = survey_chart(own, own.select(slice(0, 0)), name="ZTF")
    [trace] = chart.figure.data
    assert len(trace.x) == 4000 and trace.x[-1] == 8999


def test_a_curve_without_dates_is_not_laid_on_an_axis_of_dates():
    own = LightCurve([0.0, 1.0], [17.0, 16.0], [0.1, 0.1], meta={"time_kind": "index"})
    other = LightCurve([58_004.0], [18.0], [0.1], bands=["r"])
    chart = survey_chart(own, other, name="ZTF")
    assert [trace.name for trace in chart.figure.data] == ["ZTF r"]
    assert chart.words == ("1 points of ZTF; those of this object have no dates and are not shown.")
