"""What every command here does with what it measured: compare, print, write, and exit.

A command is a function that measures, handed to `command`::

    def measure(quick: bool) -> Findings:
        lost = ...
        return Findings([Goal("inputs lost", lost, "==", 0)], {"inputs": 10_000}, seed=5)


    if __name__ == "__main__":
        command(measure, "bulk_kills")

It then knows ``--quick`` and ``--output``, writes ``docs/results/reliability/bulk_kills.json`` in a
full run, and exits with 1 where a goal is missed.
"""

from __future__ import annotations

import operator
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from taonet_core.data.exports import write_json

ROOT = Path(__file__).resolve().parents[2]
#: Where the figures of full runs lie.
RESULTS = ROOT / "docs" / "results" / "reliability"

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
#: Most characters of one figure on the screen.
_WIDE = 800
_PACKAGES = ("taonet-core", "astropy", "fastavro", "numpy", "pandas", "torch", "streamlit")


@dataclass(frozen=True)
class Goal:
    """One figure and what was asked of it.

    Attributes
    ----------
    name : str
        What was measured, in words.
    measured : float
        In `unit`.
    comparison : str
        ``"=="``, ``"<="``, ``"<"``, ``">="`` or ``">"``.
    goal : float
        In `unit`.
    unit : str
        Empty for counts.
    """

    name: str
    measured: float
    comparison: str
    goal: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is what was asked; NaN never is."""
        return bool(_COMPARISONS[self.comparison](self.measured, self.goal))

    @property
    def asked(self) -> str:
        """Return the comparison and the number, as a reader has them."""
        return f"{self.comparison.replace('==', '')} {shown(self.goal, self.unit)}".strip()

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON knows."""
        return {
            "name": self.name,
            "measured": _plain(self.measured),
            "comparison": self.comparison,
            "goal": self.goal,
            "unit": self.unit,
            "met": self.met,
        }


@dataclass(frozen=True)
class Findings:
    """What one command found.

    Attributes
    ----------
    goals : sequence of Goal
    figures : mapping
        Whatever else is worth keeping: counts, quantiles, lists of deviations.
    seed : int
        Of everything random; the same seed makes the same inputs.
    notes : sequence of str
        Sentences on what is simulated, left out or limited.
    """

    goals: Sequence[Goal]
    figures: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    notes: Sequence[str] = ()


def command(measure: Callable[[bool], Findings], name: str) -> None:
    """Be a command line around a measurement.

    Parameters
    ----------
    measure : callable
        Takes whether to be quick, returns `Findings`.
    name : str
        Of the command, and of its JSON file.
    """

    def main(
        quick: Annotated[bool, typer.Option(help="Fewer inputs, the same goals.")] = False,
        output: Annotated[
            Path | None, typer.Option(help="JSON file; by default only a full run writes one.")
        ] = None,
    ) -> None:
        found = measure(quick)
        raise typer.Exit(conclude(found, name, quick=quick, output=output))

    main.__doc__ = measure.__doc__
    typer.run(main)


def conclude(found: Findings, name: str, *, quick: bool = False, output: Path | None = None) -> int:
    """Print findings and write them as JSON.

    Parameters
    ----------
    found : Findings
    name : str
        Of the command.
    quick : bool
        A quick run writes no file unless it is told where.
    output : Path, optional
        By default ``docs/results/reliability/<name>.json``.

    Returns
    -------
    int
        Exit code: 1 where a goal is missed.
    """
    show(found, name)
    path = output or (None if quick else RESULTS / f"{name}.json")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(to_json(found, name, quick=quick), path)
    return 0 if all(goal.met for goal in found.goals) else 1


def to_json(found: Findings, name: str, *, quick: bool = False) -> dict[str, Any]:
    """Return everything that is kept of a run; nothing in it depends on the date."""
    return {
        "command": name,
        "quick": quick,
        "seed": found.seed,
        "machine": machine(),
        "versions": versions(),
        "goals": [goal.to_dict() for goal in found.goals],
        "figures": _plain(dict(found.figures)),
        "notes": list(found.notes),
    }


def show(found: Findings, name: str) -> None:
    """Print goals as a table, then the other figures, one a line."""
    console = Console(width=110)
    table = Table("what", "measured", "asked", "met", title=name)
    for goal in found.goals:
        met = "yes" if goal.met else "NO"
        table.add_row(goal.name, shown(goal.measured, goal.unit), goal.asked, met)
    console.print(table)
    for key, value in found.figures.items():
        text = f"{key}: {value}"
        text = text if len(text) <= _WIDE else f"{text[:_WIDE]} ... (whole in the JSON file)"
        console.print(text, markup=False, highlight=False)
    for note in found.notes:
        console.print(note, markup=False, highlight=False)


def shown(value: float, unit: str = "") -> str:
    """Return a number with its unit: counts whole, others with three digits."""
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    if abs(value) >= 1000:
        number = f"{value:,.0f}"
    return f"{number} {unit}".strip()


def machine() -> dict[str, Any]:
    """Return what the figures were taken on: processor, cores, memory and system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that touch what is measured."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _plain(value: Any) -> Any:
    """Return a value with numbers that JSON knows, floats to six digits."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if value - value == 0 else None
    return value
