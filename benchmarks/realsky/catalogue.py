"""Real CRTS light curves in windows of three years, and the same catalogue made of simulated ones.

The real ones are those of MANTRA (Neira et al. 2020, ApJS 250, 11), read from the folder of
TAONET_REAL_DATA. Only objects of 300 observations or more survive in it, so they are cut into
windows of three calendar years, as long as a sequence of the simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import night_index

#: First calendar years of the windows of real curves: the six that the files cover in full.
WINDOWS = (2006, 2009)
#: Fewest points of a window: an object of 300 observations is detected at nearly every visit.
MIN_POINTS = 60
#: Minutes between exposures of one field; a real source that two fields share has shorter gaps,
#: and the simulator draws one field.
MIN_MINUTES = 4.5
#: Smallest flux over its measured error that the catalogue lists.
MIN_SNR = 2.0
_YEAR, _MJD_2000 = 365.25, 51544.0
_REFERENCE_MAG = 19.0


@dataclass(frozen=True, eq=False)
class CurveSet:
    """Light curves with what is known of them, all of length N.

    Attributes
    ----------
    curves : list of LightCurve
    labels, groups, strata : ndarray, shape (N,), str
        Class; place on the sky, the same for what must not be split; what is known besides: of
        transients, whether they were discovered before, during or after the window, and of OTHER
        the kind.
    """

    curves: list[LightCurve]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_]
    strata: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.curves)

    def select(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> CurveSet:
        """Return the curves of `index`, a mask or positions."""
        positions = np.arange(len(self))[index]
        return CurveSet(
            [self.curves[i] for i in positions],
            self.labels[positions],
            self.groups[positions],
            self.strata[positions],
        )


def join(sets: list[CurveSet]) -> CurveSet:
    """Put sets of curves one behind the other."""
    columns = (
        np.concatenate([getattr(s, n) for s in sets]) for n in ("labels", "groups", "strata")
    )
    return CurveSet([curve for s in sets for curve in s.curves], *columns)


@dataclass(frozen=True)
class ErrorModel:
    """Errors as the CRTS catalogue quotes them: a floor, and the source's photon noise.

    Attributes
    ----------
    floor : float
        Magnitudes, for the brightest.
    photon : float
        Magnitudes at `_REFERENCE_MAG`, growing as 10**(0.2 mag).
    response : float
        How errors follow the noise of a visit: by ``response * (x + x**2)``, where x is the
        logarithm of a frame's sky noise over the object's median.
    outliers : float
        Share of points that a pipeline which finds every source anew on every frame gets wrong
        (deblending, centring, cosmic rays).
    outlier_factor, outlier_floor : float
        Their extra scatter in units of the measured error, which is at least the floor, mag.
    """

    floor: float
    photon: float
    response: float = 0.45
    outliers: float = 0.04
    outlier_factor: float = 3.0
    outlier_floor: float = 0.02

    def quoted(self, mag: NDArray[np.float64]) -> NDArray[np.float64]:
        """Error of a typical frame, mag."""
        return np.hypot(self.floor, self.photon * 10 ** (0.2 * (mag - _REFERENCE_MAG)))


def load_transients(folder: Path) -> CurveSet:
    """Return windows of the real transients, five classes.

    Classes are those of the file, which counts flares as OTHER.
    """
    points = pd.read_parquet(folder / "crts" / "transients.parquet").astype({"object_id": str})
    objects = pd.read_csv(folder / "crts" / "transients_objects.csv", dtype={"object_id": str})
    objects["year"] = 2000 + objects["crts_id"].str[3:5].astype(int)
    kinds = objects["catalog_label"].map(kind_of) + " "
    objects["kind"] = kinds.where(objects["label"] == "OTHER", "")
    return _windows(points, objects)


def load_field(
    folder: Path, sample: str = "random_ge5", *, min_points: int = MIN_POINTS
) -> CurveSet:
    """Return windows of real field sources of the 0.7 m Catalina Schmidt, as class NON.

    The first digit of an identifier tells the telescope; 2 and 3 quote other errors.
    """
    points = pd.read_parquet(folder / "crts" / "nontransients.parquet")
    points["object_id"] = points["object_id"].astype(str)
    path = folder / "crts" / "nontransients_objects.csv.gz"
    objects = pd.read_csv(path, dtype={"object_id": str})
    wanted = (objects["sample"] == sample) & objects["object_id"].str.startswith("1")
    return _windows(points, objects[wanted].assign(label="NON"), min_points)


def kind_of(text: str) -> str:
    """Turn the free text of an OTHER into a kind that the simulator knows, coarsely."""
    words = text.lower()
    for kind, marks in {
        "flare": ("flare",),
        "proper_motion": ("hpm",),
        "mira": ("mira", "lpv", "carb", "cstar", "oh-ir"),
        "yso": ("yso", "ttau"),
        "variable": ("var",),
    }.items():
        if any(mark in words for mark in marks):
            return kind
    return "rest"


def fit_errors(field: CurveSet) -> ErrorModel:
    """Fit `ErrorModel` to the median quoted error in bins of half a magnitude."""
    mag = np.concatenate([curve.mag for curve in field.curves])
    err = np.concatenate([curve.mag_err for curve in field.curves])
    edges = np.arange(13.0, 20.6, 0.5)
    bins = [(mag >= low) & (mag < low + 0.5) for low in edges]
    middle = np.array([np.median(mag[chosen]) for chosen in bins])
    level = np.array([np.median(err[chosen]) for chosen in bins])
    design = np.column_stack([np.ones(len(middle)), 10 ** (0.4 * (middle - _REFERENCE_MAG))])
    weights = 1 / level**2
    squares, *_ = np.linalg.lstsq(design * weights[:, None], level**2 * weights, rcond=None)
    return ErrorModel(*(float(np.sqrt(value)) for value in squares))


def catalogue_view(
    curve: LightCurve, errors: ErrorModel, rng: np.random.Generator
) -> LightCurve | None:
    """Return what the catalogue would list of a curve measured on images, None for nothing.

    Detections alone, with the catalogue's errors and outliers, rounded as it rounds. Other than
    that the scatter is that of the images.
    """
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(curve.mag) & (curve.flux >= MIN_SNR * curve.flux_err)
    if not seen.any():
        return None
    noise = 10 ** (-0.4 * (curve.limit - np.median(curve.limit[seen])))[seen]
    curve = curve.select(seen)
    astray = rng.random(len(curve)) < errors.outliers
    extra = errors.outlier_factor * np.hypot(curve.mag_err, errors.outlier_floor) * astray
    mag = curve.mag + extra * rng.standard_normal(len(curve))
    photon = np.sqrt(errors.quoted(mag) ** 2 - errors.floor**2)
    excess = np.log(noise)
    err = np.hypot(errors.floor, photon * np.exp(errors.response * (excess + excess**2)))
    return tidied(LightCurve(curve.times, mag, err))


def tidied(curve: LightCurve) -> LightCurve:
    """Round to 0.01 mag, as the public files of field sources are, and leave one field.

    A point less than `MIN_MINUTES` after the one before is left out.
    """
    curve = replace(curve, mag=curve.mag.round(2), mag_err=curve.mag_err.round(2))
    return curve.select(np.diff(curve.times, prepend=-np.inf) * 1440 >= MIN_MINUTES)


def thin(curve: LightCurve, points: int, rng: np.random.Generator) -> LightCurve:
    """Leave out whole nights at random until no more than `points` are left, give or take two."""
    night = night_index(curve.times)
    order = rng.permutation(int(night[-1]) + 1)
    kept = np.cumsum(np.bincount(night)[order]) <= points + 2
    return curve.select(np.isin(night, order[kept]))


def _windows(points: pd.DataFrame, objects: pd.DataFrame, min_points: int = MIN_POINTS) -> CurveSet:
    curves, rows = [], []
    by_object = dict(list(points.sort_values("mjd").groupby("object_id")))
    for row in objects.itertuples():
        part = by_object[row.object_id]
        year = (part["mjd"] - _MJD_2000) / _YEAR + 2000
        for first in WINDOWS:
            window = part[(year >= first) & (year < first + 3)]
            columns = (window[name].to_numpy() for name in ("mjd", "mag", "mag_err"))
            curve = tidied(LightCurve(*columns))
            if len(curve) >= min_points:
                curves.append(curve)
                rows.append((str(row.label), f"real {row.group}", _stratum(row, first)))
    return CurveSet(curves, *(np.array(column) for column in zip(*rows, strict=True)))


def _stratum(row: Any, first: int) -> str:
    """Kind, and when the object was discovered, where the list of objects tells."""
    if not hasattr(row, "year"):
        return ""
    phase = "before" if row.year < first else "during" if row.year < first + 3 else "after"
    return f"{row.kind}{phase}"
