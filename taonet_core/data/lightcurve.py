"""`LightCurve`: brightness against time of one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.errors import InvalidSequenceError

if TYPE_CHECKING:
    from astropy.table import QTable

_COLUMNS = ("mag", "mag_err", "flux", "flux_err", "limit")


@dataclass(frozen=True, eq=False)
class LightCurve:
    """Photometry of one object in time order; NaN means "not measured".

    Parameters
    ----------
    times : array_like, shape (N,)
        MJD, non-decreasing.
    mag, mag_err : array_like, shape (N,)
        Magnitude and its 1-sigma error; NaN where the source was not detected.
    flux, flux_err : array_like, shape (N,), optional
        Flux and error in counts; may be negative. NaN where unknown.
    limit : array_like, shape (N,), optional
        Limiting magnitude (``meta["limit_sigma"]`` sigma) of each point; NaN where unknown.
    bands : array_like, shape (N,), optional
        Filter of each point.
    meta : mapping
        ``object_id``, ``label``, ``zero_point``, ``limit_sigma``, ``system`` as known.

    Notes
    -----
    A light curve measured on a sequence has exactly one point a frame, in the same order, so
    point ``i`` and frame ``i`` are the same epoch.

    Raises
    ------
    InvalidSequenceError
        If lengths disagree or times are not finite and sorted.
    """

    times: NDArray[np.float64]
    mag: NDArray[np.float64]
    mag_err: NDArray[np.float64]
    flux: NDArray[np.float64] = None  # type: ignore[assignment]  # filled below
    flux_err: NDArray[np.float64] = None  # type: ignore[assignment]  # filled below
    limit: NDArray[np.float64] = None  # type: ignore[assignment]  # filled below
    bands: NDArray[np.str_] = None  # type: ignore[assignment]  # filled below
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        times = np.array(self.times, dtype=np.float64)
        if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) < 0).any():
            raise InvalidSequenceError("a light curve needs finite times in order")
        for name in _COLUMNS:
            values = getattr(self, name)
            values = np.full(len(times), np.nan) if values is None else np.array(values, float)
            self._check(name, values, times)
            set_(self, name, values)
        bands = np.full(len(times), "") if self.bands is None else np.array(self.bands).astype(str)
        self._check("bands", bands, times)
        times.setflags(write=False)
        set_(self, "times", times)
        set_(self, "bands", bands)
        set_(self, "meta", dict(self.meta))

    @staticmethod
    def _check(name: str, values: NDArray[Any], times: NDArray[np.float64]) -> None:
        if values.shape != times.shape:
            raise InvalidSequenceError(
                f"light curve column {name!r} needs {len(times)} values; got shape {values.shape}"
            )
        values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """Where a magnitude was measured, shape (N,)."""
        return np.isfinite(self.mag)

    def select(self, index: ArrayLike | slice) -> LightCurve:
        """Return the points of `index` (boolean mask, integers in order, or a slice)."""
        index = index if isinstance(index, slice) else np.asarray(index)
        chosen = {name: getattr(self, name)[index] for name in (*_COLUMNS, "times", "bands")}
        return replace(self, **chosen)

    def with_meta(self, **facts: Any) -> LightCurve:
        """Return the curve with these entries of `meta` set."""
        return replace(self, meta={**self.meta, **facts})

    def per_band(self) -> dict[str, LightCurve]:
        """Split into one light curve a filter, most observed first."""
        names, counts = np.unique(self.bands, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(names[i]): self.select(self.bands == names[i]) for i in order}

    def to_table(self) -> QTable:
        """Return an `astropy.table.QTable` with units, ready for ECSV or VOTable."""
        import astropy.units as u
        from astropy.table import QTable

        table = QTable({"mjd": self.times * u.day})
        for name in _COLUMNS:
            unit = u.mag if name in ("mag", "mag_err", "limit") else u.ct
            table[name] = getattr(self, name) * unit
        table["band"] = self.bands
        table.meta.update({k: v for k, v in self.meta.items() if isinstance(v, str | int | float)})
        return table
