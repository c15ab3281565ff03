"""What stands in a zip or tar archive, entry by entry, without a byte of it on disk.

Names, sizes and offsets are claims: nothing is allocated by them, and what comes out of an entry
is weighed against what went in.
"""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from taonet_core.data.decompression import MAX_FILE_BYTES, Unfolded, too_large, unfold
from taonet_core.errors import Code, UnreadableFileError

#: Most bytes that all files of one archive may hold together.
MAX_ARCHIVE_BYTES = 4 * 2**30
#: Most members of an archive, those passed over included.
MAX_MEMBERS = 50_000
#: Most bytes of a long name or of extended attributes in a tar; paths have at most 4,096.
_MAX_DESCRIPTION = 256 * 1024
#: Most bytes of the directory of a zip.
_MAX_DIRECTORY = 64 * 2**20
_CHUNK = 2**20
_LINKS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a link to another member",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
}


@dataclass(frozen=True)
class Entry:
    """One entry of an archive that is no folder.

    Attributes
    ----------
    name : str
        As the archive has it.
    odd : str
        What it is where it is no regular file.
    parts : callable
        Given a label for messages, yields the content.
    """

    name: str
    odd: str
    parts: Callable[[str], Iterator[bytes]]


def too_many(name: str, count: int) -> UnreadableFileError:
    """Return the error for an archive of too many files."""
    return UnreadableFileError(
        f"{name}: {count:,} files and more, at most {MAX_MEMBERS:,} are read; split the archive",
        code=Code.MEMBERS,
    )


def zip_entries(file: BinaryIO, name: str) -> Iterator[Entry]:
    """Yield the entries of a zip: tables first, then by name.

    Raises
    ------
    UnreadableFileError
        If there are too many, or they overlap.
    """
    _count_directory(file, name)
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise too_many(name, len(infos))
        end = 0
        for info in sorted(infos, key=lambda i: i.header_offset):
            if info.header_offset < end:
                raise UnreadableFileError(
                    f"{name}: files overlap inside the archive, which is refused", code=Code.BOMB
                )
            end = info.header_offset + _LOCAL.size + info.compress_size
        # tables first, then folder by folder, so that frame times are known before the frames
        infos.sort(key=lambda i: (not i.filename.endswith(".csv"), i.filename))
        for info in infos:
            if not info.is_dir():
                link = stat.S_ISLNK(info.external_attr >> 16)
                odd = _LINKS[tarfile.SYMTYPE] if link else ""
                yield Entry(info.filename, odd, partial(_zip_parts, file, info))


_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s24x3H12x")
_LOCAL = struct.Struct("<4s22x2H")


def _count_directory(file: BinaryIO, name: str) -> None:
    """Refuse too many files before an object is made of each."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - 2**16 - _LOCATOR_64.size - _END_64.size))
    tail = file.read()
    at = len(tail) - _END.size
    if tail[at : at + 4] != b"PK\x05\x06":
        at = tail.rfind(b"PK\x05\x06", 0, max(at, 0))
    if at < 0:
        return  # zipfile says so
    *_, length, _offset, _comment = _END.unpack_from(tail, at)
    end = size - len(tail) + at
    before = at - _LOCATOR_64.size
    if before >= _END_64.size and tail[before : before + 4] == b"PK\x06\x07":
        *_, length, _offset = _END_64.unpack_from(tail, before - _END_64.size)
        end -= _LOCATOR_64.size + _END_64.size
    if length > end:
        return  # it lies; zipfile says so
    if length > _MAX_DIRECTORY:
        raise too_many(name, MAX_MEMBERS)
    file.seek(end - length)
    directory = file.read(length)
    count = at = 0
    while directory[at : at + 4] == b"PK\x01\x02" and len(directory) - at >= _CENTRAL.size:
        count += 1
        if count > MAX_MEMBERS:
            raise too_many(name, count)
        at += _CENTRAL.size + sum(_CENTRAL.unpack_from(directory, at)[1:])


class _Stretch(io.RawIOBase):
    """A stretch of a file, read from its start."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._at, self._left = file, start, size

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end."""
        self._file.seek(self._at)
        data = self._file.read(min(size, self._left))
        self._at += len(data)
        self._left -= len(data)
        return data


def _zip_parts(file: BinaryIO, info: zipfile.ZipInfo, label: str) -> Iterator[bytes]:
    if info.flag_bits & 0x1:
        raise UnreadableFileError(
            f"{label}: it is encrypted; pack it without a password", code=Code.ENCRYPTED
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableFileError(
            f"{label}: packed by method {info.compress_type} of zip; pack it the ordinary way "
            "(deflate)",
            code=Code.COMPRESSION,
        )
    file.seek(info.header_offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise _damaged(label, "its header is not where the directory says")
    start = info.header_offset + _LOCAL.size + sum(_LOCAL.unpack(head)[1:])
    stretch = _Stretch(file, start, info.compress_size)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        parts = unfold(stretch, "deflate", label)  # type: ignore[arg-type]  # only read is used
    else:
        parts = iter(partial(stretch.read, _CHUNK), b"")
    size = check = 0
    for part in parts:
        size += len(part)
        check = zlib.crc32(part, check)
        if size > MAX_FILE_BYTES:
            raise too_large(label, MAX_FILE_BYTES)
        yield part
    if size != info.file_size or check != info.CRC:
        raise _damaged(label, "its size or checksum is wrong")


def _damaged(label: str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{label}: cannot be unpacked, {why}; make or fetch the archive again", code=Code.ARCHIVE
    )


class _TarInfo(tarfile.TarInfo):
    """Refuse entries whose description alone could fill the memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in (b"L", b"K", b"x", b"g", b"X") and self.size > _MAX_DESCRIPTION:
            raise tarfile.ReadError(f"a name or attributes of {self.size:,} bytes")
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._proc_gnusparse_10()
        return super()._proc_member(archive)  # type: ignore[misc]

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("a list of the holes of a sparse file; pack without --sparse")


def tar_entries(file: BinaryIO, name: str) -> Iterator[Entry]:
    """Yield the entries of a tar, packed or not, in their order.

    An entry is to be read before the next is asked for.

    Raises
    ------
    UnreadableFileError
        If there are too many, or one claims more than any archive may hold.
    """
    stream = Unfolded(file, name, MAX_ARCHIVE_BYTES)
    # a stream never seeks backwards: archives with negative offsets cannot loop
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarInfo) as archive:
        for count, info in enumerate(iter(archive.next, None), 1):
            if count > MAX_MEMBERS:
                raise too_many(name, count)
            if info.size > MAX_ARCHIVE_BYTES:  # walking over it would take minutes
                raise too_large(name, MAX_ARCHIVE_BYTES)
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep all it has seen
            if info.isdir():
                continue
            odd = _LINKS.get(info.type, "" if info.isreg() else "no regular file")
            odd = "a sparse file" if info.issparse() else odd
            yield Entry(info.name, odd, partial(_tar_parts, archive, info))


def _tar_parts(archive: tarfile.TarFile, info: tarfile.TarInfo, label: str) -> Iterator[bytes]:
    if info.size > MAX_FILE_BYTES:
        raise too_large(label, MAX_FILE_BYTES)
    member = archive.extractfile(info)
    if member is not None:
        yield from iter(partial(member.read, _CHUNK), b"")
