"""What one classifier answered about many labelled objects, early and late: `Answers`.

The same value is made of the verdicts of a collection and of what is kept of the benchmark, so
that every score and every figure serves both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.benchmark import AFTER_NIGHTS, EXPECTED
from taonet_core.errors import TaoNetError
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.objects.verdicts import Verdicts, class_columns

if TYPE_CHECKING:
    import pandas as pd

#: Every answer of the shipped models on TAO-Sim v1 (``benchmarks/pack_answers.py``), in a checkout.
FROZEN = EXPECTED / "answers.parquet"


@dataclass(frozen=True, eq=False)
class Answers:
    """What one classifier said of many objects after some numbers of nights.

    Objects come in order of true class and name, whatever order they were given in: bootstrap
    samples are then the same ones.

    Attributes
    ----------
    model, version : str
    classes : tuple of TransientClass
        Order of the K columns.
    object_ids, labels : ndarray, shape (n,), str
        Names, and true classes where known; else empty.
    after : mapping of int to ndarray, shape (n, K), float64
        Number of nights -> probabilities; 0 for all nights, which is always there. NaN where there
        was no answer.
    magnitude : ndarray, shape (n,), float64, mag
        By which objects are binned; NaN where unknown.
    """

    model: str
    version: str
    classes: tuple[TransientClass, ...]
    object_ids: NDArray[np.str_]
    labels: NDArray[np.str_]
    after: Mapping[int, NDArray[np.float64]]
    magnitude: NDArray[np.float64]

    def __post_init__(self) -> None:
        order = np.lexsort((self.object_ids, self.labels))
        for name in ("object_ids", "labels", "magnitude"):
            object.__setattr__(self, name, getattr(self, name)[order])
        object.__setattr__(self, "after", {n: rows[order] for n, rows in self.after.items()})

    def __len__(self) -> int:
        return len(self.object_ids)

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """Column of the true class, shape (n,); -1 where it is unknown or none of the model's."""
        return class_columns(self.labels, self.classes)

    @property
    def final(self) -> NDArray[np.float64]:
        """Probabilities after all nights, shape (n, K); NaN where there is no verdict."""
        return self.after[0]

    @cached_property
    def digest(self) -> str:
        """A text that changes whenever an answer, a label or a magnitude does."""
        texts = "\0".join([self.model, self.version, *self.object_ids, *self.labels])
        found = hashlib.sha256(texts.encode())
        for values in (self.magnitude, *self.after.values()):
            found.update(np.ascontiguousarray(values).tobytes())
        return found.hexdigest()

    def verdicts(self, nights: int = 0) -> NDArray[np.int64]:
        """Return the column of the most probable class, shape (n,); -1 where there is no answer."""
        chances = self.after[nights]
        answered = np.isfinite(chances).all(axis=1)
        return np.where(answered, np.nan_to_num(chances).argmax(axis=1), -1)

    def names(self, columns: NDArray[np.int64]) -> NDArray[np.str_]:
        """Return the names of classes given as columns, empty for -1."""
        return np.array([*map(str, self.classes), ""])[columns]

    def select(self, index: ArrayLike) -> Answers:
        """Return the objects of a boolean mask or of positions."""
        chosen = np.arange(len(self))[np.asarray(index)]
        return Answers(
            self.model,
            self.version,
            self.classes,
            self.object_ids[chosen],
            self.labels[chosen],
            {nights: rows[chosen] for nights, rows in self.after.items()},
            self.magnitude[chosen],
        )

    def among(self, classes: tuple[TransientClass, ...]) -> Answers:
        """Return the same answers with columns for these classes.

        Parameters
        ----------
        classes : tuple of TransientClass
            All of the model's own and perhaps more, which it never names.
        """
        place = [classes.index(name) for name in self.classes]
        after = {}
        for nights, rows in self.after.items():
            after[nights] = np.where(np.isfinite(rows).all(axis=1), 0.0, np.nan)[:, None].repeat(
                len(classes), axis=1
            )
            after[nights][:, place] = rows
        names = (self.object_ids, self.labels)
        return Answers(self.model, self.version, classes, *names, after, self.magnitude)

    def labelled(self) -> Answers:
        """Return the objects whose true class is known to the model."""
        return self.select(self.truth >= 0)

    def table(self) -> pd.DataFrame:
        """Return one row an object: its name, truth, verdict, confidence and magnitude."""
        import pandas as pd

        confidence = np.where(self.verdicts() >= 0, np.nan_to_num(self.final).max(axis=1), np.nan)
        return pd.DataFrame(
            {
                "object_id": self.object_ids,
                "label": self.labels,
                "verdict": self.names(self.verdicts()),
                "confidence": confidence,
                "mag": self.magnitude,
            }
        )


def answers_of(verdicts: Verdicts, magnitudes: Mapping[str, float]) -> Answers:
    """Take from verdicts what was said after 1, 2, 4, 8, 16, 24 and all nights.

    Parameters
    ----------
    verdicts : Verdicts
    magnitudes : mapping of str to float
        Object -> magnitude, where it is known.

    Notes
    -----
    Numbers of nights that no object has are left out; an object with fewer keeps its last word.
    """
    longest = int(verdicts.n_nights.max(initial=0))
    return Answers(
        verdicts.model,
        verdicts.version,
        verdicts.classes,
        verdicts.object_ids,
        verdicts.labels,
        {n: verdicts.after(n) for n in AFTER_NIGHTS if not n or n < longest},
        np.array([magnitudes.get(str(name), np.nan) for name in verdicts.object_ids], dtype=float),
    )


def frozen_answers(visibility: float, *, path: Path = FROZEN) -> dict[str, Answers]:
    """Return what the shipped models answered on TAO-Sim v1, by model.

    Parameters
    ----------
    visibility : float
        Share of events whose outburst lies in the images: 1.0 or 0.5.
    path : Path
        Written by ``benchmarks/pack_answers.py``; the scores of each model lie beside it.

    Raises
    ------
    TaoNetError
        If the files are not there: they are part of a checkout, not of the installed package.
    """
    import pandas as pd

    if not path.exists():
        raise TaoNetError(
            f"the answers on TAO-Sim v1 were looked for in {path}; they come with a checkout of "
            "the project, or measure them with taonet benchmark and benchmarks/pack_answers.py"
        )
    table = pd.read_parquet(path)
    table = table[table["visibility"] == visibility]
    return {
        str(model): _of_rows(rows, _scores(path.parent / f"{model}.json")["model_version"])
        for model, rows in table.groupby("model", sort=False)
    }


def frozen_hash(model: str, *, folder: Path = EXPECTED) -> str | None:
    """Return the SHA-256 of the weights that answered on TAO-Sim v1; None for other models."""
    path = folder / f"{model}.json"
    return str(_scores(path)["sha256"]) if path.exists() else None


def _scores(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def _of_rows(rows: pd.DataFrame, version: str) -> Answers:
    rows = rows.sort_values("object_id", kind="stable")
    last = rows[rows["after_nights"] == 0]
    chances = [f"p_{name}" for name in SIX_CLASSES]
    return Answers(
        str(rows["model"].iloc[0]),
        version,
        SIX_CLASSES,
        last["object_id"].to_numpy(dtype=str),
        last["label"].to_numpy(dtype=str),
        {
            int(n): rows.loc[rows["after_nights"] == n, chances].to_numpy(dtype=np.float64)
            for n in AFTER_NIGHTS
        },
        last["discovery_mag"].to_numpy(dtype=np.float64),
    )
