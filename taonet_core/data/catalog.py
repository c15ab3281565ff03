"""The objects of a folder of sequences as a table: index, search, split by sky position."""

from __future__ import annotations

import hashlib
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data import deep_tao
from taonet_core.data.atomic import atomic_path
from taonet_core.data.file_kinds import may_hold_images, stem
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.release_files import deep_tao_headers
from taonet_core.data.sequence import night_index
from taonet_core.data.sky import parse_cone, separations, sky_groups
from taonet_core.errors import TaoNetError, UnreadableFileError
from taonet_core.plain_text import shown

INDEX_NAME = "catalog.parquet"
#: Column -> type of the catalogue.
COLUMNS: dict[str, str] = {
    **dict.fromkeys(("object_id", "path", "label"), "str"),
    **dict.fromkeys(("ra", "dec"), "float64"),
    **dict.fromkeys(("n_frames", "n_nights"), "int64"),
    **dict.fromkeys(("mjd_first", "mjd_last", "mag"), "float64"),
    "simulated": "bool",
    "group": "int64",
}
#: Objects closer than this are one object under several names (arcsec).
SAME_OBJECT = 10.0
#: Release stamps (64 pixels of 2.5 arcsec) whose centres are closer than their diagonal share sky.
SAME_SKY = 230.0
_FINGERPRINT = b"taonet_files"

_log = logging.getLogger(__name__)


def index_folder(
    folder: str | os.PathLike[str], *, on_file: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """List the objects of a folder and its subfolders, and keep the list beside them.

    Of DEEP-TAO files only headers and the table are read; of other layouts the whole sequence.

    Parameters
    ----------
    folder : path
    on_file : callable, optional
        Called with (files done, files in all).

    Returns
    -------
    DataFrame
        One row an object, columns `COLUMNS`; `path` is relative to `folder`, `group` numbers
        places on the sky. Files that cannot be read are logged and left out.

    Raises
    ------
    UnreadableFileError
        If the folder holds no readable sequence.
    """
    root = Path(folder)
    files = _files(root)
    rows: list[dict[str, Any]] = []
    others: dict[Path, list[Path]] = {}
    for count, path in enumerate(files, start=1):
        row = _deep_tao_row(path, root)
        if row is None:
            others.setdefault(path.parent, []).append(path)
        else:
            rows.append(row)
        if on_file is not None:
            on_file(count, len(files))
    for place, paths in others.items():
        rows += _other_rows(place, paths, root)
    rows = _readable_alone(rows)
    if not rows:
        raise UnreadableFileError(f"{root}: no image sequence here; choose a folder of FITS files")
    catalog = pd.DataFrame(rows).sort_values("path", kind="stable", ignore_index=True)
    catalog["group"] = sky_groups(catalog["ra"].to_numpy(), catalog["dec"].to_numpy(), SAME_OBJECT)
    catalog = catalog[list(COLUMNS)].astype(COLUMNS)
    _store(catalog, root, files)
    return catalog


def load_catalog(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the catalogue kept beside the files, made anew if they have changed.

    Raises
    ------
    UnreadableFileError
        If the folder holds no readable sequence.
    """
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException

    root = Path(folder)
    path = root / INDEX_NAME
    try:
        if path.is_file():
            known = (parquet.read_schema(path).metadata or {}).get(_FINGERPRINT)
            if known == _fingerprint(root, _files(root)):
                return pd.read_parquet(path)[list(COLUMNS)].astype(COLUMNS)
    except (ArrowException, OSError, ValueError, KeyError) as error:
        _log.warning("%s is damaged (%s); it is made anew", path, error)
    return index_folder(root)


def split_by_position(
    catalog: pd.DataFrame,
    fractions: Mapping[str, float] | None = None,
    *,
    seed: int = 0,
    radius_arcsec: float = SAME_SKY,
) -> pd.Series:
    """Deal objects to the sides of a split so that no piece of sky is on two sides.

    Parameters
    ----------
    catalog : DataFrame
        From `index_folder`.
    fractions : mapping, optional
        Side -> share; they add up to 1. Default train 0.7, val 0.15, test 0.15.
    seed : int
    radius_arcsec : float
        Objects linked by less than this stay together. The default keeps stamps apart that share
        pixels of sky, since field sources lie in the fields of transients.

    Returns
    -------
    Series of str
        Side of each object, by the index of `catalog`. Shares hold class by class as far as
        places allow.

    Raises
    ------
    ValueError
        If the shares do not add up to 1.
    """
    shares = dict(fractions or {"train": 0.7, "val": 0.15, "test": 0.15})
    if min(shares.values()) < 0 or not math.isclose(sum(shares.values()), 1, abs_tol=1e-9):
        raise ValueError(f"shares must be positive and add up to 1, not {shares}")
    places = sky_groups(catalog["ra"].to_numpy(), catalog["dec"].to_numpy(), radius_arcsec)
    labels = catalog["label"].fillna("").to_numpy()
    rng = np.random.default_rng(seed)
    sides = np.empty(len(catalog), dtype=object)
    members: dict[str, list[NDArray[np.int64]]] = {}
    order = np.argsort(places, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
        members.setdefault(str(labels[rows[0]]), []).append(rows)
    for label in sorted(members):
        groups = [members[label][i] for i in rng.permutation(len(members[label]))]
        total = sum(map(len, groups))
        wanted = {side: share * total for side, share in shares.items()}
        for rows in groups:
            side = max(wanted, key=lambda name: wanted[name])
            sides[rows] = side
            wanted[side] -= len(rows)
    return pd.Series(sides, index=catalog.index, name="split", dtype="str")


def search(catalog: pd.DataFrame, text: str, *, radius_arcsec: float = 60.0) -> pd.DataFrame:
    """Find objects by a part of their name or by a place on the sky.

    Parameters
    ----------
    catalog : DataFrame
    text : str
        Part of a name in any case, or a position in any usual form, with or without the radius
        of the cone: ``'123.14 12.55'``, ``'08:12:33 +12:33:01 r=2m'`` (`sky.parse_cone`).
    radius_arcsec : float
        Radius of the cone around a position that comes without one.

    Returns
    -------
    DataFrame
        Rows of `catalog`, nearest first, with `separation_arcsec` (NaN where only the name fits).
    """
    text = text.strip()
    named = catalog["object_id"].str.contains(text, case=False, regex=False).to_numpy(bool)
    separation = np.full(len(catalog), np.nan)
    cone = parse_cone(text)
    if cone is not None:
        separation = separations(catalog["ra"].to_numpy(), catalog["dec"].to_numpy(), cone[:2])
        radius_arcsec = radius_arcsec if cone[2] is None else cone[2]
    near = separation <= radius_arcsec
    found = catalog.assign(separation_arcsec=np.where(near, separation, np.nan))[named | near]
    return found.sort_values("separation_arcsec", kind="stable")


def _files(root: Path) -> list[Path]:
    """Return the files that may hold images, in order."""
    if not root.is_dir():
        raise UnreadableFileError(f"{root}: no such folder; choose a folder of FITS files")
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if may_hold_images(name)]
    found = [path for path in found if path.is_file()]  # links may lead nowhere
    return sorted(path for path in found if _named(path))


def _named(path: Path) -> bool:
    """Return whether the name of a file is text; a table can hold no other."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        _log.warning("left out of the catalogue: %s is no name in UTF-8; rename it", shown(path))
        return False
    return True


def _fingerprint(root: Path, files: list[Path]) -> bytes:
    """Return a digest of the names, sizes and times of files."""
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        name = path.relative_to(root)
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest().encode()


def _deep_tao_row(path: Path, root: Path) -> dict[str, Any] | None:
    """Return the row of a DEEP-TAO file from its first headers and table; None for other files."""
    if (found := deep_tao_headers(path)) is None:
        return None
    header, table = found
    meta, _ = deep_tao.object_meta(table.header | header, "/".join(path.absolute().parts[-2:]))
    rows = deep_tao.plan(table, range(2, len(table) + 2)).rows
    if not rows:
        return None
    return object_row(path.relative_to(root), meta, np.array([time for _, time, _ in rows]))


def _other_rows(place: Path, paths: list[Path], root: Path) -> list[dict[str, Any]]:
    """Return the rows of the sequences that files of other layouts form."""
    rows = []
    by_name = {path.name: path for path in paths}
    for name, sequence in read_sequences(paths, recycle=True):
        if isinstance(sequence, TaoNetError):
            _log.warning("left out of the catalogue: %s", sequence)
            continue
        where = by_name.get(Path(name).name, place).relative_to(root)
        rows.append(object_row(where, sequence.meta, sequence.times))
    return rows


def _readable_alone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out objects of many files whose folder holds others too: its path would read both."""
    paths = [PurePosixPath(row["path"]) for row in rows]
    held = Counter(place for path in paths for place in (path, *path.parents))
    kept = []
    for row, path in zip(rows, paths, strict=True):
        if held[path] == 1:
            kept.append(row)
        else:
            message = "left out of the catalogue: %s shares folder %s; give it one of its own"
            _log.warning(message, row["object_id"], path)
    return kept


def object_row(path: Path, meta: Mapping[str, Any], times: NDArray[np.float64]) -> dict[str, Any]:
    """Return what a catalogue (`COLUMNS`) says of an object, but for its ``group``."""
    dated = meta.get("time_kind", "mjd") == "mjd"
    return {
        "object_id": str(meta.get("object_id") or stem(path.name)),
        "path": path.as_posix(),
        "label": meta.get("label") or "",
        "ra": meta.get("ra", np.nan),
        "dec": meta.get("dec", np.nan),
        "n_frames": len(times),
        "n_nights": int(night_index(times)[-1]) + 1,
        "mjd_first": times[0] if dated else np.nan,
        "mjd_last": times[-1] if dated else np.nan,
        "mag": meta.get("mag", np.nan),
        "simulated": bool(meta.get("simulated", False)),
    }


def _store(catalog: pd.DataFrame, root: Path, files: list[Path]) -> None:
    """Keep the catalogue beside the files, if the folder can be written."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.Table.from_pandas(catalog, preserve_index=False)
    known = {**(table.schema.metadata or {}), _FINGERPRINT: _fingerprint(root, files)}
    try:
        with atomic_path(root / INDEX_NAME) as temporary:
            parquet.write_table(table.replace_schema_metadata(known), temporary)
    except OSError as error:
        _log.warning("the catalogue of %s is not kept: %s", root, error)
