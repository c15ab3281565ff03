"""A worker: reads one file after another under its limits, and says what is in them."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from taonet_core.errors import TaoNetError
from taonet_core.sandboxing import limits, wire
from taonet_core.sandboxing.values import pack, unpack

#: What can be asked: name -> the function that does it. It is given the open file, its name,
#: ``start`` (parts to pass over), ``begin`` (to be called with the name of each part) and what
#: else was sent, and yields values.
TASKS = {
    "pieces": "taonet_core.data.pieces:pieces",
    "tables": "taonet_core.data.found_tables:tables_within",
    "preview": "taonet_core.data.table_files:preview_here",
    "curves": "taonet_core.data.tables:curves_here",
    "history": "taonet_core.data.alert_curves:history_here",
    "labels": "taonet_core.data.class_tables:labels_here",
}
#: Imported by the fork server, so that no worker has to.
PRELOADED = (
    "astropy.io.fits.hdu.compressed",
    "astropy.table",
    "astropy.units",
    "astropy.io.votable",
    "astropy.io.ascii.ecsv",
    "pandas",
    "pyarrow.parquet",
    "taonet_core.data.alerts",
    *{target.partition(":")[0] for target in TASKS.values()},
)

Task = Callable[..., Iterator[Any]]


def task_named(name: str) -> Task:
    """Return the function behind a name of `TASKS`."""
    module, _, function = TASKS[name].partition(":")
    found: Task = getattr(import_module(module), function)
    return found


def work(line: socket.socket) -> None:
    """Do what is asked on a socket until it is closed."""
    base = limits.confine()
    while True:
        signal, handles, _, _ = socket.recv_fds(line, 1, 1)
        if not signal or not handles:
            return
        document, buffers = wire.receive(line)
        with os.fdopen(handles[0], "rb") as file:
            _job(line, file, unpack(document, buffers), base)


class _Answer:
    """What is said of one file; the last value says that it is, so that it needs no end."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._held: tuple[Any, list[memoryview]] | None = None

    def value(self, value: Any) -> None:
        self._let_go("value")
        self._held = pack(value)

    def say(self, kind: str, document: Any = None) -> None:
        self._let_go("value")
        wire.send(self._line, {kind: document})

    def end(self) -> None:
        if self._held is None:
            wire.send(self._line, {"end": None})
        self._let_go("last")

    def _let_go(self, kind: str) -> None:
        if self._held is not None:
            document, arrays = self._held
            self._held = None
            wire.send(self._line, {kind: document}, arrays)


def _job(line: socket.socket, file: BinaryIO, asked: dict[str, Any], base: int) -> None:
    size = os.fstat(file.fileno()).st_size
    answer = _Answer(line)

    def begin(part: str) -> None:
        limits.allow_time(size)
        answer.say("begin", part)

    file.seek(0)  # the place is shared with whoever wrote or read it before
    limits.allow_input(base, size)
    limits.allow_time(size)
    try:
        task = task_named(asked["task"])
        for value in task(file, asked["name"], start=asked["start"], begin=begin, **asked["more"]):
            answer.value(value)
    except TaoNetError as error:
        answer.say("error", pack(error)[0])
    except MemoryError:
        answer.say("memory")
    except ConnectionError:
        raise SystemExit(0) from None  # nobody listens any more
    except Exception:  # noqa: BLE001  whatever bytes may cause is an answer here, not a crash
        answer.say("fault", traceback.format_exc(limit=-12)[-4000:])
    else:
        answer.end()
