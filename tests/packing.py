"""Archives and compressed files for the tests, and a guard on what reading them costs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from taonet_core.data.archives import members

FITS = b"SIMPLE  =                    T" + bytes(50)

PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def listed(data: bytes) -> dict[str, object]:
    return {member.name: member.content for member in members(data, "archive")}


def walked(data: bytes, **how: object) -> tuple[dict[str, object], dict[str, str]]:
    """Return what an archive holds, and what was passed over and why."""
    skipped: dict[str, str] = {}
    found = members(data, "archive", on_skip=skipped.__setitem__, **how)
    return {member.name: member.content for member in found}, skipped


@cache
def bomb_of(kind: str) -> bytes:
    return PACKERS[kind](bytes(40_000_000))


@contextmanager
def quick_and_small(megabytes: float = 80) -> Iterator[None]:
    """Fail what takes long or much memory; tracing makes all of it slower."""
    start = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 2
    assert peak < megabytes * 1e6


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.given += len(data)
        return data
