"""What was wrong in parts with a usable file, in words that never change.

A sentence for people and its word for programs travel together as a `Note`; ``docs/errors.md``
explains each word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

_NUMBERS = re.compile(r"[\d.,+-]+")
_MOST_ALIKE = 20


class Flag(StrEnum):
    """One word on the quality of what was read, or on how a model had to read it."""

    # the file
    DATA_TRUNCATED = "data-truncated"
    TRAILING_BYTES = "trailing-bytes"
    CHECKSUM_WRONG = "checksum-wrong"
    HEADER_UNUSUAL = "header-unusual"
    EXTENSION_IMAGE = "extension-image"
    AXIS_ASSUMED = "axis-assumed"
    FRAMES_UNREADABLE = "frames-unreadable"
    IMAGES_LEFT_OUT = "images-left-out"
    OBJECTS_DIFFER = "objects-differ"
    ROLES_ASSUMED = "roles-assumed"
    PARTNERS_MISSING = "partners-missing"
    TABLE_DISAGREES = "table-disagrees"
    INPUT_CHANGED = "input-changed"
    ALERT_SCHEMA_NEW = "alert-schema-new"
    # pixels
    FRAMES_EMPTY = "frames-empty"
    BAD_PIXELS = "bad-pixels"
    CONSTANT_FRAMES = "constant-frames"
    SATURATED = "saturated"
    FLOAT_OVERFLOW = "float-overflow"
    SHAPES_DIFFER = "shapes-differ"
    # times and filters
    NO_TIMES = "no-times"
    FRAMES_WITHOUT_TIME = "frames-without-time"
    SAME_TIME = "same-time"
    SINGLE_EPOCH = "single-epoch"
    DUPLICATE_FRAMES = "duplicate-frames"
    REPEATED_EXPOSURES = "repeated-exposures"
    TIMES_DISAGREE = "times-disagree"
    TIMES_IMPOSSIBLE = "times-impossible"
    TIMES_REBUILT = "times-rebuilt"
    TIMES_FROM_TABLE = "times-from-table"
    NO_TIME_OF_DAY = "no-time-of-day"
    TIME_SCALE = "time-scale"
    MIXED_FILTERS = "mixed-filters"
    # calibration
    CALIBRATION_ASSUMED = "calibration-assumed"
    CALIBRATION_IGNORED = "calibration-ignored"
    ZERO_POINTS_DIFFER = "zero-points-differ"
    EXPOSURES_DIFFER = "exposures-differ"
    GAINS_DIFFER = "gains-differ"
    UNITS_DIFFER = "units-differ"
    # the sky
    NO_WCS = "no-wcs"
    WCS_UNUSABLE = "wcs-unusable"
    WCS_SIMPLIFIED = "wcs-simplified"
    ORIENTATIONS_DIFFER = "orientations-differ"
    POSITION_DOUBTFUL = "position-doubtful"
    TARGET_OFF_CENTRE = "target-off-centre"
    TARGET_OUTSIDE_FRAMES = "target-outside-frames"
    # the model
    FRAMES_UNUSED = "frames-unused"
    TRAINED_ON_SIMULATIONS = "trained-on-simulations"
    FILTER_UNTRAINED = "filter-untrained"
    PIXEL_SCALE_UNKNOWN = "pixel-scale-unknown"
    PIXEL_SCALE_UNTRAINED = "pixel-scale-untrained"
    ZERO_POINT_UNKNOWN = "zero-point-unknown"
    SKY_UNTRAINED = "sky-untrained"
    NIGHTS_UNTRAINED = "nights-untrained"
    SPAN_UNTRAINED = "span-untrained"
    FRAMES_SMALL = "frames-small"
    UNLIKE_TRAINING = "unlike-training"


class Note(str):
    """A sentence with its word.

    Parameters
    ----------
    text : str
    flag : Flag
    """

    __slots__ = ("flag",)
    flag: Flag

    def __new__(cls, text: str, flag: Flag) -> Note:  # noqa: D102
        note = super().__new__(cls, text)
        note.flag = flag
        return note

    def __reduce__(self) -> tuple[type[Note], tuple[str, Flag]]:
        return Note, (str(self), self.flag)


def flags_of(*sentences: Iterable[str]) -> list[str]:
    """Return the words of all sentences that have one, sorted, each once."""
    return sorted({str(s.flag) for group in sentences for s in group if isinstance(s, Note)})


def plain_text(sentences: Iterable[str]) -> list[str]:
    """Return the sentences without their words, in order, each once.

    Of those that differ in numbers alone, such as a note on every frame, the first twenty.
    """
    shown: list[str] = []
    alike: Counter[str] = Counter()
    for sentence in dict.fromkeys(map(str, sentences)):
        kind = _NUMBERS.sub("#", sentence)
        alike[kind] += 1
        if alike[kind] <= _MOST_ALIKE:
            shown.append(sentence)
    more = [count - _MOST_ALIKE for count in alike.values() if count > _MOST_ALIKE]
    return shown + [f"and {sum(more):,} notes more that differ in numbers alone"] * bool(more)
