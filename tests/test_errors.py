"""Codes and flags: each explained once, each raised or set somewhere, each carried to the end."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from taonet_core import errors, predict
from taonet_core.data.results import empty_row
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, InvalidSequenceError, TaoNetError
from taonet_core.flags import Flag, Note, flags_of, plain_text

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "errors.md").read_text("utf-8")
SOURCE = {
    path: path.read_text("utf-8")
    for folder in ("taonet_core", "pages")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name != "errors.py" and path.name != "flags.py"
}
DEFAULTS = {
    kind.default
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TaoNetError)
}


def rows(start: str) -> list[list[str]]:
    """Return the cells of the rows of the document whose first cell starts so."""
    lines = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{start}")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_code_is_explained_once_with_its_remedy_and_exit_code() -> None:
    table = rows("E_")
    assert sorted(row[0].strip("`") for row in table) == sorted(Code)
    for code, meaning, remedy, leaves in table:
        assert meaning.endswith(".") and remedy.endswith("."), code
        assert leaves in ("1", "3", "1, 3", "-"), code


def test_every_flag_is_explained_once() -> None:
    named = [word for row in rows("") for word in re.findall(r"`([a-z-]+)`", row[0])]
    assert sorted(named) == sorted(Flag)


@pytest.mark.parametrize("code", sorted(set(Code) - DEFAULTS))
def test_every_code_is_raised_somewhere(code: Code) -> None:
    assert any(re.search(rf"\bCode\.{code.name}\b", text) for text in SOURCE.values())


@pytest.mark.parametrize("flag", sorted(Flag))
def test_every_flag_is_set_somewhere(flag: Flag) -> None:
    assert any(re.search(rf"\bFlag\.{flag.name}\b", text) for text in SOURCE.values())


def test_an_error_has_the_code_it_is_given_or_that_of_its_class() -> None:
    assert InvalidSequenceError("why").code == Code.SEQUENCE
    assert InvalidSequenceError("why", code=Code.NO_FRAMES).code == "E_NO_FRAMES"


def test_a_note_keeps_its_word_where_it_goes() -> None:
    note = Note("why", Flag.NO_TIMES)
    for other in (pickle.loads(pickle.dumps(note)), copy.deepcopy(note)):
        assert (other, other.flag) == ("why", Flag.NO_TIMES)
    assert flags_of([note, "plain"], [Note("more", Flag.BAD_PIXELS)]) == ["bad-pixels", "no-times"]
    assert type(plain_text([note])[0]) is str


def test_notes_that_differ_in_numbers_alone_do_not_flood() -> None:
    said = plain_text([f"frame {i} is odd" for i in range(1000)] + ["once", "once"])
    assert len(said) == 22
    assert said[-2:] == ["once", "and 980 notes more that differ in numbers alone"]


def test_flags_of_the_data_and_of_the_model_reach_the_table() -> None:
    pixels = np.random.default_rng(1).normal(100, 5, (2, 40, 40))
    pixels[1] = 7
    meta = {"object_id": "a", "flags": ["no-times", "single-epoch"], "time_kind": "index"}
    prediction = predict(ImageSequence(pixels, [0, 1], meta=meta), "taonet")
    flags = prediction.meta["flags"]
    assert flags == sorted(flags)
    assert {"single-epoch", "frames-unused", "zero-point-unknown"} <= set(flags)
    assert prediction.to_row()["flags"] == " ".join(flags)
    assert prediction.to_row()["error_code"] == ""
    assert empty_row("b", error="why", error_code="E_EMPTY")["error_code"] == "E_EMPTY"
