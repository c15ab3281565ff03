"""The app in a real browser: what every ``test_browser*.py`` shares.

One server and one Chromium serve a whole test session (fixtures ``address``, ``chromium`` and
``page`` of conftest.py); a test only opens a window of its own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
# The app with a demo set of few objects and small models, both in the folder of the test session.
SERVER = """
from pathlib import Path
from pages import _data
from taonet_core.models import weights
_data.ROOT = Path({demo!r})
_data.PER_CLASS = 1
weights.WEIGHTS_FOLDER = Path({weights!r})
from streamlit.web.cli import main
main(["run", "app.py", "--server.port", "{port}", "--server.address", "127.0.0.1",
      "--server.headless", "true"])
"""


def small_models(folder: Path) -> None:
    """Save three small models that were hardly trained: what they say does not matter here."""
    import torch

    from taonet_core.data.lightcurve import LightCurve
    from taonet_core.labels import SIX_CLASSES, TransientClass
    from taonet_core.models.forest import ForestConfig, forest_classes, train_forest
    from taonet_core.models.taonet import TAONet, TAONetConfig
    from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig
    from taonet_core.models.weights import ModelBundle, save_model
    from taonet_core.transforms.preprocess import PreprocessConfig

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    settings = PreprocessConfig()
    tiny = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    paper = TAONetPaperConfig(growth=2, depth=10, hidden=4, layers=1)
    for name, network in (("taonet", TAONet(tiny)), ("taonet-paper", TAONetPaper(paper))):
        config = tiny if name == "taonet" else paper
        save_model(
            ModelBundle(name, "0.0", name, SIX_CLASSES, network.eval(), config, settings), folder
        )
    labels = [TransientClass.SN, TransientClass.CV] * 6
    times = 55_000 + np.sort(rng.uniform(0, 400, (12, 30)))
    curves = [LightCurve(t, rng.normal(18, 0.3, 30), np.full(30, 0.1)) for t in times]
    config = ForestConfig(trees=(5,), max_features=("sqrt",), beginnings=0)
    forest = train_forest(curves, labels, config, seed=0)
    save_model(
        ModelBundle("forest", "0.0", "forest", forest_classes(forest), forest, config), folder
    )


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[str]:
    """Run the app on a free port, with all it writes in a folder; give its address.

    Variables of the environment may be set for it, such as ``TAONET_DATA``.
    """
    small_models(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = SERVER.format(demo=str(folder / "demo"), weights=str(folder), port=port)
    root = Path(__file__).resolve().parents[1]
    settings = {k: v for k, v in os.environ.items() if not k.startswith("TAONET_")}
    settings["TAONET_DATABASE_URL"] = f"sqlite:///{folder / 'labels.sqlite'}"
    settings |= environment
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", code], cwd=root, stdout=log, stderr=log, env=settings
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        server.kill()  # nothing of it is kept, and a busy machine may take long over an orderly end
        server.wait()


@contextmanager
def window(chromium, address: str, **options) -> Iterator:
    """Open a window that may talk to the app alone, and in which no script may complain."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, **options)
    asked, failures = set(), []
    page.on("request", lambda request: asked.add(urlsplit(request.url)))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if complaint(said) else None)
    yield page
    outside = {u.geturl() for u in asked if u.scheme in ("http", "https", "ws", "wss")} - {
        u.geturl() for u in asked if u.netloc == urlsplit(address).netloc
    }
    page.close()
    assert not outside and not failures, (outside, failures)


def complaint(said) -> bool:
    """Whether a line of the console is an error; not Streamlit's search for its own base path."""
    return said.type == "error" and "/_stcore/" not in said.location.get("url", "")


def upload(page, address: str, path: Path):
    """Hand a file to the upload page and wait for its viewer."""
    page.goto(f"{address}/upload")
    page.set_input_files("input[type=file]", str(path))
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    return page


def rgba(page, selector: str) -> np.ndarray:
    """Return the pixels (H, W, 4) of a canvas of the viewer as they are on screen."""
    values = page.evaluate(
        """selector => {
          const host = document.querySelector('[data-testid="stBidiComponentIsolated"]');
          const c = (host?.shadowRoot ?? document).querySelector(selector);
          const image = c.getContext('2d').getImageData(0, 0, c.width, c.height);
          return [c.height, c.width, ...image.data]; }""",
        selector,
    )
    return np.array(values[2:]).reshape(values[0], values[1], 4)


def pixels(page, name: str) -> np.ndarray:
    """Return the grey values of an image of the viewer as the data lie: first row at the bottom."""
    return rgba(page, f'canvas[data-image="{name}"]')[::-1, :, 0]


def cursors(page) -> list[str]:
    """Return where the cursor is: epoch of the slider, and its column in each chart."""
    columns = [
        page.locator(f".{kind} .cursor line").get_attribute("x1") for kind in ("curve", "classes")
    ]
    return [page.locator(".player input").input_value(), *columns]


def now(page) -> str:
    """Return the line that says in words which epoch is shown."""
    return page.locator(".now").inner_text()


def comes_true(page, condition: Callable[[], bool]) -> bool:
    """Wait for what the page does by itself, however slow the machine."""
    for _ in range(200):
        if condition():
            return True
        page.wait_for_timeout(20)
    return False


HARNESS = """
async ([script, style, data]) => {
  const module = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  const sheet = document.createElement("style");
  sheet.textContent = style;
  document.head.append(sheet);
  window.told = [];
  window.mountViewer = (values) => module.default({
    parentElement: document.body, data: values,
    setStateValue: (name, value) => window.told.push([name, value]), setTriggerValue: () => {},
  });
  window.mountViewer(data);
}
"""
THEME = """<html lang="en"><title>viewer</title><style>body { margin: 20px;
  --st-text-color: #31333f; --st-background-color: #ffffff; --st-primary-color: #1c5fb0;
  --st-font: sans-serif; }</style>"""


def bare_viewer(page, payload: dict, *, night: int | None = None, overlay: dict | None = None):
    """Show the epoch viewer alone, without a server; `remount` is then a rerun of the app."""
    from pages._viewer import SCRIPT, STYLE

    page.set_content(THEME)
    page.evaluate(HARNESS, [SCRIPT, STYLE, viewer_data(payload, night, overlay)])
    page.locator(".viewer .curve svg, .viewer .curve .empty").first.wait_for()
    return page


def remount(page, payload: dict, *, night: int | None = None, overlay: dict | None = None) -> None:
    """Hand the viewer what a rerun of the app would."""
    page.evaluate("data => window.mountViewer(data)", viewer_data(payload, night, overlay))


def viewer_data(payload: dict, night: int | None, overlay: dict | None) -> dict:
    """Return what `pages._viewer.epoch_viewer` gives its script."""
    return {"payload": payload, "night": night, "turning": False, "overlay": overlay}
