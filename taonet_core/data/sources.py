"""Whatever a user hands over, as named files: paths, folders, archives, uploads, HDU lists."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from astropy.io import fits

from taonet_core.data.archives import ARCHIVE_ENDINGS, is_archive
from taonet_core.data.file_kinds import may_hold_images, stem
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

#: Largest upload or file read whole.
MAX_INPUT_BYTES = 2 * 2**30
#: So much of a file tells whether it is an archive.
_START = 2**20


@dataclass(frozen=True)
class Given:
    """One file that was handed over, not read yet.

    Attributes
    ----------
    name : str
        For messages; with the parent folder where it is on disk, which may name the class.
    content : Path, bytes, memoryview or TaoNetError
        The error where it cannot be opened.
    """

    name: str
    content: Path | bytes | memoryview | TaoNetError


@dataclass(frozen=True)
class Batch:
    """Files that may belong together.

    Attributes
    ----------
    name : str
        Of the file, folder or archive.
    files : iterable of Given
    folder : Path or None
        Where on disk tables of the frames may be found.
    single : bool
        Whether it is one file, which may belong to others of a list.
    archive : str
        File name of the archive that it is, if it is one.
    beside : tuple of Given
        Tables that were handed over with the archive or folder.
    """

    name: str
    files: Iterable[Given]
    folder: Path | None = None
    single: bool = False
    archive: str = ""
    beside: tuple[Given, ...] = ()


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
        yield _bytes_batch(_opened(source))


def name_of(source: Any) -> str:
    """Return a label for a source: its file name, or ``"upload"``."""
    if isinstance(source, str | os.PathLike):
        return Path(source).absolute().name
    return Path(str(getattr(source, "name", None) or "upload")).name


def is_archive_name(name: str) -> bool:
    """Return whether a file is an archive by its name."""
    return name.lower().endswith(ARCHIVE_ENDINGS)


def _is_list_of(source: Any, *attributes: str) -> bool:
    """Return whether all items are CCDData (`to_hdu`) or HDUs (`header`)."""
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(any(hasattr(item, a) for a in attributes) for item in source)
    )


def _opened(source: Any) -> Given:
    """Return the content of bytes or of an open file, and its name."""
    name = name_of(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return Given(name, bytes(source))
    if not hasattr(source, "read"):
        raise UnreadableFileError(
            f"a {type(source).__name__} is no image source; give a path, bytes, an open file, an "
            "HDUList, or a list of them"
        )
    try:
        data = _rest_of(source)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{name}: cannot be read ({error}); open it again") from error
    if not isinstance(data, bytes | memoryview):
        raise UnreadableFileError(f"{name}: open the file in binary mode ('rb')")
    if len(data) > MAX_INPUT_BYTES:
        raise UnreadableFileError(
            f"{name}: more than {MAX_INPUT_BYTES:,} bytes; send less at once", code=Code.SIZE
        )
    return Given(name, data)


def _rest_of(source: Any) -> Any:
    """Read an open file, as far as it may be read; of bytes in memory no copy is made."""
    if isinstance(source, io.BytesIO) and not source.tell():
        return source.getbuffer()
    return source.read(MAX_INPUT_BYTES + 1)


def _unpacked(name: str) -> str:
    """Return the name of an archive without its ending."""
    ending = next((e for e in ARCHIVE_ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] if ending and name != ending else stem(name)


def _bytes_batch(given: Given) -> Batch:
    assert isinstance(given.content, bytes | memoryview)
    if is_archive(io.BytesIO(given.content[:_START])):
        return Batch(_unpacked(given.name), [given], archive=given.name)
    return Batch(given.name, [given], single=True)


def _path_batch(path: Path) -> Batch:
    given = _on_disk(path, most=None)
    if isinstance(given.content, Path):
        with contextlib.suppress(OSError), path.open("rb") as file:  # gone: the reader says so
            if is_archive(file):
                return Batch(_unpacked(path.name), [given], archive=path.name)
    return Batch(path.name, [_on_disk(path)], path.absolute().parent, single=True)


def _on_disk(path: Path, *, most: int | None = MAX_INPUT_BYTES) -> Given:
    """Say what is at a path; pipes and devices, which may never end, are refused."""
    label = f"{path.absolute().parent.name}/{path.name}"
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(None, "no such file")
        if most is not None and found.st_size > most:
            words = f"{label}: {found.st_size:,} bytes; at most {most:,} are read"
            return Given(label, UnreadableFileError(words, code=Code.SIZE))
        path.open("rb").close()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        words = f"{path.name}: cannot be opened ({said}); check the path"
        return Given(label, UnreadableFileError(words))
    return Given(label, path)


def _folders(folder: Path) -> Iterator[Batch]:
    """Yield every folder of a tree that holds images, and every archive, in order of name."""
    for root, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = Path(root)
        images = [here / name for name in sorted(names) if may_hold_images(name)]
        if images:
            yield Batch(here.absolute().name, map(_on_disk, images), here.absolute())
        for name in sorted(names):
            if name.lower().endswith(ARCHIVE_ENDINGS):
                yield _path_batch(here / name)


def _list_batches(items: Sequence[Any]) -> Iterator[Batch]:
    """Yield folders and archives each by itself, then the single files of a list together.

    Those are read one after the other, as they are asked for. Tables serve archives, too.
    """
    tables = [batch for item in items if _is_csv(item) for batch in batches(item)]
    beside = tuple(chain.from_iterable(batch.files for batch in tables))
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
        files = chain.from_iterable(batch.files for batch in singles)
        yield Batch(name if len(singles) > 1 else singles[0].name, files, folder)


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
        return Batch("HDUList", [Given("HDUList", message)], single=True)
    name = getattr(source, "filename", lambda: None)()
    name = Path(name).name if isinstance(name, str) else "HDUList"
    return Batch(name, [Given(name, buffer.getvalue())], single=True)
