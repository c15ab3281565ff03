"""`ImageSequence`: the one object that everything passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from taonet_core.errors import Code, InvalidSequenceError

if TYPE_CHECKING:
    from astropy.wcs import WCS

#: Exposures further apart than this belong to two visits (days). Long enough for the wrong clocks
#: of 2005-2007, which spread four exposures over 0.8 d; short enough for every real night.
NIGHT_GAP = 0.3


@dataclass(frozen=True, eq=False)
class ImageSequence:
    """Cutouts of one object in time order.

    Parameters
    ----------
    frames : array_like, shape (T, H, W)
        Science images in counts; NaN means "no data". Kept as native float32, read-only.
    times : array_like, shape (T,)
        Mid or start of each exposure, MJD; finite and non-decreasing. Where the file had no
        times, the frame index, and ``meta["time_kind"]`` says ``"index"``.
    wcs : astropy.wcs.WCS, optional
        Celestial WCS of the frames, shared by all.
    meta : mapping
        What is known of the object. Keys in use, all optional: ``object_id``, ``label`` (a
        `TransientClass` value), ``class_text`` (the class in the file's own words), ``ra`` and
        ``dec`` (ICRS degrees), ``mag`` (at discovery), ``ut_date`` (of discovery, YYYYMMDD.dd),
        ``unit``, ``source`` (where it was read), ``layout``, ``survey``, ``pixel_scale``
        (arcsec), ``fwhm_pix``, ``zero_point`` (mag of 1 count), ``gain`` (electrons a count),
        ``saturation`` (counts), ``simulated`` (bool), ``header`` (cards of a simulated object),
        ``time_kind`` (``"mjd"`` or ``"index"``), ``notes`` (what was assumed, a list of
        sentences), ``dropped`` (what was left out, a list of sentences) and ``flags`` (words for
        both, sorted: `taonet_core.flags.Flag`).
    columns : mapping of str to array_like, each shape (T,)
        Whatever is known frame by frame. In use: ``band``, ``date``, ``field_id``,
        ``obs_in_seq``, ``cutout``, ``exposure``.
    reference : array_like, shape (T, H, W), optional
        Template of each frame, counts, where the survey ships one.
    difference : array_like, shape (T, H, W), optional
        Science minus template as the survey made it, counts.

    Raises
    ------
    InvalidSequenceError
        If shapes disagree, there is no frame, or times are not finite and sorted.
    """

    frames: NDArray[np.float32]
    times: NDArray[np.float64]
    wcs: WCS | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    reference: NDArray[np.float32] | None = None
    difference: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        frames = _frozen(self.frames, np.float32)
        times = _frozen(self.times, np.float64)
        if frames.ndim != 3 or 0 in frames.shape:
            raise InvalidSequenceError(
                f"an image sequence needs frames of shape (T, H, W), none empty; got {frames.shape}"
                "; give at least one",
                code=Code.NO_FRAMES,
            )
        if times.shape != frames.shape[:1]:
            raise InvalidSequenceError(
                f"{len(frames)} frames need as many times; got shape {times.shape}"
            )
        if not np.isfinite(times).all() or (np.diff(times) < 0).any():
            raise InvalidSequenceError("times must be finite and in order; sort the frames first")
        columns = {name: _frozen(values, None) for name, values in self.columns.items()}
        for name, values in columns.items():
            if values.shape != times.shape:
                raise InvalidSequenceError(
                    f"column {name!r} needs one value a frame ({len(times)}); got {values.shape}"
                )
        set_ = object.__setattr__
        set_(self, "frames", frames)
        set_(self, "times", times)
        set_(self, "meta", dict(self.meta))
        set_(self, "columns", columns)
        for name in ("reference", "difference"):
            stack = getattr(self, name)
            if stack is not None:
                stack = _frozen(stack, np.float32)
                if stack.shape != frames.shape:
                    raise InvalidSequenceError(
                        f"{name} needs the shape of the frames {frames.shape}; got {stack.shape}"
                    )
                set_(self, name, stack)

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        height, width = self.frames.shape[1:]
        clock = "MJD" if self.meta.get("time_kind", "mjd") == "mjd" else "index"
        bands = ", ".join(sorted(set(self.bands.tolist()) - {""})) or "unknown"
        return (
            f"<ImageSequence {self.object_id}: {len(self)} frames of {height} x {width} pixels, "
            f"{clock} {self.times[0]:.3f} to {self.times[-1]:.3f}, filter {bands}>"
        )

    @property
    def object_id(self) -> str:
        """Name of the object; ``"unnamed"`` where none is known."""
        return str(self.meta.get("object_id") or "unnamed")

    @property
    def bands(self) -> NDArray[np.str_]:
        """Filter of each frame, shape (T,); empty strings where unknown."""
        if "band" in self.columns:
            return self.columns["band"].astype(str)
        return np.full(len(self), "", dtype="<U1")

    def select(self, index: ArrayLike | slice) -> ImageSequence:
        """Return the frames of `index` (boolean mask, integers in order, or a slice)."""
        index = index if isinstance(index, slice) else np.asarray(index)
        return replace(
            self,
            frames=self.frames[index],
            times=self.times[index],
            columns={name: values[index] for name, values in self.columns.items()},
            reference=None if self.reference is None else self.reference[index],
            difference=None if self.difference is None else self.difference[index],
        )

    def with_frames(self, frames: ArrayLike) -> ImageSequence:
        """Return the same sequence with other science pixels of the same shape."""
        frames = np.asarray(frames)
        if frames.shape != self.frames.shape:
            raise InvalidSequenceError(f"wanted frames {self.frames.shape}, got {frames.shape}")
        return replace(self, frames=frames)

    def with_meta(self, **changes: Any) -> ImageSequence:
        """Return the same sequence with entries of `meta` set or replaced."""
        return replace(self, meta={**self.meta, **changes})

    def cutout(self, centre: tuple[float, float], size: int) -> ImageSequence:
        """Return a square around a pixel, padded with NaN beyond the edge.

        Parameters
        ----------
        centre : (float, float)
            Pixel (x, y), zero-based, of the source to put in the middle pixel ``size // 2``
            (the nearest whole pixel: frames are never resampled).
        size : int
            Side in pixels.
        """
        shift = [round(c) - size // 2 for c in centre]
        wcs = None
        if self.wcs is not None:
            wcs = self.wcs.deepcopy()
            wcs.wcs.crpix = [p - s for p, s in zip(wcs.wcs.crpix, shift, strict=True)]

        def cut(stack: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
            return None if stack is None else crop_or_pad(stack, shift[1], shift[0], size, size)

        return replace(
            self,
            frames=crop_or_pad(self.frames, shift[1], shift[0], size, size),
            wcs=wcs,
            reference=cut(self.reference),
            difference=cut(self.difference),
        )


def night_index(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the visit of each exposure; a gap of more than `NIGHT_GAP` days starts a new one.

    Parameters
    ----------
    times : ndarray, shape (T,)
        MJD, non-decreasing.
    """
    return np.cumsum(np.diff(times, prepend=times[:1]) > NIGHT_GAP)


def known_number(meta: Mapping[str, Any], key: str, default: float) -> float:
    """Return a finite number of `meta`; the default where there is None, NaN or nothing."""
    value = meta.get(key)
    return default if value is None or not np.isfinite(float(value)) else float(value)


def crop_or_pad(
    stack: NDArray[np.float32], top: int, left: int, height: int, width: int
) -> NDArray[np.float32]:
    """Cut ``[top:top+height, left:left+width]`` of the last two axes, NaN where there is no data.

    Parameters
    ----------
    stack : ndarray, shape (..., H, W)
    top, left : int
        First row and column wanted; may be negative.
    height, width : int
        Size of the result.
    """
    rows, columns = stack.shape[-2:]
    out = np.full((*stack.shape[:-2], height, width), np.nan, dtype=np.float32)
    r0, r1 = max(top, 0), min(top + height, rows)
    c0, c1 = max(left, 0), min(left + width, columns)
    if r0 < r1 and c0 < c1:
        out[..., r0 - top : r1 - top, c0 - left : c1 - left] = stack[..., r0:r1, c0:c1]
    return out


def _frozen(values: ArrayLike, dtype: type | None) -> NDArray[Any]:
    """Copy to a read-only native array (FITS arrays arrive big-endian)."""
    array = np.asarray(values)
    if dtype is None:
        dtype = array.dtype.newbyteorder("=")  # type: ignore[assignment]
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes inf, which means "no data"
        array = np.array(array, dtype=dtype, order="C")
    array.setflags(write=False)
    return array
