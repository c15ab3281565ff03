"""What a worker may use: memory, processor, files. Where a system lacks a limit, it is left out."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys
from pathlib import Path

from taonet_core.sandboxing import landlock

#: Memory that one file may take beyond what a worker begins with, its own size apart.
MEMORY = 3 * 2**29
#: Processor seconds for a part of a file, and more for each MiB of the file.
CPU, CPU_PER_MIB = 3.0, 0.25
#: Seconds that a reader waits for a worker's next word, and more for each MiB of the file.
WALL, WALL_PER_MIB = 15.0, 0.5
#: The same for all words on one file, however many parts it has.
IN_ALL, IN_ALL_PER_MIB = 900.0, 2.0
DESCRIPTORS = 64
_MOST_INPUT = 2 * 2**30
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_NO_NEW_RIGHTS = 38  # PR_SET_NO_NEW_PRIVS


def confine() -> int:
    """Put this process under its limits for good.

    Returns
    -------
    int
        Bytes of address space that it begins with.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0)
    base = _address_space()
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_FSIZE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS)
    most = base + MEMORY + _MOST_INPUT
    _limit(resource.RLIMIT_AS, most, most)
    landlock.close_all_but(landlock.libraries())
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing a file is an error, not a death
    return base


def allow_input(base: int, size: int) -> None:
    """Leave `MEMORY` beside an input of `size` bytes, which is mapped into memory."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = base + MEMORY + size
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    _limit(resource.RLIMIT_AS, wanted, most)


def allow_time(size: int) -> None:
    """Let the part of an input that begins now take its share of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = used.ru_utime + used.ru_stime
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    _limit(resource.RLIMIT_CPU, int(spent + CPU + CPU_PER_MIB * size / 2**20) + 1, most)


def wall_seconds(size: int) -> float:
    """Return how long to wait for a worker that reads an input of `size` bytes."""
    return WALL + WALL_PER_MIB * size / 2**20


def seconds_in_all(size: int) -> float:
    """Return how long to wait for all that is said of an input of `size` bytes."""
    return IN_ALL + IN_ALL_PER_MIB * size / 2**20


def _limit(kind: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(kind, (soft, hard))
    except (ValueError, OSError):  # macOS knows no limit of the address space
        if sys.platform == "linux":
            raise


def _address_space() -> int:
    """Return the bytes of address space in use; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()
