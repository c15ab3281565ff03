"""What a long run reads: settled before it begins, and watched for change while it reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from taonet_core.data.file_kinds import may_hold_images
from taonet_core.data.release_files import deep_tao_headers
from taonet_core.data.sources import is_archive_name


@dataclass(frozen=True)
class Input:
    """A file, an archive, or the files of a folder that may belong together.

    Attributes
    ----------
    path : Path
        Absolute.
    stamp : str
        Size and time of the file as it was when the run began, of a folder how much there was to
        read; empty where there was none.
    names : tuple of str
        Of the files, where `path` is a folder that is not read as a whole.
    """

    path: Path
    stamp: str
    names: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """The files themselves."""
        return [self.path / name for name in self.names] or [self.path]

    def stamp_now(self) -> str:
        """Return what `stamp` would be now."""
        return _stamp(self.files)


def find_inputs(sources: Sequence[Path]) -> Iterator[Input]:
    """Find what there is to read, folders with all below them, in order of name.

    A file of the DEEP-TAO release is an input by itself. The other images of a folder are one:
    they may be the frames of one object.

    Parameters
    ----------
    sources : sequence of Path
        Absolute.
    """
    for source in sources:
        if not source.is_dir():
            yield Input(source, _stamp([source]))
            continue
        empty = True
        for found in _in_folder(source):
            empty = False
            yield found
        if empty:  # which is for the reader to say
            yield Input(source, _stamp([source]))


def _in_folder(folder: Path) -> Iterator[Input]:
    for root, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        here = Path(root)
        images = sorted(name for name in names if may_hold_images(name))
        if images and all(deep_tao_headers(here / name) for name in images):
            yield from (Input(here / name, _stamp([here / name])) for name in images)
        elif images:
            yield Input(here, _stamp([here / name for name in images]), tuple(images))
        archives = sorted(name for name in names if is_archive_name(name))
        yield from (Input(here / name, _stamp([here / name])) for name in archives)


def _stamp(files: Sequence[Path]) -> str:
    """Return what marks a file as it is; of many a digest; nothing where none is there."""
    stamps = [_size_and_time(path) for path in files]
    if not any(stamps) or len(stamps) == 1:
        return stamps[0]
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest()


def _size_and_time(path: Path) -> str:
    """Return size and time of a file, of a folder how much there is to read; empty if neither."""
    try:
        if path.is_dir():  # whose time changes with any file, such as the table that is written
            return f"{sum(1 for _ in _in_folder(path))} inputs"
        status = path.stat()
    except (OSError, ValueError):  # a name that no file can have
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def digest_of(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file; of several, that of theirs; empty where one cannot be read."""
    try:
        digests = [_digest(path) for path in files]
    except (OSError, ValueError):
        return ""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _digest(path: Path) -> str:
    if not path.is_file():  # a pipe never ends
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
