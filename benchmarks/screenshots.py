"""Take the pictures of every page anew: ``python benchmarks/screenshots.py`` (needs Chromium).

Each page in both colour schemes, on a wide screen and on a phone, into ``docs/images``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app_server import CHROMIUM, FLAGS, ROOT, running_app
from playwright.sync_api import Browser, sync_playwright

FOLDER = ROOT / "docs" / "images"
SIZES = {"": (1440, 900), "-narrow": (390, 844)}
SCHEMES = {"": "light", "-dark": "dark"}
#: Picture -> page with its settings, and what has to be there before it is taken.
PAGES = {
    "browse": ("", ".gallery-cards .card"),
    "sequence": ("sequence", ".viewer .curve svg"),
    "explain": ("explain", ".viewer .curve svg"),
    "compare": ("compare", ".gallery-cards .card, .js-plotly-plot"),
    "misclassified": ("misclassified", ".gallery-cards .card"),
    "performance": ("performance", ".js-plotly-plot"),
    "upload": ("upload", "[data-testid=stFileUploaderDropzone]"),
}


def take(browser: Browser, address: str, folder: Path, names: list[str]) -> None:
    """Take the pictures of some pages."""
    for name in names:
        page, ready = PAGES[name]
        for size, (width, height) in SIZES.items():
            for scheme, theme in SCHEMES.items():
                window = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=theme
                )
                window.goto(f"{address}/{page}")
                window.locator(ready).first.wait_for(timeout=120_000)
                window.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
                window.wait_for_timeout(1_500)  # the last widgets fade in
                window.screenshot(path=folder / f"{name}{size}{scheme}.png")
                window.close()


def main() -> None:
    """Start the app, look at its pages, and stop it."""
    names = sys.argv[1:] or list(PAGES)
    with running_app() as address, sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        take(browser, address, FOLDER, names)
        browser.close()


if __name__ == "__main__":
    main()
