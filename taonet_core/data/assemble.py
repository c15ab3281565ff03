"""From frames as read to one `ImageSequence`: paired, in time order, aligned on the target."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.celestial import celestial_wcs, orientation, pixel_of
from taonet_core.data.fits_headers import believed, unique
from taonet_core.data.fits_layouts import Frame, Reading
from taonet_core.data.fits_scan import MAX_PIXELS
from taonet_core.data.sequence import ImageSequence, crop_or_pad
from taonet_core.errors import InvalidSequenceError

if TYPE_CHECKING:
    from astropy.wcs import WCS

Corner = tuple[int, int]

#: A header's position this far from the middle is doubted (pixels).
_MOST_OFFSET = 3.0


def assemble(reading: Reading, *, ra: float | None, dec: float | None) -> ImageSequence:
    """Put frames together.

    Parameters
    ----------
    reading : Reading
        Frames of all roles in file order.
    ra, dec : float, optional
        Target in ICRS degrees; frames are then centred on it by their WCS.

    Raises
    ------
    InvalidSequenceError
        If there is no frame, or the target lies outside all of them.
    """
    science, partners = _pair(reading)
    science, kind = _in_time_order(science, reading)
    science = _without_repeats(science, kind, reading)
    _to_one_zero_point(science, reading)
    shape, corners, wcs = _align(science, reading, ra, dec)
    frames = _stack(science, shape, corners)
    meta = _meta(reading, kind, wcs, ra, dec)
    index = range(len(science))
    times = np.array(index if kind == "index" else [f.time for f in science], dtype=float)
    others = {role: _stack_partners(science, found, shape) for role, found in partners.items()}
    return ImageSequence(frames, times, wcs, meta, _columns(science), **others)


def _pair(reading: Reading) -> tuple[list[Frame], dict[str, dict[str, Frame]]]:
    """Split frames into science images and, by exposure, their references and differences."""
    by_role: dict[str, list[Frame]] = {"science": [], "reference": [], "difference": []}
    for frame in reading.frames:
        by_role[frame.role].append(frame)
    if not by_role["science"]:
        role = "difference" if by_role["difference"] else "reference"
        reading.notes.append(f"there are only {role} images; they were read as the frames")
        by_role["science"] = by_role.pop(role)
    science = by_role.pop("science")
    if not science:
        raise InvalidSequenceError("there is no image among the files; choose FITS images")
    partners = {}
    for role, frames in by_role.items():
        if len(frames) == 1 and len(science) > 1:
            partners[role] = {frame.key: frames[0] for frame in science}
        elif frames:
            partners[role] = {frame.key: frame for frame in frames}
            missing = sum(frame.key not in partners[role] for frame in science)
            if missing:
                reading.notes.append(f"{missing} frames have no {role} image; NaN stands there")
    return science, partners


def _in_time_order(science: list[Frame], reading: Reading) -> tuple[list[Frame], str]:
    """Sort by time; without any times keep the order, which then is the time."""
    timed = [frame for frame in science if frame.time is not None and math.isfinite(frame.time)]
    if not timed:
        reading.notes.append(
            "no frame has a time: the order of the frames stands in for it, so nights, light curve "
            "and classes that need dates are not reliable"
        )
        return science, "index"
    if len(timed) < len(science):
        reading.dropped.append(f"{len(science) - len(timed)} frames without a time were left out")
    if len(timed) > 1 and len({frame.time for frame in timed}) == 1:
        reading.notes.append("all frames carry the same time")
    return sorted(timed, key=lambda frame: frame.time or 0.0), "mjd"


def _without_repeats(science: list[Frame], kind: str, reading: Reading) -> list[Frame]:
    """Drop exposures equal in time, filter and every pixel."""
    if kind == "index":
        return science
    at_time = Counter(frame.time for frame in science)
    kept: dict[object, Frame] = {}
    for frame in science:
        pixels = frame.pixels.tobytes() if at_time[frame.time] > 1 else b""
        same = frame.time, frame.columns.get("band"), frame.pixels.shape
        kept.setdefault((*same, hashlib.sha256(pixels).digest()), frame)
    if len(kept) < len(science):
        reading.dropped.append(f"{len(science) - len(kept)} frames are exact duplicates")
    return list(kept.values())


def _to_one_zero_point(science: list[Frame], reading: Reading) -> None:
    """Scale all frames to the zero point of the first, so that equal counts are equal fluxes."""
    own = {id(frame): frame.columns.pop("zero_point", None) for frame in reading.frames}
    known = [point for frame in science if (point := own[id(frame)]) is not None]
    if not known or len(set(own.values())) == 1:
        return
    meta, first = reading.meta, known[0]
    factors = {key: 10 ** (0.4 * (first - (point or first))) for key, point in own.items()}
    for frame in reading.frames:
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which means "no data"
            frame.pixels = frame.pixels * np.float32(factors[id(frame)])
    meta["zero_point"] = first
    if "saturation" in meta:  # of the frame that is full first
        meta["saturation"] *= min(factors[id(frame)] for frame in science)
    unknown = sum(point is None for point in own.values())
    reading.notes.append(
        f"the zero points differ from image to image; all were scaled to that of the first frame, "
        f"{first:g} mag" + (f", except {unknown} images that state none" if unknown else "")
    )


def _align(
    science: list[Frame], reading: Reading, ra: float | None, dec: float | None
) -> tuple[tuple[int, int], list[Corner], WCS | None]:
    """Choose the common shape, the corner of it in every frame, and the shared WCS."""
    shapes = Counter(frame.pixels.shape for frame in science)
    shape = max(shapes, key=lambda s: (shapes[s], s))
    if len(science) * math.prod(shape) > MAX_PIXELS:
        raise InvalidSequenceError(
            f"{len(science)} frames of {shape} pixels are too many; cut them"
        )
    wcs, doubt = celestial_wcs(science[0].header)
    reading.notes.extend([doubt] if doubt else [])
    if len({_rounded(orientation(frame.header)) for frame in science}) > 1:
        reading.notes.append("the frames are turned or mirrored against each other by their WCS")
    if ra is not None and dec is not None and wcs is not None:
        corners = _corners_on_target(science, shape, ra, dec, reading)
    else:
        if ra is not None and dec is not None:
            reading.notes.append("without a WCS the centre of the frames is taken as the target")
        elif wcs is not None:
            reading.notes.extend(_off_centre(wcs, science[0], reading.meta))
        corners = [_centred(frame.pixels.shape, shape) for frame in science]
    if len(shapes) > 1:
        sizes = ", ".join(f"{count} of {w} x {h}" for (h, w), count in sorted(shapes.items()))
        reading.notes.append(
            f"frames differ in size ({sizes}); all were cropped or padded to "
            f"{shape[1]} x {shape[0]} around the target"
        )
    if wcs is not None:
        wcs = wcs.deepcopy()
        wcs.wcs.crpix = [wcs.wcs.crpix[0] - corners[0][1], wcs.wcs.crpix[1] - corners[0][0]]
    return shape, corners, wcs


def _off_centre(wcs: WCS, frame: Frame, meta: Mapping[str, Any]) -> list[str]:
    """Return a doubt if the position that the header names is not in the middle of the frame."""
    if "ra" not in meta or "dec" not in meta:
        return []
    place = pixel_of(wcs, meta["ra"], meta["dec"])
    height, width = frame.pixels.shape
    if place is None:
        return []
    offset = math.hypot(place[0] - width // 2, place[1] - height // 2)
    if offset <= _MOST_OFFSET:
        return []
    return [
        f"the header's position lies {offset:.0f} pixels from the centre of the frames; the centre "
        "was taken as the target, give RA and Dec to change that"
    ]


def _rounded(values: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if values is None else (round(values[0] / 5) % 72, values[1])


def _centred(shape: Sequence[int], wanted: Sequence[int]) -> Corner:
    """Return the corner that puts middle pixel on middle pixel."""
    return shape[0] // 2 - wanted[0] // 2, shape[1] // 2 - wanted[1] // 2


def _corners_on_target(
    science: list[Frame], shape: tuple[int, int], ra: float, dec: float, reading: Reading
) -> list[Corner]:
    """Return corners that put the sky position in the middle pixel of every frame."""
    corners, outside, last = [], 0, (0, 0)
    cache: dict[int, WCS | None] = {}
    for frame in science:
        if id(frame.header) not in cache:
            cache[id(frame.header)] = celestial_wcs(frame.header)[0]
        wcs = cache[id(frame.header)]
        place = pixel_of(wcs, ra, dec) if wcs is not None else None
        height, width = frame.pixels.shape
        if place is None or not (
            -0.5 <= place[0] < width - 0.5 and -0.5 <= place[1] < height - 0.5
        ):
            outside += 1
            corners.append(last)
            continue
        last = round(place[1]) - shape[0] // 2, round(place[0]) - shape[1] // 2
        corners.append(last)
    if outside == len(science):
        raise InvalidSequenceError(
            f"the target RA {ra:.5f}, Dec {dec:.5f} lies outside every frame; check the position"
        )
    if outside:
        reading.notes.append(f"the target lies outside {outside} frames by their WCS")
    return corners


def _stack(frames: Sequence[Frame], shape: tuple[int, int], corners: Sequence[Corner]) -> Any:
    """Return frames of equal shape, float32, NaN where a frame has no pixels."""
    out = np.empty((len(frames), *shape), dtype=np.float32)
    for plane, frame, (top, left) in zip(out, frames, corners, strict=True):
        if frame.pixels.shape == shape and (top, left) == (0, 0):
            plane[...] = frame.pixels
        else:
            plane[...] = crop_or_pad(frame.pixels, top, left, *shape)
    return out


def _stack_partners(
    science: Sequence[Frame], found: dict[str, Frame], shape: tuple[int, int]
) -> NDArray[np.float32]:
    out = np.full((len(science), *shape), np.nan, dtype=np.float32)
    for plane, frame in zip(out, science, strict=True):
        partner = found.get(frame.key)
        if partner is not None:
            plane[...] = crop_or_pad(partner.pixels, *_centred(partner.pixels.shape, shape), *shape)
    return out


def _columns(science: Sequence[Frame]) -> dict[str, NDArray[Any]]:
    """Return per-frame columns that at least one frame fills."""
    names = unique(name for frame in science for name in frame.columns)
    columns = {}
    for name in names:
        values = [frame.columns.get(name) for frame in science]
        if any(isinstance(v, float) for v in values):
            columns[name] = np.array([np.nan if v is None else v for v in values], dtype=float)
        elif any(values):
            columns[name] = np.array([v or "" for v in values], dtype=str)
    return columns


def _meta(
    reading: Reading, kind: str, wcs: WCS | None, ra: float | None, dec: float | None
) -> dict[str, Any]:
    meta = dict(reading.meta)
    if ra is not None and dec is not None:
        meta["ra"], meta["dec"] = ra, dec
    if "pixel_scale" not in meta and wcs is not None:
        from astropy.wcs.utils import proj_plane_pixel_scales

        mean = np.mean(proj_plane_pixel_scales(wcs)) * 3600
        scale = believed("pixel_scale", mean, reading.notes)
        meta |= {} if scale is None else {"pixel_scale": scale}
    if len({frame.columns.get("exposure") for frame in reading.frames}) > 1:
        reading.notes.append("the exposure differs from frame to frame")
    if len(reading.frames) == 1:
        reading.notes.append("there is one frame only: nothing can be said of changes in time")
    meta["layout"], meta["time_kind"] = reading.layout, kind
    meta["notes"], meta["dropped"] = unique(reading.notes), unique(reading.dropped)
    return meta
