"""The commands that make and measure models; `taonet_core.cli` has the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taonet_core import console
from taonet_core.errors import TaoNetError
from taonet_core.options import (
    Design,
    Device,
    Labels,
    Models,
    NetworkPrecision,
    OutputFolder,
    Precision,
    Seconds,
    Seed,
    Settings,
    TrainedModel,
    model_overrides,
)


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
    labels: Labels = None,
) -> None:
    """Train a model; a run that was stopped goes on where it was."""
    overrides = model_overrides(model, settings or [])
    from taonet_core.train import train_model

    again = console.may_be_stopped("the same command goes on where it was")
    with again, console.one_sentence_errors(), console.stages() as report:
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
            labels=labels,
            on_progress=report,
        )
    console.say(f"{bundle.name} {bundle.version} -> {output}")


def finetune(
    model: TrainedModel,
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
    """Adapt a trained taonet to another survey with a few labelled sequences of each class."""
    from taonet_core.finetune import finetune_model

    again = console.may_be_stopped("nothing was written; the same command starts again")
    with again, console.one_sentence_errors(), console.stages() as report:
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


def calibrate(
    model: TrainedModel,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled sequences, new to it.")],
) -> None:
    """Measure how far a model may be trusted, and write it into its sidecar."""
    from taonet_core.calibrate import calibrate as measure

    with console.one_sentence_errors(), console.progress("objects read") as step:
        bundle = measure(data, model, on_object=step)
    error = bundle.sidecar["calibration"]["calibration_error"]
    console.say(f"{bundle.name}: calibration error {error['before']} -> {error['after']}")


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

    with console.one_sentence_errors():
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


def serve(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of sequences; without it, uploads alone.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at. Whoever reaches it may read the objects.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Web pages that may read the answers (CORS)."),
    ] = None,
) -> None:
    """Serve objects, verdicts and uploads to other programs (docs/api.md)."""
    from taonet_core.objects.collection import gather, open_folder

    with console.one_sentence_errors():
        try:
            from taonet_core.api.server import serve as run
        except ModuleNotFoundError as error:
            message = f"a server needs {error.name}; install taonet-core[api]"
            raise TaoNetError(message) from error
        objects = open_folder(folder) if folder else gather([], name="none", title="none")
        console.say(f"{len(objects)} objects at http://{host}:{port}/api/v1 (stop with Ctrl-C)")
        run(objects, host=host, port=port, origins=allow_origin or ())
