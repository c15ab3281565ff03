"""Many light curves of unequal length side by side, with what several features share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve

#: Orders of the polynomials fitted to a light curve.
POLYNOMIAL_ORDERS = (1, 2, 3, 4)
#: A number beyond this is not a magnitude; an error below that says nothing.
LARGEST_MAG, SMALLEST_ERR = 1e3, 1e-6
_CHUNK = 1 << 18  # padded points worked on at once: what stays in a CPU's cache

Column = NDArray[np.float64]


def ratio(above: Column, below: Column) -> Column:
    """Divide, giving 0 where the divisor is 0."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below != 0)


@dataclass(frozen=True, eq=False)
class PaddedCurves:
    """Light curves side by side, padded at the end, with what several features share.

    Attributes
    ----------
    time, mag, err : ndarray, shape (B, N), float64
        Days, magnitudes, magnitudes; zero where padded.
    mask : ndarray, shape (B, N), bool
        True where there is a point.
    """

    time: Column
    mag: Column
    err: Column
    mask: NDArray[np.bool_]

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Points of each curve, shape (B,)."""
        return self.mask.sum(1)

    @cached_property
    def mean(self) -> Column:
        """Plain mean magnitude, shape (B,)."""
        return self.mag.sum(1) / self.count

    @cached_property
    def residual(self) -> Column:
        """Magnitude minus its mean, zero where padded, shape (B, N)."""
        return np.where(self.mask, self.mag - self.mean[:, None], 0.0)

    @cached_property
    def std(self) -> Column:
        """Sample standard deviation (N - 1), shape (B,); exactly zero for a constant curve."""
        spread = np.ptp(self.sorted_mag.ends, axis=1)
        std = np.sqrt((self.residual**2).sum(1) / (self.count - 1))
        return np.where(spread > 0, std, 0.0)

    @cached_property
    def delta(self) -> Column:
        """Stetson's normalised residuals, shape (B, N)."""
        bias = np.sqrt(self.count / (self.count - 1))[:, None]
        return ratio(bias * self.residual, self.err) * (self.std > 0)[:, None]

    @cached_property
    def sorted_mag(self) -> SortedRows:
        """Magnitudes in order."""
        return SortedRows(self.mag, self.mask)

    @cached_property
    def flux(self) -> Column:
        """Flux in units of that of the median magnitude, shape (B, N).

        The paper prints ``10**(+0.4 mag)``; the sign here is the physical one.
        """
        brighter = self.sorted_mag.quantile(0.5)[:, None] - self.mag
        return np.where(self.mask, 10 ** (0.4 * np.clip(brighter, -50, 50)), 0.0)

    @cached_property
    def sorted_flux(self) -> SortedRows:
        """Fluxes in order."""
        return SortedRows(self.flux, self.mask)

    @cached_property
    def rises(self) -> NDArray[np.bool_]:
        """Whether each point is fainter (larger in magnitude) than the last, shape (B, N - 1)."""
        return (np.diff(self.mag, axis=1) > 0) & self.mask[:, 1:]

    @cached_property
    def polynomials(self) -> dict[int, Column]:
        """Coefficients of the fits of order 1 to 4: order -> (B, order + 1), constant first."""
        return _polynomials(self)


class SortedRows:
    """Rows in order, to take quantiles of rows of unequal length."""

    def __init__(self, values: Column, mask: NDArray[np.bool_]) -> None:
        self.values = np.sort(np.where(mask, values, np.inf), axis=1)
        self.last = mask.sum(1) - 1

    def quantile(self, q: float) -> Column:
        """Return the quantile of each row, linear between points, shape (B,)."""
        position = q * self.last
        low = np.floor(position).astype(np.int64)
        high = np.minimum(low + 1, self.last)
        rows = np.arange(len(self.values))
        below, above = self.values[rows, low], self.values[rows, high]
        return below + (above - below) * (position - low)

    @property
    def ends(self) -> Column:
        """Smallest and largest value of each row, shape (B, 2)."""
        return np.stack([self.quantile(0.0), self.quantile(1.0)], axis=1)


def _polynomials(curves: PaddedCurves) -> dict[int, Column]:
    """Fit all orders at once on orthogonal polynomials (Forsythe 1957).

    An order that the epochs cannot tell from the lower ones (too few distinct times) adds nothing.
    """
    mask = curves.mask
    x = np.where(mask, curves.time - (curves.time.sum(1) / curves.count)[:, None], 0.0)
    scale = np.abs(x).max(1)
    scale[scale == 0] = 1.0
    x = x / scale[:, None]
    basis, before = mask.astype(float), np.zeros_like(x)  # P_0 and P_-1 at the epochs
    power = np.zeros((len(x), POLYNOMIAL_ORDERS[-1] + 1))  # P_0 as coefficients of 1, x, x², …
    power[:, 0] = 1.0
    power_before = np.zeros_like(power)
    norm, norm_before = (basis**2).sum(1), np.ones(len(x))
    total, fits = np.zeros_like(power), {}
    for order in range(POLYNOMIAL_ORDERS[-1] + 1):
        usable = norm > 1e-12 * curves.count
        weight = ratio((basis * curves.residual).sum(1), np.where(usable, norm, 0.0))
        total = total + weight[:, None] * power
        fits[order] = total / scale[:, None] ** np.arange(power.shape[1])
        shift = ratio((x * basis**2).sum(1), norm)[:, None]
        back = ratio(norm, norm_before)[:, None] * (order > 0)
        raised = np.roll(power, 1, axis=1)
        raised[:, 0] = 0.0
        basis, before = np.where(mask, (x - shift) * basis - back * before, 0.0), basis
        power, power_before = raised - shift * power - back * power_before, power
        norm, norm_before = (basis**2).sum(1) * usable, norm
    return fits


def pad_curves(
    curves: Sequence[LightCurve], *, min_points: int
) -> Iterator[tuple[NDArray[np.int64], PaddedCurves]]:
    """Group curves of like length, so that little is padded and memory is bounded.

    Parameters
    ----------
    curves : sequence of LightCurve
        Points without a magnitude, or with an absurd one, are passed over. An unknown or
        non-positive error counts as the median error of its curve (1 mag where none is known).
    min_points : int
        Curves with fewer points are left out.

    Yields
    ------
    rows : ndarray of int
        Which curves these are.
    batch : PaddedCurves
    """
    for rows, padded, mask in pad_rows([_points(curve) for curve in curves], min_points):
        yield rows, PaddedCurves(padded[0], padded[1], padded[2], mask)


def pad_rows(
    points: Sequence[Column], min_points: int
) -> Iterator[tuple[NDArray[np.int64], Column, NDArray[np.bool_]]]:
    """Lay tables of unequal length side by side, those of like length together.

    Parameters
    ----------
    points : sequence of ndarray, each of shape (C, n)
        One table of C columns a curve, in time order.
    min_points : int
        Shorter tables are left out.

    Yields
    ------
    rows : ndarray of int, shape (B,)
        Which tables these are.
    padded : ndarray, shape (C, B, N), float64
        Zero where padded.
    mask : ndarray, shape (B, N), bool
        True where there is a point.
    """
    lengths = np.array([p.shape[1] for p in points], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] >= min_points]
    while len(order):
        size = np.arange(1, len(order) + 1) * lengths[order]
        take = max(1, int(np.searchsorted(size, _CHUNK, side="right")))
        rows, order = order[:take], order[take:]
        mask = np.arange(lengths[rows].max()) < lengths[rows][:, None]
        padded = np.zeros((len(points[rows[0]]), *mask.shape))
        padded[:, mask] = np.concatenate([points[i] for i in rows], axis=1)
        yield rows, padded, mask


def _points(curve: LightCurve) -> Column:
    """Time from the first point, magnitude and error of the measured points, shape (3, n)."""
    chosen = np.abs(curve.mag) < LARGEST_MAG  # NaN is not
    time, err = curve.times[chosen], curve.mag_err[chosen]
    good = np.isfinite(err) & (err > 0)
    if not good.all():
        err = np.where(good, err, np.median(err[good]) if good.any() else 1.0)
    return np.stack([time - time[:1].sum(), curve.mag[chosen], np.maximum(err, SMALLEST_ERR)])
