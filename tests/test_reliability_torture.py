"""The torture set, in short: what its table promises comes true, and the rules can be broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from _corpus import TortureFile, torture_folder, wrapped
from _expectations import expectation, is_killer
from torture import measure

from taonet_core.data.fits_io import read_sequence

FACTS = {"error": "", "fitsverify": "OK", "shapes": "[]", "what_is_special": ""}


def known(name: str, kind: str = "fits", **facts: str) -> TortureFile:
    return TortureFile(name, kind, FACTS | facts, Path("nowhere"))


@pytest.mark.data
@pytest.mark.skipif(torture_folder() is None, reason="needs the torture set in TAONET_REAL_DATA")
def test_files_that_harm_and_every_fifth_other_end_as_their_table_says():
    found = measure(quick=True)

    assert found.figures["deviations"] == []
    assert [goal.name for goal in found.goals if not goal.met] == [], found.figures
    assert found.figures["bombs_and_killers"] > 30


@pytest.mark.parametrize(
    ("file", "outcome", "met"),
    [
        (known("a.fits", shapes='[[[50, 50], ">f4"]]'), "opened", True),
        (known("a.fits", shapes='[[[50, 50], ">f4"]]'), "E_SHAPE", False),  # a false refusal
        (known("a.fits", shapes='[[[9, 50, 50], ">f4"]]'), "E_AXIS", True),
        (known("a.fits", shapes='[[[50, 50], ">f4"]]', fitsverify="FAILED"), "E_HEADER", True),
        (known("a.fits", shapes='[[[50, 50], ">f4"]]', fitsverify="FAILED"), "E_WORKER", False),
        (known("a.fits"), "E_NO_IMAGE", True),
        (known("a.fits"), "opened", False),
        (known("synthetic/bomb_1GiB.fits.gz"), "E_BOMB", True),
        (known("synthetic/bomb_1GiB.fits.gz"), "E_TIMEOUT", False),
        (known("a.zip", "archive", error="BadZipFile: no"), "E_ARCHIVE", True),
        (known("a.zip", "archive", error="BadZipFile: no"), "E_UNREADABLE", False),
        (known("a.hdr", "text header"), "opened", True),
        (known("a.hdr", "text header"), "E_HEADER", False),
    ],
)
def test_the_rules_tell_what_is_expected_from_what_is_not(file, outcome, met):
    assert expectation(file).met_by([outcome]) is met
    assert not expectation(file).met_by([])


def test_killers_are_told_by_what_they_do_to_other_tools():
    assert is_killer(known("a.fits", error="KILLED by signal 11 (SIGSEGV)"))
    assert is_killer(known("a.fits", fitsverify="SIGNAL 11"))
    assert is_killer(known("synthetic/xss.fits"))
    assert not is_killer(known("a.fits"))


@pytest.mark.parametrize("end", ["", "\n"], ids=["cards", "lines"])
def test_the_text_of_a_header_becomes_the_header_of_an_image(end):
    lines = ["NAXIS   = 7", "OBJECT  = 'M 31'", *["COMMENT x"] * 10]
    text = "".join(line.ljust(80) + end for line in lines)

    sequence = read_sequence(wrapped(text.encode()))

    assert sequence.meta["object_id"] == "M 31"
    assert sequence.frames.shape == (1, 32, 32)
