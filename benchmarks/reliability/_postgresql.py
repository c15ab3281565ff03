"""A private PostgreSQL cluster in a temporary folder, of the programs that are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

#: Where Debian and Ubuntu keep each version.
_INSTALLED = Path("/usr/lib/postgresql")
#: Users that may run the server where this process is root, which it refuses.
_OTHERS = ("postgres", "nobody")
_PATIENCE = 120.0


def missing() -> str:
    """Return why no cluster can be started here, or nothing."""
    if _programs() is None:
        return "the programs of PostgreSQL (initdb, pg_ctl) are not installed"
    if find_spec("psycopg") is None:
        return "psycopg is not installed"
    if os.geteuid() == 0 and (_user() is None or shutil.which("setpriv") is None):
        return "PostgreSQL does not run as root, and there is no other user"
    return ""


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster that flushes to the disk as usual; yield the address of its database."""
    programs, user = _programs(), _user()
    assert programs is not None, missing()
    with tempfile.TemporaryDirectory(prefix="taonet-postgresql-") as folder:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = f"{folder}/data"
        options = ["--username=taonet", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        _run([programs / "initdb", "-D", data, "--no-sync", *options], user, folder)
        control = [programs / "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log"]
        settings = f"-k '{folder}' -c listen_addresses='' -c max_connections=40"
        _run([*control, "-o", settings, "start"], user, folder)
        try:
            yield f"postgresql://taonet@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"], user, folder)


def _programs() -> Path | None:
    """Return the folder of the newest version, or of the one on the path."""
    found = [path.parent for path in _INSTALLED.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


def _user() -> pwd.struct_passwd | None:
    """Return who is to run the server; None for this user, who is not root, or for nobody."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in _OTHERS if name in known), None)


def _run(words: Sequence[str | Path], user: pwd.struct_passwd | None, folder: str) -> None:
    become = []
    if user is not None:
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    done = subprocess.run(
        [*become, *map(str, words)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server keeps it open: waiting for its end would not end
        stderr=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        log = Path(folder, "log")
        said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
        raise RuntimeError(f"{Path(words[0]).name} ended with {done.returncode}: {said}")
