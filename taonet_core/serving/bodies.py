"""What comes in with a request: not more than allowed, and not slower."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from taonet_core.errors import Code
from taonet_core.serving.asgi import App, Message, Receive, Scope, Send, Words, plain, refuse


class CutError(OSError):
    """A body that is not read on; an OSError, since form parsers clean up after one.

    Parameters
    ----------
    status : int
    code : Code
    message : str
    """

    def __init__(self, status: int, code: Code, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def declared_length(scope: Scope) -> int:
    """Return what a request says of its length; 0 where it does not, or not clearly."""
    found = {value for key, value in scope["headers"] if key == b"content-length"}
    text = found.pop() if len(found) == 1 else b""
    return int(text) if text.isdigit() and len(text) < 16 else 0


def paced(
    receive: Receive,
    *,
    rate: int,
    patience: float,
    grown: Callable[[int], None],
    longest: float = math.inf,
) -> Receive:
    """Return `receive`, which refuses a body that comes too slowly.

    Parameters
    ----------
    receive : ASGI receive
    rate : int
        Bytes a second to keep up on average.
    patience : float
        Seconds that the body may fall behind.
    grown : callable
        Told the bytes of every piece; may raise `CutError`.
    longest : float
        Seconds in which the whole body must have come.
    """
    begin, taken, ended = time.monotonic(), 0, False

    async def next_message() -> Message:
        nonlocal taken, ended
        if ended:
            return await receive()
        left = begin + min(patience + taken / rate, longest) - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.01))
        except TimeoutError:
            late = time.monotonic() - begin >= longest
            pace = (
                f"in more than {longest:,.0f} s" if late else f"slower than {rate:,} bytes a second"
            )
            raise CutError(408, Code.SLOW, f"The upload came {pace}; send it again.") from None
        size = len(message.get("body", b""))
        ended = not message.get("more_body")
        taken += size
        grown(size)
        return message

    return next_message


async def guarded(
    app: App, scope: Scope, receive: Receive, send: Send, *, body: Receive, words: Words
) -> None:
    """Let an application answer, or refuse where `body`, which it reads, raises a `CutError`."""
    begun = False

    async def told(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, body, told)
    except CutError as error:
        if begun:
            raise
        said = words(error.status, error.code, error.message)
        await refuse(scope, receive, send, said, error.status)


class Bodies:
    """Refuses bodies that are too large, or that come too slowly.

    Parameters
    ----------
    app : ASGI application
    most : int
        Bytes.
    rate, patience, longest
        See `paced`.
    exempt : callable
        Given the scope; whether another guard sees to this request.
    words : callable
        How a refusal is said.
    """

    def __init__(
        self,
        app: App,
        *,
        most: int,
        rate: int,
        patience: float,
        longest: float = math.inf,
        exempt: Callable[[Scope], bool] = lambda _: False,
        words: Words = plain,
    ) -> None:
        self._app, self._most, self._words, self._exempt = app, most, words, exempt
        self._pace = {"rate": rate, "patience": patience, "longest": longest}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as far as its body may come in."""
        if scope["type"] != "http" or self._exempt(scope):
            return await self._app(scope, receive, send)
        taken = 0

        def grown(size: int) -> None:
            nonlocal taken
            taken += size
            if taken > self._most:
                words = f"More than {self._most:,} bytes; send less at once."
                raise CutError(413, Code.SIZE, words)

        if declared_length(scope) > self._most:
            words = self._words(413, Code.SIZE, f"More than {self._most:,} bytes; send less.")
            return await refuse(scope, receive, send, words, 413)
        body = paced(receive, grown=grown, **self._pace)  # type: ignore[arg-type]
        return await guarded(self._app, scope, receive, send, body=body, words=self._words)
