"""Weights that are missing or damaged: the app starts, says so once, and uses the others."""

import browser
import pytest
from streamlit.testing.v1 import AppTest
from test_deep_links import PAGES, unharmed
from test_pages import APP, texts

from pages import _data as data
from pages import _ui as ui
from taonet_core.models import weights


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    browser.small_models(folder)
    return folder


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "random": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "one bit": flip,
    "gone": lambda path: path.unlink(),
}


@pytest.fixture
def opened(intact, tmp_path, folders, monkeypatch):
    """Open a page with the networks damaged in one way, the forest too where it is said."""
    monkeypatch.setattr(data, "ROOT", folders[0])
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", tmp_path)

    def go(page, damage, *, forest=False):
        for path in intact.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        hurt = [p for p in tmp_path.iterdir() if p.suffix not in (".json", ".csv")]
        for path in hurt:
            if forest or not path.name.startswith("forest"):
                DAMAGE[damage](path)
        ui.bundle.clear()
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        return unharmed(app.switch_page(f"pages/{page}.py").run())

    yield go
    ui.bundle.clear()


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_forest_goes_on_without_the_networks(opened, damage):
    app = opened("sequence", damage)
    said = texts(app)
    assert "taonet: " in said.replace("\\", "") and app.get("bidi_component")
    assert sum(line.startswith("taonet: ") for line in said.replace("\\", "").splitlines()) == 1
    assert "forest: " not in said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_any_model(opened, page):
    opened(page, "random", forest=True)
