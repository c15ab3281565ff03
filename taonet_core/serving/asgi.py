"""The few words of ASGI that every guard needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
#: Says a refusal as it suits the server: status, code of `taonet_core.errors.Code`, one sentence;
#: returns the body and its media type.
Words = Callable[[int, str, str], tuple[bytes, bytes]]

# Seconds for which the rest of a refused body is read and thrown away, so that a browser that is
# still sending gets to see the answer.
_DRAIN = 5.0


def header(scope: Scope, name: str) -> str | None:
    """Return a header of a request; None where it is not there or there are two that differ."""
    found = {value for key, value in scope["headers"] if key == name.encode()}
    return found.pop().decode("latin-1") if len(found) == 1 else None


def plain(status: int, code: str, message: str) -> tuple[bytes, bytes]:
    """Say a refusal as plain text."""
    return f"{message} ({code})\n".encode(), b"text/plain; charset=utf-8"


async def refuse(
    scope: Scope, receive: Receive, send: Send, words: tuple[bytes, bytes], status: int
) -> None:
    """Refuse a request, or a websocket before it is accepted, and close the connection.

    Parameters
    ----------
    scope, receive, send
        Of the request.
    words : (bytes, bytes)
        Body and media type.
    status : int
    """
    if scope["type"] == "websocket":
        await receive()  # the handshake
        return await send({"type": "websocket.close", "code": 1008, "reason": ""})
    body, kind = words
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if status != HTTPStatus.REQUEST_TIMEOUT:  # of that, nothing is waited for any longer
        await _end_of_body(receive)
    await send({"type": "http.response.body", "body": b""})


async def _end_of_body(receive: Receive) -> None:
    """Throw away what still comes of a body, for a short while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN):
            while True:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
