"""The journal of a prediction of many objects: one that was cut off goes on where it stopped.

An SQLite file beside the table that is to be written. It holds what is read, with what, and each
answer once; the table is made of it at the end.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from taonet_core.data.exports import one_line
from taonet_core.data.inputs import Input, find_inputs
from taonet_core.data.sqlite_files import is_damage, make_durable, put_aside, remove, said
from taonet_core.errors import Code, TaoNetError
from taonet_core.journal_entries import Answer, Begun

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE sources (number INTEGER PRIMARY KEY, path BLOB NOT NULL);
CREATE TABLE inputs (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL, stamp TEXT NOT NULL, names TEXT NOT NULL
);
CREATE TABLE answers (
    number INTEGER PRIMARY KEY, input INTEGER NOT NULL, sha256 TEXT NOT NULL, name TEXT NOT NULL,
    rows TEXT NOT NULL, error TEXT NOT NULL, code TEXT NOT NULL, warnings TEXT NOT NULL,
    last INTEGER NOT NULL
);
CREATE INDEX answers_by_input ON answers (input);
"""
_APPLICATION = 0x54414F4A  # "TAOJ", which SQLite keeps in the head of the file
_HEAD = 72  # bytes, the last four of them that number (the file format of SQLite, 1.3)
_VERSION = 1
_PIECE = 1000


class Journal:
    """What a run has answered so far.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        See `open_journal`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    def add(self, answers: Sequence[Answer]) -> None:
        """Store answers, all or none; when this returns, the disk holds them."""
        rows = [
            (
                answer.input,
                answer.sha256,
                one_line(answer.name),
                json.dumps(answer.rows, default=_plain),
                one_line(answer.error),
                answer.code,
                json.dumps(answer.warnings),
                answer.last,
            )
            for answer in answers
        ]
        with self._writing():
            self._db.executemany(
                "INSERT INTO answers (input, sha256, name, rows, error, code, warnings, last) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def forget(self, number: int) -> None:
        """Take back the answers on an input, which was then another."""
        with self._writing():
            self._db.execute("DELETE FROM answers WHERE input = ?", (number,))

    def count(self) -> int:
        """Return how many objects are answered."""
        return int(self._one("SELECT count(*) FROM answers")[0])

    def begun(self) -> Begun:
        """Return how far the reading was."""
        query = "SELECT input, sha256, last FROM answers ORDER BY number DESC LIMIT 1"
        found = self._one(query)
        if found is None:
            return Begun()
        number, sha256, last = found
        objects = int(self._one("SELECT count(*) FROM answers WHERE input = ?", number)[0])
        return Begun(number, objects, sha256, bool(last))

    def inputs(self, start: int) -> Iterator[tuple[int, Input]]:
        """Return the inputs from a number on, each with its number."""
        query = "SELECT number, path, stamp, names FROM inputs WHERE number >= ? ORDER BY number"
        while rows := self._all(f"{query} LIMIT {_PIECE}", start):
            for number, path, stamp, names in rows:
                yield number, Input(Path(os.fsdecode(path)), stamp, tuple(json.loads(names)))
            start = rows[-1][0] + 1

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """Return the rows of the table in order, in pieces."""
        last = 0
        query = "SELECT number, rows FROM answers WHERE number > ? ORDER BY number"
        while found := self._all(f"{query} LIMIT {_PIECE}", last):
            yield [row for _, rows in found for row in json.loads(rows)]
            last = found[-1][0]

    def broken(self) -> list[tuple[str, str, str]]:
        """Return name, error and code of each object without a verdict."""
        query = "SELECT name, error, code FROM answers WHERE error != '' ORDER BY number"
        return self._all(query)

    def warnings(self) -> Iterator[tuple[str, list[str]]]:
        """Return the name of each object that the model was not made for, and why."""
        query = "SELECT name, warnings FROM answers WHERE warnings != '[]' ORDER BY number"
        for name, warnings in self._all(query):
            yield name, json.loads(warnings)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _said(self.path), _transaction(self._db):
            yield

    def _one(self, query: str, *values: Any) -> Any:
        with _said(self.path):
            return self._db.execute(query, values).fetchone()

    def _all(self, query: str, *values: Any) -> list[Any]:
        with _said(self.path):
            return self._db.execute(query, values).fetchall()


@contextmanager
def open_journal(
    path: Path, sources: Sequence[Path], facts: Mapping[str, str], *, restart: bool = False
) -> Iterator[Journal]:
    """Open the journal of a run, or begin one.

    Only one process may do so at a time: see `taonet_core.data.locks.only_one`.

    Parameters
    ----------
    path : Path
    sources : sequence of Path
        What is to be read, absolute. What is below them is settled when the journal is begun.
    facts : mapping of str to str
        With what it is read: name -> value in words.
    restart : bool
        Begin anew: an earlier journal is removed, a damaged one put aside as ``.damaged``.

    Raises
    ------
    TaoNetError
        With `Code.OTHER_RUN` if it is the journal of another run; the message names the first
        difference. With `Code.DATABASE` or `Code.DISK_FULL` if it cannot be used.
    """
    with _said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if restart:
            _make_way(path)
        db = _connected(path)
        try:
            with _transaction(db):
                if not _is_journal(db, path):
                    _begin(db, sources, facts)
            _refuse_other(db, path, sources, facts)
            yield Journal(path, db)
        finally:
            db.close()


def _make_way(path: Path) -> None:
    """Remove a journal, and put a damaged one aside; what is none stays as it is."""
    try:
        with closing(_connected(path)) as db:
            if not _is_journal(db, path):
                return
    except sqlite3.DatabaseError as error:
        if not (is_damage(error) and _begins_as_journal(path)):
            raise
        put_aside(path)
    else:
        remove(path)


def _begins_as_journal(path: Path) -> bool:
    """Tell a journal by its first bytes, whatever follows them."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head[:16] == b"SQLite format 3\0" and head[-4:] == _APPLICATION.to_bytes(4, "big")


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        _is_journal(db, path)  # what is none stays as it is
        make_durable(db, path)
    except (sqlite3.Error, TaoNetError):
        db.close()
        raise
    return db


def _is_journal(db: sqlite3.Connection, path: Path) -> bool:
    """Return whether a run was begun here; refuse a database of another kind."""
    if db.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION:
        return True
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise TaoNetError(
            f"{str(path)!r} is no journal of a prediction; move it away, or choose another name "
            "for the table",
            code=Code.OTHER_RUN,
        )
    return False


def _begin(db: sqlite3.Connection, sources: Sequence[Path], facts: Mapping[str, str]) -> None:
    for statement in filter(str.strip, _SCHEMA.split(";")):
        db.execute(statement)
    db.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
    paths = ((os.fsencode(path),) for path in sources)
    db.executemany("INSERT INTO sources (path) VALUES (?)", paths)
    found = find_inputs(sources)
    rows = ((os.fsencode(i.path), i.stamp, json.dumps(i.names)) for i in found)
    db.executemany("INSERT INTO inputs (path, stamp, names) VALUES (?, ?, ?)", rows)
    db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute(f"PRAGMA application_id = {_APPLICATION}")


def _refuse_other(
    db: sqlite3.Connection, path: Path, sources: Sequence[Path], facts: Mapping[str, str]
) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    held = {"form of the journal": str(version)} | dict(db.execute("SELECT * FROM facts"))
    wanted = {"form of the journal": str(_VERSION)} | dict(facts)
    differing = (name for name in wanted if held.get(name, "nothing") != wanted[name])
    if name := next(differing, None):
        difference = f"{name}: {held.get(name, 'nothing')} then, {wanted[name]} now"
    else:
        paths = [os.fsdecode(p) for (p,) in db.execute("SELECT path FROM sources ORDER BY number")]
        difference = _first_difference(paths, [os.fspath(path) for path in sources])
    if difference:
        raise TaoNetError(
            f"{str(path)!r} is the journal of another run ({difference}); go on as it was begun, "
            "or restart it",
            code=Code.OTHER_RUN,
        )


def _first_difference(then: list[str], now: list[str]) -> str:
    if then == now:
        return ""
    for old, new in zip(then, now, strict=False):
        if old != new:
            return f"input: {old!r} then, {new!r} now"
    return f"inputs: {len(then)} then, {len(now)} now"


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say in one sentence why a journal cannot be used, and what becomes of the run."""
    try:
        yield
    except sqlite3.Error as error:
        raise said(path, error, "what it held stays; mend its folder, and start again") from error
    except OSError as error:
        raise TaoNetError(
            f"{str(path)!r} cannot be written ({error.strerror}); choose another folder",
            code=Code.WRITE,
        ) from error


def _plain(value: np.generic) -> Any:
    """Return a number of NumPy as one of Python, which JSON knows."""
    return value.item()
