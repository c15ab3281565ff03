"""What leaves the app and the command line with hostile texts in it: files, reports, a terminal."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import _payloads
from _payloads import text

from taonet_core.data.annotations import Annotations
from taonet_core.data.exports import write_table
from taonet_core.data.label_files import write_labels
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.selection import listing
from taonet_core.objects.collection import Collection, open_folder
from taonet_core.provenance import epoch_table, write_epochs
from taonet_core.report import Findings, object_report
from taonet_core.snippets import Shown, python_code, shell_code
from taonet_core.transforms.photometry import extract_light_curve

_PREDICT = (sys.executable, "-m", "taonet_core", "predict")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Ends of lines, and what keeps letters from right to left where they belong.
_OURS = "\n\u2068\u2069"
_LONGEST_AUTHOR, _LONGEST_NOTE = 200, 10_000


def write_folders(numbers: range, headers: Path, names: Path) -> None:
    """Write a sequence a text: into one folder with it in the header, into another as its name."""
    for folder in (headers, names):
        folder.mkdir()
    for n in numbers:
        (headers / f"header{n:02}.fits").write_bytes(_payloads.fits_bytes(n, named=True))
        (names / _payloads.file_name(n)).write_bytes(_payloads.fits_bytes(n, named=False))


def label(numbers: range, folder: Path, url: str) -> None:
    """Label the objects of a folder by experts whose names and notes are texts."""
    kept = Annotations(url)
    for n, name in zip(numbers, open_folder(folder).stamps, strict=False):
        said = text(n, "table and label")
        kept.add(name, "SN", author=said[:_LONGEST_AUTHOR], note=said[:_LONGEST_NOTE])


def write_reports(folder: Path, out: Path, numbers: range) -> Iterator[Path]:
    """Write the report of every object of a folder, with a text wherever one can stand."""
    out.mkdir()
    opened = open_folder(folder)
    for n, name in zip(numbers, opened.stamps, strict=False):
        said, source = text(n, "table and label"), opened.read(name)
        asked = Shown(said, said, member=said)
        findings = Findings(
            problems={"forest": said},
            sentence=said,
            labels=[{"author": said, "note": said}],
            code={"Python": python_code(asked), "Shell": shell_code(asked)},
            file=said,
        )
        curve = source if isinstance(source, LightCurve) else extract_light_curve(source)
        path = out / f"{n:02}.html"
        path.write_text(object_report(source, curve, findings), "utf-8")
        yield path


def formula_cells(folders: list[Path], database: str, out: Path) -> int:
    """Count the cells of all kinds of CSV that a spreadsheet would run; none is a number."""
    paths = [write_labels(Annotations(database).latest(), out / "labels.csv")]
    for place, folder in enumerate(folders):
        opened = open_folder(folder)
        paths.append(write_table(listing(opened.catalog), out / f"list{place}.csv"))
        paths.append(_verdicts(folder, out / f"verdicts{place}.csv"))
        paths.append(_epochs(opened, out / f"epochs{place}.csv"))
    return sum(map(_dangerous, paths))


def _verdicts(folder: Path, path: Path) -> Path:
    command = [*_PREDICT, str(folder), "--model", "forest", "--output", str(path)]
    subprocess.run(command, check=False, capture_output=True)  # some inputs are refused
    return path


def _epochs(opened: Collection, path: Path) -> Path:
    source = opened.read(next(iter(opened.stamps)))
    assert not isinstance(source, LightCurve)
    return write_epochs(epoch_table(extract_light_curve(source)), path)


def _dangerous(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    return sum(
        line.lstrip(" ").startswith(_FORMULA) and not _is_number(cell)
        for cell in cells
        for line in cell.splitlines()
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def terminal(*places: Path) -> int:
    """Count the invisible letters that ``taonet predict`` writes to a terminal without colours."""
    main, theirs = pty.openpty()
    command = [*_PREDICT, *map(str, places), "--model", "forest"]
    settings = {**os.environ, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "400"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=settings):
        os.close(theirs)
        said = b"".join(_written(main))
    os.close(main)
    assert b"evil.example" in said, said[-2000:]
    letters = said.decode("utf-8", "replace").replace("\r\n", "\n")
    return sum(unicodedata.category(c) in ("Cc", "Cf") and c not in _OURS for c in letters)


def _written(handle: int) -> Iterator[bytes]:
    """Yield what is written to a terminal until nobody has it open."""
    while True:
        try:
            part = os.read(handle, 65_536)
        except OSError:  # as Linux says it
            return
        if not part:
            return
        yield part
