"""Figures of one object that two classifiers see differently."""

from __future__ import annotations

from collections.abc import Sequence

from taonet_core.data.results import Prediction
from taonet_core.drawing.charts import ACCENT, QUIET, UNIT, Chart, blank_figure
from taonet_core.labels import STYLES, TransientClass
from taonet_core.plain_text import figure_text


def chance_against_time(
    predictions: Sequence[Prediction], name: TransientClass, *, dated: bool = True
) -> Chart:
    """Draw the probability of one class after every night, as two classifiers saw it.

    Parameters
    ----------
    predictions : sequence of Prediction
        The first is drawn in the accent.
    name : TransientClass
        The true class, say; each classifier knows it.
    dated : bool
        Whether times are MJD; else they are frame numbers, which are shown from 1.
    """
    clock = "MJD" if dated else "frame"
    figure = blank_figure(clock, f"probability of {STYLES[name].glyph} {name}", height=320)
    looks = ((ACCENT, "solid", "circle"), (QUIET, "dash", "square-open"))
    said = []
    for prediction, (colour, dash, symbol) in zip(predictions, looks, strict=False):
        model = figure_text(prediction.model)
        chance = prediction.probabilities[:, prediction.classes.index(name)]
        figure.add_scatter(
            x=(prediction.times if dated else prediction.times + 1).tolist(),
            y=chance.tolist(),
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2, "shape": "hv"},
            marker={"color": colour, "symbol": symbol, "size": 6},
            name=model,
            hovertemplate=f"{clock} %{{x:{'.3f' if dated else 'd'}}}: %{{y:.2f}}"
            f"<extra>{model}</extra>",
        )
        said.append(f"{prediction.model}: {chance[0]:.2f} at first, {chance[-1]:.2f} at last")
    figure.update_xaxes(tickformat="d", nticks=6)
    figure.update_yaxes(range=UNIT)
    return Chart(figure, f"Probability of {name} after every night. {'; '.join(said)}.")
