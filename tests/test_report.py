"""The report: one file, nothing from elsewhere, all that was measured, nothing unescaped."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution, Prediction
from taonet_core.drawing.report_figures import curve_svg, probability_svg
from taonet_core.explaining.feature_table import feature_table
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.provenance import data_digest
from taonet_core.report import Findings, object_report
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import stack_nights

EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=y>"
VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """Tags that close, texts, and every address that a browser would fetch."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.tags, self.fetched, self.images = [], [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        held = dict(attrs)
        assert not [name for name in held if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)
        source = held.get("src", "")
        if source.startswith("data:image/png;base64,"):
            self.images.append(base64.b64decode(source.split(",")[1]))
        elif source:
            self.fetched.append(source)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def prediction(times, *, model="taonet", unused=None, warnings=(), verdict=4):
    n = len(times)
    rows = np.full((n, 6), 0.03)
    rows[:, verdict] = 0.85
    sets = rows > 0.5
    nights = np.arange(n).repeat(2)
    meta = {"warnings": list(warnings), "unused": unused or {}, "object_id": "x"}
    return Prediction(
        rows, times, SIX_CLASSES, model, "9.9", nights, meta, prediction_sets=sets, novelty=97.4
    )


@pytest.fixture
def observed(make_sequence):
    sequence = make_sequence(nights=4, flux=3e4, notes=[f"assumed {EVIL}"], object_id=EVIL)
    times = stack_nights(sequence).times
    return sequence, times


@pytest.fixture
def whole(observed):
    """Return everything a report can hold."""
    sequence, times = observed
    values = np.zeros((4, 64, 64), dtype=np.float32)
    values[2, 20:22, 40:43] = 1.0  # off the middle: a flip or a turn would move it
    explained = Attribution(
        values,
        times,
        np.arange(4).repeat(2),
        TransientClass.SN,
        None,
        "taonet",
        "9.9",
        "integrated_gradients",
        "sky",
        15.5,
        0.5,
        True,
        {"left": 0, "top": 0, "score": 0.5},
    )
    predictions = [
        prediction(times, unused={3: "blank frame"}, warnings=[f"not for {EVIL}"]),
        prediction(times, model="forest", verdict=2),
    ]
    labels = [{"label": "CV", "author": EVIL, "note": EVIL}]
    features = feature_table(np.linspace(0.123, 4.567, 30))
    return Findings(
        predictions,
        {"boosting": f"no file {EVIL}"},
        {"taonet": "ab" * 32},
        explained,
        f"All of it {EVIL}",
        labels,
        features,
        {"Python": f"read({EVIL!r})"},
        EVIL,
    )


def test_the_report_holds_all_that_was_measured(observed, whole):
    sequence, _ = observed
    curve = extract_light_curve(sequence)
    page = Page(object_report(sequence, curve, whole))
    for words in ("taonet 9.9", "SN 0.85", "97 %", "ab" * 32, "forest", data_digest(sequence)):
        assert words in page.text
    assert "123.137500 +12.550280" in page.text and "08:12:33" in page.text
    assert f"{curve.detected.sum()} detections in 8 points" in page.text
    assert "blank frame" in page.text and "8 of 8 frames" in page.text
    assert "100 % of the evidence" in page.text and "16.000 of 15.500 log-odds" in page.text
    assert "0.123" in page.text and "median_absolute_deviation" in page.text
    assert len(page.images) == 8 and page.tags.count("svg") == 4


def test_nothing_is_fetched_and_nothing_runs(observed, whole):
    sequence, _ = observed
    html = object_report(sequence, extract_light_curve(sequence), whole)
    page = Page(html)
    assert not page.fetched and not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "default-src 'none'" in html  # and so no reader's browser would, whatever it held
    plain = html.replace("http-equiv", "")
    assert "http" not in plain and "url(" not in html and "@import" not in html
    assert page.text.count("<script>") >= 8 and "<img" not in re.sub(
        r'<img alt="[^"]*" src="data:', "", html
    )


def test_evidence_is_coloured_where_it_lies(observed, whole):
    """Of the first row of images none is coloured; of the second only the third night."""
    sequence, _ = observed
    page = Page(object_report(sequence, None, whole))
    images = [np.asarray(Image.open(io.BytesIO(data))).astype(int) for data in page.images]
    coloured = [image.shape[-1] == 4 and np.ptp(image[..., :3], axis=-1) > 60 for image in images]
    assert not any(np.any(c) for i, c in enumerate(coloured) if i != 6)
    rows, columns = np.nonzero(coloured[6])
    # A column is a column, east to the left; the first row of the file is the lowest on screen.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (42, 43, 40, 42)


def test_a_report_of_a_light_curve_alone(rng):
    times = 55_000 + np.arange(40.0)
    curve = LightCurve(times, rng.normal(18, 0.2, 40), np.full(40, 0.1), meta={"object_id": "star"})
    page = Page(object_report(curve, None, Findings()))
    assert "40 detections in 40 points" in page.text and "No classifier" in page.text
    assert not page.images and "no coordinates" in page.text


def test_nothing_usable_still_gives_a_report(make_sequence):
    sequence = make_sequence(nights=2).with_frames(np.full((4, 64, 64), np.nan))
    page = Page(object_report(sequence, extract_light_curve(sequence), Findings()))
    assert "0 of 4 frames" in page.text and "No brightness" in page.text


def test_brighter_is_up_and_later_is_right():
    curve = LightCurve([1.0, 2.0, 3.0], [18.0, 16.0, 17.0], [0.1, np.nan, 0.1])
    places = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', curve_svg(curve))
    x, y = np.array(places, dtype=float).T
    assert (np.diff(x) > 0).all() and list(np.argsort(y)) == [1, 2, 0]
    assert curve_svg(curve).count('class="error"') == 2


def test_probabilities_are_drawn_where_they_are(observed):
    _, times = observed
    drawn = probability_svg(prediction(times))
    [line] = re.findall(r'stroke="#D55E00" points="([^"]*)"', drawn)
    heights = {float(pair.split(",")[1]) for pair in line.split()}
    [axis] = re.findall(r'd="M56 12V(\d+)H', drawn)
    share = (float(axis) - heights.pop()) / (float(axis) - 12)
    assert share == pytest.approx(0.85, abs=0.01) and not heights


def labels(drawn):
    """Words of the ticks of time."""
    return re.findall(r'y="222" text-anchor="middle">([^<]*)<', drawn)


@pytest.mark.parametrize("start, span", [(56_195.2, 0.05), (2_456_195.7, 30.0), (0.0, 8.0)])
def test_ticks_tell_one_from_the_next(start, span):
    times = np.linspace(start, start + span, 9)
    said = labels(curve_svg(LightCurve(times, np.full(9, 17.0), np.full(9, 0.1))))
    assert len(said) > 2 and len(set(said)) == len(said)
    assert all(re.fullmatch(r"-?[0-9]+([.][0-9]+)?", words) for words in said)
    step = np.diff(np.array(said, dtype=float))
    assert step == pytest.approx(np.full(len(step), step[0]), abs=1e-6)


def test_sequences_without_dates_are_drawn_against_frames(make_sequence):
    sequence = make_sequence(nights=2, visits=1, flux=3e4, time_kind="index")
    sequence = replace(sequence, times=np.arange(2.0))
    said = prediction(sequence.times)
    html = object_report(sequence, extract_light_curve(sequence), Findings([said]))
    axes = [svg for svg in re.findall("<svg.*?</svg>", html, re.DOTALL) if "Share of" not in svg]
    assert len(axes) == 2
    for svg in axes:
        assert ">frame</text>" in svg and ">MJD</text>" not in svg
        assert {"1.0", "2.0"} <= set(labels(svg))
