"""Tables of `docs/realism.md`."""

from __future__ import annotations

from typing import Any


def tables(result: dict[str, Any]) -> str:
    """Lay the figures out as the Markdown tables of the page."""
    parts = (_transfer, _discriminator, _cadence, _errors, _pixels)
    return "\n\n".join(part(result) for part in parts)


def _table(title: str, head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([f"### {title}", "", *("| " + " | ".join(map(str, r)) + " |" for r in lines)])


def _transfer(result: dict[str, Any]) -> str:
    found = result["transfer"]
    rows = []
    for side in ("real", "simulated"):
        macro, each = found[side]["macro_f1"], found[side]["f1"]
        mean = f"{macro['mean']:.3f} ± {macro['sd']:.3f}"
        rows.append([side, mean, *(f"{value:.2f}" for value in each.values())])
    table = _table(
        "Trained on simulated, tested on real",
        ["trained on", "macro F1", *found["real"]["f1"]],
        rows,
    )
    return f"{table}\n\nRatio of the two: **{found['ratio']:.3f}** (goal: 0.90)."


def _discriminator(result: dict[str, Any]) -> str:
    rows = [
        [
            label,
            f"{found['mean']:.3f} ± {found['sd']:.3f}",
            ", ".join(f"{name} {drop:.2f}" for name, drop in found["telling"][:4]),
        ]
        for label, found in result["discriminator"].items()
    ]
    head = ["class", "AUC", "what tells, and the AUC lost without it"]
    return _table("Can real and simulated be told apart?", head, rows)


def _cadence(result: dict[str, Any]) -> str:
    head = ["", "real, 5 25 50 75 95 %", "simulated", "ratio of 25 50 75 %"]
    rows = [_row(name, sides) for name, sides in result["cadence"].items()]
    return _table("Visits", head, rows)


def _row(name: str, sides: dict[str, list[float]]) -> list[str]:
    inner = " ".join(f"{value:.2f}" for value in sides["ratio"][1:4])
    return [name, _numbers(sides["real"]), _numbers(sides["simulated"]), inner]


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def _errors(result: dict[str, Any]) -> str:
    table = result["errors"]
    names = ["scatter, real", "scatter, simulated", "error, real", "error, simulated"]
    columns = [table[name] for name in names]
    rows = [
        [mag, *(f"{value:.3f}" for value in values)]
        for mag, *values in zip(table["magnitude"], *columns, strict=True)
    ]
    return _table("Scatter within a visit and quoted error, mag", ["mag", *names], rows)


def _pixels(result: dict[str, Any]) -> str:
    head = ["", "real, 5 25 50 75 95 %", "simulated", "ratio of 25 50 75 %"]
    rows = [
        _row(f"{band}: {name}", sides)
        for band, table in result["pixels"].items()
        for name, sides in table.items()
        if "ratio" in sides
    ]
    return _table("Stamps of ZTF", head, rows)
