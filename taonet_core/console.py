"""What the command line shows: progress and messages on stderr, tables on stdout."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from taonet_core.errors import TaoNetError, UnreadableFileError
from taonet_core.labels import SIX_CLASSES, STYLES, TransientClass
from taonet_core.plain_text import shown
from taonet_core.stopping import Stopped, stoppable

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import TaskID


_LONGEST = 4000  # letters of a line
_MOST_WARNINGS = 20
_MOST_NAMES = 3  # of objects that a warning is about
_QUIET = 10.0  # seconds between lines of progress in a log
_SCORES = ("precision", "recall", "f1", "max_f1")


def say(text: str) -> None:
    """Print one line on stderr; nothing in it moves the cursor, colours or adds a line."""
    Console(stderr=True).print(Text(shown(text, _LONGEST)), soft_wrap=True)


def show(table: Table) -> None:
    """Print a table on stdout."""
    Console().print(table)


def say_warnings(said: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Say on stderr what the model was not trained for, the most frequent first.

    Parameters
    ----------
    said : iterable of (str, iterable of str)
        Object, and its warnings.
    """
    warned: dict[str, dict[str, None]] = {}
    for name, warnings in said:
        for sentence in warnings:
            warned.setdefault(sentence, {})[name] = None
    sentences = sorted(warned, key=lambda sentence: -len(warned[sentence]))
    for sentence in sentences[:_MOST_WARNINGS]:
        names = list(warned[sentence])
        more = ", …" if len(names) > _MOST_NAMES else ""
        named = ", ".join(names[:_MOST_NAMES]) + more
        say(f"{len(names)} x {sentence} ({named})")
    if len(sentences) > _MOST_WARNINGS:
        say(f"and {len(sentences) - _MOST_WARNINGS} other warnings")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show on stderr, where that is a terminal, how far the work is.

    Yields a function to call after each step, with (steps done, steps in all) where known.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=total)

        def step(done: int | None = None, of: int | None = None) -> None:
            bar.update(task, advance=1 if done is None else None, completed=done, total=of)

        yield step


@contextmanager
def stages() -> Iterator[Callable[[str, float, str], None]]:
    """Show on stderr how far each stage of a long work is.

    Yields a function of (stage, share done from 0 to 1, what to say). Where stderr is no
    terminal, it prints a line now and then.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<12}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[said]}", markup=False),
        console=console,
        disable=not console.is_terminal,
    ) as bars:
        tasks: dict[str, TaskID] = {}
        printed = -math.inf

        def report(stage: str, share: float, text: str) -> None:
            nonlocal printed
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0, said="")
            bars.update(tasks[stage], completed=share, said=shown(text))
            if not console.is_terminal and (share >= 1 or time.monotonic() - printed > _QUIET):
                printed = time.monotonic()
                say(f"{stage}: {text}")

        yield report


def verdict_table(predictions: pd.DataFrame) -> Table:
    """Lay out the wide prediction table (`TABLE_COLUMNS`) for reading."""
    table = _table("object", "verdict", "nights", *SIX_CLASSES, words=2)
    for row in predictions.to_dict("records"):
        name = shown(row["object_id"])
        if row["error"]:
            table.add_row(Text(name), Text("not classified", style="red"))
        else:
            chances = [_number(row[f"p_{name}"]) for name in SIX_CLASSES]
            verdict = _badge(TransientClass(row["class_name"]))
            table.add_row(Text(name), verdict, str(row["n_nights"]), *chances)
    return table


def text_table(table: pd.DataFrame) -> Table:
    """Lay out a table of words for reading."""
    out = _table(*(name.replace("_", " ") for name in table.columns), words=len(table.columns))
    for row in table.itertuples(index=False):
        out.add_row(*(Text(shown(value)) for value in row))
    return out


def score_table(metrics: Mapping[str, Any]) -> Table:
    """Lay out precision, recall and the two F1 of every class, and their means."""
    title = f"{metrics['model']} {metrics['model_version']} on {metrics['n']} objects"
    table = _table("class", "objects", *_SCORES, title=title)
    for name, scores in metrics["per_class"].items():
        numbers = [_number(scores[key], digits=3) for key in _SCORES]
        table.add_row(_badge(TransientClass(name)), str(scores["support"]), *numbers)
    means = [_number(metrics[f"macro_{key}"], digits=3) for key in _SCORES]
    table.add_row("mean", str(metrics["n"]), *means, style="bold")
    return table


def confusion_table(metrics: Mapping[str, Any]) -> Table:
    """Lay out the confusion matrix."""
    names = metrics["classes"]
    table = _table("true \\ verdict", *names)
    for name, counts in zip(names, metrics["confusion"], strict=True):
        table.add_row(_badge(TransientClass(name)), *map(str, counts))
    return table


def benchmark_tables(
    results: Mapping[str, Mapping[str, Any]], comparisons: Mapping[str, Mapping[str, Any]]
) -> Iterator[Table]:
    """Lay out the benchmark: one table a question and visibility, one row a model."""
    for visibility in comparisons:
        scores = {name: result["visibility"][visibility] for name, result in results.items()}
        where = f"visibility {visibility}, {next(iter(scores.values()))['n']} objects"
        table = _table("model", "macro F1", "max-F1", *SIX_CLASSES, title=f"F1, {where}")
        for name, score in scores.items():
            classes = [_interval(score["per_class"][c]["f1"]) for c in score["per_class"]]
            means = _interval(score["macro_f1"]), _interval(score["macro_max_f1"])
            table.add_row(Text(shown(name)), *means, *classes)
        yield table
        nights = next(iter(scores.values()))["after_nights"]
        table = _table("model", *nights, title=f"Macro F1 after so many nights, {where}")
        for name, score in scores.items():
            table.add_row(Text(shown(name)), *map(_interval, score["after_nights"].values()))
        yield table
        bins = [_bin(b) for b in next(iter(scores.values()))["by_magnitude"]]
        table = _table("model", *bins, title=f"Macro F1 by discovery magnitude, {where}")
        for name, score in scores.items():
            table.add_row(Text(shown(name)), *map(_interval, score["by_magnitude"]))
        yield table
        table = _table("macro F1", "difference", "from", "to", title=f"Paired, {where}")
        for name, difference in comparisons[visibility].items():
            table.add_row(
                Text(shown(name)), *(f"{difference[key]:+.3f}" for key in ("value", "low", "high"))
            )
        if table.row_count:
            yield table


def _interval(score: Mapping[str, float]) -> str:
    """Write a score over its interval, narrow enough for eight columns."""
    low, high = (f"{score[end]:.2f}".replace("0.", ".", 1) for end in ("low", "high"))
    return f"{score['value']:.3f}\n{low}–{high}"


def _bin(score: Mapping[str, float | None]) -> str:
    low, high = score["from"], score["to"]
    return f"< {high:g}" if low is None else f"> {low:g}" if high is None else f"{low:g} - {high:g}"


def model_facts(sidecar: Mapping[str, Any]) -> dict[str, str]:
    """Say what a model is, from its sidecar."""
    return {
        "model": f"{sidecar['name']} {sidecar['version']} ({sidecar['kind']})",
        "classes": " ".join(sidecar["classes"]),
        "metrics": _words(sidecar.get("metrics", {})),
        "trained on": _words(sidecar.get("training", {})),
        "sha256": sidecar["sha256"],
    }


def held_out_sentence(metrics: Mapping[str, Any]) -> str:
    """Say what fine-tuning gained on objects that taught nothing."""
    count = metrics["held_out_objects"]
    if not count:
        return "every object was learnt from; give more of them to measure the model"
    before, after = metrics["held_out_macro_f1_before"], metrics["held_out_macro_f1"]
    return f"macro F1 on {count} held-out objects: {before:.3f} before, {after:.3f} after"


def facts_text(facts: Mapping[str, object]) -> str:
    """Lay out facts one a line, their names in a column."""
    return "\n".join(f"{name:<12}{shown(fact, _LONGEST)}" for name, fact in facts.items())


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} ({_words(fact)})" if isinstance(fact, Mapping) else f"{name} {fact}"
        for name, fact in facts.items()
    )


def _table(*headers: str, words: int = 1, title: str | None = None) -> Table:
    """Return an empty table whose first columns hold words, the rest numbers."""
    heading = None if title is None else Text(shown(title))
    table = Table(title=heading, box=None, header_style="bold", padding=(0, 1, 0, 0))
    for i, header in enumerate(headers):
        justify: Literal["left", "right"] = "left" if i < words else "right"
        table.add_column(Text(shown(header)), justify=justify, no_wrap=True, overflow="fold")
    return table


def _badge(name: TransientClass) -> Text:
    return Text(f"{STYLES[name].glyph} {name}", style=STYLES[name].colour)


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None or value != value else f"{value:.{digits}f}"


@contextmanager
def one_sentence_errors() -> Iterator[None]:
    """Turn an expected error into one sentence on stderr and exit code 1.

    The exit code is 3 where a file could not be read.
    """
    try:
        yield
    except (TaoNetError, OSError) as error:
        code = f" [{error.code}]" if isinstance(error, TaoNetError) else ""
        say(f"taonet: {error}{code}")
        raise typer.Exit(3 if isinstance(error, UnreadableFileError) else 1) from error


@contextmanager
def may_be_stopped(how_it_goes_on: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work with one sentence on stderr and exit code 130 or 143."""
    try:
        with stoppable():
            yield
    except Stopped as stopped:
        say(f"taonet: stopped; {how_it_goes_on}")
        raise typer.Exit(stopped.exit_code) from stopped


def list_broken(broken: Iterable[tuple[str, str, str]]) -> None:
    """List inputs that could not be used on stderr; exit with 3 if there are any.

    Parameters
    ----------
    broken : iterable of (name, sentence, code)
        The code may be empty.
    """
    broken = list(broken)
    for name, reason, code in broken:
        sentence = reason if name in reason else f"{name}: {reason}"
        say(f"{sentence} [{code}]" if code else sentence)
    if broken:
        raise typer.Exit(3)
