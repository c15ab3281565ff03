"""The page Sequence around its viewer: tools, tables, services, labels; good objects and bad."""

import json
from pathlib import Path

import browser
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from pages._object import elsewhere
from pages._ui import Key
from taonet_core import services
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import ServiceError
from taonet_core.models import weights
from taonet_core.objects.collection import gather
from taonet_core.objects.verdict_store import VerdictStore

APP = Path(__file__).resolve().parents[1] / "app.py"
REAL, FAKE, BLANK, CURVE = "ZTF21abiuvdk", "fake", "<b>blank</b>", "curve"
ROW = "tools of the object"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folder of small models: two that read images, and a forest."""
    folder = tmp_path_factory.mktemp("weights")
    browser.small_models(folder)
    return folder


@pytest.fixture
def objects(make_sequence, rng):
    """Return a real object, a simulated one, one without a usable frame, and a light curve."""
    flux = np.repeat([0, 4000, 9000, 6000, 2000, 0], 2).astype(float)
    real = make_sequence(flux=flux, object_id=REAL, ra=150.1, dec=2.2, class_text="SN 2021rhu")
    fake = make_sequence(flux=flux, object_id=FAKE, simulated=True)
    empty = np.full((3, 64, 64), np.nan)
    blank = ImageSequence(empty, 55_000.0 + np.arange(3), meta={"object_id": BLANK})
    times = 55_000 + np.arange(40.0)
    meta = {"object_id": CURVE, "source": "curves.csv"}
    curve = LightCurve(times, rng.normal(18, 0.2, 40), np.full(40, 0.1), meta=meta)
    return gather([("", item) for item in (real, fake, blank, curve)], name="upload", title="Yours")


@pytest.fixture
def opened(objects, models, tmp_path, monkeypatch):
    """Open an object, with whatever stands in the address."""
    monkeypatch.setattr(data, "ROOT", tmp_path / "cache")
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", models)
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")
    ui.bundle.clear()
    elsewhere._sky.clear()
    elsewhere._ztf.clear()

    def start(name, **address):
        page = AppTest.from_file(str(APP), default_timeout=30).switch_page("pages/sequence.py")
        page.session_state[Key.COLLECTION] = objects
        page.session_state[Key.STORE] = VerdictStore()
        page.query_params.update({"data": "upload", "object": name, **address})
        return page.run()

    yield start
    ui.bundle.clear()


def texts(page):
    """Return all that is written on a page, by Markdown and as plain text."""
    kinds = (page.title, page.caption, page.subheader, page.markdown, page.text)
    kinds += (page.error, page.info, page.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def viewer(page):
    """Return what the epoch viewer was given, if it is on the page."""
    protos = [element.proto for element in page.get("bidi_component")]
    found = [p for p in protos if p.component_name == "taonet_epoch_viewer"]
    return json.loads(found[0].json or found[0].mixed.json) if found else None


def details(page, part):
    """Open a part of what is known of an object."""
    page.session_state["details"] = part
    return page.run()


def labels_of(page, kind):
    return [element.proto.label for element in page.get(kind)]


def test_a_real_object_is_linked_and_offered_as_files(opened):
    page = opened(REAL)
    assert not page.exception and viewer(page)["payload"]["object"]["name"] == REAL
    links = {element.proto.label: element.proto.url for element in page.get("link_button")}
    assert links["Fink"].endswith(REAL) and links["TNS"].startswith("https://www.wis-tns.org")
    assert {"SIMBAD", "NED", "VizieR", "Legacy Survey", "Lasair"} < set(links)
    files = set(labels_of(page, "download_button"))
    assert {"FITS", "GIF", "CSV", "ECSV", "VOTable", "JSON", "HTML report"} < files
    assert "PNG of night 3" in files  # where it is brightest, as the viewer opens


def test_the_code_follows_the_night_of_the_address(opened):
    page = opened(REAL, night="2")
    assert viewer(page)["night"] == 2
    python, shell = (element.value for element in page.code)
    assert "read_sequence" in python and "predict(source, 'taonet')" in python
    assert "prediction.probabilities[1]" in python and "night 2" in python
    assert "PNG of night 2" in labels_of(page, "download_button")
    assert shell.startswith("taonet predict")


def test_a_simulated_object_is_nowhere_else(opened):
    page = opened(FAKE)
    assert not page.exception and not page.get("link_button")
    assert "nowhere on the sky" in texts(page)
    for part in ("The sky around", "Other surveys"):
        assert "This object is simulated" in texts(details(page, part))
        assert not [b for b in page.button if b.key in ("sky", "ztf")]


def test_what_is_known_is_in_tables(opened):
    page = opened(REAL)
    verdicts, frames = (table.value for table in page.dataframe[:2])
    assert list(verdicts["model"]) == ["taonet 0.0", "forest 0.0", "taonet-paper 0.0"]
    assert (verdicts["nights"] == 6).all()
    assert "12 of 12 frames can be used." in texts(page) and len(frames) == 12
    table = details(page, "Features").dataframe[-1].value
    assert len(table) == 30 and table["meaning"].str.len().min() > 10
    said = texts(details(page, "Provenance"))
    assert "SHA-256 of times and values: " in said and "weights of taonet: SHA-256 " in said
    assert not page.exception


def test_why_lays_evidence_over_the_frames(opened):
    page = opened(REAL)
    assert viewer(page)["overlay"] is None
    page.session_state["why-steps"] = 2
    page.toggle("why").set_value(True).run()
    assert not page.exception
    overlay = viewer(page)["overlay"]
    assert overlay["model"] == "taonet" and len(overlay["sums"]) == 6
    assert (
        "explain(" in page.code[0].value and "method='integrated_gradients'" in page.code[0].value
    )
    page.selectbox("why-model").set_value("taonet-paper").run()
    assert viewer(page)["overlay"]["model"] == "taonet-paper"
    page.toggle("why").set_value(False).run()
    assert viewer(page)["overlay"] is None


def test_an_object_without_a_usable_frame(opened):
    page = opened(BLANK)
    assert not page.exception and viewer(page)["payload"]["models"] == []
    said = texts(page)
    assert "0 of 3 frames can be used" in said and "No classifier gives a verdict" in said
    assert not [t for t in page.toggle if t.key == "why"] and "no coordinates" in said
    for part in ("Features", "The sky around", "Provenance"):
        assert not details(page, part).exception


def test_a_light_curve_alone(opened):
    page = opened(CURVE)
    assert not page.exception and viewer(page)["payload"]["frames"] is None
    files = labels_of(page, "download_button")
    assert "FITS" not in files and "GIF" not in files and "VOTable" in files
    assert "There are no images" in texts(page)
    assert "read_objects('curves.csv')" in page.code[0].value
    assert not details(page, "Features").exception and len(page.dataframe[-1].value) == 30


def test_an_unreachable_service_is_one_quiet_sentence(opened, monkeypatch):
    for name in ("HIPS2FITS", "ZTF_LIGHT_CURVES"):
        monkeypatch.setattr(services, name, "http://127.0.0.1:9/nothing")
    page = opened(REAL)
    for part, key in (("The sky around", "sky"), ("Other surveys", "ztf")):
        page = details(page, part)
        assert not page.info
        page.button(key).click().run()
        assert not page.exception and "cannot be reached from here" in page.info[0].value


def test_what_a_service_sends_is_shown(opened, monkeypatch, objects):
    pixel = b"\x89PNG\r\n\x1a\n" + bytes.fromhex(
        "0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
        "f61738550000000049454e44ae426082"
    )
    asked = []

    def image(ra, dec, *, width_arcsec, pixels):
        asked.append((ra, dec, width_arcsec))
        return pixel, "Pan-STARRS1"

    monkeypatch.setattr(elsewhere, "sky_image", image)
    curve = objects.read(CURVE)
    monkeypatch.setattr(elsewhere, "ztf_light_curve", lambda ra, dec: curve)
    page = details(opened(REAL), "The sky around")
    page.button("sky").click().run()
    assert not page.exception and page.get("image")
    assert asked == [(150.1, 2.2, 160.0)]  # 64 pixels of 2.5 arcsec
    page.run()
    assert len(asked) == 1  # once is enough
    page = details(page, "Other surveys")
    page.button("ztf").click().run()
    assert not page.exception and page.get("plotly_chart")
    monkeypatch.setattr(elsewhere, "ztf_light_curve", lambda ra, dec: curve.select(slice(0, 0)))
    elsewhere._ztf.clear()
    assert "has measured nothing" in page.run().info[0].value


def test_a_service_error_is_not_kept(opened, monkeypatch):
    answers = [ServiceError("busy"), (b"\x89PNG", "x")]

    def image(*_, **__):
        answer = answers.pop(0)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    monkeypatch.setattr(elsewhere, "sky_image", image)
    page = details(opened(REAL), "The sky around")
    page.button("sky").click().run()
    assert page.info and len(answers) == 1
    with pytest.raises(ServiceError):
        answers.insert(0, ServiceError("again"))
        elsewhere._sky(1.0, 2.0, 3.0)


def test_first_steps_are_said_once(opened):
    page = opened(REAL)
    assert "First time here?" in texts(page)
    page.button("first-steps-got").click().run()
    assert "First time here?" not in texts(page)


def test_a_label_of_an_expert_reaches_the_viewer(opened):
    page = opened(REAL)
    assert viewer(page)["payload"]["expert"] is None
    page.session_state[Key.AUTHOR] = "Ada"
    page.run().button("object-CV").click().run()
    assert not page.exception
    said = viewer(page)["payload"]["expert"]
    assert said["class"] == "CV" and said["author"] == "Ada"
