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

from taonet_core.data.fits_scan import (
    BLOCK,
    CARD,
    MAX_PIXELS,
    PIXEL_DTYPES,
    Hdu,
    Header,
    Slices,
    Value,
    shown,
)
from taonet_core.data.fits_tables import COLUMN, COLUMN_DTYPES, row_dtype
from taonet_core.errors import Code, UnreadableFileError

_CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")
#: Parameters of the codecs that its C code trusts -> their values.
_CODEC_NUMBERS = {"BLOCKSIZE": (16, 32, 64), "BYTEPIX": (1, 2, 4)}
_ASTROPY_ERRORS = (
    CfitsioException,
    fits.VerifyError,
    OSError,
    EOFError,
    zlib.error,
    struct.error,
    ArithmeticError,
    AssertionError,
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
    check_tiles(data, hdu, where)
    part = data[hdu.header_start : hdu.data_start + hdu.data_size]
    if hdu.header.get("ZCMPTYPE") != "HCOMPRESS_1":
        return _decompressed(part, hdu, where)
    # the C code does not know where a stream ends: what it finds behind must make no difference
    values = _decompressed(_with_room(part, hdu, where, b"\0"), hdu, where)
    other = _decompressed(_with_room(part, hdu, where, b"\xff"), hdu, where)
    if not np.array_equal(values, other, equal_nan=True):
        raise _damaged(where, "an HCOMPRESS tile goes on behind its end")
    return values


def _decompressed(part: bytes, hdu: Hdu, where: str) -> NDArray[np.float32]:
    primary = fits.PrimaryHDU().header.tostring().encode("ascii")
    file = io.BytesIO(primary + part + bytes(-len(part) % BLOCK))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"), fits.open(file, memmap=False) as hdus:
                values = np.asarray(hdus[1].data).astype(np.float32)
    except _ASTROPY_ERRORS as error:
        text = f"the compressed tiles cannot be decompressed ({type(error).__name__})"
        raise _damaged(where, text) from error
    if values.size != math.prod(tile_axes(hdu.header)):
        raise _damaged(where, "the tiles do not make up the image")
    return values


def _with_room(part: bytes, hdu: Hdu, where: str, filler: bytes) -> bytes:
    """Return a compressed image whose streams are followed by so much filler as they are long."""
    header, dtype = hdu.header, row_dtype(hdu, where)
    titles = [str(header.get(f"TTYPE{i}")).strip() for i in range(1, len(dtype.names or ()) + 1)]
    number = titles.index("COMPRESSED_DATA") if "COMPRESSED_DATA" in titles else -1
    form = COLUMN.match(str(header.get(f"TFORM{number + 1}")).strip())
    if form is None or form[2] not in "PQ":
        raise _damaged(where, "there is no column of compressed tiles")
    field = f"c{number}"
    start, size = hdu.data_start - hdu.header_start, hdu.shape[0] * hdu.shape[1]
    rows = np.frombuffer(part[start : start + size], dtype=dtype).copy()
    kind = COLUMN_DTYPES[form[2]]
    cells = np.frombuffer(rows[field].tobytes(), dtype=kind).reshape(-1, 2).copy()
    heap = int(header.get("THEAP", size))  # type: ignore[arg-type]  # checked before
    more = bytearray()
    for cell, (count, at) in zip(cells, cells.tolist(), strict=True):
        room = count + 4096
        cell[:] = count + room, hdu.data_size - heap + len(more)
        more += part[start + heap + at : start + heap + at + count] + filler * room
    rows[field] = cells.view(f"V{dtype[field].itemsize}")[:, 0]
    card = f"PCOUNT  = {hdu.data_size - size + len(more):20d}".ljust(CARD).encode("ascii")
    text = part[:start]
    place = next(i for i in range(0, start, CARD) if text[i : i + 8] == b"PCOUNT  ")
    text = text[:place] + card + text[place + CARD :]
    return text + rows.tobytes() + part[start + size :] + bytes(more)


def _damaged(where: str, text: str, code: Code = Code.TILES) -> UnreadableFileError:
    return UnreadableFileError(f"{where}: {text}; the file is damaged, fetch it again", code=code)


def check_tiles(data: Slices, hdu: Hdu, where: str) -> None:
    """Refuse what makes decompression crash, hang or fill the memory.

    Raises
    ------
    UnreadableFileError
        Naming the keyword or tile that contradicts the rest.
    """
    header, axes = hdu.header, tile_axes(hdu.header)

    def demand(key: str, good: bool, wanted: str) -> None:
        if not good:
            raise _damaged(where, f"{key} is {shown(header.get(key))}, wanted {wanted}")

    naxis = header.get("ZNAXIS")
    demand("ZNAXIS", _within(naxis, 4) and naxis != 1, "2 to 4")
    for i in range(1, int(naxis or 0) + 1):
        demand(f"ZNAXIS{i}", _within(header.get(f"ZNAXIS{i}"), MAX_PIXELS), f"1 to {MAX_PIXELS:,}")
    demand("ZCMPTYPE", header.get("ZCMPTYPE") in _CODECS, f"one of {', '.join(_CODECS)}")
    demand("ZBITPIX", header.get("ZBITPIX") in PIXEL_DTYPES, f"one of {tuple(PIXEL_DTYPES)}")
    seed = header.get("ZDITHER0", 1)
    demand("ZDITHER0", _within(seed, 10_000), "1 to 10000")
    if math.prod(axes) > MAX_PIXELS:
        text = f"{math.prod(axes):,} pixels, at most {MAX_PIXELS:,} are read"
        raise _damaged(where, text, Code.SIZE)
    tile = []
    for i, length in enumerate(reversed(axes), start=1):
        size = header.get(f"ZTILE{i}", length if i == 1 else 1)
        demand(f"ZTILE{i}", _within(size, length), f"1 to {length}")
        assert isinstance(size, int)
        tile.append((length, size))
    tiles = math.prod(-(-length // size) for length, size in tile)
    demand("NAXIS2", hdu.shape[:1] == (tiles,), f"{tiles}, the number of tiles")
    named = {i: _CODEC_NUMBERS.get(str(header.get(f"ZNAME{i}")).strip()) for i in range(1, 10)}
    for i, known in named.items():
        demand(f"ZVAL{i}", known is None or header.get(f"ZVAL{i}") in known, f"one of {known}")
    limit = 8 * math.prod(size for _, size in tile)
    for part, row, packed in _tile_streams(data, hdu, where):
        codec = "GZIP_1" if packed else str(header["ZCMPTYPE"])
        _check_stream(part, codec, _tile_sizes(tile, row), limit, where)


def _within(value: Value, most: int) -> bool:
    """Return whether a value is a whole number from 1 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _tile_sizes(tile: list[tuple[int, int]], row: int) -> list[int]:
    """Return the sides of tile number `row`, first FITS axis first (edge tiles are smaller)."""
    sides = []
    for length, size in tile:
        count = -(-length // size)
        row, place = divmod(row, count)
        sides.append(min(size, length - place * size))
    return sides


def _tile_streams(data: Slices, hdu: Hdu, where: str) -> list[tuple[bytes, int, bool]]:
    """Return the compressed bytes of every tile, its number, and if it is packed with gzip instead.

    Tiles out of the heap are refused.
    """
    header, dtype = hdu.header, row_dtype(hdu, where)
    heap = header.get("THEAP", hdu.shape[0] * hdu.shape[1])
    if not isinstance(heap, int) or not 0 <= heap <= hdu.data_size:
        raise _damaged(where, f"THEAP is {shown(heap)}, outside the table")
    rows = data[hdu.data_start : hdu.data_start + hdu.shape[0] * hdu.shape[1]]
    streams = []
    for i, field in enumerate(dtype.names or (), start=1):
        match = COLUMN.match(str(header.get(f"TFORM{i}")).strip())
        if match is None or match[2] not in "PQ":
            continue
        kind = np.dtype([("n", COLUMN_DTYPES[match[2]]), ("at", COLUMN_DTYPES[match[2]])])
        place = np.frombuffer(rows, dtype=dtype)[field]
        if place.dtype.itemsize != kind.itemsize:
            raise _damaged(where, f"TFORM{i} is {shown(header.get(f'TFORM{i}'))}, no tile's format")
        cells = np.frombuffer(place.tobytes(), dtype=kind)
        title = str(header.get(f"TTYPE{i}")).strip()
        width = np.dtype(COLUMN_DTYPES.get(match[3][:1], "u1")).itemsize or 1
        for row, (count, at) in enumerate(cells.tolist()):
            first = hdu.data_start + heap + at
            last = first + count * width
            if min(count, at) < 0 or last > hdu.data_start + hdu.data_size:
                raise _damaged(where, f"tile {row} lies outside the table")
            if count and title in ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA"):
                streams.append((data[first:last], row, title.startswith("GZIP")))
    return streams


def _check_stream(part: bytes, codec: str, sides: list[int], limit: int, where: str) -> None:
    """Look into one tile's stream where its own header could contradict the table."""
    if codec == "HCOMPRESS_1":
        if len(part) < 14 or part[:2] != b"\xdd\x99":
            raise _damaged(where, "an HCOMPRESS tile has no valid start")
        held = sorted(struct.unpack(">2i", part[2:10]))
        wanted = sorted((sides + [1, 1])[:2]) if len(sides) < 3 else sorted(sides)[-2:]
        if held != wanted:
            raise _damaged(where, f"an HCOMPRESS tile is {held} pixels inside, {wanted} outside")
    elif codec == "PLIO_1":
        words = struct.unpack_from(">5h", part) if len(part) >= 14 else ()
        # seven words of header, the version, and how many words there are in all
        if words[1:3] != (7, -100) or not 7 <= words[3] + (words[4] << 15) <= len(part) // 2:
            raise _damaged(where, "a PLIO tile has no valid start")
    elif codec.startswith("GZIP"):
        unpack = zlib.decompressobj(wbits=31)
        try:
            long = len(unpack.decompress(part, limit + 1)) > limit or not unpack.eof
        except zlib.error as error:
            raise _damaged(where, f"a gzip tile is damaged ({error})") from error
        if long or unpack.unused_data.strip(b"\0"):
            raise _damaged(where, "a gzip tile is longer than the tile or cut")
