"""Bounded, safe unpacking: nothing is written to disk, and no size claimed by a file is believed.

Kinds are told by their first bytes, never by a name. Names inside archives are labels only.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from taonet_core.errors import TaoNetError, UnreadableFileError

#: Most bytes that one file may hold once decompressed.
MAX_FILE_BYTES = 512 * 2**20
#: Most bytes that all files of one archive may hold together.
MAX_ARCHIVE_BYTES = 8 * 2**30
#: Most members of an archive.
MAX_MEMBERS = 50_000
#: Above this size a file may grow at most `MAX_RATIO` times (sparse sky maps are legitimate).
FREE_BYTES = 32 * 2**20
MAX_RATIO = 200

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
    b"<": "a web page or XML document",
    b"{": "a JSON document",
}
FITS_ENDINGS = (".fits", ".fit", ".fts", ".fz", ".mef")
_PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".z")
_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # zipfile: an encrypted member; includes NotImplementedError, RecursionError
    ValueError,
    OverflowError,
    MemoryError,
    IndexError,
    KeyError,
)


@dataclass(frozen=True)
class Member:
    """One file of an archive or folder.

    Attributes
    ----------
    name : str
        Label with ``/`` between folders; never joined to a path.
    content : bytes or TaoNetError
        Decompressed bytes, or why there are none.
    """

    name: str
    content: bytes | TaoNetError

    @property
    def folder(self) -> str:
        """Folder part of the name, empty at the top."""
        return self.name.rpartition("/")[0]

    @property
    def stem(self) -> str:
        """File name without folders and FITS or compression endings."""
        return stem(self.name)


def stem(name: str) -> str:
    """Return the file name without its folders and its FITS or compression endings."""
    name = PurePosixPath(name).name
    for endings in (_PACKED_ENDINGS, FITS_ENDINGS):
        for ending in endings:
            if name.lower().endswith(ending) and len(name) > len(ending):
                name = name[: -len(ending)]
                break
    return name


def may_hold_images(name: str) -> bool:
    """Return whether a file of a folder or archive is worth opening, by its name alone."""
    name = PurePosixPath(name).name.lower()
    if name.startswith("."):  # hidden files and the resource forks of macOS
        return False
    for ending in _PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return name.endswith((*FITS_ENDINGS, ".avro"))


def is_archive(file: BinaryIO) -> bool:
    """Return whether a file, at its start, is a zip or a (compressed) tar; it is rewound."""
    kind = kind_of(file.read(512))
    file.seek(0)
    if kind in _OPENERS:
        try:
            with _OPENERS[kind](file) as stream:
                kind = kind_of(stream.read(512))
        except _BROKEN:
            kind = "other"
        finally:
            file.seek(0)
        return kind == "tar"
    return kind in ("zip", "tar")


def kind_of(data: bytes) -> str:
    """Return ``"fits"``, ``"gz"``, ``"bz2"``, ``"xz"``, ``"zip"``, ``"tar"`` or ``"other"``."""
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    return "tar" if data[257:262] == b"ustar" else "other"


def refusal(data: bytes, name: str) -> UnreadableFileError:
    """Return the error for bytes that are no FITS file, saying what they look like."""
    if not data:
        return UnreadableFileError(f"{name}: the file is empty; fetch it again")
    start = data.lstrip()[:16]
    for magic, what in _LOOKS_LIKE.items():
        if start.startswith(magic):
            return UnreadableFileError(f"{name}: this is {what}, not a FITS file")
    if kind_of(data) != "other":
        what = f"{kind_of(data)} inside another archive or compressed file"
        return UnreadableFileError(f"{name}: this is {what}; unpack it once and try again")
    return UnreadableFileError(
        f"{name}: not a FITS file (it does not start with SIMPLE); choose a FITS image"
    )


def decompress(data: bytes, name: str) -> bytes:
    """Undo one layer of gz, bz2 or xz; other bytes come back as they are.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.

    Raises
    ------
    UnreadableFileError
        If the stream is damaged or grows beyond the limits.
    """
    makers: dict[str, Callable[[], object]] = {
        "gz": lambda: zlib.decompressobj(wbits=31),
        "bz2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=256 * 2**20),
    }
    make = makers.get(kind_of(data))
    if make is None:
        return data
    limit = _limit(len(data))
    try:
        out = b"".join(_inflate(data, make, limit))
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: the {kind_of(data)} compression is damaged ({error}); fetch the file again"
        ) from error
    if len(out) > limit:
        raise _too_large(name, limit)
    return out


def _limit(packed: int) -> int:
    return min(MAX_FILE_BYTES, max(FREE_BYTES, MAX_RATIO * packed))


def _too_large(name: str, limit: int) -> UnreadableFileError:
    return UnreadableFileError(
        f"{name}: unpacks to more than {limit:,} bytes, which is refused; send smaller images"
    )


def _inflate(data: bytes, make: Callable[[], object], limit: int) -> Iterator[bytes]:
    """Yield the parts of all concatenated streams, at most one byte more than `limit`."""
    magic, total = data[:2], 0
    while data[:2] == magic:
        stream: zlib._Decompress = make()  # type: ignore[assignment]
        part = stream.decompress(data, limit + 1 - total)
        total += len(part)
        yield part
        if total > limit:
            return
        if not stream.eof:
            raise EOFError("the stream ends too early")
        data = stream.unused_data


def members(data: bytes | BinaryIO, name: str) -> Iterator[Member]:
    """Yield the regular files of a zip or tar archive, each decompressed once.

    Folders, links, devices, hidden files and names that cannot hold images or tables are
    passed over in silence.

    Raises
    ------
    UnreadableFileError
        If the archive itself is damaged or exceeds the limits.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    start = file.read(512)
    file.seek(0)
    reader = _zip_members if kind_of(start) == "zip" else _tar_members
    total = 0
    try:
        for count, (label, content) in enumerate(reader(file, name)):
            total += len(content) if isinstance(content, bytes) else 0
            if count >= MAX_MEMBERS or total > MAX_ARCHIVE_BYTES:
                raise UnreadableFileError(
                    f"{name}: more than {MAX_MEMBERS:,} files or {MAX_ARCHIVE_BYTES:,} bytes; "
                    "split the archive"
                )
            yield Member(label, _unpacked(content, label))
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: the archive is damaged ({error}); make or fetch it again"
        ) from error


def _unpacked(content: bytes | TaoNetError, label: str) -> bytes | TaoNetError:
    if isinstance(content, TaoNetError):
        return content
    try:
        return decompress(content, label)
    except UnreadableFileError as error:
        return error


def _wanted(name: str) -> bool:
    return may_hold_images(name) or name.lower().endswith(".csv")


def _label(name: str, seen: set[str]) -> str:
    """Clean a member's name for display and make it unique."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    label = "".join(c if c.isprintable() else "?" for c in "/".join(parts)) or "unnamed"
    unique, number = label, 2
    while unique in seen:
        unique, number = f"{label} ({number})", number + 1
    seen.add(unique)
    return unique


def _zip_members(file: BinaryIO, name: str) -> Iterator[tuple[str, bytes | TaoNetError]]:
    seen: set[str] = set()
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise UnreadableFileError(f"{name}: {len(infos):,} files; split the archive")
        end = 0
        for info in sorted(infos, key=lambda i: i.header_offset):
            if info.header_offset < end:
                raise UnreadableFileError(f"{name}: files overlap inside the archive; refused")
            end = info.header_offset + info.compress_size
        # tables first, then folder by folder, so that frame times are known before the frames
        infos.sort(key=lambda i: (not i.filename.endswith(".csv"), i.filename))
        for info in infos:
            if info.is_dir() or not _wanted(info.filename):
                continue
            label = _label(info.filename, seen)
            limit = _limit(info.compress_size)
            try:
                with archive.open(info) as member:
                    content = member.read(limit + 1)
            except _BROKEN as error:
                yield label, UnreadableFileError(f"{label}: cannot be unpacked ({error})")
                continue
            yield label, content if len(content) <= limit else _too_large(label, limit)


class _Stream(io.RawIOBase):
    """Decompress while a tar archive is read, so that a bomb is never held in memory."""

    def __init__(self, file: BinaryIO) -> None:
        kind = kind_of(file.read(16))
        file.seek(0)
        self._file = _OPENERS[kind](file) if kind in _OPENERS else file
        self._total = 0

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self._total += len(part)
        if self._total > MAX_ARCHIVE_BYTES:
            raise OSError(f"it unpacks to more than {MAX_ARCHIVE_BYTES:,} bytes")
        return part


def _tar_members(file: BinaryIO, name: str) -> Iterator[tuple[str, bytes | TaoNetError]]:
    seen: set[str] = set()
    # a stream never seeks backwards: archives with negative offsets cannot loop
    with tarfile.open(fileobj=_Stream(file), mode="r|") as archive:
        for info in archive:
            if not info.isreg() or info.issparse() or not _wanted(info.name):
                continue
            label = _label(info.name, seen)
            if info.size > MAX_FILE_BYTES:
                yield label, _too_large(label, MAX_FILE_BYTES)
                continue
            member = archive.extractfile(info)
            yield label, member.read() if member else b""
