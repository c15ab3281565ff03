"""The app as its users meet it, with folders of its own, and what its process holds.

`_visitor.Visitor` opens its pages and hands files over without a browser.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that the app may take to start.
_START = 120.0


@dataclass(frozen=True)
class App:
    """A running app.

    Attributes
    ----------
    address : str
    folder : Path
        Holds all that it writes: its home, its temporary files and its log.
    process : Popen
    """

    address: str
    folder: Path
    process: subprocess.Popen[bytes]

    def held(self) -> dict[str, int]:
        """Return what its process holds now; see `_serve.held`."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / "window"))
            with line.makefile() as answer:
                found: dict[str, int] = json.loads(answer.read())
        return found

    def temporary_files(self) -> int:
        """Count the files in its folder of temporary files."""
        return sum(path.is_file() for path in (self.folder / "tmp").rglob("*"))

    def children(self) -> list[int]:
        """Return the processes that it started and that still are, theirs too."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
        found, look = list[int](), [self.process.pid]
        while look:
            look = [child for parent in look for child in parents.get(parent, ())]
            found += look
        return found

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def log(self) -> str:
        """Return what it wrote to its log."""
        return (self.folder / "log").read_text("utf-8", errors="replace")


@contextmanager
def running_app(
    *, small: bool = False, weights: Path | None = None, **environment: str
) -> Iterator[App]:
    """Start the app on a free port, and stop it in the end.

    Parameters
    ----------
    small : bool
        Whether the demo set has one object of each class instead of 20.
    weights : Path, optional
        Folder of the models instead of those shipped.
    **environment : str
        Variables to set beside those of this process.

    Yields
    ------
    App
    """
    with tempfile.TemporaryDirectory(prefix="taonet-load-") as name, socket.socket() as probe:
        folder = Path(name)
        for part in ("home", "tmp"):
            (folder / part).mkdir()
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        variables = {
            **os.environ,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "TAONET_DATABASE_URL": f"sqlite:///{folder}/labels.sqlite",
            **environment,
        }
        command = [sys.executable, str(Path(__file__).with_name("_serve.py")), str(port)]
        command += [str(folder / "window"), str(int(small)), str(weights or "")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                command,
                cwd=ROOT,
                env=variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        app = App(f"http://127.0.0.1:{port}", folder, server)
        try:
            _wait_for(app)
            yield app
        finally:
            server.terminate()
            server.wait()


def _wait_for(app: App) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end and app.alive:
        try:
            urllib.request.urlopen(f"{app.address}/_stcore/health", timeout=1).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"the app does not start:\n{app.log()[-2000:]}")
