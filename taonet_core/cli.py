"""The command line: ``taonet``. Each command reads its arguments and calls one core function.

Exit codes: 0 all well; 1 something could not be done, said on stderr; 2 wrong usage; 3 a file or
object could not be used, listed on stderr, and the rest was done.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from taonet_core import __version__, commands, console, explain_command, label_commands
from taonet_core.errors import TaoNetError
from taonet_core.models import DEFAULT_MODEL
from taonet_core.options import (
    KeepJournal,
    Long,
    Model,
    OutputFolder,
    Priors,
    Restart,
    Seed,
    Symmetries,
    Table,
    Trusted,
    class_shares,
    known_survey,
)

if TYPE_CHECKING:
    import pandas as pd

    from taonet_core.models.weights import ModelBundle

#: Objects that the model was not made for, and why; objects without a verdict, why, and the code.
Warned: TypeAlias = "list[tuple[str, list[str]]]"
Broken: TypeAlias = "list[tuple[str, str, str]]"

app = typer.Typer(
    name="taonet",
    help="Classify astronomical transients from their image sequences.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Sequences, folders or archives of them; for the forest, light-curve tables too.",
        ),
    ],
    model: Model = DEFAULT_MODEL,
    output: Table = None,
    long: Long = False,
    prior: Priors = None,
    symmetries: Symmetries = False,
    trusted: Trusted = False,
    restart: Restart = False,
    keep_journal: KeepJournal = False,
) -> None:
    """Classify image sequences; broken ones are listed and the rest is still done.

    With --output, a run that was cut off goes on where it stopped.
    """
    from taonet_core.models.weights import load_model

    with console.one_sentence_errors():
        bundle = load_model(model)
        priors = class_shares(prior or [], bundle)
        options: dict[str, Any] = {"priors": priors, "symmetries": symmetries, "trusted": trusted}
        if output is None:
            warnings, broken = _print_verdicts(paths, bundle, long=long, **options)
        else:
            options |= {"long": long, "restart": restart, "keep_journal": keep_journal}
            warnings, broken = _write_verdicts(paths, bundle, output, **options)
    console.say_warnings(warnings)
    console.list_broken(broken)


def _print_verdicts(
    paths: list[Path], bundle: ModelBundle, *, long: bool, trusted: bool, **options: Any
) -> tuple[Warned, Broken]:
    """Show the verdicts; return what to mind, and what has none."""
    from taonet_core.bulk import classify, prediction_table, read_objects

    results = []
    with console.progress("objects classified") as step:
        objects = (item for path in paths for item in read_objects(path, trusted=trusted))
        for result in classify(objects, bundle, **options):
            results.append(result)
            step()
    _show(prediction_table(results, long=long), long=long)
    errors = ((name, said) for name, said in results if isinstance(said, TaoNetError))
    answers = (said for _, said in results if not isinstance(said, TaoNetError))
    return (
        [(answer.meta["object_id"], answer.meta["warnings"]) for answer in answers],
        [(name, str(error), str(error.code)) for name, error in errors],
    )


def _write_verdicts(
    paths: list[Path], bundle: ModelBundle, output: Path, **options: Any
) -> tuple[Warned, Broken]:
    """Write the verdicts to a table; return what to mind, and what has none."""
    from taonet_core.bulk_table import predict_to_table

    again = console.may_be_stopped("what is done is kept; the same command goes on from there")
    with again, console.progress("objects classified") as step:
        run = predict_to_table(paths, bundle, output, on_object=step, **options)
    went_on = f", {run.resumed} of them in an earlier run" if run.resumed else ""
    lost = f", {len(run.broken)} without a verdict" if run.broken else ""
    console.say(f"{run.objects - len(run.broken)} verdicts{lost} -> {output}{went_on}")
    return run.warnings, run.broken


def _show(table: pd.DataFrame, *, long: bool) -> None:
    """Show verdicts to a reader, or print them for another program."""
    from taonet_core.data.exports import csv_text

    if sys.stdout.isatty() and not long:
        console.show(console.verdict_table(table))
    else:
        typer.echo(csv_text(table), nl=False)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled sequences.")],
    model: Model = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for metrics.json and predictions.parquet."),
    ] = None,
) -> None:
    """Measure a model on labelled sequences."""
    from taonet_core.evaluate import evaluate as measure

    with console.one_sentence_errors():
        with console.progress("objects classified") as step:
            result = measure(data, model, on_object=step)
        if output is not None:
            result.write(output)
            console.say(f"metrics.json and predictions.parquet -> {output}")
    console.show(console.score_table(result.metrics))
    console.show(console.confusion_table(result.metrics))
    left_out = result.predictions[result.predictions["error"] != ""]
    columns = (left_out[name] for name in ("object_id", "error", "error_code"))
    console.list_broken(zip(*columns, strict=True))


@app.command()
def simulate(
    per_class: Annotated[int, typer.Option(min=1, help="Objects of each of the six classes.")],
    output: OutputFolder,
    survey: Annotated[str, typer.Option(callback=known_survey, help="What to imitate.")] = "crts",
    visibility: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of events whose outburst is in the images."),
    ] = 0.5,
    seed: Seed = 0,
) -> None:
    """Simulate labelled sequences of all six classes, in the layout of the DEEP-TAO release."""
    from taonet_core.simulation.dataset import simulate_dataset

    with console.one_sentence_errors(), console.progress("objects simulated") as step:
        simulate_dataset(
            output,
            survey=survey,
            per_class=per_class,
            visibility=visibility,
            seed=seed,
            on_object=step,
        )
    console.say(f"{6 * per_class} simulated sequences -> {output}")


for command in (
    commands.train,
    commands.finetune,
    commands.calibrate,
    commands.benchmark,
    commands.serve,
    explain_command.explain,
):
    app.command()(command)
app.add_typer(label_commands.labels)


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of sequences, any depth.")],
) -> None:
    """List the objects of a folder in a catalogue beside them, without reading pixels."""
    from taonet_core.data.catalog import index_folder

    with console.one_sentence_errors(), console.progress("files indexed") as step:
        catalog = index_folder(folder, on_file=step)
    counts = catalog["label"].value_counts()
    console.say(
        f"{len(catalog)} objects: " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )


@app.command()
def info() -> None:
    """Say what is installed: version, models, paths, device."""
    import torch

    from taonet_core.models.weights import WEIGHTS_FOLDER, sidecars, verify_weights

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    facts = {
        "version": __version__,
        "package": Path(__file__).parent,
        "weights": WEIGHTS_FOLDER,
        "device": f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}",
    }
    with console.one_sentence_errors():
        typer.echo(console.facts_text(facts))
        for name, sidecar in sidecars().items():
            typer.echo("\n" + console.facts_text(console.model_facts(sidecar)))
            verify_weights(name)


def main() -> None:
    """Run the command line."""
    app()
