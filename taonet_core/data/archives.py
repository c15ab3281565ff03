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
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, TypeAlias

from taonet_core.data.file_kinds import kind_of, may_hold_images, stem
from taonet_core.errors import TaoNetError, UnreadableFileError

#: Most bytes that one file may hold once decompressed.
MAX_FILE_BYTES = 512 * 2**20
#: Most bytes that all files of one archive may hold together.
MAX_ARCHIVE_BYTES = 4 * 2**30
#: Most members of an archive.
MAX_MEMBERS = 50_000
#: Above this size a file may grow at most `MAX_RATIO` times (sparse sky maps are legitimate).
FREE_BYTES = 32 * 2**20
MAX_RATIO = 200
_CHUNK = 64 * 1024
#: Most bytes of a long name or of extended attributes in a tar; paths have at most 4,096.
_MAX_DESCRIPTION = 256 * 1024

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


#: Unpacks a member when it is its turn.
Unpack: TypeAlias = "Callable[[], bytes | TaoNetError]"


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
    kind = kind_of(data[:512])
    make = makers.get(kind)
    if make is None:
        return data
    try:
        return b"".join(_inflate(data, make, name))
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: the {kind} compression is damaged ({error}); fetch the file again"
        ) from error


def _limit(packed: int) -> int:
    return min(MAX_FILE_BYTES, max(FREE_BYTES, MAX_RATIO * packed))


def _too_large(name: str, limit: int) -> UnreadableFileError:
    return UnreadableFileError(
        f"{name}: unpacks to more than {limit:,} bytes, which is refused; send smaller images"
    )


def _inflate(data: bytes, make: Callable[[], Any], name: str) -> Iterator[bytes]:
    """Yield the parts of all concatenated streams, weighing what came out against what went in."""
    magic, given, total = data[:2], 0, 0
    while data[given : given + 2] == magic:
        stream = make()
        while not stream.eof:
            more = data[given : given + _CHUNK] if _hungry(stream) else b""
            part = _feed(stream, more)
            given += len(more)
            total += len(part)
            if not more and not part and not stream.eof:
                raise EOFError("the stream ends too early")
            if total > _limit(given):
                raise _too_large(name, _limit(given))
            yield part
        given -= len(stream.unused_data)


def _hungry(stream: Any) -> bool:
    """Return whether a decompressor has used all that it was given."""
    return not stream.unconsumed_tail if hasattr(stream, "unconsumed_tail") else stream.needs_input


def _feed(stream: Any, more: bytes) -> bytes:
    tail = getattr(stream, "unconsumed_tail", b"")
    return stream.decompress(tail + more, _CHUNK * 16)


def _may_be_read(name: str) -> bool:
    return may_hold_images(name) or name.lower().endswith(".csv")


def members(
    data: bytes | BinaryIO,
    name: str,
    *,
    wanted: Callable[[str], bool] = _may_be_read,
    start: int = 0,
    begin: Callable[[str], None] = lambda label: None,
) -> Iterator[Member]:
    """Yield the regular files of a zip or tar archive, each decompressed once.

    Folders, links, devices and names that are not `wanted` are passed over in silence; by default
    those are wanted that may hold images or tables of frames.

    Parameters
    ----------
    data : bytes or open binary file
    name : str
        For messages.
    wanted : callable
        Tells by its name whether a member is of use.
    start : int
        So many wanted members are passed over.
    begin : callable
        Told the label of each member before it is unpacked.

    Raises
    ------
    UnreadableFileError
        If the archive itself is damaged or exceeds the limits.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    kind = kind_of(file.read(512))
    file.seek(0)
    reader = _zip_members if kind == "zip" else _tar_members
    total = 0
    try:
        for label, unpack in islice(reader(file, name, wanted), start, None):
            begin(label)
            content = unpack()
            total += len(content) if isinstance(content, bytes) else 0
            if total > MAX_ARCHIVE_BYTES:
                raise UnreadableFileError(f"{name}: {total:,} bytes and more; split the archive")
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


def _label(name: str, seen: Counter[str]) -> str:
    """Clean a member's name for display and make it unique."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    label = "".join(c if c.isprintable() else "?" for c in "/".join(parts)) or "unnamed"
    unique = label
    while unique in seen:
        seen[label] += 1
        unique = f"{label} ({seen[label]})"
    seen[unique] = 1
    return unique


def _zip_members(
    file: BinaryIO, name: str, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, Unpack]]:
    seen: Counter[str] = Counter()
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
            if info.is_dir() or not wanted(info.filename):
                continue
            label = _label(info.filename, seen)
            yield label, partial(_zip_content, archive, info, label)


def _zip_content(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, label: str
) -> bytes | TaoNetError:
    limit = _limit(info.compress_size)
    try:
        with archive.open(info) as member:
            content = member.read(limit + 1)
    except _BROKEN as error:
        return UnreadableFileError(f"{label}: cannot be unpacked ({error})")
    return content if len(content) <= limit else _too_large(label, limit)


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


class _Entry(tarfile.TarInfo):
    """Refuse entries whose description alone could fill the memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in (b"L", b"K", b"x", b"g", b"X") and self.size > _MAX_DESCRIPTION:
            raise tarfile.ReadError(f"a name or attributes of {self.size:,} bytes")
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._proc_gnusparse_10()
        return super()._proc_member(archive)  # type: ignore[misc]

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("a list of the holes of a sparse file; pack without --sparse")


def _tar_members(
    file: BinaryIO, name: str, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, Unpack]]:
    seen: Counter[str] = Counter()
    # a stream never seeks backwards: archives with negative offsets cannot loop
    with tarfile.open(fileobj=_Stream(file), mode="r|", tarinfo=_Entry) as archive:
        for count, info in enumerate(archive):
            if count == MAX_MEMBERS:
                raise UnreadableFileError(f"{name}: over {count:,} files; split the archive")
            if info.size > MAX_ARCHIVE_BYTES:  # walking over it would take minutes
                raise _too_large(name, MAX_ARCHIVE_BYTES)
            if not info.isreg() or info.issparse() or not wanted(info.name):
                continue
            label = _label(info.name, seen)
            yield label, partial(_tar_content, archive, info, label)


def _tar_content(
    archive: tarfile.TarFile, info: tarfile.TarInfo, label: str
) -> bytes | TaoNetError:
    if info.size > MAX_FILE_BYTES:
        return _too_large(label, MAX_FILE_BYTES)
    member = archive.extractfile(info)
    return member.read() if member else b""
