"""A private folder for temporary files: this run's alone, and swept when the run is dead.

Each folder holds a lock that its process keeps. A lock that can be had is that of a dead process,
whatever now has its number, and the folder of it is removed. Where the system has no such locks,
folders of dead processes stay.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # a platform without such locks: nobody can tell which process is dead
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"
_PREFIX = "taonet-"


@contextmanager
def private_folder(parent: Path | None = None, prefix: str = _PREFIX) -> Iterator[Path]:
    """Make a folder that only this user can enter, for as long as the context lasts.

    Parameters
    ----------
    parent : Path, optional
        Where; by default the system's place for temporary files.
    prefix : str
        Of its name; what dead processes left under such names is removed first.
    """
    parent = parent or Path(tempfile.gettempdir())
    sweep(parent, prefix)
    with ExitStack() as stack:
        folder = stack.enter_context(_locked(parent, prefix))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def _locked(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder and hold its lock; made again if it was swept before the lock was taken."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))  # mode 0700
        with (folder / _LOCK).open("w") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / _LOCK).exists():
                yield folder
                return


@contextmanager
def private_temporaries() -> Iterator[Path]:
    """Let all temporary files of this process lie in a folder of its own."""
    before = tempfile.tempdir
    with private_folder() as folder:
        tempfile.tempdir = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before


def sweep(parent: Path, prefix: str = _PREFIX) -> list[Path]:
    """Remove the folders of dead processes; returns those that were removed."""
    removed = []
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError), (folder / _LOCK).open("r+") as lock:
            if _dead(lock):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder)
    return removed


def _dead(lock: IO[str]) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
