"""The database of experts' labels: where it lies, what its one table holds, how it is opened."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    RowMapping,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from taonet_core.data.expert_labels import COLUMNS, Annotation
from taonet_core.errors import TaoNetError

#: Environment variable that names another database.
URL_VARIABLE = "TAONET_DATABASE_URL"
_WAIT = 15.0  # seconds a writer waits for another one
_LOCK = 2004_13877  # any number that all writers to one PostgreSQL database agree on

_metadata = MetaData()


def _text(name: str, **settings: Any) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="", **settings)


#: One row a label, never changed. `created_at` is text of ISO 8601 in UTC: it sorts by time and
#: means the same in both databases.
LABELS = Table(
    "taonet_labels",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("object_id"),
    _text("label"),
    _text("confidence"),
    _text("note"),
    _text("author"),
    _text("created_at"),
    Column("ra", Float),
    Column("dec", Float),
    _text("collection"),
    _text("model"),
    _text("model_version"),
    _text("verdict"),
    Column("probability", Float),
)
_BY_OBJECT = Index("taonet_labels_by_object", LABELS.c.object_id, LABELS.c.author)

# The database itself refuses to change what was written, whichever program asks.
_REFUSE = "labels are never changed or deleted: add a row"
_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS taonet_labels_no_{verb} BEFORE {verb} ON taonet_labels "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSE}'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION taonet_labels_stay() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSE}'; END $$",
        "CREATE OR REPLACE TRIGGER taonet_labels_stay BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON taonet_labels FOR EACH STATEMENT EXECUTE FUNCTION taonet_labels_stay()",
    ],
}


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
    if kind not in _GUARDS or (kind == "sqlite" and in_memory):
        raise TaoNetError(wanted)
    return parsed


def _default_file() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "taonet" / "labels.sqlite"


def place_of(url: URL) -> str:
    """Return where a database lies, in words, without user and password."""
    kind = url.get_backend_name()
    return str(url.database) if kind == "sqlite" else f"{kind}://{url.host}/{url.database}"


def open_database(url: URL) -> Engine:
    """Open the database of labels, made where it is missing.

    Raises
    ------
    TaoNetError
        If it cannot be opened.
    """
    with errors_said(url):
        if url.get_backend_name() == "sqlite":
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(url, connect_args={"timeout": _WAIT})
            event.listen(engine, "connect", _prepare_sqlite)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        with engine.begin() as connection:
            # PostgreSQL makes all of it or nothing, and lets only the owner make the guards anew.
            # SQLite commits each statement by itself: what a crash left out is made up for here.
            if engine.dialect.name == "postgresql":
                one_writer(connection)  # CREATE … IF NOT EXISTS races there
                if engine.dialect.has_table(connection, LABELS.name):
                    return engine
            connection.execute(CreateTable(LABELS, if_not_exists=True))
            connection.execute(CreateIndex(_BY_OBJECT, if_not_exists=True))
            for statement in _GUARDS[engine.dialect.name]:
                connection.exec_driver_sql(statement)
    return engine


def one_writer(connection: Connection) -> None:
    """Let no other one that asks for this write until the transaction, which begins here, ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Let readers go on while one writes, and return only when the disk holds what was written."""
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {setting}").close()


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
            f"the database of labels {place} cannot be used ({said}); see {URL_VARIABLE}"
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise TaoNetError(
            f"the database of labels {place} cannot be opened ({type(error).__name__}); name "
            f"another one by {URL_VARIABLE}"
        ) from error


def to_row(said: Annotation) -> dict[str, Any]:
    """Return a label as a row of `LABELS`; what is not a number becomes nothing."""
    return {
        name: None if value != value else storable(value) for name, value in asdict(said).items()
    }


def from_row(row: RowMapping) -> Annotation:
    """Return the label that a row of `LABELS` holds."""
    values: dict[str, Any] = {name: np.nan if row[name] is None else row[name] for name in COLUMNS}
    return Annotation(**values)


def storable(value: Any) -> Any:
    """Replace in a text what PostgreSQL or UTF-8 cannot hold: NUL, and halves of characters."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
