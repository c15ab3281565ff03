"""What the classifiers return, `Prediction`, and why, `Attribution`."""

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
    "error_code",
    "flags",
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
        not trained for; ``flags``: words on the quality of the data and on how far the model knows
        such objects, sorted (`taonet_core.flags.Flag`); ``unused``: why frames were left out, frame
        index -> reason; ``priors``: shares of the classes, where the caller set them.
    prediction_sets : ndarray, shape (N, K), bool, optional
        Classes that cannot be ruled out after each night: of the objects of every class, nine in
        ten have theirs in the set, whatever the priors. None where the model is not calibrated.
    novelty : float
        How unlike all that the model has seen, percent: the share of known objects, read on as
        many nights, that look less strange. NaN where the model cannot tell.
    embedding : ndarray, shape (D,), float64, optional
        How the model describes the object after the last night.
    spread : ndarray, shape (2, N, K), float64, optional
        Least and greatest probability over the orientations of the images, where it was asked for
        (`taonet_core.orientation.orientation_range`).
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
    embedding: NDArray[np.float64] | None = None
    spread: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.classes))
        if self.prediction_sets is not None and self.prediction_sets.shape != shape:
            raise ValueError(f"wanted sets {shape}, got {self.prediction_sets.shape}")
        if self.spread is not None and self.spread.shape != (2, *shape):
            raise ValueError(f"wanted a spread {(2, *shape)}, got {self.spread.shape}")
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
            "flags": " ".join(self.meta.get("flags", ())),
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


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which pixels of which nights speak for a class, and which against it.

    Parameters
    ----------
    values : ndarray, shape (N, H, W), float32
        Evidence for the target class, in units of the log-odds, one map a night read. Positive
        speaks for it, negative against it, where the method tells (`signed`).
    times : ndarray, shape (N,), float64
        MJD of the nights, as of `Prediction`.
    night_of_frame : ndarray, shape (T,), int64
        Night of every frame of the sequence; -1 where the classifier did not use the frame.
    target : TransientClass
        The class explained.
    against : TransientClass or None
        The class it is told from; None: all others together.
    model, model_version : str
        Whose decision it is.
    method, baseline : str
        Keys of `taonet_core.explain.METHODS` and `BASELINES`.
    explained : float
        Log-odds of the object minus those of the baseline.
    delta : float
        Sum of `values` minus `explained`: the error of a method that promises the two to be
        equal. NaN where the method promises nothing.
    signed : bool
        Whether the sign of `values` means for or against.
    meta : mapping
        ``object_id``; ``left`` and ``top``: column and row of the frames on which the first pixel
        of a map lies, below 0 where maps reach beyond them; ``score``: log-odds of the object;
        ``steps``, ``seconds``.
    """

    values: NDArray[np.float32]
    times: NDArray[np.float64]
    night_of_frame: NDArray[np.int64]
    target: TransientClass
    against: TransientClass | None
    model: str
    model_version: str
    method: str
    baseline: str
    explained: float
    delta: float
    signed: bool
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or len(self.values) != len(self.times) or not len(self.times):
            raise ValueError(f"wanted {len(self.times)} maps, got {self.values.shape}")
        if not np.isfinite(self.values).all():
            raise ValueError("evidence must be finite")

    @property
    def per_night(self) -> NDArray[np.float64]:
        """Evidence of each night, the sum over its pixels, shape (N,)."""
        return self.values.sum((1, 2), dtype=np.float64)

    @property
    def importance(self) -> NDArray[np.float64]:
        """Share of each night in all evidence, for and against alike, shape (N,); sums to 1.

        All nights count the same where there is no evidence at all.
        """
        size = np.abs(self.values).sum((1, 2), dtype=np.float64)
        total = size.sum()
        return size / total if total else np.full(len(size), 1 / len(size))


def empty_row(object_id: str, *, error: str, error_code: str = "") -> dict[str, Any]:
    """Return a wide row without a verdict, for an input that could not be classified."""
    row: dict[str, Any] = dict.fromkeys(TABLE_COLUMNS, np.nan)
    row |= {"object_id": object_id, "n_nights": 0, "error": error, "error_code": error_code}
    row |= dict.fromkeys(("class_name", "prediction_set", "flags", "model", "model_version"), "")
    return row
