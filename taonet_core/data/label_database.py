"""The database of experts' labels: where it lies, how it is opened, what its errors mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, RowMapping, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from taonet_core.data.expert_labels import COLUMNS, Annotation
from taonet_core.data.label_schema import GUARDS, is_current, make_schema
from taonet_core.data.sqlite_files import WAIT, code_of, make_durable
from taonet_core.errors import Code, TaoNetError

#: Environment variable that names another database.
URL_VARIABLE = "TAONET_DATABASE_URL"
_LOCK = 2004_13877  # any number that all writers to one PostgreSQL database agree on


def database_url(url: str | None = None) -> URL:
    """Return the address of the database of labels.

    Parameters
    ----------
    url : str, optional
        ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``. Default: the environment
        variable `URL_VARIABLE`, else a file in the user's data folder.

    Raises
    ------
    TaoNetError
        If it is no such address. The message never repeats it, since it may hold a password.
    """
    url = (url or os.environ.get(URL_VARIABLE, "")).strip()
    if not url:
        return URL.create("sqlite", database=str(_default_file()))
    wanted = (
        f"{URL_VARIABLE} is no address of a database: wanted sqlite:///FILE or "
        "postgresql://USER:PASSWORD@HOST/NAME, with @ in a password written as %40"
    )
    if url.count("@") > 1:
        raise TaoNetError(wanted)
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):
        raise TaoNetError(wanted) from None  # the cause would show the address
    kind = parsed.get_backend_name()
    in_memory = not parsed.database or ":memory:" in parsed.database or "mode=memory" in url
    if kind not in GUARDS or (kind == "sqlite" and in_memory):
        raise TaoNetError(wanted)
    return parsed


def _default_file() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "taonet" / "labels.sqlite"


def place_of(url: URL) -> str:
    """Return where a database lies, in words, without user and password."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return str(url.database)
    return f"{kind}://{url.host or 'this machine'}/{url.database}"


def open_database(url: URL) -> Engine:
    """Open the database of labels, made where it is missing.

    Raises
    ------
    TaoNetError
        If it cannot be opened.
    """
    with errors_said(url):
        if url.get_backend_name() == "sqlite":
            path = Path(str(url.database))
            path.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(url, connect_args={"timeout": WAIT})
            event.listen(engine, "connect", lambda raw, _: make_durable(raw, path))
        else:
            engine = create_engine(url, pool_pre_ping=True)
            event.listen(engine, "connect", _wait_for_the_disk)
        try:
            _bring_up(engine, place_of(url))
        except (TaoNetError, SQLAlchemyError):
            engine.dispose()
            raise
    return engine


def _bring_up(engine: Engine, place: str) -> None:
    """Make what the database lacks."""
    with engine.connect() as connection:
        if is_current(connection):
            return
    with engine.begin() as connection:
        one_writer(connection)  # several may find it missing at once
        make_schema(connection, place)


def one_writer(connection: Connection) -> None:
    """Let no other one that asks for this write until the transaction, which begins here, ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def _wait_for_the_disk(connection: Any, _record: object) -> None:
    """Have a commit in PostgreSQL return only when the disk holds it, or as the server is set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


@contextmanager
def errors_said(url: URL) -> Iterator[None]:
    """Turn what a database says into one sentence that does not hold its password."""
    place = place_of(url)
    try:
        yield
    except ModuleNotFoundError as error:
        raise TaoNetError(
            f"labels in PostgreSQL need the package {error.name}, which is not installed; run "
            "pip install 'psycopg[binary]'"
        ) from error
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())[:300]
        raise TaoNetError(
            f"the database of labels {place} cannot be used ({said}); see {URL_VARIABLE}",
            code=code_of(error.orig),
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise TaoNetError(
            f"the database of labels {place} cannot be opened ({type(error).__name__}); name "
            f"another one by {URL_VARIABLE}",
            code=Code.DATABASE,
        ) from error


def to_row(said: Annotation) -> dict[str, Any]:
    """Return a label as a row of `label_schema.LABELS`; what is not a number becomes nothing."""
    return {
        name: None if value != value else storable(value) for name, value in asdict(said).items()
    }


def from_row(row: RowMapping) -> Annotation:
    """Return the label that a row of `label_schema.LABELS` holds."""
    values: dict[str, Any] = {name: np.nan if row[name] is None else row[name] for name in COLUMNS}
    return Annotation(**values)


def storable(value: Any) -> Any:
    """Replace in a text what PostgreSQL or UTF-8 cannot hold: NUL, and halves of characters."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
