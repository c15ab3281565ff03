"""What must become of each file of the torture set, from the columns of its table.

The rules are few and know nothing of how files are read: made files by name, FITS files by what
fitsverify says of them and by the shapes of their images, archives by whether Python's own library
unpacks them, alerts by their stamps, text headers always.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from _corpus import TortureFile

from taonet_core.data.fits_pixels import MAX_SIDE, MIN_SIDE
from taonet_core.errors import Code

#: Says nothing precise, or that a worker had to stop it: allowed where a rule names them only.
_VAGUE = {Code.INVALID, Code.UNREADABLE, Code.WORKER, Code.TIMEOUT, Code.MEMORY, Code.INTERNAL}
_PRECISE = frozenset(Code) - _VAGUE
_STRUCTURE = {Code.HEADER, Code.HEADER_TRUNCATED, Code.DATA_TRUNCATED, Code.SIZE, Code.HDUS}
_NO_IMAGE = frozenset({Code.NO_IMAGE, Code.SHAPE, Code.NOT_FITS, Code.EMPTY, *_STRUCTURE})
_PACKED = {Code.ARCHIVE, Code.COMPRESSION, Code.ENCRYPTED, Code.MEMBERS, Code.BOMB, Code.SKIPPED}
_AVRO = frozenset({Code.AVRO, Code.AVRO_SCHEMA, Code.BOMB, Code.NO_FRAMES, *_NO_IMAGE})

#: Files that were made to harm, or found by fuzzing plain astropy -> how they may be refused.
_MADE: dict[str, set[Code]] = {
    r"avro_.*": {Code.AVRO, Code.AVRO_SCHEMA, Code.BOMB, Code.SIZE},
    r"bomb_.*|hdus_20000.*": {Code.BOMB, Code.HDUS},
    r"bscalenan.*": {Code.SCALING},
    r"claim_.*|tile16g.*": {Code.SIZE, Code.TILES},
    r"ctrl.*|quote.*|fuzz_6267.*": {Code.NO_IMAGE, Code.SHAPE},
    r"fuzz_.*|gcount.*|hang_.*|loop_.*|naxis.*": {Code.HEADER, *_STRUCTURE},
    r"hcompress_.*|riceblk.*|tile.*|zdither0_.*": {Code.TILES, Code.SIZE},
    r"zipr.*": {Code.ARCHIVE, Code.NOT_FITS},
}
_KILLER = re.compile(r"SEGV|SEGF|SIGABRT|hang|endless|bomb|GiB|crash", re.IGNORECASE)


@dataclass(frozen=True)
class Expectation:
    """What must become of a file.

    Attributes
    ----------
    opens : bool
        Whether it may open.
    codes : frozenset of Code
        With which codes it may be refused; none where it must open.
    why : str
        The rule, in words.
    """

    opens: bool
    codes: frozenset[Code]
    why: str

    def met_by(self, outcomes: Iterable[str]) -> bool:
        """Return whether all outcomes, ``"opened"`` or codes, are as expected."""
        allowed = {str(code) for code in self.codes} | ({"opened"} if self.opens else set())
        found = set(outcomes)
        must = self.opens and not self.codes
        return bool(found) and found <= allowed and (not must or found == {"opened"})


def is_killer(file: TortureFile) -> bool:
    """Return whether a file is a bomb, or kills or hangs plain astropy, fitsverify or CFITSIO."""
    facts = file.facts
    told = re.match(r"SIGNAL|TIMEOUT", facts["fitsverify"]) or "KILLED" in facts["error"]
    return bool(told or _KILLER.search(facts["what_is_special"])) or file.name.startswith("synth")


def expectation(file: TortureFile) -> Expectation:
    """Return what must become of a file."""
    if file.name.startswith("synthetic/"):  # xss.fits is sound but for its words
        name = file.name.partition("/")[2]
        for pattern, codes in _MADE.items():
            if re.fullmatch(pattern, name):
                return Expectation(False, frozenset(codes), "made or found to harm: refused")
    rules = {"text header": _header, "archive": _archive, "avro": _alert, "fits": _fits}
    return rules[file.kind](file)


def _header(file: TortureFile) -> Expectation:
    return Expectation(True, frozenset(), "header text around a sound image: opens")


def _archive(file: TortureFile) -> Expectation:
    if file.facts["error"] and "encrypted" not in file.facts["error"]:
        codes = {Code.EMPTY, Code.NOT_FITS, *_PACKED}
        return Expectation(False, frozenset(codes), "Python cannot unpack it: refused as damaged")
    codes = {Code.EMPTY, Code.NOT_FITS, Code.UNREADABLE, Code.SEQUENCE, *_PACKED}
    return Expectation(
        False, frozenset(codes), "holds no FITS file, at most encrypted others: refused"
    )


def _alert(file: TortureFile) -> Expectation:
    stamps = json.loads(file.facts["shapes"] or "[]")
    if stamps and all(isinstance(shape, list) for _, shape, *_ in stamps):
        return Expectation(True, frozenset(), "alert with stamps: opens")
    return Expectation(True, _AVRO, "alert without stamps that can be read: opens or is refused")


def _fits(file: TortureFile) -> Expectation:
    facts = file.facts
    shapes = [shape for shape, _ in json.loads(facts["shapes"] or "[]")]
    usable = [shape for shape in shapes if _is_frame(shape)]
    if not usable:
        cubes = {Code.AXIS} if any(len(shape) > 2 for shape in shapes) else set()
        why = "no image with two sides of a frame: refused"
        return Expectation(False, _NO_IMAGE | cubes, why)
    if facts["fitsverify"] != "OK":
        return Expectation(True, _PRECISE, "fitsverify fails: opens, or is refused precisely")
    if all(len(shape) >= 3 for shape in usable):
        codes = frozenset({Code.AXIS})
        return Expectation(True, codes, "sound cube: opens, or its axis is named and not time")
    return Expectation(True, frozenset(), "sound image: opens")


def _is_frame(shape: list[int]) -> bool:
    """Return whether an image, axes of length 1 apart, has the sides of a frame, and time."""
    sides = [n for n in shape if n > 1]
    return len(sides) in (2, 3) and all(MIN_SIDE <= n <= MAX_SIDE for n in sides[-2:])
