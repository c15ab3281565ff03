"""Figures of what the features of a light curve add to a probability, and where they lie on it."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.drawing.charts import ACCENT, QUIET, Chart, blank_figure
from taonet_core.drawing.explain_charts import clickable
from taonet_core.drawing.overlay import AGAINST, FOR
from taonet_core.explaining.feature_importance import FeatureImportance
from taonet_core.explaining.feature_words import feature_words
from taonet_core.explaining.words import minus
from taonet_core.transforms.summary import epoch_columns

#: Features drawn one by one; the others are summed up.
SHOWN = 10
#: Letters in a line of a label: there is little room beside the bars on a telephone.
WIDTH = 30
#: Pixels that a number at the end of a bar takes.
NUMBER = 44
_FOR, _AGAINST = (f"rgb{colour}" for colour in (FOR, AGAINST))


def feature_contributions(found: FeatureImportance) -> pd.DataFrame:
    """List what each feature adds, those that count most first.

    Parameters
    ----------
    found : FeatureImportance

    Returns
    -------
    pandas.DataFrame
        One row a feature: ``feature``, ``meaning``, ``value``, ``unit``, ``contribution`` (of
        probability) and ``on_curve``: whether it has a place on the light curve.
    """
    order = found.ranked
    words = [feature_words(found.names)[i] for i in order]
    return pd.DataFrame(
        {
            "feature": [found.names[i] for i in order],
            "meaning": [meaning for meaning, _ in words],
            "value": found.values[order],
            "unit": [unit for _, unit in words],
            "contribution": found.contributions[order],
            "on_curve": [found.names[i] in found.points for i in order],
        }
    )


def feature_sentence(found: FeatureImportance) -> str:
    """Say what the features do to the probability, and which do most."""
    about = str(found.target)
    if found.against is not None:
        about += f" less that of {found.against}"
    first = feature_contributions(found).head(2)
    parts = [
        f"{_short(meaning)} ({_valued(value, unit)}; {contribution:+.2f})"
        for meaning, value, unit, contribution in zip(
            *(first[name] for name in ("meaning", "value", "unit", "contribution")), strict=True
        )
    ]
    return minus(
        f"From {found.base:.2f}, the mean of known objects, the features take the probability of "
        f"{about} to {found.probability:.2f}. What counts most: {' and '.join(parts)}."
    )


def feature_chart(found: FeatureImportance) -> Chart:
    """Draw what the features add to the probability and take from it, and that it adds up.

    Parameters
    ----------
    found : FeatureImportance
        The custom data of a bar is the name of its feature, empty for the sum of the rest.
    """
    table = feature_contributions(found)
    rest = float(table["contribution"].iloc[SHOWN:].sum())
    table = table.head(SHOWN)
    columns = (table[name] for name in ("meaning", "value", "unit"))
    labels = [
        f"{words}: {_valued(value, unit)}" for words, value, unit in zip(*columns, strict=True)
    ]
    values, names = [*table["contribution"], rest], [*table["feature"], ""]
    labels.append(f"the other {len(found.names) - len(table)} features together")
    figure = blank_figure("probability", "", height=60 + 50 * len(values))
    figure.add_bar(
        x=values,
        y=["<br>".join(wrap(label, WIDTH)) for label in labels],
        orientation="h",
        marker={"color": [_FOR if v > 0 else _AGAINST for v in values]},
        text=[minus(f"{v:+.3f}") for v in values],
        textposition="outside",
        cliponaxis=False,
        customdata=names,
        hovertemplate="%{y}<br>%{x:+.3f} of probability<extra></extra>",
        showlegend=False,
    )
    low, high = min(0.0, *values), max(0.0, *values)
    span = high - low or 1.0
    # Room for the numbers at the ends, on a telephone too: beside the names, and in the margin.
    figure.update_xaxes(range=[low - 0.4 * span * (low < 0), high + 0.1 * span])
    figure.update_layout(margin_r=NUMBER)
    figure.update_xaxes(zeroline=True, zerolinecolor=QUIET, nticks=5)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    clickable(figure)
    said = "; ".join(f"{label} {v:+.3f}" for label, v in zip(labels, values, strict=True))
    return Chart(figure, f"What each feature adds to the probability: {said}.")


def sum_words(found: FeatureImportance) -> str:
    """Say that the contributions add up, in numbers."""
    total = float(found.contributions.sum())
    return minus(
        f"Mean of {found.meta['background']} known objects {found.base:.3f} {total:+.3f} of all "
        f"features = {found.probability:.3f}, what {found.model} says."
    )


def curve_chart(
    curve: LightCurve, found: FeatureImportance, feature: str, *, night: int | None = None
) -> Chart:
    """Draw the light curve with the points on which a feature is measured.

    Parameters
    ----------
    curve : LightCurve
        One point a frame where there are images.
    found : FeatureImportance
    feature : str
        Of `found.points`; another has no place, and nothing is marked.
    night : int, optional
        The night looked at, from 1. The custom data of a point is its night.
    """
    epochs = epoch_columns(curve.times, curve.bands, curve.meta)
    nights = np.array(epochs["night"]) + 1
    x = np.array(epochs["utc"]) if epochs["dated"] else np.arange(1, len(curve) + 1)
    y = np.where(curve.detected, curve.mag, curve.limit)
    marked = np.zeros(len(curve), dtype=bool)
    marked[found.points.get(feature, [])] = True
    figure = blank_figure("" if epochs["dated"] else "frame", "magnitude", height=330)
    for title, chosen, symbol in _kinds(curve):
        figure.add_scatter(
            x=x[chosen],
            y=y[chosen],
            mode="markers",
            marker={
                "color": np.where(nights[chosen] == night, ACCENT, QUIET),
                "symbol": symbol,
                "size": np.where(nights[chosen] == night, 9, 6),
            },
            customdata=nights[chosen],
            name=title,
            hovertemplate="night %{customdata}, %{x}: %{y:.2f} mag<extra>" + title + "</extra>",
        )
    figure.add_scatter(
        x=x[marked],
        y=y[marked],
        mode="lines+markers" if marked.sum() == 2 else "markers",  # a pair is a change
        line={"color": _FOR, "width": 1.5},
        marker={"color": _FOR, "symbol": "circle-open", "size": 14, "line": {"width": 2.5}},
        customdata=nights[marked],
        name="measured here",
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed")
    clickable(figure)
    count = int(marked.sum())
    return Chart(figure, f"Light curve of {len(curve)} points; {count} of them make the feature.")


def _kinds(curve: LightCurve) -> tuple[tuple[str, NDArray[np.bool_], str], ...]:
    """Points by kind: words, which they are, and their marker."""
    limits = ~curve.detected & np.isfinite(curve.limit)
    return ("detected", curve.detected, "circle"), ("limit", limits, "triangle-down-open")


def _short(meaning: str) -> str:
    """Return a meaning within a sentence, without what explains it."""
    return meaning[0].lower() + meaning[1:].partition(":")[0]


def _valued(value: float, unit: str) -> str:
    number = minus(f"{value:.3g}")
    return "not defined" if np.isnan(value) else f"{number} {unit}".strip()
