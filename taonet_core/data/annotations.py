"""What experts say that objects are: `Annotations`, a history to which rows are only added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import RowMapping, func, insert, select
from sqlalchemy.sql import Select

from taonet_core.data.expert_labels import (
    COLUMNS,
    SAME_OBJECT,
    WITHDRAWN,
    Annotation,
    annotation_table,
    consensus_table,
    latest_labels,
    of_catalog,
    read_labels,
    separation_arcsec,
    write_labels,
)
from taonet_core.data.label_database import (
    LABELS,
    database_url,
    errors_said,
    open_database,
    place_of,
)


class Annotations:
    """The labels of experts in a database, SQLite or PostgreSQL.

    A label is an event: each one adds a row, and what was said before stays. The database itself
    refuses to change or delete rows. When `add` returns, the label is on the disk.

    An object is known by its name, whatever the collection it was shown in; the position kept with
    each label tells two objects of one name apart.

    Parameters
    ----------
    url : str, optional
        See `taonet_core.data.label_database.database_url`.

    Raises
    ------
    TaoNetError
        If the database cannot be opened.
    """

    def __init__(self, url: str | None = None) -> None:
        self.url = database_url(url)
        self._engine = open_database(self.url)

    @property
    def place(self) -> str:
        """Where the labels are kept, in words."""
        return place_of(self.url)

    def add(
        self,
        object_id: str,
        label: str,
        *,
        author: str,
        confidence: str | None = None,
        note: str = "",
        ra: float | None = None,
        dec: float | None = None,
        collection: str = "",
        **shown: Any,
    ) -> Annotation:
        """Store a label and return it as it was stored.

        Parameters
        ----------
        object_id, label, author, confidence, note, ra, dec, collection
            See `Annotation`.
        **shown
            ``model``, ``model_version``, ``verdict``, ``probability`` that the expert saw.

        Raises
        ------
        ValueError
            If a value is none that `Annotation` takes.
        TaoNetError
            If it could not be stored.
        """
        row = Annotation(
            _storable(object_id),
            _storable(str(label)),
            _storable(author),
            _now(),
            confidence or "",
            _storable(note),
            np.nan if ra is None else float(ra),
            np.nan if dec is None else float(dec),
            _storable(collection),
            **shown,
        )
        self._store([row])
        return row

    def extend(self, rows: list[Annotation]) -> int:
        """Store labels with the times they bear, all or none; return how many were new.

        A label without a time is given now. One that is there already, by the same author at the
        same time of the same object, is left out.
        """
        held = {(row.object_id, row.author, row.created_at) for row in self.history()}
        now = _now()
        new = [row if row.created_at else replace(row, created_at=now) for row in rows]
        new = [row for row in new if (row.object_id, row.author, row.created_at) not in held]
        self._store(new)
        return len(new)

    def _store(self, rows: Iterable[Annotation]) -> None:
        values = [
            {
                name: None if value != value else _storable(value)
                for name, value in asdict(row).items()
            }
            for row in rows
        ]
        if values:
            with errors_said(self.url), self._engine.begin() as connection:
                connection.execute(insert(LABELS), values)

    def history(
        self, object_id: str | None = None, *, ra: float | None = None, dec: float | None = None
    ) -> list[Annotation]:
        """Return all that was ever said, of one object or of all, the oldest first.

        Parameters
        ----------
        object_id : str, optional
        ra, dec : float, optional
            Degrees. What was said of an object of this name more than `SAME_OBJECT` arcsec from
            here is left out.
        """
        query = select(LABELS).order_by(LABELS.c.created_at, LABELS.c.id)
        if object_id is not None:
            query = query.where(LABELS.c.object_id == _storable(object_id))
        found = self._read(query)
        if ra is None or dec is None:
            return found
        return [
            row for row in found if not separation_arcsec(row.ra, row.dec, ra, dec) > SAME_OBJECT
        ]

    def count(self) -> int:
        """Return how many labels were ever given."""
        with errors_said(self.url), self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(LABELS)).scalar_one())

    def undo(
        self, object_id: str, author: str, *, ra: float | None = None, dec: float | None = None
    ) -> Annotation | None:
        """Say again what the author said before the last label, or withdraw it if nothing.

        Parameters
        ----------
        object_id, author : str
        ra, dec : float, optional
            See `history`.

        Returns
        -------
        Annotation or None
            The row that was added; None where the author said nothing of the object.
        """
        said = [
            row
            for row in self.history(object_id, ra=ra, dec=dec)
            if row.author == _storable(author)
        ]
        if not said:
            return None
        before = said[-2] if len(said) > 1 else replace(said[-1], label=WITHDRAWN, note="")
        row = replace(before, created_at=_now())
        self._store([row])
        return row

    def latest(self, collection: str | None = None) -> pd.DataFrame:
        """Return what each author last said of each object, less what was withdrawn.

        Parameters
        ----------
        collection : str, optional
            Only labels given in this collection.

        Returns
        -------
        DataFrame
            Columns `COLUMNS`, the newest first.
        """
        return latest_labels(row for row in self.history() if collection in (None, row.collection))

    def consensus(self, catalog: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return what the experts together say of each object.

        Parameters
        ----------
        catalog : DataFrame, optional
            With ``object_id``, ``ra`` and ``dec`` (degrees): only these objects, and only labels
            given within `SAME_OBJECT` arcsec of their places.

        Returns
        -------
        DataFrame
            Index ``object_id``. ``label``: the class most authors name; `UNSURE` where two classes
            are named as often, or none is. ``n_authors``; ``agree``: whether all said the same;
            ``authors``; ``created_at`` of the newest label.
        """
        said = self.latest()
        return consensus_table(said if catalog is None else of_catalog(said, catalog))

    def export(self, path: str | Path, *, history: bool = False) -> int:
        """Write labels to a file, CSV, ECSV, Parquet, JSON or VOTable by its ending.

        Parameters
        ----------
        path : path
        history : bool
            All that was ever said, instead of what each author last said of each object.

        Returns
        -------
        int
            How many labels were written.
        """
        table = annotation_table(self.history()) if history else self.latest()
        write_labels(table, path)
        return len(table)

    def _read(self, query: Select[Any]) -> list[Annotation]:
        with errors_said(self.url), self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_annotation(row) for row in rows]


def experts_say(source: str | Path, catalog: pd.DataFrame) -> pd.DataFrame:
    """Return what experts together say of the objects of a catalogue.

    Parameters
    ----------
    source : {"database"} or path
        The database of labels, or a table of them as `read_labels` takes it.
    catalog : DataFrame
        With ``object_id``, ``ra`` and ``dec`` (degrees).

    Returns
    -------
    DataFrame
        As `Annotations.consensus`.

    Raises
    ------
    TaoNetError
        If the labels cannot be read.
    """
    if str(source) == "database":
        return Annotations().consensus(catalog)
    said = latest_labels(read_labels(source, author=str(source)))
    return consensus_table(of_catalog(said, catalog))


def _annotation(row: RowMapping) -> Annotation:
    values: dict[str, Any] = {name: np.nan if row[name] is None else row[name] for name in COLUMNS}
    return Annotation(**values)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _storable(value: Any) -> Any:
    """Replace in a text what PostgreSQL or UTF-8 cannot hold: NUL, and halves of characters."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
