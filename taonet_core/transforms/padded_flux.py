"""Forced photometry of many objects side by side, point by point and night by night."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import known_number, night_index
from taonet_core.transforms.padded import LARGEST_MAG, Column, SortedRows, pad_rows
from taonet_core.transforms.photometry import DEFAULT_ZERO_POINT, POGSON

#: Fluxes are in units of a source of this magnitude.
ZERO_POINT = 20.0
#: A season ends where a field was not visited for this long, days.
SEASON_GAP = 60.0
#: A flux below this (26 mag) counts as it.
FAINTEST = 10 ** (-0.4 * (26.0 - ZERO_POINT))
_UNKNOWN_ERROR = 0.1  # of the flux, where a curve knows none of its errors


def magnitude(flux: NDArray[Any]) -> Column:
    """Return magnitudes of fluxes, none fainter than that of `FAINTEST`."""
    return ZERO_POINT - 2.5 * np.log10(np.maximum(flux, FAINTEST))


def quotient(above: NDArray[Any], below: NDArray[Any]) -> Column:
    """Divide, giving NaN where the divisor is not above 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


@dataclass(frozen=True, eq=False)
class PaddedFlux:
    """Fluxes side by side, padded at the end.

    Attributes
    ----------
    time, flux, err : ndarray, shape (B, N), float64
        Days from the first point; flux and error in units of a source of 20 mag; zero where
        padded.
    other : ndarray, shape (B, N), float64
        Of points the night they belong to; of nights chi-square about the night's mean for each
        degree of freedom, NaN for a single point.
    mask : ndarray, shape (B, N), bool
        True where there is a point.
    """

    time: Column
    flux: Column
    err: Column
    other: Column
    mask: NDArray[np.bool_]

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Points of each curve, shape (B,)."""
        return self.mask.sum(1)

    @cached_property
    def weight(self) -> Column:
        """Inverse variance, zero where padded, shape (B, N)."""
        return np.divide(1.0, self.err**2, out=np.zeros_like(self.err), where=self.mask)

    @cached_property
    def mean(self) -> Column:
        """Mean flux weighted by inverse variance, shape (B,)."""
        return (self.weight * self.flux).sum(1) / self.weight.sum(1)

    @cached_property
    def mean_err(self) -> Column:
        """Error of the weighted mean, shape (B,)."""
        return 1 / np.sqrt(self.weight.sum(1))

    @cached_property
    def delta(self) -> Column:
        """Distance from the weighted mean in units of the error, zero where padded, (B, N)."""
        distance = self.flux - self.mean[:, None]
        return np.divide(distance, self.err, out=np.zeros_like(self.err), where=self.mask)

    @cached_property
    def sorted_flux(self) -> SortedRows:
        """Fluxes in order."""
        return SortedRows(self.flux, self.mask)

    @cached_property
    def median(self) -> Column:
        """Median flux, shape (B,)."""
        return self.sorted_flux.quantile(0.5)

    @cached_property
    def typical_err(self) -> Column:
        """Median error, shape (B,)."""
        return SortedRows(self.err, self.mask).quantile(0.5)

    @cached_property
    def excess(self) -> Column:
        """Flux above the median in units of the error, -inf where padded, shape (B, N)."""
        above = self.flux - self.median[:, None]
        return np.divide(above, self.err, out=np.full_like(self.err, -np.inf), where=self.mask)

    @cached_property
    def peak(self) -> NDArray[np.int64]:
        """Position of the most significant brightening, shape (B,)."""
        return self.excess.argmax(1)

    @cached_property
    def season(self) -> NDArray[np.int64]:
        """Season of each point from zero, -1 where padded, shape (B, N)."""
        gap = np.diff(self.time, axis=1, prepend=self.time[:, :1]) > SEASON_GAP
        return np.where(self.mask, np.cumsum(gap, axis=1), -1)

    def at(self, values: Column, index: NDArray[np.int64]) -> Column:
        """Return one value a curve; NaN where the index lies outside it, shape (B,)."""
        inside = (index >= 0) & (index < self.count)
        rows = np.arange(len(values))
        return np.where(inside, values[rows, np.clip(index, 0, values.shape[1] - 1)], np.nan)


def flux_points(curve: LightCurve) -> Column:
    """Return what the flux features read of a curve, shape (4, n).

    Rows are days from the first point, flux and error in units of a source of `ZERO_POINT`, and
    the night. Only the filter with most measurements is read. Of a table of magnitudes the fluxes
    follow from them. An unknown error counts as the median error of the curve.
    """
    if np.isfinite(curve.flux).any():
        zero_point = known_number(curve.meta, "zero_point", DEFAULT_ZERO_POINT)
        scale = 10 ** (-0.4 * (zero_point - ZERO_POINT))
        flux, err = scale * curve.flux, scale * curve.flux_err
    else:
        mag = np.where(np.abs(curve.mag) < LARGEST_MAG, curve.mag, np.nan)
        flux = 10 ** (0.4 * (ZERO_POINT - mag))
        err = flux * curve.mag_err / POGSON
    chosen = np.isfinite(flux)
    names, counts = np.unique(curve.bands[chosen], return_counts=True)
    if len(names) > 1:
        chosen &= curve.bands == names[np.argmax(counts)]
    times, flux, err = curve.times[chosen], flux[chosen], err[chosen]
    good = np.isfinite(err) & (err > 0)
    if not good.all():
        usual = np.median(err[good]) if good.any() else _UNKNOWN_ERROR * np.abs(flux)
        err = np.maximum(np.where(good, err, usual), 1e-9)
    return np.stack([times - times[:1].sum(), flux, err, night_index(times)])


def night_means(points: Column) -> Column:
    """Join the points of each night, shape (4, nights).

    Parameters
    ----------
    points : ndarray, shape (4, n)
        From `flux_points`.

    Returns
    -------
    ndarray, shape (4, nights)
        Time, flux, error of the mean weighted by inverse variance, and chi-square about it for
        each degree of freedom, NaN for a single point.
    """
    time, flux, err, night = points
    starts = np.flatnonzero(np.diff(night, prepend=-1.0))
    if not len(starts):
        return np.empty((4, 0))
    weight = err**-2
    total = np.add.reduceat(weight, starts)
    mean = np.add.reduceat(weight * flux, starts) / total
    when = np.add.reduceat(weight * time, starts) / total
    squares = np.add.reduceat(weight * (flux - mean[night.astype(int)]) ** 2, starts)
    freedom = np.diff(starts, append=len(night)) - 1.0
    scatter = np.divide(squares, freedom, out=np.full(len(starts), np.nan), where=freedom > 0)
    return np.stack([when, mean, total**-0.5, scatter])


def night_magnitudes(nights: Column) -> Column:
    """Return days, magnitude and its error of every night, shape (3, nights).

    Parameters
    ----------
    nights : ndarray, shape (4, nights)
        From `night_means`. A flux below its error counts as it.
    """
    time, flux, err, _ = nights
    bright = np.maximum(flux, err)
    return np.stack([time, magnitude(bright), POGSON * err / bright])


def pad_flux(tables: Sequence[Column]) -> Iterator[tuple[NDArray[np.int64], PaddedFlux]]:
    """Lay tables of `flux_points` or `night_means` side by side, without the empty ones.

    Yields
    ------
    rows : ndarray of int
        Which curves these are.
    batch : PaddedFlux
    """
    for rows, padded, mask in pad_rows(tables, 1):
        yield rows, PaddedFlux(padded[0], padded[1], padded[2], padded[3], mask)
