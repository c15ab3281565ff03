"""Arithmetic behind showing frames: sky levels, display limits, reference images."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.preprocess import mark_missing

#: Largest side that is sent to a browser; bigger frames are cut around their middle pixel.
MAX_SIDE = 160
#: Most pixels of one stack that are sent; longer sequences are thinned evenly.
MAX_PIXELS = 2_500_000
#: Percentiles of the pixels between which an image is stretched, by name.
PERCENTILES = {"99.5 %": (0.25, 99.75), "98 %": (1.0, 99.0), "min–max": (0.0, 100.0)}
_SAMPLE = 100_000  # about so many pixels set the display limits


def bounded_for_display(
    sequence: ImageSequence,
) -> tuple[ImageSequence, NDArray[np.int64], list[str]]:
    """Cut and thin a sequence to what a browser can hold.

    Returns
    -------
    sequence : ImageSequence
        At most `MAX_SIDE` pixels wide and high and `MAX_PIXELS` pixels in all.
    kept : ndarray, shape (n,), int64
        Which frames those are.
    said : list of str
        What was done, in sentences.
    """
    count, height, width = sequence.frames.shape
    said = []
    if max(height, width) > MAX_SIDE:
        sequence = sequence.cutout((width // 2, height // 2), MAX_SIDE)
        said.append(f"Shown: the central {MAX_SIDE} × {MAX_SIDE} of {width} × {height} pixels.")
    most = max(1, MAX_PIXELS // sequence.frames[0].size)
    kept = np.arange(count)
    if count > most:
        kept = np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
        sequence = sequence.select(kept)
        said.append(
            f"Shown: {len(kept)} of {count} frames, evenly spaced; the classifiers read them all."
        )
    return sequence, kept, said


def reference_images(
    sequence: ImageSequence,
    science: NDArray[np.float32],
    levels: NDArray[np.float32],
    usable: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Find what each frame is compared with.

    The survey's own template where the sequence has one, else the median of the usable frames of
    the same filter, each with its sky level removed.

    Parameters
    ----------
    sequence : ImageSequence
    science : ndarray, shape (T, H, W), float32, counts
        Its frames, NaN where there is no data.
    levels : ndarray, shape (T,), float32, counts
        Their sky levels.
    usable : ndarray, shape (T,), bool

    Returns
    -------
    images : ndarray, shape (R, H, W), float32, counts
        The distinct reference images.
    which : ndarray, shape (T,), int64
        The image of each frame.
    names : list of str
        What each image is.
    """
    if sequence.reference is not None:
        flat = sequence.reference.reshape(len(sequence), -1)
        _, first, which = np.unique(
            [hashlib.sha256(frame.tobytes()).hexdigest() for frame in flat],
            return_index=True,
            return_inverse=True,
        )
        return mark_missing(sequence.reference[first]), which, ["survey template"] * len(first)
    names, which = np.unique(sequence.bands, return_inverse=True)
    stack, said = [], []
    for i, name in enumerate(names):
        chosen = usable & (which == i)
        stack.append(median_of_data((science - levels[:, None, None])[chosen], axis=0))
        band = f"{name} " if name else ""
        count = int(chosen.sum())
        said.append(f"median of {count} {band}frame{'s' * (count != 1)}")
    return np.stack(stack), which, said


def sky_levels(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sky level of each image: its median, 0 where it holds no data, shape (T,)."""
    return np.nan_to_num(median_of_data(stack.reshape(len(stack), -1), axis=1))


def median_of_data(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Median over what is not NaN; NaN, without a warning, where nothing is."""
    if not values.shape[axis]:
        return np.full(np.delete(values.shape, axis), np.nan, dtype=np.float32)
    if not np.isnan(values).any():
        return np.median(values, axis=axis)
    ordered = np.sort(values, axis=axis)  # NaN last
    count = np.isfinite(values).sum(axis, keepdims=True)
    middle = [np.take_along_axis(ordered, i, axis) for i in ((count - 1) // 2, count // 2)]
    return np.asarray(sum(middle) / np.float32(2)).squeeze(axis)


def display_limits(stack: NDArray[np.float32]) -> dict[str, tuple[float, float]]:
    """Return the limits (low, high) between which all images together are stretched.

    Parameters
    ----------
    stack : ndarray, any shape
        NaN where there is no data.

    Returns
    -------
    dict
        ``"zscale"`` and the names of `PERCENTILES`; 0 and 1 where there is no data at all.
    """
    from astropy.visualization import ZScaleInterval

    values = stack.ravel()[:: max(1, stack.size // _SAMPLE)]
    values = values[np.isfinite(values)]
    if not len(values):
        return dict.fromkeys(["zscale", *PERCENTILES], (0.0, 1.0))
    limits = {"zscale": ZScaleInterval(n_samples=5000).get_limits(values)}
    limits |= {name: np.percentile(values, pair) for name, pair in PERCENTILES.items()}
    return {
        name: (float(low), float(high) if high > low else float(low) + 1.0)
        for name, (low, high) in limits.items()
    }
