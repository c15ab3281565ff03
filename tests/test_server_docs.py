"""What docs/api.md tells people to ask is answered, on the set that it names."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from rest import served, small_network
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


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_every_line_of_curl_is_answered(url):
    for line in block("bash").splitlines():
        *flags, address = shlex.split(line)
        address = address.replace(f"http://127.0.0.1:8000{PREFIX}", url)
        run = subprocess.run([*flags, "--fail", address], capture_output=True, timeout=20)
        assert run.returncode == 0, (line, run.stderr)
        assert run.stdout or Path(flags[flags.index("-o") + 1]).stat().st_size > 1000


def test_the_script_runs(url, capsys):
    exec(block("python").replace(f"http://127.0.0.1:8000{PREFIX}", url), {})
    assert "SN" in capsys.readouterr().out
