"""What travels over HTTP: parameters and uploads in, tables and FITS files out."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from taonet_core.api.service import RefusedError
from taonet_core.data.exports import table_writer
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import QTable

#: Formats of a table: name in the address -> ending that `table_writer` knows, media type.
FORMATS = {
    "json": (".json", "application/json"),
    "csv": (".csv", "text/csv; charset=utf-8"),
    "ecsv": (".ecsv", "text/plain; charset=utf-8"),
    "votable": (".vot", "application/x-votable+xml"),
}


async def received(request: Request, folder: Path) -> Path:
    """Write what was sent into a new folder.

    Parameters
    ----------
    request : Request
        Its body is one file, or several as ``multipart/form-data``.
    folder : Path

    Returns
    -------
    Path
        The file, or the folder where there are several.

    Raises
    ------
    RefusedError
        If nothing came.
    """
    folder.mkdir()
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_fields=10) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            names = file_names(file.filename or "" for file in files)
            paths = [folder / name for name in names]
            for path, file in zip(paths, files, strict=True):
                await run_in_threadpool(_write, file.file, path)
    else:
        text = request.headers.get("content-type", "").startswith("text/csv")
        paths = [folder / ("upload.csv" if text else "upload.fits")]
        with paths[0].open("wb") as out:
            async for piece in request.stream():  # never whole in memory
                await run_in_threadpool(out.write, piece)
    if not any(path.stat().st_size for path in paths):
        message = "nothing came; send a FITS file as the body, or files as multipart/form-data"
        raise RefusedError(400, Code.EMPTY, message)
    return paths[0] if len(paths) == 1 else folder


def file_names(names: Iterable[str]) -> list[str]:
    """Return names of files that stay in their folder, each like no other whatever its case.

    Parameters
    ----------
    names : iterable of str
        As they came; of two that are alike the second is numbered.
    """
    found: dict[str, str] = {}
    for index, name in enumerate(names):
        safe = re.sub(r"[^A-Za-z0-9+._-]+", "_", Path(name).name).lstrip(".")[-100:]
        safe = safe or "upload.fits"
        while safe.lower() in found:
            safe = f"{index}-{safe}"
        found[safe.lower()] = safe
    return list(found.values())


def _write(source: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)


def whole_number(request: Request, name: str, default: int, *, most: int) -> int:
    """Return a whole number of the address from 1 to `most`, or refuse anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    value = int(text) if re.fullmatch("[0-9]{1,12}", text) else 0
    if not 1 <= value <= most:
        message = f"{name} is a whole number from 1 to {most}; got {text[:40]!r}"
        raise RefusedError(400, Code.REQUEST, message)
    return value


def choice(request: Request, name: str, allowed: Iterable[str]) -> str:
    """Return a word of the address, by default the first one allowed, or refuse another."""
    allowed = list(allowed)
    word = request.query_params.get(name, allowed[0])
    if word not in allowed:
        message = f"{name} is one of {', '.join(allowed)}; got {word[:40]!r}"
        raise RefusedError(400, Code.REQUEST, message)
    return word


def table_response(
    table: pd.DataFrame | QTable, kind: str, name: str, *, total: int | None = None
) -> Response:
    """Send a table as a file of one of `FORMATS`; `total` where these rows are a page of more."""
    suffix, media = FORMATS[kind]
    response = file_response(table_bytes(table, kind), media, f"{name}{suffix}")
    response.headers["X-Total-Count"] = str(len(table) if total is None else total)
    return response


def file_response(content: bytes, media: str, name: str) -> Response:
    """Send bytes with a name to save them under."""
    named = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type=media, headers=named)


def table_bytes(table: pd.DataFrame | QTable, kind: str) -> bytes:
    """Return a table as a file of one of `FORMATS`.

    Parameters
    ----------
    table : DataFrame or QTable
        The units of a QTable are kept where the format has room for them.
    kind : str
    """
    from astropy.table import QTable

    suffix, _ = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{suffix}")
        if isinstance(table, QTable) and kind in ("ecsv", "votable"):
            table.write(path, format="ascii.ecsv" if kind == "ecsv" else kind)
        else:
            rows = table.to_pandas() if isinstance(table, QTable) else table
            table_writer(path)(rows, path)
        return path.read_bytes()


def fits_bytes(sequence: ImageSequence) -> bytes:
    """Return a sequence as a FITS file, one image extension a frame."""
    with tempfile.TemporaryDirectory() as folder:
        return write_sequence(sequence, Path(folder, "cutout.fits"), layout="mef").read_bytes()
