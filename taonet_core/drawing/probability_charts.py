"""Figures of what the probabilities of a classifier are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from taonet_core.drawing.charts import ACCENT, QUIET, UNIT, Chart, blank_figure, dress
from taonet_core.judging.probabilities import Curves, Trust
from taonet_core.labels import STYLES


def precision_recall(curves: Sequence[Curves]) -> Chart:
    """Draw precision against recall of every class."""
    figure = blank_figure("recall", "precision")
    for curve in curves:
        legend = f"{curve.name} {curve.average_precision:.2f}"
        _class_line(figure, curve, curve.recall, curve.precision, legend)
    _unit_square(figure)
    areas = ", ".join(f"{c.name} {c.average_precision:.2f}" for c in curves)
    return Chart(figure, f"Precision against recall. Average precision: {areas}.")


def roc(curves: Sequence[Curves]) -> Chart:
    """Draw the receiver operating characteristic of every class against the others."""
    figure = blank_figure("share of other classes called so", "share of the class found")
    figure.add_scatter(**_diagonal("a guess"))
    for curve in curves:
        legend = f"{curve.name} {curve.roc_area:.2f}"
        _class_line(figure, curve, curve.false_rate, curve.true_rate, legend)
    _unit_square(figure)
    areas = ", ".join(f"{c.name} {c.roc_area:.2f}" for c in curves)
    return Chart(figure, f"ROC curves, one class against the others. Areas: {areas}.")


def reliability_diagram(trust: Trust) -> Chart:
    """Draw how often verdicts are right against how sure they were, and how many there are."""
    bins = trust.bins
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05
    )
    figure.add_scatter(**_diagonal("as often as said"), row=1, col=1)
    figure.add_scatter(**_accuracy(trust), row=1, col=1)
    edges = np.linspace(0, 1, len(bins.count) + 1)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=bins.count.tolist(),
        width=0.9 / len(bins.count),
        marker={"color": QUIET},
        hovertemplate="%{y} objects<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    dress(figure)
    figure.update_xaxes(range=UNIT)
    figure.update_xaxes(title_text="probability of the verdict", row=2, col=1)
    figure.update_yaxes(title_text="share that is right", range=UNIT, row=1, col=1)
    figure.update_yaxes(title_text="objects", nticks=3, row=2, col=1)
    figure.update_layout(height=420)
    filled = bins.count > 0
    columns = (bins.confidence[filled], bins.accuracy[filled], bins.count[filled])
    said = "; ".join(f"{c:.2f}: {a:.2f} of {n}" for c, a, n in zip(*columns, strict=True))
    return Chart(figure, f"Probability of the verdict, and share that is right. {said}.")


def _accuracy(trust: Trust) -> dict[str, Any]:
    """Return the points of the reliability diagram, with their intervals."""
    filled = trust.bins.count > 0
    right = trust.bins.accuracy[filled]
    up, down = trust.high[filled] - right, right - trust.low[filled]
    return {
        "x": trust.bins.confidence[filled],
        "y": right.tolist(),
        "error_y": {"array": up, "arrayminus": down, "thickness": 1.2, "width": 0},
        "customdata": trust.bins.count[filled].tolist(),
        "mode": "markers+lines",
        "line": {"color": ACCENT, "width": 1.5},
        "marker": {"size": 8},
        "hovertemplate": "said %{x:.2f}, right %{y:.2f} of %{customdata} objects<extra></extra>",
        "showlegend": False,
    }


def _class_line(figure: go.Figure, curve: Curves, x: Any, y: Any, legend: str) -> None:
    """Draw a line in the colour of its class, with some markers for who cannot tell colours."""
    style = STYLES[curve.name]
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": style.colour, "width": 2},
        showlegend=False,
        hovertemplate=f"{curve.name}: %{{x:.2f}}, %{{y:.2f}}<extra></extra>",
    )
    some = np.linspace(0, len(x) - 1, 7)[1:-1].round().astype(int)
    figure.add_scatter(
        x=x[some],
        y=y[some],
        mode="markers",
        marker={"color": style.colour, "symbol": style.marker, "size": 8},
        name=legend,
        hoverinfo="skip",
    )


def _diagonal(name: str) -> dict[str, Any]:
    line = {"color": QUIET, "dash": "dot", "width": 1}
    return {
        "x": [0, 1],
        "y": [0, 1],
        "mode": "lines",
        "line": line,
        "name": name,
        "hoverinfo": "skip",
    }


def _unit_square(figure: go.Figure) -> None:
    figure.update_xaxes(range=UNIT)
    figure.update_yaxes(range=UNIT)
