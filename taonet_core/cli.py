"""The command line: ``taonet``. Each command reads its arguments and calls one core function.

Exit codes: 0 all well; 1 something could not be done, said on stderr; 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taonet_core import __version__, console
from taonet_core.errors import TaoNetError
from taonet_core.models import DEFAULT_MODEL
from taonet_core.options import (
    BaseModel,
    Design,
    Device,
    Model,
    Models,
    NetworkPrecision,
    OutputFolder,
    Precision,
    Priors,
    Seconds,
    Seed,
    Settings,
    Table,
    class_shares,
    known_survey,
    model_overrides,
)

if TYPE_CHECKING:
    import pandas as pd

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
    long: Annotated[
        bool, typer.Option("--long", help="One row a class instead of one row an object.")
    ] = False,
    prior: Priors = None,
    symmetries: Annotated[
        bool, typer.Option(help="Average over rotations and reflections; eight times slower.")
    ] = False,
) -> None:
    """Classify image sequences; broken ones are listed and the rest is still done."""
    from taonet_core.bulk import classify, prediction_table, read_objects
    from taonet_core.data.exports import write_table
    from taonet_core.data.results import Prediction
    from taonet_core.models.weights import load_model

    with _one_sentence_errors():
        bundle = load_model(model)
        priors = class_shares(prior or [], bundle)
        with console.progress("objects classified") as step:
            objects = (item for path in paths for item in read_objects(path))
            results = []
            for result in classify(objects, bundle, priors=priors, symmetries=symmetries):
                results.append(result)
                step()
        table = prediction_table(results, long=long)
        if output is not None:
            write_table(table, output)
            console.say(f"{len(results)} objects -> {output}")
    if output is None:
        _show(table, long=long)
    console.say_warnings(answer for _, answer in results if isinstance(answer, Prediction))
    _list_broken((name, str(answer)) for name, answer in results if isinstance(answer, TaoNetError))


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

    with _one_sentence_errors():
        with console.progress("objects classified") as step:
            result = measure(data, model, on_object=step)
        if output is not None:
            result.write(output)
            console.say(f"metrics.json and predictions.parquet -> {output}")
    console.show(console.score_table(result.metrics))
    console.show(console.confusion_table(result.metrics))
    left_out = result.predictions[result.predictions["error"] != ""]
    _list_broken(zip(left_out["object_id"], left_out["error"], strict=True))


@app.command()
def benchmark(
    model: Models = None,
    data: Annotated[
        Path, typer.Option(help="Where the test set lies, or is to lie (4 GB).")
    ] = Path("tao-sim-v1"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for scores (JSON) and answers (Parquet)."),
    ] = None,
    training_data: Annotated[
        list[Path] | None,
        typer.Option(help="Folder a model was trained on: objects on its places are left out."),
    ] = None,
    verify: Annotated[bool, typer.Option(help="Refuse objects other than the frozen ones.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Measure models on the frozen test set TAO-Sim v1, which is drawn where it is missing."""
    from taonet_core.benchmark import disagreements, run_benchmark
    from taonet_core.models.weights import available_models

    with _one_sentence_errors():
        with console.stages() as report:
            result = run_benchmark(
                model or available_models(),
                data,
                training_data=training_data or (),
                verify=verify,
                workers=workers,
                on_object=lambda stage, n, of: report(stage, n / of, f"{n} of {of} objects"),
            )
        if output is not None:
            result.write(output)
            console.say(f"scores and answers of {len(result.results)} models -> {output}")
    for table in console.benchmark_tables(result.results, result.comparisons):
        console.show(table)
    for sentence in disagreements(result.results):
        console.say(sentence)


@app.command()
def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name or file of a model.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled sequences, new to it.")],
) -> None:
    """Measure how far a model may be trusted, and write it into its sidecar."""
    from taonet_core.calibrate import calibrate as measure

    with _one_sentence_errors(), console.progress("objects read") as step:
        bundle = measure(data, model, on_object=step)
    error = bundle.sidecar["calibration"]["calibration_error"]
    console.say(f"{bundle.name}: calibration error {error['before']} -> {error['after']}")


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

    with _one_sentence_errors(), console.progress("objects simulated") as step:
        simulate_dataset(
            output,
            survey=survey,
            per_class=per_class,
            visibility=visibility,
            seed=seed,
            on_object=step,
        )
    console.say(f"{6 * per_class} simulated sequences -> {output}")


@app.command()
def train(
    model: Design,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of labelled sequences.")],
    output: OutputFolder,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    time_budget: Seconds = None,
    seed: Seed = 0,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    precision: NetworkPrecision = Precision.auto,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read files.")] = 2,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoints in the folder.")] = True,
    settings: Settings = None,
) -> None:
    """Train a model; a run that was stopped goes on where it was."""
    overrides = model_overrides(model, settings or [])
    from taonet_core.train import train_model

    with _one_sentence_errors(), console.stages() as report:
        bundle = train_model(
            model,
            data,
            output=output,
            epochs=epochs,
            time_budget=time_budget,
            seed=seed,
            device=device.value,
            precision=precision.value,
            workers=workers,
            resume=resume,
            settings=overrides,
            on_progress=report,
        )
    console.say(f"{bundle.name} {bundle.version} -> {output}")


@app.command()
def finetune(
    model: BaseModel,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Labelled sequences of the other survey.")
    ],
    output: OutputFolder,
    freeze_encoder: Annotated[
        bool, typer.Option(help="Adapt what reads the order of nights, not what reads images.")
    ] = True,
    per_class: Annotated[
        int, typer.Option(min=1, help="Objects of each class to learn from; the rest measure.")
    ] = 10,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    seed: Seed = 0,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.auto,
    precision: NetworkPrecision = Precision.auto,
    workers: Annotated[int, typer.Option(min=1, help="Processes that read files.")] = 2,
) -> None:
    """Adapt a trained network to another survey with a few labelled sequences of each class."""
    from taonet_core.finetune import finetune_model

    with _one_sentence_errors(), console.stages() as report:
        bundle = finetune_model(
            model,
            data,
            output=output,
            freeze_encoder=freeze_encoder,
            per_class=per_class,
            epochs=epochs,
            seed=seed,
            device=device.value,
            precision=precision.value,
            workers=workers,
            on_progress=report,
        )
    console.say(f"{bundle.name} {bundle.version} -> {output}")
    typer.echo(console.held_out_sentence(bundle.sidecar["metrics"]))


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of sequences, any depth.")],
) -> None:
    """List the objects of a folder in a catalogue beside them, without reading pixels."""
    from taonet_core.data.catalog import index_folder

    with _one_sentence_errors(), console.progress("files indexed") as step:
        catalog = index_folder(folder, on_file=step)
    counts = catalog["label"].value_counts()
    console.say(
        f"{len(catalog)} objects: " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )


@app.command()
def info() -> None:
    """Say what is installed: version, models, paths, device."""
    import torch

    from taonet_core.models.weights import WEIGHTS_FOLDER, sidecars

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    facts = {
        "version": __version__,
        "package": Path(__file__).parent,
        "weights": WEIGHTS_FOLDER,
        "device": f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}",
    }
    with _one_sentence_errors():
        typer.echo(console.facts_text(facts))
        for sidecar in sidecars().values():
            typer.echo("\n" + console.facts_text(console.model_facts(sidecar)))


@contextmanager
def _one_sentence_errors() -> Iterator[None]:
    """Turn an expected error into one sentence on stderr and exit code 1."""
    try:
        yield
    except (TaoNetError, OSError) as error:
        console.say(f"taonet: {error}")
        raise typer.Exit(1) from error


def _list_broken(broken: Iterable[tuple[str, str]]) -> None:
    """List inputs that could not be used on stderr; exit with 1 if there are any."""
    broken = list(broken)
    for name, reason in broken:
        console.say(reason if name in reason else f"{name}: {reason}")
    if broken:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()
