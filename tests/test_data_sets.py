"""Folders named by the environment variable: opened first, told apart, left where they fail."""

import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages._ui import Key
from taonet_core.data.fits_write import write_sequence
from taonet_core.data.sequence import ImageSequence

APP = Path(__file__).resolve().parents[1] / "app.py"


@pytest.fixture
def folder(tmp_path):
    """Return a folder that opens."""
    place = tmp_path / "one" / "data"
    place.mkdir(parents=True)
    frames = np.random.default_rng(0).normal(100, 5, (3, 64, 64))
    sequence = ImageSequence(frames, 55_000.0 + np.arange(3), meta={"object_id": "lonely"})
    write_sequence(sequence, place / "lonely.fits", layout="mef")
    return place


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Return a function that opens Browse with folders."""
    monkeypatch.setattr(data, "ROOT", tmp_path / "cache")
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")

    def opened(*folders, **query):
        monkeypatch.setenv("TAONET_DATA", os.pathsep.join(map(str, folders)))
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        app.run()
        assert not app.exception
        return app

    return opened


def test_a_folder_that_fails_leaves_a_way_out(start, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    app = start(folder, tmp_path / "missing", tmp_path / "empty", data="missing")
    assert "no such folder" in app.error[0].value.replace("\\", "")
    assert app.button_group("data-picker").value == "missing"
    assert "demo set" in " ".join(link.proto.label for link in app.get("page_link"))
    assert Key.DATA not in app.session_state
    app.button_group("data-picker").set_value("empty").run()
    assert app.error
    app.button_group("data-picker").set_value("data").run()
    assert not app.error and app.session_state[Key.DATA] == "data"


def test_the_first_folder_that_opens_comes_first(start, folder, tmp_path):
    app = start(tmp_path / "missing", folder)
    assert app.session_state[Key.DATA] == "data" and not app.query_params.get("data")
    assert "1 of 1 objects" in " ".join(text.value for text in app.text)


def test_folders_of_one_name_are_told_apart(monkeypatch):
    names = [os.sep + os.path.join(*parts) for parts in (("a", "data"), ("b", "data"), ("b", "x"))]
    monkeypatch.setenv("TAONET_DATA", os.pathsep.join(names))
    assert list(data._folders()) == ["data", "data (2)", "x"]
