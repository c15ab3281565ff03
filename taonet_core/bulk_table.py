"""Classify many inputs into one table, so that a run that was cut off goes on where it stopped."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taonet_core import __version__
from taonet_core.bulk import LONG_COLUMNS, Readable, classify, read_objects, to_row
from taonet_core.data.exports import results_table, table_writer, write_table
from taonet_core.data.inputs import Input, digest_of
from taonet_core.data.locks import only_one
from taonet_core.data.results import TABLE_COLUMNS, Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.sqlite_files import remove
from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.flags import Flag
from taonet_core.journal import Journal, open_journal
from taonet_core.journal_entries import Answer, Begun
from taonet_core.stopping import held

if TYPE_CHECKING:
    import pandas as pd

    from taonet_core.models.weights import ModelBundle

# What a network says of an object depends in the last digits on those beside it: batches begin at
# the same objects however often a run is cut off.
_BATCH = 32


@dataclass(frozen=True)
class BulkRun:
    """What came of a run.

    Attributes
    ----------
    output : Path
        The table.
    objects : int
        How many there are in all.
    resumed : int
        How many of them an earlier run had done.
    broken : list of (str, str, str)
        Name, error and code of each object without a verdict.
    warnings : list of (str, list of str)
        Name of each object that the model was not made for, and why.
    """

    output: Path
    objects: int
    resumed: int
    broken: list[tuple[str, str, str]]
    warnings: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class _Object:
    """An object as it was read, and where."""

    input: int
    sha256: str
    name: str
    item: Readable | TaoNetError
    changed: bool
    last: bool


def predict_to_table(
    sources: Sequence[str | os.PathLike[str]],
    model: str | ModelBundle,
    output: str | os.PathLike[str],
    *,
    priors: Mapping[str, float] | None = None,
    symmetries: bool = False,
    long: bool = False,
    trusted: bool = False,
    restart: bool = False,
    keep_journal: bool = False,
    on_object: Callable[[int], None] | None = None,
) -> BulkRun:
    """Classify all that paths hold, and write one table; called again, go on where it stopped.

    Every answer is kept in a journal beside the table, ``OUTPUT.journal``, and each object is
    answered once, whatever ends the process and whenever. The table is written at the end, whole
    or not at all, and equals that of a run that nothing ended.

    What there is to read is settled when the run begins. An input that changes later has the flag
    ``input-changed``, one that vanishes an error. The journal holds the SHA-256 of what was read.

    Parameters
    ----------
    sources : sequence of path
        Sequences, folders or archives of them, light-curve tables.
    model : str or ModelBundle
    output : path
        As for `taonet_core.data.exports.write_table`.
    priors, symmetries
        See `taonet_core.predict`.
    long : bool
        One row a class instead of one row an object; see `taonet_core.bulk.prediction_table`.
    trusted : bool
        See `taonet_core.read_sequences`.
    restart : bool
        Begin anew, whatever the journal holds.
    keep_journal : bool
        Leave the journal beside the table.
    on_object : callable, optional
        Called with the number of objects that are done.

    Raises
    ------
    ValueError
        If a table of this name cannot be written.
    TaoNetError
        If another process works on this table (`Code.LOCKED`); if the journal is that of other
        inputs, another model or other options (`Code.OTHER_RUN`); or if something cannot be
        written. What was answered is kept.
    """
    from taonet_core.models.weights import load_model

    output = Path(output).absolute()
    table_writer(output)
    bundle = load_model(model) if isinstance(model, str) else model
    facts = _facts(bundle, priors, symmetries=symmetries, long=long)
    places = [Path(source).absolute() for source in sources]
    journal_path = output.with_name(f"{output.name}.journal")
    lock = output.with_name(f"{output.name}.lock")
    with only_one(lock, f"the prediction of {output.name!r}"):
        with open_journal(journal_path, places, facts, restart=restart) as journal:
            objects = _unanswered(journal, _begun(journal), trusted=trusted)
            resumed = done = journal.count()
            step = on_object or (lambda done: None)
            step(done)
            while batch := list(islice(objects, _BATCH - done % _BATCH)):
                with held():  # a signal waits until the batch is stored
                    items = ((found.name, found.item) for found in batch)
                    said = classify(items, bundle, priors=priors, symmetries=symmetries)
                    journal.add(
                        [_answer(*pair, long=long) for pair in zip(batch, said, strict=True)]
                    )
                done += len(batch)
                step(done)
            write_table(_table(journal, long=long), output)
            run = BulkRun(output, done, resumed, journal.broken(), list(journal.warnings()))
        if not keep_journal:
            remove(journal_path)
    return run


def _facts(
    bundle: ModelBundle, priors: Mapping[str, float] | None, *, symmetries: bool, long: bool
) -> dict[str, str]:
    """Say with what a run answers."""
    from taonet_core.objects.verdict_store import identity

    shares = (f"{name} {share!r}" for name, share in sorted((priors or {}).items()))
    return {
        "model": identity(bundle),
        "shares of the classes": ", ".join(shares) or "those of the model",
        "symmetries": "yes" if symmetries else "no",
        "form of the table": "long" if long else "wide",
        "version of TAO-Net": __version__,
    }


def _begun(journal: Journal) -> Begun:
    """Return how far the reading was; answers on half an input that changed since are void."""
    begun = journal.begun()
    if not begun.done:
        _, found = next(journal.inputs(begun.input))
        if digest_of(found.files) != begun.sha256:
            journal.forget(begun.input)
            return journal.begun()
    return begun


def _unanswered(journal: Journal, begun: Begun, *, trusted: bool) -> Iterator[_Object]:
    """Read what has no answer yet; a worker reads the next input while this one is used."""
    start, skip = (begun.input + 1, 0) if begun.done else (begun.input, begun.objects)
    with ThreadPoolExecutor(1) as beside:
        waiting: deque[tuple[Future[_Object | None], Iterator[_Object]]] = deque()
        for number, found in journal.inputs(start):
            objects = islice(_objects(number, found, trusted=trusted), skip, None)
            skip = 0
            waiting.append((beside.submit(next, objects, None), objects))
            if len(waiting) > 1:
                yield from _in_turn(*waiting.popleft())
        while waiting:
            yield from _in_turn(*waiting.popleft())


def _in_turn(first: Future[_Object | None], others: Iterator[_Object]) -> Iterator[_Object]:
    if (found := first.result()) is not None:
        yield found
        yield from others


def _objects(number: int, found: Input, *, trusted: bool) -> Iterator[_Object]:
    """Read the objects of an input, and tell whether it changed since the run began."""
    stamp, digest = found.stamp_now(), digest_of(found.files)
    if found.stamp and not stamp:
        sentence = f"{found.path.name}: it was there when the run began, and is gone"
        gone = UnreadableFileError(sentence, code=Code.VANISHED)
        yield _Object(number, "", found.path.name, gone, changed=True, last=True)
        return
    items = _items(found, trusted=trusted)
    item = next(items, None)
    while item is not None:
        following = next(items, None)
        # of many files, the times are looked at once
        last = following is None
        now = found.stamp_now() if last or not found.names else stamp
        sha256 = digest if now == stamp else ""
        yield _Object(number, sha256, *item, changed=now != found.stamp, last=last)
        item = following


def _items(found: Input, *, trusted: bool) -> Iterator[tuple[str, Readable | TaoNetError]]:
    if not found.names:
        yield from read_objects(found.path, trusted=trusted)
        return
    from taonet_core.data.fits_io import read_sequences

    for name, item in read_sequences(found.files, trusted=trusted, recycle=True):
        if isinstance(item, ImageSequence) and not item.meta.get("object_id"):
            item = item.with_meta(object_id=name)
        yield name, item


def _answer(found: _Object, said: tuple[str, Prediction | TaoNetError], *, long: bool) -> Answer:
    where, (_, result) = (found.input, found.sha256), said
    if isinstance(result, TaoNetError):
        rows = [] if long else [_flagged(found, to_row(found.name, result))]
        error, code = str(result), str(result.code)
        return Answer(*where, found.name, rows, error, code, last=found.last)
    rows = result.to_long_rows() if long else [_flagged(found, result.to_row())]
    warnings = tuple(map(str, result.meta["warnings"]))
    return Answer(*where, result.meta["object_id"], rows, warnings=warnings, last=found.last)


def _flagged(found: _Object, row: dict[str, Any]) -> dict[str, Any]:
    """Add to the flags of a row that the input changed."""
    changed = {str(Flag.INPUT_CHANGED)} if found.changed else set()
    return row | {"flags": " ".join(sorted(changed | set(str(row["flags"]).split())))}


def _table(journal: Journal, *, long: bool) -> pd.DataFrame:
    import pandas as pd

    columns = LONG_COLUMNS if long else TABLE_COLUMNS
    pieces = [results_table(rows, columns) for rows in journal.rows()]
    return pd.concat([results_table([], columns), *pieces], ignore_index=True)
