"""What a file is: by its first bytes, or, before it is opened, by its name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from taonet_core.errors import Code, UnreadableFileError

FITS_ENDINGS = (".fits", ".fit", ".fts", ".fz", ".mef")
_PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".z")
_MAGIC: dict[bytes, str] = {
    b"SIMPLE": "fits",
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
#: What a file that is no FITS file most likely is, for the sentence that refuses it.
_LOOKS_LIKE: dict[bytes, str] = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"Obj\x01": "an Avro alert packet",
    b"\x89HDF": "an HDF5 file",
    b"PAR1": "a Parquet table",
    b"SQLite": "an SQLite database",
    b"(\xb5/\xfd": "a zstd stream",
    b"\x1f\x9d": "an old Unix .Z file (unpack it with `uncompress` first)",
    b"7z\xbc\xaf": "a 7-zip archive (use zip or tar)",
    b"Rar!": "a RAR archive (use zip or tar)",
    b"\xaa\xaaUU": "an ANA image of solar astronomy (.fz stands for other files, too)",
    b"<": "a web page or XML document",
    b"{": "a JSON document",
}


def kind_of(data: bytes) -> str:
    """Return ``"fits"``, ``"gz"``, ``"bz2"``, ``"xz"``, ``"zip"``, ``"tar"`` or ``"other"``."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    return "tar" if data[257:262] == b"ustar" else "other"


def refusal(data: bytes, name: str) -> UnreadableFileError:
    """Return the error for bytes that are no FITS file, saying what they look like."""
    if not data:
        return UnreadableFileError(f"{name}: the file is empty; fetch it again", code=Code.EMPTY)
    text = f"{name}: not a FITS file (it does not start with SIMPLE); choose a FITS image"
    start = data.lstrip()[:16]
    what = next((what for magic, what in _LOOKS_LIKE.items() if start.startswith(magic)), "")
    if data[8:12] == b".FIT":
        what = "a track of a Garmin watch"
    if name.lower().endswith(".avro"):
        text = f"{name}: an alert packet begins with its schema, and this does not; fetch it whole"
        return UnreadableFileError(text, code=Code.AVRO)
    if what:
        text = f"{name}: this is {what}, not a FITS file; choose a FITS image"
    elif kind_of(data) != "other":
        what = f"{kind_of(data)} inside another archive or compressed file"
        text = f"{name}: this is {what}; unpack it once and try again"
    return UnreadableFileError(text, code=Code.NOT_FITS)


def stem(name: str) -> str:
    """Return the file name without its folders and its FITS or compression endings."""
    name = PurePosixPath(name).name
    for endings in ((*_PACKED_ENDINGS, ".fz"), FITS_ENDINGS):
        for ending in endings:
            if name.lower().endswith(ending) and len(name) > len(ending):
                name = name[: -len(ending)]
                break
    return name


def in_order(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names as people do, frame 2 before frame 10.

    Parameters
    ----------
    name : str
    """
    parts = re.split(r"(\d+)", name)  # text and digits in turn
    return [(len(p.lstrip("0")), p.lstrip("0")) if i % 2 else (0, p) for i, p in enumerate(parts)]


def may_hold_images(name: str) -> bool:
    """Return whether a file of a folder or archive is worth opening, by its name alone."""
    name = PurePosixPath(name).name.lower()
    if name.startswith("."):  # hidden files and the resource forks of macOS
        return False
    for ending in _PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return name.endswith((*FITS_ENDINGS, ".avro"))
