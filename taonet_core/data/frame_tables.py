"""CSV tables beside stamps that carry what their headers lack: times, filters, class."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_headers import ALIASES, spellings

MAX_TABLE_BYTES = 32 * 2**20
_MAX_TABLES = 20
_FRAME_KEYS = ("FILE", "FILENAME", "PATH", "IMAGE", "CANDID", "EXPID", "EXPOSUREID", "DIASOURCEID")
_OBJECT_KEYS = ("OBJECTID", "OBJECT", "OID", "OBJNAME", "OBJ")
_TIME_KEYS = {key for meaning in ("mjd", "jd", "date") for key in ALIASES[meaning]}


@dataclass(frozen=True)
class FrameTable:
    """Rows of one table by the name of their frame.

    Attributes
    ----------
    name : str
        File name of the table.
    rows : dict
        (object or ``""``, frame name) -> row, keywords spelled as in `ALIASES`.
    """

    name: str
    rows: Mapping[tuple[str, str], Mapping[str, Any]]

    def row(self, object_id: str, key: str) -> Mapping[str, Any] | None:
        """Return the row of an exposure whose key is, or holds between underscores, its name.

        Files that come without their folder are called after one of themselves: then a name that
        only one object has will do.
        """
        words = (key, *key.split("_"))
        for word in words:
            for owner in (object_id, ""):
                if (owner, word) in self.rows:
                    return self.rows[owner, word]
        names = {frame for _, frame in self.rows}
        if names.isdisjoint(object_id.split("_")):
            return None
        alike = [row for (_, frame), row in self.rows.items() if frame in words]
        return alike[0] if len(alike) == 1 else None


def read_frame_table(data: bytes, name: str) -> FrameTable | None:
    """Read a CSV table of frames; None if it names no frames or no times.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.
    """
    if len(data) > MAX_TABLE_BYTES:
        return None
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    try:
        for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig", "replace"))):
            flat = spellings({key: value for key, value in row.items() if key})
            if not _TIME_KEYS & set(flat):
                return None
            frame = next((flat[key] for key in _FRAME_KEYS if flat.get(key)), None)
            if not isinstance(frame, str):
                return None
            owner = next((str(flat[key]) for key in _OBJECT_KEYS if flat.get(key)), "")
            rows.setdefault((owner, stem(frame)), flat)
    except csv.Error:
        return None
    return FrameTable(name, rows) if rows else None


def table_paths(folders: Iterable[Path]) -> list[Path]:
    """Return the CSV files that lie in some folders and may be tables of frames."""
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.csv"))[:_MAX_TABLES]:
            with contextlib.suppress(OSError):  # gone, or not for us to read
                found += [path] if path.stat().st_size <= MAX_TABLE_BYTES else []
    return found
