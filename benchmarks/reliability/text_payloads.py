"""Sixty hostile texts in twelve places through every page of the app, in Chromium: nothing happens.

Texts stand in headers, file names, members of archives, tables, labels and addresses. After each
step the whole page is looked through. Reports, tables and what a terminal shows are examined too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import _outlets
import _payloads
from _figures import ROOT, Findings, Goal, command
from _payloads import COUNT, text
from _spy import EVERYTHING, Spy, spying

sys.path.append(str(ROOT / "tests"))
import browser  # noqa: E402

PAGES = ("browse", "sequence", "explain", "compare", "misclassified", "performance", "upload")
#: Milliseconds that a page may take.
PATIENCE = 60_000
_LOOKS: tuple[dict[str, Any], ...] = (
    {},
    {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
)
# Fewer, and a way was cut off.
_LOOKS_A_TEXT = 12
# Of a field of the address: the server takes no longer ones together.
_LONGEST = 300
# The name of a folder is on the pages, too.
_FOLDER = "![x](http⁄⁄evil.example) <b>pwned @evil.example".replace("⁄", "\N{FRACTION SLASH}")
# As the browser's way back does it: the session goes on.
_FOLLOW = """url => {
  history.pushState({}, "", url);
  dispatchEvent(new PopStateEvent("popstate"));
}"""
# Where the objects of the sky map stand on the screen.
_POINTS = """() => [...document.querySelectorAll(".js-plotly-plot .points path")].map((point) => {
  const { left, top, width, height } = point.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
})"""
# What an address can say, wherever a text fits in.
_FIELDS = ("data", "object", "q", "night", "method", "model", "target", "set", "sort", "va", "view")


def measure(quick: bool) -> Findings:
    """Show hostile texts on every page, and count what they do."""
    numbers = range(0, COUNT, 6) if quick else range(COUNT)
    with tempfile.TemporaryDirectory(prefix="taonet-texts-") as name, _chromium() as chromium:
        folder = Path(name)
        headers, names = data = [folder / "headers", folder / _FOLDER]
        _outlets.write_folders(numbers, *data)
        (folder / "app").mkdir()
        database = f"sqlite:///{folder}/app/labels.sqlite"
        _outlets.label(numbers, headers, database)
        paths = os.pathsep.join(map(str, data))
        with browser.served(folder / "app", TAONET_DATA=paths) as address:
            spies = walk(chromium, address, [p.name for p in data], numbers, quick=quick)
        spies.append(_reports(chromium, folder, headers, numbers))
        archive = folder / "texts.zip"
        archive.write_bytes(_payloads.archive(numbers))
        cells = _outlets.formula_cells(data, database, folder)
        letters = _outlets.terminal(headers, names, archive)
    return _findings(spies, cells, letters, len(numbers))


def _findings(spies: Sequence[Spy], cells: int, letters: int, texts: int) -> Findings:
    seen = sum((spy.seen for spy in spies), Counter(dict.fromkeys(EVERYTHING, 0)))
    counts = {**{kind: seen[kind] for kind in EVERYTHING}}
    counts |= {"formula cells": cells, "terminal escapes": letters}
    goals = [Goal(kind, count, "==", 0) for kind, count in counts.items()]
    what: dict[str, list[str]] = {}
    for spy in spies:
        for kind, words in spy.what.items():
            what.setdefault(kind, []).extend(words)
    looks = sum(spy.looks for spy in spies)
    goals.append(Goal("looks through a page", looks, ">=", _LOOKS_A_TEXT * texts))
    figures = {"texts": texts, "places": len(_payloads.PLACES), "what": what}
    return Findings(goals, figures, notes=["A look goes through all elements of a page."])


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        started = api.chromium.launch(
            executable_path=str(browser.CHROMIUM), args=browser.FLAGS.split()
        )
        yield started
        started.close()


def walk(
    chromium: Any, address: str, data: Sequence[str], numbers: range, *, quick: bool
) -> list[Spy]:
    """Walk through every page with every text.

    Parameters
    ----------
    chromium : playwright.sync_api.Browser
    address : str
    data : sequence of str
        Data sets whose objects bear the texts.
    numbers : range
        Which texts.
    quick : bool
        One look of the pages instead of two.
    """
    spies = []
    for options in _LOOKS[: 1 if quick else None]:
        with spying(chromium, address, **options) as spy:
            spies.append(spy)
            for name in data:
                folders(spy, name)
            upload(spy, "texts.zip", _payloads.archive(numbers))
            through_pages(spy)
            step_through(spy, "sequence", len(numbers))
            upload(
                spy, f"{text(3, 'table and label')}.csv", _payloads.curve_table(numbers).encode()
            )
            through_pages(spy)
    with spying(chromium, address) as spy:
        spies.append(spy)
        for page in ("sequence", "explain"):
            for name in data:
                go(spy, page, data=name)
                step_through(spy, page, len(numbers))
        addresses(spy, numbers)
    return spies


def settle(spy: Spy, where: str = "") -> None:
    """Wait until the page has run, and look through it."""
    spy.page.wait_for_timeout(120)
    spy.page.wait_for_selector(
        '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE
    )
    spy.look(where)


def go(spy: Spy, page: str, **query: str) -> None:
    """Open a page by its address."""
    spy.page.goto(f"{spy.address}/{_path(page)}?{urlencode(query)}")
    spy.page.wait_for_selector('[data-testid="stMainBlockContainer"]', timeout=PATIENCE)
    settle(spy)


def _path(page: str) -> str:
    """Return where a page lies; the first one has no name of its own."""
    return "" if page == PAGES[0] else page


def folders(spy: Spy, name: str) -> None:
    """Open every page of a data set, and each way to list it; point at the objects of the map."""
    for page in PAGES[1:-1]:
        go(spy, page, data=name)
    for view in ("cards", "table", "sky"):
        go(spy, "browse", data=name, view=view, per="96")
    for x, y in spy.page.evaluate(_POINTS)[:12]:
        spy.page.mouse.move(x, y)
        spy.page.wait_for_timeout(60)
        spy.look("hover")
    go(spy, "misclassified", data=name, why="doubtful")
    opened = spy.page.get_by_text("Labels · ", exact=False).filter(visible=True)
    if opened.count():
        opened.first.click()
        settle(spy, "labels")


def upload(spy: Spy, name: str, content: bytes) -> None:
    """Hand over a file, and wait until it is read and classified."""
    go(spy, "upload")
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    spy.page.set_input_files("input[type=file]", file)
    spy.page.get_by_text("objects read").or_(
        spy.page.get_by_text("Use these columns")
    ).first.wait_for(timeout=PATIENCE)
    settle(spy, "upload")
    if (button := spy.page.get_by_role("button", name="Use these columns")).count():
        button.first.click()
    for closed in spy.page.locator("[data-testid=stExpander] summary").all():
        closed.click()
    settle(spy, "upload, all open")
    spy.page.get_by_text("See them on Browse").wait_for(timeout=2 * PATIENCE)
    settle(spy, "upload, classified")


def through_pages(spy: Spy) -> None:
    """Go to every page by the menu, which keeps the upload of the session."""
    for page in PAGES[:-1]:
        menu(spy, page)
    menu(spy, "upload")


def menu(spy: Spy, page: str) -> None:
    """Choose a page in the menu, which at some widths lies beyond the edge."""
    link = spy.page.locator(f'a[href$="/{page}"], a[href*="/{page}?"]').first
    if page == PAGES[0]:
        link = spy.page.get_by_role("link", name="Browse", include_hidden=True).first
    link.dispatch_event("click")
    settle(spy, f"by the menu: {page}")


def step_through(spy: Spy, page: str, count: int) -> None:
    """Walk through the objects of the page with its own button."""
    if page not in spy.page.url:
        menu(spy, page)
    forth = spy.page.locator('button[aria-label="Next object"]').first
    for _ in range(count):
        forth.click(timeout=PATIENCE)
        settle(spy, page)


def addresses(spy: Spy, numbers: range) -> None:
    """Let each text stand in every field of the address, on every page."""
    for page in PAGES:
        go(spy, page)
        for number in numbers:
            # with an unknown data set a page looks at nothing else
            fields = _FIELDS if number % 4 == 0 else _FIELDS[1:]
            query = urlencode(dict.fromkeys(fields, text(number, "file name")[:_LONGEST]))
            spy.page.evaluate(_FOLLOW, f"/{_path(page)}?{query}")
            settle(spy, f"text {number} in the address of {page}")


def _reports(chromium: Any, folder: Path, data: Path, numbers: range) -> Spy:
    """Open the report of every object from a file, as whoever it is sent to does."""
    with spying(chromium, "") as spy:
        for path in _outlets.write_reports(data, folder / "reports", numbers):
            spy.page.goto(path.as_uri())
            spy.look(f"report {path.name}")
    return spy


if __name__ == "__main__":
    command(measure, "text_payloads")
