"""The page Explain: what it asks, what it shows, and what stands in the address."""

import json
from pathlib import Path

import browser
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _question as question
from pages import _ui as ui
from pages._ui import Key
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.models import weights

APP = Path(__file__).resolve().parents[1] / "app.py"
NAMES = ("first", "second", "unusable")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folder of small models: two that read images, and a forest."""
    folder = tmp_path_factory.mktemp("weights")
    browser.small_models(folder)
    return folder


@pytest.fixture
def survey(tmp_path, make_sequence):
    """Folder of three objects, the last without a usable frame."""
    folder = tmp_path / "survey"
    folder.mkdir()
    flux = np.repeat([0, 4000, 9000, 6000, 2000, 0], 2)[:, None]
    for name in NAMES[:2]:
        sequence = make_sequence(flux=flux.ravel(), object_id=name)
        write_sequence(sequence, folder / f"{name}.fits", layout="mef")
    blank = ImageSequence(
        np.full((3, 64, 64), np.nan), 55_000.0 + np.arange(3), meta={"object_id": NAMES[2]}
    )
    write_sequence(blank, folder / f"{NAMES[2]}.fits", layout="mef")
    return folder


@pytest.fixture
def explain(survey, models, tmp_path, monkeypatch):
    """Open the page with an address."""
    monkeypatch.setattr(data, "ROOT", tmp_path / "cache")
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", models)
    monkeypatch.setenv("TAONET_DATA", str(survey))
    ui.bundle.clear()

    def start(**address):
        page = AppTest.from_file(str(APP), default_timeout=30).switch_page("pages/explain.py")
        page.query_params.update({"data": "survey", "object": NAMES[0], **address})
        return page.run()

    yield start
    ui.bundle.clear()


def texts(page):
    """Return all that is written on a page, by Markdown and as plain text."""
    kinds = (page.title, page.caption, page.subheader, page.markdown, page.text, page.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def viewer(page):
    """Return what the epoch viewer was given, if it is on the page."""
    protos = [element.proto for element in page.get("bidi_component")]
    found = [p for p in protos if p.component_name == "taonet_epoch_viewer"]
    return json.loads(found[0].json or found[0].mixed.json) if found else None


def address(page):
    """Return what the address holds, each value as text."""
    held = {k: v if isinstance(v, str) else v[-1] for k, v in page.query_params.items()}
    return {k: v for k, v in held.items() if k not in ("data", "object")}


def test_evidence_lies_over_the_frames_of_the_model_that_was_asked(explain):
    page = explain()
    assert not page.exception
    shown = viewer(page)
    assert shown["payload"]["object"]["name"] == NAMES[0]
    assert shown["overlay"]["model"] == shown["payload"]["models"][0]["model"] == "taonet"
    assert len(shown["overlay"]["shares"]) == 6
    assert sum(shown["overlay"]["shares"]) == pytest.approx(1)
    assert address(page) == {}


def test_what_is_asked_stands_in_the_address_and_comes_from_it(explain):
    asked = {"target": "SN", "against": "CV", "model": "taonet-paper", "night": "3"}
    page = explain(**asked, steps="8", baseline="blurred")
    assert not page.exception
    assert address(page) == {**asked, "steps": "8", "baseline": "blurred"}
    shown = viewer(page)
    assert shown["overlay"]["title"].startswith("Evidence for SN rather than CV")
    assert (shown["overlay"]["model"], shown["night"]) == ("taonet-paper", 3)
    page.selectbox(Key.AGAINST).set_value("").run()
    assert "against" not in address(page)
    assert "rather than" not in viewer(page)["overlay"]["title"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "tea_leaves"},
        {"target": "<script>"},
        {"against": "KN"},
        {"model": "../../etc/passwd"},
        {"baseline": "x" * 5000},
        {"steps": "1000000"},
    ],
)
def test_what_means_nothing_is_ignored_with_a_word(explain, wrong):
    page = explain(**wrong)
    assert not page.exception and viewer(page)["overlay"]
    assert "Ignored in the address" in texts(page)
    assert address(page) == {}
    [name] = wrong
    assert name in texts(page)


def test_a_class_is_not_told_from_itself(explain):
    page = explain(target="SN", against="SN")
    assert not page.exception and viewer(page)["overlay"]
    assert "against" not in address(page)


def test_an_explanation_is_computed_once(explain, monkeypatch):
    page = explain()
    key = viewer(page)["overlay"]["key"]

    def fail(*args, **settings):
        raise AssertionError("computed again")

    monkeypatch.setattr("pages._attribution.explain", fail)
    page.run()
    assert not page.exception and viewer(page)["overlay"]["key"] == key


def test_another_object_keeps_the_question_and_forgets_the_night(explain):
    page = explain(target="CV", night="2")
    page.selectbox(question.FIND).set_value(NAMES[1]).run()
    assert not page.exception
    assert viewer(page)["payload"]["object"]["name"] == NAMES[1]
    assert address(page) == {"target": "CV"}


def test_an_object_that_no_model_can_read_says_why(explain):
    page = explain(object=NAMES[2])
    assert not page.exception
    assert "No classifier could read this object" in texts(page)
    assert "taonet:" in texts(page)
    assert not viewer(page)["overlay"]


def test_an_unknown_object_is_not_found(explain):
    page = explain(object="nobody <b>")
    assert not page.exception and viewer(page) is None
    assert page.title[0].value == "Not found"
