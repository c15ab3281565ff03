"""A window of a browser that counts what no text may do: run, ask elsewhere, become an element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from _payloads import HOST

#: What is counted, by its name in `Spy.seen`.
SCRIPTS, REQUESTS, POLICY = "scripts run", "requests to other hosts", "policy violations"
ERRORS, ELEMENTS, HIDDEN = "console errors", "elements made", "invisible characters shown"
FAULTS, SIDEWAYS = "exceptions shown", "pages wider than the window"
EVERYTHING = (SCRIPTS, REQUESTS, POLICY, ERRORS, ELEMENTS, HIDDEN, FAULTS, SIDEWAYS)

_AT_START = """
window.__ran = []; window.__refused = [];
window.pwned = window.alert = (...words) => { window.__ran.push(words.join()); };
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  if (blockedURI === "wasm-eval") return; // Streamlit asks whether it may
  window.__refused.push(`${violatedDirective} ${blockedURI}`);
});
"""
_LOOK = Path(__file__).with_name("_spy.js").read_text("utf-8")


@dataclass
class Spy:
    """What a window was seen to do.

    Attributes
    ----------
    page : playwright.sync_api.Page
    address : str
        Of the app, the only host that may be asked; empty for pages from files.
    seen : Counter
        Of `EVERYTHING`.
    what : dict of str to list of str
        The first of each kind, with where.
    looks : int
        How often the page was looked at.
    """

    page: Any
    address: str
    seen: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(EVERYTHING, 0)))
    what: dict[str, list[str]] = field(default_factory=dict)
    looks: int = 0
    _told: set[tuple[str, str]] = field(default_factory=set)

    def note(self, kind: str, words: str) -> None:
        """Count something, and keep the first of its kind."""
        self.seen[kind] += 1
        kept = self.what.setdefault(kind, [])
        if len(kept) < 20:
            kept.append(f"{urlsplit(self.page.url).path}: {words}")

    def look(self, where: str = "") -> None:
        """Look through everything that is on the page now, shadow trees and figures too."""
        self.looks += 1
        found = self.page.evaluate(_LOOK, HOST)
        for kind, name in (
            (SCRIPTS, "ran"),
            (POLICY, "refused"),
            (ELEMENTS, "elements"),
            (HIDDEN, "hidden"),
            (FAULTS, "faults"),
        ):
            for words in found[name]:
                if (kind, words) not in self._told:  # the same thing, looked at again
                    self._told.add((kind, words))
                    self.note(kind, f"{words} {where}".strip())
        if found["wide"] > 1:
            self.note(SIDEWAYS, f"{found['wide']} pixels {where}".strip())


@contextmanager
def spying(chromium: Any, address: str, **options: Any) -> Iterator[Spy]:
    """Open a window that is watched.

    Parameters
    ----------
    chromium : playwright.sync_api.Browser
    address : str
        See `Spy`.
    **options
        Of ``Browser.new_context``.
    """
    context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.add_init_script(_AT_START)
    page = context.new_page()
    spy, host = Spy(page, address), urlsplit(address).netloc
    page.on("request", lambda request: _asked(spy, request.url, host))
    page.on("dialog", lambda dialog: (spy.note(SCRIPTS, dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: spy.note(ERRORS, str(error)))
    page.on("console", lambda said: spy.note(ERRORS, said.text) if _complaint(said) else None)
    context.on("page", lambda other: spy.note(SCRIPTS, f"opened {other.url}"))
    yield spy
    context.close()


def _asked(spy: Spy, url: str, host: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss", "ftp") and parts.netloc != host:
        spy.note(REQUESTS, url)


def _complaint(said: Any) -> bool:
    """Whether a line of the console is an error; not Streamlit's search for its own base path."""
    return said.type == "error" and "/_stcore/" not in said.location.get("url", "")
