"""Avro container files: blocks of records, each checked against the bytes that are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from taonet_core.data.decompression import inflate
from taonet_core.errors import Code, UnreadableFileError

MAGIC = b"Obj\x01"
#: Most bytes that one byte of a deflate stream stands for; a record has at least one.
_DENSEST = 1032
#: Most records of a file.
MAX_RECORDS = 1_000
#: Most bytes of one record; alerts with a long history reach 300 kB.
MAX_RECORD_BYTES = 4 * 2**20
#: Most bytes of all records of a file together, unpacked.
MAX_BYTES = 256 * 2**20
#: Most reads of the records of a file, about two a value; 1,000 alerts of ZTF take 3 million.
MAX_READS = 5_000_000
_MAX_METADATA = 64
_SYNC = 16
_CODECS = (b"null", b"deflate")


class Container:
    """One container file: its metadata at once, its blocks as they are asked for.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.

    Raises
    ------
    UnreadableFileError
        If it is no container, or packed in another way than null or deflate.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name, self._at = data, name, len(MAGIC)
        if not data.startswith(MAGIC):
            self._refuse("this is no Avro file", Code.AVRO)
        metadata = self._metadata()
        self.schema = metadata.get("avro.schema", b"")
        self._codec = metadata.get("avro.codec", b"null")
        if self._codec not in _CODECS:
            shown = self._codec[:20].decode("ascii", "replace")
            self._refuse(
                f"its blocks are packed as {shown!r}; save it with deflate", Code.COMPRESSION
            )
        self._sync = self._take(_SYNC)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield how many records a block has and their bytes, unpacked.

        Raises
        ------
        UnreadableFileError
            At a block that is cut, damaged, or holds more than is read.
        """
        records = size = 0
        while self._at < len(self._data):
            count, packed = self._long(), self._long()
            if packed < 0 or not 0 <= count <= _DENSEST * packed:
                self._refuse(f"a block claims {count:,} records in {packed:,} bytes")
            records += count
            if records > MAX_RECORDS:
                self._refuse(f"more than {MAX_RECORDS:,} alerts; split the file", Code.MEMBERS)
            content = self._take(packed)
            if self._take(_SYNC) != self._sync:
                self._refuse("a block does not end where it says")
            if self._codec == b"deflate":
                content = inflate(content, self._name, most=MAX_BYTES)
            size += len(content)
            if size > MAX_BYTES:
                self._refuse(f"more than {MAX_BYTES:,} bytes; split the file", Code.SIZE)
            yield count, content

    def _metadata(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        entries = 0
        while count := self._long():
            if count < 0:  # the size of the block in bytes follows
                count, _ = -count, self._long()
            entries += count
            if entries > _MAX_METADATA:
                self._refuse(
                    f"its header has {entries:,} entries, at most {_MAX_METADATA} are read"
                )
            for _ in range(count):
                key = self._take(self._long())
                found[key.decode("utf-8", "replace")] = self._take(self._long())
        return found

    def _long(self) -> int:
        """Read a number of variable length, zigzag."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
        self._refuse("a number has more than 10 bytes")

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= len(self._data) - self._at:
            left = len(self._data) - self._at
            self._refuse(f"byte {self._at:,} promises {size:,} bytes and {left:,} are there")
        self._at += size
        return self._data[self._at - size : self._at]

    def _refuse(self, why: str, code: Code = Code.AVRO) -> NoReturn:
        raise UnreadableFileError(f"{self._name}: {why}; fetch the file again", code=code)


class RecordBytes:
    """The bytes of a block, for a reader that does not look whether a read came up short.

    Parameters
    ----------
    content : bytes
    reads : int
        How often may be read: long lists of short values take more time than memory.

    Attributes
    ----------
    at : int
        Bytes that were read.
    reads : int
        How often may be read from now on.
    """

    def __init__(self, content: bytes, reads: int = MAX_READS) -> None:
        self._content, self.reads = content, reads
        self.at = 0
        self.next_record()

    def next_record(self) -> None:
        """Allow one record more."""
        self._end = min(len(self._content), self.at + MAX_RECORD_BYTES)

    def read(self, size: int = -1) -> bytes:
        """Return exactly `size` bytes.

        Raises
        ------
        EOFError
            If there are fewer, the record has taken too many, or there were too many reads.
        """
        start, self.at = self.at, self.at + size
        self.reads -= 1
        if size < 0 or self.at > self._end:
            raise EOFError("a value reaches beyond the end of its record")
        if self.reads < 0:
            raise EOFError("there are too many values; split the file")
        return self._content[start : self.at]
