"""Header cards of FITS, read leniently: what they hold, and whether they keep to the standard."""

from __future__ import annotations

import re

from taonet_core.errors import Code, UnreadableFileError

BLOCK = 2880
CARD = 80

Value = bool | int | float | str | None
Header = dict[str, Value]

#: Longest text that CONTINUE cards are joined to, letters.
_LONGEST_TEXT = 4096
_STRUCTURAL = re.compile(r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT")
_STRING = re.compile(r"'((?:[^']|'')*)'?")
_INTEGER = re.compile(r"[+-]?\d{1,70}")
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?")
#: A header in which every keyword has letters of the standard, and all else can be printed.
_STANDARD = re.compile(rb"(?:[A-Z0-9_ -]{8}[ -~]{72})*")


def parse_header(raw: bytes, where: str) -> Header:
    """Read header cards leniently: the first of a repeated keyword counts, odd cards are skipped.

    Parameters
    ----------
    raw : bytes
        Cards of 80 bytes up to END.
    where : str
        For messages.

    Raises
    ------
    UnreadableFileError
        If a keyword that decides the structure stands twice with different values.
    """
    header: Header = {}
    text = raw.decode("latin-1")
    last = ""
    for start in range(0, len(text), CARD):
        card = text[start : start + CARD]
        if card.startswith("END") and not card[3:].strip(" \0"):
            break
        if card.startswith("CONTINUE") and last:
            header[last] = _continued(header[last], card[8:])
            continue
        key, found, value = card.partition("=")
        key = key.strip().upper().removeprefix("HIERARCH ").strip()
        last = ""
        if not found or not key or card.startswith(("COMMENT", "HISTORY")):
            continue
        if key not in header:
            header[key] = parse_value(value)
            last = key
        elif _STRUCTURAL.fullmatch(key) and header[key] != parse_value(value):
            raise UnreadableFileError(
                f"{where}: keyword {key} stands twice with different values; repair the header",
                code=Code.HEADER,
            )
    return header


def parse_value(text: str) -> Value:
    """Turn the part of a card after ``=`` into a value; what cannot be read stays a string."""
    text = text.strip(" \0")
    if text.startswith("'"):
        match = _STRING.match(text)
        return match.group(1).replace("''", "'").rstrip() if match else ""
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.upper().replace("D", "E"))
    return text or None


def unusual_cards(raw: bytes) -> int:
    """Count cards with letters that the standard forbids: lower-case keywords, control characters.

    Such cards are common in real files; they are read as far as they can be.
    """
    if _STANDARD.fullmatch(raw):
        return 0
    cards = (raw[start : start + CARD] for start in range(0, len(raw), CARD))
    return sum(_STANDARD.fullmatch(card) is None for card in cards)


def _continued(value: Value, rest: str) -> Value:
    more = parse_value(rest)
    if isinstance(value, str) and value.endswith("&") and isinstance(more, str):
        return value[:-1] + more if len(value) < _LONGEST_TEXT else value
    return value
