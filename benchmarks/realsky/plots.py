"""Plots of `docs/realism.md`: real in blue, simulated in orange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from realsky import stamps
from realsky.catalogue import CurveSet
from realsky.tell_apart import describe, feature_names

mpl.use("Agg")
_REAL, _SIMULATED = "#0072B2", "#E69F00"
_SHOWN = ("mag q50", "std", "skew", "night scatter", "mean error", "max_slope")


def plot_marginals(pairs: dict[str, tuple[CurveSet, CurveSet]], path: Path) -> None:
    """Cumulative distributions of six statistics of each class."""
    figure, axes = _figure(len(pairs), len(_SHOWN), (11, 1.6 * len(pairs)))
    columns = [feature_names().index(name) for name in _SHOWN]
    for row, (label, sides) in zip(axes, pairs.items(), strict=True):
        tables = [describe(side.curves) for side in sides]
        for ax, column, name in zip(row, columns, _SHOWN, strict=True):
            for table, colour in zip(tables, (_REAL, _SIMULATED), strict=True):
                ax.ecdf(table[:, column], color=colour)
            low, high = np.quantile(np.concatenate([t[:, column] for t in tables]), [0.02, 0.98])
            ax.set(xlim=(low, high), yticks=[])
            ax.tick_params(labelsize=6)
            ax.set_title(name if row[0] is axes[0][0] else "", fontsize=8)
        row[0].set_ylabel(label, fontsize=9)
    _save(figure, path)


def plot_errors(table: dict[str, Any], path: Path) -> None:
    """Scatter within a visit and quoted error against magnitude."""
    figure, axes = _figure(1, 2, (8, 3))
    for ax, what in zip(axes[0], ("scatter", "error"), strict=True):
        for side, colour in (("real", _REAL), ("simulated", _SIMULATED)):
            ax.semilogy(
                table["magnitude"], table[f"{what}, {side}"], "o-", color=colour, label=side
            )
        ax.set(xlabel="magnitude")
    axes[0][0].set_ylabel("scatter within a visit, mag")
    axes[0][1].set_ylabel("quoted error, mag")
    axes[0][0].legend(frameon=False)
    _save(figure, path)


def plot_cadence(table: dict[str, Any], path: Path) -> None:
    """Quantiles of visits, gaps and seasons, simulated against real."""
    figure, axes = _figure(1, len(table), (14, 2.4))
    for ax, (name, sides) in zip(axes[0], table.items(), strict=True):
        top = max(max(sides["real"]), max(sides["simulated"]))
        ax.plot([0, top], [0, top], color="0.7", linewidth=1)
        ax.plot(sides["real"], sides["simulated"], "o", color=_SIMULATED)
        ax.set_title(name, fontsize=7)
        ax.tick_params(labelsize=6)
        ax.set_xlabel("real", fontsize=7)
    axes[0][0].set_ylabel("simulated", fontsize=7)
    _save(figure, path)


def plot_pixels(
    real: dict[str, stamps.Stamps], simulated: dict[str, stamps.Stamps], path: Path
) -> None:
    """Noise, width of stars, background and power spectrum of stamps, a row a filter."""
    figure, axes = _figure(len(real), 4, (12, 2.6 * len(real)))
    for row, band in zip(axes, real, strict=True):
        for side, colour, name in ((real, _REAL, "real"), (simulated, _SIMULATED, "simulated")):
            _plot_stamps(row, side[band], colour, name)
        row[0].set(xlabel="noise, counts", xscale="log", ylabel=f"filter {band}")
        row[1].set(xlabel="width of stars, pixels", xlim=(1, 5))
        row[2].set(xlabel="(pixel - sky) / noise")
        row[3].set(xlabel="cycles a pixel", ylabel="power / white noise")
    axes[0][0].legend(frameon=False)
    _save(figure, path)


def _plot_stamps(row: list[Axes], side: stamps.Stamps, colour: str, name: str) -> None:
    found, power = stamps.describe_stamps(side), stamps.power_spectrum(side)
    widths = found["width of stars, pixels"]
    row[0].ecdf(found["noise, counts"], color=colour, label=name)
    row[1].ecdf(widths[np.isfinite(widths)], color=colour)
    edges = np.linspace(-6, 12, 91)
    pixels = stamps.background(side)
    row[2].hist(pixels, edges, density=True, histtype="step", color=colour, log=True)
    row[3].loglog((np.arange(len(power)) + 0.5) / (2 * len(power)), power, color=colour)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[list[Axes]]]:
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter(NullFormatter())
    figure.savefig(path, dpi=80)
    plt.close(figure)
