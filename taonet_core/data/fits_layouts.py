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
from taonet_core.data.archives import stem
from taonet_core.data.fits_headers import (
    ALIASES,
    band_of,
    clean,
    describe,
    lookup,
    number,
    spellings,
    time_of,
)
from taonet_core.data.fits_pixels import (
    MAX_PIXELS,
    MAX_SIDE,
    MIN_SIDE,
    image_shape,
    read_image,
    read_table,
)
from taonet_core.data.fits_scan import FitsScan, Hdu, Header, scan
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
_SPECTRAL = (
    "FREQ",
    "WAVE",
    "AWAV",
    "VELO",
    "VRAD",
    "VOPT",
    "ZOPT",
    "BETA",
    "ENER",
    "STOKES",
    "RGB",
)
_TIME_AXES = {"TIME": 0.0, "MJD": 0.0, "JD": -2_400_000.5, "UTC": 0.0}
_SECONDS = ("S", "SEC", "SECOND", "SECONDS")


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
        ``band`` and whatever else is known of the frame.
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


@dataclass(frozen=True)
class FitsFile:
    """Scanned bytes and their name."""

    name: str
    data: bytes
    scanned: FitsScan

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> FitsFile:
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
    images = [h for h in hdus if h.kind in ("image", "compressed") and len(image_shape(h)) == 2]
    plan = deep_tao.plan(table, [hdu.index for hdu in images])
    reading = Reading("deep-tao", [], meta, notes + plan.notes, plan.dropped)
    for index, time, columns in plan.rows:
        hdu = hdus[index]
        try:
            pixels = pixels_of(file, hdu)
        except UnreadableFileError as error:
            reading.dropped.append(str(error))
            continue
        columns["band"] = str(columns.get("band") or band)
        reading.frames.append(Frame(pixels, hdu.header, str(index), "science", time, columns))
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
    if pixels.ndim != 2:
        raise UnreadableFileError(f"a cube of shape {pixels.shape} among single frames is not read")
    flat = spellings(header)
    time, doubts = time_of(flat)
    notes.extend(doubts)
    columns: dict[str, Any] = {"band": band_of(flat)}
    for name in ("exposure", "zero_point"):
        columns[name] = number(lookup(flat, name))
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
    axis, name = _third_axis(hdu, header)
    if name.startswith(_SPECTRAL):
        raise UnreadableFileError(
            f"{file.name}, HDU {hdu.index}: axis {axis} of the cube is {name}, not time; "
            "choose a cube of exposures"
        )
    cube = pixels_of(file, hdu)
    meta, notes = describe(header)
    times, columns, said = _cube_times(file, header, axis, name, len(cube))
    notes.append(f"axis {axis} of the cube was read as time; {said}")
    band = band_of(spellings(header))
    frames = [
        Frame(pixels, header, str(i), "science", None if times is None else float(times[i]))
        for i, pixels in enumerate(cube)
    ]
    for i, frame in enumerate(frames):
        frame.columns["band"] = clean(columns[i]) if columns is not None else band
    return Reading("cube", frames, meta, notes)


def _third_axis(hdu: Hdu, header: Header) -> tuple[int, str]:
    """Return the FITS number and CTYPE of the one axis beyond the image plane."""
    prefix = "ZNAXIS" if hdu.kind == "compressed" else "NAXIS"
    long = [i for i in range(3, 9) if (number(header.get(f"{prefix}{i}")) or 1) > 1]
    axis = long[0] if long else 3
    return axis, clean(header.get(f"CTYPE{axis}") or "").upper()


def _cube_times(
    file: FitsFile, header: Header, axis: int, name: str, count: int
) -> tuple[NDArray[np.float64] | None, NDArray[Any] | None, str]:
    """Return MJD and filter of every plane, and where they came from."""
    for hdu in file.scanned.hdus:
        if hdu.kind != "table" or hdu.shape[:1] != (count,):
            continue
        columns = spellings(read_table(file.data, hdu, file.name))
        times = _column_times(columns)
        if times is not None:
            bands = next((columns[key] for key in ALIASES["band"] if key in columns), None)
            return times, bands, f"its times are those of the table in HDU {hdu.index}"
    zero = _TIME_AXES.get(name.partition("-")[0])
    step, value = (number(header.get(f"{key}{axis}")) for key in ("CDELT", "CRVAL"))
    if zero is not None and value is not None and step:
        seconds = str(header.get(f"CUNIT{axis}") or "d").strip().upper() in _SECONDS
        start = number(header.get("MJDREF")) or (number(header.get("MJDREFI")) or 0.0) + (
            number(header.get("MJDREFF")) or 0.0
        )
        pixel = np.arange(1, count + 1) - (number(header.get(f"CRPIX{axis}")) or 1.0)
        return (
            start + zero + (value + step * pixel) / (86400 if seconds else 1),
            None,
            ("its times are those of the WCS"),
        )
    return None, None, "it has no times"


def _column_times(columns: dict[str, Any]) -> NDArray[np.float64] | None:
    """Return MJD of every row of a table by the alias table, or None."""
    keys = [k for meaning in ("mjd", "jd", "date") for k in ALIASES[meaning] if k in columns]
    if not keys:
        return None
    times = [time_of({keys[0]: value})[0] for value in columns[keys[0]].tolist()]
    return np.array([np.nan if t is None else t for t in times])


READERS: dict[str, Callable[[FitsFile], Reading]] = {
    "deep-tao": _read_deep_tao,
    "mef": _read_images,
    "frames": _read_images,
    "cube": _read_cube,
}
