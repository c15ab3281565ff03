"""What objects can be chosen and sorted by: names in an address, words on screen, limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from taonet_core.labels import TransientClass

#: Ends of a range, both included; None leaves an end open.
Range = tuple[float | None, float | None]
ANY: Range = (None, None)
Corners = tuple[tuple[float, float], ...]
#: Stands among the classes for "no label" or "no verdict".
UNKNOWN = "unknown"
CLASSES: tuple[str, ...] = (*map(str, TransientClass), UNKNOWN)

_LONGEST_TEXT = 200
_MOST_CORNERS = 64
_MODEL = re.compile(r"[\w.-]{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
#: Just short of a day: the next night's 0 h is no part of it.
_WHOLE_DAY = 1 - 1e-5
# MJD of the day that `date.toordinal` counts from.
_MJD_OF_DAY_ZERO = -678_576


@dataclass(frozen=True)
class Quantity:
    """A number that objects are chosen by.

    Attributes
    ----------
    key : str
        Name in an address.
    words, unit, help : str
        Name, unit and meaning on screen.
    bounds : tuple of float
        Smallest and largest value that makes sense.
    """

    key: str
    words: str
    unit: str
    help: str
    bounds: tuple[float, float] = (-math.inf, math.inf)


#: Field of a `Selection` -> the number it bounds.
RANGES: dict[str, Quantity] = {
    "probability": Quantity("p", "probability", "", "Probability after the last night", (0, 1)),
    "nights": Quantity("nights", "nights", "nights", "Nights with at least one frame", (0, 1e6)),
    "magnitude": Quantity(
        "mag",
        "magnitude",
        "mag",
        "Magnitude at peak, measured in the frames; objects without a measured peak drop out",
    ),
    "dates": Quantity("mjd", "observed", "MJD", "Nights first to last overlap this time"),
    "snr": Quantity("snr", "peak S/N", "", "Signal to noise of the brightest night"),
    "novelty": Quantity(
        "novelty",
        "novelty",
        "%",
        "Further from all the model has seen than this share of known objects",
        (0, 100),
    ),
}

#: Field of a `Selection` -> its name in an address, and the words of each value.
CHOICES: dict[str, tuple[str, dict[str, str]]] = {
    "outcome": ("outcome", {"right": "verdict right", "wrong": "verdict wrong"}),
    "agreement": ("agreement", {"agree": "models agree", "disagree": "models disagree"}),
    "experts": (
        "expert",
        {"labelled": "labelled by experts", "unlabelled": "not labelled by experts"},
    ),
}


@dataclass(frozen=True)
class Order:
    """An order of objects.

    Attributes
    ----------
    words : str
    by : tuple of (str, bool)
        Columns, ``{model}`` standing for the model asked, and whether they ascend; a later one
        settles ties of those before.
    """

    words: str
    by: tuple[tuple[str, bool], ...]


_SURE = ("confidence_{model}", False)
#: Orders by their name in an address; a minus in front turns one round.
ORDERS: dict[str, Order] = {
    "name": Order("name", (("separation_arcsec", True), ("object_id", True))),
    "truth": Order("true class", (("label", True),)),
    "verdict": Order("verdict", (("verdict_{model}", True), _SURE)),
    "confidence": Order("most certain first", (_SURE,)),
    "brightness": Order("brightest first", (("magnitude", True),)),
    "snr": Order("highest S/N first", (("snr_peak", False),)),
    "nights": Order("most nights first", (("n_nights", False),)),
    "date": Order("latest first", (("mjd_first", False),)),
    "novelty": Order("most novel first", (("novelty_{model}", False),)),
    "wrong": Order("wrong verdicts first", (("right_{model}", True), _SURE)),
    "disagree": Order("disagreeing models first", (("disagree", False), _SURE)),
}


@dataclass(frozen=True)
class Field:
    """How a field of a `Selection` stands in an address.

    Attributes
    ----------
    key : str
    write : callable
        Value -> text, or one text an item.
    read : callable
        Texts -> value; `ValueError` says in words why they are none.
    """

    key: str
    write: Callable[[Any], str | list[str]]
    read: Callable[[Sequence[str]], Any]


def parse_date(text: str, *, end: bool = False) -> float:
    """Return the Modified Julian Date of a number or of a day such as ``2012-09-25``.

    Parameters
    ----------
    text : str
    end : bool
        Whether a day stands for its last second; else for 0 h. A number is what it is.

    Raises
    ------
    ValueError
        If the text is neither.
    """
    try:
        day = date.fromisoformat(text.strip()).toordinal() + _MJD_OF_DAY_ZERO
    except ValueError:
        return parse_number(text)
    return day + _WHOLE_DAY if end else float(day)


def parse_number(text: str) -> float:
    """Return the finite number a text holds, or raise `ValueError`."""
    value = float(text) if _NUMBER.fullmatch(text.strip()) else math.inf
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is no number")
    return value


def range_words(quantity: Quantity, bounds: Range, words: str = "") -> str:
    """Return a range in words, such as ``peak S/N ≥ 10`` or ``17 – 19 mag``."""
    low, high = (None if end is None else f"{end:.10g}" for end in bounds)
    what = words or quantity.words
    if low is not None and high is not None:
        size = low if low == high else f"{low} – {high}"
    else:
        size = f"≥ {low}" if high is None else f"≤ {high}"
    unit = f" {quantity.unit}" if quantity.unit else ""
    return f"{size}{unit}" if quantity.unit == what else f"{what} {size}{unit}"


def _shortest(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _write_range(bounds: Range) -> str:
    return "..".join("" if end is None else _shortest(end) for end in bounds)


def _range(quantity: Quantity) -> Field:
    def read(texts: Sequence[str]) -> Range:
        ends = _one(texts).split("..")
        if len(ends) != 2 or ends == ["", ""]:
            raise ValueError("wanted two ends such as 1..5, 1.. or ..5")
        low, high = _end(quantity, ends[0]), _end(quantity, ends[1], last=True)
        least, most = quantity.bounds
        if any(end is not None and not least <= end <= most for end in (low, high)):
            raise ValueError(f"wanted numbers from {least:g} to {most:g}")
        if low is not None and high is not None and low > high:
            raise ValueError(f"the lower end {low:g} lies above the upper end {high:g}")
        return low, high

    return Field(quantity.key, _write_range, read)


def _end(quantity: Quantity, text: str, *, last: bool = False) -> float | None:
    if not text.strip():
        return None
    return parse_date(text, end=last) if quantity.key == "mjd" else parse_number(text)


def _one_of(key: str, allowed: Sequence[str]) -> Field:
    def read(texts: Sequence[str]) -> str:
        if _one(texts) not in allowed:
            raise ValueError(f"{_one(texts)[:40]!r} is none of {', '.join(allowed)}")
        return texts[0]

    return Field(key, str, read)


def _classes(key: str) -> Field:
    def read(texts: Sequence[str]) -> tuple[str, ...]:
        known = tuple(name for name in CLASSES if name in texts)
        if not known:
            raise ValueError(f"wanted classes among {', '.join(CLASSES)}")
        return known

    return Field(key, list, read)


def _one(texts: Sequence[str]) -> str:
    if len(texts) != 1:
        raise ValueError(f"wanted one value; got {len(texts)}")
    return texts[0]


def _read_text(texts: Sequence[str]) -> str:
    text = _one(texts)
    if len(text) > _LONGEST_TEXT or not text.isprintable() or not text.strip():
        raise ValueError(f"wanted at most {_LONGEST_TEXT} printable characters")
    return text


def _read_model(texts: Sequence[str]) -> str:
    if not _MODEL.fullmatch(_one(texts)):
        raise ValueError("wanted the name of a model")
    return texts[0]


def _read_radius(texts: Sequence[str]) -> float:
    radius = parse_number(_one(texts))
    if not 0 < radius <= 180 * 3600:
        raise ValueError("wanted a radius in arcsec, above 0 and up to 180 degrees")
    return radius


def _read_order(texts: Sequence[str]) -> str:
    if _one(texts).removeprefix("-") not in ORDERS:
        raise ValueError(f"{texts[0][:40]!r} is none of {', '.join(ORDERS)}")
    return texts[0]


def _write_corners(corners: Corners) -> str:
    return ",".join(f"{_shortest(x)}_{_shortest(y)}" for x, y in corners)


def _read_corners(texts: Sequence[str]) -> Corners:
    pairs = [pair.split("_") for pair in _one(texts).split(",")]
    if not 3 <= len(pairs) <= _MOST_CORNERS or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"wanted 3 to {_MOST_CORNERS} corners such as 0.5_0.2")
    return tuple((parse_number(x), parse_number(y)) for x, y in pairs)


#: How the fields of a `Selection` stand in an address, by their name.
FIELDS: dict[str, Field] = {
    "text": Field("q", str, _read_text),
    "radius_arcsec": Field("radius", _shortest, _read_radius),
    "truths": _classes("truth"),
    "verdicts": _classes("verdict"),
    "model": Field("model", str, _read_model),
    "probability_of": _one_of("of", CLASSES[:-1]),
    **{name: _range(quantity) for name, quantity in RANGES.items()},
    **{name: _one_of(key, tuple(words)) for name, (key, words) in CHOICES.items()},
    "region": Field("sky", _write_corners, _read_corners),
    "sort": Field("sort", str, _read_order),
}
