"""What the command line prints of a name is that name, and nothing a terminal obeys."""

import pandas as pd
import pytest

from taonet_core import console

HOSTILE = "a\x1b[2J\x1b]8;;http://evil.example\x07[red]b[/red]\nTAONET: all well\u202e"
SHOWN = r"a\x1b[2J\x1b]8;;http://evil.example\x07[red]b[/red]\nTAONET: all well\u202e"


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def test_a_message_is_one_line_of_what_can_be_seen(capsys):
    console.say(f"left out: {HOSTILE}")
    assert capsys.readouterr().err == f"left out: {SHOWN}\n"


def test_a_table_shows_names_as_they_are(capsys):
    table = pd.DataFrame({"object_id": [HOSTILE], "[bold]": ["[link=http://evil.example]x"]})
    console.show(console.text_table(table))
    said = capsys.readouterr().out
    assert SHOWN in said
    assert "[link=http://evil.example]x" in said and "[bold]" in said
    assert "\x1b" not in said and len(said.splitlines()) == 2


def test_facts_stand_one_a_line():
    assert console.facts_text({"file": HOSTILE}) == f"file        {SHOWN}"


def test_stages_say_what_they_are_told(capsys):
    with console.stages() as report:
        report("reading", 1.0, HOSTILE)
    assert f"reading: {SHOWN}" in capsys.readouterr().err
