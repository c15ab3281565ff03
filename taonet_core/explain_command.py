"""The command ``taonet explain``: why an image model says what it says of one object."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taonet_core import console
from taonet_core.models import DEFAULT_MODEL
from taonet_core.options import Model

Sequence = Annotated[Path, typer.Argument(metavar="FILE", help="One image sequence.")]
Target = Annotated[str | None, typer.Option(help="Class to explain; the verdict where not given.")]
Against = Annotated[
    str | None, typer.Option(help="Class to tell it from; all others where not given.")
]
Method = Annotated[str, typer.Option(help="How evidence is shared out over pixels.")]
Baseline = Annotated[str, typer.Option(help="What the images are compared with.")]
Steps = Annotated[int, typer.Option(min=1, help="Steps or samples of the method.")]
Maps = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Evidence of every night: .fits, .csv or .png."),
]


def explain(
    path: Sequence,
    model: Model = DEFAULT_MODEL,
    target: Target = None,
    against: Against = None,
    method: Method = "integrated_gradients",
    baseline: Baseline = "first_night",
    steps: Steps = 32,
    output: Maps = None,
) -> None:
    """Say which nights and pixels of a sequence speak for a class, and how far to believe it."""
    from taonet_core import explain as core
    from taonet_core.data.fits_io import read_sequence
    from taonet_core.explaining.evidence_files import write_evidence

    with console.one_sentence_errors():
        sequence = read_sequence(path)
        try:
            with console.progress("steps") as report:
                found = core.explain(
                    sequence,
                    model,
                    target=target,
                    against=against,
                    method=method,
                    baseline=baseline,
                    steps=steps,
                    on_step=report,
                )
            if output is not None:
                write_evidence(found, sequence, output)
                console.say(f"{len(found.times)} nights -> {output}")
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        typer.echo(core.evidence_sentence(found, sequence))
        check = core.method_checks(model)[method]
        if check.passed is False:
            console.say(f"{core.METHODS[method].name} failed its checks on {model}: {check.reason}")
