"""Figures of why a classifier says a class: evidence of nights and places, and how far it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from taonet_core.charts import ACCENT, QUIET, Chart, blank_figure
from taonet_core.evidence_files import AGAINST, FOR

if TYPE_CHECKING:
    import pandas as pd

#: Colours of evidence for and against, as over the frames.
_FOR, _AGAINST = (f"rgb{colour}" for colour in (FOR, AGAINST))
#: Part of the frame -> words, as `taonet_core.explain.evidence_shares` names them.
PLACES = {"target": "within 2 FWHM", "host": "host", "rest": "rest of the frame"}
_PLACE_COLOURS = {"target": ACCENT, "host": "#7fb2e5", "rest": "#c3c8cf"}


def night_chart(nights: pd.DataFrame, *, night: int | None = None, signed: bool = True) -> Chart:
    """Draw the evidence of each night on the time axis.

    Parameters
    ----------
    nights : DataFrame
        What `taonet_core.evidence_files.evidence_nights` returns. Its ``night`` is the custom data
        of each point.
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
        customdata=np.stack([nights["night"], 100 * nights["importance"]], axis=1),
        text=when,
        hovertemplate="night %{customdata[0]:.0f}, %{text}<br>%{y:+.2f} logits, "
        "%{customdata[1]:.0f} % of the evidence<extra></extra>"
        if signed
        else "night %{customdata[0]:.0f}, %{text}<br>%{y:.0f} % of the evidence<extra></extra>",
        showlegend=False,
    )
    figure.update_yaxes(zeroline=True, zerolinecolor=QUIET, zerolinewidth=1)
    figure.update_layout(clickmode="event+select")
    best = nights.nlargest(3, "importance")
    most = ", ".join(
        f"night {row.night} {row.importance:.0%}" for row in best.itertuples(index=False)
    )
    return Chart(figure, f"Evidence of {len(nights)} nights; most of it on {most}.")


def place_chart(shares: Mapping[str, float]) -> Chart:
    """Draw where the evidence lies: within the PSF of the target, in its host, elsewhere.

    Parameters
    ----------
    shares : mapping of str to float
        What `taonet_core.explain.evidence_shares` returns; adds up to 1.
    """
    figure = blank_figure("", "", height=76)
    for name, words in PLACES.items():
        figure.add_bar(
            x=[100 * shares[name]],
            y=[""],
            orientation="h",
            name=f"{words} {shares[name]:.0%}",
            marker={"color": _PLACE_COLOURS[name]},
            hovertemplate=f"{words}: {shares[name]:.1%}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100], visible=False)
    figure.update_yaxes(visible=False)
    said = ", ".join(f"{words} {shares[name]:.0%}" for name, words in PLACES.items())
    return Chart(figure, f"Where the evidence lies: {said}.")


def _axis(signed: bool) -> str:
    return "evidence (logits)" if signed else "evidence (%)"
