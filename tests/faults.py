"""Faults on demand: the n-th open, write, fsync or rename in a folder fails, or kills the process.

As SQLite tests itself: n = 1, 2, 3 ... until the run passes. What is counted is what Python does;
a library in C that writes for itself is not seen.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

KINDS = ("open", "write", "fsync", "rename")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
#: In place of an error: the process is killed there and then.
KILL = -int(signal.SIGKILL)
#: More than any run that is tested does, so that a walk ends.
_MOST = 10_000


class Fault:
    """One fault, and whether it came.

    Attributes
    ----------
    kind : {"open", "write", "fsync", "rename"}
    n : int
        The first of its kind that fails, counted from 1.
    error : int
        An `errno`, or `KILL`.
    seen : int
        Operations of this kind so far.
    raised : Exception or None
        With `every_fault`: what the run raised.
    """

    def __init__(self, kind: str, n: int, error: int, under: Path, lasting: bool) -> None:
        self.kind, self.n, self.error, self.lasting = kind, n, error, lasting
        self.under = os.path.realpath(under)
        self.seen = 0
        self.raised: Exception | None = None

    def __repr__(self) -> str:
        what = "SIGKILL" if self.error == KILL else errno.errorcode[self.error]
        return f"{what} at {self.kind} {self.n}"

    @property
    def struck(self) -> bool:
        """Whether the run came so far."""
        return self.seen >= self.n

    def comes(self, kind: str, place: Any) -> bool:
        """Count an operation; return whether it is to fail."""
        if kind != self.kind or not self._is_inside(place):
            return False
        self.seen += 1
        return self.seen == self.n or (self.lasting and self.struck)

    def _is_inside(self, place: Any) -> bool:
        if isinstance(place, int):
            place = f"/proc/self/fd/{place}"
        real = os.path.realpath(os.fsdecode(place))
        return real == self.under or real.startswith(self.under + os.sep)

    def half(self, data: Any) -> memoryview:
        """Return what of a write still reaches the disk: half, and nothing of later ones."""
        view = memoryview(data).cast("B")
        return view[: len(view) // 2 if self.seen == self.n else 0]

    def strike(self, place: Any) -> None:
        """Fail, or die."""
        if self.error == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self.error, os.strerror(self.error), place)


@contextmanager
def faulty(
    kind: str, n: int, error: int, *, under: str | os.PathLike[str], lasting: bool = False
) -> Iterator[Fault]:
    """Let the n-th operation of a kind in a folder fail while the block runs.

    Parameters
    ----------
    kind : {"open", "write", "fsync", "rename"}
        A write that fails has written half of its bytes.
    n : int
    error : int
        An `errno`, such as those of `ERRORS`; or `KILL`.
    under : path
        The folder; operations elsewhere are neither counted nor touched.
    lasting : bool
        Whether all later ones of this kind fail, too, as on a full disk.
    """
    fault = Fault(kind, n, error, Path(under), lasting)
    with ExitStack() as stack:
        opener = _open(fault)
        for module in (builtins, io):
            stack.enter_context(patch.object(module, "open", opener))
        for name, replacement in _os_functions(fault).items():
            stack.enter_context(patch.object(os, name, replacement))
        yield fault


def every_fault(
    run: Callable[[], object],
    *,
    under: str | os.PathLike[str],
    kinds: Sequence[str] = KINDS,
    errors: Sequence[int] = ERRORS,
    lasting: bool = False,
) -> Iterator[Fault]:
    """Run with each fault in turn, and yield each that came, with what the run raised.

    Whoever loops over it checks what the fault left, and puts things back for the next run. For
    each kind and error, n rises until the run passes untouched.
    """
    for kind in kinds:
        for error in errors:
            for n in count(1):
                assert n < _MOST, f"{kind} never ends"
                fault = _one_run(run, kind, n, error, under, lasting)
                if not fault.struck:
                    if fault.raised is not None:
                        raise fault.raised
                    break
                yield fault


def _one_run(
    run: Callable[[], object], kind: str, n: int, error: int, under: Any, lasting: bool
) -> Fault:
    with faulty(kind, n, error, under=under, lasting=lasting) as fault:
        try:
            run()
        except Exception as raised:  # whatever it is, the test judges it
            fault.raised = raised
    return fault


def every_kill(
    run: Callable[..., object],
    *args: Any,
    under: str | os.PathLike[str],
    kinds: Sequence[str] = KINDS,
) -> Iterator[tuple[str, int]]:
    """Run in processes that are killed at each operation in turn, and yield the kind and n.

    Parameters
    ----------
    run : callable
        A function of a module. One new process imports it and forks the others.
    *args
        Arguments that can be sent there.
    under : path
    kinds : sequence of str
    """
    processes = get_context("spawn")
    line, theirs = processes.Pipe()
    job = (theirs, os.fspath(under), run, args)
    parent = processes.Process(target=_fork_for_each, args=job, daemon=True)
    parent.start()
    theirs.close()
    try:
        for kind in kinds:
            for n in count(1):
                assert n < _MOST, f"{kind} never ends"
                line.send((kind, n))
                code = line.recv()
                if code == 0:
                    break
                assert code == KILL, f"{kind} {n} ended with {code}"
                yield kind, n
    finally:
        parent.kill()
        parent.join()
        line.close()


def _fork_for_each(
    line: Connection, under: str, run: Callable[..., object], args: tuple[Any, ...]
) -> None:
    while True:
        kind, n = line.recv()
        child = os.fork()
        if child == 0:
            _run_to_the_kill(kind, n, under, run, args)
        line.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _run_to_the_kill(
    kind: str, n: int, under: str, run: Callable[..., object], args: tuple[Any, ...]
) -> NoReturn:
    code = 1
    try:
        with faulty(kind, n, KILL, under=under):
            run(*args)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


# --- what takes the place of Python's own --------------------------------------------------------


def _open(fault: Fault) -> Callable[..., Any]:
    """Return an `open` whose files go through `fault`."""
    plain = io.open

    def opened(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
        if not isinstance(file, int) and fault.comes("open", file):
            fault.strike(file)
        if fault.kind != "write" or not set(mode) & set("wax+"):
            return plain(file, mode, buffering, *rest, **options)
        return _opened_for_writing(fault, file, mode, buffering, *rest, **options)

    return opened


def _opened_for_writing(
    fault: Fault,
    file: Any,
    mode: str,
    buffering: int,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    raw = _Raw(file, mode.replace("b", "").replace("t", ""), closefd=closefd, opener=opener)
    raw.fault = fault
    if buffering == 0:
        return raw
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw, size)
    if "b" in mode:
        return buffered
    text = io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)
    text.mode = mode  # type: ignore[misc]
    return text


class _Raw(io.FileIO):
    """A file of which one write fails half done."""

    fault: Fault

    def write(self, data: Any) -> int:
        if self.fault.comes("write", self.name):
            super().write(self.fault.half(data))
            self.fault.strike(self.name)
        return super().write(data)


def _os_functions(fault: Fault) -> dict[str, Callable[..., Any]]:
    """Return what takes the place of functions of `os`, by name."""
    plain = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "rename")}

    def opened(path: Any, *args: Any, **options: Any) -> int:
        if fault.comes("open", path):
            fault.strike(path)
        return plain["open"](path, *args, **options)

    def write(handle: int, data: Any) -> int:
        if fault.comes("write", handle):
            plain["write"](handle, fault.half(data))
            fault.strike(handle)
        return plain["write"](handle, data)

    def fsync(handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        if fault.comes("fsync", number):
            fault.strike(number)
        plain["fsync"](number)

    def mover(name: str) -> Callable[..., None]:
        def move(source: Any, target: Any, **options: Any) -> None:
            if fault.comes("rename", target):
                fault.strike(target)
            plain[name](source, target, **options)

        return move

    moves = {name: mover(name) for name in ("replace", "rename")}
    return {"open": opened, "write": write, "fsync": fsync, "fdatasync": fsync, **moves}
