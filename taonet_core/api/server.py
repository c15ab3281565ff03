"""A small REST API: the objects of a folder, what the models say of them, and uploads.

Errors are JSON, ``{"error": {"code": ..., "message": ...}}``: a `Code` for programs and a sentence
for people. ``openapi.json`` beside this module describes every address.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from taonet_core import faults
from taonet_core.api.classify import Classify
from taonet_core.api.service import (
    RefusedError,
    Service,
    listing,
    model_list,
    probability_columns,
    probability_rows,
    records,
)
from taonet_core.api.wire import (
    FORMATS,
    choice,
    file_response,
    fits_bytes,
    table_response,
    whole_number,
)
from taonet_core.data.delivery import MAX_PIXELS
from taonet_core.data.exports import results_table
from taonet_core.errors import Code, IncompatibleWeightsError, TaoNetError
from taonet_core.models import DEFAULT_MODEL
from taonet_core.serving.bodies import Bodies
from taonet_core.serving.door import Door
from taonet_core.serving.headers import Headers, data_policy
from taonet_core.serving.scratch import private_temporaries
from taonet_core.serving.settings import Settings, from_environment
from taonet_core.transforms.planes import PLANES

if TYPE_CHECKING:
    from taonet_core.objects.collection import Collection

#: Most bytes of one upload.
MAX_UPLOAD_BYTES = 64 * 2**20
#: Seconds in which the whole of an upload must have come: 64 MiB at 1 Mbit/s.
MAX_SECONDS = 600.0
#: Most rows of one page of the listing.
MAX_PER_PAGE = 1000
PREFIX = "/api/v1"
_DOCUMENT = Path(__file__).with_name("openapi.json")
_PAGING = ("page", "per_page", "format")
_LOOPBACK = ("127.0.0.1", "localhost")

Answer = Callable[[Service, Request], Response]


def application(
    collection: Collection,
    *,
    hosts: Sequence[str] = ("*",),
    origins: Sequence[str] = (),
    settings: Settings | None = None,
    max_upload_bytes: int = MAX_UPLOAD_BYTES,
    max_upload_pixels: int = MAX_PIXELS,
) -> Starlette:
    """Return the API as an ASGI application.

    Parameters
    ----------
    collection : Collection
        The objects to serve.
    hosts : sequence of str
        Names under which the server answers, beside this machine's own; ``"*"`` for any. Named
        hosts keep pages of other sites from reaching a server that only this machine should see.
    origins : sequence of str
        Origins whose pages may read the answers (CORS); none by default.
    settings : Settings, optional
        How fast uploads must come, and how long a query may be.
    max_upload_bytes : int
    max_upload_pixels : int
        Of all images of one upload together.
    """
    service = Service(collection, most_pixels=max_upload_pixels)
    answers: dict[str, Answer] = {
        "/models": _models,
        "/objects": _objects,
        "/objects/{object_id:path}/lightcurve": _light_curve,
        "/objects/{object_id:path}/cutout": _cutout,
        "/objects/{object_id:path}/probabilities": _probabilities,
        "/objects/{object_id:path}": _object,
    }
    routes = [Route(path, _in_thread(partial(a, service))) for path, a in answers.items()]
    routes += [
        Route("/classify", Classify(service).answer, methods=["POST"]),
        Route("/openapi.json", _openapi),
    ]
    return Starlette(
        routes=[Mount(PREFIX, routes=routes), Route("/", _home)],
        middleware=_guards(settings or Settings(), hosts, origins, max_upload_bytes),
        exception_handlers={HTTPException: _refused, TaoNetError: _failed, Exception: _broken},
    )


def _guards(
    settings: Settings, hosts: Sequence[str], origins: Sequence[str], most: int
) -> list[Middleware]:
    """Return what every request passes before it is answered, outermost first."""
    pace = {"rate": settings.upload_rate, "patience": settings.upload_patience}
    pace["longest"] = MAX_SECONDS
    named = {"hosts": hosts, "origins": origins, "query_bytes": settings.query_bytes}
    cors = [Middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["*"])]
    return [
        Middleware(Headers, content_policy=data_policy()),
        Middleware(Door, words=_words, **named),  # type: ignore[arg-type]
        *(cors if origins else []),
        Middleware(Bodies, most=most, words=_words, **pace),  # type: ignore[arg-type]
    ]


def serve(
    collection: Collection,
    *,
    host: str = _LOOPBACK[0],
    port: int = 8000,
    origins: Sequence[str] = (),
) -> None:
    """Serve the API until it is stopped.

    Parameters
    ----------
    collection : Collection
    host : str
        Address to listen at. Nobody is asked who they are: keep to this machine, or put a server
        that asks in front.
    port : int
    origins : sequence of str
        See `application`.
    """
    import uvicorn

    faults.guard_logs()
    settings = from_environment()
    origins = (*origins, *settings.origins)
    app = application(collection, hosts=settings.hosts, origins=origins, settings=settings)
    with private_temporaries():
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)


def _in_thread(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Let a function that reads files or computes run beside the event loop."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return endpoint


def _home(request: Request) -> Response:
    return RedirectResponse(f"{PREFIX}/openapi.json")


def _openapi(request: Request) -> Response:
    return JSONResponse(json.loads(_DOCUMENT.read_text("utf-8")))


def _models(service: Service, request: Request) -> Response:
    return JSONResponse({"items": model_list()})


def _objects(service: Service, request: Request) -> Response:
    given = request.query_params
    query = {name: given.getlist(name) for name in given if name not in _PAGING}
    rows = listing(service.collection.catalog, query)
    page = whole_number(request, "page", 1, most=10**9)
    size = whole_number(request, "per_page", 100, most=MAX_PER_PAGE)
    shown = rows.iloc[(page - 1) * size : page * size]
    kind = choice(request, "format", FORMATS)
    if kind != "json":
        return table_response(shown, kind, "objects", total=len(rows))
    counts = {"total": len(rows), "page": page, "per_page": size}
    return JSONResponse({**counts, "items": records(shown)})


def _object(service: Service, request: Request) -> Response:
    return JSONResponse(service.facts(request.path_params["object_id"]))


def _light_curve(service: Service, request: Request) -> Response:
    kind = choice(request, "format", FORMATS)
    table = service.curve(request.path_params["object_id"]).to_table()
    return table_response(table, kind, "lightcurve")


def _cutout(service: Service, request: Request) -> Response:
    fits = choice(request, "format", ["fits", "png"]) == "fits"
    kind = choice(request, "kind", PLANES)
    night = whole_number(request, "night", 1, most=10**6)
    name, object_id = f"{kind}-{night}", request.path_params["object_id"]
    if not fits:
        picture = service.picture(object_id, night=night, kind=kind)
        return file_response(picture, "image/png", f"{name}.png")
    cutout = service.cutout(object_id, night=night, kind=kind)
    return file_response(fits_bytes(cutout), "application/fits", f"{name}.fits")


def _probabilities(service: Service, request: Request) -> Response:
    history = choice(request, "nights", ["last", "all"]) == "all"
    kind = choice(request, "format", FORMATS)
    object_id = request.path_params["object_id"]
    rows = [
        row
        for model in request.query_params.getlist("model") or [DEFAULT_MODEL]
        for row in probability_rows(service.prediction(object_id, model), history=history)
    ]
    if kind == "json":
        return JSONResponse(rows)
    table = results_table(rows, probability_columns(history=history))
    return table_response(table, kind, "probabilities")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for nothing else
    unknown = error.status_code == 404
    message = f"see {PREFIX}/openapi.json" if unknown else error.detail
    code = Code.NOT_FOUND if unknown else Code.REQUEST
    return _error(error.status_code, code, f"{error.status_code}: {message}")


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, TaoNetError)  # registered for nothing else
    if isinstance(error, RefusedError):
        return _error(error.status, error.code, str(error))
    status = 503 if isinstance(error, IncompatibleWeightsError) else 422
    return _error(status, error.code, str(error))


def _broken(request: Request, error: Exception) -> Response:
    """Answer for a fault of ours: where to find it in the log, and nothing of what it was."""
    entry = faults.record(error, f"{request.method} {request.url.path}")
    return _error(500, Code.INTERNAL, faults.sentence(entry))


def _error(status: int, code: str, message: str) -> Response:
    body, kind = _words(status, code, message)
    return Response(body, status, media_type=kind.decode())


def _words(status: int, code: str, message: str) -> tuple[bytes, bytes]:
    document = {"error": {"code": str(code), "message": message}}
    return json.dumps(document).encode(), b"application/json"
