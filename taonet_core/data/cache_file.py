"""An SQLite file of what can be made again: it may be damaged, locked or full without harm."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from taonet_core.data.locks import in_turn
from taonet_core.data.sqlite_files import code_of, is_damage, make_durable, put_aside
from taonet_core.errors import Code, TaoNetError

#: Milliseconds that one who wants to write waits for other programs, and who asks waits for that.
_PATIENCE = 5_000

_log = logging.getLogger(__name__)


class CacheFile:
    """Tables in a file, or in memory.

    A damaged file is put aside and begun anew. Where the disk is full or fails, what the file held
    is copied into memory, and what comes is kept there until the program ends.

    Parameters
    ----------
    path : path or None
        Made if it is not there; None: in memory.
    tables : mapping of str to str
        Name of each table -> its columns, as SQL.
    version : int
        Of the tables; those of another version are emptied.

    Attributes
    ----------
    trouble : str
        Why nothing more is written to the file, in one sentence; empty where all is well.

    Raises
    ------
    TaoNetError
        If the file cannot be opened.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, tables: Mapping[str, str], version: int
    ) -> None:
        self.trouble = ""
        self._path = None if path is None else Path(path)
        self._tables, self._version = tables, version
        self._lock = threading.RLock()
        try:
            self._db = self._opened()
        except (sqlite3.Error, OSError) as error:
            raise TaoNetError(
                f"{path}: the store of verdicts cannot be opened ({error}); make its folder "
                "writable",
                code=code_of(error) if isinstance(error, sqlite3.Error) else Code.WRITE,
            ) from error

    def ask(self, query: str, *values: Any) -> list[Any]:
        """Return the rows that answer a query."""
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._mend(error)
                return self._db.execute(query, values).fetchall()

    def keep(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Store rows, all or none."""
        with self._lock:
            try:
                self._write(statement, rows)
            except sqlite3.DatabaseError as error:
                self._mend(error)
                self._write(statement, rows)

    def _write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._db:
            self._db.executemany(statement, rows)

    def _mend(self, error: sqlite3.DatabaseError) -> None:
        """Go on with a new file or in memory; raise what neither helps against."""
        code = code_of(error)
        if self._path is None or (code is Code.DATABASE and not is_damage(error)):
            raise error
        why: Exception = error
        if code is Code.DATABASE:
            self._db.close()
            try:
                _put_aside(self._path)
                self._db = self._connected()
                return
            except (sqlite3.Error, OSError, TaoNetError) as failure:
                why = failure
        self.trouble = f"{self._path}: {why}; what is measured now is kept until the program ends"
        _log.warning("%s", self.trouble)
        self._db = self._in_memory(self._db)

    def _in_memory(self, file: sqlite3.Connection) -> sqlite3.Connection:
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            file.backup(memory, progress=_give_up_if_locked)
        except sqlite3.Error as error:
            _log.warning("%s: what it held is measured again (%s)", self._path, error)
            memory.close()
            memory = sqlite3.connect(":memory:", check_same_thread=False)
        finally:
            file.close()
        self._make_tables(memory)
        return memory

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if self._path is None or not is_damage(error):
                raise
            _put_aside(self._path)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path or ":memory:", timeout=30, check_same_thread=False)
        try:
            if self._path is not None:
                make_durable(db, self._path)
                # what is lost can be made again, and nobody waits long for it
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute(f"PRAGMA busy_timeout = {_PATIENCE}").close()
            self._make_tables(db)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _make_tables(self, db: sqlite3.Connection) -> None:
        """Make the tables, or make them anew where they are of another version; all or nothing."""
        with db:
            db.execute("BEGIN IMMEDIATE")  # two programs may begin at once
            if db.execute("PRAGMA user_version").fetchone()[0] != self._version:
                for name in self._tables:
                    db.execute(f"DROP TABLE IF EXISTS {name}")
                db.execute(f"PRAGMA user_version = {self._version}")
            for name, columns in self._tables.items():
                db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")


def _give_up_if_locked(status: int, *_: int) -> None:
    """Stop the copying of a file that another program has locked: it would wait without end."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("the file is locked")


def _put_aside(path: Path) -> None:
    """Rename a damaged file, unless another program did so and began it anew."""
    with in_turn(path.with_name(f".{path.name}.lock"), "the mending of a store"):
        if not _is_whole(path):
            put_aside(path)


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE / 1000)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return False
        raise
