"""A visitor's pages while another visitor means harm.

Quiet blocks and noisy ones take turns in one run of the app. In each, a visitor opens page after
page for some seconds; in the noisy ones a process beside it sends, again and again, bombs of
three compressions, files that kill or hang plain astropy (those of TAONET_REAL_DATA/torture too),
200 MB of junk, an archive of thousands of files, and an upload of one byte a second. Compared are
the 95th percentiles of the pages.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _app import App, running_app
from _figures import Findings, Goal, command
from _hostile import harass, hostile_files
from _visitor import Visitor

from taonet_core.serving.settings import from_environment

SEED = 3
PAGES = ("", "sequence", "explain", "compare", "misclassified", "performance", "upload")
#: Blocks of each kind, seconds of each, and seconds before a block counts.
BLOCKS, SECONDS, HEAD_START = 6, 30.0, 2.0
#: Seconds after the last block in which what was sent has to be gone.
_REST = from_environment().keep_seconds + 10.0
_LOCAL = multiprocessing.get_context("spawn")


@dataclass
class Pages:
    """How long pages took, and what went wrong.

    Attributes
    ----------
    seconds : dict of str to list of float
    errors : list of str
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def all(self) -> list[float]:
        """Return the seconds of every page."""
        return [s for taken in self.seconds.values() for s in taken]


async def read_pages(app: App, seconds: float, met: Pages) -> None:
    """Open page after page for so long, each once at least."""
    visitor, end = Visitor(app.address), time.monotonic() + seconds
    try:
        met.seconds["open"].append(await visitor.open())
        for page in cycle(PAGES):
            met.seconds[page or "browse"].append(await visitor.go(page))
            if time.monotonic() > end and len(met.seconds) > len(PAGES):
                break
    except (OSError, TimeoutError) as error:
        met.errors.append(f"{type(error).__name__}: {error}")
    finally:
        met.errors += visitor.errors
        await visitor.close()


@contextmanager
def hostile(app: App, files: Path) -> Iterator[None]:
    """Have another visitor mean harm meanwhile."""
    args = (app.address, files, app.folder / "tally")
    process = _LOCAL.Process(target=harass, args=args, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


async def _blocks(app: App, files: Path, blocks: int, seconds: float) -> dict[str, list[Pages]]:
    """Let quiet and noisy blocks take turns."""
    found: dict[str, list[Pages]] = {"quiet": [], "noisy": []}
    for _ in range(blocks):
        found["quiet"].append(Pages())
        await read_pages(app, seconds, found["quiet"][-1])
        found["noisy"].append(Pages())
        with hostile(app, files):
            await asyncio.sleep(HEAD_START)
            await read_pages(app, seconds, found["noisy"][-1])
        await asyncio.sleep(HEAD_START)
    return found


def p95(blocks: list[Pages]) -> float:
    """Return the 95th percentile of all pages of blocks, seconds."""
    return float(np.quantile([s for block in blocks for s in block.all()], 0.95))


async def side_by_side(app: App, files: Path, blocks: int, seconds: float, rest: float) -> Findings:
    """Compare pages with and without the neighbour."""
    (app.folder / "tally").touch()
    for _ in range(2):
        await read_pages(app, 0.0, Pages())  # models and the demo set are loaded
    before = app.held()
    found = await _blocks(app, files, blocks, seconds)
    await asyncio.sleep(rest)
    after = app.held()
    quiet, noisy = p95(found["quiet"]), p95(found["noisy"])
    errors = [e for part in found.values() for block in part for e in block.errors]
    sent = (app.folder / "tally").read_text().splitlines()
    growth = (after["rss"] - before["rss"]) / 1e6
    goals = [
        Goal("page p95 beside the neighbour, over that without", noisy / quiet, "<", 2.0),
        Goal("hostile files sent", len(sent), ">", 0),
        Goal("errors on the visitor's pages", len(errors), "==", 0),
        Goal("the app still runs", float(app.alive), "==", 1),
        Goal("resident memory more than before", growth, "<", 50.0, "MB"),
    ]
    pages = zip(found["quiet"], found["noisy"], strict=True)
    figures = {
        "p95_s": {"quiet": quiet, "noisy": noisy},
        "median_s": {
            k: float(np.median([s for b in v for s in b.all()])) for k, v in found.items()
        },
        "pages": {kind: sum(len(b.all()) for b in part) for kind, part in found.items()},
        "p95_ratio_by_block": [p95([b]) / p95([a]) for a, b in pages],
        "what became of hostile files": dict(Counter(line.partition(" ")[2] for line in sent)),
        "before": before,
        "after": after,
        "errors": errors[:20],
    }
    return Findings(goals, figures, seed=SEED)


def measure(quick: bool) -> Findings:
    """Time a visitor's pages beside one who means harm."""
    blocks, seconds, scale, rest = (1, 4.0, 0.05, 6.0) if quick else (BLOCKS, SECONDS, 1.0, _REST)
    settings = {"TAONET_KEEP_SECONDS": "1"} if quick else {}
    with TemporaryDirectory(prefix="taonet-hostile-") as name:
        for number, (file, content) in enumerate(hostile_files(SEED, scale=scale)):
            (Path(name) / f"{number:02}-{file}").write_bytes(content)
        with running_app(small=quick, **settings) as app:
            return asyncio.run(side_by_side(app, Path(name), blocks, seconds, rest))


if __name__ == "__main__":
    command(measure, "neighbour")
