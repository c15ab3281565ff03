"""Tile-compressed images: astropy decompresses them, after what its C code trusts is checked."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from numpy.typing import NDArray

from taonet_core.data.fits_scan import BLOCK, MAX_PIXELS, PIXEL_DTYPES, Hdu, Header, Slices
from taonet_core.data.fits_tables import COLUMN, COLUMN_DTYPES, row_dtype
from taonet_core.errors import UnreadableFileError

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


def tile_axes(header: Header) -> tuple[int, ...]:
    """Return the axes of a compressed image in NumPy order, () if they are not usable."""
    naxis = header.get("ZNAXIS")
    if not isinstance(naxis, int) or not 2 <= naxis <= 4:
        return ()
    axes = [header.get(f"ZNAXIS{i}") for i in range(1, naxis + 1)]
    whole = [n for n in axes if isinstance(n, int) and 1 <= n <= MAX_PIXELS]
    return tuple(reversed(whole)) if len(whole) == naxis else ()


def read_tiles(data: Slices, hdu: Hdu, where: str) -> NDArray[np.float32]:
    """Return the values of a tile-compressed image, shape `tile_axes`, float32.

    Raises
    ------
    UnreadableFileError
        If its numbers contradict each other or the tiles are damaged.
    """
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
    if values.size != math.prod(tile_axes(hdu.header)):
        raise UnreadableFileError(f"{where}: the tiles do not make up the image; file damaged")
    return values


def _check_tiles(data: Slices, hdu: Hdu, where: str) -> None:
    """Refuse what makes decompression crash, hang or fill the memory."""
    header, axes = hdu.header, tile_axes(hdu.header)

    def demand(key: str, good: bool, wanted: str) -> None:
        if not good:
            raise UnreadableFileError(f"{where}: {key} is {header.get(key)!r}, wanted {wanted}")

    demand("ZNAXIS", bool(axes), "2 to 4 axes of sensible length")
    demand("ZCMPTYPE", header.get("ZCMPTYPE") in _CODECS, f"one of {', '.join(_CODECS)}")
    demand("ZBITPIX", header.get("ZBITPIX") in PIXEL_DTYPES, f"one of {tuple(PIXEL_DTYPES)}")
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
    header, dtype = hdu.header, row_dtype(hdu, where)
    heap = header.get("THEAP", hdu.shape[0] * hdu.shape[1])
    if not isinstance(heap, int) or not 0 <= heap <= hdu.data_size:
        raise UnreadableFileError(f"{where}: THEAP is {heap!r}, outside the table")
    rows = data[hdu.data_start : hdu.data_start + hdu.shape[0] * hdu.shape[1]]
    streams = []
    for i, field in enumerate(dtype.names or (), start=1):
        match = COLUMN.match(str(header.get(f"TFORM{i}")).strip())
        if match is None or match[2] not in "PQ":
            continue
        kind = np.dtype([("n", COLUMN_DTYPES[match[2]]), ("at", COLUMN_DTYPES[match[2]])])
        place = np.frombuffer(rows, dtype=dtype)[field]
        if place.dtype.itemsize != kind.itemsize:
            raise UnreadableFileError(f"{where}: TFORM{i} is {header.get(f'TFORM{i}')!r}; refused")
        cells = np.frombuffer(place.tobytes(), dtype=kind)
        width = np.dtype(COLUMN_DTYPES.get(match[3][:1], "u1")).itemsize or 1
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
