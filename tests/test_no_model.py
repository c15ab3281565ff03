"""Without models, or with a damaged one, every page says why in a sentence and does the rest."""

from pathlib import Path

import browser
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from taonet_core.models import weights

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "pages").glob("[!_]*.py"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def app(demo, tmp_path, monkeypatch):
    """Open the app on an empty folder of models."""
    monkeypatch.setattr(data, "ROOT", demo)
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", tmp_path)
    ui.bundle.clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    ui.bundle.clear()


def texts(app):
    kinds = (app.title, app.caption, app.subheader, app.markdown, app.text, app.error, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_the_app_runs_without_any_model(app):
    app.run()
    assert not app.exception
    app.query_params["object"] = data.open_named(data.DEMO).catalog["object_id"].iloc[0]
    for page in PAGES:
        app.switch_page(page).run()
        assert not app.exception, page
        assert "Traceback" not in texts(app), page


def test_beside_a_damaged_network_the_forest_still_answers(app, tmp_path):
    browser.small_models(tmp_path)
    file = tmp_path / "taonet.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    app.run()
    app.query_params["object"] = data.open_named(data.DEMO).catalog["object_id"].iloc[0]
    app.switch_page("pages/sequence.py").run()
    assert not app.exception
    bundles, problems = ui.models()
    assert [bundle.name for bundle in bundles] == ["forest", "taonet-paper"]
    assert "damaged, changed, or of another version" in problems["taonet"]
    said = texts(app)
    assert "taonet.safetensors has SHA-256" in said.replace("\\", "")
    assert "forest" in said
