"""Open what a worker is to read: a regular file, or bytes as a file that is on no disk."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, TypeAlias

from taonet_core.errors import UnreadableFileError
from taonet_core.sandboxing.pool import none_left

#: What a worker reads: a file on disk, or bytes in memory.
Content: TypeAlias = "Path | bytes | memoryview"

_SEALS = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")


def opened(content: Content, name: str) -> BinaryIO:
    """Open a file or bytes for reading.

    Raises
    ------
    UnreadableFileError
        If it cannot be opened, or is no regular file.
    """
    return _regular(content, name) if isinstance(content, Path) else _handed(content)


def _handed(content: bytes | memoryview) -> BinaryIO:
    """Return bytes as a file that has no name and is on no disk."""
    try:
        file = _in_memory()
        file.write(content)
        file.flush()
        if hasattr(os, "memfd_create"):  # no worker changes what the next one reads
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, sum(getattr(fcntl, seal) for seal in _SEALS))
        return file
    except OSError as error:
        raise none_left() from error


def _in_memory() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("taonet", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    return tempfile.TemporaryFile()  # a system without such files; this one has no name either


def _regular(path: Path, name: str) -> BinaryIO:
    """Open a regular file; a pipe or a device might never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FileNotFoundError(None, "no such file")
    except OSError as error:
        said = error.strerror or error
        raise UnreadableFileError(f"{name}: cannot be opened ({said}); check the path") from error
    return os.fdopen(handle, "rb")
