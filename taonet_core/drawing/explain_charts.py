"""Figures of why a classifier says a class: evidence of nights and places, and how far it holds."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from taonet_core.drawing.charts import ACCENT, QUIET, Chart, blank_figure, dress
from taonet_core.drawing.overlay import AGAINST, FOR
from taonet_core.explaining.faithfulness import Faithfulness
from taonet_core.explaining.words import faithfulness_words

if TYPE_CHECKING:
    import pandas as pd

#: Colours of evidence for and against, as over the frames.
_FOR, _AGAINST = (f"rgb{colour}" for colour in (FOR, AGAINST))
#: Part of the frame -> words, as `taonet_core.explain.evidence_shares` names them.
PLACES = {
    "target": "target, within 2 FWHM",
    "host": "extended light there (such as a host)",
    "rest": "rest of the frame",
}
_WIDTH = 24  # letters in a line of a label


def night_chart(nights: pd.DataFrame, *, night: int | None = None, signed: bool = True) -> Chart:
    """Draw the evidence of each night on the time axis.

    Parameters
    ----------
    nights : DataFrame
        What `taonet_core.explaining.evidence_files.evidence_nights` returns. Its ``night`` is the
        custom data of each point.
    night : int, optional
        The night looked at, which is marked.
    signed : bool
        Whether the method tells for from against; else importance is drawn.
    """
    values = nights["evidence"] if signed else 100 * nights["importance"]
    dated = bool((nights["utc"] != "").all())
    figure = blank_figure("" if dated else "frame", _axis(signed), height=230)
    when = nights["utc"].str[:10] if dated else "frame " + (nights["mjd"] + 1).astype(str)
    x = nights["utc"] if dated else nights["mjd"] + 1
    stems = [part for at, y in zip(x, values, strict=True) for part in ((at, 0.0), (at, y), None)]
    figure.add_scatter(
        x=[None if part is None else part[0] for part in stems],
        y=[None if part is None else part[1] for part in stems],
        mode="lines",
        line={"color": QUIET, "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    chosen = nights["night"] == night
    figure.add_scatter(
        x=x,
        y=values,
        mode="markers",
        marker={
            "color": np.where(values < 0, _AGAINST, _FOR),
            "size": np.where(chosen, 15, 9),
            "line": {"color": ACCENT, "width": np.where(chosen, 3, 0)},
        },
        customdata=nights["night"].tolist(),
        hovertext=_hover(nights, when, signed=signed),
        hoverinfo="text",
        showlegend=False,
    )
    figure.update_yaxes(zeroline=True, zerolinecolor=QUIET, zerolinewidth=1)
    clickable(figure)
    best = nights.nlargest(3, "importance")
    most = ", ".join(
        f"night {row.night} {row.importance:.0%}" for row in best.itertuples(index=False)
    )
    return Chart(figure, f"Evidence of {len(nights)} nights; most of it on {most}.")


def place_chart(shares: Mapping[str, float]) -> Chart:
    """Draw where the evidence lies: at the target, on extended light there, elsewhere.

    Parameters
    ----------
    shares : mapping of str to float
        What `taonet_core.explain.evidence_shares` returns; adds up to 1.
    """
    figure = blank_figure("", "", height=130)
    figure.add_bar(
        x=[100 * shares[name] for name in PLACES],
        y=["<br>".join(wrap(words, _WIDTH)) for words in PLACES.values()],
        orientation="h",
        marker={"color": [ACCENT, ACCENT, QUIET]},
        text=[f"{shares[name]:.0%}" for name in PLACES],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} % of the evidence<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(range=[0, 108], visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    said = ", ".join(f"{words} {shares[name]:.0%}" for name, words in PLACES.items())
    return Chart(figure, f"Where the evidence lies: {said}.")


def faithfulness_chart(found: Faithfulness, subject: str) -> Chart:
    """Draw how the probability falls and rises as places go and come in the order of evidence.

    Parameters
    ----------
    found : Faithfulness
    subject : str
        Of what the probability is: ``"SN"``, or ``"SN rather than CV"``.
    """
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.05)
    dress(figure)
    lines = (
        ("in the order of evidence", "", {"color": ACCENT, "width": 3}),
        ("nearest to the target first", "nearest_", {"color": QUIET, "dash": "dash", "width": 1.5}),
        ("in random order", "random_", {"color": QUIET, "dash": "dot", "width": 1.5}),
    )
    for column, way in enumerate(("deletion", "insertion"), start=1):
        for words, prefix, line in lines:
            figure.add_scatter(
                x=100 * found.shares,
                y=getattr(found, prefix + way),
                mode="lines",
                line=line,
                name=words,
                legendgroup=words,
                showlegend=column == 1,
                hovertemplate=f"%{{x:.0f}} % of the field: %{{y:.2f}}<extra>{words}</extra>",
                row=1,
                col=column,
            )
    figure.update_yaxes(range=[0, 1])
    figure.update_yaxes(title_text=f"probability of {subject}", row=1, col=1)
    for column, way in ((1, "blanked"), (2, "uncovered")):
        figure.update_xaxes(title_text=f"% of the field {way}", row=1, col=column)
    figure.update_layout(height=250)
    return Chart(figure, faithfulness_words(found))


def clickable(figure: go.Figure) -> None:
    """Let the points of a figure be clicked; the others stay as they are."""
    figure.update_layout(clickmode="event+select")
    figure.update_traces(selected_marker_opacity=1, unselected_marker_opacity=1)


def _axis(signed: bool) -> str:
    return "evidence (log-odds)" if signed else "evidence (%)"


def _hover(nights: pd.DataFrame, when: pd.Series, *, signed: bool) -> list[str]:
    """Say of each night when it was and what it counts."""
    said = []
    for row, date in zip(nights.to_dict("records"), when, strict=True):
        sum_ = f"{row['evidence']:+.2f} log-odds, " if signed else ""
        said.append(
            f"night {row['night']}, {date}<br>{sum_}{row['importance']:.0%} of the evidence"
        )
    return said
