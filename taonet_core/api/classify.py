"""Uploads to the REST API: how many may come and wait at once, and their verdicts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taonet_core.api.service import RefusedError, Service, answer_document
from taonet_core.api.wire import FORMATS, choice, received, table_response
from taonet_core.bulk import prediction_table
from taonet_core.errors import Code, TaoNetError
from taonet_core.models import DEFAULT_MODEL

#: Most uploads that are read or wait for it, and most that are still coming.
MAX_PENDING = 8
MAX_COMING = 64


class _Places:
    """So many places; whoever finds none is sent away."""

    def __init__(self, places: int) -> None:
        self._free = places

    def look(self) -> None:
        """Refuse where no place is free."""
        if not self._free:
            message = "too many uploads wait already; send it again later"
            raise RefusedError(429, Code.QUOTA, message)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a place."""
        self.look()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class Classify:
    """Answers uploads; more than a few at once are sent away, since they are read one by one.

    Parameters
    ----------
    service : Service
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        # Who sends slowly keeps nobody from being read.
        self._coming, self._waiting = _Places(MAX_COMING), _Places(MAX_PENDING)

    async def answer(self, request: Request) -> Response:
        """Answer one upload with its verdicts, or refuse it."""
        kind = choice(request, "format", FORMATS)
        model = request.query_params.get("model", DEFAULT_MODEL)
        self._waiting.look()  # rather than take it in vain
        with tempfile.TemporaryDirectory() as folder:
            with self._coming.one():
                path = await received(request, Path(folder, "upload"))
            with self._waiting.one():
                found = await run_in_threadpool(self._service.classify, path, model)
        if len(found) == 1 and isinstance(found[0][2], TaoNetError):
            raise found[0][2]
        if kind == "json":
            return JSONResponse({"items": [answer_document(*item) for item in found]})
        table = prediction_table((name, answer) for name, _, answer in found)
        return table_response(table, kind, "verdicts")
