"""What one classifier says of many objects: `Verdicts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.labels import TransientClass

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What one classifier says of many objects, after every night.

    Attributes
    ----------
    model, version : str
    classes : tuple of TransientClass
        Order of the K columns.
    object_ids, labels : ndarray, shape (n,), str
        Names, and true classes where known; else empty.
    nights : tuple of n ndarrays, each shape (N_i, K), float64
        Probabilities after every night; of no rows where there is no verdict.
    sets : ndarray, shape (n, K), bool, or None
        Classes that cannot be ruled out after the last night; None where the model is not
        calibrated.
    novelty : ndarray, shape (n,), float64
        See `taonet_core.data.results.Prediction`.
    vectors : ndarray, shape (n, D), float32
        How the model describes each object after its last night; NaN where there is no verdict.
    errors : ndarray, shape (n,), str
        Why there is no verdict; empty where there is one.
    codes, flags : ndarray, shape (n,), str, optional
        `taonet_core.errors.Code` of each error, and words of `taonet_core.flags.Flag` on each
        object, between spaces.
    """

    model: str
    version: str
    classes: tuple[TransientClass, ...]
    object_ids: NDArray[np.str_]
    labels: NDArray[np.str_]
    nights: tuple[NDArray[np.float64], ...]
    sets: NDArray[np.bool_] | None
    novelty: NDArray[np.float64]
    vectors: NDArray[np.float32]
    errors: NDArray[np.str_]
    codes: NDArray[np.str_] | None = None
    flags: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        n = len(self.object_ids)
        for name in ("labels", "nights", "sets", "novelty", "vectors", "errors", "codes", "flags"):
            values = getattr(self, name)
            if values is not None and len(values) != n:
                raise ValueError(f"wanted {n} {name}, got {len(values)}")
        if any(rows.shape[1:] != (len(self.classes),) for rows in self.nights):
            raise ValueError(f"wanted probabilities of {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.object_ids)

    def after(self, nights: int) -> NDArray[np.float64]:
        """Return probabilities after so many nights, or after all where there are fewer.

        Parameters
        ----------
        nights : int
            0 for all.

        Returns
        -------
        ndarray, shape (n, K), float64
            NaN where the model had no answer.
        """
        out = np.full((len(self), len(self.classes)), np.nan)
        for i, rows in enumerate(self.nights):
            if len(rows):
                out[i] = rows[min(nights, len(rows)) - 1]
        return out

    @cached_property
    def final(self) -> NDArray[np.float64]:
        """Probabilities after the last night, shape (n, K); NaN where there is no verdict."""
        return self.after(0)

    @cached_property
    def n_nights(self) -> NDArray[np.int64]:
        """Nights read of each object, shape (n,)."""
        return np.array([len(rows) for rows in self.nights], dtype=np.int64)

    @cached_property
    def verdict(self) -> NDArray[np.str_]:
        """Most probable class of each object, shape (n,); empty where there is no verdict."""
        names = np.array([str(name) for name in self.classes])
        return np.where(self.n_nights > 0, names[np.nan_to_num(self.final).argmax(1)], "")

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the verdict, shape (n,); NaN where there is none."""
        return np.where(self.n_nights > 0, np.nan_to_num(self.final).max(1), np.nan)

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """Column of the true class, shape (n,); -1 where it is unknown or none of the model's."""
        return class_columns(self.labels, self.classes)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which objects have a verdict and a true class to hold it against, shape (n,)."""
        return (self.truth >= 0) & (self.n_nights > 0)

    def select(self, index: ArrayLike) -> Verdicts:
        """Return the objects of a boolean mask or of positions."""
        chosen = np.arange(len(self))[np.asarray(index)]
        return Verdicts(
            self.model,
            self.version,
            self.classes,
            self.object_ids[chosen],
            self.labels[chosen],
            tuple(self.nights[i] for i in chosen),
            None if self.sets is None else self.sets[chosen],
            self.novelty[chosen],
            self.vectors[chosen],
            self.errors[chosen],
            None if self.codes is None else self.codes[chosen],
            None if self.flags is None else self.flags[chosen],
        )

    def table(self) -> pd.DataFrame:
        """Return one row an object.

        Returns
        -------
        DataFrame
            ``object_id``, ``label``, ``verdict``, ``confidence``, ``n_nights``,
            ``prediction_set`` (names, the most probable first), ``novelty``, ``error``,
            ``error_code``, ``flags`` and ``p_<CLASS>``.
        """
        import pandas as pd

        columns = {
            "object_id": self.object_ids,
            "label": self.labels,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "n_nights": self.n_nights,
            "prediction_set": self._set_texts(),
            "novelty": self.novelty,
            "error": self.errors,
            "error_code": "" if self.codes is None else self.codes,
            "flags": "" if self.flags is None else self.flags,
            **{f"p_{name}": self.final[:, k] for k, name in enumerate(self.classes)},
        }
        return pd.DataFrame(columns)

    def _set_texts(self) -> Sequence[str]:
        if self.sets is None:
            return [""] * len(self)
        names = [str(name) for name in self.classes]
        order = np.argsort(-np.nan_to_num(self.final), axis=1, kind="stable")
        return [
            " ".join(names[k] for k in ranked if held[k])
            for ranked, held in zip(order, self.sets, strict=True)
        ]


def class_columns(labels: NDArray[np.str_], classes: Sequence[TransientClass]) -> NDArray[np.int64]:
    """Return the column of each label (n,) among the classes; -1 where it is none of them."""
    number = {str(name): k for k, name in enumerate(classes)}
    return np.array([number.get(str(label), -1) for label in labels], dtype=np.int64)
