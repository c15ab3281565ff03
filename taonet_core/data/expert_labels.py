"""What one expert says of one object, `Annotation`, and tables and files of such labels."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from taonet_core.data.exports import FORMULA, one_line, write_table
from taonet_core.data.sky import unit_vectors
from taonet_core.errors import TaoNetError
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
_NUMBERS = ("ra", "dec", "probability")


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


def annotation_table(rows: Iterable[Annotation]) -> pd.DataFrame:
    """Return labels as a table of `COLUMNS`: text, but for ``ra``, ``dec`` and ``probability``."""
    values = [asdict(row) for row in rows]
    columns = {
        name: pd.Series(
            [row[name] for row in values], dtype="float64" if name in _NUMBERS else "str"
        )
        for name in COLUMNS
    }
    return pd.DataFrame(columns)


def standing(rows: Iterable[Annotation]) -> list[Annotation]:
    """Return what each author last said of each object, less what was withdrawn, newest first."""
    newest: dict[tuple[str, str], Annotation] = {}
    for row in sorted(rows, key=lambda row: row.created_at, reverse=True):
        newest.setdefault((row.object_id, row.author), row)
    return [row for row in newest.values() if row.label != WITHDRAWN]


def latest_labels(rows: Iterable[Annotation]) -> pd.DataFrame:
    """Return the labels that are `standing` as a table."""
    return annotation_table(standing(rows))


def write_labels(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of labels to a file of any kind that `exports.write_table` knows.

    Line ends in notes become spaces, and what cannot be printed a mark: not every format keeps
    them.
    """
    plain = table.copy()
    for name in table.columns:
        if name not in _NUMBERS and table[name].dtype == "str":
            plain[name] = [one_line(" ".join(str(v).splitlines())) for v in table[name]]
    return write_table(plain.astype({n: "str" for n in plain if plain[n].dtype == object}), path)


def read_labels(path: str | Path, *, author: str = "") -> list[Annotation]:
    """Read labels from a table with columns ``object_id`` and ``label``, and any of `COLUMNS`.

    Parameters
    ----------
    path : path
        CSV, ECSV, Parquet, JSON (records) or VOTable.
    author : str
        Who said so, where the table does not tell.

    Raises
    ------
    TaoNetError
        If the file is no such table, or a row holds what no label can.
    """
    path = Path(path)
    table = _read_table(path)
    missing = {"object_id", "label"} - set(table.columns)
    if missing:
        raise TaoNetError(
            f"{path}: a table of labels needs the columns object_id and label; "
            f"{' and '.join(sorted(missing))} is not there"
        )
    rows = []
    for number, values in enumerate(table.to_dict("records"), start=1):
        known = {n: _value(n, values[n]) for n in COLUMNS if n in values}
        known["author"] = known.get("author") or author
        try:
            rows.append(Annotation(**known))
        except ValueError as error:
            raise TaoNetError(f"{path}, row {number}: {error}") from error
    return rows


def _read_table(path: Path) -> pd.DataFrame:
    from astropy.table import Table

    readers: dict[str, Any] = {
        ".csv": lambda: pd.read_csv(path, dtype="str", keep_default_na=False),
        ".parquet": lambda: pd.read_parquet(path),
        ".json": lambda: json.loads(path.read_bytes()),
        ".ecsv": lambda: Table.read(path, format="ascii.ecsv").filled("").to_pandas(),
        ".vot": lambda: Table.read(path, format="votable").to_pandas(),
    }
    if path.suffix.lower() not in readers:
        raise TaoNetError(f"{path}: wanted a table ending in {', '.join(readers)}")
    try:
        return pd.DataFrame(readers[path.suffix.lower()]())
    except (OSError, ValueError, TypeError, IndexError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TaoNetError(f"{path} cannot be read as a table of labels: {said}") from error


def _value(name: str, value: Any) -> Any:
    """Return a cell as `Annotation` wants it: the apostrophe of a CSV against formulas removed."""
    if name in _NUMBERS:
        return float(value) if value not in ("", None) else np.nan
    if value is None or value is pd.NA or value != value:
        return ""
    return re.sub(rf"^'{FORMULA}", "", str(value))


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


def consensus_table(said: pd.DataFrame) -> pd.DataFrame:
    """Return what authors together say of each object; see `Annotations.consensus`."""
    rows = []
    for object_id, labels in said.groupby("object_id", sort=True):
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
