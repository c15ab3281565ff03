"""Jobs in a process that may die of them or never come back, and what memory processes hold."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("spawn")
#: Seconds that a new process may take to import what it needs and do its first job.
_START = 120.0


@dataclass(frozen=True)
class Done:
    """What became of one job.

    Attributes
    ----------
    job : object
        What was asked.
    seconds : float
    result : object
        None where the process died or hung.
    end : str
        Empty, ``"hang"``, or the signal or exit code that the process died of.
    """

    job: Any
    seconds: float
    result: Any = None
    end: str = ""


def each(work: Callable[[Any], Any], jobs: Iterable[Any], *, patience: float) -> Iterator[Done]:
    """Do jobs one after the other in a process of their own; it is replaced if it dies or hangs.

    Parameters
    ----------
    work : callable
        A function of a module: the process imports it.
    jobs : iterable
        What it is called with, each in turn.
    patience : float
        Seconds after which a job counts as hanging, and its process is killed.
    """
    child, line = _begin(work)
    allowed = _START
    try:
        for job in jobs:
            began = time.perf_counter()
            line.send(job)
            done = _answer(child, line, job, allowed, began)
            yield done
            allowed = patience
            if done.end:
                _stop(child, line)
                child, line = _begin(work)
                allowed = _START
    finally:
        _stop(child, line)


def resident(pid: int | str = "self") -> int:
    """Return the resident memory of a process in bytes; 0 if it is gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds() -> float:
    """Return what this process and all it started have used of the processor, in seconds."""
    tick = os.sysconf("SC_CLK_TCK")
    return time.process_time() + sum(_ticks(pid) for pid in descendants()) / tick


def descendants(pid: int | str = "self") -> list[int]:
    """Return the processes that a process started, and those started by them."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text("ascii").split()):
                found += [child, *descendants(child)]
    return found


def _ticks(pid: int) -> int:
    """Return the clock ticks of a process and of the children that it has waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))


def _answer(child: Any, line: Connection, job: Any, allowed: float, began: float) -> Done:
    try:
        if line.poll(allowed):
            return Done(job, time.perf_counter() - began, line.recv())
        return Done(job, time.perf_counter() - began, end="hang")
    except (EOFError, ConnectionError):
        child.join(10)
        code = child.exitcode
        end = signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"
        return Done(job, time.perf_counter() - began, end=end)


def _begin(work: Callable[[Any], Any]) -> tuple[Any, Connection]:
    mine, its = _CONTEXT.Pipe()
    child = _CONTEXT.Process(target=_serve, args=(its, work), daemon=True)
    child.start()
    its.close()
    if not mine.poll(_START):
        child.kill()
        raise RuntimeError(f"no process for {work.__name__} could be started in {_START:.0f} s")
    try:
        mine.recv()
    except EOFError as error:
        raise RuntimeError(f"the process for {work.__name__} cannot start") from error
    return child, mine


def _stop(child: Any, line: Connection) -> None:
    line.close()
    child.join(5)
    if child.is_alive():
        child.kill()
        child.join()


def _serve(line: Connection, work: Callable[[Any], Any]) -> None:
    line.send("ready")
    while True:
        try:
            job = line.recv()
        except (EOFError, ConnectionError):
            return
        line.send(work(job))
