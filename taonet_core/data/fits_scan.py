"""Strict pre-scan of a FITS file: where every HDU lies, before anything trusts its claims.

Nothing is allocated from a number in a header. What passes the scan can be sliced out of the
bytes directly; the rest is refused in one sentence that names file, HDU, keyword and number.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Protocol

from taonet_core.data.file_kinds import refusal
from taonet_core.data.fits_cards import BLOCK, CARD, Header, Value, parse_header, unusual_cards
from taonet_core.errors import Code, UnreadableFileError
from taonet_core.flags import Flag, Note

__all__ = ["BLOCK", "CARD", "FileSlices", "FitsScan", "Hdu", "Header", "Slices", "Value", "scan"]

MAX_HDUS = 2_000
#: Cards of one header, and of all headers of a file that differ from each other.
MAX_CARDS, MAX_CARDS_IN_ALL = 20_000, 400_000
#: The standard allows 999; images need 2 to 4.
MAX_NAXIS = 8
#: Most pixels of all images of one sequence (float32: 640 MB).
MAX_PIXELS = 160_000_000
#: Beyond any frame of a sequence; keeps products of axes harmless.
MAX_AXIS = 2**31 - 1

#: BITPIX -> NumPy type of the stored pixels.
PIXEL_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


class Slices(Protocol):
    """Bytes, a memory map, or anything else that has a length and can be sliced."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> bytes: ...


class FileSlices:
    """An open file that is sliced like bytes, so that only what is asked for is read."""

    def __init__(self, handle: int) -> None:
        self._handle, self._size = handle, os.fstat(handle).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: slice) -> bytes:
        start, stop, _ = index.indices(self._size)
        return os.pread(self._handle, max(stop - start, 0), start)


@dataclass(frozen=True, slots=True)
class Hdu:
    """Where one header-data unit lies and what it holds.

    Attributes
    ----------
    index : int
        Number in the file, 0 for the primary.
    kind : str
        ``"image"``, ``"compressed"``, ``"table"``, ``"groups"`` or ``"other"``.
    header : dict
        Keyword -> value; ``HIERARCH`` keywords without that word.
    header_start, data_start, data_size : int
        Bytes from the start of the file; the size is without padding.
    shape : tuple of int
        Axes in NumPy order, empty where there is no data.
    """

    index: int
    kind: str
    header: Header
    header_start: int
    data_start: int
    data_size: int
    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """Value of EXTNAME, upper case."""
        return str(self.header.get("EXTNAME") or "").strip().upper()

    @property
    def end(self) -> int:
        """First byte of the next HDU."""
        return self.data_start + -(-self.data_size // BLOCK) * BLOCK


@dataclass(frozen=True)
class FitsScan:
    """The HDUs of one file, and what had to be ignored."""

    hdus: tuple[Hdu, ...]
    notes: tuple[str, ...]


def scan(data: Slices, name: str, *, stop_after: int = MAX_HDUS + 1) -> FitsScan:
    """Walk the block structure of a FITS file.

    Parameters
    ----------
    data : bytes, or another sliceable
        The whole file, decompressed.
    name : str
        For messages.
    stop_after : int
        Enough HDUs.

    Returns
    -------
    FitsScan
        A file cut after complete image HDUs gives those, and a note.

    Raises
    ------
    UnreadableFileError
        If the structure is damaged, or asks for more than the file holds.
    """
    if data[0:6] != b"SIMPLE":
        raise refusal(data[0:512], name)
    hdus: list[Hdu] = []
    parsed: dict[bytes, Header] = {}  # frames of one object often share one header
    offset, cards, cut = 0, 0, None
    while offset < len(data) and len(hdus) < stop_after:
        if len(hdus) == MAX_HDUS:
            text = f"{name}: more than {MAX_HDUS:,} HDUs; split the file"
            raise UnreadableFileError(text, code=Code.HDUS)
        if hdus and data[offset : offset + 8] != b"XTENSION":
            cut = _trailing(data, offset, len(hdus) - 1)
            break
        where = f"{name}, HDU {len(hdus)}"
        raw = _raw_header(data, offset, where)
        if raw is None:
            cut = _endless(data, offset, len(hdus))
            break
        if raw not in parsed:
            parsed[raw] = parse_header(raw, where)
            cards += len(raw) // CARD
        if cards > MAX_CARDS_IN_ALL:
            text = f"{name}: more than {MAX_CARDS_IN_ALL:,} header cards in all; split the file"
            raise UnreadableFileError(text, code=Code.CARDS)
        hdu = _structure(parsed[raw], len(hdus), offset, len(raw), where)
        held = len(data) - hdu.data_start
        if hdu.data_size > held:
            cut = _too_little(hdu, held)
            break
        hdus.append(hdu)
        offset = hdu.end
    return FitsScan(tuple(hdus), _doubts(hdus, cut, parsed, name))


@dataclass(frozen=True)
class _Cut:
    """Why the walk ended before the file did."""

    text: str
    code: Code
    flag: Flag = Flag.DATA_TRUNCATED


def _trailing(data: Slices, offset: int, last: int) -> _Cut | None:
    """Say what follows the last HDU; zeros and spaces are padding."""
    if not data[offset : offset + BLOCK].strip(b"\0 "):
        return None
    text = f"{len(data) - offset:,} bytes after HDU {last} are not FITS"
    return _Cut(text, Code.HEADER, Flag.TRAILING_BYTES)


def _endless(data: Slices, offset: int, index: int) -> _Cut:
    """Say where a header starts that has no END."""
    text = f"the header of HDU {index}, from byte {offset:,}, never ends: there is no END before "
    return _Cut(f"{text}the end of the file at byte {len(data):,}", Code.HEADER_TRUNCATED)


def _too_little(hdu: Hdu, held: int) -> _Cut:
    """Tell a file that was cut from one that claims what no file holds."""
    absurd = hdu.data_size > 8 * MAX_PIXELS
    return _Cut(
        f"HDU {hdu.index} holds {max(held, 0):,} of {hdu.data_size:,} bytes of data",
        Code.SIZE if absurd else Code.DATA_TRUNCATED,
    )


def _doubts(
    hdus: list[Hdu], cut: _Cut | None, parsed: dict[bytes, Header], name: str
) -> tuple[str, ...]:
    """Return what had to be ignored; refuse a cut file without a whole image."""
    notes = []
    if cut is not None:
        if not any(hdu.kind in ("image", "compressed") and hdu.shape for hdu in hdus):
            text = f"{name}: {cut.text}; the file is cut or damaged, fetch it again"
            raise UnreadableFileError(text, code=cut.code)
        notes.append(Note(f"{name}: {cut.text}; only what comes before was read", cut.flag))
    odd = sum(map(unusual_cards, parsed))
    if odd:
        text = f"{name}: {odd:,} header cards break the standard of FITS; they were read as far"
        notes.append(Note(f"{text} as they can be", Flag.HEADER_UNUSUAL))
    return tuple(notes)


def _raw_header(data: Slices, start: int, where: str) -> bytes | None:
    """Return the cards before END, padded to whole blocks; None if END never comes."""
    blocks: list[bytes] = []
    while True:
        if len(blocks) * (BLOCK // CARD) >= MAX_CARDS:
            text = f"{where}: more than {MAX_CARDS:,} header cards; remove what no reader needs"
            raise UnreadableFileError(text, code=Code.CARDS)
        offset = start + BLOCK * len(blocks)
        block = data[offset : offset + BLOCK]
        blocks.append(block)
        found = block.find(b"END")
        while found >= 0:
            if found % CARD == 0 and not block[found + 3 : found + CARD].strip(b" \0"):
                return b"".join(blocks)
            found = block.find(b"END", found + 1)
        if len(block) < BLOCK:
            return None


def _structure(header: Header, index: int, start: int, length: int, where: str) -> Hdu:
    """Check the mandatory keywords and work out where the data lie."""
    bitpix = header.get("BITPIX")
    if bitpix not in PIXEL_DTYPES or isinstance(bitpix, float | bool):
        raise UnreadableFileError(
            f"{where}: BITPIX is {shown(bitpix)}, none of {tuple(PIXEL_DTYPES)}; the header is "
            "damaged, fetch the file again",
            code=Code.HEADER,
        )
    naxis = _whole(header, "NAXIS", 0, MAX_NAXIS, where)
    axes = [_whole(header, f"NAXIS{i}", 0, MAX_AXIS, where) for i in range(1, naxis + 1)]
    is_group = header.get("GROUPS") is True and axes[:1] == [0]
    extension = str(header.get("XTENSION") or "").strip() if index else "IMAGE"
    kinds = {"IMAGE": "image", "IUEIMAGE": "image", "BINTABLE": "table", "A3DTABLE": "table"}
    kind = "groups" if is_group else kinds.get(extension, "other")
    if kind == "table":
        if bitpix != 8 or naxis != 2:
            raise UnreadableFileError(
                f"{where}: a table with BITPIX {bitpix} and NAXIS {naxis}, wanted 8 and 2; the "
                "header is damaged, fetch the file again",
                code=Code.HEADER,
            )
        kind = "compressed" if header.get("ZIMAGE") is True else "table"
    groups = extra = 0
    if index or is_group:
        groups = _whole(header, "GCOUNT", 1, MAX_AXIS if is_group else 1, where, default=1)
        extra = _whole(header, "PCOUNT", 0, 0 if kind == "image" else MAX_AXIS, where, default=0)
    count = math.prod(axes[1:] if is_group else axes) if axes else 0
    size = abs(int(bitpix)) // 8 * max(groups, 1) * (extra + count)
    shape = tuple(reversed(axes)) if count else ()
    return Hdu(index, kind, header, start, start + length, size, shape)


def _whole(
    header: Header, key: str, low: int, high: int, where: str, *, default: int | None = None
) -> int:
    """Return an integer keyword within limits."""
    value = header.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        huge = key[5:].isdigit() and isinstance(value, int) and value > high
        raise UnreadableFileError(
            f"{where}: {key} is {shown(value)}, which is not a whole number from {low} to "
            f"{high:,}; the header is damaged, fetch the file again",
            code=Code.SIZE if huge else Code.HEADER,
        )
    return value


def shown(value: Value) -> str:
    """Return a value of a header as messages show it: short, on one line."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
