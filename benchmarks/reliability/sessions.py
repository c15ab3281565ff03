"""Many visitors of the app at once, and a thousand one after the other.

The app runs as ``streamlit run app.py`` starts it, with the demo set and the shipped models, in
folders of its own. Visitors talk to it as the front end does, websocket and HTTP, without a
browser: what is timed is the server, from asking for the page until its last element has come.

First 25 open every page, each in an order of its own and without a pause, which is harsher than
people are; then 100. Then come 1,000, four at a time: each opens the page Upload, hands over a
small FITS file of its own under a name that all share, waits for the verdict and leaves; every
tenth leaves while the page is still at work. A page that shows another visitor's object is counted.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from _app import App, running_app
from _figures import Findings, Goal, command
from _load_files import small_sequence
from _visitor import Visitor
from scipy.stats import theilslopes

SEED = 4
PAGES = ("", "sequence", "explain", "compare", "misclassified", "performance", "upload")
#: Visitors at once; and one after the other, so many at a time.
SOME, MANY, CYCLES, LANES = 25, 100, 1_000, 4
#: Every so many visitors one leaves early; and so often the process is weighed.
_EARLY, _BLOCKS = 10, 40
#: Seconds after which a session that left is let go, and in which all of it has to be gone then.
KEEP, SWEPT = 1.0, 5.0
NOTES = (
    "Sessions open pages without a pause between them, each in an order of its own.",
    f"Sessions are kept for {KEEP:.0f} s after they left (TAONET_KEEP_SECONDS; 60 by default), so "
    "that what is weighed between blocks of them is none that is only kept.",
    "Memory is weighed after a collection of garbage and once malloc has returned its free pages "
    "(`kept`; `rss` is as it was before); its slope is that of Theil and Sen over the second half.",
)
_NAME = re.compile(rb"VISITOR-\d{5}")


@dataclass
class Crowd:
    """What visitors met.

    Attributes
    ----------
    seconds : dict of str to list of float
        How long each page took, by its name.
    errors : list of str
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Return a quantile over all pages, seconds."""
        return float(np.quantile([s for taken in self.seconds.values() for s in taken], share))

    def by_page(self) -> dict[str, float]:
        """Return the 95th percentile of each page, seconds."""
        return {page: float(np.quantile(s, 0.95)) for page, s in sorted(self.seconds.items())}


async def crowd(app: App, count: int) -> Crowd:
    """Let so many visitors at once open every page."""
    met = Crowd()
    await asyncio.gather(*(_stroll(app, number, met) for number in range(count)))
    return met


async def _stroll(app: App, number: int, met: Crowd) -> None:
    visitor = Visitor(app.address)
    pages = [PAGES[i] for i in np.random.default_rng([SEED, number]).permutation(len(PAGES))]
    try:
        met.seconds[pages[0] or "browse"].append(await visitor.open(pages[0]))
        for page in pages[1:]:
            met.seconds[page or "browse"].append(await visitor.go(page))
    except (OSError, TimeoutError) as error:
        met.errors.append(f"{type(error).__name__}: {error}")
    finally:
        met.errors += visitor.errors
        await visitor.close()


@dataclass
class Weights:
    """What the process held while visitors came and went.

    Attributes
    ----------
    visitors : list of int
        How many had come.
    held : list of dict of str to int
        What it held then; see `_serve.held`.
    """

    visitors: list[int] = field(default_factory=list)
    held: list[dict[str, int]] = field(default_factory=list)

    def add(self, app: App, visitors: int) -> None:
        """Weigh the process."""
        self.visitors.append(visitors)
        self.held.append(app.held())

    def slope(self, what: str) -> dict[str, float]:
        """Return kB a visitor over the second half, with its 95 % interval (Theil and Sen)."""
        half = len(self.visitors) // 2
        slope, _, low, high = theilslopes(
            [held[what] for held in self.held[half:]], self.visitors[half:]
        )
        return {"slope": slope / 1e3, "low": low / 1e3, "high": high / 1e3}


async def cycle(app: App, count: int, blocks: int) -> tuple[Crowd, Weights]:
    """Let visitors come, hand a file over, wait for the verdict, and leave.

    Parameters
    ----------
    app : App
    count : int
        Visitors in all.
    blocks : int
        Parts of them; after each the app is left alone and weighed.
    """
    met, weights = Crowd(), Weights()
    for block in np.array_split(np.arange(count), blocks):
        numbers = iter(block.tolist())
        await asyncio.gather(*(_lane(app, numbers, met) for _ in range(LANES)))
        await asyncio.sleep(KEEP + SWEPT)
        weights.add(app, int(block[-1]) + 1)
    return met, weights


async def _lane(app: App, numbers: Iterator[int], met: Crowd) -> None:
    for number in numbers:
        await _hand_over(app, number, met)


async def _hand_over(app: App, number: int, met: Crowd) -> None:
    visitor, name = Visitor(app.address), f"VISITOR-{number:05d}"
    try:
        met.seconds["upload"].append(await visitor.open("upload"))
        start = time.perf_counter()
        await visitor.upload("object.fits", small_sequence(number, name))
        if number % _EARLY == _EARLY - 1:
            await asyncio.sleep(0.02)
            return
        await visitor.settled()
        met.seconds["verdict"].append(time.perf_counter() - start)
        met.errors += _faults(visitor, name)
    except (OSError, TimeoutError) as error:
        met.errors.append(f"{name}: {type(error).__name__}: {error}")
    finally:
        met.errors += visitor.errors
        await visitor.close()


def _faults(visitor: Visitor, name: str) -> list[str]:
    """Return what is missing on the page of a verdict, and who else is on it."""
    page = b"".join(element.SerializeToString() for element in visitor.elements.values())
    seen = {found.decode() for found in _NAME.findall(page)}
    faults = [f"{name} was shown {other}" for other in seen - {name}]
    if name not in seen or not any(visitor.of("bidi_component")):
        faults.append(f"{name} was shown no verdict: {visitor.words()[:200]}")
    return faults


async def rest(app: App) -> dict[str, int]:
    """Wait until those who left are let go; returns what the process holds then."""
    await asyncio.sleep(KEEP + SWEPT)
    return {**app.held(), "temporary_files": app.temporary_files(), "children": len(app.children())}


async def visits(app: App, some: int, many: int, cycles: int, blocks: int) -> Findings:
    """Let them all come, and say what they met."""
    warm, (taught, _) = await crowd(app, 1), await cycle(app, LANES, 1)
    few, all_of_them = await crowd(app, some), await crowd(app, many)
    before = await rest(app)
    met, weights = await cycle(app, cycles, blocks)
    after = await rest(app)
    slopes = {what: weights.slope(what) for what in ("kept", "rss", "heap")}
    known = len(warm.errors + taught.errors + few.errors + all_of_them.errors)
    rise = {what: after[what] - before[what] for what in before}
    goals = [
        Goal(f"page p95, {some} sessions at once", few.quantile(0.95), "<=", 6.0, "s"),
        Goal(f"errors, {some} and {many} sessions at once", known, "==", 0),
        Goal(f"errors, {cycles:,} sessions that upload", len(met.errors), "==", 0),
        Goal("resident memory a session, second half", slopes["kept"]["slope"], "<", 10.0, "kB"),
        Goal("heap in use a session, second half", slopes["heap"]["slope"], "<", 10.0, "kB"),
        Goal("descriptors more than at the start", rise["descriptors"], "<=", 0),
        Goal("temporary files more than at the start", rise["temporary_files"], "<=", 0),
        Goal("processes more than at the start", rise["children"], "<=", 0),
    ]
    figures: dict[str, Any] = {
        "sessions": {"at once": [some, many], "one after the other": cycles, "lanes": LANES},
        "page_p95_s": {str(some): few.by_page(), str(many): all_of_them.by_page()},
        "page_p95_all_s": {str(many): all_of_them.quantile(0.95)},
        "upload_to_verdict_p95_s": float(np.quantile(met.seconds["verdict"], 0.95)),
        "slope_kb": slopes,
        "highest_rss": max(held["rss"] for held in weights.held),
        "before": before,
        "after": after,
        "errors": (warm.errors + few.errors + all_of_them.errors + met.errors)[:20],
    }
    return Findings(goals, figures, seed=SEED, notes=NOTES)


def measure(quick: bool) -> Findings:
    """Let crowds of visitors use the app, and a thousand come and go."""
    sizes = (4, 8, 24, 6) if quick else (SOME, MANY, CYCLES, _BLOCKS)
    with running_app(small=quick, TAONET_KEEP_SECONDS=str(KEEP)) as app:
        return asyncio.run(visits(app, *sizes))


if __name__ == "__main__":
    command(measure, "sessions")
