"""Frames as grey images: north up, east left, one stretch for the whole sequence.

What the epoch viewer does in the browser, for pictures and reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence, crop_or_pad
from taonet_core.transforms.display import (
    bounded_for_display,
    display_limits,
)
from taonet_core.transforms.planes import PLANES, image_planes
from taonet_core.transforms.preprocess import night_index
from taonet_core.transforms.skyview import sky_geometry

#: How brightness between the limits, 0 to 1, becomes grey, 0 to 1; as in the epoch viewer.
STRETCHES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "asinh": lambda t: np.arcsinh(3 * t) / np.arcsinh(3),
    "linear": lambda t: t,
    "log": lambda t: np.log1p(1000 * t) / np.log(1001),
    "sqrt": np.sqrt,
}
_QUIET = 3.0  # differences are shown over this many times the interval: mid-grey noise
_BARS = (60, 30, 10, 5, 2, 1, 0.5, 0.2)  # lengths of the scale bar, arcsec


@dataclass(frozen=True, eq=False)
class Panels:
    """The images of a sequence, ready to be shown.

    Parameters
    ----------
    sequence : ImageSequence
        As shown: cut and thinned where it was too large.
    curve : LightCurve or None
        One point a frame shown.
    kept : ndarray, shape (T,), int64
        Number of each frame shown in the whole sequence.
    reduced : list of str
        What was cut or thinned, in sentences.
    faults : list of str
        Why each frame cannot be used; empty where it can.
    stretch, interval : str
        Names of `STRETCHES`, and of the limits `display_limits` returns.
    sky : dict
        What `sky_geometry` returns.
    """

    sequence: ImageSequence
    curve: LightCurve | None
    kept: NDArray[np.int64]
    reduced: list[str]
    faults: list[str]
    stretch: str
    interval: str
    sky: dict[str, Any]
    _stacks: dict[str, NDArray[np.float32]]
    _limits: dict[str, tuple[float, float]]

    def image(self, name: str, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return one image as it is looked at, the first row at the top.

        Parameters
        ----------
        name : {"science", "reference", "difference"}
        frame : int
            Of the frames shown.

        Returns
        -------
        grey : ndarray, shape (H, W), uint8
            0 black to 255 white; 0 where there is no data.
        missing : ndarray, shape (H, W), bool
            Where there is no data.
        """
        low, high = self._limits[name]
        values = self.turned(self._stacks[name][frame]).astype(np.float64)
        missing = ~np.isfinite(values)
        share = np.clip((np.where(missing, low, values) - low) / (high - low), 0, 1)
        curve = STRETCHES[self.stretch]
        if name == "difference":  # mirrored about nothing, which is mid-grey
            share = 0.5 + 0.5 * np.sign(share - 0.5) * curve(np.abs(2 * share - 1))
        else:
            share = curve(share)
        return np.where(missing, 0, np.round(255 * share)).astype(np.uint8), missing

    @property
    def target(self) -> tuple[float, float]:
        """Where the target lies on an image, from the left and from the top, pixels."""
        x, y = self.sky["target"]
        height, width = self.sequence.frames.shape[1:]
        columns, rows = (height, width) if self.sky["transpose"] else (width, height)
        right, up = (y, x) if self.sky["transpose"] else (x, y)
        right = columns - 1 - right if self.sky["flip_x"] else right
        up = rows - 1 - up if self.sky["flip_y"] else up
        return float(right), float(rows - 1 - up)

    @property
    def scale_bar(self) -> tuple[float, float] | None:
        """Length of a round scale bar, (arcsec, pixels); None where the scale is unknown."""
        scale = self.sky["scale"]
        if not scale:
            return None
        height, width = self.sequence.frames.shape[1:]
        across = (height if self.sky["transpose"] else width) * scale
        length = next((bar for bar in _BARS if bar <= 0.45 * across), _BARS[-1])
        return length, length / scale

    def nearest(self, frame: int) -> int:
        """Return the frame shown that is nearest to one of the whole sequence."""
        return int(np.argmin(np.abs(self.kept - frame)))

    def night_frames(self) -> list[int]:
        """Return one frame shown a night, the first that can be used."""
        dated = self.sequence.meta.get("time_kind", "mjd") == "mjd"
        count = len(self.sequence)
        nights = night_index(self.sequence.times) if dated else np.arange(count)
        usable = np.array([not fault for fault in self.faults])
        chosen = []
        for night in np.unique(nights):
            members = np.flatnonzero(nights == night)
            good = members[usable[members]]
            chosen.append(int((good if len(good) else members)[0]))
        return chosen

    def cut(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut an image of the whole frame, (H, W), to the part that is shown."""
        height, width = self.sequence.frames.shape[1:]
        top, left = (
            whole // 2 - part // 2 if whole > part else 0
            for whole, part in zip(image.shape, (height, width), strict=True)
        )
        return crop_or_pad(image, top, left, height, width)

    def turned(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn an image whose first row is at the bottom so that it is looked at from the top."""
        image = image.T if self.sky["transpose"] else image
        image = image[:, ::-1] if self.sky["flip_x"] else image
        image = image[::-1] if self.sky["flip_y"] else image
        return image[::-1]


def whole_frame(sequence: ImageSequence, shown: int) -> int:
    """Return the number, in the whole sequence, of a frame that is shown of it."""
    return int(bounded_for_display(sequence)[1][shown])


def field_of_view(sequence: ImageSequence) -> float | None:
    """Return how wide the frames are shown on the sky (arcsec); None where that is unknown.

    Parameters
    ----------
    sequence : ImageSequence
    """
    shown, _, _ = bounded_for_display(sequence)
    scale = sky_geometry(shown)["scale"]
    return None if not scale else float(max(shown.frames.shape[1:]) * scale)


def make_panels(
    sequence: ImageSequence,
    curve: LightCurve | None = None,
    *,
    stretch: str = "asinh",
    interval: str = "zscale",
) -> Panels:
    """Prepare the images of a sequence.

    Parameters
    ----------
    sequence : ImageSequence
    curve : LightCurve, optional
        One point a frame.
    stretch : {"asinh", "linear", "log", "sqrt"}
    interval : {"zscale", "99.5 %", "98 %", "min–max"}
        Limits of the stretch, from all usable frames together.

    Raises
    ------
    ValueError
        If stretch or interval is another.
    """
    if stretch not in STRETCHES:
        raise ValueError(f"stretch is one of {sorted(STRETCHES)}, not {stretch!r}")
    shown, kept, reduced = bounded_for_display(sequence)
    planes = image_planes(shown)
    stacks = dict(zip(PLANES, (planes.flat, planes.reference, planes.difference), strict=True))
    limits = {
        name: display_limits(stacks["science" if name == "reference" else name][planes.seen])
        for name in PLANES
    }
    if interval not in limits["science"]:
        raise ValueError(f"interval is one of {sorted(limits['science'])}, not {interval!r}")
    chosen = {name: found[interval] for name, found in limits.items()}
    most = _QUIET * max(abs(end) for end in chosen["difference"])
    chosen["difference"] = (-most, most)
    return Panels(
        shown,
        None if curve is None else curve.select(kept),
        kept,
        reduced,
        planes.faults,
        stretch,
        interval,
        sky_geometry(shown),
        stacks,
        chosen,
    )
