"""What another survey measured at the place of an object, beside the object's own light curve."""

from __future__ import annotations

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.drawing.charts import ACCENT, QUIET, Chart, blank_figure
from taonet_core.plain_text import figure_text
from taonet_core.transforms.summary import is_dated

#: Filters of the other survey: colour (Okabe & Ito 2008) and marker.
_LOOKS = {"g": ("#009E73", "circle"), "r": ("#D55E00", "square"), "i": ("#CC79A7", "diamond")}
_MOST = 4000  # points a filter that are drawn; more are thinned evenly


def survey_chart(own: LightCurve, other: LightCurve, *, name: str) -> Chart:
    """Draw two light curves of one place on one time axis, brighter up.

    A curve of the object without dates has no place on that axis and is left out.

    Parameters
    ----------
    own : LightCurve
        Of the object.
    other : LightCurve
        Of another survey; a colour and a marker for each filter.
    name : str
        Of that survey.
    """
    figure = blank_figure("MJD", "magnitude", height=300)
    dated = is_dated(own.meta)
    parts = [("this object", own, QUIET, "x-thin-open")] if dated else []
    for band, curve in other.per_band().items() if len(other) else ():
        colour, marker = _LOOKS.get(band, (ACCENT, "circle"))
        parts.append((figure_text(f"{name} {band}".strip(), 80), curve, colour, marker))
    for title, curve, colour, marker in parts:
        seen = np.flatnonzero(curve.detected)
        if not len(seen):
            continue
        seen = seen[np.unique(np.linspace(0, len(seen) - 1, min(len(seen), _MOST)).astype(int))]
        figure.add_scatter(
            x=curve.times[seen],
            y=curve.mag[seen],
            error_y={"array": curve.mag_err[seen], "thickness": 1, "width": 0},
            mode="markers",
            name=title,
            marker={"color": colour, "symbol": marker, "size": 6, "line": {"color": colour}},
            hovertemplate="MJD %{x:.4f}<br>%{y:.2f} mag<extra>" + title + "</extra>",
        )
    figure.update_xaxes(tickformat="d")  # 58000, not 58k
    figure.update_yaxes(autorange="reversed")
    count = int(other.detected.sum())
    beside = f" beside {int(own.detected.sum())} of this object"
    if not dated:
        beside = "; those of this object have no dates and are not shown"
    return Chart(figure, f"{count} points of {name}{beside}.")
