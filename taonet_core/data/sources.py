"""Whatever a user hands over, as named bytes: paths, folders, archives, uploads, HDU lists."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io import fits

from taonet_core.data.archives import (
    Member,
    decompress,
    is_archive,
    members,
)
from taonet_core.data.file_kinds import may_hold_images, stem
from taonet_core.errors import TaoNetError, UnreadableFileError

#: Largest upload or file read whole.
MAX_INPUT_BYTES = 2 * 2**30
_ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")


@dataclass(frozen=True)
class Batch:
    """Files that may belong together.

    Attributes
    ----------
    name : str
        Of the file, folder or archive.
    members : iterable of Member
    folder : Path or None
        Where on disk tables of the frames may be found.
    single : bool
        Whether it is one file, which may belong to others of a list.
    archive : str
        File name of the archive that they are in, if they are in one.
    beside : tuple of Member
        Tables that were handed over with the archive or folder.
    """

    name: str
    members: Iterable[Member]
    folder: Path | None = None
    single: bool = False
    archive: str = ""
    beside: tuple[Member, ...] = ()


def batches(source: Any) -> Iterator[Batch]:
    """Yield what belongs together: a file, an archive, a list, or each folder of a tree.

    Parameters
    ----------
    source : path, bytes, open binary file, HDUList, or a list of paths, files or CCDData

    Raises
    ------
    UnreadableFileError
        If the source is of no such kind.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        yield from _folders(path) if os.path.isdir(path) else [_path_batch(path)]
    elif isinstance(source, fits.HDUList) or _is_list_of(source, "to_hdu", "header"):
        yield _hdus_batch(source)
    elif isinstance(source, Sequence) and not isinstance(source, bytes | bytearray | memoryview):
        yield from _list_batches(source)
    else:
        yield _file_batch(*_opened(source))


def name_of(source: Any) -> str:
    """Return a label for a source: its file name, or ``"upload"``."""
    if isinstance(source, str | os.PathLike):
        return Path(source).absolute().name
    return Path(str(getattr(source, "name", None) or "upload")).name


def _is_list_of(source: Any, *attributes: str) -> bool:
    """Return whether all items are CCDData (`to_hdu`) or HDUs (`header`)."""
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(any(hasattr(item, a) for a in attributes) for item in source)
    )


def _opened(source: Any) -> tuple[BinaryIO, str]:
    """Return bytes or an open file as a seekable binary file, and its name."""
    name = name_of(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(bytes(source)), name
    if not hasattr(source, "read"):
        raise UnreadableFileError(
            f"a {type(source).__name__} is no image source; give a path, bytes, an open file, an "
            "HDUList, or a list of them"
        )
    try:
        data = source.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{name}: cannot be read ({error}); open it again") from error
    if not isinstance(data, bytes):
        raise UnreadableFileError(f"{name}: open the file in binary mode ('rb')")
    if len(data) > MAX_INPUT_BYTES:
        raise UnreadableFileError(f"{name}: more than {MAX_INPUT_BYTES:,} bytes; send less at once")
    return io.BytesIO(data), name


def _unpacked(name: str) -> str:
    """Return the name of an archive without its ending."""
    ending = next((e for e in _ARCHIVE_ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] if ending and name != ending else stem(name)


def _file_batch(file: BinaryIO, name: str) -> Batch:
    if is_archive(file):
        return Batch(_unpacked(name), members(file, name), archive=name)
    return Batch(name, [_member(file.read(), name)], single=True)


def _path_batch(path: Path) -> Batch:
    try:
        if not os.path.isfile(path):  # also devices and pipes, which never end
            raise FileNotFoundError("no such file")
        with path.open("rb") as file:
            packed = is_archive(file)
    except OSError as error:
        message = UnreadableFileError(f"{path.name}: cannot be opened ({error}); check the path")
        return Batch(path.name, [Member(path.name, message)], single=True)
    if packed:
        return Batch(_unpacked(path.name), _archive(path), archive=path.name)
    return Batch(path.name, map(_read, [path]), path.absolute().parent, single=True)


def _archive(path: Path) -> Iterator[Member]:
    with path.open("rb") as file:
        yield from members(file, path.name)


def _read(path: Path) -> Member:
    """Read a file whole; its label keeps the parent folder, which may name the class."""
    label = f"{path.absolute().parent.name}/{path.name}"
    try:
        if not os.path.isfile(path) or path.stat().st_size > MAX_INPUT_BYTES:
            raise UnreadableFileError(f"{label}: no file of at most {MAX_INPUT_BYTES:,} bytes")
        return _member(path.read_bytes(), label)
    except OSError as error:
        return Member(label, UnreadableFileError(f"{label}: cannot be read ({error.strerror})"))
    except TaoNetError as error:
        return Member(label, error)


def _member(data: bytes, label: str) -> Member:
    try:
        return Member(label, decompress(data, label))
    except UnreadableFileError as error:
        return Member(label, error)


def _folders(folder: Path) -> Iterator[Batch]:
    """Yield every folder of a tree that holds images, and every archive, in order of name."""
    for root, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = Path(root)
        images = [here / name for name in sorted(names) if may_hold_images(name)]
        if images:
            yield Batch(here.absolute().name, (_read(path) for path in images), here.absolute())
        for name in sorted(names):
            if name.lower().endswith(_ARCHIVE_ENDINGS):
                yield _path_batch(here / name)


def _list_batches(items: Sequence[Any]) -> Iterator[Batch]:
    """Yield folders and archives each by itself, then the single files of a list together.

    Those are read one after the other, as they are asked for. Tables serve archives, too.
    """
    tables = [
        replace(batch, members=tuple(batch.members))
        for item in items
        if _is_csv(item)
        for batch in batches(item)
    ]
    beside = tuple(chain.from_iterable(batch.members for batch in tables))
    singles: list[Batch] = []
    for item in items:
        for batch in () if _is_csv(item) else batches(item):
            if batch.single:
                singles.append(batch)
            else:
                yield replace(batch, beside=beside)
    singles += tables
    if singles:
        folder = next((batch.folder for batch in singles if batch.folder), None)
        name = folder.name if folder else stem(singles[0].name)
        content = chain.from_iterable(batch.members for batch in singles)
        yield Batch(name if len(singles) > 1 else singles[0].name, content, folder)


def _is_csv(item: Any) -> bool:
    return name_of(item).lower().endswith(".csv")


def _hdus_batch(source: Sequence[Any]) -> Batch:
    """Write HDUs or CCDData to bytes, so that they take the same road as files."""
    buffer = io.BytesIO()
    hdus = fits.HDUList() if not isinstance(source, fits.HDUList) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if hdus is not source:
                hdus.append(fits.PrimaryHDU())
                for item in source:
                    first = item.to_hdu()[0] if hasattr(item, "to_hdu") else item
                    hdus.append(fits.ImageHDU(first.data, first.header))
            hdus.writeto(buffer, output_verify="ignore")
    except (OSError, ValueError, TypeError, AttributeError, LookupError, fits.VerifyError) as error:
        message = UnreadableFileError(f"the HDUs cannot be read ({type(error).__name__}: {error})")
        return Batch("HDUList", [Member("HDUList", message)], single=True)
    name = getattr(source, "filename", lambda: None)()
    name = Path(name).name if isinstance(name, str) else "HDUList"
    return Batch(name, [_member(buffer.getvalue(), name)], single=True)
