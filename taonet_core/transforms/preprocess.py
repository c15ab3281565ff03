"""From the frames of a sequence to what the networks read: one visit a night, sky removed.

Brightness is kept: every frame of every object is divided by the same constant, never by its own
minimum, maximum or noise, so that a source that doubles its flux doubles its pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence, crop_or_pad, known_number, night_index
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.transforms.apertures import SkyFrames, align
from taonet_core.transforms.field_stars import (
    choose_stars,
    pointing_shifts,
    relative_throughput,
    stellar_fwhm,
)

#: Magnitude of one count where a file gives no zero point: CRTS, 30 s.
DEFAULT_ZERO_POINT = 26.0
#: Most nights that a model reads, the last of an object: five times what the models learnt from,
#: and what bounds memory and time.
MOST_NIGHTS = 500
#: Frames that are looked at together, which bounds memory.
_TOGETHER = 64
#: Pixels beyond this (units of `PreprocessConfig.scale`) are cut: what float16 can hold, and fifty
#: times a saturated CRTS pixel.
_LARGEST = np.float32(6e4)


@dataclass(frozen=True)
class PreprocessConfig:
    """How frames become the input of a network.

    Attributes
    ----------
    size : int
        Side of the square read around the target, pixels.
    scale : float
        Counts that become 1, at `zero_point`: about the sky noise of one CRTS frame.
    zero_point : float
        Magnitude of one count to which all surveys are brought, where theirs is known.
    visit : {"mean", "first"}
        What stands for a night: the mean of its exposures, or the first usable one (as published,
        arXiv 2004.13877).
    register : bool
        Shift and scale each frame so that the stars of the field stand where they stood, and
        shine as they shone, on the first night. Cutouts are cut at whole pixels, and clouds dim
        them; without this, bright sources leave dipoles in differences of nights, and a star that
        moves or fades cannot be told from a frame that is cut elsewhere or clouded.
    """

    size: int = 64
    scale: float = 25.0
    zero_point: float = DEFAULT_ZERO_POINT
    visit: Literal["mean", "first"] = "mean"
    register: bool = False

    def __post_init__(self) -> None:
        if self.size < 32 or self.scale <= 0 or self.visit not in ("mean", "first"):
            raise ValueError(f"size >= 32, scale > 0 and visit 'mean' or 'first'; got {self}")


@dataclass(frozen=True, eq=False)
class Nights:
    """One image a night, ready for a network.

    Attributes
    ----------
    images : ndarray, shape (N, size, size), float32
        Sky-subtracted, in units of `PreprocessConfig.scale`; 0 where there was no data.
    times : ndarray, shape (N,), float64
        MJD of the last exposure of each night.
    night_of_frame : ndarray, shape (T,), int64
        Night of each frame; -1 where the frame was not used.
    unused : dict of int to str
        Why a frame was not used.
    """

    images: NDArray[np.float32]
    times: NDArray[np.float64]
    night_of_frame: NDArray[np.int64]
    unused: dict[int, str]

    def __len__(self) -> int:
        return len(self.images)


def reading_band(sequence: ImageSequence) -> str:
    """Return the filter the classifiers read: the one seen on most nights of the whole sequence.

    While frames still come in, another filter may lead.
    """
    bands, nights = sequence.bands, night_index(sequence.times)

    def score(band: str) -> tuple[int, int]:
        chosen = bands == band
        return len(np.unique(nights[chosen])), int(chosen.sum())

    return max(np.unique(bands).tolist(), key=score)


def other_filter(found: str, read: str) -> str:
    """Say why a frame of another filter is not used."""
    return f"filter {found or 'unknown'}; the model reads {read or 'unknown'}"


def frame_faults(sequence: ImageSequence) -> list[str]:
    """Say for each frame why it cannot be used; an empty string where it can.

    A frame is unusable if it is constant or empty, if less than half of it is data, or if the
    target itself (the central 5 x 5 pixels) is not.
    """
    parts = (sequence.frames[i : i + _TOGETHER] for i in range(0, len(sequence), _TOGETHER))
    return [fault for part in parts for fault in _faults(part)]


def _faults(frames: NDArray[np.float32]) -> list[str]:
    """Say the same of some frames."""
    frames = mark_missing(frames)
    good = np.isfinite(frames)
    height, width = frames.shape[1:]
    top, left = max(height // 2 - 2, 0), max(width // 2 - 2, 0)
    centre = good[:, top : height // 2 + 3, left : width // 2 + 3]
    high = np.where(good, frames, -np.inf).max((1, 2))
    low = np.where(good, frames, np.inf).min((1, 2))
    share = good.mean((1, 2))
    faults = np.where(centre.reshape(len(frames), -1).any(1), "", "no data at the target")
    faults = np.where(share < 0.5, "less than half of its pixels hold data", faults)
    return np.where(high <= low, "blank or constant", faults).tolist()


def latest_nights(
    times: NDArray[np.float64], used: NDArray[np.int64], unused: dict[int, str]
) -> NDArray[np.int64]:
    """Keep the frames of the last `MOST_NIGHTS` nights.

    Parameters
    ----------
    times : ndarray, shape (T,)
        MJD of all frames.
    used : ndarray of int
        Frames in time order.
    unused : dict of int to str
        Takes the reason for the others.
    """
    night = night_index(times[used])
    early = night <= night[-1] - MOST_NIGHTS
    said = f"earlier than the last {MOST_NIGHTS} nights, which are all that is read"
    unused.update(dict.fromkeys(used[early].tolist(), said))
    return used[~early]


def mark_missing(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return frames with NaN for all that is no data.

    Infinities become NaN, and so do blocks of exact zeros in frames where zeros make up over 1 %:
    integer images are padded with zeros beyond the edge of a chip. Single zeros are counts.
    """
    padded = frames == 0
    many = padded.mean((1, 2)) > 0.01
    padded[~many] = False
    padded[many] = _blocks(padded[many])
    return np.where(np.isfinite(frames) & ~padded, frames, np.float32(np.nan))


def _blocks(zero: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep of masks (n, H, W) what fills squares of 3 x 3 pixels, outside the frame counted in."""
    if not len(zero):
        return zero
    from scipy.ndimage import binary_opening

    wide = np.pad(zero, ((0, 0), (2, 2), (2, 2)), constant_values=True)
    return binary_opening(wide, np.ones((1, 3, 3), dtype=bool))[:, 2:-2, 2:-2]


def stack_nights(sequence: ImageSequence, config: PreprocessConfig | None = None) -> Nights:
    """Bring a sequence into the form the networks read.

    Parameters
    ----------
    sequence : ImageSequence
        With the target in its middle pixel.
    config : PreprocessConfig, optional

    Raises
    ------
    InvalidSequenceError
        If no frame is usable.
    """
    config = config or PreprocessConfig()
    unused = {i: fault for i, fault in enumerate(frame_faults(sequence)) if fault}
    band = reading_band(sequence)
    for i in np.flatnonzero(sequence.bands != band):
        unused.setdefault(int(i), other_filter(sequence.bands[i], band))
    used = np.array([i for i in range(len(sequence)) if i not in unused], dtype=np.int64)
    if not len(used):
        raise InvalidSequenceError(
            f"none of the {len(sequence)} frames of {sequence.object_id} is usable "
            f"(frame 0: {unused[0]}); give at least one frame with data at the target",
            code=Code.NO_FRAMES,
        )
    used = latest_nights(sequence.times, used, unused)
    night = night_index(sequence.times[used])
    starts = np.flatnonzero(np.diff(night, prepend=-1))
    if config.visit == "first":
        for i in np.delete(used, starts):
            unused[int(i)] = "another exposure of the night is read"
        used, night = used[starts], night[starts]
        starts = np.arange(len(used))
    night_of_frame = np.full(len(sequence), -1, dtype=np.int64)
    night_of_frame[used] = night
    ends = np.append(starts[1:], len(used)) - 1
    return Nights(
        images=_visits(_flux(sequence, used, config), starts),
        times=sequence.times[used][ends],
        night_of_frame=night_of_frame,
        unused=dict(sorted(unused.items())),
    )


def _flux(
    sequence: ImageSequence, used: NDArray[np.int64], config: PreprocessConfig
) -> NDArray[np.float32]:
    """Sky-subtracted frames in network units, NaN where there is no data, shape (n, size, size)."""
    frames = mark_missing(sequence.frames[used])
    height, width = frames.shape[1:]
    frames = frames - _medians(frames)[:, None, None]
    if config.register:
        frames = _registered(frames, sequence.select(used))
    size = config.size
    if (height, width) != (size, size):
        frames = crop_or_pad(frames, height // 2 - size // 2, width // 2 - size // 2, size, size)
    zero_point = known_number(sequence.meta, "zero_point", config.zero_point)
    unit = config.scale * 10 ** (0.4 * (zero_point - config.zero_point))
    return np.clip(frames / np.float32(unit), -_LARGEST, _LARGEST)


def _medians(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of the data of each frame."""
    flat = frames.reshape(len(frames), -1)
    missing = np.isnan(flat)
    holes = missing.any(1) & ~missing.all(1)
    medians = np.median(flat, axis=1)  # ten times faster than one that looks for NaN
    if holes.any():
        medians[holes] = np.nanmedian(flat[holes], axis=1)
    return medians


def _registered(frames: NDArray[np.float32], sequence: ImageSequence) -> NDArray[np.float32]:
    """Frames without sky, moved and scaled so that their stars are as on the first night."""
    spread = _medians(np.abs(frames[:, ::2, ::2]))  # a quarter of the pixels say it well enough
    noise = np.maximum(spread / 0.6745, 1e-6)  # of a normal distribution
    sky = SkyFrames(frames, noise.astype(np.float64), np.isfinite(frames).sum((1, 2)))
    fwhm = stellar_fwhm(sequence)
    height, width = frames.shape[1:]
    fields = choose_stars(sky, sequence, (width // 2, height // 2), fwhm)
    sky = align(sky, pointing_shifts(sky, fields, fwhm))
    throughput = relative_throughput(sky, fields, fwhm)
    return (sky.frames / throughput[:, None, None]).astype(np.float32)


def _visits(frames: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean of the exposures of each night, pixel by pixel, over what holds data."""
    good = np.isfinite(frames)
    known = np.where(good, frames, np.float32(0))
    ends = [*starts[1:].tolist(), len(frames)]
    means = np.empty((len(starts), *frames.shape[1:]), dtype=np.float32)
    for i, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
        count = good[start:end].sum(0, dtype=np.float32)  # slices: reduceat is ten times slower
        means[i] = known[start:end].sum(0) / np.maximum(count, 1)
    return means
