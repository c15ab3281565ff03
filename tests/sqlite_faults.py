"""Faults of SQLite on demand: the n-th statement or commit fails, or kills the process.

`faults` sees what Python writes; SQLite writes for itself, in C.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

#: What a full disk, a broken one and another writer make SQLite say.
ERRORS = (
    ("database or disk is full", sqlite3.SQLITE_FULL),
    ("disk I/O error", sqlite3.SQLITE_IOERR),
    ("database is locked", sqlite3.SQLITE_BUSY),
)
_MOST = 1000


class Fault:
    """The n-th statement or commit of this process fails.

    Attributes
    ----------
    n : int
    error : tuple of (str, int) or None
        What SQLite says, and its number; None: the process is killed there.
    seen : int
    """

    def __init__(self, n: int, error: tuple[str, int] | None) -> None:
        self.n, self.error, self.seen = n, error, 0

    def __repr__(self) -> str:
        return f"{self.error[0] if self.error else 'SIGKILL'} at {self.n}"

    def comes(self) -> None:
        """Count one more."""
        self.seen += 1
        if self.seen != self.n:
            return
        if self.error is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            said = sqlite3.OperationalError(self.error[0])
            said.sqlite_errorcode = self.error[1]
            raise said


@contextmanager
def faulty_sqlite(n: int, error: tuple[str, int] | None) -> Iterator[Fault]:
    """Let connections that are opened in the block fail at the n-th statement or commit."""
    fault = Fault(n, error)

    class Cursor(sqlite3.Cursor):
        def execute(self, *args: Any) -> Any:
            fault.comes()
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            fault.comes()
            return super().executemany(*args)

    class Connection(sqlite3.Connection):
        def cursor(self, *args: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, *args: Any) -> Any:
            return self.cursor().execute(*args)

        def executemany(self, *args: Any) -> Any:
            return self.cursor().executemany(*args)

        def commit(self) -> None:
            fault.comes()
            super().commit()

    plain = sqlite3.connect

    def connect(*args: Any, **options: Any) -> Any:
        return plain(*args, **options | {"factory": Connection})

    with patch.object(sqlite3, "connect", connect), patch("sqlite3.dbapi2.connect", connect):
        yield fault


def every_sqlite_fault(run: Callable[[], object]) -> Iterator[tuple[Fault, Exception | None]]:
    """Run with a fault at each place in turn; yield each, with what the run raised of it.

    The kinds of `ERRORS` take turns.
    """
    for n in count(1):
        assert n < _MOST, "it never ends"
        raised = None
        with faulty_sqlite(n, ERRORS[n % len(ERRORS)]) as fault:
            try:
                run()
            except Exception as caught:  # whatever it is, the test judges it
                raised = caught
        if fault.seen < n:
            assert raised is None, raised
            return
        yield fault, raised


def every_sqlite_kill(
    run: Callable[..., object], *args: Any, preload: tuple[str, ...] = (), step: int = 4
) -> Iterator[int]:
    """Run in processes that are killed at one statement after the other; yield its number.

    Parameters
    ----------
    run : callable
        A function of a module, which a new process can import.
    *args
        Arguments that can be sent there.
    preload : tuple of str
        Modules that are loaded once for all the processes.
    step : int
        One statement of so many.
    """
    processes = get_context("forkserver")
    processes.set_forkserver_preload([*preload])
    for n in count(1, step):
        assert n < _MOST, "it never ends"
        process = processes.Process(target=_run_to_the_kill, args=(n, run, args))
        process.start()
        process.join()
        if process.exitcode == 0:
            return
        assert process.exitcode == -signal.SIGKILL, f"{n} ended with {process.exitcode}"
        yield n


def _run_to_the_kill(n: int, run: Callable[..., object], args: tuple[Any, ...]) -> None:
    with faulty_sqlite(n, None):
        run(*args)
