"""The app as its users meet it, run for a while: what pictures and timings of its pages need."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
#: No sandbox and no graphics card are needed, and nothing is fetched in the background.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def running_app(**environment: str) -> Iterator[str]:
    """Start the app on a free port and stop it in the end; labels go to a database of its own.

    Parameters
    ----------
    **environment : str
        Variables to set beside those of this process.

    Yields
    ------
    str
        Address of the app.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    options = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        labels = {"TAONET_DATABASE_URL": f"sqlite:///{folder}/labels.sqlite"}
        variables = {**os.environ, **labels, **environment}
        server = subprocess.Popen([*command, *options], cwd=ROOT, env=variables)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait_for(url: str) -> None:
    """Wait until a server answers, a minute at most."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.25)
    raise SystemExit(f"{url} does not answer")
