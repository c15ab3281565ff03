"""Damaged files, in short: nothing but errors of ours, with and without worker processes."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
from fuzz import measure, originals, own_layouts

from taonet_core.data.column_values import numbers
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code


def test_damaged_files_harm_nobody():
    found = measure(quick=True)

    assert [goal.name for goal in found.goals if not goal.met] == [], found.figures
    opened = found.figures["in_workers"]["outcomes"]["opened"]
    assert 0 < opened < found.figures["mutants"]  # neither all refused nor all let through


def test_our_own_layouts_open_undamaged():
    for data in own_layouts():
        assert all(isinstance(item, ImageSequence) for _, item in read_sequences(data))
    assert len(originals()) > len(set(originals())) > 50


def test_a_signalling_nan_is_none_of_anybodys_business():
    column = pd.Series(np.array([0x7F800001, 0x3F800000], np.uint32).view(np.float32))

    np.testing.assert_array_equal(numbers(column, None, "table"), [np.nan, 1.0])


def test_what_lies_behind_an_hcompress_stream_never_becomes_pixels():
    """Its C code reads on behind the end of a stream that is cut, into whatever lies there."""
    whole = next(data for data in own_layouts() if b"HCOMPRESS_1" in data)
    place = whole.index(b"\xdd\x99") - 8  # how long the only tile is, and where it begins
    length, begin = struct.unpack(">2i", whole[place : place + 8])
    assert begin == 0

    for cut in range(30, length - 8, 8):
        damaged = whole[:place] + struct.pack(">i", cut) + whole[place + 4 :]
        ((_, item),) = read_sequences(damaged, trusted=True)
        assert getattr(item, "code", None) == Code.TILES, cut
