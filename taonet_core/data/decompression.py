"""Streams of gz, bz2 and xz, unfolded in parts and stopped where they grow beyond measure.

What comes out is weighed against what went in all the while: a bomb is refused after its first
32 MB, whatever it claims. One layer is undone; the kind is told by the first bytes.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, BinaryIO

from taonet_core.data.file_kinds import kind_of
from taonet_core.errors import Code, UnreadableFileError

#: Most bytes that one file may hold once decompressed.
MAX_FILE_BYTES = 512 * 2**20
#: Above this size a file may grow at most `MAX_RATIO` times (sparse sky maps are legitimate).
FREE_BYTES = 32 * 2**20
MAX_RATIO = 200
#: Most streams one after the other in a file; the blocks of bgzip hold 64 kB each.
MAX_STREAMS = 20_000
_CHUNK = 64 * 1024
#: Most bytes read to see what is inside; a block of bz2 has up to 900 kB.
_PEEK = 2**20
#: Enough for ``xz -9``, bytes.
_XZ_MEMORY = 80 * 2**20

_MAKERS: dict[str, Callable[[], Any]] = {
    "gz": lambda: zlib.decompressobj(wbits=31),
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    "deflate": lambda: zlib.decompressobj(wbits=-15),
}
_DAMAGED = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, MemoryError)


def is_packed(kind: str) -> bool:
    """Return whether files of a kind of `kind_of` are decompressed here."""
    return kind in _MAKERS


def limit(packed: int, most: int) -> int:
    """Return how many bytes may come out of `packed` bytes, at most `most`."""
    return min(most, max(FREE_BYTES, MAX_RATIO * packed))


def too_large(name: str, most: int) -> UnreadableFileError:
    """Return the error for what grows beyond `most` bytes."""
    return UnreadableFileError(
        f"{name}: unpacks to more than {most:,} bytes, which is refused; send smaller images",
        code=Code.BOMB,
    )


def decompress(data: bytes, name: str, *, most: int | None = None) -> bytes:
    """Undo one layer of gz, bz2 or xz; other bytes come back as they are.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.
    most : int, optional
        Most bytes, `MAX_FILE_BYTES` by default.

    Raises
    ------
    UnreadableFileError
        If the stream is damaged or grows beyond the limits.
    """
    kind = kind_of(data[:512])
    return joined(unfold(io.BytesIO(data), kind, name, most)) if is_packed(kind) else data


def inflate(data: bytes, name: str, *, most: int | None = None) -> bytes:
    """Undo bare deflate, as in the blocks of Avro; limits and errors as in `decompress`."""
    return joined(unfold(io.BytesIO(data), "deflate", name, most))


def joined(parts: Iterable[bytes]) -> bytes:
    """Return the parts as one."""
    whole = io.BytesIO()  # grows in place, and hands its bytes over without a copy
    whole.writelines(parts)
    return whole.getvalue()


def peek(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, decompressed if it is packed; it is rewound.

    Returns
    -------
    bytes
        At most 512; none if the stream is damaged.
    """
    data = file.read(512)
    file.seek(0)
    make = _MAKERS.get(kind_of(data))
    if make is None:
        return data
    found = b""
    try:
        stream = make()
        while len(found) < 512 and file.tell() < _PEEK and not stream.eof:
            more = file.read(_CHUNK) if _hungry(stream) else b""
            part = _feed(stream, more, 512)
            if not more and not part:
                break
            found += part
    except _DAMAGED:
        pass  # what came out before tells the kind, and reading it whole says why
    finally:
        file.seek(0)
    return found


def unfold(file: BinaryIO, kind: str, name: str, most: int | None = None) -> Iterator[bytes]:
    """Yield the parts of all streams that stand one after the other in a file.

    Parameters
    ----------
    file : binary file
    kind : {"gz", "bz2", "xz", "deflate"}
    name : str
        For messages.
    most : int, optional
        Most bytes in all, `MAX_FILE_BYTES` by default.

    Raises
    ------
    UnreadableFileError
        ``E_BOMB`` if it grows beyond the limits, ``E_COMPRESSION`` if it is damaged.
    """
    try:
        yield from _unfold(file, kind, name, MAX_FILE_BYTES if most is None else most)
    except _DAMAGED as error:
        raise UnreadableFileError(
            f"{name}: the {kind} compression is damaged ({error}); fetch the file again",
            code=Code.COMPRESSION,
        ) from error


def _unfold(file: BinaryIO, kind: str, name: str, most: int) -> Iterator[bytes]:
    pending = file.read(_CHUNK)  # read, and not yet given to a stream
    magic, given, total = pending[:2], 0, 0
    for number in count():
        if number == MAX_STREAMS:
            raise ValueError(f"more than {MAX_STREAMS:,} streams")
        stream = _MAKERS[kind]()
        while not stream.eof:
            more = b""
            if _hungry(stream):
                more, pending = pending or file.read(_CHUNK), b""
            part = _feed(stream, more, 4 * _CHUNK)
            given += len(more)
            total += len(part)
            if not more and not part and not stream.eof:
                raise EOFError("the stream ends too early")
            if total > limit(given, most):
                raise too_large(name, limit(given, most))
            yield part
        pending = stream.unused_data
        given -= len(pending)
        if len(pending) < 2:
            pending += file.read(_CHUNK)
        if kind == "deflate" or pending[:2] != magic:  # what follows is no part of the file
            break


def _hungry(stream: Any) -> bool:
    """Return whether a decompressor has used all that it was given."""
    return not stream.unconsumed_tail if hasattr(stream, "unconsumed_tail") else stream.needs_input


def _feed(stream: Any, more: bytes, most: int) -> bytes:
    tail = getattr(stream, "unconsumed_tail", b"")
    return stream.decompress(tail + more, most)


class Unfolded(io.RawIOBase):
    """A packed or plain file, read from its start as if it were plain; it goes forward only.

    Parameters
    ----------
    file : binary file
    name : str
        For messages.
    most : int
        Most bytes that may come out.
    """

    def __init__(self, file: BinaryIO, name: str, most: int) -> None:
        kind = kind_of(file.read(16))
        file.seek(0)
        self._file = file
        self._parts = unfold(file, kind, name, most) if is_packed(kind) else None
        self._part = memoryview(b"")
        self._error: UnreadableFileError | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        if self._parts is None:
            return self._file.read(size)
        if self._error is not None:
            raise self._error
        while not self._part:
            try:
                part = next(self._parts, None)
            except UnreadableFileError as error:
                self._error = error  # what ended the stream ends every later read
                raise
            if part is None:
                return b""
            self._part = memoryview(part)
        taken, self._part = self._part[:size], self._part[size:]
        return bytes(taken)
