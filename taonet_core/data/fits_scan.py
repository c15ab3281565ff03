"""Strict pre-scan of a FITS file: where every HDU lies, before anything trusts its claims.

Nothing is allocated from a number in a header. What passes the scan can be sliced out of the
bytes directly; the rest is refused in one sentence that names file, HDU, keyword and number.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Protocol

from taonet_core.data.file_kinds import refusal
from taonet_core.errors import UnreadableFileError

BLOCK = 2880
CARD = 80
MAX_HDUS = 2_000
MAX_CARDS = 20_000
#: The standard allows 999; images need 2 to 4.
MAX_NAXIS = 8
#: Most pixels of all images of one sequence (float32: 640 MB).
MAX_PIXELS = 160_000_000
#: Beyond any frame of a sequence; keeps products of axes harmless.
MAX_AXIS = 2**31 - 1

#: BITPIX -> NumPy type of the stored pixels.
PIXEL_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Value = bool | int | float | str | None
Header = dict[str, Value]

_STRUCTURAL = re.compile(r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT")
_STRING = re.compile(r"'((?:[^']|'')*)'?")
_INTEGER = re.compile(r"[+-]?\d{1,70}")
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?")


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
    offset, cut = 0, ""
    while offset < len(data) and len(hdus) < stop_after:
        if len(hdus) == MAX_HDUS:
            raise UnreadableFileError(f"{name}: more than {MAX_HDUS:,} HDUs; split the file")
        if hdus and data[offset : offset + 8] != b"XTENSION":
            if data[offset : offset + BLOCK].strip(b"\0 "):
                cut = f"{len(data) - offset:,} bytes after HDU {len(hdus) - 1} are not FITS"
            break
        where = f"{name}, HDU {len(hdus)}"
        raw = _raw_header(data, offset, where)
        if raw is None:
            cut = f"the header of HDU {len(hdus)} never ends"
            break
        if raw not in parsed:
            parsed[raw] = parse_header(raw, where)
        hdu = _structure(parsed[raw], len(hdus), offset, len(raw), where)
        held = len(data) - hdu.data_start
        if hdu.data_size > held:
            cut = f"HDU {hdu.index} promises {hdu.data_size:,} bytes of data and holds {held:,}"
            break
        hdus.append(hdu)
        offset = hdu.end
    if cut and not any(hdu.kind in ("image", "compressed") and hdu.shape for hdu in hdus):
        raise UnreadableFileError(f"{name}: {cut}; the file is cut or damaged, fetch it again")
    notes = (f"{name}: {cut}; only what comes before was read",) if cut else ()
    return FitsScan(tuple(hdus), notes)


def _raw_header(data: Slices, start: int, where: str) -> bytes | None:
    """Return the cards before END, padded to whole blocks; None if END never comes."""
    blocks: list[bytes] = []
    while True:
        if len(blocks) * (BLOCK // CARD) >= MAX_CARDS:
            raise UnreadableFileError(f"{where}: more than {MAX_CARDS:,} header cards; refused")
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


def parse_header(raw: bytes, where: str) -> Header:
    """Read header cards leniently: the first of a repeated keyword counts, odd cards are skipped.

    Raises
    ------
    UnreadableFileError
        If a keyword that decides the structure stands twice with different values.
    """
    header: Header = {}
    text = raw.decode("latin-1")
    last = ""
    for start in range(0, len(text), CARD):
        card = text[start : start + CARD]
        if card.startswith("END") and not card[3:].strip(" \0"):
            break
        if card.startswith("CONTINUE") and last:
            header[last] = _continued(header[last], card[8:])
            continue
        key, found, value = card.partition("=")
        key = key.strip().upper().removeprefix("HIERARCH ").strip()
        last = ""
        if not found or not key or card.startswith(("COMMENT", "HISTORY")):
            continue
        if key not in header:
            header[key] = parse_value(value)
            last = key
        elif _STRUCTURAL.fullmatch(key) and header[key] != parse_value(value):
            raise UnreadableFileError(
                f"{where}: keyword {key} stands twice with different values; repair the header"
            )
    return header


def _continued(value: Value, rest: str) -> Value:
    more = parse_value(rest)
    if isinstance(value, str) and value.endswith("&") and isinstance(more, str):
        return value[:-1] + more if len(value) < 4096 else value
    return value


def parse_value(text: str) -> Value:
    """Turn the part of a card after ``=`` into a value; what cannot be read stays a string."""
    text = text.strip(" \0")
    if text.startswith("'"):
        match = _STRING.match(text)
        return match.group(1).replace("''", "'").rstrip() if match else ""
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.upper().replace("D", "E"))
    return text or None


def _structure(header: Header, index: int, start: int, length: int, where: str) -> Hdu:
    """Check the mandatory keywords and work out where the data lie."""
    bitpix = header.get("BITPIX")
    if bitpix not in PIXEL_DTYPES or isinstance(bitpix, float | bool):
        raise UnreadableFileError(
            f"{where}: BITPIX is {bitpix!r}, none of {tuple(PIXEL_DTYPES)}; the header is damaged"
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
                f"{where}: a table with BITPIX {bitpix} and NAXIS {naxis}, wanted 8 and 2; damaged"
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
        raise UnreadableFileError(
            f"{where}: {key} is {value!r}, which is not a whole number from {low} to {high:,}; "
            "the header is damaged"
        )
    return value
