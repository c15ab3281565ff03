"""The whole sky in one figure: where objects lie, and which of them a reader marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from taonet_core.data.selection_fields import UNKNOWN, Corners
from taonet_core.data.sky import hammer
from taonet_core.labels import STYLES, ClassStyle
from taonet_core.plain_text import figure_text

#: More points than this are drawn by WebGL, which is quick; fewer as vectors, which are sharp.
MANY = 1500
#: North Galactic pole, ICRS degrees (Reid & Brunthaler 2004, ApJ 616, 872).
GALACTIC_POLE = (192.85948, 27.12825)

_CORNERS = 48
_LONGEST = 80  # letters of a name under the pointer
_GREY = "#8a8f98"
_NOTHING = ClassStyle("unknown", _GREY, "circle-open", "○")
_TOP = {"constrain": "domain", "constraintoward": "top"}
_HOVER = "<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>"


def sky_map(table: pd.DataFrame, by: str = "label", *, region: Corners = ()) -> go.Figure:
    """Draw objects on the sky: Hammer projection, ICRS, east to the left.

    Parameters
    ----------
    table : DataFrame
        Columns ``object_id``, ``ra`` and ``dec`` (degrees), the one named by `by`, and ``mag_peak``
        or ``mag``. Objects without a position are left out.
    by : str
        Column of classes that decides colour and marker.
    region : tuple of pairs of float, optional
        Corners of an area to outline, in the plane of `sky.hammer`.

    Returns
    -------
    plotly.graph_objects.Figure
        The lines of the grid, which react to nothing; then one trace a class, whose ``customdata``
        holds of each object the name as it is shown, a line of facts, and the name (see `named`).
    """
    known = np.isfinite(table["ra"]) & np.isfinite(table["dec"])
    shown = table[known.to_numpy()]
    x, y = hammer(shown["ra"].to_numpy(), shown["dec"].to_numpy())
    classes = shown[by].where(shown[by].isin(list(map(str, STYLES))), UNKNOWN).to_numpy(str)
    facts = _facts(shown, classes)
    figure = go.Figure([*_grid(), *([_outline(region)] if region else [])])
    for name, style in {**{str(kind): s for kind, s in STYLES.items()}, UNKNOWN: _NOTHING}.items():
        own = classes == name
        if own.any():
            figure.add_trace(_points(x[own], y[own], facts[own], name, style, len(x)))
    return figure.update_layout(**_layout())


def marked_region(selection: Mapping[str, Any]) -> Corners:
    """Return the corners of the area a reader drew on the map.

    Parameters
    ----------
    selection : mapping
        What Plotly tells of it in Streamlit: lists ``box`` and ``lasso`` of ``x`` and ``y``.

    Returns
    -------
    tuple of pairs of float
        In the plane of `sky.hammer`, to three decimals (4 arcmin); of a long lasso evenly spaced
        corners. Empty where nothing was drawn.
    """
    if selection.get("lasso"):
        x, y = (np.asarray(selection["lasso"][-1][axis], dtype=float) for axis in "xy")
        chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _CORNERS)).round().astype(int))
        x, y = x[chosen], y[chosen]
    elif selection.get("box"):
        (x0, x1), (y0, y1) = (selection["box"][-1][axis] for axis in "xy")
        x, y = np.array([x0, x1, x1, x0]), np.array([y0, y0, y1, y1])
    else:
        return ()
    corners = tuple((round(float(a), 3), round(float(b), 3)) for a, b in zip(x, y, strict=True))
    return corners if len(corners) >= 3 else ()


def named(selection: Mapping[str, Any]) -> str | None:
    """Return the object that a reader clicked, or None where it was not just one."""
    points = selection.get("points") or []
    if len(points) != 1 or selection.get("box") or selection.get("lasso"):
        return None
    told = points[0].get("customdata")
    return str(told[2]) if told else None


def galactic_plane(ra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the declination of the Galactic plane at right ascensions (N,), all in degrees."""
    pole_ra, pole_dec = np.radians(GALACTIC_POLE)
    return np.degrees(-np.arctan(np.cos(np.radians(ra) - pole_ra) / np.tan(pole_dec)))


def _facts(shown: pd.DataFrame, classes: NDArray[np.str_]) -> NDArray[np.object_]:
    """Return name as shown, a line of facts, and the name of each object, shape (N, 3)."""
    brightness = shown["mag"]
    if "mag_peak" in shown:
        brightness = shown["mag_peak"].fillna(brightness)
    lines = [
        f"{kind} · RA {ra:.4f}° Dec {dec:+.4f}°" + (f" · {mag:.1f} mag" if mag == mag else "")
        for kind, ra, dec, mag in zip(classes, shown["ra"], shown["dec"], brightness, strict=True)
    ]
    names = shown["object_id"].tolist()
    safe = [figure_text(name, _LONGEST) for name in names]
    return np.array([safe, lines, names], dtype=object).reshape(3, -1).T


def _points(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    facts: NDArray[np.object_],
    name: str,
    style: ClassStyle,
    total: int,
) -> go.Scatter | go.Scattergl:
    kind = go.Scattergl if total > MANY else go.Scatter
    size = 9 if total <= 200 else 6 if total <= MANY else 4
    return kind(
        x=x.astype(np.float32),
        y=y.astype(np.float32),
        mode="markers",
        name=f"{name} ({len(x):,})",
        marker={"color": style.colour, "symbol": style.marker, "size": size, "opacity": 0.85},
        customdata=facts.tolist(),
        hovertemplate=_HOVER,
        unselected={"marker": {"opacity": 0.25}},
    )


def _grid() -> list[go.Scatter]:
    """Return meridians and parallels, the edge, the Galactic plane, and the hours and degrees."""
    turn, height = np.linspace(0, 360, 181), np.linspace(-90, 90, 91)
    parallels = [hammer(turn, np.full_like(turn, dec)) for dec in range(-60, 90, 30)]
    meridians = [hammer(np.full_like(height, ra), height) for ra in range(60, 360, 60)]
    edges = [hammer(np.full_like(height, ra), height) for ra in (0, 360)]
    plane = [hammer(turn, galactic_plane(turn))]
    hours = np.arange(60.0, 360, 60)
    degrees = np.array([-60.0, -30, 30, 60])
    at_hours = hammer(hours, np.zeros(len(hours)))
    at_degrees = hammer(np.full(len(degrees), 360.0), degrees)
    return [
        _line(parallels + meridians, 0.6, "rgba(128,128,128,0.35)"),
        _line(edges, 1.0, "rgba(128,128,128,0.8)"),
        _line(plane, 1.4, "rgba(128,128,128,0.8)", dash="dot", name="Galactic plane"),
        _words(*at_hours, [f"{ra / 15:.0f}h" for ra in hours], "top right"),
        _words(*at_degrees, [f"{dec:+.0f}°" for dec in degrees], "middle left"),
    ]


def _line(
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    width: float,
    colour: str,
    *,
    dash: str = "solid",
    name: str = "",
) -> go.Scatter:
    gap = np.array([np.nan])
    x, y = (np.concatenate([v for part in parts for v in (part[axis], gap)]) for axis in (0, 1))
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        showlegend=bool(name),
        line={"width": width, "color": colour, "dash": dash},
        hoverinfo="skip",
    )


def _outline(region: Corners) -> go.Scatter:
    x, y = (np.array([corner[axis] for corner in (*region, region[0])]) for axis in (0, 1))
    return _line([(x, y)], 1.6, "#1a66c2", name="marked")


def _words(
    x: NDArray[np.float64], y: NDArray[np.float64], texts: list[str], where: str
) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        text=texts,
        mode="text",
        textposition=where,
        textfont={"size": 11, "color": _GREY},
        hoverinfo="skip",
        showlegend=False,
    )


def _layout() -> dict[str, Any]:
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    return {
        "height": 520,
        "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
        "xaxis": {**hidden, "range": [-2.12, 2.04], "constrain": "domain"},
        "yaxis": {**hidden, "range": [-1.04, 1.04], "scaleanchor": "x", **_TOP},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0.5, "xanchor": "center"},
        "hovermode": "closest",
        "dragmode": "pan",
        "uirevision": "sky",  # the zoom outlives a change of filter
    }
