"""The fork server: has one thread, holds nothing of anybody's, and forks workers on demand.

It is started by ``taonet_core.sandbox`` with one end of a socket, and ends when the other end is
closed; its workers end with it. Python's own fork server is not used since it runs the caller's
main script again in every child, and sends pickles.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import struct
import sys
from importlib import import_module

#: Asked: ``W`` (with a socket: fork a worker that listens there) or ``K`` (kill one), and its pid.
COMMAND = struct.Struct("<cq")
#: Told: pid of a worker that was forked (status -1), could not be (-2) or has ended, its status,
#: and its most memory.
REPORT = struct.Struct("<qqq")
FORKED, REFUSED = -1, -2


def main(control: socket.socket) -> None:
    """Serve one reader until it is gone."""
    from taonet_core.sandboxing.worker import PRELOADED

    for name in PRELOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is here is shared with the workers; a collection would copy it
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the reader
    children: set[int] = set()
    while True:
        ready, _, _ = select.select([control.fileno(), wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _reap(control, children)
        if control.fileno() in ready and not _obey(control, children, wake, woken):
            break
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _obey(control: socket.socket, children: set[int], wake: int, woken: int) -> bool:
    """Do one thing that is asked; returns whether to go on."""
    try:
        asked, handles, _, _ = socket.recv_fds(control, COMMAND.size, 1)
    except ConnectionError:
        return False
    if len(asked) < COMMAND.size:  # so few bytes never come in pieces: the reader is gone
        return False
    what, pid = COMMAND.unpack(asked)
    if what == b"K":
        if pid in children:  # not reaped, so the number is still its own
            os.kill(pid, signal.SIGKILL)
        return True
    try:
        child = os.fork()
    except OSError:  # the machine lacks processes or memory
        os.close(handles[0])
        return _tell(control, 0, REFUSED, 0)
    if not child:
        control.close()
        os.close(wake)
        os.close(woken)
        _become_worker(handles[0])
    os.close(handles[0])
    children.add(child)
    return _tell(control, child, FORKED, 0)


def _become_worker(handle: int) -> None:
    from taonet_core.sandboxing.worker import work

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        with socket.socket(fileno=handle) as line:
            work(line)
        code = 0
    finally:
        os._exit(code)  # whatever happened, a child must never go on as the server


def _reap(control: socket.socket, children: set[int]) -> None:
    while children:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if not pid:
            return
        children.discard(pid)
        memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if not _tell(control, pid, status, memory):
            return


def _tell(control: socket.socket, pid: int, status: int, memory: int) -> bool:
    try:
        control.sendall(REPORT.pack(pid, status, memory))
    except ConnectionError:
        return False
    return True


if __name__ == "__main__":
    sys.path[:] = sys.argv[2:]
    main(socket.socket(fileno=int(sys.argv[1])))
