"""How unlike everything a model has seen an object is.

A classifier must name one of its classes, whatever it is shown. The vector with which it describes
an object says more: that of a kind never seen lies where few known objects lie. The distance to
the nearest known objects tells (Sun et al. 2022, arXiv 2204.06507); `benchmarks/novelty.py`
compares it with other scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.models.calibration import NODES, at_nights

#: Percentiles of the distances of known objects that are kept.
PERCENTILES = np.concatenate([np.arange(0, 90.0), np.arange(90, 100, 0.5), [99.9, 100.0]])
#: Whitened components that are kept, and the neighbour whose distance is taken.
COMPONENTS, NEIGHBOUR = 24, 10
#: Units up to which a component counts as it is, and beyond which by its logarithm.
LINEAR = 3.0
#: Objects that a node needs.
MIN_OBJECTS = 100


@dataclass(frozen=True, eq=False)
class Novelty:
    """Where known objects lie, and how far from each other.

    Attributes
    ----------
    nights : ndarray, shape (B,), int64
        Numbers of nights read (nodes); see `taonet_core.models.calibration.Calibration`.
    centre, scale : ndarray, shape (D,), float64
        Origin and unit of every component.
    axes : ndarray, shape (D, P), float64
        Turn scaled vectors into uncorrelated components of unit variance.
    known : ndarray, shape (M, P), float64
        Such components of known objects.
    quantiles : ndarray, shape (B, len(PERCENTILES)), float64
        Of the distances of known objects, after each number of nights.
    """

    nights: NDArray[np.int64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]
    known: NDArray[np.float64]
    quantiles: NDArray[np.float64]

    def __post_init__(self) -> None:
        n_inputs, n_axes = self.axes.shape
        shapes = {
            "nights": (len(self.nights),),
            "centre": (n_inputs,),
            "scale": (n_inputs,),
            "known": (len(self.known), n_axes),
            "quantiles": (len(self.nights), len(PERCENTILES)),
        }
        wrong = [name for name, shape in shapes.items() if getattr(self, name).shape != shape]
        if wrong or len(self.known) < NEIGHBOUR:
            raise ValueError(f"arrays of the novelty do not fit each other: {wrong or 'too few'}")
        if not len(self.nights) or self.nights[0] < 1 or not (np.diff(self.nights) > 0).all():
            raise ValueError(f"nights must rise from 1 or more; got {self.nights.tolist()}")
        for field in fields(self):
            if not np.isfinite(getattr(self, field.name)).all():
                raise ValueError(f"{field.name} of the novelty holds values that are not finite")

    def distance(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far vectors (n, D) lie from known objects, shape (n,)."""
        return _neighbour_distance(self.components(vectors), self.known)

    def percentile(self, vector: NDArray[np.float64], n_nights: int) -> float:
        """Return the share of known objects, in percent, that lie less far off.

        Parameters
        ----------
        vector : ndarray, shape (D,)
            After the last night.
        n_nights : int
            Nights read.
        """
        usual = at_nights(self.nights.tolist(), self.quantiles, np.array([n_nights]))[0]
        return float(np.interp(self.distance(vector[None])[0], usual, PERCENTILES))

    def components(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return whitened components of vectors (n, D), shape (n, P)."""
        return _scaled(vectors, self.centre, self.scale) @ self.axes

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, in single precision, for a file."""
        return {
            field.name: np.ascontiguousarray(
                getattr(self, field.name), np.int64 if field.name == "nights" else np.float32
            )
            for field in fields(self)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Novelty:
        """Build from what `arrays` returned.

        Raises
        ------
        ValueError
            If an array is missing, or they do not fit each other.
        """
        names = {field.name for field in fields(cls)}
        if set(arrays) != names:
            raise ValueError(f"wanted the arrays {sorted(names)}, got {sorted(arrays)}")
        nights, *rest = (arrays[field.name] for field in fields(cls))
        return cls(nights.astype(np.int64), *(array.astype(np.float64) for array in rest))


def fit_novelty(vectors: Sequence[NDArray[np.float64]], *, seed: int = 0) -> Novelty:
    """Learn where known objects lie.

    Parameters
    ----------
    vectors : sequence of ndarray, each shape (N_i, D)
        Of each object after every night, as `taonet_core.outputs.model_outputs` returns them.
    seed : int
        Of the night on which each object is remembered, beside its last.

    Raises
    ------
    ValueError
        If there are fewer than `MIN_OBJECTS` objects.
    """
    rng = np.random.default_rng(seed)
    last = [len(v) for v in vectors]
    early = [int(np.exp(rng.random() * np.log(n))) for n in last]  # from 1 to n
    kept, owner = _gathered(vectors, [*last, *early])
    if len(vectors) < MIN_OBJECTS or not len(kept):
        raise ValueError(f"wanted {MIN_OBJECTS} objects or more, got {len(vectors)}")
    centre = np.median(kept, 0)
    spread = np.diff(np.quantile(kept, [0.16, 0.84], axis=0), axis=0)[0] / 2
    scale = np.where(spread > 0, spread, 1.0)
    axes = _whitening(_scaled(kept, centre, scale))
    known = _scaled(kept, centre, scale) @ axes
    quantiles = {}
    for n in NODES:
        rows, own = _gathered(vectors, [n if n <= length else 0 for length in last])
        if len(rows) >= MIN_OBJECTS:
            rows = _scaled(rows, centre, scale) @ axes
            distances = _neighbour_distance(rows, known, own[:, None] == owner)
            quantiles[n] = np.percentile(distances, PERCENTILES)
    if not quantiles:
        raise ValueError(f"wanted {MIN_OBJECTS} objects or more after some night")
    nodes = np.array(list(quantiles), dtype=np.int64)
    return Novelty(nodes, centre, scale, axes, known, np.stack(list(quantiles.values())))


def _gathered(
    vectors: Sequence[NDArray[np.float64]], nights: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Gather the vector of each object after a number of nights, and whose it is.

    There may be several numbers an object, one round after the other; none for 0 nights, nor
    where the model could not yet say.
    """
    found = [
        (vectors[i % len(vectors)][n - 1], i % len(vectors)) for i, n in enumerate(nights) if n
    ]
    rows = np.array([vector for vector, _ in found])
    owner = np.array([i for _, i in found], dtype=np.int64)
    said = np.isfinite(rows).all(-1)
    return rows[said], owner[said]


def _scaled(
    vectors: NDArray[np.float64], centre: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bring components to one unit; features of light curves reach 1e10, hence the asinh."""
    return LINEAR * np.arcsinh((vectors - centre) / (LINEAR * scale))


def _whitening(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Principal axes over their standard deviation, the strongest ones, shape (D, P)."""
    values, axes = np.linalg.eigh(np.cov(scaled, rowvar=False))
    strongest = np.argsort(-values)[:COMPONENTS]
    strongest = strongest[values[strongest] > 1e-6 * values.max()]
    return axes[:, strongest] / np.sqrt(values[strongest])


def _neighbour_distance(
    rows: NDArray[np.float64],
    known: NDArray[np.float64],
    own: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Distance of each row to its `NEIGHBOUR`-th nearest known object that is not its own."""
    squares = (rows**2).sum(1)[:, None] - 2 * rows @ known.T + (known**2).sum(1)
    if own is not None:
        squares[own] = np.inf
    nearest = np.partition(squares, NEIGHBOUR - 1, axis=1)[:, NEIGHBOUR - 1]
    return np.sqrt(np.maximum(nearest, 0.0))
