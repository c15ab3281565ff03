"""The page of reliability shows what was measured, and every command is on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import run_all
from _figures import RESULTS, Findings, Goal, conclude

FOLDER = Path(run_all.__file__).parent


def test_the_page_shows_what_the_files_hold():
    page = run_all.PAGE.read_text("utf-8")

    assert page == run_all.page_with(page, run_all.tables())


def test_every_command_is_run_and_every_file_is_of_one():
    scripts = {path.stem for path in FOLDER.glob("[!_]*.py")} - {"run_all"}

    assert scripts == set(run_all.COMMANDS)
    for path in RESULTS.glob("*.json"):
        found = json.loads(path.read_text("utf-8"))
        assert path.stem == found["command"] in run_all.COMMANDS
        assert found["quick"] is False


def test_a_missed_goal_shows_on_the_page(tmp_path):
    goals = [Goal("inputs lost", 2, "==", 0), Goal("a|b", float("nan"), "<", 5, "ms")]
    conclude(Findings(goals, seed=5, notes=["Simulated."]), "fuzz", output=tmp_path / "fuzz.json")

    text = run_all.tables(tmp_path)

    assert "| inputs lost | 2 | 0 | **no** |" in text
    assert "| a\\|b | none | < 5 ms | **no** |" in text
    assert "Simulated." in text
    assert text.count("not measured in full yet") == len(run_all.COMMANDS) - 1


def test_a_page_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="no block"):
        run_all.page_with("nothing here", "figures")
