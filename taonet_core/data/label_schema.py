"""What the database of experts' labels holds: one table, its guards, and its version."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable
from sqlalchemy.sql import Select

from taonet_core.data.atomic import atomic_path
from taonet_core.errors import Code, TaoNetError

#: Of the form of the table. 0: before versions were kept.
VERSION = 1

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
GUARDS = {
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


_SAY = {
    "sqlite": f"PRAGMA user_version = {VERSION}",
    "postgresql": f"COMMENT ON TABLE {LABELS.name} IS 'TAO-Net labels, version {VERSION}'",
}


def make_schema(connection: Connection, place: str) -> None:
    """Make what the database holds, or bring it to this version; one writer at a time may do so.

    An older SQLite file is copied first, to ``FILE.version-N``. All is done or nothing is.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    place : str
        Of the database, in words; of an SQLite file its path.

    Raises
    ------
    TaoNetError
        If the database is of a newer version.
    """
    version = _version(connection)
    if version > VERSION:
        raise TaoNetError(
            f"the database of labels {place} was made by a newer TAO-Net (version {version} of its "
            f"form, this one knows {VERSION}); update TAO-Net",
            code=Code.DATABASE,
        )
    there = connection.dialect.has_table(connection, LABELS.name)
    if there and version < VERSION:
        if connection.dialect.name == "sqlite":
            _back_up(Path(place), version)
        _add_columns(connection)
    connection.execute(CreateTable(LABELS, if_not_exists=True))
    connection.execute(CreateIndex(_BY_OBJECT, if_not_exists=True))
    for statement in GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(_SAY[connection.dialect.name])


def in_order() -> Select[Any]:
    """Return a query of all labels, the oldest first."""
    return select(LABELS).order_by(LABELS.c.created_at, LABELS.c.id)


def is_current(connection: Connection) -> bool:
    """Return whether nothing is to be made: whoever may only read can go on."""
    if _version(connection) != VERSION:
        return False
    if connection.dialect.name == "postgresql":
        return True
    query = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE :name")
    found = connection.execute(query, {"name": f"{LABELS.name}_no_%"}).scalar_one()
    return int(found) == len(GUARDS["sqlite"])


def _version(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    query = f"SELECT obj_description(to_regclass('{LABELS.name}'), 'pg_class')"
    said = connection.exec_driver_sql(query).scalar_one()
    found = re.fullmatch(r"TAO-Net labels, version (\d+)", said or "")
    return int(found[1]) if found else 0


def _add_columns(connection: Connection) -> None:
    """Add the columns that a table of an older version lacks."""
    held = {column["name"] for column in inspect(connection).get_columns(LABELS.name)}
    for column in LABELS.columns:
        if column.name not in held:
            form = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {LABELS.name} ADD COLUMN {form}")


def _back_up(path: Path, version: int) -> None:
    """Copy an SQLite file as it was last committed."""
    with (
        atomic_path(path.with_name(f"{path.name}.version-{version}")) as temporary,
        closing(sqlite3.connect(path)) as source,
        closing(sqlite3.connect(temporary)) as copy,
    ):
        source.backup(copy)
