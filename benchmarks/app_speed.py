"""How quick the app feels, measured in a browser: ``python benchmarks/app_speed.py``.

The demo set is simulated and classified first, and every page opened once, so that models are warm;
then each page is opened anew five times, nights and stretches are changed in the viewer, the
explanation of one object is asked for. Needs Chromium. Figures go to
``docs/results/app-speed.json``; they are of the machine they were taken on, so its speed at a fixed
piece of arithmetic stands beside them.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import numpy as np
import torch
from app_server import CHROMIUM, FLAGS, ROOT, running_app
from playwright.sync_api import Browser, Page, sync_playwright
from screenshots import PAGES

from taonet_core import __version__, load_model
from taonet_core.data.exports import write_json
from taonet_core.explain import explain
from taonet_core.simulation.draw import draw_object

OUTPUT = ROOT / "docs" / "results" / "app-speed.json"
REPEATS = 5
NIGHTS, STEPS = 24, 32

# Seconds until the canvas shows another image after a key is pressed or a choice made, in the page.
_REPAINT = """
async ([kind, value]) => {
  const root = document.querySelector('[data-testid="stBidiComponentIsolated"]').shadowRoot;
  const canvas = root.querySelector('canvas[data-image="science"]');
  const shot = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const before = shot();
  const start = performance.now();
  if (kind === 'key') {
    const options = { key: value, bubbles: true, composed: true };
    document.dispatchEvent(new KeyboardEvent('keydown', options));
  } else {
    const select = root.querySelector('select[aria-label="Stretch"]');
    select.value = value;
    select.dispatchEvent(new Event('change'));
  }
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const seconds = (performance.now() - start) / 1000;
  const now = shot();
  return { seconds, changed: now.some((v, i) => v !== before[i]) };
}
"""


def opened(browser: Browser, url: str, ready: str) -> float:
    """Seconds from asking for a page in a new window until its main content is there."""
    window = browser.new_page(viewport={"width": 1440, "height": 900})
    start = time.perf_counter()
    window.goto(url, wait_until="commit")
    window.locator(ready).first.wait_for(timeout=120_000)
    seconds = time.perf_counter() - start
    window.close()
    return seconds


def page_times(browser: Browser, address: str) -> dict[str, Any]:
    """Time every page."""
    times = {}
    for name, (page, ready) in PAGES.items():
        opened(browser, f"{address}/{page}", ready)
        taken = [opened(browser, f"{address}/{page}", ready) for _ in range(REPEATS)]
        times[name] = {"median_s": statistics.median(taken), "slowest_s": max(taken)}
    return times


def repaints(browser: Browser, address: str) -> dict[str, Any]:
    """Time what the viewer draws, and count what it asks of the server meanwhile."""
    window = browser.new_page(viewport={"width": 1440, "height": 900})
    window.goto(f"{address}/sequence")
    window.locator(".viewer .curve svg").wait_for(timeout=120_000)
    window.wait_for_timeout(2_000)
    nights = [_repaint(window, "key", "ArrowRight") for _ in range(20)]
    choices = [_repaint(window, "stretch", s) for s in ("linear", "asinh") * 5]
    window.close()
    return {
        "night": {"median_s": statistics.median(nights), "slowest_s": max(nights)},
        "stretch": {"median_s": statistics.median(choices), "slowest_s": max(choices)},
    }


def _repaint(window: Page, kind: str, value: str) -> float:
    found = window.evaluate(_REPAINT, [kind, value])
    if not found["changed"]:
        raise SystemExit(f"the image did not change after {kind} {value}")
    return float(found["seconds"])


def explaining() -> dict[str, float]:
    """Time Integrated Gradients of `STEPS` steps on one simulated object of `NIGHTS` nights."""
    bundle = load_model("taonet")
    for index in range(1000):
        sequence = draw_object("SN", seed=404, index=index)
        if len(np.unique(np.floor(sequence.times))) == NIGHTS:
            break
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        explain(sequence, bundle, steps=STEPS)
        taken.append(time.perf_counter() - start)
    return {"nights": NIGHTS, "steps": STEPS, "median_s": statistics.median(taken)}


def yardstick() -> float:
    """Seconds for a fixed piece of arithmetic: the inverse of a matrix, best of five."""
    matrix = np.random.default_rng(0).normal(size=(1500, 1500))
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        np.linalg.inv(matrix)
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Measure, and write what was found."""
    with running_app() as address, sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = {"open": page_times(browser, address), "repaint": repaints(browser, address)}
        browser.close()
    found["integrated_gradients"] = explaining()
    write_json(
        {
            "version": __version__,
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "matrix_inverse_s": yardstick(),
            **found,
        },
        OUTPUT,
    )


if __name__ == "__main__":
    main()
