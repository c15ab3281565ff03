"""The sky map: objects where they are, marked areas that choose the same objects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord

from taonet_core.data.selection import Selection
from taonet_core.data.sky import hammer
from taonet_core.drawing.skymap import MANY, galactic_plane, marked_region, named, sky_map
from taonet_core.labels import STYLES, TransientClass


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "object_id": ["a", "<b>&amp;</b>", "c", "d"],
            "label": ["SN", "CV", "", "SN"],
            "ra": [10.0, 170.0, 350.0, np.nan],
            "dec": [20.0, -40.0, 0.0, np.nan],
            "mag": [18.25, 19.0, np.nan, 17.0],
            "mag_peak": [np.nan, 17.0, np.nan, 16.0],
        }
    )


def classes(figure) -> dict[str, object]:
    """Return the traces of objects by the class in their name."""
    return {t.name.split(" (")[0]: t for t in figure.data if t.customdata is not None}


def test_objects_lie_where_they_are_in_the_look_of_their_class(table: pd.DataFrame) -> None:
    traces = classes(sky_map(table))
    assert list(traces) == ["CV", "SN", "unknown"]
    assert [trace.customdata[0][0] for trace in traces.values()][1:] == ["a", "c"]
    for name, row in (("SN", 0), ("CV", 1)):
        style = STYLES[TransientClass(name)]
        marker = traces[name].marker
        assert (marker.color, marker.symbol) == (style.colour, style.marker)
        place = hammer(*(table[c].to_numpy()[[row]] for c in ("ra", "dec")))
        assert (traces[name].x[0], traces[name].y[0]) == pytest.approx(np.ravel(place), abs=1e-6)
    assert traces["SN"].x[0] > 0 > traces["unknown"].x[0]  # east of 12 h is to the left


def test_what_the_pointer_says_is_text(table: pd.DataFrame) -> None:
    traces = classes(sky_map(table))
    assert traces["CV"].customdata[0][0] == "&lt;b&gt;&amp;amp;&lt;/b&gt;"
    assert traces["CV"].customdata[0][1] == "CV · RA 170.0000° Dec -40.0000° · 17.0 mag"
    clicked = {"points": [{"customdata": list(traces["CV"].customdata[0])}], "box": [], "lasso": []}
    assert named(clicked) == "<b>&amp;</b>"
    assert named({**clicked, "box": [{"x": [0, 1], "y": [0, 1]}]}) is None
    assert named({"points": []}) is None and named({"points": clicked["points"] * 2}) is None
    assert "18.2 mag" in traces["SN"].customdata[0][1]
    assert "mag" not in traces["unknown"].customdata[0][1]


def test_an_empty_table_is_an_empty_sky(table: pd.DataFrame) -> None:
    for rows in (table.iloc[:0], table.iloc[3:]):
        assert not classes(sky_map(rows))


def test_the_galactic_plane_is_where_astropy_has_it() -> None:
    ra = np.arange(0.0, 360, 10)
    latitude = SkyCoord(ra, galactic_plane(ra), unit="deg").galactic.b.deg
    assert np.abs(latitude).max() < 1e-3


def test_many_points_are_drawn_by_webgl(rng: np.random.Generator) -> None:
    n = MANY + 1
    many = pd.DataFrame(
        {"object_id": "x", "label": "SN", "ra": rng.uniform(0, 360, n), "dec": 0.0, "mag": 18.0}
    )
    assert classes(sky_map(many))["SN"].type == "scattergl"
    assert classes(sky_map(many.iloc[1:]))["SN"].type == "scatter"


@pytest.mark.parametrize("kind", ["box", "lasso"])
def test_a_marked_area_chooses_what_lies_in_it(kind: str, rng: np.random.Generator) -> None:
    ra, dec = rng.uniform(0, 360, 500), rng.uniform(-80, 80, 500)
    table = pd.DataFrame({"object_id": [f"{i:03d}" for i in range(500)], "ra": ra, "dec": dec})
    x, y = hammer(ra, dec)
    if kind == "box":
        drawn = {"box": [{"x": [-1.0, 0.5], "y": [0.6, -0.2]}]}
        within = (x > -1) & (x < 0.5) & (y > -0.2) & (y < 0.6)
    else:
        angles = np.linspace(0, 2 * np.pi, 300, endpoint=False)
        drawn = {"lasso": [{"x": (0.5 * np.cos(angles)).tolist(), "y": 0.5 * np.sin(angles)}]}
        within = np.hypot(x, y) < 0.5
    region = marked_region(drawn)
    assert 3 <= len(region) <= 64
    found = Selection(region=region).apply(table)["object_id"]
    edge = np.abs(np.hypot(x, y) - 0.5) < 4e-3 if kind == "lasso" else np.zeros(500, dtype=bool)
    expected = set(table["object_id"][within & ~edge])
    assert expected <= set(found) <= expected | set(table["object_id"][edge])
    assert Selection.from_query(Selection(region=region).to_query()).region == region
    assert [t.name for t in sky_map(table.assign(label="", mag=18.0), region=region).data].count(
        "marked"
    ) == 1


@pytest.mark.parametrize("drawn", [{}, {"box": [], "lasso": [], "points": [{}]},
                                   {"lasso": [{"x": [0, 1], "y": [0, 1]}]}])  # fmt: skip
def test_nothing_drawn_is_no_area(drawn: dict) -> None:
    assert marked_region(drawn) == ()
