"""SQLite files that keep what must not be lost: how they are opened, and what their errors mean."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from taonet_core.errors import Code, TaoNetError

#: Seconds that one who wants to write waits for the others.
WAIT = 30.0
#: File systems of other machines: shared memory, which a write-ahead log needs, is none on them.
_NETWORK = re.compile(
    r"9p|afs|beegfs|ceph|cifs|glusterfs|gpfs|lustre|ncpfs|nfs4?|orangefs|smb2|smb3|smbfs|"
    r"fuse\.(cephfs|glusterfs|s3fs|sshfs)"
)
_MOUNTS = Path("/proc/mounts")
_FULL = (sqlite3.SQLITE_FULL,)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DISK = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)

_log = logging.getLogger(__name__)


def make_durable(connection: sqlite3.Connection, path: str | os.PathLike[str]) -> None:
    """Let a commit return only when the disk holds it, and readers go on while one writes.

    On the file system of another machine, where a write-ahead log would damage the file, readers
    wait instead, and a warning is logged.

    Parameters
    ----------
    connection : sqlite3.Connection
        Outside a transaction.
    path : path
        The file it is open on.

    Raises
    ------
    sqlite3.Error
    """
    connection.execute(f"PRAGMA busy_timeout = {int(WAIT * 1000)}").close()
    kind = file_system(path)
    network = kind if _NETWORK.fullmatch(kind) else ""
    wanted = "delete" if network else "wal"
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != wanted:
        (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    if mode != "wal":
        _warn(str(path), network or "its file system")
    # EXTRA: without a write-ahead log, the folder is flushed as well.
    level = "FULL" if mode == "wal" else "EXTRA"
    connection.execute(f"PRAGMA synchronous = {level}").close()


def file_system(path: str | os.PathLike[str]) -> str:
    """Return the kind of the file system that a file lies on, such as ``"ext4"`` or ``"nfs4"``.

    Returns
    -------
    str
        Empty where the platform does not tell.
    """
    return _kind_of(os.path.realpath(path), _MOUNTS)


@lru_cache(maxsize=256)
def _kind_of(place: str, mounts: Path) -> str:
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    found, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # the kernel writes a blank as \040, a tab as \011 and a newline as \012
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1])
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(found):  # of several over each other, the last counts
            found, kind = point, fields[2]
    return kind


@lru_cache(maxsize=256)
def _warn(path: str, why: str) -> None:
    _log.warning("%s lies on %s: whoever reads it waits for whoever writes", path, why)


def said(path: str | os.PathLike[str], error: sqlite3.Error, todo: str) -> TaoNetError:
    """Return what SQLite says of a file as one sentence with a code.

    Parameters
    ----------
    path : path
    error : sqlite3.Error
    todo : str
        What the reader can do, to end the sentence.
    """
    return TaoNetError(f"{str(path)!r} cannot be used ({error}); {todo}", code=code_of(error))


def code_of(error: BaseException | None) -> Code:
    """Return the code of what a database says: a full disk, another writer, no right to write."""
    if getattr(error, "sqlstate", None) == "53100":  # PostgreSQL's disk_full
        return Code.DISK_FULL
    number = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the kind, without details
    if number in _FULL:
        return Code.DISK_FULL
    if number in _BUSY:
        return Code.LOCKED
    return Code.WRITE if number in _DISK else Code.DATABASE


def is_damage(error: BaseException) -> bool:
    """Return whether a database says that its file is damaged, or no database."""
    return ((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF) in _DAMAGED


def put_aside(path: Path) -> None:
    """Rename a damaged database to ``.damaged``, and remove what SQLite kept beside it."""
    aside = path.with_suffix(".damaged")
    _log.warning("%s is damaged; it is put aside as %s", path, aside.name)
    os.replace(path, aside)
    for name in beside(path):
        name.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a database with its write-ahead log; the database first, so that none is without."""
    for name in (path, *beside(path)):
        with suppress(FileNotFoundError):
            name.unlink()


def beside(path: Path) -> tuple[Path, Path, Path]:
    """Return what SQLite may keep beside a database."""
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))  # type: ignore[return-value]
