"""From frames as read to one `ImageSequence`: paired, in time order, aligned on the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_headers import believed, unique
from taonet_core.data.fits_layouts import Frame, Reading
from taonet_core.data.frame_alignment import Corner, align, centred
from taonet_core.data.frame_quality import pixel_doubts, with_data, without_repeats
from taonet_core.data.sequence import ImageSequence, crop_or_pad
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.flags import Flag, Note, flags_of, plain_text

if TYPE_CHECKING:
    from astropy.wcs import WCS

#: Columns that should be the same in all frames.
_COMPARED = {
    "exposure": Flag.EXPOSURES_DIFFER,
    "gain": Flag.GAINS_DIFFER,
    "unit": Flag.UNITS_DIFFER,
}


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
        If no frame holds data, or the target lies outside all of them.
    """
    science, partners = _pair(reading)
    science = with_data(science, reading)
    science, kind = _in_time_order(science, reading)
    science = without_repeats(science, kind, reading)
    _to_one_zero_point(science, reading)
    science, shape, corners, wcs = align(science, reading, ra, dec)
    frames = _stack(science, shape, corners)
    reading.notes += pixel_doubts(frames, reading.meta.get("saturation"))
    _compare(science, reading)
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
        text = f"there are only {role} images; they were read as the frames"
        reading.notes.append(Note(text, Flag.ROLES_ASSUMED))
        by_role["science"] = by_role.pop(role)
    science = by_role.pop("science")
    if not science:
        text = "there is no image among the files; choose FITS images"
        raise InvalidSequenceError(text, code=Code.NO_FRAMES)
    partners = {}
    for role, frames in by_role.items():
        if len(frames) == 1 and len(science) > 1:
            partners[role] = {frame.key: frames[0] for frame in science}
        elif frames:
            partners[role] = {frame.key: frame for frame in frames}
            missing = sum(frame.key not in partners[role] for frame in science)
            if missing:
                text = f"{missing} frames have no {role} image; NaN stands there"
                reading.notes.append(Note(text, Flag.PARTNERS_MISSING))
    return science, partners


def _in_time_order(science: list[Frame], reading: Reading) -> tuple[list[Frame], str]:
    """Sort by time; without any times keep the order, which then is the time."""
    timed = [frame for frame in science if frame.time is not None and math.isfinite(frame.time)]
    if not timed:
        text = (
            "no frame has a time: the order of the frames stands in for it, so nights, light curve "
            "and classes that need dates are not reliable"
        )
        reading.notes.append(Note(text, Flag.NO_TIMES))
        return science, "index"
    if len(timed) < len(science):
        text = f"{len(science) - len(timed)} frames without a time were left out"
        reading.dropped.append(Note(text, Flag.FRAMES_WITHOUT_TIME))
    if len(timed) > 1 and len({frame.time for frame in timed}) == 1:
        reading.notes.append(Note("all frames carry the same time", Flag.SAME_TIME))
    return sorted(timed, key=lambda frame: frame.time or 0.0), "mjd"


def _to_one_zero_point(science: list[Frame], reading: Reading) -> None:
    """Scale all frames to the zero point of the first, so that equal counts are equal fluxes."""
    own = {id(frame): frame.columns.pop("zero_point", None) for frame in reading.frames}
    known = [point for frame in science if (point := own[id(frame)]) is not None]
    # references are seldom of the exposure's, and often say nothing: then they stay as they are
    stated = {own[id(f)] for f in reading.frames if f.role != "reference" or own[id(f)]}
    if not known or len(stated) == 1:
        return
    meta, first = reading.meta, known[0]
    factors = {key: 10 ** (0.4 * (first - (point or first))) for key, point in own.items()}
    for frame in reading.frames:
        # beyond float32 is infinite, which means "no data"; so does a NaN of any kind
        with np.errstate(over="ignore", invalid="ignore"):
            frame.pixels = frame.pixels * np.float32(factors[id(frame)])
    meta["zero_point"] = first
    if "saturation" in meta:  # of the frame that is full first
        meta["saturation"] *= min(factors[id(frame)] for frame in science)
    unknown = sum(point is None for point in own.values())
    text = (
        f"the zero points differ from image to image; all were scaled to that of the first frame, "
        f"{first:g} mag" + (f", except {unknown} images that state none" if unknown else "")
    )
    reading.notes.append(Note(text, Flag.ZERO_POINTS_DIFFER))


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
            plane[...] = crop_or_pad(partner.pixels, *centred(partner.pixels.shape, shape), *shape)
    return out


def _compare(science: Sequence[Frame], reading: Reading) -> None:
    """Say what differs from frame to frame; gains and units are of no use beyond that."""
    for name, flag in _COMPARED.items():
        found = {frame.columns.get(name) for frame in science} - {None, ""}
        if len(found) > 1:
            reading.notes.append(Note(f"the {name} differs from frame to frame", flag))
    for frame in reading.frames:
        for name in ("gain", "unit"):
            frame.columns.pop(name, None)
    if len({frame.columns.get("band") for frame in science}) > 1:
        reading.flags.append(Flag.MIXED_FILTERS)
    if len(science) == 1:
        text = "there is one frame only: nothing can be said of changes in time"
        reading.notes.append(Note(text, Flag.SINGLE_EPOCH))


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
    meta["layout"], meta["time_kind"] = reading.layout, kind
    meta["notes"], meta["dropped"] = plain_text(reading.notes), plain_text(reading.dropped)
    flags = {*reading.flags, *flags_of(reading.notes, reading.dropped)}
    meta["flags"] = sorted(map(str, flags))
    return meta
