"""Every page, from app.py: what it shows of good objects, bad ones, and none."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from taonet_core.models import weights

APP = Path(__file__).resolve().parents[1] / "app.py"


@pytest.fixture
def app(folders, monkeypatch):
    monkeypatch.setattr(data, "ROOT", folders[0])
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folders[1])
    ui.bundle.clear()
    yield AppTest.from_file(str(APP), default_timeout=30).run()
    ui.bundle.clear()


def texts(app):
    """Return all that is written on a page, by Markdown and as plain text."""
    kinds = (app.title, app.caption, app.subheader, app.markdown, app.text, app.error, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def viewer(app):
    """Return what the epoch viewer was given, if it is on the page."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [p for p in protos if p.component_name == "taonet_epoch_viewer"]
    return json.loads(found[0].json or found[0].mixed.json) if found else None


def healthy(app):
    return not app.exception and "Traceback" not in texts(app)


def test_browse_simulates_a_demo_set_once(app, folders):
    assert healthy(app)
    made = sorted(folders[0].rglob("*.fits"))
    assert len(made) == 6
    stamps = [path.stat().st_mtime_ns for path in made]
    app.run()
    assert [path.stat().st_mtime_ns for path in sorted(folders[0].rglob("*.fits"))] == stamps
    assert not [path for path in folders[0].iterdir() if path.name.startswith(".demo")]


def test_sequence_shows_the_object_of_the_address(app):
    name = data.open_named(data.DEMO).catalog["object_id"].iloc[2]
    app.query_params.update(object=name, night="2")
    app.switch_page("pages/sequence.py").run()
    assert healthy(app)
    shown = viewer(app)
    assert shown["payload"]["object"]["name"] == name
    assert shown["payload"]["object"]["simulated"]
    assert shown["night"] == 2
    assert [model["model"] for model in shown["payload"]["models"]] == ["taonet"]


def test_a_missing_model_is_one_sentence_and_the_rest_is_shown(app):
    app.switch_page("pages/sequence.py").run()
    assert healthy(app) and viewer(app)
    assert "forest: no model named 'forest'" in texts(app)


@pytest.mark.parametrize("night", ["-1", "0", "99999", "x", "1e3", "9" * 4000])
def test_an_odd_night_in_the_address_does_no_harm(app, night):
    app.query_params["night"] = night
    app.switch_page("pages/sequence.py").run()
    assert healthy(app) and viewer(app)


@pytest.mark.parametrize(
    "name", ["unknown", "../../etc/passwd", "<script>1</script>", "$x$ **b**", "a" * 9999]
)
def test_an_unknown_object_is_not_found(app, name):
    app.query_params["object"] = name
    app.switch_page("pages/sequence.py").run()
    assert healthy(app) and viewer(app) is None
    assert app.title[0].value == "Not found"
    assert not re.search(r"(?<!\\)[<*$]", app.error[0].value)


def test_markdown_from_outside_is_shown_as_it_is():
    text = "a_b *c* [d](e) <f> $g$ :red[h] `i` #j | k ~l~ & \\m\n- n"
    assert re.sub(r"\\([^a-z\s])", r"\1", ui.plain(text)) == text.replace("\n", " ")
    assert not re.search(r"(?<!\\)[*_\[\]<>$:`#|~&]", ui.plain(text))
