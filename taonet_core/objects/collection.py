"""Objects that can be opened by name, in a folder or in memory: `Collection`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from taonet_core.data.catalog import COLUMNS, load_catalog, object_row
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.provenance import data_digest

Readable: TypeAlias = "ImageSequence | LightCurve"


@dataclass(frozen=True, eq=False)
class Collection:
    """A table of objects, and the way to each of them.

    Attributes
    ----------
    name : str
        Short, for an address.
    title : str
        Words on screen.
    catalog : DataFrame
        Columns of `taonet_core.data.catalog.COLUMNS`, one row an object; ``object_id`` is unique
        and ``label`` is empty where it is unknown.
    stamps : mapping of str to str
        Object -> text that changes whenever its content does.
    reader : callable
        Object -> what was stored of it.
    """

    name: str
    title: str
    catalog: pd.DataFrame
    stamps: Mapping[str, str]
    reader: Callable[[str], Readable]

    def __len__(self) -> int:
        return len(self.catalog)

    @cached_property
    def key(self) -> str:
        """A digest of all stamps: equal keys mean equal objects."""
        text = "\0".join(f"{name}\0{stamp}" for name, stamp in self.stamps.items())
        return hashlib.sha256(text.encode()).hexdigest()

    def stamp(self, object_id: str) -> str:
        """Return a text that changes whenever the object does.

        Raises
        ------
        KeyError
            If there is no such object.
        """
        return self.stamps[object_id]

    def read(self, object_id: str) -> Readable:
        """Read an object; it bears the name that it has here.

        Raises
        ------
        KeyError
            If there is no such object.
        TaoNetError
            If it cannot be read.
        """
        self.stamps[object_id]
        return _named(self.reader(object_id), object_id)


def open_folder(
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    title: str | None = None,
    trusted: bool = False,
) -> Collection:
    """Open the image sequences of a folder and its subfolders.

    Parameters
    ----------
    folder : path
    name, title : str, optional
        Default: the folder's own name.
    trusted : bool
        See `taonet_core.read_sequence`.

    Raises
    ------
    UnreadableFileError
        If the folder holds no readable sequence.
    """
    root = Path(folder).absolute()
    catalog = load_catalog(root)
    catalog = catalog.assign(object_id=_unique(catalog["object_id"]))
    paths = dict(zip(catalog["object_id"], map(root.joinpath, catalog["path"]), strict=True))
    stamps = {name: _file_stamp(path) for name, path in paths.items()}
    reader = partial(_read_path, paths, trusted)
    return Collection(name or root.name, title or root.name, catalog, stamps, reader)


def gather(items: Iterable[tuple[str, Readable]], *, name: str, title: str) -> Collection:
    """Make a collection of objects in memory.

    Parameters
    ----------
    items : iterable of (str, ImageSequence or LightCurve)
        What to call an object that does not say its own name, and the object.
    name, title : str
    """
    found = [(str(item.meta.get("object_id") or called), item) for called, item in items]
    names = _unique(pd.Series([called for called, _ in found], dtype="str"))
    # under its name of here, so that two copies of one file have stamps of their own
    held = {called: _named(item, called) for called, (_, item) in zip(names, found, strict=True)}
    rows = [object_row(Path(called), item.meta, item.times) for called, item in held.items()]
    catalog = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "group"])
    catalog = catalog.assign(group=range(len(rows)))[list(COLUMNS)].astype(COLUMNS)
    stamps = {called: _content(item) for called, item in held.items()}
    return Collection(name, title, catalog, stamps, held.__getitem__)


def _read_path(paths: Mapping[str, Path], trusted: bool, object_id: str) -> Readable:
    return read_sequence(paths[object_id], trusted=trusted)


def _unique(names: pd.Series) -> list[str]:
    """Give a number to all but the first of those that share a name."""
    repeats = names.groupby(names).cumcount()
    return [f"{n} ({k + 1})" if k else str(n) for n, k in zip(names, repeats, strict=True)]


def _named(item: Readable, object_id: str) -> Readable:
    return item if item.meta.get("object_id") == object_id else item.with_meta(object_id=object_id)


def _file_stamp(path: Path) -> str:
    status = path.stat()
    return f"{path}\0{status.st_size}\0{status.st_mtime_ns}"


def _content(item: Readable) -> str:
    """Return a digest of what an object in memory holds: its numbers, its sky, what is said."""
    parts = [data_digest(item), repr(sorted(item.meta.items(), key=str))]
    if isinstance(item, ImageSequence) and item.wcs is not None:
        parts.append(item.wcs.to_header_string(relax=True))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
