"""One private reader per layout of a FITS file; the layout is told by the HDUs alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data import deep_tao
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_cube import cube_times, refuse_other_axes, time_axis
from taonet_core.data.fits_files import FitsFile
from taonet_core.data.fits_headers import (
    band_of,
    believed,
    clean,
    describe,
    lookup,
    number,
    spellings,
    time_of,
)
from taonet_core.data.fits_pixels import image_shape
from taonet_core.data.fits_scan import Hdu, Header
from taonet_core.data.fits_tables import read_table
from taonet_core.errors import Code, InvalidSequenceError, TaoNetError
from taonet_core.flags import Flag, Note, flags_of

__all__ = ["FitsFile", "Frame", "Reading", "layout_of", "read_file", "role_of"]

ROLES = {
    "science": r"SCI|SCIENCE|SCORR",
    "reference": r"REF|REFERENCE|TMPL|TEMPLATE",
    "difference": r"DIFF|DIFFERENCE|SUB",
}


@dataclass
class Frame:
    """One image before the sequence is put together.

    Attributes
    ----------
    pixels : ndarray, shape (H, W), float32
    header : dict
        Of its HDU, with the primary's keywords where the HDU is silent.
    key : str
        The exposure: science, reference and difference of one exposure share it.
    role : str
        ``"science"``, ``"reference"`` or ``"difference"``.
    time : float or None
        MJD.
    columns : dict
        ``band`` and whatever else is known of the frame; its ``zero_point``, ``gain`` and ``unit``
        until all frames are compared.
    """

    pixels: NDArray[np.float32]
    header: Header
    key: str
    role: str = "science"
    time: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reading:
    """What was read of one or more files, before it is sorted and aligned.

    Attributes
    ----------
    layout : str
    frames : list of Frame
    meta : dict
    notes, dropped : list of str
        What was assumed, and what was left out.
    flags : list of str
        Words of `taonet_core.flags.Flag` on the files.
    """

    layout: str
    frames: list[Frame]
    meta: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def source_of(reading: Reading) -> str:
    """Return the name of what was read, for messages."""
    return str(reading.meta.get("source") or "the frames")


def read_file(file: FitsFile) -> Reading:
    """Read one FITS file in the layout its HDUs show.

    Raises
    ------
    UnreadableFileError
        If there is no image, or none that is whole.
    InvalidSequenceError
        If the images are no frames.
    """
    reading = READERS[layout_of(file)](file)
    reading.notes.extend(file.doubts())
    if not reading.frames:
        raise file.no_image()
    reading.flags = flags_of(reading.notes, reading.dropped)
    return reading


def layout_of(file: FitsFile) -> str:
    """Return the name of the layout, a key of `READERS`."""
    if deep_tao.object_table(file.data, file.scanned.hdus, file.name) is not None:
        return "deep-tao"
    images = file.images
    if not images:
        raise file.no_image()
    if len(image_shape(images[0])) >= 3:
        return "cube"
    return "mef" if len(images) > 1 else "frames"


def _read_deep_tao(file: FitsFile) -> Reading:
    hdus = file.scanned.hdus
    table = deep_tao.object_table(file.data, hdus, file.name)
    assert table is not None  # the layout was told by it
    file.check_size(file.images)
    header = table.header | hdus[0].header
    meta, notes = deep_tao.object_meta(header, file.name)
    band = band_of(spellings(header)) or deep_tao.BAND
    images = {
        h.index: h for h in hdus if h.kind in ("image", "compressed") and len(image_shape(h)) == 2
    }
    partners = deep_tao.partner_images(table)
    plan = deep_tao.plan(table, [index for index in images if index not in partners])
    reading = Reading("deep-tao", [], meta, notes + plan.notes, plan.dropped)
    broken: list[TaoNetError] = []
    for index, time, columns in plan.rows:
        columns["band"] = str(columns.get("band") or band)
        roles = {"science": index, **deep_tao.take_partners(columns)}
        for role, hdu_number in roles.items():
            if hdu_number not in images:
                continue
            hdu = images[hdu_number]
            try:
                pixels = file.pixels(hdu, reading.notes)
            except TaoNetError as error:
                broken.append(error)
                continue
            reading.frames.append(Frame(pixels, hdu.header, str(index), role, time, columns))
    return _without(broken, reading)


def _without(broken: list[TaoNetError], reading: Reading) -> Reading:
    """Name the images that could not be used; raise the first if there are no others."""
    if broken and not reading.frames:
        raise broken[0]
    reading.dropped += [Note(str(error), Flag.FRAMES_UNREADABLE) for error in broken]
    return reading


def _read_images(file: FitsFile) -> Reading:
    """Read a multi-extension file, or a file with one image."""
    images = file.images
    file.check_size(images)
    meta, notes = describe(file.header(images[0]))
    reading = Reading("mef" if len(images) > 1 else "frames", [], meta, notes)
    broken: list[TaoNetError] = []
    counts: dict[str, int] = {}
    for hdu in images:
        role = role_of(hdu.name) or "science"
        counts[role] = counts.get(role, 0) + 1
        version = hdu.header.get("EXTVER") if role_of(hdu.name) else None
        key = f"{stem(file.name)}#{version or counts[role]}" if len(images) > 1 else ""
        try:
            if len(image_shape(hdu)) != 2:
                text = f"{file.name}, HDU {hdu.index}: a cube among frames; send it alone"
                raise InvalidSequenceError(text, code=Code.SHAPE)
            pixels = file.pixels(hdu, reading.notes)
        except TaoNetError as error:
            broken.append(error)
            continue
        reading.frames.append(frame_of(pixels, file.header(hdu), key, role, reading.notes))
    if len(images) == 1:
        reading.notes += _place(images[0])
    return _without(broken, reading)


def _place(hdu: Hdu) -> list[str]:
    """Say which extension the only image is in; nothing if it is the primary."""
    text = f"the image of HDU {hdu.index} was read"
    return [Note(text, Flag.EXTENSION_IMAGE)] if hdu.index else []


def frame_of(
    pixels: NDArray[np.float32], header: Header, key: str, role: str, notes: list[str]
) -> Frame:
    """Make a frame with the time, filter and exposure of its header."""
    flat = spellings(header)
    time, doubts = time_of(flat)
    notes.extend(doubts)
    columns: dict[str, Any] = {
        "band": band_of(flat),
        "exposure": number(lookup(flat, "exposure")),
        "zero_point": believed("zero_point", lookup(flat, "zero_point"), notes),
        "gain": number(lookup(flat, "gain")),
        "unit": clean(lookup(flat, "unit") or ""),
    }
    return Frame(pixels, header, key, role, time, columns)


def role_of(name: str) -> str | None:
    """Return the role that an EXTNAME, or the end of a file name, stands for."""
    last = re.split(r"[_\-. ]", name.strip().upper())[-1]
    for role, words in ROLES.items():
        if re.fullmatch(f"({words})\\d*", last):
            return role
    return None


def _read_cube(file: FitsFile) -> Reading:
    hdu, *others = file.images
    file.check_size([hdu])
    header = file.header(hdu)
    axis = time_axis(header, compressed=hdu.kind == "compressed")
    count = image_shape(hdu)[0]
    tables = {
        other.index: read_table(file.data, other, file.name)
        for other in file.scanned.hdus
        if other.kind == "table" and other.shape[:1] == (count,)
    }
    times, bands, said = cube_times(tables, header, axis, count)
    if times is None:
        refuse_other_axes(header, axis, count, f"{file.name}, HDU {hdu.index}")
    meta, notes = describe(header)
    cube = file.pixels(hdu, notes)
    notes += [*_place(hdu), said]
    same = band_of(spellings(header))
    frames = [
        Frame(
            pixels,
            header,
            str(i),
            time=None if times is None else float(times[i]),
            columns={"band": same if bands is None else clean(bands[i])},
        )
        for i, pixels in enumerate(cube)
    ]
    numbers = ", ".join(str(other.index) for other in others)
    text = f"{file.name}: of its images only the cube in HDU {hdu.index} is read, not HDU {numbers}"
    return Reading(
        "cube", frames, meta, notes, [Note(text, Flag.IMAGES_LEFT_OUT)] if others else []
    )


READERS: dict[str, Callable[[FitsFile], Reading]] = {
    "deep-tao": _read_deep_tao,
    "mef": _read_images,
    "frames": _read_images,
    "cube": _read_cube,
}
