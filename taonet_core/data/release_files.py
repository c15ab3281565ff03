"""Files of the DEEP-TAO release on disk, told by their first headers alone."""

from __future__ import annotations

from pathlib import Path

from taonet_core.data import deep_tao
from taonet_core.data.fits_scan import FileSlices, Header, scan
from taonet_core.errors import TaoNetError


def deep_tao_headers(path: Path) -> tuple[Header, deep_tao.ObjectTable] | None:
    """Return the first header and the table of a DEEP-TAO file; None for other files."""
    name = f"{path.absolute().parent.name}/{path.name}"
    try:
        with path.open("rb") as file:
            data = FileSlices(file.fileno())
            if data[0:6] != b"SIMPLE":
                return None
            hdus = scan(data, name, stop_after=2).hdus
            table = deep_tao.object_table(data, hdus, name)
    except (OSError, TaoNetError):
        return None
    return None if table is None else (hdus[0].header, table)
