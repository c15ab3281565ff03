"""Pixels and table columns of one scanned HDU.

Plain images and binary tables are taken straight from the bytes at the offsets of the scan;
compressed tiles go to astropy, after the numbers its C code trusts have been checked.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from numpy.typing import NDArray

from taonet_core.data.fits_scan import BLOCK, Hdu, Header, Slices
from taonet_core.errors import UnreadableFileError

#: Most pixels of all images of one sequence (float32: 640 MB).
MAX_PIXELS = 160_000_000
#: Sides of a usable image in pixels.
MIN_SIDE, MAX_SIDE = 5, 20_000

_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_COLUMN = re.compile(r"(\d*)([LXBIJKAEDCMPQ])(.*)")
_COLUMN_DTYPES = {
    "L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8", "A": "S", "X": "V",
}  # fmt: skip
_CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")
_ASTROPY_ERRORS = (
    CfitsioException,
    fits.VerifyError,
    OSError,
    EOFError,
    zlib.error,
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def image_shape(hdu: Hdu) -> tuple[int, ...]:
    """Return the axes of an image HDU in NumPy order without those of length 1, () if none."""
    axes = _tile_axes(hdu.header) if hdu.kind == "compressed" else hdu.shape
    return tuple(n for n in axes if n != 1)


def read_image(data: Slices, hdu: Hdu, name: str) -> NDArray[np.float32]:
    """Return the physical values of an image HDU.

    Parameters
    ----------
    data : bytes
        The scanned file.
    hdu : Hdu
        An image or a compressed image.
    name : str
        For messages.

    Returns
    -------
    ndarray, shape `image_shape`, float32
        NaN where the file says BLANK.

    Raises
    ------
    UnreadableFileError
        If the scaling makes no sense or the tiles are damaged.
    """
    where = f"{name}, HDU {hdu.index}"
    if hdu.kind == "compressed":
        return _read_tiles(data, hdu, where).reshape(image_shape(hdu))
    bitpix = hdu.header["BITPIX"]
    assert isinstance(bitpix, int)
    part = data[hdu.data_start : hdu.data_start + hdu.data_size]
    raw = np.frombuffer(part, dtype=_DTYPES[bitpix]).reshape(image_shape(hdu))
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
    return values


def _scaling(header: Header, where: str) -> tuple[float, float]:
    pair = []
    for key, default in (("BSCALE", 1), ("BZERO", 0)):
        value = header.get(key, default)
        if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e30:
            raise UnreadableFileError(f"{where}: {key} is {value!r}, not a usable number")
        pair.append(float(value))
    if pair[0] == 0:
        raise UnreadableFileError(f"{where}: BSCALE is 0, which would erase the image")
    return pair[0], pair[1]


def read_table(data: Slices, hdu: Hdu, name: str) -> dict[str, NDArray[Any]]:
    """Return the scalar columns of a binary table; array columns are left out.

    Parameters
    ----------
    data : bytes
        The scanned file.
    hdu : Hdu
        A binary table.
    name : str
        For messages.

    Returns
    -------
    dict of str to ndarray, shape (rows,)
        Upper-case column name -> native values, text stripped.

    Raises
    ------
    UnreadableFileError
        If the columns do not add up to the row.
    """
    if not hdu.shape:
        return {}
    dtype = _row_dtype(hdu, f"{name}, HDU {hdu.index}")
    size = hdu.shape[0] * hdu.shape[1]
    rows = np.frombuffer(data[hdu.data_start : hdu.data_start + size], dtype=dtype)
    columns: dict[str, NDArray[Any]] = {}
    for i, field in enumerate(dtype.names or (), start=1):
        values = rows[field]
        if values.ndim > 1 or values.dtype.kind == "V" or str(hdu.header[f"TFORM{i}"])[-1:] == ")":
            continue
        title = str(hdu.header.get(f"TTYPE{i}") or f"COL{i}").strip().upper()
        columns.setdefault(title, _native(values, hdu.header, i))
    return columns


def _row_dtype(hdu: Hdu, where: str) -> np.dtype[Any]:
    count = hdu.header.get("TFIELDS")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 999:
        raise UnreadableFileError(f"{where}: TFIELDS is {count!r}, not a number from 0 to 999")
    formats: list[Any] = []
    for i in range(1, count + 1):
        match = _COLUMN.match(str(hdu.header.get(f"TFORM{i}") or "").strip())
        if match is None or len(match[1]) > 7:
            raise UnreadableFileError(f"{where}: TFORM{i} is not a column format of FITS")
        repeat, code = int(match[1] or 1), match[2]
        kind = _COLUMN_DTYPES[code]
        if code in "AX":
            width = repeat if code == "A" else -(-repeat // 8)
            formats.append(f"{kind}{width}" if width else "V0")
        elif code in "PQ":
            formats.append(f"V{repeat * 2 * np.dtype(kind).itemsize}")
        else:
            formats.append(kind if repeat == 1 else (kind, (repeat,)))
    dtype = np.dtype([(f"c{i}", form) for i, form in enumerate(formats)])
    if dtype.itemsize != hdu.shape[1]:
        raise UnreadableFileError(
            f"{where}: NAXIS1 is {hdu.shape[1]} but the columns take {dtype.itemsize} bytes"
        )
    return dtype


def _native(values: NDArray[Any], header: Header, number: int) -> NDArray[Any]:
    if values.dtype.kind == "S":
        return np.char.strip(np.char.decode(values, "latin-1"), " \0")
    scale, zero = header.get(f"TSCAL{number}", 1), header.get(f"TZERO{number}", 0)
    values = values.astype(values.dtype.newbyteorder("="))
    if isinstance(scale, int | float) and isinstance(zero, int | float) and (scale, zero) != (1, 0):
        with np.errstate(all="ignore"):
            values = values * float(scale) + float(zero)
    return values


def _tile_axes(header: Header) -> tuple[int, ...]:
    """Return the axes of a compressed image in NumPy order, () if they are not usable."""
    naxis = header.get("ZNAXIS")
    if not isinstance(naxis, int) or not 2 <= naxis <= 4:
        return ()
    axes = [header.get(f"ZNAXIS{i}") for i in range(1, naxis + 1)]
    whole = [n for n in axes if isinstance(n, int) and 1 <= n <= MAX_PIXELS]
    return tuple(reversed(whole)) if len(whole) == naxis else ()


def _read_tiles(data: Slices, hdu: Hdu, where: str) -> NDArray[np.float32]:
    """Check a tile-compressed image, then let astropy decompress it."""
    _check_tiles(data, hdu, where)
    primary = fits.PrimaryHDU().header.tostring().encode("ascii")
    part = data[hdu.header_start : hdu.data_start + hdu.data_size]
    file = io.BytesIO(primary + part + bytes(-len(part) % BLOCK))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"), fits.open(file, memmap=False) as hdus:
                values = np.asarray(hdus[1].data).astype(np.float32)
    except _ASTROPY_ERRORS as error:
        raise UnreadableFileError(
            f"{where}: the compressed tiles cannot be decompressed ({type(error).__name__}); "
            "fetch the file again"
        ) from error
    if values.size != math.prod(_tile_axes(hdu.header)):
        raise UnreadableFileError(f"{where}: the tiles do not make up the image; file damaged")
    return values


def _check_tiles(data: Slices, hdu: Hdu, where: str) -> None:
    """Refuse what makes decompression crash, hang or fill the memory."""
    header, axes = hdu.header, _tile_axes(hdu.header)

    def demand(key: str, good: bool, wanted: str) -> None:
        if not good:
            raise UnreadableFileError(f"{where}: {key} is {header.get(key)!r}, wanted {wanted}")

    demand("ZNAXIS", bool(axes), "2 to 4 axes of sensible length")
    demand("ZCMPTYPE", header.get("ZCMPTYPE") in _CODECS, f"one of {', '.join(_CODECS)}")
    demand("ZBITPIX", header.get("ZBITPIX") in _DTYPES, f"one of {tuple(_DTYPES)}")
    seed = header.get("ZDITHER0", 1)
    demand("ZDITHER0", isinstance(seed, int) and 1 <= seed <= 10_000, "1 to 10000")
    if math.prod(axes) > MAX_PIXELS:
        raise UnreadableFileError(f"{where}: {math.prod(axes):,} pixels, most is {MAX_PIXELS:,}")
    tile = []
    for i, length in enumerate(reversed(axes), start=1):
        size = header.get(f"ZTILE{i}", length if i == 1 else 1)
        demand(f"ZTILE{i}", isinstance(size, int) and 1 <= size <= length, f"1 to {length}")
        assert isinstance(size, int)
        tile.append((length, size))
    tiles = math.prod(-(-length // size) for length, size in tile)
    demand("NAXIS2", hdu.shape[:1] == (tiles,), f"{tiles}, the number of tiles")
    block, wide = header.get("ZVAL1", 32), math.prod(size for _, size in tile)
    if header.get("ZNAME1") == "BLOCKSIZE":
        demand("ZVAL1", isinstance(block, int) and block in (16, 32, 64), "16, 32 or 64")
    for part, row in _tile_streams(data, hdu, where):
        _check_stream(part, str(header["ZCMPTYPE"]), _tile_sizes(tile, row), wide * 8, where)


def _tile_sizes(tile: list[tuple[int, int]], row: int) -> list[int]:
    """Return the sides of tile number `row`, first FITS axis first (edge tiles are smaller)."""
    sides = []
    for length, size in tile:
        count = -(-length // size)
        row, place = divmod(row, count)
        sides.append(min(size, length - place * size))
    return sides


def _tile_streams(data: Slices, hdu: Hdu, where: str) -> list[tuple[bytes, int]]:
    """Return the compressed bytes of every tile and its number, refusing those out of the heap."""
    header, dtype = hdu.header, _row_dtype(hdu, where)
    heap = header.get("THEAP", hdu.shape[0] * hdu.shape[1])
    if not isinstance(heap, int) or not 0 <= heap <= hdu.data_size:
        raise UnreadableFileError(f"{where}: THEAP is {heap!r}, outside the table")
    rows = data[hdu.data_start : hdu.data_start + hdu.shape[0] * hdu.shape[1]]
    streams = []
    for i, field in enumerate(dtype.names or (), start=1):
        match = _COLUMN.match(str(header.get(f"TFORM{i}")).strip())
        if match is None or match[2] not in "PQ":
            continue
        kind = np.dtype([("n", _COLUMN_DTYPES[match[2]]), ("at", _COLUMN_DTYPES[match[2]])])
        place = np.frombuffer(rows, dtype=dtype)[field]
        if place.dtype.itemsize != kind.itemsize:
            raise UnreadableFileError(f"{where}: TFORM{i} is {header.get(f'TFORM{i}')!r}; refused")
        cells = np.frombuffer(place.tobytes(), dtype=kind)
        width = np.dtype(_COLUMN_DTYPES.get(match[3][:1], "u1")).itemsize or 1
        for row, (count, at) in enumerate(cells.tolist()):
            first = hdu.data_start + heap + at
            last = first + count * width
            if min(count, at) < 0 or last > hdu.data_start + hdu.data_size:
                raise UnreadableFileError(f"{where}: tile {row} lies outside the table; refused")
            if count and str(header.get(f"TTYPE{i}")).endswith("COMPRESSED_DATA"):
                streams.append((data[first:last], row))
    return streams


def _check_stream(part: bytes, codec: str, sides: list[int], limit: int, where: str) -> None:
    """Look into one tile's stream where its own header could contradict the table."""
    if codec == "HCOMPRESS_1":
        if len(part) < 14 or part[:2] != b"\xdd\x99":
            raise UnreadableFileError(f"{where}: an HCOMPRESS tile has no valid start; damaged")
        held = sorted(struct.unpack(">2i", part[2:10]))
        wanted = sorted((sides + [1, 1])[:2]) if len(sides) < 3 else sorted(sides)[-2:]
        if held != wanted:
            raise UnreadableFileError(
                f"{where}: an HCOMPRESS tile is {held} pixels inside, {wanted} in the header"
            )
    elif part[:2] == b"\x1f\x8b":
        unpack = zlib.decompressobj(wbits=31)
        try:
            long = len(unpack.decompress(part, limit + 1)) > limit or not unpack.eof
        except zlib.error as error:
            raise UnreadableFileError(f"{where}: a gzip tile is damaged ({error})") from error
        if long or unpack.unused_data.strip(b"\0"):
            raise UnreadableFileError(f"{where}: a gzip tile is longer than the tile or cut")
