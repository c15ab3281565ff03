"""What one expert says of one object, `Annotation`, and what all say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from taonet_core.data.sky import sky_groups, unit_vectors
from taonet_core.labels import TransientClass

#: The expert looked and cannot tell.
UNSURE = "unsure"
#: The expert takes back what was said before.
WITHDRAWN = "withdrawn"
#: What a label can say.
LABEL_VALUES: tuple[str, ...] = (*map(str, TransientClass), UNSURE, WITHDRAWN)
#: How sure an expert is; empty where it was not said.
CONFIDENCES = ("low", "medium", "high")
#: Of equal names, places further apart than this are two objects (arcsec).
SAME_OBJECT = 10.0
_LONGEST = {"object_id": 500, "author": 200, "collection": 500, "note": 10_000}
#: Columns of a table of labels that are no text.
NUMBERS = ("ra", "dec", "probability")


@dataclass(frozen=True)
class Annotation:
    """What one expert said of one object at one time.

    Attributes
    ----------
    object_id : str
    label : str
        One of `LABEL_VALUES`.
    author : str
    created_at : str
        UTC, ISO 8601 with microseconds.
    confidence : str
        One of `CONFIDENCES`, or empty.
    note : str
    ra, dec : float
        ICRS position of the object, degrees; NaN where unknown.
    collection : str
        Where the object was shown.
    model, model_version, verdict, probability : str, str, str, float
        What the expert saw a classifier say; empty and NaN where nothing was shown.
    """

    object_id: str
    label: str
    author: str
    created_at: str = ""
    confidence: str = ""
    note: str = ""
    ra: float = np.nan
    dec: float = np.nan
    collection: str = ""
    model: str = ""
    model_version: str = ""
    verdict: str = ""
    probability: float = np.nan

    def __post_init__(self) -> None:
        if self.label not in LABEL_VALUES:
            raise ValueError(f"wanted a label of {', '.join(LABEL_VALUES)}; got {self.label!r}")
        if self.confidence not in ("", *CONFIDENCES):
            raise ValueError(
                f"wanted a confidence of {', '.join(CONFIDENCES)} or none; got {self.confidence!r}"
            )
        for name in ("object_id", "author"):
            if not getattr(self, name).strip():
                raise ValueError(f"a label needs a value of {name}, which is empty")
        for name, most in _LONGEST.items():
            if len(getattr(self, name)) > most:
                raise ValueError(f"wanted at most {most} characters of {name}")


#: Columns of a table of labels, in order.
COLUMNS = tuple(field.name for field in fields(Annotation))


def utc_time(text: str) -> str:
    """Return a time as labels bear it, so that times sort as text: UTC, to the microsecond.

    Parameters
    ----------
    text : str
        ISO 8601; UTC where it names no offset. Nothing stays nothing.

    Raises
    ------
    ValueError
        If it is no time.
    """
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"wanted created_at in ISO 8601, such as 2026-01-31T22:15:00+00:00; got {text!r}"
        ) from error
    return time.isoformat(timespec="microseconds")


def annotation_table(rows: Iterable[Annotation]) -> pd.DataFrame:
    """Return labels as a table of `COLUMNS`: text, but for ``ra``, ``dec`` and ``probability``."""
    values = [asdict(row) for row in rows]
    columns = {
        name: pd.Series(
            [row[name] for row in values], dtype="float64" if name in NUMBERS else "str"
        )
        for name in COLUMNS
    }
    return pd.DataFrame(columns)


def standing(rows: Iterable[Annotation], *, by_place: bool = False) -> list[Annotation]:
    """Return what each author last said of each object, less what was withdrawn, newest first.

    Parameters
    ----------
    rows : iterable of Annotation
        Of those of one time, a later one counts.
    by_place : bool
        Whether rows of one name may be of several objects, told apart by their places. Otherwise
        each name is one object, as after `of_catalog`.
    """
    rows = sorted(rows, key=lambda row: row.created_at)
    objects = _objects(annotation_table(rows)) if by_place else [row.object_id for row in rows]
    newest: dict[tuple[Any, str], Annotation] = {}
    for known, row in zip(objects, rows, strict=True):
        newest.pop((known, row.author), None)  # so that the order is that of the newest
        newest[known, row.author] = row
    return [row for row in reversed(newest.values()) if row.label != WITHDRAWN]


def latest_labels(rows: Iterable[Annotation], catalog: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the labels that are `standing` as a table.

    Parameters
    ----------
    rows : iterable of Annotation
        All that was ever said.
    catalog : DataFrame, optional
        Only labels of its objects, see `of_catalog`: what was said of another object of the same
        name, however new, takes nothing away from them.
    """
    rows = list(rows)
    if catalog is None:
        return annotation_table(standing(rows, by_place=True))
    said = of_catalog(annotation_table(rows), catalog)
    return annotation_table(standing(rows[i] for i in said.index))


def _objects(said: pd.DataFrame) -> list[int]:
    """Return which object each label is of, a number a row: one of one name, at one place.

    A label without a place is of the only object of its name; where there are several, nobody
    knows of which, and it stands alone.
    """
    places = said[["ra", "dec"]]
    distinct = places.dropna().drop_duplicates()
    distinct = distinct.assign(
        place=sky_groups(distinct["ra"].to_numpy(), distinct["dec"].to_numpy(), SAME_OBJECT)
    )
    place = places.merge(distinct, how="left", on=["ra", "dec"])["place"].set_axis(said.index)
    by_name = place.groupby(said["object_id"])
    only = by_name.transform("first").where(by_name.transform("nunique") == 1)
    place = place.fillna(only).fillna(-1)
    numbers: list[int] = said.groupby(["object_id", place]).ngroup().tolist()
    return numbers


def of_catalog(said: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """Return the labels of objects of a catalogue, by name and, where both know it, by place."""
    places = catalog.drop_duplicates("object_id").set_index("object_id")[["ra", "dec"]]
    said = said[said["object_id"].isin(places.index)]
    there = places.loc[said["object_id"]]
    apart = separation_arcsec(said["ra"], said["dec"], there["ra"], there["dec"])
    return said[~(apart > SAME_OBJECT)]


def separation_arcsec(ra: Any, dec: Any, other_ra: Any, other_dec: Any) -> np.ndarray:
    """Return the angle between positions in degrees, arcsec; NaN where one is unknown."""
    here, there = (
        unit_vectors(np.asarray(a, dtype=float), np.asarray(d, dtype=float))
        for a, d in ((ra, dec), (other_ra, other_dec))
    )
    chord = np.linalg.norm(here - there, axis=-1)
    return np.asarray(np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))) * 3600)


def consensus_table(said: pd.DataFrame, *, by_place: bool = False) -> pd.DataFrame:
    """Return what authors together say of each object; see `Annotations.consensus`.

    Parameters
    ----------
    said : DataFrame
        From `latest_labels`.
    by_place : bool
        See `standing`: objects of one name are rows of their own.
    """
    rows = []
    keys = ["object_id", pd.Series(_objects(said), said.index)] if by_place else ["object_id"]
    for (object_id, *_), labels in said.groupby(keys, sort=True):
        votes = Counter(labels["label"][labels["label"] != UNSURE]).most_common(2)
        tie = not votes or (len(votes) == 2 and votes[0][1] == votes[1][1])
        rows.append(
            {
                "object_id": object_id,
                "label": UNSURE if tie else votes[0][0],
                "n_authors": len(labels),
                "agree": labels["label"].nunique() == 1,
                "authors": ", ".join(sorted(labels["author"])),
                "created_at": labels["created_at"].max(),
            }
        )
    columns = ["object_id", "label", "n_authors", "agree", "authors", "created_at"]
    return pd.DataFrame(rows, columns=columns).set_index("object_id")


def relabel(catalog: pd.DataFrame, said: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Put what experts say in the place of the labels of a catalogue.

    Parameters
    ----------
    catalog : DataFrame
        With ``object_id`` and ``label``.
    said : DataFrame
        From `consensus_table`.

    Returns
    -------
    DataFrame
        The catalogue; `UNSURE` leaves the label empty.
    dict
        How many objects the experts ``confirmed``, ``changed``, ``added`` a label to, and
        ``dropped`` since they are unsure.
    """
    label = catalog["object_id"].map(said["label"])
    before, known = catalog["label"], label.notna()
    unsure = label == UNSURE
    counts = {
        "confirmed": known & (label == before),
        "changed": known & ~unsure & (before != "") & (label != before),
        "added": known & ~unsure & (before == ""),
        "dropped": unsure & (before != ""),
    }
    merged = label.where(known, before).mask(unsure, "")
    return catalog.assign(label=merged), {name: int(which.sum()) for name, which in counts.items()}


def label_sentence(counts: dict[str, int]) -> str:
    """Say what `relabel` did."""
    return (
        f"experts' labels: {counts['changed']} changed, {counts['added']} added, "
        f"{counts['dropped']} dropped as unsure, {counts['confirmed']} confirmed"
    )
