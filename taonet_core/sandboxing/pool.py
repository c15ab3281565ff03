"""The workers that a process has: a fork server, and the lines to what it forked."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from taonet_core.errors import Code, UnreadableFileError
from taonet_core.sandboxing.server import COMMAND, FORKED, REFUSED, REPORT

#: The fork server's program.
SCRIPT = Path(__file__).with_name("server.py")
#: Workers that wait, forked already, for whoever comes next.
_SPARE = 2
#: Files after which a worker that is used again is replaced.
_JOBS = 200
#: Seconds that a fork server may take to start on a busy machine, and to say how a worker ended.
_START, _LAST_WORD = 120.0, 5.0
#: Seconds that others may have to wait while one listens.
_MOMENT = 0.05
#: What the fork server sees of the environment: nothing that could be a secret.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")


@dataclass(eq=False)
class Worker:
    """A worker, and the line to it.

    Attributes
    ----------
    pid : int
    line : socket
    jobs : int
        Files that it was given.
    """

    pid: int
    line: socket.socket
    jobs: int = 0

    def hand_over(self, handle: int) -> None:
        """Give it an open file."""
        self.jobs += 1
        socket.send_fds(self.line, [b"J"], [handle])


class Pool:
    """A fork server and its workers; threads may share it.

    Raises
    ------
    UnreadableFileError
        If this system cannot fork.
    """

    def __init__(self) -> None:
        if not hasattr(os, "fork"):
            raise UnreadableFileError(
                "files of others are read in processes of their own, which this system does not "
                "offer; read your own files with trusted=True (--trusted)",
                code=Code.WORKER,
            )
        self._owner = os.getpid()
        self._server, self._control = _start_server()
        self._lock = threading.Lock()
        self._said = b""
        self._ordered: deque[socket.socket] = deque()
        self._spare: deque[Worker] = deque()
        self._used: deque[Worker] = deque()
        self._live: set[int] = set()
        self._ended: deque[tuple[int, int]] = deque(maxlen=1024)
        self._peak = 0
        with self._lock:
            for _ in range(_SPARE):
                self._order()

    @property
    def usable(self) -> bool:
        """Whether the fork server runs, and is this process's."""
        return self._owner == os.getpid() and self._server.poll() is None

    def take(self, *, recycle: bool) -> Worker:
        """Return a worker for one file: a new one, or with `recycle` one that was used before.

        Raises
        ------
        UnreadableFileError
            If none can be had.
        """
        try:
            with self._lock:
                self._listen(0.0)
                if recycle and (worker := self._living(self._used)):
                    return worker
                self._order()
            return self._forked()
        except OSError as error:  # no answer, no connection, or no descriptor is left
            raise none_left() from error

    def give_back(self, worker: Worker, *, reusable: bool) -> None:
        """Take a worker back, to be used again or to end."""
        if reusable and worker.jobs < _JOBS:
            with self._lock:
                self._used.append(worker)
            return
        worker.line.close()
        with self._lock:
            if worker.pid in self._live and self.usable:
                with contextlib.suppress(OSError):  # the fork server is gone, and so is the worker
                    self._send(b"K", worker.pid)

    def signal_of(self, worker: Worker) -> int:
        """Return the signal that a worker died of; 0 if it died of none or nobody knows."""
        until = time.monotonic() + _LAST_WORD
        while time.monotonic() < until:
            with self._lock:  # for a moment: others wait to begin
                self._heard(_MOMENT)
                status = dict(self._ended).get(worker.pid)
            if status is not None:
                return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            if not self.usable:
                break
        return 0

    def workers(self) -> list[tuple[int, int]]:
        """Return the pid and the resident memory (bytes) of every worker that lives."""
        with self._lock:
            self._heard(0.0)
            live = sorted(self._live)
        return [(pid, memory) for pid in live if (memory := _resident(pid))]

    def peak_rss(self) -> int:
        """Return the most memory (bytes) that a worker had that has ended."""
        with self._lock:
            self._heard(0.0)
            return self._peak

    def close(self) -> None:
        """End the fork server, and with it all workers."""
        for worker in (*self._spare, *self._used):
            worker.line.close()
        for line in self._ordered:
            line.close()
        self._control.close()
        if self._owner == os.getpid():  # a fork of this process has no children of its own here
            try:
                self._server.wait(_LAST_WORD)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()

    def _order(self) -> None:
        """Ask for a worker without waiting for it."""
        mine, its = socket.socketpair()
        with its:
            self._send(b"W", 0, its.fileno())
        self._ordered.append(mine)

    def _send(self, what: bytes, pid: int, *handles: int) -> None:
        self._control.settimeout(_LAST_WORD)
        socket.send_fds(self._control, [COMMAND.pack(what, pid)], list(handles))

    def _living(self, workers: deque[Worker]) -> Worker | None:
        """Take a worker that has not died while it waited."""
        while workers:
            if (worker := workers.popleft()).pid in self._live:
                return worker
            worker.line.close()
        return None

    def _forked(self) -> Worker:
        """Wait for a worker that was ordered; a server that gives none for long is ended."""
        until = time.monotonic() + _START
        while time.monotonic() < until:
            with self._lock:  # for a moment: others wait to begin, and to give back
                self._listen(0.0 if self._spare else _MOMENT)
                if worker := self._living(self._spare):
                    return worker
                if not self._ordered:  # none of those that were asked for could be forked
                    self._order()
                    raise ChildProcessError
        self._server.kill()
        raise TimeoutError

    def _heard(self, seconds: float) -> bool:
        """Take in what the fork server tells; one that is gone, or was closed, tells nothing."""
        try:
            return self._listen(seconds)
        except OSError:
            return False

    def _listen(self, seconds: float) -> bool:
        """Take in what the fork server tells; returns whether it told anything in time."""
        self._control.settimeout(max(seconds, 0.0))
        try:
            more = self._control.recv(REPORT.size * 256)
        except (TimeoutError, BlockingIOError):
            return False
        if not more:
            raise ConnectionResetError
        self._said += more
        while len(self._said) >= REPORT.size:
            pid, status, memory = REPORT.unpack(self._said[: REPORT.size])
            self._said = self._said[REPORT.size :]
            if status == FORKED:
                self._live.add(pid)
                self._spare.append(Worker(pid, self._ordered.popleft()))
            elif status == REFUSED:
                self._ordered.popleft().close()
            else:
                self._live.discard(pid)
                self._ended.append((pid, status))
                self._peak = max(self._peak, memory)
        return True


def none_left() -> UnreadableFileError:
    """Return the error for a machine on which no process can be started, or none be reached."""
    return UnreadableFileError(
        "no process to read files in could be started; the machine lacks memory, processes or "
        "descriptors, try again later",
        code=Code.WORKER,
    )


def _start_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    here, there = socket.socketpair()
    script = str(SCRIPT)
    known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    with there:
        server = subprocess.Popen(
            [sys.executable, "-I", script, str(there.fileno()), *sys.path],
            env=known | dict.fromkeys(_ONE_THREAD, "1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(there.fileno(),),
            start_new_session=True,
        )
    return server, here


def _resident(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
