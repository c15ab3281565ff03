"""What the commands accept; what makes no sense is refused as wrong usage, before any work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taonet_core.models import SUFFIXES

if TYPE_CHECKING:
    from taonet_core.models.weights import ModelBundle


class Device(StrEnum):
    """Where to compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """With what numbers."""

    auto = "auto"
    float32 = "float32"
    bf16 = "bf16"


@contextmanager
def _wrong_usage() -> Iterator[None]:
    """Turn a refused value into a usage error."""
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _known_model(name: str) -> str:
    """Refuse a model that does not exist, as wrong usage."""
    from taonet_core.models.weights import available_models

    if name not in available_models() and not Path(name).is_file():
        raise typer.BadParameter(
            f"no model named {name!r}; there are {', '.join(available_models()) or 'none'}"
        )
    return name


def _known_models(names: list[str] | None) -> list[str] | None:
    return names and [_known_model(name) for name in names]


def table_path(path: Path | None) -> Path | None:
    """Refuse a table format that cannot be written, before the work rather than after."""
    from taonet_core.data.exports import TABLE_SUFFIXES

    if path is not None and path.suffix.lower() not in TABLE_SUFFIXES:
        raise typer.BadParameter(f"wanted a name ending in {', '.join(TABLE_SUFFIXES)}")
    return path


def known_survey(name: str) -> str:
    """Refuse a survey that cannot be simulated, as wrong usage."""
    from taonet_core.simulation.presets import get_survey

    with _wrong_usage():
        get_survey(name)
    return name


def _positive(seconds: float | None) -> float | None:
    if seconds is not None and not seconds > 0:
        raise typer.BadParameter(f"wanted more than 0 seconds, got {seconds}")
    return seconds


def model_overrides(model: str, texts: list[str]) -> dict[str, Any]:
    """Read settings of a model, each NAME=VALUE with the value as JSON where it is."""
    from taonet_core.models.designs import model_settings

    overrides = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise typer.BadParameter(f"wanted NAME=VALUE, got {text!r}")
        try:
            overrides[name] = json.loads(value)
        except ValueError:
            overrides[name] = value
    with _wrong_usage():
        model_settings(model, overrides)
    return overrides


def class_shares(texts: list[str], bundle: ModelBundle) -> dict[str, float] | None:
    """Read shares of classes, each CLASS=SHARE, that fit a model; nothing of nothing."""
    from taonet_core.models.calibration import full_prior

    shares: dict[str, float] = {}
    with _wrong_usage():
        for text in texts:
            name, _, value = text.partition("=")
            if name in shares:
                raise ValueError(f"wanted one share a class, got two of {name}")
            try:
                shares[name] = float(value)
            except ValueError as error:
                raise ValueError(f"wanted CLASS=SHARE such as SN=0.1, got {text!r}") from error
        if shares:
            full_prior(shares, bundle.classes, bundle.prior)
    return shares or None


Priors = Annotated[
    list[str] | None,
    typer.Option(
        "--prior",
        metavar="CLASS=SHARE",
        help="Share of a class in your survey: --prior SN=0.1; give it several times.",
    ),
]
Long = Annotated[bool, typer.Option("--long", help="One row a class instead of one row an object.")]
Symmetries = Annotated[
    bool, typer.Option(help="Average over rotations and reflections; eight times slower.")
]
Trusted = Annotated[
    bool,
    typer.Option("--trusted", help="Read files of your own without a sandbox, which is faster."),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where an earlier run was cut off.")
]
KeepJournal = Annotated[
    bool,
    typer.Option("--keep-journal", help="Keep OUTPUT.journal: what was read and answered."),
]
Model = Annotated[
    str,
    typer.Option(callback=_known_model, help="Name of a model (see taonet info), or its file."),
]
TrainedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        callback=_known_model,
        help="Name of a model (see taonet info), or its file.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        callback=_known_models,
        help="Name or file; several times for several. Without it, all shipped models.",
    ),
]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")]
Seconds = Annotated[
    float | None,
    typer.Option(callback=_positive, help="Seconds of optimisation, over all resumes."),
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        callback=table_path,
        help="Table to write: .csv, .ecsv, .parquet, .json or .vot. Without it, the table is "
        "shown, or printed as CSV when stdout is not a terminal.",
    ),
]
Design = Annotated[
    str, typer.Argument(metavar="MODEL", help=f"What to train: {', '.join(SUFFIXES)}.")
]
NetworkPrecision = Annotated[
    Precision, typer.Option(help="Numbers of a network; auto is bf16 on CUDA alone.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of the model: --set depth=70."),
]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|database",
        help="Experts' labels, which go before those of the files: a table of them, or "
        "'database' for those given in the app.",
    ),
]
