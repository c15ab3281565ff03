"""Write the tables of docs/benchmark.md from the stored results of the models.

taonet benchmark --output docs/results/tao-sim-v1
python benchmarks/tao_sim_table.py
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from taonet_core.benchmark import EXPECTED
from taonet_core.labels import SIX_CLASSES
from taonet_core.models import SUFFIXES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmark.md"
#: The tables follow this line.
MARK = "Written by `python benchmarks/tao_sim_table.py` from the stored results."
NIGHTS = ("1", "2", "4", "8", "16", "24", "all")


def main(folder: Path = EXPECTED, page: Path = PAGE) -> None:
    """Replace what follows the last heading of the page."""
    text = page.read_text("utf-8")
    page.write_text(text[: text.index(MARK) + len(MARK)] + "\n\n" + tables(folder), "utf-8")


def tables(folder: Path) -> str:
    """Return the Markdown of all tables."""
    found = {name: folder / f"{name}.json" for name in SUFFIXES}
    results = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
    comparisons = json.loads((folder / "comparisons.json").read_text())
    lines: list[str] = []
    for visibility, differences in comparisons.items():
        scores = {name: result["visibility"][visibility] for name, result in results.items()}
        lines += [f"### Visibility {visibility}", "", *rows_of(scores)]
        lines += [
            "",
            *table(("on the same objects", "difference in macro F1"), _paired(differences)),
        ]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def rows_of(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the tables of one visibility: by class, by nights, by magnitude."""
    bins = next(iter(scores.values()))["by_magnitude"]
    edges = [f"{b['from'] or ''} – {b['to'] or ''}".strip() for b in bins]
    by_class = (
        [_said(s["macro_f1"]), _said(s["macro_max_f1"])]
        + [_said(s["per_class"][name]["f1"]) for name in SIX_CLASSES]
        for s in scores.values()
    )
    by_night = ([_said(s["after_nights"][n]) for n in NIGHTS] for s in scores.values())
    by_mag = ([_said(b) for b in s["by_magnitude"]] for s in scores.values())
    names = [f"`{name}`" for name in scores]
    return [
        *table(("F1", "macro", "max-F1", *SIX_CLASSES), _named(names, by_class)),
        "",
        *table(("macro F1 after nights", *NIGHTS), _named(names, by_night)),
        "",
        *table(("macro F1 at discovery mag", *edges), _named(names, by_mag)),
    ]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lay out a Markdown table."""
    header = list(header)
    lines = [header, ["---"] * len(header), *map(list, rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _named(names: Iterable[str], rows: Iterable[list[str]]) -> Iterator[list[str]]:
    for name, row in zip(names, rows, strict=True):
        yield [name, *row]


def _paired(differences: Mapping[str, Mapping[str, float]]) -> Iterator[list[str]]:
    for name, d in differences.items():
        yield [name, f"{d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]"]


def _said(score: Mapping[str, float]) -> str:
    return f"{score['value']:.3f} [{score['low']:.2f}, {score['high']:.2f}]"


if __name__ == "__main__":
    typer.run(main)
