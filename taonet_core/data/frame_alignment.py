"""Where the target is in every frame, and the shape and WCS that frames come to share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taonet_core.data.celestial import celestial_wcs, orientation, pixel_of
from taonet_core.data.fits_layouts import Frame, Reading, source_of
from taonet_core.data.fits_scan import MAX_PIXELS
from taonet_core.errors import Code, InvalidSequenceError
from taonet_core.flags import Flag, Note

if TYPE_CHECKING:
    from astropy.wcs import WCS

Corner = tuple[int, int]

#: A header's position this far from the middle is doubted (pixels).
_MOST_OFFSET = 3.0


def align(
    science: list[Frame], reading: Reading, ra: float | None, dec: float | None
) -> tuple[list[Frame], tuple[int, int], list[Corner], WCS | None]:
    """Choose the common shape, the corner of it in every frame, and the shared WCS.

    Parameters
    ----------
    science : list of Frame
    reading : Reading
        Takes the notes.
    ra, dec : float or None
        Target in ICRS degrees.

    Returns
    -------
    list of Frame
        Those that hold the target.
    (int, int)
        Height and width that all are brought to.
    list of (int, int)
        Row and column of each frame that become its first.
    WCS or None

    Raises
    ------
    InvalidSequenceError
        If the target lies outside every frame, or they are too many for the memory.
    """
    shapes = Counter(frame.pixels.shape for frame in science)
    shape = max(shapes, key=lambda s: (shapes[s], s))
    if len(science) * math.prod(shape) > MAX_PIXELS:
        raise InvalidSequenceError(
            f"{source_of(reading)}: {len(science)} frames of {shape[1]} x {shape[0]} pixels are "
            "too many; cut them",
            code=Code.SIZE,
        )
    wcs, doubt = celestial_wcs(science[0].header)
    reading.notes.extend([doubt] if doubt else [])
    reading.flags.extend([] if wcs is not None or doubt else [Flag.NO_WCS])
    known = {_rounded(orientation(frame.header)) for frame in science} - {None}
    if len(known) > 1:
        text = "the frames are turned or mirrored against each other by their WCS"
        reading.notes.append(Note(text, Flag.ORIENTATIONS_DIFFER))
    if ra is not None and dec is not None and wcs is not None:
        science, corners = _on_target(science, shape, ra, dec, reading)
    else:
        if ra is not None and dec is not None:
            text = "without a WCS the centre of the frames is taken as the target"
            reading.notes.append(Note(text, Flag.NO_WCS))
        elif wcs is not None:
            reading.notes.extend(_off_centre(wcs, science[0], reading.meta))
        corners = [centred(frame.pixels.shape, shape) for frame in science]
    if len(shapes) > 1:
        sizes = ", ".join(f"{count} of {w} x {h}" for (h, w), count in sorted(shapes.items()))
        text = f"frames differ in size ({sizes}); all were cropped or padded to "
        text += f"{shape[1]} x {shape[0]} around the target"
        reading.notes.append(Note(text, Flag.SHAPES_DIFFER))
    if wcs is not None:
        wcs = wcs.deepcopy()
        wcs.wcs.crpix = [wcs.wcs.crpix[0] - corners[0][1], wcs.wcs.crpix[1] - corners[0][0]]
    return science, shape, corners, wcs


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
    text = (
        f"the header's position lies {offset:.0f} pixels from the centre of the frames; the centre "
        "was taken as the target, give RA and Dec to change that"
    )
    return [Note(text, Flag.TARGET_OFF_CENTRE)]


def _rounded(values: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if values is None else (round(values[0] / 5) % 72, values[1])


def centred(shape: Sequence[int], wanted: Sequence[int]) -> Corner:
    """Return the row and column that put middle pixel on middle pixel.

    Parameters
    ----------
    shape, wanted : (int, int)
        Height and width of the frame, and of what is cut from it.
    """
    return shape[0] // 2 - wanted[0] // 2, shape[1] // 2 - wanted[1] // 2


def _on_target(
    science: list[Frame], shape: tuple[int, int], ra: float, dec: float, reading: Reading
) -> tuple[list[Frame], list[Corner]]:
    """Return the frames that hold a sky position, and corners that put it in their middle pixel.

    Frames without a WCS are cut like the one before them.
    """
    kept, corners, without = [], [], 0
    known: dict[int, WCS | None] = {}
    last = centred(science[0].pixels.shape, shape)
    for frame in science:
        if id(frame.header) not in known:
            known[id(frame.header)] = celestial_wcs(frame.header)[0]
        wcs = known[id(frame.header)]
        if wcs is not None:
            place = pixel_of(wcs, ra, dec)
            if place is None or not _is_inside(place, frame.pixels.shape):
                continue
            last = round(place[1]) - shape[0] // 2, round(place[0]) - shape[1] // 2
        without += wcs is None
        kept.append(frame)
        corners.append(last)
    if len(kept) == without:
        raise InvalidSequenceError(
            f"{source_of(reading)}: the target RA {ra:.5f}, Dec {dec:.5f} lies outside every "
            "frame; check the position",
            code=Code.TARGET_OUTSIDE,
        )
    if len(kept) < len(science):
        text = f"the target lies outside {len(science) - len(kept)} frames by their WCS"
        reading.dropped.append(Note(f"{text}; they were left out", Flag.TARGET_OUTSIDE_FRAMES))
    if without:
        text = f"{without} frames have no WCS and were cut like the one before them"
        reading.notes.append(Note(text, Flag.WCS_UNUSABLE))
    return kept, corners


def _is_inside(place: tuple[float, float], shape: Sequence[int]) -> bool:
    """Return whether a pixel (x, y) is one of a frame."""
    return -0.5 <= place[0] < shape[1] - 0.5 and -0.5 <= place[1] < shape[0] - 0.5
