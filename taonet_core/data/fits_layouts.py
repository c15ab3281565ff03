"""One private reader per layout of a FITS file; the layout is told by the HDUs alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data import deep_tao
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_cube import NOT_TIME, cube_times, time_axis
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
from taonet_core.data.fits_pixels import (
    MAX_SIDE,
    MIN_SIDE,
    image_shape,
    read_image,
)
from taonet_core.data.fits_scan import MAX_PIXELS, FitsScan, Hdu, Header, Slices, scan
from taonet_core.data.fits_tables import read_table
from taonet_core.errors import UnreadableFileError

ROLES = {
    "science": r"SCI|SCIENCE|SCORR",
    "reference": r"REF|REFERENCE|TMPL|TEMPLATE",
    "difference": r"DIFF|DIFFERENCE|SUB",
}
_NOT_FRAMES = re.compile(
    r"(MASK|MSK|DQ|ERR|ERROR|VAR|VARIANCE|UNCERT|STDDEV|WEIGHT|WHT|IVAR|FLAGS?|PSF.*|BKG|SKY"
    r"|BACKGROUND|CTX|CON|NOISE|RMS|EXPMAP|D2IMARR|WCSDVARR|COVERAGE)\d*"
)


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
        ``band`` and whatever else is known of the frame; its ``zero_point`` until all frames are
        brought to one.
    """

    pixels: NDArray[np.float32]
    header: Header
    key: str
    role: str = "science"
    time: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reading:
    """What was read of one or more files, before it is sorted and aligned."""

    layout: str
    frames: list[Frame]
    meta: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FitsFile:
    """Scanned bytes and their name."""

    name: str
    data: Slices
    scanned: FitsScan

    @classmethod
    def from_bytes(cls, data: Slices, name: str) -> FitsFile:
        """Scan `data`; raises `UnreadableFileError`."""
        return cls(name, data, scan(data, name))

    @property
    def images(self) -> list[Hdu]:
        """HDUs with at least two-dimensional images that are no masks or error maps."""
        found = [
            hdu
            for hdu in self.scanned.hdus
            if hdu.kind in ("image", "compressed") and len(image_shape(hdu)) >= 2
        ]
        frames = [hdu for hdu in found if not _NOT_FRAMES.fullmatch(hdu.name)]
        return frames or found

    def header(self, hdu: Hdu) -> Header:
        """Return an HDU's header, completed from the primary."""
        primary = self.scanned.hdus[0].header
        return hdu.header if hdu.index == 0 else {**primary, **hdu.header}


def read_file(file: FitsFile) -> Reading:
    """Read one FITS file in the layout its HDUs show.

    Raises
    ------
    UnreadableFileError
        If no image can be used.
    """
    layout = layout_of(file)
    reading = READERS[layout](file)
    reading.notes.extend(file.scanned.notes)
    if not reading.frames:
        raise UnreadableFileError(reading.dropped[0] if reading.dropped else _no_image(file))
    return reading


def layout_of(file: FitsFile) -> str:
    """Return the name of the layout, a key of `READERS`."""
    if deep_tao.object_table(file.data, file.scanned.hdus, file.name) is not None:
        return "deep-tao"
    images = file.images
    if not images:
        raise UnreadableFileError(_no_image(file))
    if len(images) == 1 and len(image_shape(images[0])) >= 3:
        return "cube"
    return "mef" if len(images) > 1 else "frames"


def _no_image(file: FitsFile) -> str:
    kinds = ", ".join(hdu.kind for hdu in file.scanned.hdus[:8])
    return f"{file.name}: no image in this file (its HDUs: {kinds}); choose a file with images"


def pixels_of(file: FitsFile, hdu: Hdu) -> NDArray[np.float32]:
    """Return one image, refusing shapes that no frame has."""
    shape = image_shape(hdu)
    where = f"{file.name}, HDU {hdu.index}"
    if len(shape) > 3 or min(shape[-2:]) < MIN_SIDE or max(shape[-2:]) > MAX_SIDE:
        raise UnreadableFileError(
            f"{where}: an image of {' x '.join(map(str, reversed(shape)))} pixels is no frame; "
            f"sides of {MIN_SIDE} to {MAX_SIDE:,} are read"
        )
    return read_image(file.data, hdu, file.name)


def _read_deep_tao(file: FitsFile) -> Reading:
    hdus = file.scanned.hdus
    table = deep_tao.object_table(file.data, hdus, file.name)
    assert table is not None  # the layout was told by it
    check_size(file, file.images)
    header = table.header | hdus[0].header
    meta, notes = deep_tao.object_meta(header, file.name)
    band = band_of(spellings(header)) or deep_tao.BAND
    images = {
        h.index: h for h in hdus if h.kind in ("image", "compressed") and len(image_shape(h)) == 2
    }
    partners = deep_tao.partner_images(table)
    plan = deep_tao.plan(table, [index for index in images if index not in partners])
    reading = Reading("deep-tao", [], meta, notes + plan.notes, plan.dropped)
    for index, time, columns in plan.rows:
        columns["band"] = str(columns.get("band") or band)
        roles = {"science": index, **deep_tao.take_partners(columns)}
        for role, hdu_number in roles.items():
            if hdu_number not in images:
                continue
            hdu = images[hdu_number]
            try:
                pixels = pixels_of(file, hdu)
            except UnreadableFileError as error:
                reading.dropped.append(str(error))
                continue
            reading.frames.append(Frame(pixels, hdu.header, str(index), role, time, columns))
    return reading


def _read_images(file: FitsFile) -> Reading:
    """Read a multi-extension file, or a file with one image."""
    images = file.images
    check_size(file, images)
    meta, notes = describe(file.header(images[0]))
    reading = Reading("mef" if len(images) > 1 else "frames", [], meta, notes)
    counts: dict[str, int] = {}
    for hdu in images:
        role = role_of(hdu.name) or "science"
        counts[role] = counts.get(role, 0) + 1
        version = hdu.header.get("EXTVER") if role_of(hdu.name) else None
        key = f"{stem(file.name)}#{version or counts[role]}" if len(images) > 1 else ""
        try:
            if len(image_shape(hdu)) != 2:
                raise UnreadableFileError(f"{file.name}, HDU {hdu.index}: a cube among frames")
            frame = frame_of(pixels_of(file, hdu), file.header(hdu), key, role, reading.notes)
        except UnreadableFileError as error:
            reading.dropped.append(str(error))
            continue
        reading.frames.append(frame)
    return reading


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
    }
    return Frame(pixels, header, key, role, time, columns)


def role_of(name: str) -> str | None:
    """Return the role that an EXTNAME, or the end of a file name, stands for."""
    last = re.split(r"[_\-. ]", name.strip().upper())[-1]
    for role, words in ROLES.items():
        if re.fullmatch(f"({words})\\d*", last):
            return role
    return None


def check_size(file: FitsFile, images: Sequence[Hdu]) -> None:
    """Refuse more pixels than fit in memory before any is read."""
    pixels = sum(math.prod(image_shape(hdu)) for hdu in images)
    if pixels > MAX_PIXELS:
        raise UnreadableFileError(
            f"{file.name}: {pixels:,} pixels in all, at most {MAX_PIXELS:,} are read; cut them"
        )


def _read_cube(file: FitsFile) -> Reading:
    hdu = file.images[0]
    check_size(file, [hdu])
    header = file.header(hdu)
    axis, name = time_axis(header, compressed=hdu.kind == "compressed")
    if name.startswith(NOT_TIME):
        raise UnreadableFileError(
            f"{file.name}, HDU {hdu.index}: axis {axis} of the cube is {name}, not time; "
            "choose a cube of exposures"
        )
    cube = pixels_of(file, hdu)
    meta, notes = describe(header)
    tables = {
        other.index: read_table(file.data, other, file.name)
        for other in file.scanned.hdus
        if other.kind == "table" and other.shape[:1] == (len(cube),)
    }
    times, bands, said = cube_times(tables, header, axis, len(cube))
    notes.append(f"axis {axis} of the cube was read as time; {said}")
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
    return Reading("cube", frames, meta, notes)


READERS: dict[str, Callable[[FitsFile], Reading]] = {
    "deep-tao": _read_deep_tao,
    "mef": _read_images,
    "frames": _read_images,
    "cube": _read_cube,
}
