"""Close the file system and the network to this process, where Linux offers Landlock.

System calls and numbers: Documentation/userspace-api/landlock.rst of the kernel. Files that are
open already stay so, and are all that a worker needs beside Python's own.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_WANTED = 1
_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
#: What each version of the interface added to what it can forbid in the file system.
_FILES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_BIND, _CONNECT = 1 << 0, 1 << 1
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1


class _Rules(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scope")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Return the version of the interface; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(_call(_CREATE, None, 0, _VERSION_WANTED), 0)


def libraries() -> list[Path]:
    """Return the folders that code of Python, of its packages and of this one is loaded from."""
    known = {*sysconfig.get_paths().values(), sys.base_prefix, sys.prefix}
    known |= {str(Path(__file__).parents[1]), "/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo"}
    return sorted(Path(place) for place in known if Path(place).is_dir())


def close_all_but(folders: Iterable[Path]) -> bool:
    """Let this process and its children open no file for good but to read below some folders.

    Parameters
    ----------
    folders : iterable of Path

    Returns
    -------
    bool
        Whether the system could do so.
    """
    known = version()
    if not known:
        return False
    rules = _Rules(
        files=sum(bits for since, bits in _FILES.items() if since <= known),
        network=_BIND | _CONNECT if known >= 4 else 0,
        scope=_ABSTRACT_SOCKETS | _SIGNALS if known >= 6 else 0,
    )
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    handle = _call(_CREATE, ctypes.byref(rules), size, 0)
    if handle < 0:
        return False
    try:
        for folder in folders:
            _allow(handle, folder)
        return _call(_RESTRICT, handle, 0) == 0
    finally:
        os.close(handle)


def _allow(handle: int, folder: Path) -> None:
    place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = _Beneath(_EXECUTE | _READ_FILE | _READ_DIR, place)
        _call(_ADD_RULE, handle, _PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *arguments))
