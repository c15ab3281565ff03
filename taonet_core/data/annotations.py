"""What experts say that objects are: `Annotations`, a history to which rows are only added."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, insert, select
from sqlalchemy.sql import Select

from taonet_core.data.expert_labels import (
    WITHDRAWN,
    Annotation,
    annotation_table,
    consensus_table,
    latest_labels,
    utc_time,
)
from taonet_core.data.label_database import (
    database_url,
    errors_said,
    from_row,
    one_writer,
    open_database,
    place_of,
    storable,
    to_row,
)
from taonet_core.data.label_files import write_labels
from taonet_core.data.label_order import at_place, refuse_changed, said_before, time_after
from taonet_core.data.label_schema import LABELS, in_order

# Labels that are alike in all of these are one.
_SAME = ("object_id", "author", "created_at", "label", "ra", "dec")


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

    def close(self) -> None:
        """Let go of the database; it is opened again where it is asked."""
        self._engine.dispose()

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
        expected: Annotation | None | EllipsisType = ...,
        **shown: Any,
    ) -> Annotation:
        """Store a label and return it as it was stored.

        When this returns, the disk holds it. A clock that was set back does not put it before what
        the author said of the object until now: it then bears the time after that.

        Parameters
        ----------
        object_id, label, author, confidence, note, ra, dec, collection
            See `Annotation`.
        expected : Annotation, optional
            The label of the author that stands as far as the caller knows, or None where none
            does: if it is another, nothing is stored.
        **shown
            ``model``, ``model_version``, ``verdict``, ``probability`` that the expert saw.

        Raises
        ------
        ValueError
            If a value is none that `Annotation` takes.
        TaoNetError
            If it could not be stored; with `Code.CHANGED` if another label stands than `expected`.
        """
        row = Annotation(
            storable(object_id),
            storable(str(label)),
            storable(author),
            "",
            confidence or "",
            storable(note),
            np.nan if ra is None else float(ra),
            np.nan if dec is None else float(dec),
            storable(collection),
            **shown,
        )
        with self._turn(row, expected) as (_, store):
            return store(row)

    def extend(self, rows: list[Annotation]) -> int:
        """Store labels with the times they bear, all or none; return how many were new.

        A label without a time is given now. One that is there already, or twice among `rows`, is
        left out: the same, of the same object at the same place, by the same author at the same
        time.

        Raises
        ------
        ValueError
            If a label bears what is no time; see `taonet_core.data.expert_labels.utc_time`.
        TaoNetError
            If they could not be stored.
        """
        now = _now()
        rows = [replace(row, created_at=utc_time(row.created_at) or now) for row in rows]
        columns = [LABELS.c[name] for name in _SAME]
        authors = {storable(row.author) for row in rows}
        new = []
        with errors_said(self.url), self._engine.begin() as connection:
            one_writer(connection)
            held = connection.execute(select(*columns).where(LABELS.c.author.in_(authors)))
            seen = {tuple(row) for row in held}
            for values in map(to_row, rows):
                same = tuple(values[name] for name in _SAME)
                if same not in seen:
                    seen.add(same)
                    new.append(values)
            if new:
                connection.execute(insert(LABELS), new)
        return len(new)

    @contextmanager
    def _turn(
        self, about: Annotation, expected: Annotation | None | EllipsisType
    ) -> Iterator[tuple[list[Annotation], Callable[[Annotation], Annotation]]]:
        """Let nobody else write; yield what the author said so far, and a way to say more."""
        own = LABELS.c.object_id == about.object_id, LABELS.c.author == about.author
        with errors_said(self.url), self._engine.begin() as connection:
            one_writer(connection)
            rows = connection.execute(in_order().where(*own)).mappings()
            said = [from_row(row) for row in rows]
            here = at_place(said, about.ra, about.dec)
            if not isinstance(expected, EllipsisType):
                refuse_changed(about, here, expected)

            def store(row: Annotation) -> Annotation:
                row = replace(row, created_at=time_after(said, _now()))
                connection.execute(insert(LABELS), to_row(row))
                return row

            yield here, store

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
        query = in_order()
        if object_id is not None:
            query = query.where(LABELS.c.object_id == storable(object_id))
        return at_place(self._read(query), ra, dec)

    def count(self) -> int:
        """Return how many labels were ever given."""
        with errors_said(self.url), self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(LABELS)).scalar_one())

    def undo(
        self,
        object_id: str,
        author: str,
        *,
        ra: float | None = None,
        dec: float | None = None,
        expected: Annotation | None | EllipsisType = ...,
    ) -> Annotation | None:
        """Say again what the author said before the last label, or withdraw it if nothing.

        That is a label too: undone in its turn, what was undone is said again.

        Parameters
        ----------
        object_id, author : str
        ra, dec : float, optional
            See `history`.
        expected : Annotation, optional
            See `add`.

        Returns
        -------
        Annotation or None
            The row that was added; None where the author said nothing of the object.
        """
        ra, dec = (np.nan if angle is None else float(angle) for angle in (ra, dec))
        about = Annotation(storable(object_id), WITHDRAWN, storable(author), ra=ra, dec=dec)
        with self._turn(about, expected) as (own, store):
            return store(said_before(own)) if own else None

    def latest(
        self, collection: str | None = None, *, catalog: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return what each author last said of each object, less what was withdrawn.

        Parameters
        ----------
        collection : str, optional
            Only labels given in this collection.
        catalog : DataFrame, optional
            Only labels of its objects, as in `consensus`.

        Returns
        -------
        DataFrame
            Columns `COLUMNS`, the newest first.
        """
        said = (row for row in self.history() if collection in (None, row.collection))
        return latest_labels(said, catalog)

    def consensus(self, catalog: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return what the experts together say of each object.

        Parameters
        ----------
        catalog : DataFrame, optional
            With ``object_id``, ``ra`` and ``dec`` (degrees): only these objects, and only labels
            given within `SAME_OBJECT` arcsec of their places. Without it, objects of one name at
            several places are rows of their own.

        Returns
        -------
        DataFrame
            Index ``object_id``. ``label``: the class most authors name; `UNSURE` where two classes
            are named as often, or none is. ``n_authors``; ``agree``: whether all said the same;
            ``authors``; ``created_at`` of the newest label.
        """
        return consensus_table(self.latest(catalog=catalog), by_place=catalog is None)

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
        return [from_row(row) for row in rows]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
