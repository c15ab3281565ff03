"""What each part of TAO-Net earns, on one budget for all.

    python benchmarks/ablations.py --variant no-difference FOLDER    one variant, or several
    python benchmarks/ablations.py FOLDER                            all that are not done yet
    python benchmarks/ablations.py --table FOLDER                    the figures and the page alone

FOLDER holds labelled sequences of all six classes, such as ``taonet simulate`` writes. What a
variant says of the test objects is kept under ``--runs``, and a run that was stopped goes on where
it was; delete that folder when the network has changed. Figures go to
``docs/results/ablations.json``, and the page ``docs/ablations.md`` is made of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from ablation.tables import page, report
from ablation.training import Budget, Data, finished, train_variant
from ablation.variants import VARIANTS

from taonet_core.data.exports import write_json


def main(
    data: Annotated[Path, typer.Argument(metavar="FOLDER", help="Labelled sequences.")],
    variant: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(VARIANTS)}; all by default.")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Train nothing.")] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each variant.")] = 1,
    per_class: Annotated[int, typer.Option(min=4, help="Training objects of each class.")] = 600,
    passes: Annotated[int, typer.Option(min=1, help="Readings of a training object.")] = 21_600,
    test: Annotated[int, typer.Option(min=1, help="Test objects of each class.")] = 250,
    runs: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("runs/ablations"),
    output: Path = Path("docs/results/ablations.json"),
) -> None:
    """Train what is not trained yet, and tell what is."""
    torch.set_num_threads(1)
    unknown = set(variant or ()) - set(VARIANTS)
    if unknown:
        raise typer.BadParameter(f"no variant {', '.join(sorted(unknown))}")
    runs.mkdir(parents=True, exist_ok=True)
    budget = Budget(per_class, passes, test)
    objects = Data(data, budget)
    if not table:
        for seed in range(seeds):
            for name in variant or VARIANTS:
                train_variant(objects, name, VARIANTS[name], seed, runs)
    done = finished(objects, VARIANTS, runs)
    if "taonet" not in done:
        raise typer.BadParameter("the variant taonet, to compare with, is not trained yet")
    figures = {"budget": vars(budget), "data": data.name, **report(done)}
    write_json(figures, output)
    (output.parent.parent / "ablations.md").write_text(page(figures), "utf-8")
    typer.echo(page(figures))


if __name__ == "__main__":
    typer.run(main)
