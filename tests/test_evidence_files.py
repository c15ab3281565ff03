"""Explanations as files: the cube knows its sky, the table its nights, the strip its colours."""

import io

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from makers import wcs_cards
from PIL import Image

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.explain_charts import night_chart, place_chart
from taonet_core.drawing.overlay import AGAINST, FOR, evidence_on_frames, over_grey
from taonet_core.explaining.evidence_files import evidence_nights, evidence_strip, write_evidence
from taonet_core.labels import TransientClass


@pytest.fixture
def sequence(rng):
    """Make four nights of two frames, 48 rows and 40 columns, with a WCS."""
    times = np.add.outer(55_000 + 10.0 * np.arange(4), [0.0, 0.01]).ravel()
    frames = rng.normal(1000, 5, (8, 48, 40))
    wcs = WCS(fits.Header(wcs_cards(20, 24)))
    return ImageSequence(frames, times, wcs, {"object_id": "α <b>"})


@pytest.fixture
def attribution(sequence):
    """Make maps of 32 x 32 pixels of nights 1, 3 and 4, whose evidence is +1, -3 and 0."""
    values = np.zeros((3, 32, 32))
    values[0, 16, 16], values[1, 10, 20] = 1, -3
    night_of_frame = np.array([0, 0, -1, -1, 1, 1, 2, -1])
    meta = {"object_id": "α <b>", "left": 4, "top": 8, "steps": 32}
    return Attribution(
        values, sequence.times[[1, 5, 6]], night_of_frame, TransientClass.SN, None,
        "taonet", "1.0", "integrated_gradients", "sky", -2.1, 0.1, True, meta,
    )  # fmt: skip


def test_nights_are_counted_as_the_viewer_counts_them(attribution, sequence):
    table = evidence_nights(attribution, sequence)
    assert table["night"].tolist() == [1, 3, 4]
    assert table["frames"].tolist() == [2, 2, 1]
    assert table["evidence"].tolist() == [1, -3, 0]
    assert table["importance"].tolist() == [0.25, 0.75, 0]
    assert table["utc"][0].startswith("2009-06-18")
    undated = evidence_nights(attribution, sequence.with_meta(time_kind="index"))
    assert undated["night"].tolist() == [2, 6, 7]
    assert not undated["utc"].any()


def test_the_cube_keeps_its_place_on_the_sky_and_says_what_it_is(attribution, sequence, tmp_path):
    path = write_evidence(attribution, sequence, tmp_path / "e.fits")
    with fits.open(path) as hdus:
        header, table = hdus[0].header, hdus["NIGHTS"].data
        np.testing.assert_array_equal(hdus[0].data, attribution.values)
    place = WCS(header).celestial.pixel_to_world_values(16, 16)
    np.testing.assert_allclose(place, sequence.wcs.pixel_to_world_values(20, 24), atol=1e-9)
    wanted = {
        "TARGET": "SN", "AGAINST": "all others", "METHOD": "integrated_gradients",
        "BASELINE": "sky", "DELTA": 0.1, "EXPLAIND": -2.1, "SIGNED": True, "OBJECT": "? <b>",
    }  # fmt: skip
    assert {key: header[key] for key in wanted} == wanted
    assert table["NIGHT"].tolist() == [1, 3, 4]
    assert table["EVIDENCE"].sum() == pytest.approx(attribution.explained + attribution.delta)


def test_the_table_as_a_file_is_the_table(attribution, sequence, tmp_path):
    table = pd.read_csv(write_evidence(attribution, sequence, tmp_path / "e.csv"))
    pd.testing.assert_frame_equal(table, evidence_nights(attribution, sequence), check_dtype=False)


def test_maps_lie_on_the_frames_where_they_were_read(attribution, sequence):
    maps = evidence_on_frames(attribution, sequence)
    assert maps.shape == (3, 48, 40)
    assert (maps[0, 24, 20], maps[1, 18, 24]) == (1, -3)
    assert np.abs(maps).sum() == 4


def test_evidence_colours_what_it_covers_and_nothing_else():
    grey = np.full((2, 2), 100, np.uint8)
    painted = over_grey(grey, np.array([[1.0, -1.0], [0.0, 9.0]]))
    assert [tuple(c) for c in painted.reshape(4, 3)] == [FOR, AGAINST, (100, 100, 100), FOR]


def test_the_strip_shows_a_frame_for_each_night(attribution, sequence, tmp_path):
    picture = np.array(Image.open(io.BytesIO(evidence_strip(attribution, sequence))))
    whole = write_evidence(attribution, sequence, tmp_path / "e.png").read_bytes()
    assert whole == evidence_strip(attribution, sequence)
    first, second = (picture[:200, left : left + 192].astype(int) for left in (8, 208))
    warmth = first[..., 0] - first[..., 2]  # a third of the evidence of the second night
    assert warmth.max() > 40 and warmth.min() >= 0
    assert (second == AGAINST).all(-1).any() and not (second == FOR).all(-1).any()


def test_another_ending_is_refused(attribution, sequence, tmp_path):
    with pytest.raises(ValueError, match="fits"):
        write_evidence(attribution, sequence, tmp_path / "e.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("signed", [True, False])
def test_the_chart_of_nights_marks_the_night_looked_at(attribution, sequence, signed):
    chart = night_chart(evidence_nights(attribution, sequence), night=3, signed=signed)
    _, points = chart.figure.data
    assert list(points.y) == ([1, -3, 0] if signed else [25, 75, 0])
    assert list(points.customdata) == [1, 3, 4]
    assert np.argmax(points.marker.size) == 1
    assert "night 3 75%" in chart.words


def test_the_chart_of_places_shows_shares():
    chart = place_chart({"target": 0.62, "host": 0.2, "rest": 0.18})
    [bars] = chart.figure.data
    assert list(bars.x) == pytest.approx([62, 20, 18])
    assert "within 2 FWHM 62%" in chart.words
