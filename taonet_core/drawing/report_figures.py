"""Figures of the report as inline SVG: light curve and probabilities against time.

No script, no style from elsewhere: colours come from classes that the page defines, so that a
figure follows a light or dark page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.labels import STYLES
from taonet_core.plain_text import markup
from taonet_core.transforms.summary import is_dated

WIDTH, HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 84, 12, 34
_MOST = 4000  # points drawn; longer curves are thinned evenly


class _Axes:
    """Where values lie on a figure: time to the right, the second end of `y` at the top."""

    def __init__(self, times: NDArray[np.float64], y: tuple[float, float]) -> None:
        start, end = (float(times.min()), float(times.max())) if len(times) else (0.0, 1.0)
        pad = 0.03 * (end - start) or 0.5
        self.x, self.y = (start - pad, end + pad), y

    def place(self, time: float, value: float) -> tuple[float, float]:
        across = (time - self.x[0]) / (self.x[1] - self.x[0])
        up = (value - self.y[0]) / (self.y[1] - self.y[0])
        width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + across * width, 1), round(HEIGHT - _BOTTOM - up * height, 1)

    def frame(self, label: str, time_label: str) -> str:
        """Draw axes, ticks and their words."""
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        parts = [f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>']
        for value, words in _ticks(*self.x):
            x, _ = self.place(value, self.y[0])
            parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{words}</text>')
        for value, words in _ticks(*sorted(self.y)):
            _, y = self.place(self.x[0], value)
            parts.append(f'<path class="grid" d="M{_LEFT} {y}H{right}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{words}</text>')
        middle = (_LEFT + right) / 2
        parts.append(
            f'<text x="{middle}" y="{HEIGHT - 3}" text-anchor="middle">{time_label}</text>'
        )
        turn = f"rotate(-90 12 {(_TOP + bottom) / 2})"
        parts.append(
            f'<text x="12" y="{(_TOP + bottom) / 2}" text-anchor="middle" transform="{turn}">'
            f"{markup(label)}</text>"
        )
        return "".join(parts)


def curve_svg(curve: LightCurve) -> str:
    """Draw a light curve: magnitudes with errors, brighter up; triangles are upper limits.

    Points of the most observed filter are filled, others hollow.

    Parameters
    ----------
    curve : LightCurve
        Long curves are thinned evenly to what can be seen.

    Returns
    -------
    str
        An ``<svg>`` element; empty where nothing is measured.
    """
    keep = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _MOST)).astype(np.int64))
    curve = curve.select(keep) if len(curve) else curve
    seen = curve.detected
    limits = ~seen & np.isfinite(curve.limit)
    values = np.concatenate([curve.mag[seen], curve.limit[limits]])
    if not len(values):
        return ""
    faint, bright = float(values.max()), float(values.min())
    pad = 0.08 * (faint - bright) or 0.5
    dated = is_dated(curve.meta)
    times = curve.times if dated else curve.times + 1
    axes = _Axes(times[seen | limits], (faint + pad, bright - pad))
    leading = next(iter(curve.per_band()))
    parts = []
    for i in np.flatnonzero(limits):
        x, y = axes.place(times[i], curve.limit[i])
        parts.append(f'<path class="limit" d="M{x - 3} {y}h6l-3 5z"/>')
    for i in np.flatnonzero(seen):
        x, y = axes.place(times[i], curve.mag[i])
        if np.isfinite(error := curve.mag_err[i]):
            ends = [axes.place(0, curve.mag[i] + sign * error)[1] for sign in (1, -1)]
            low, high = (min(max(end, _TOP), HEIGHT - _BOTTOM) for end in ends)
            parts.append(f'<path class="error" d="M{x} {low}V{high}"/>')
        hollow = " hollow" if curve.bands[i] != leading else ""
        parts.append(f'<circle class="point{hollow}" cx="{x}" cy="{y}" r="2.6"/>')
    return _svg("Light curve", axes.frame("magnitude", _clock(dated)) + "".join(parts))


def probability_svg(prediction: Prediction, *, dated: bool = True) -> str:
    """Draw the probability of each class after every night.

    Parameters
    ----------
    prediction : Prediction
    dated : bool
        Whether times are MJD; else they are frame numbers, which are shown from 1.

    Returns
    -------
    str
        An ``<svg>`` element. Lines end in marker and name of the class; those above 0.03 are
        named.
    """
    times = prediction.times if dated else prediction.times + 1
    axes = _Axes(times, (0.0, 1.0))
    order = np.argsort(prediction.probabilities[-1])
    parts: list[str] = []
    taken: list[float] = []
    for k in order[::-1]:
        column, name = prediction.probabilities[:, k], prediction.classes[k]
        style = STYLES[name]
        said = np.isfinite(column)
        points = [axes.place(t, p) for t, p in zip(times[said], column[said], strict=True)]
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="line" stroke="{style.colour}" points="{line}"/>')
        dots = (f'<circle fill="{style.colour}" cx="{x}" cy="{y}" r="2"/>' for x, y in points)
        parts.append("".join(dots))
        x, y = points[-1]
        if column[-1] > 0.03:
            y = _free(y, taken)
            glyph = f'<tspan style="fill: {style.colour}">{style.glyph}</tspan>'
            words = f"{glyph} {name} {column[-1]:.2f}"
            parts.append(f'<text class="name" x="{x + 8}" y="{y + 4}">{words}</text>')
    return _svg(
        f"Probability of each class according to {prediction.model}",
        axes.frame("probability", _clock(dated)) + "".join(reversed(parts)),
    )


def shares_svg(shares: Sequence[float]) -> str:
    """Draw the share of each night in the evidence as bars.

    Parameters
    ----------
    shares : sequence of float
        One a night, 0 to 1.
    """
    most = max(shares, default=0.0) or 1.0
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(shares))
    bars = "".join(
        f'<rect class="bar" x="{_LEFT + i * width:.1f}" y="{60 - 56 * share / most:.1f}" '
        f'width="{max(1.0, width - 2):.1f}" height="{56 * share / most:.1f}"/>'
        for i, share in enumerate(shares)
    )
    top = f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{100 * most:.0f} %</text>'
    return _svg("Share of each night in the evidence", top + bars, height=64)


def _free(y: float, taken: list[float]) -> float:
    """Move a label down until it hides none of those before it."""
    while any(abs(y - other) < 13 for other in taken):
        y += 1.0
    taken.append(y)
    return y


def _clock(dated: bool) -> str:
    return "MJD" if dated else "frame"


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return about five round numbers between two, with as many decimals as their step has."""
    step = 10 ** np.floor(np.log10((high - low) / 5))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (step * f) <= 6)
    first = np.ceil(low / step)
    count = int(np.floor(high / step) - first) + 1
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    values = [round(float((first + i) * step), decimals) for i in range(count)]
    return [(value, f"{value:.{decimals}f}") for value in values]


def _svg(title: str, inner: str, height: int = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{markup(title)}">'
        f"<title>{markup(title)}</title>{inner}</svg>"
    )
