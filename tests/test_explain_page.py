"""The page Explain: what it asks, what it shows, and what stands in the address."""

import json
import re
from dataclasses import replace
from pathlib import Path

import browser
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from pages._explain import evidence as evidence_view
from pages._explain import features as feature_view
from pages._explain import question
from pages._ui import Key
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.models import weights
from taonet_core.models.sidecar import extend_sidecar
from taonet_core.objects.collection import gather
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.transforms.features import FEATURE_NAMES

APP = Path(__file__).resolve().parents[1] / "app.py"
NAMES = ("first", "second", "unusable")
PASSED = {"deletion": 0.4, "insertion": 0.3, "randomised": 0.1, "pointing": 0.95}
FAILED = {**PASSED, "pointing": 0.2}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folder of small models: two that read images, and a forest."""
    folder = tmp_path_factory.mktemp("weights")
    browser.small_models(folder)
    known = np.random.default_rng(0).normal(0, 1, (4, len(FEATURE_NAMES)))
    rows = [" ".join(map(str, row)) for row in known]
    know(folder / "forest.json", background={"names": FEATURE_NAMES, "rows": rows})
    know(folder / "taonet.json", methods={"saliency": FAILED, "integrated_gradients": PASSED})
    return folder


def know(sidecar, **explanations):
    """Write into a sidecar what the benchmark of explanations would."""
    extend_sidecar(sidecar, {"explanations": explanations})


@pytest.fixture
def survey(tmp_path, make_sequence):
    """Folder of three objects, the last without a usable frame."""
    folder = tmp_path / "survey"
    folder.mkdir()
    flux = np.repeat([0, 4000, 9000, 6000, 2000, 0], 2)[:, None]
    for name in NAMES[:2]:
        sequence = make_sequence(flux=flux.ravel(), object_id=name)
        write_sequence(sequence, folder / f"{name}.fits", layout="mef")
    blank = np.full((3, 64, 64), np.nan)
    blank[:, 28:36] = 100.0  # constant where there is anything
    blank = ImageSequence(blank, 55_000.0 + np.arange(3), meta={"object_id": NAMES[2]})
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
    kinds = [page.title, page.caption, page.subheader, page.markdown, page.text, page.error]
    kinds += [page.warning, page.info]
    said = "\n".join(str(element.value) for kind in kinds for element in kind)
    return re.sub(r"\\(?=[^\w\s])", "", said).replace("\N{MINUS SIGN}", "-")


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


def test_a_step_back_asks_what_was_asked_there(explain):
    """The address alone remembers: what the widgets last held counts for nothing."""
    page = explain(target="SN", against="CV")
    page.selectbox(Key.TARGET).set_value("AGN").run()
    page.selectbox(Key.AGAINST).set_value("BZ").run()
    assert address(page) == {"target": "AGN", "against": "BZ"}
    for asked in ({"target": "SN", "against": "CV"}, {}):
        for name in ("target", "against"):
            page.query_params.pop(name, None)
        page.query_params.update(asked)
        page.run()
        assert not page.exception and address(page) == asked
        said = [page.selectbox(Key.TARGET).value, page.selectbox(Key.AGAINST).value]
        verdict = viewer(page)["payload"]["models"][0]["class"]
        assert said == [asked.get("target", verdict), asked.get("against", "")]
        assert ("for SN rather than CV" in viewer(page)["overlay"]["title"]) == bool(asked)


@pytest.mark.parametrize("name", ["taonet", "taonet-paper", "forest"])
def test_unless_a_class_is_asked_for_it_is_the_verdict_of_the_model_shown(explain, name):
    page = explain()
    first = set(page.selectbox(Key.TARGET).options)
    page.selectbox(Key.MODEL).set_value(name).run()
    lead = viewer(page)["payload"]["models"][0]
    asked = page.selectbox(Key.TARGET)
    assert (lead["model"], asked.value) == (name, lead["class"])
    assert asked.label == f"Why (verdict: {lead['class']})" and "target" not in address(page)
    assert set(asked.options) <= first  # what the browser holds means the same for every model


def test_an_explanation_is_computed_once(explain, monkeypatch):
    page = explain()
    key = viewer(page)["overlay"]["key"]

    def fail(*args, **settings):
        raise AssertionError("computed again")

    monkeypatch.setattr("pages._explain.attribution.explain", fail)
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
    assert "Did you mean" not in texts(page)
    near = explain(object=NAMES[0] + "x")
    assert "Did you mean one of these?" in texts(near)
    assert NAMES[0] in [link.proto.label for link in near.get("page_link")]


def charts(page):
    """Return the figures on the page by what they say to a screen reader."""
    return [json.loads(element.proto.spec) for element in page.get("plotly_chart")]


def test_a_sentence_of_measured_quantities_comes_first(explain):
    page = explain(target="SN", against="CV")
    [first] = [m.value for m in page.markdown if m.value.startswith("##### ")]
    assert "SN rather than CV" in first and "%" in first and "FWHM" in first


def test_a_method_that_failed_is_marked_and_says_why(explain):
    page = explain(method="saliency")
    labels = page.selectbox(Key.METHOD).options
    assert [name for name in labels if "failed" in name] == ["Saliency (failed its checks)"]
    first, second = [m.value for m in page.markdown if "failed" in m.value or "#####" in m.value]
    assert "points at 20" in first and first.endswith("do not rely on this.")
    assert second.startswith("#####")
    assert "bright supernovae" in page.selectbox(Key.METHOD).help
    assert "does not promise" in texts(page)
    page = explain()
    assert "do not rely" not in texts(page)
    assert "it points at 95" in texts(page)


def test_a_sum_that_is_off_is_flagged(explain, monkeypatch):
    whole = evidence_view.attribution

    def off(*args):
        return replace(whole(*args), explained=10.0, delta=-4.0)

    monkeypatch.setattr(evidence_view, "attribution", off)
    page = explain()
    [warning] = [w.value for w in page.warning if "sums to" in w.value]
    assert "6" in warning and "which is too much" in warning


def test_the_test_on_this_object_is_asked_for_and_kept(explain):
    page = explain()
    count = len(charts(page))
    page.button(evidence_view.TEST).click().run()
    assert not page.exception
    assert len(charts(page)) == count + 1
    assert "Area against random order" in texts(page)
    assert len(charts(explain())) == count + 1


def test_features_of_the_forest_add_up_and_lie_on_the_light_curve(explain):
    page = explain(model="forest", night="3")
    assert not page.exception
    assert viewer(page)["overlay"] is None
    assert viewer(page)["payload"]["models"][0]["model"] == "forest"
    assert "the features take the probability" in texts(page)
    assert "4 known objects" in texts(page)
    assert address(page) == {"model": "forest", "night": "3"}
    bars, _ = charts(page)
    [said] = re.findall(r"objects (\S+) (\S+) of all features = (\S+),", texts(page))
    base, gain, total = map(float, said)
    assert base + gain == pytest.approx(total, abs=2e-3)
    assert bars["data"][0]["customdata"][-1] == ""  # the rest, in one bar
    page.selectbox(feature_view.FEATURE).set_value("amplitude").run()
    _, curve = charts(page)
    assert len(curve["data"][-1]["x"]) == 2  # the brightest point and the faintest


def test_a_light_curve_model_that_cannot_compare_says_so(explain, models):
    sidecar = models / "forest.json"
    known = sidecar.read_text()
    know(sidecar)
    try:
        page = explain(model="forest", object=NAMES[1])
    finally:
        sidecar.write_text(known)
    assert not page.exception and viewer(page)
    assert "does not know which objects to compare" in texts(page)


def test_an_object_without_images_is_explained_by_its_light_curve(explain):
    times = 55_000.0 + np.arange(30)
    star = LightCurve(times, 18 + times % 3, np.full(30, 0.1), meta={"object_id": "star"})
    page = explain()
    page.session_state[Key.COLLECTION] = gather([("star", star)], name="upload", title="Upload")
    page.session_state[Key.STORE] = VerdictStore()
    page.query_params.update({"data": "upload", "object": "star", "model": "taonet"})
    page.run()
    assert not page.exception
    assert page.selectbox(Key.MODEL).options == ["forest"]
    assert viewer(page)["payload"]["frames"] is None
    assert "the features take the probability" in texts(page)
