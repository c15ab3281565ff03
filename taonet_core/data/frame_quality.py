"""Frames without data, frames that came twice, and doubts about the pixels of the rest."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_layouts import Frame, Reading, source_of
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.flags import Flag, Note

#: Half the side of the square at the target that tells whether it is saturated, pixels.
_TARGET = 2


def with_data(science: list[Frame], reading: Reading) -> list[Frame]:
    """Leave out frames in which no pixel holds data.

    Parameters
    ----------
    science : list of Frame
    reading : Reading
        Takes the note.

    Raises
    ------
    InvalidSequenceError
        If no frame is left.
    """
    kept = [frame for frame in science if np.isfinite(frame.pixels).any()]
    if not kept:
        text = f"none of the {len(science)} frames holds a pixel with data; choose other images"
        raise InvalidSequenceError(f"{source_of(reading)}: {text}", code=Code.NO_FRAMES)
    if len(kept) < len(science):
        text = f"{len(science) - len(kept)} frames hold no pixel with data"
        reading.dropped.append(Note(text, Flag.FRAMES_EMPTY))
    return kept


def without_repeats(science: list[Frame], kind: str, reading: Reading) -> list[Frame]:
    """Leave out exposures equal in time, filter and every pixel.

    Frames of equal pixels at other times or places are kept, and doubted: no two exposures have
    the same noise. Constant frames say nothing of that.

    Parameters
    ----------
    science : list of Frame
        In time order.
    kind : {"mjd", "index"}
        Without times, pixels and filter tell; the planes of a cube are all kept.
    reading : Reading
        Takes the notes.
    """
    alike = Counter(_row(frame) for frame in science)
    kept: dict[object, Frame] = {}
    seen: dict[object, int] = {}
    for i, frame in enumerate(science):
        if alike[_row(frame)] == 1:
            kept[i] = frame
            continue
        pixels = hashlib.sha256(frame.pixels.tobytes()).digest()
        alone = reading.layout == "cube" or _constant(frame)
        time = frame.time if kind == "mjd" else i if alone else None
        kept.setdefault((time, frame.columns.get("band"), frame.pixels.shape, pixels), frame)
    for key, frame in kept.items():
        if isinstance(key, tuple) and not _constant(frame):
            seen[key[1:]] = seen.get(key[1:], 0) + 1
    if len(kept) < len(science):
        text = f"{len(science) - len(kept)} frames are exact duplicates"
        reading.dropped.append(Note(text, Flag.DUPLICATE_FRAMES))
    twice = sum(count for count in seen.values() if count > 1)
    if twice:
        text = f"{twice} frames have the pixels of another; check where they come from"
        reading.notes.append(Note(text, Flag.DUPLICATE_FRAMES))
    return list(kept.values())


def _row(frame: Frame) -> bytes:
    """Return the middle row of a frame: what differs there needs no closer look."""
    return frame.pixels[len(frame.pixels) // 2].tobytes()


def _constant(frame: Frame) -> bool:
    return bool((frame.pixels == frame.pixels.flat[0]).all())


def pixel_doubts(frames: NDArray[np.float32], saturation: float | None) -> list[str]:
    """Say how many frames are mostly without data, constant, or saturated.

    Parameters
    ----------
    frames : ndarray, shape (T, H, W), float32
    saturation : float or None
        Counts at which a pixel is full.

    Returns
    -------
    list of str
        Notes.
    """
    bad = constant = full = 0
    for frame in frames:
        low, high = float(frame.min()), float(frame.max())
        if not np.isfinite(low) or not np.isfinite(high):
            good = np.isfinite(frame)
            bad += 2 * np.count_nonzero(good) < frame.size
            low, high = (frame[good].min(), frame[good].max()) if good.any() else (0.0, 0.0)
        constant += low == high
        full += saturation is not None and high >= saturation and _is_full(frame, saturation)
    doubts = {
        Flag.BAD_PIXELS: (bad, "hold data in less than half of their pixels"),
        Flag.CONSTANT_FRAMES: (constant, "are constant: there is nothing in them"),
        Flag.SATURATED: (full, "are saturated at the target"),
    }
    return [
        Note(f"{count} of {len(frames)} frames {what}", flag)
        for flag, (count, what) in doubts.items()
        if count
    ]


def _is_full(frame: NDArray[np.float32], saturation: float) -> bool:
    """Return whether the target is saturated."""
    y, x = frame.shape[0] // 2, frame.shape[1] // 2
    rows = slice(max(y - _TARGET, 0), y + _TARGET + 1)
    columns = slice(max(x - _TARGET, 0), x + _TARGET + 1)
    return bool((frame[rows, columns] >= saturation).any())
