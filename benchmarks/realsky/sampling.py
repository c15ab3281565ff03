"""When and how well CRTS measures: visits, gaps, seasons and photometric scatter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from realsky.catalogue import CurveSet, ErrorModel, load_field
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import night_index
from taonet_core.simulation.cadence import draw_cadence
from taonet_core.simulation.presets import get_survey

#: Quantiles that are compared; those that must agree within a tenth are the inner three.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
#: Days without a visit that part two seasons.
SEASON_GAP = 75.0
_BRIGHT = (14.0, 17.5)
_EDGES = np.arange(14.0, 20.1, 0.5)


def compare_cadence(folder: Path, *, fields: int = 400, seed: int = 0) -> dict[str, Any]:
    """Visits of simulated fields beside those of real bright sources, which no visit misses.

    Parameters
    ----------
    folder : Path
        Real data.
    fields : int
        Number of simulated fields.
    seed : int
        Of the simulation.
    """
    real = load_field(folder, min_points=8)
    bright = [c for c in real.curves if _BRIGHT[0] < np.median(c.mag) < _BRIGHT[1]]
    rng, survey, simulated = np.random.default_rng(seed), get_survey("crts"), []
    while len(simulated) < fields:
        cadence = draw_cadence(survey, 360 * rng.random(), rng)
        times = np.unique(cadence.times[rng.random(len(cadence)) > survey.blank_share])
        if len(times) >= 8:
            simulated.append(times)
    return _side_by_side(_visits([c.times for c in bright]), _visits(simulated))


def compare_errors(field: CurveSet, simulated: CurveSet, errors: ErrorModel) -> dict[str, Any]:
    """Photometric error and scatter within visits by magnitude, real field sources and NON.

    Parameters
    ----------
    field, simulated : CurveSet
        Of class NON.
    errors : ErrorModel
        Errors of the catalogue.
    """
    table: dict[str, Any] = {"magnitude": (_EDGES[:-1] + 0.25).tolist()}
    for name, side in (("real", field), ("simulated", simulated)):
        scatter, quoted = _by_magnitude(side.curves)
        table[f"scatter, {name}"] = scatter
        table[f"error, {name}"] = quoted
    table["formula"] = errors.quoted(_EDGES[:-1] + 0.25).round(3).tolist()
    return table


def _visits(times: list[NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Statistics of visits, each pooled over fields."""
    found: dict[str, list[float]] = {
        name: []
        for name in (
            "nights in three years", "points in three years", "points a night",
            "minutes between exposures", "days between nights", "season, days",
            "gap between seasons, days",
        )
    }  # fmt: skip
    for points in times:
        night = night_index(points)
        first = points[np.flatnonzero(np.diff(night, prepend=-1))]
        gaps = np.diff(first)
        edges = np.flatnonzero(gaps > SEASON_GAP)
        found["nights in three years"].append(len(first))
        found["points in three years"].append(len(points))
        found["points a night"].append(len(points) / len(first))
        found["minutes between exposures"] += list(1440 * np.diff(points)[np.diff(night) == 0])
        found["days between nights"] += list(gaps[gaps <= SEASON_GAP])
        # The first and the last season are cut by the window.
        found["season, days"] += list(first[edges[1:]] - first[edges[:-1] + 1])
        found["gap between seasons, days"] += list(gaps[edges])
    return {name: np.array(values) for name, values in found.items()}


def _side_by_side(
    real: dict[str, NDArray[np.float64]], simulated: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    table = {}
    for name, values in real.items():
        table[name] = quantiles_beside(values, simulated[name])
    return table


def quantiles_beside(
    real: NDArray[np.float64], simulated: NDArray[np.float64]
) -> dict[str, list[float | None]]:
    """Quantiles at `LEVELS` of both and their ratio, None where that is not a number."""
    one, two = np.nanquantile(real, LEVELS), np.nanquantile(simulated, LEVELS)
    ratio = np.divide(two, one, out=np.full(len(one), np.nan), where=one != 0)
    return {
        "real": one.round(3).tolist(),
        "simulated": two.round(3).tolist(),
        "ratio": [None if np.isnan(value) else round(float(value), 3) for value in ratio],
    }


def _by_magnitude(curves: list[LightCurve]) -> tuple[list[float], list[float]]:
    """Median standard deviation within visits of three points or more, and median error."""
    rows = []
    for curve in curves:
        night = night_index(curve.times)
        frame = pd.DataFrame({"night": night, "mag": curve.mag, "err": curve.mag_err})
        visit = frame.groupby("night").agg(
            n=("mag", "size"), mag=("mag", "mean"), sd=("mag", "std"), err=("err", "median")
        )
        rows.append(visit[visit["n"] >= 3])
    visits = pd.concat(rows)
    bins = np.digitize(visits["mag"], _EDGES) - 1
    medians = [visits[bins == i][["sd", "err"]].median() for i in range(len(_EDGES) - 1)]
    return [round(m["sd"], 4) for m in medians], [round(m["err"], 4) for m in medians]
