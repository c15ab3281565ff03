"""Figures of how good classifiers are, made of values that were measured before.

Every figure is a Plotly figure without a title, with words for a screen reader. Grounds are
transparent and texts take the colour of the page, so that both themes read well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from taonet_core.judging.performance import Binned, Scores
from taonet_core.labels import STYLES
from taonet_core.plain_text import figure_text

#: Of the leading classifier, and of all that is not a class.
ACCENT, QUIET = "#3b82d6", "#8a8f98"
#: Range of an axis of scores, with room for a marker at either end.
UNIT = (-0.03, 1.03)
_DASHES = ("solid", "dash", "dot", "dashdot")
_SYMBOLS = ("circle", "square-open", "diamond-open", "triangle-up-open")
#: What `st.plotly_chart` is told: no buttons over the figure, nothing that swallows scrolling.
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, and the same in words.

    Attributes
    ----------
    figure : plotly.graph_objects.Figure
    words : str
        For a reader who cannot see it.
    """

    figure: go.Figure
    words: str


def f1_against_nights(found: Mapping[str, Sequence[Binned]], leading: Sequence[str]) -> Chart:
    """Draw macro F1 against the number of nights, with a band of 95 % for each classifier.

    Parameters
    ----------
    found : mapping
        Classifier -> what `performance.f1_by_nights` returns.
    leading : sequence of str
        The first of them is drawn in the accent, above the others.
    """
    figure = blank_figure("nights since the first", "macro F1")
    for name, bins, look in _looks(found, leading):
        x = [b.label for b in bins]
        _band(figure, x, bins, look["line"]["color"])
        hover = "after %{x} nights: %{customdata}<extra>" + name + "</extra>"
        scores = [str(b.f1) for b in bins]
        figure.add_scatter(
            x=x,
            y=[b.f1.value for b in bins],
            name=name,
            customdata=scores,
            hovertemplate=hover,
            **look,
        )
    labels = max((list(map(_label, bins)) for bins in found.values()), key=len, default=[])
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=labels)
    figure.update_yaxes(range=UNIT)
    return Chart(figure, _f1_words("number of nights", found))


def f1_against_magnitude(found: Mapping[str, Sequence[Binned]], leading: Sequence[str]) -> Chart:
    """Draw macro F1 of bright to faint objects, with 95 % intervals; see `f1_against_nights`."""
    figure = blank_figure("magnitude, bright to faint", "macro F1")
    for name, bins, look in _looks(found, leading):
        up = [b.f1.high - b.f1.value for b in bins]
        down = [b.f1.value - b.f1.low for b in bins]
        hover = "%{x} mag: %{customdata}<extra>" + name + "</extra>"
        figure.add_scatter(
            x=[b.label for b in bins],
            y=[b.f1.value for b in bins],
            error_y={"array": up, "arrayminus": down, "thickness": 1, "width": 3},
            name=name,
            customdata=[f"{b.f1}, {b.n} objects" for b in bins],
            hovertemplate=hover,
            **look,
        )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=UNIT)
    return Chart(figure, _f1_words("magnitude", found))


def class_intervals(scores: Scores) -> Chart:
    """Draw precision, recall and F1 of every class with its 95 % interval."""
    figure = blank_figure("score", "")
    names = [f"{STYLES[c.name].glyph} {c.name}" for c in scores.classes]
    parts = (("precision", "triangle-right-open", -0.22), ("recall", "triangle-left-open", 0.22))
    for part, symbol, offset in (*parts, ("f1", "", 0.0)):
        values = [getattr(c, part) for c in scores.classes]
        colours = [STYLES[c.name].colour if part == "f1" else QUIET for c in scores.classes]
        markers = [STYLES[c.name].marker if part == "f1" else symbol for c in scores.classes]
        legend = "F1" if part == "f1" else part
        for row, (value, colour, marker) in enumerate(zip(values, colours, markers, strict=True)):
            figure.add_scatter(
                x=[value.value],
                y=[row + offset],
                error_x={
                    "array": [value.high - value.value],
                    "arrayminus": [value.value - value.low],
                    "thickness": 1.2,
                    "width": 0,
                },
                mode="markers",
                marker={"color": colour, "symbol": marker, "size": 11 if part == "f1" else 8},
                name=legend,
                legendgroup=legend,
                showlegend=part != "f1" and row == 0,
                hovertemplate=f"{names[row]}, {legend}: {value}<extra></extra>",
            )
    rows = list(range(len(names)))
    figure.update_yaxes(tickvals=rows, ticktext=names, autorange="reversed", showgrid=False)
    figure.update_xaxes(range=UNIT)
    words = "; ".join(
        f"{c.name}: precision {c.precision}, recall {c.recall}, F1 {c.f1}" for c in scores.classes
    )
    return Chart(figure, f"Precision, recall and F1 of each class with 95 % intervals. {words}.")


def blank_figure(x: str, y: str, height: int = 380) -> go.Figure:
    """Begin a figure with titles of its axes."""
    figure = go.Figure()
    dress(figure)
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    return figure.update_layout(height=height)


def dress(figure: go.Figure) -> None:
    """Make a figure quiet: transparent, legend above, nothing that moves under a finger."""
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        legend={**legend, "title_text": "", "itemclick": False, "itemdoubleclick": False},
        dragmode=False,
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(fixedrange=True, automargin=True, zeroline=False)
    figure.update_yaxes(fixedrange=True, automargin=True, zeroline=False)


def _looks(
    found: Mapping[str, Sequence[Binned]], leading: Sequence[str]
) -> Iterable[tuple[str, Sequence[Binned], dict[str, Any]]]:
    """Yield classifiers, the leading ones last and so on top, each in its own dash and marker."""
    order = [*leading, *(name for name in found if name not in leading)]
    for place in reversed(range(len(order))):
        name = order[place]
        if name in found:
            colour = ACCENT if place == 0 else QUIET
            look = {
                "mode": "lines+markers",
                "line": {"color": colour, "dash": _DASHES[place % 4], "width": 3 - (place > 0)},
                "marker": {"color": colour, "symbol": _SYMBOLS[place % 4], "size": 8},
                "legendrank": place,
            }
            yield figure_text(name), found[name], look


def _band(figure: go.Figure, x: Sequence[str], bins: Sequence[Binned], colour: str) -> None:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*(b.f1.high for b in bins), *(b.f1.low for b in reversed(bins))],
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)",
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )


def _label(part: Binned) -> str:
    return part.label


def _f1_words(against: str, found: Mapping[str, Sequence[Binned]]) -> str:
    said = (
        f"{name}: " + ", ".join(f"{b.label}: {b.f1.value:.2f}" for b in bins)
        for name, bins in found.items()
    )
    return f"Macro F1 by {against}. {'; '.join(said)}."
