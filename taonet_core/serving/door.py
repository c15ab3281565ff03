"""Who may come in: the host a request names, the page it comes from, how long its address is."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from taonet_core.errors import Code
from taonet_core.serving.asgi import (
    App,
    Receive,
    Scope,
    Send,
    Words,
    header,
    plain,
    refuse,
)

_HOST = (
    "This server does not answer under that name. Whoever runs it can add the name to "
    "TAONET_ALLOWED_HOSTS."
)
_ORIGIN = "This request comes from a page of another site, which may not talk to this server."
_QUERY = "The address is too long."


class Door:
    """Lets in requests and websockets that name this server and come from its own pages.

    Without a list of names it answers as ``localhost``, as this machine's own name, and as the
    address at which the connection came in. A page of another site that had its name point here
    (DNS rebinding) then finds nobody, since it must send its own name.

    Parameters
    ----------
    app : ASGI application
    hosts : sequence of str
        Further names; ``*.name`` for all below a name, ``*`` for any.
    origins : sequence of str
        Further origins whose pages may talk to it, beside its own.
    query_bytes : int
        Longest query.
    words : callable
        How a refusal is said.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Sequence[str] = (),
        origins: Sequence[str] = (),
        query_bytes: int = 8192,
        words: Words = plain,
    ) -> None:
        self._app, self._words, self._query = app, words, query_bytes
        self._hosts = [name.lower().rstrip(".") for name in hosts]
        self._origins = [origin.lower().rstrip("/") for origin in origins]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may come in."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        host, origin = header(scope, "host"), header(scope, "origin")
        named_origin = any(key == b"origin" for key, _ in scope["headers"])
        refusal = None
        if not self._known(host, scope):
            refusal = (400, Code.REQUEST, _HOST)
        elif named_origin and not self._own(origin, host):
            refusal = (403, Code.REQUEST, _ORIGIN)
        elif len(scope["query_string"]) > self._query:
            refusal = (414, Code.REQUEST, _QUERY)
        if refusal is not None:
            words = self._words(*refusal)
            return await refuse(scope, receive, send, words, refusal[0])
        return await self._app(scope, receive, send)

    def _known(self, host: str | None, scope: Scope) -> bool:
        name = host_name(host)
        if name is None:
            return False
        here = (scope.get("server") or ("",))[0].lower()
        if name in (_HERE, here.removeprefix("::ffff:")) or name in _own_names():
            return True
        return any(
            wanted in ("*", name) or (wanted[:2] == "*." and name.endswith(wanted[1:]))
            for wanted in self._hosts
        )

    def _own(self, origin: str | None, host: str | None) -> bool:
        if origin is None or host is None:
            return False
        given = origin.lower()
        return urlsplit_netloc(given) == host.lower() or given in self._origins


_HERE = "localhost"


@lru_cache(1)
def _own_names() -> frozenset[str]:
    return frozenset({socket.gethostname().lower(), "127.0.0.1", "::1"})


def host_name(host: str | None) -> str | None:
    """Return the name in a ``Host`` header, in small letters without its port; None of nonsense."""
    if not host or any(mark in host for mark in " /\\@?#,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def urlsplit_netloc(origin: str) -> str | None:
    """Return host and port of an origin of the web; None where it is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") else None
