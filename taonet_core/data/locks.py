"""One writer at a time in a folder; the lock of one that died is nobody's."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from taonet_core.data.atomic import writing
from taonet_core.errors import Code, TaoNetError

try:
    import fcntl
except ImportError:  # a platform without such locks
    fcntl = None  # type: ignore[assignment]

#: Seconds that one waits for the short work of others.
_TURN = 10.0

logger = logging.getLogger(__name__)


@contextmanager
def only_one(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Be the only process that does something while the block runs.

    The operating system holds the lock and lets it go when the process ends, however it ends, so
    that none is ever stale. The file says who holds it, and since when, for the message alone; it
    goes with the lock. On a file system that cannot lock, a warning is logged.

    Parameters
    ----------
    path : path
        Of the lock; its folder is made.
    what : str
        What is done, for the message, such as "a training".

    Raises
    ------
    TaoNetError
        With `Code.LOCKED` if another process does it, or as `writing` says.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(path, what)
        try:
            _sign(handle)
        except OSError:
            os.close(handle)
            raise
    try:
        yield
    finally:
        with suppress(OSError):  # an empty file in the way of nothing
            path.unlink()
        os.close(handle)


@contextmanager
def in_turn(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Be the only process that does something short: wait for the others, up to ten seconds.

    Parameters
    ----------
    path, what
        See `only_one`.

    Raises
    ------
    TaoNetError
        As `only_one`.
    """
    until = time.monotonic() + _TURN
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_one(path, what))
                break
            except TaoNetError as error:
                if error.code is not Code.LOCKED or time.monotonic() > until:
                    raise
            time.sleep(_TURN / 1000)
        yield


def _locked(path: Path, what: str) -> int:
    """Open and lock a file; again where its holder removed it in between."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle, path, what)
            if os.fstat(handle).st_nlink:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, path: Path, what: str) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TaoNetError(
            f"{_holder(path)} does {what} in {str(path.parent)!r}; wait for it or choose another "
            "folder",
            code=Code.LOCKED,
        ) from error
    except OSError as error:
        logger.warning("%s cannot be locked (%s): start no second run there", path.parent, error)


def _sign(handle: int) -> None:
    """Write into a lock who holds it."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"process": os.getpid(), "machine": platform.node(), "since": since}
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(holder).encode())


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_bytes()[:1000])
        return f"process {held['process']} on {held['machine']} (since {held['since']})"
    except (OSError, ValueError, KeyError, TypeError):  # it has not signed yet
        return "another process"
