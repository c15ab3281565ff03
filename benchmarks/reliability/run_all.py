"""Every command of reliability, one after the other, and the page of their figures.

``python benchmarks/reliability/run_all.py`` measures all in full and writes the tables of
``docs/reliability.md``; ``--quick`` measures less and writes nothing, ``--only fuzz`` one command.
``--check`` runs nothing: it says whether the page shows what the JSON files hold, and ``--write``
makes it so. Exits with 1 where a goal is missed, a command fails or the page is stale.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from _figures import RESULTS, ROOT, Goal, shown
from rich.console import Console
from rich.table import Table

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
#: Command -> what it asks.
COMMANDS = {
    "fuzz": "Does a damaged FITS file harm anything but itself?",
    "alerts": "Does a damaged alert packet?",
    "torture": "Does every file of the torture set end as its table says?",
    "neighbour": "Does a hostile session slow another?",
    "sessions": "How many sessions at once, and what do a thousand leave behind?",
    "training_kills": "Does killed training go on to the same weights?",
    "bulk_kills": "Does killed bulk prediction go on, each input exactly once?",
    "label_writers": "Is an acknowledged label ever lost?",
    "weight_flips": "Is a flipped bit in a weights file noticed?",
    "text_payloads": "Does hostile text run or call out, on any page?",
    "equivalence": "Do app, command line and Python agree?",
    "cost": "What does reading in workers cost?",
}
#: Seconds after which a command counts as hanging.
PATIENCE = 3600


def run(name: str, output: Path, *, quick: bool) -> tuple[int, float]:
    """Run one command; returns its exit code and the seconds it took."""
    script = Path(__file__).with_name(f"{name}.py")
    options = ["--quick"] if quick else []
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, str(script), *options, "--output", str(output)], timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return 124, time.monotonic() - start
    return done.returncode, time.monotonic() - start


def tables(folder: Path = RESULTS) -> str:
    """Return the figures of all commands as Markdown, from their JSON files."""
    parts = [_section(name, folder / f"{name}.json") for name in COMMANDS]
    return "\n\n".join(parts)


def page_with(text: str, figures: str) -> str:
    """Return the page with other figures between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the page has no block {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"


def _section(name: str, path: Path) -> str:
    title = f"### {COMMANDS[name]}"
    script = f"`python benchmarks/reliability/{name}.py`"
    if not path.is_file():
        return f"{title}\n\n{script}: not measured in full yet."
    found = json.loads(path.read_text("utf-8"))
    machine = found["machine"]
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB"
    kind = "a short run" if found["quick"] else "a full run"
    rows = ["| what | measured | asked | met |", "|---|---|---|---|"]
    rows += [_row(goal) for goal in found["goals"]]
    notes = [f"\n{note}" for note in found["notes"]]
    said = f"{script}, {kind}, seed {found['seed']}, {where}."
    return "\n".join([title, "", said, "", *rows, *notes])


def _row(goal: dict[str, Any]) -> str:
    measured = goal["measured"]
    number = "none" if measured is None else shown(measured, goal["unit"])
    asked = Goal(goal["name"], 0, goal["comparison"], goal["goal"], goal["unit"]).asked
    name = goal["name"].replace("|", "\\|")
    return f"| {name} | {number} | {asked} | {'yes' if goal['met'] else '**no**'} |"


def main(
    quick: Annotated[bool, typer.Option(help="Fewer inputs, the same goals.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Run this command alone.")] = None,
    check: Annotated[bool, typer.Option(help="Run nothing; compare page and files.")] = False,
    write: Annotated[bool, typer.Option(help="Run nothing; write the page anew.")] = False,
) -> None:
    """Measure all that is asked of reliability."""
    if not (check or write):
        failed = _run_all(only or list(COMMANDS), quick=quick)
        if quick:
            raise typer.Exit(int(failed))
    old = PAGE.read_text("utf-8")
    new = page_with(old, tables())
    if check:
        raise typer.Exit(int(old != new))
    PAGE.write_text(new, "utf-8")
    raise typer.Exit(int(not write and failed))


def _run_all(names: list[str], *, quick: bool) -> bool:
    """Run commands and print how each ended; returns whether any did not meet its goals."""
    table = Table("command", "seconds", "ended", title="reliability")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) if quick else RESULTS
        codes = []
        for name in names:
            code, seconds = run(name, folder / f"{name}.json", quick=quick)
            codes.append(code)
            ended = {0: "all goals met", 1: "a goal is missed", 124: "never"}
            table.add_row(name, f"{seconds:.0f}", ended.get(code, f"failed, code {code}"))
    Console().print(table)
    return any(codes)


if __name__ == "__main__":
    typer.run(main)
