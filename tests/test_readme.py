"""What the README tells people to paste works as written."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taonet_core import __version__
from taonet_core.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("console")).splitlines():
        prompt, command, *arguments = shlex.split(line)
        assert (prompt, command) == ("$", "taonet")
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{line}\n{result.output}"
    [script] = blocks("python")
    exec(compile(script, "README.md", "exec"), {})
    assert "light curve" in capsys.readouterr().out


def test_the_two_commands_are_single_lines_that_pin_torch():
    lines = "".join(blocks("sh")).splitlines()
    assert [line.split(" && ")[-1] for line in lines] == ["streamlit run app.py", "pytest"]
    for line in lines:
        [requirements] = re.findall(r"-r (\S+)", line)
        assert (ROOT / requirements).exists()
    assert (ROOT / "requirements.txt").read_text().startswith("torch==")


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_the_version_is_said_once():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pyproject["project"]["version"] == __version__
