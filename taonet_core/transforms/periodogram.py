"""Lomb-Scargle periodograms of many light curves, and what stands out in them.

The sums are taken by FFT on a regular grid of times (Press & Rybicki 1989, ApJ 338, 277), each
point counted in its nearest cell; the periodogram is the weighted one of Zechmeister & Kürster
2009, A&A 496, 577, without its floating mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taonet_core.transforms.padded import Column

#: Grid of times, days, and its cells: frequencies are multiples of 1 / (STEP * CELLS).
STEP, CELLS = 0.05, 1 << 16
#: Bands searched, cycles a day: periods of ten days to four years, and of six hours to ten days.
BANDS = ((1 / 1500, 0.1), (0.1, 4.0))
#: Fewest points, and share of the flux added to its error, without which few bright points rule.
MIN_POINTS, FLOOR = 8, 0.03
PERIODOGRAM_NAMES = ("log_period_slow", "power_slow", "log_period_fast", "power_fast")
_BATCH = 32


def periodogram_peaks(tables: Sequence[Column]) -> Column:
    """Return the period, log10 days, and the power (0 to 1) of the highest peak of each band.

    Parameters
    ----------
    tables : sequence of ndarray, shape (4, n)
        From `taonet_core.transforms.padded_flux.flux_points`.

    Returns
    -------
    ndarray, shape (len(tables), 4), float64
        Columns in the order of `PERIODOGRAM_NAMES`; NaN for curves of few points or no change.
    """
    peaks = np.full((len(tables), len(PERIODOGRAM_NAMES)), np.nan)
    long_enough = [i for i, table in enumerate(tables) if table.shape[1] >= MIN_POINTS]
    for start in range(0, len(long_enough), _BATCH):
        rows = long_enough[start : start + _BATCH]
        power = _powers([tables[i] for i in rows])
        for column, (low, high) in enumerate(BANDS):
            first, last = (round(f * STEP * CELLS) for f in (low, high))
            best = power[:, first:last].argmax(1)
            peaks[rows, 2 * column] = np.log10(STEP * CELLS / (best + first))
            peaks[rows, 2 * column + 1] = power[np.arange(len(rows)), best + first]
    peaks[~np.isfinite(peaks).all(1)] = np.nan
    return peaks


def _powers(tables: Sequence[Column]) -> Column:
    """Power at multiples of the lowest frequency, shape (B, K); NaN for a constant flux."""
    from scipy.fft import rfft

    light, weights = np.zeros((2, len(tables), CELLS))
    for row, (time, flux, err, _) in enumerate(tables):
        weight = 1 / (err**2 + (FLOOR * flux) ** 2)
        weight /= weight.sum()
        away = flux - (weight * flux).sum()
        away /= np.sqrt((weight * away**2).sum()) or np.nan
        cell = np.round(time / STEP).astype(np.int64) % CELLS
        light[row] = np.bincount(cell, weight * away, CELLS)
        weights[row] = np.bincount(cell, weight, CELLS)
    count = round(BANDS[-1][1] * STEP * CELLS) + 1
    first = rfft(light, axis=1)[:, :count]
    twice = rfft(weights, axis=1)[:, : 2 * count : 2]
    turned = first * np.exp(-0.5j * np.angle(twice))
    contrast = np.minimum(np.abs(twice), 1 - 1e-6)
    return 2 * (turned.real**2 / (1 + contrast) + turned.imag**2 / (1 - contrast))
