"""Read untrusted bytes in worker processes: what kills or hangs a library ends a worker, no more.

A fork server (`taonet_core.sandboxing.server`) forks the workers, each under limits on memory,
processor, time, files and descriptors. They are handed an open file and send back values as JSON
and raw arrays, never pickles.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.faults import escaped
from taonet_core.sandboxing import wire
from taonet_core.sandboxing.checks import fits
from taonet_core.sandboxing.handing import Content, opened
from taonet_core.sandboxing.limits import MEMORY, seconds_in_all, wall_seconds
from taonet_core.sandboxing.pool import Pool, Worker, none_left
from taonet_core.sandboxing.values import answers, pack, unpack

_LOG = logging.getLogger(__name__)
#: Deaths on one archive after which the rest of it is not read.
_MOST_DEATHS = 20
_LOCK = threading.Lock()
_pool: Pool | None = None


@dataclass(frozen=True)
class Lost:
    """A part of a file that could not be read to its end.

    Attributes
    ----------
    name : str
        Of the part: the file, or a member of the archive.
    error : UnreadableFileError
    """

    name: str
    error: UnreadableFileError


@dataclass(eq=False)
class _Job:
    """A file that is being read, and how far its reading is."""

    task: str
    name: str
    file: BinaryIO
    more: dict[str, Any]
    begun: int = 0
    part: str = ""
    inside: bool = False
    waited: float = 0.0

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def lost(self, why: str, code: Code) -> Lost:
        name = self.part if self.inside else self.name
        return Lost(name, UnreadableFileError(f"{name}: {why}", code=code))


class _Ended(Exception):
    """Reading a part ended before its time; the argument is the `Lost` part."""


def run(
    task: str, content: Content, name: str, *, recycle: bool = False, **more: Any
) -> Iterator[Any]:
    """Do a task on a file, part by part; a part that a worker dies of is lost, and no other.

    Parameters
    ----------
    task : str
        A name of `taonet_core.sandboxing.worker.TASKS`.
    content : Path, bytes or memoryview
    name : str
        For messages.
    recycle : bool
        Let a worker read many files one after the other; otherwise it reads this one and ends.
    **more
        Arguments of the task.

    Yields
    ------
    object or Lost
        What the task yields.

    Raises
    ------
    TaoNetError
        What the task raises, or if the file cannot be opened.
    """
    yield from ahead(task, content, name, recycle=recycle, **more)


def ahead(
    task: str, content: Content, name: str, *, recycle: bool = False, **more: Any
) -> Iterator[Any]:
    """Do what `run` does, but begin at once: a worker reads while its values are waited for.

    Raises
    ------
    UnreadableFileError
        If the file cannot be opened.
    """
    values = _values(task, content, name, recycle, more)
    first = next(values)
    return values if first is None else chain([first], values)


def _values(
    task: str, content: Content, name: str, recycle: bool, more: dict[str, Any]
) -> Generator[Any]:
    """Yield None as soon as a worker has the file, then what it says of it."""
    with opened(content, name) as file:
        job = _Job(task, name, file, more)
        for attempt in range(_MOST_DEATHS):
            before = job.begun
            try:
                with contextlib.closing(_until_end(job, recycle)) as values:
                    for value in values:
                        if value is not None or not attempt:
                            yield value
                return
            except _Ended as ended:
                yield ended.args[0]
            if job.begun == before:  # not even one part began: it is the file itself
                return
            job.begun += not job.inside  # else it died on the way to a part that has no name yet
            job.inside = False


def ask(task: str, content: Content, name: str, *, recycle: bool = False, **more: Any) -> Any:
    """Return the one value of a task on a file; parameters as for `run`.

    Raises
    ------
    TaoNetError
        What the task raises; `UnreadableFileError` if a worker died of it.
    """
    for value in run(task, content, name, recycle=recycle, **more):
        if isinstance(value, Lost):
            raise value.error
        return value
    raise UnreadableFileError(f"{name}: nothing could be read")


def warm() -> None:
    """Start the fork server, if there is none, without waiting for it."""
    _current()


def workers() -> list[tuple[int, int]]:
    """Return the pid and the resident memory (bytes) of every worker that lives."""
    return _current().workers()


def peak_rss() -> int:
    """Return the most memory (bytes) that a worker had that has ended."""
    return _current().peak_rss()


def _current() -> Pool:
    """Return the pool of this process; a fork of it, or a dead server, begins a new one."""
    global _pool
    with _LOCK:
        if _pool is None or not _pool.usable:
            if _pool is not None:
                _pool.close()
            try:
                _pool = Pool()
            except OSError as error:
                raise none_left() from error
        return _pool


@atexit.register
def _close() -> None:
    if _pool is not None:
        _pool.close()


def _until_end(job: _Job, recycle: bool) -> Generator[Any]:
    """Yield None when a worker has the file, then values until the task is done.

    Raises
    ------
    _Ended
        If the worker was lost, or could not go on.
    """
    pool = _current()
    worker = pool.take(recycle=recycle)
    whole = False
    try:
        worker.hand_over(job.file.fileno())
        asked = {"task": job.task, "name": job.name, "start": job.begun, "more": job.more}
        wire.send(worker.line, *pack(asked))
        yield None
        while True:
            document, buffers = _next_word(job, worker)
            match _kind_of(document):
                case "begin", part:
                    job.begun, job.part, job.inside = job.begun + 1, str(part), True
                case "value", value:
                    yield _checked(job, unpack(value, buffers))
                    job.inside = False
                case "last", value:
                    last = _checked(job, unpack(value, buffers))
                    whole = True
                    yield last
                    return
                case "end", _:
                    whole = True
                    return
                case "error", said:
                    error = unpack(said, [])
                    if not isinstance(error, TaoNetError):
                        raise ValueError("an error that is none")
                    whole = True
                    raise error
                case "memory", _:
                    why = (
                        f"it needs more than {MEMORY / 2**30:.1f} GiB of memory; send less at once"
                    )
                    raise _Ended(job.lost(why, Code.MEMORY))
                case "fault", text:
                    whole = True
                    raise _Ended(_fault(job, str(text)))
                case other:
                    raise ValueError(f"a worker said {other!r}")
    except (ConnectionError, TimeoutError, ValueError) as error:
        raise _Ended(_death(job, pool, worker, error)) from error
    finally:
        pool.give_back(worker, reusable=whole and recycle)


def _next_word(job: _Job, worker: Worker) -> tuple[Any, list[memoryview]]:
    """Wait for what a worker says next, and no longer than for all that it may say."""
    began = time.monotonic()
    left = min(wall_seconds(job.size), seconds_in_all(job.size) - job.waited)
    try:
        return wire.receive(worker.line, max(left, 0.0))
    finally:
        job.waited += time.monotonic() - began


def _kind_of(document: Any) -> tuple[str, Any]:
    if not isinstance(document, dict) or len(document) != 1:
        raise ValueError("a worker said nothing that means anything")
    [(kind, said)] = document.items()
    return str(kind), said


def _checked(job: _Job, value: Any) -> Any:
    """Refuse a value that is none of those that a task has to offer."""
    if not fits(value, answers(job.task)):
        raise ValueError(f"a worker answered {job.task} by a {type(value).__name__}")
    return value


def _fault(job: _Job, text: str) -> Lost:
    """Say that a reader met what nobody had foreseen."""
    _LOG.warning("unforeseen while reading %r:\n%s", job.part or job.name, escaped(text))
    kind = text.strip().rpartition("\n")[2].partition(":")[0].rpartition(".")[2][:60]
    why = f"it cannot be read ({kind}); the file is damaged, fetch or write it again"
    return job.lost(why, Code.UNREADABLE)


def _death(job: _Job, pool: Pool, worker: Worker, error: Exception) -> Lost:
    """Say why a worker is no more."""
    seconds = wall_seconds(job.size)
    slow = f"reading it was stopped after {seconds:.0f} s without an end; the file is damaged"
    if isinstance(error, TimeoutError):
        return job.lost(slow, Code.TIMEOUT)
    if isinstance(error, ValueError):
        return job.lost("its reader gave no sensible answer; the file is refused", Code.WORKER)
    number = pool.signal_of(worker)
    _LOG.warning("a worker died (signal %s) of %r", number, job.part or job.name)
    if number == signal.SIGXCPU:
        return job.lost("reading it took too long; the file is damaged", Code.TIMEOUT)
    if number == signal.SIGKILL:
        return job.lost("the system stopped its reader; most likely memory ran out", Code.MEMORY)
    said = signal.Signals(number).name if number else "no signal"
    return job.lost(f"its reader crashed ({said}); the file is damaged or harmful", Code.WORKER)
