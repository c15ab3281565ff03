"""What docs/api.md tells people to ask is answered, on the set that it names."""

import re
import shlex
from pathlib import Path

import pytest
from rest import ask, served, small_network
from typer.testing import CliRunner

from taonet_core.api.server import PREFIX
from taonet_core.cli import app
from taonet_core.models import weights
from taonet_core.objects.collection import open_folder

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text("utf-8")


def block(language):
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def url(tmp_path, monkeypatch):
    """Serve the set of the page, from the folder that it lies in."""
    monkeypatch.chdir(tmp_path)
    [command] = re.findall(r"`taonet (simulate .*?)`", PAGE)
    assert CliRunner().invoke(app, shlex.split(command)).exit_code == 0
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", small_network(tmp_path / "weights"))
    with served(open_folder("demo")) as address:
        yield address


def test_every_line_of_curl_is_answered(url):
    for line in block("bash").splitlines():
        words = shlex.split(line)
        files = [Path(word.rpartition("@")[2]) for word in words if "@" in word]
        _, _, rest = words[-1].partition(PREFIX)
        status, _, body = ask(url + rest, files[0].read_bytes() if files else None)
        assert status == 200 and body, line


def test_the_script_runs(url, capsys):
    exec(block("python").replace(f"http://127.0.0.1:8000{PREFIX}", url), {})
    assert "SN" in capsys.readouterr().out
