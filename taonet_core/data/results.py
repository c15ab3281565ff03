"""What the classifiers return: `Prediction`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.labels import SIX_CLASSES, TransientClass

#: Columns of the wide prediction table, one row an object.
TABLE_COLUMNS = (
    "object_id",
    "ra",
    "dec",
    "n_nights",
    "mjd_last",
    "class_name",
    *(f"p_{name}" for name in SIX_CLASSES),
    "model",
    "model_version",
    "error",
    "prediction_set",
    "novelty",
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Class probabilities of one object after every night.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K), float64
        Row ``i`` uses nights 0 … ``i`` and nothing later; rows sum to 1, or are NaN where the
        model could not yet say. The last row is the verdict. One filter is read, and which one
        is chosen by the whole object: with mixed filters, what would have been said on an early
        date may have read another.
    times : ndarray, shape (N,), float64
        MJD of the last frame used on each night.
    classes : tuple of TransientClass
        Order of the K columns.
    model, model_version : str
        Which classifier said so.
    night_of_frame : ndarray, shape (T,), int64
        Night of every frame of the sequence; -1 where the classifier did not use the frame.
    meta : mapping
        ``object_id``, ``ra``, ``dec``, ``label``; ``warnings``: sentences on what the model was
        not trained for; ``unused``: why frames were left out, frame index -> reason; ``priors``:
        shares of the classes, where the caller set them.
    prediction_sets : ndarray, shape (N, K), bool, optional
        Classes that cannot be ruled out after each night: of the objects of every class, nine in
        ten have theirs in the set, whatever the priors. None where the model is not calibrated.
    novelty : float
        How unlike all that the model has seen, percent: the share of known objects, read on as
        many nights, that look less strange. NaN where the model cannot tell.
    """

    probabilities: NDArray[np.float64]
    times: NDArray[np.float64]
    classes: tuple[TransientClass, ...]
    model: str
    model_version: str
    night_of_frame: NDArray[np.int64]
    meta: Mapping[str, Any] = field(default_factory=dict)
    prediction_sets: NDArray[np.bool_] | None = None
    novelty: float = np.nan

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.classes))
        if self.prediction_sets is not None and self.prediction_sets.shape != shape:
            raise ValueError(f"wanted sets {shape}, got {self.prediction_sets.shape}")
        if self.probabilities.shape != shape or not shape[0]:
            raise ValueError(f"wanted probabilities {shape}, got {self.probabilities.shape}")
        if not np.isfinite(self.probabilities[-1]).all():
            raise ValueError("the verdict (last row) must be finite")

    @property
    def n_nights(self) -> int:
        """Number of nights read."""
        return len(self.times)

    @property
    def verdict(self) -> TransientClass:
        """Most probable class after the last night."""
        return self.classes[int(np.argmax(self.probabilities[-1]))]

    @property
    def confidence(self) -> float:
        """Probability of the verdict."""
        return float(self.probabilities[-1].max())

    @property
    def prediction_set(self) -> tuple[TransientClass, ...] | None:
        """Classes that cannot be ruled out after the last night, the most probable first."""
        if self.prediction_sets is None:
            return None
        ranked = np.argsort(-self.probabilities[-1], kind="stable")
        return tuple(self.classes[k] for k in ranked if self.prediction_sets[-1, k])

    def final(self) -> dict[TransientClass, float]:
        """Return the probability of each class after the last night."""
        return dict(zip(self.classes, self.probabilities[-1].tolist(), strict=True))

    def to_row(self) -> dict[str, Any]:
        """Return one row of the wide table (`TABLE_COLUMNS`)."""
        row = empty_row(str(self.meta.get("object_id", "")), error="")
        row |= {f"p_{name}": p for name, p in self.final().items()}
        row |= {
            "ra": self.meta.get("ra", np.nan),
            "dec": self.meta.get("dec", np.nan),
            "n_nights": self.n_nights,
            "mjd_last": float(self.times[-1]),
            "class_name": str(self.verdict),
            "prediction_set": " ".join(self.prediction_set or ()),
            "novelty": self.novelty,
            "model": self.model,
            "model_version": self.model_version,
        }
        return row

    def to_long_rows(self) -> list[dict[str, Any]]:
        """Return one row a class, the shape ALeRCE's classifiers publish, best class first."""
        ranked = sorted(self.final().items(), key=lambda item: -item[1])
        return [
            {
                "object_id": str(self.meta.get("object_id", "")),
                "classifier_name": self.model,
                "classifier_version": self.model_version,
                "class_name": str(name),
                "probability": probability,
                "ranking": rank,
            }
            for rank, (name, probability) in enumerate(ranked, start=1)
        ]


def empty_row(object_id: str, *, error: str) -> dict[str, Any]:
    """Return a wide row without a verdict, for an input that could not be classified."""
    row: dict[str, Any] = dict.fromkeys(TABLE_COLUMNS, np.nan)
    row |= {"object_id": object_id, "n_nights": 0, "error": error}
    row |= dict.fromkeys(("class_name", "prediction_set", "model", "model_version"), "")
    return row
