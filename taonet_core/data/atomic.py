"""Files that are either whole or not there, whatever happens to the machine meanwhile."""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from taonet_core.errors import Code, TaoNetError

#: Where this process runs: process numbers mean nothing on another machine that shares the folder.
_HERE = sha256(platform.node().encode()).hexdigest()[:8]
_PART = re.compile(r"\.part-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
_FORGOTTEN = 86_400.0  # seconds after which a part written on another machine is nobody's
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP)  # what a file system says that cannot flush one


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the same folder that replaces `path` if the block succeeds.

    The bytes are flushed to disk before the rename, and the folder after it, so that after a crash
    `path` holds either its old content or all of the new one, and the new one once the block has
    ended. The temporary name keeps the file's ending, for writers that choose a format by it.

    Temporary files that killed processes left in the folder are removed.

    Parameters
    ----------
    path : path
        Folders on the way are made. The umask decides who may read the file.
    flush : bool
        Whether it must be on disk at the end of the block; without it a crash of the machine, not
        of the process, may lose the file. For many files that are made anew as easily.

    Raises
    ------
    OSError
        If it cannot be written, or not be known to have reached the disk; `path` is whole in
        either case. See `writing`.
    """
    path = Path(path)
    _make_folder(path.parent)
    sweep(path.parent)
    temporary = _temporary(path)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        if flush:
            _flush(temporary)
        os.replace(temporary, path)
    finally:
        with suppress(OSError):  # swept later
            temporary.unlink()
    if flush:
        _flush_folder(path.parent)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` if the block succeeds, as `atomic_path` does.

    Parameters
    ----------
    path : path
        Where meanwhile another process made such a folder, that one stays.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = Path(path)
    _make_folder(path.parent)
    sweep(path.parent)
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        _flush_folder(temporary)
        try:
            os.replace(temporary, path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _flush_folder(path.parent)


def _temporary(path: Path) -> Path:
    name = f".part-{_HERE}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix[:32]}"
    return path.with_name(name)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield what `atomic_path` does, and raise what `writing` does."""
    with writing(path), atomic_path(path) as temporary:
        yield temporary


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Say in one sentence that, and why, something cannot be written to `path`.

    Raises
    ------
    TaoNetError
        In place of an `OSError`, with `Code.DISK_FULL` or `Code.WRITE`.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        todo = (
            "make room and start again; what was there is as it was" if full else "see its folder"
        )
        raise TaoNetError(
            f"cannot write {str(path)!r}: {error.strerror or error}; {todo}",
            code=Code.DISK_FULL if full else Code.WRITE,
        ) from error


@lru_cache(maxsize=1024)
def sweep(folder: Path) -> None:
    """Remove what killed processes left half written in a folder; looks once a process.

    A temporary name carries the number of its process: those of living ones are left alone.
    """
    with suppress(OSError):  # a folder that cannot be listed is not in the way of writing
        for name in os.listdir(folder):
            if (found := _PART.match(name)) and _is_nobodys(folder / name, *found.groups()):
                _remove(folder / name)


def _remove(part: Path) -> None:
    with suppress(OSError):  # another process was faster
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink()


def _is_nobodys(part: Path, machine: str, process: str) -> bool:
    """Tell whether no living process can still be writing a temporary file."""
    if machine != _HERE:
        return time.time() - part.stat().st_mtime > _FORGOTTEN
    return not is_alive(int(process))


def is_alive(process: int) -> bool:
    """Tell whether a process of this number runs on this machine; where unsure, yes."""
    if os.name == "nt":  # there, to ask is to end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OverflowError:  # no process has such a number
        return False
    except PermissionError:  # of another user
        return True
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        _flush_folder(place.parent)


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, where the platform can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(handle)
