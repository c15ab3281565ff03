"""Messages between this process and a worker: JSON, then the raw bytes of arrays.

Nothing that arrives is run, and no size that is claimed is believed before the bytes are there.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

_HEAD = struct.Struct("<IQ")  # bytes of JSON, bytes of all buffers
#: Most bytes of the JSON of one message, and of its buffers.
MAX_JSON = 64 * 2**20
MAX_BUFFERS = 3 * 2**30
#: Buffers of so many bytes are sent in one piece.
_TOGETHER = 2**22


class Closed(ConnectionError):
    """The other side is gone."""


def send(line: socket.socket, document: Any, buffers: Sequence[bytes | memoryview] = ()) -> None:
    """Send one message.

    Parameters
    ----------
    line : socket
    document : object
        What JSON can say.
    buffers : sequence of bytes or memoryview
        Contiguous; the document says what they are.
    """
    sizes = [memoryview(part).nbytes for part in buffers]
    text = json.dumps([document, sizes], separators=(",", ":")).encode("ascii")
    head = _HEAD.pack(len(text), sum(sizes)) + text
    if sum(sizes) <= _TOGETHER:  # one call for all, where a copy costs less than many calls
        line.sendall(b"".join((head, *buffers)))
        return
    line.sendall(head)
    for part in buffers:
        line.sendall(memoryview(part).cast("B"))


def receive(line: socket.socket, seconds: float | None = None) -> tuple[Any, list[memoryview]]:
    """Wait for one whole message.

    Parameters
    ----------
    line : socket
    seconds : float, optional
        How long it may take to arrive; by default for ever.

    Returns
    -------
    object
        The document.
    list of memoryview

    Raises
    ------
    Closed
        If the other side ended first.
    TimeoutError
        If the time is over.
    ValueError
        If it is no message.
    """
    until = None if seconds is None else time.monotonic() + seconds
    text_size, buffer_size = _HEAD.unpack(_exactly(line, _HEAD.size, until))
    if text_size > MAX_JSON or buffer_size > MAX_BUFFERS:
        raise ValueError(f"a message of {text_size + buffer_size:,} bytes")
    document, sizes = _parsed(_exactly(line, text_size, until))
    if sum(sizes) != buffer_size:
        raise ValueError("a message whose sizes do not add up")
    held = memoryview(_exactly(line, buffer_size, until))
    ends = list(accumulate(sizes, initial=0))
    return document, [held[start:end] for start, end in pairwise(ends)]


def _parsed(text: bytearray) -> tuple[Any, list[int]]:
    try:
        document, sizes = json.loads(text)
    except (RecursionError, MemoryError, TypeError) as error:
        raise ValueError("a message that cannot be taken apart") from error
    if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
        raise ValueError("a message with impossible sizes")
    return document, sizes


def _exactly(line: socket.socket, size: int, until: float | None) -> bytearray:
    """Receive so many bytes; room for them is made as they come."""
    held, filled = bytearray(min(size, _TOGETHER)), 0
    while filled < size:
        if filled == len(held):
            held.extend(bytes(min(size, 2 * filled) - filled))
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            line.settimeout(left)
        try:
            with memoryview(held) as view:
                count = line.recv_into(view[filled:])
        except ConnectionError as error:
            raise Closed from error
        except MemoryError as error:
            raise ValueError("a message too large for the memory") from error
        if not count:
            raise Closed
        filled += count
    return held
