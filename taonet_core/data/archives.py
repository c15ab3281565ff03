"""Bounded, safe unpacking: nothing is written to disk, and no size claimed by a file is believed.

Kinds are told by their first bytes, never by a name. Names inside archives are labels only.
"""

from __future__ import annotations

import io
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from taonet_core.data.archive_entries import (
    MAX_ARCHIVE_BYTES,
    Entry,
    tar_entries,
    zip_entries,
)
from taonet_core.data.decompression import (
    MAX_FILE_BYTES,
    decompress,
    is_packed,
    joined,
    limit,
    peek,
    too_large,
    unfold,
)
from taonet_core.data.file_kinds import kind_of, may_hold_images, stem
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

__all__ = ["MAX_FILE_BYTES", "Member", "decompress", "is_archive", "members"]

#: Endings of archives, which are not opened inside another.
ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
_OTHER_ARCHIVES = (".7z", ".rar", ".tar.zst", ".tar.z", ".jar")
#: What operating systems leave in archives.
_CLUTTER = ("thumbs.db", "desktop.ini", ".ds_store")
_LONGEST_LABEL = 1_000
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    struct.error,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # includes NotImplementedError, RecursionError
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


def is_archive(file: BinaryIO) -> bool:
    """Return whether a file, at its start, is a zip or a (compressed) tar; it is rewound.

    At most the first megabyte is read, and 512 bytes of it are unpacked.
    """
    kind = kind_of(file.read(512))
    file.seek(0)
    return kind_of(peek(file)) == "tar" if is_packed(kind) else kind in ("zip", "tar")


def _may_be_read(name: str) -> bool:
    return may_hold_images(name) or name.lower().endswith(".csv")


def members(
    data: bytes | BinaryIO,
    name: str,
    *,
    wanted: Callable[[str], bool] = _may_be_read,
    start: int = 0,
    begin: Callable[[str], None] = lambda label: None,
    on_skip: Callable[[str, str], None] = lambda label, why: None,
) -> Iterator[Member]:
    """Yield the regular files of a zip or tar archive, each decompressed once.

    Folders, what operating systems leave behind, and names that are not `wanted` are passed over
    in silence; by default those are wanted that may hold images or tables of frames.

    Parameters
    ----------
    data : bytes or binary file
    name : str
        For messages.
    wanted : callable
        Whether a name is worth reading.
    start : int
        So many wanted members are passed over; in a zip that costs nothing.
    begin : callable
        Told the label of every member before it is read.
    on_skip : callable
        Told the label of a link, a device or an inner archive, and what it is: ``"a device"``.

    Raises
    ------
    UnreadableFileError
        If the archive itself is damaged or exceeds the limits.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    kind = kind_of(file.read(512))
    budget = _Budget(name, file.seek(0, io.SEEK_END))
    file.seek(0)
    seen: Counter[str] = Counter()
    count = 0
    try:
        for entry in (zip_entries if kind == "zip" else tar_entries)(file, name):
            why = _not_read(entry, wanted)
            if why is None:
                label = _label(entry.name, seen)
                count += 1
                if count > start:
                    begin(label)
                    yield Member(label, _content(entry, label, budget))
            elif why:
                on_skip(shown(entry.name), why)
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: the archive is damaged ({shown(str(error))}); make or fetch it again",
            code=Code.ARCHIVE,
        ) from error


class _Budget:
    """How much all members of an archive may hold together, for the bytes that it has."""

    def __init__(self, name: str, packed: int) -> None:
        self._name, self._most = name, limit(packed, MAX_ARCHIVE_BYTES)
        self._left = self._most

    @property
    def spent(self) -> bool:
        """Whether more came out than may."""
        return self._left < 0

    def count(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """Hand parts on, and stop where they are too many."""
        for part in parts:
            self._left -= len(part)
            if self.spent:
                raise too_large(self._name, self._most)
            yield part


def _not_read(entry: Entry, wanted: Callable[[str], bool]) -> str | None:
    """Return why an entry is passed over, ``""`` for no reason worth a word, None if it is read."""
    parts = entry.name.replace("\\", "/").lower().split("/")
    if "__macosx" in parts or parts[-1] in _CLUTTER:
        return ""
    if entry.odd:
        return entry.odd
    if wanted(entry.name):
        return None
    if parts[-1].endswith((*ARCHIVE_ENDINGS, *_OTHER_ARCHIVES)):
        return "an archive"
    return ""


def _content(entry: Entry, label: str, budget: _Budget) -> bytes | TaoNetError:
    """Read an entry and undo one layer of compression."""
    try:
        data = joined(budget.count(entry.parts(label)))
        kind = kind_of(data[:512])
        if is_packed(kind):
            data = joined(budget.count(unfold(io.BytesIO(data), kind, label)))
        return data
    except UnreadableFileError as error:
        if budget.spent:
            raise
        return error


def shown(name: str) -> str:
    """Return a name with what cannot be seen, or turns the text around, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _label(name: str, seen: Counter[str]) -> str:
    """Return a member's name fit to be shown, unlike all before it even to the eye."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    label = shown("/".join(parts))[-_LONGEST_LABEL:] or "unnamed"
    unique, key = label, _alike(label)
    while _alike(unique) in seen:
        seen[key] += 1
        unique = f"{label} ({seen[key]})"
    seen[_alike(unique)] = 1
    return unique


def _alike(label: str) -> str:
    """Return what labels have in common that look alike: letter case, composed accents."""
    return unicodedata.normalize("NFC", label).casefold()
