"""The command group ``taonet labels``: what experts say that objects are."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taonet_core import console
from taonet_core.options import table_path

if TYPE_CHECKING:
    import pandas as pd

labels = typer.Typer(
    name="labels",
    help="List, add, export and import what experts say that objects are.",
    no_args_is_help=True,
)

_SHOWN = ("object_id", "label", "confidence", "author", "created_at", "note")
Author = Annotated[str, typer.Option(help="Who says so.", show_default="the user of this machine")]
History = Annotated[
    bool, typer.Option("--history", help="All that was ever said, also what was taken back.")
]


def _user() -> str:
    """Name the user of this machine, as far as it is known."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _label(value: str) -> str:
    from taonet_core.data.expert_labels import LABEL_VALUES

    if value not in LABEL_VALUES:
        raise typer.BadParameter(f"wanted one of {', '.join(LABEL_VALUES)}; got {value!r}")
    return value


def _confidence(value: str | None) -> str | None:
    from taonet_core.data.expert_labels import CONFIDENCES

    if value not in (None, *CONFIDENCES):
        raise typer.BadParameter(f"wanted one of {', '.join(CONFIDENCES)}; got {value!r}")
    return value


@labels.command("list")
def list_labels(
    object_id: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Only of this object.")
    ] = None,
    history: History = False,
) -> None:
    """Show what each expert last said of each object."""
    from taonet_core.data.annotations import Annotations
    from taonet_core.data.expert_labels import annotation_table, latest_labels

    with console.one_sentence_errors():
        said = Annotations().history(object_id)
    table = annotation_table(said) if history else latest_labels(said)
    _show(table)


def _show(table: pd.DataFrame) -> None:
    """Show labels to a reader, or print them for another program."""
    from taonet_core.data.exports import csv_text
    from taonet_core.data.label_files import printable

    if sys.stdout.isatty():
        console.show(console.text_table(table[list(_SHOWN)]))
    else:
        typer.echo(csv_text(printable(table)), nl=False)


@labels.command()
def export(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", callback=table_path, help=".csv, .ecsv, .parquet, .json or .vot."
        ),
    ],
    history: History = False,
) -> None:
    """Write the labels to a table."""
    from taonet_core.data.annotations import Annotations

    with console.one_sentence_errors():
        count = Annotations().export(path, history=history)
    console.say(f"{count} labels -> {path}")


@labels.command()
def add(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="Name of the object.")],
    label: Annotated[
        str,
        typer.Argument(metavar="LABEL", callback=_label, help="A class, unsure or withdrawn."),
    ],
    author: Author = "",
    confidence: Annotated[
        str | None,
        typer.Option(metavar="low|medium|high", callback=_confidence, help="How sure they are."),
    ] = None,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    ra: Annotated[float | None, typer.Option(min=0, max=360, help="ICRS, degrees.")] = None,
    dec: Annotated[float | None, typer.Option(min=-90, max=90, help="ICRS, degrees.")] = None,
) -> None:
    """Add a label; what was said before is kept."""
    from taonet_core.data.annotations import Annotations

    if (ra is None) != (dec is None):
        raise typer.BadParameter("a place has both: give --ra and --dec, or neither")
    with console.one_sentence_errors():
        said = Annotations().add(
            object_id,
            label,
            author=author or _user(),
            confidence=confidence,
            note=note,
            ra=ra,
            dec=dec,
        )
    console.say(f"{said.object_id}: {said.label}, said by {said.author} at {said.created_at}")


@labels.command("import")
def import_labels(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Table with object_id and label: .csv, .ecsv, .vot."),
    ],
    author: Author = "",
) -> None:
    """Add the labels of a table, once each, with the authors and times it gives."""
    from taonet_core.data.annotations import Annotations
    from taonet_core.data.label_files import read_labels

    with console.one_sentence_errors():
        rows = read_labels(path, author=author or _user())
        count = Annotations().extend(rows)
    console.say(f"{count} of {len(rows)} labels of {path} are new")
