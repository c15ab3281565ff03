"""Real files to damage and to read: the installed astropy's own, and the torture set.

The torture set lies in the folder ``TAONET_REAL_DATA``; files of test suites of other tools, of
fuzzers, and made ones, with a table of what each is.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import astropy
import numpy as np

from taonet_core.data.archives import decompress
from taonet_core.errors import TaoNetError

#: Larger files are not damaged: they would only be slower.
MOST_BYTES = 100_000
CARD, BLOCK = 80, 2880
_TESTS = ("io/fits/tests/data", "io/fits/hdu/compressed/tests/data", "wcs/tests/data")
_STRUCTURE = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXTEND", "END")


@dataclass(frozen=True)
class TortureFile:
    """One file of the torture set.

    Attributes
    ----------
    name : str
        Path inside the set.
    kind : str
        ``"fits"``, ``"archive"``, ``"avro"`` or ``"text header"``.
    facts : dict
        Its row of the table: what is special, what astropy and fitsverify make of it.
    path : Path
    """

    name: str
    kind: str
    facts: dict[str, str]
    path: Path


def torture_folder() -> Path | None:
    """Return where the torture set lies, if it is at hand."""
    data = os.environ.get("TAONET_REAL_DATA")
    folder = Path(data) / "torture" if data else None
    return folder if folder is not None and (folder / "MANIFEST.csv").is_file() else None


def torture() -> list[TortureFile]:
    """Return the files of the torture set in the order of their names; none without it."""
    folder = torture_folder()
    if folder is None:
        return []
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    return [TortureFile(row["file"], row["kind"], row, folder / row["file"]) for row in rows]


def fits_originals() -> dict[str, bytes]:
    """Return the FITS files to damage, unpacked: astropy's own and those of the torture set."""
    paths = {f"astropy/{path.name}": path for path in _astropy_paths()}
    paths |= {file.name: file.path for file in torture() if file.kind == "fits"}
    return _distinct(paths)


def avro_originals() -> dict[str, bytes]:
    """Return the alert packets of the torture set."""
    return _distinct({file.name: file.path for file in torture() if file.kind == "avro"})


def digest(originals: Sequence[bytes]) -> str:
    """Return a short hash of all originals: mutants are the same only where it is."""
    found = hashlib.sha256()
    for data in originals:
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()[:16]


def wrapped(text: bytes) -> bytes:
    """Return a FITS file whose image has the header that stands in a text file.

    Parameters
    ----------
    text : bytes
        Cards of 80 characters, or one a line. Those that decide the structure are left out.
    """
    lines = text.split(b"\n") if text.count(b"\n") > len(text) // 200 else _chunks(text)
    cards = [line.rstrip(b"\r")[:CARD].ljust(CARD) for line in lines]
    kept = [card for card in cards if not card.decode("latin-1").startswith(_STRUCTURE)]
    own = ("SIMPLE  = T", "BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 32", "NAXIS2  = 32")
    header = b"".join([*(card.encode().ljust(CARD) for card in own), *kept, b"END".ljust(CARD)])
    pixels = np.random.default_rng(1).normal(1000, 30, (32, 32)).astype(">f4").tobytes()
    return _padded(header, b" ") + _padded(pixels, b"\0")


def _padded(part: bytes, filler: bytes) -> bytes:
    return part + filler * (-len(part) % BLOCK)


def _chunks(text: bytes) -> list[bytes]:
    return [text[start : start + CARD] for start in range(0, len(text), CARD)]


def _astropy_paths() -> list[Path]:
    root = Path(astropy.__file__).parent
    return sorted(path for folder in _TESTS for path in (root / folder).rglob("*.fits*"))


def _distinct(paths: dict[str, Path]) -> dict[str, bytes]:
    """Read files, undo their compression, leave out large, empty and repeated ones."""
    found: dict[str, bytes] = {}
    seen: set[bytes] = set()
    for name, path in sorted(paths.items()):
        data = path.read_bytes()
        if len(data) <= MOST_BYTES:
            with contextlib.suppress(TaoNetError):  # damaged already: damaged further as it is
                data = decompress(data, name)
        if 0 < len(data) <= MOST_BYTES and data not in seen:
            seen.add(data)
            found[name] = data
    return found
