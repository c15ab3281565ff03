"""Pixels of one scanned HDU, straight from the bytes at the offsets of the scan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_scan import PIXEL_DTYPES, Hdu, Header, Slices, shown
from taonet_core.data.fits_tiles import read_tiles, tile_axes
from taonet_core.errors import Code, UnreadableFileError
from taonet_core.flags import Flag, Note

#: Sides of an image that is read as a frame, pixels.
MIN_SIDE, MAX_SIDE = 2, 20_000


def image_shape(hdu: Hdu) -> tuple[int, ...]:
    """Return the axes of an image HDU in NumPy order without those of length 1, () if none."""
    axes = tile_axes(hdu.header) if hdu.kind == "compressed" else hdu.shape
    return tuple(n for n in axes if n != 1)


def read_image(
    data: Slices, hdu: Hdu, name: str, notes: list[str] | None = None
) -> NDArray[np.float32]:
    """Return the physical values of an image HDU.

    Parameters
    ----------
    data : bytes
        The scanned file.
    hdu : Hdu
        An image or a compressed image.
    name : str
        For messages.
    notes : list of str, optional
        Takes what was doubtful.

    Returns
    -------
    ndarray, shape `image_shape`, float32
        NaN where the file says BLANK, infinite where a value is beyond float32.

    Raises
    ------
    UnreadableFileError
        If the scaling makes no sense or the tiles are damaged.
    """
    where = f"{name}, HDU {hdu.index}"
    if hdu.kind == "compressed":
        return read_tiles(data, hdu, where).reshape(image_shape(hdu))
    bitpix = hdu.header["BITPIX"]
    assert isinstance(bitpix, int)
    part = data[hdu.data_start : hdu.data_start + hdu.data_size]
    raw = np.frombuffer(part, dtype=PIXEL_DTYPES[bitpix]).reshape(image_shape(hdu))
    scale, zero = _scaling(hdu.header, where)
    # float32 holds 8- and 16-bit integers exactly; wider ones are scaled in double precision
    work = np.float32 if bitpix in (8, 16, -32) else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        values: NDArray[Any] = raw.astype(work)
        if scale != 1:
            values = values * work(scale)
        if zero != 0:
            values = values + work(zero)
        values = values.astype(np.float32, copy=False)
    blank = hdu.header.get("BLANK")
    if bitpix > 0 and isinstance(blank, int):
        values[raw == blank] = np.nan
    if work is np.float64 and notes is not None and np.isinf(values).sum() > _infinities(raw):
        text = "some pixels are beyond the largest float32 and are read as no data"
        notes.append(Note(text, Flag.FLOAT_OVERFLOW))
    return values


def _infinities(raw: NDArray[Any]) -> int:
    """Return how many stored values are infinite as they stand."""
    return int(np.isinf(raw).sum()) if raw.dtype.kind == "f" else 0


def _scaling(header: Header, where: str) -> tuple[float, float]:
    pair = []
    for key, default in (("BSCALE", 1), ("BZERO", 0)):
        value = header.get(key, default)
        if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e30:
            text = f"{where}: {key} is {shown(value)}, not a usable number; repair the header"
            raise UnreadableFileError(text, code=Code.SCALING)
        pair.append(float(value))
    if pair[0] == 0:
        text = f"{where}: BSCALE is 0, which would erase the image; repair the header"
        raise UnreadableFileError(text, code=Code.SCALING)
    return pair[0], pair[1]
