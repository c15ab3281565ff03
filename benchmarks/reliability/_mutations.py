"""Twelve ways to damage a file, pure and seeded: bytes in, other bytes out.

They know the 80-character cards of FITS headers and the fields of the JSON in Avro packets, and
treat all other bytes alike. The same seed, number and originals make the same mutant, each by
itself, so that one of 10,000 can be made again alone::

    mutant(originals, 4217, seed=5).data
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK, CARD = 2880, 80
#: Headers are looked for in so many bytes from the start.
_SEARCHED = 2**20
#: Share of mutants that are damaged once more, and again.
_AGAIN = 0.4
#: Bytes that inserted runs and overlaid words have at most.
_RUN = 4096

_JSON_FIELD = re.compile(rb'"[a-z_]{1,40}"\s*:\s*("[^"\n]{0,80}"|-?\d+|true|false|null)')
_DECIDES = re.compile(
    rb"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|TFIELDS|T(FORM|DIM|SCAL|ZERO|NULL)\d+"
    rb"|THEAP|Z\w+|BSCALE|BZERO|BLANK|C(RPIX|RVAL|DELT|TYPE|UNIT|ROTA)\d|CD\d_\d|PC\d_\d|[AB]_\w+"
    rb"|MJD\S*|DATE\S*|EXTNAME|EXTVER|FILTER|EXPTIME"
)
_COUNTS = re.compile(rb"Z(TILE|NAXIS|VAL|DITHER|BITPIX)\d*|PCOUNT|THEAP|TFORM\d+|TDIM\d+|NAXIS\d*")
EXTREMES = (
    *(b"-1", b"0", b"-2880", b"1", b"999", b"2147483647", b"2147483648", b"4294967295"),
    *(b"1000000000", b"9223372036854775807", b"-9223372036854775808", b"1" + b"0" * 60),
    *(b"1E400", b"-1E400", b"1E308", b"1E-320", b"NaN", b"INF", b"0.5", b"-0.0", b"1D5000"),
    *(b"T", b"F", b"", b"'", b"''", b"'text'", b"'1PB(2147483647)'", b"'-1E'", b"(1, 2)"),
)
_LENGTHS = (0, 1, -1, 127, 255, 2**15, 2**31 - 1, -(2**31), 2**40, 2**60, 2**63 - 1, -(2**63))
_CONTROLS = bytes([*range(32), 127, 128, 160, 255])

Operator = Callable[[bytes, np.random.Generator, bytes], bytes]


@dataclass(frozen=True)
class Mutant:
    """One damaged file.

    Attributes
    ----------
    original : int
        Index of the file that it was made of.
    operators : tuple of str
        Names of what was done to it, in order.
    data : bytes
    """

    original: int
    operators: tuple[str, ...]
    data: bytes


def mutant(originals: Sequence[bytes], number: int, *, seed: int) -> Mutant:
    """Damage one of the originals.

    Parameters
    ----------
    originals : sequence of bytes
        At least one that is not empty.
    number : int
        Which mutant; operators take turns, so that twelve in a row begin with each once.
    seed : int
    """
    rng = np.random.default_rng([seed, number])
    chosen = int(rng.integers(len(originals)))
    data, done = originals[chosen], []
    names = list(OPERATORS)
    turn = number % len(names)
    while not done or rng.random() < _AGAIN:
        other = originals[int(rng.integers(len(originals)))]
        damaged = OPERATORS[names[turn]](data, rng, other)
        if damaged != data:
            done.append(names[turn])
            data = damaged
        turn = int(rng.integers(len(names)))
    return Mutant(chosen, tuple(done), data)


def flip_bit(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Flip one bit."""
    if not data:
        return data
    at = _place(len(data), rng)
    return data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]


def set_bytes(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Set one to sixteen bytes to random ones, or all to the same."""
    if not data:
        return data
    at, count = _place(len(data), rng), int(rng.integers(1, 17))
    run = rng.bytes(count) if rng.random() < 0.5 else bytes([int(rng.integers(256))]) * count
    return (data[:at] + run + data[at + count :])[: len(data)]


def truncate(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Cut the end off, sometimes at a whole block."""
    at = _place(len(data), rng) if data else 0
    return data[: at - at % BLOCK if rng.random() < 0.3 else at]


def insert(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Insert random bytes, zeros, blanks, or a piece of another file."""
    at, count = _place(len(data), rng), int(rng.integers(1, _RUN))
    start = _place(len(other), rng)
    run = (rng.bytes(count), bytes(count), b" " * count, other[start : start + count])
    return data[:at] + run[int(rng.integers(4))] + data[at:]


def delete(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Take a run of bytes out, sometimes a whole card or block."""
    at = _place(len(data), rng)
    count = int(rng.choice([1, CARD, BLOCK, int(rng.integers(1, _RUN))]))
    return data[:at] + data[at + count :]


def duplicate_block(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Repeat a block up to thirty times."""
    start = _block(data, rng)
    return data[:start] + data[start : start + BLOCK] * int(rng.integers(1, 31)) + data[start:]


def swap_blocks(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Exchange two blocks."""
    i, j = sorted((_block(data, rng), _block(data, rng)))
    if i == j:
        return data
    middle = data[i + BLOCK : j]
    return data[:i] + data[j : j + BLOCK] + middle + data[i : i + BLOCK] + data[j + BLOCK :]


def extreme_value(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Set a value of the header to something that its reader may not have thought of."""
    field = _field(data, rng, _DECIDES)
    if field is None:
        return data
    key, _, _ = data[field].partition(_sign(data))
    return _replaced(data, field, key, EXTREMES[int(rng.integers(len(EXTREMES)))])


def change_keyword(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Rename, remove or repeat a keyword of the header."""
    field = _field(data, rng, _DECIDES)
    if field is None:
        return data
    text = data[field]
    match int(rng.integers(4)):
        case 0:
            another = _field(data, rng, _DECIDES)
            key = data[another].partition(_sign(data))[0] if another else b"X"
            value = text.partition(_sign(data))[2]
            return _replaced(data, field, key, value.strip())
        case 1:
            return data[: field.start] + b" " * len(text) + data[field.stop :]
        case 2:  # over another card, so that nothing moves
            twin = _field(data, rng, _DECIDES) or field
            return data[: twin.start] + text[: len(data[twin])] + data[twin.stop :]
        case _:
            return data[: field.stop] + text + data[field.stop :]


def control_characters(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Put characters into a header that have no place there: controls, quotes, other bytes."""
    field = _field(data, rng, re.compile(rb".*"))
    if field is None:
        return data
    text = bytearray(data[field])
    for at in rng.integers(len(text), size=int(rng.integers(1, 9))):
        text[at] = int(rng.choice(list(_CONTROLS + b"'&=/\\")))
    return data[: field.start] + bytes(text) + data[field.stop :]


def splice(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Go on with another file from somewhere in the middle, sometimes at whole blocks."""
    at, start = _place(len(data), rng), _place(len(other), rng)
    if rng.random() < 0.5:
        at, start = at - at % BLOCK, start - start % BLOCK
    return data[:at] + other[start:]


def lengths(data: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Change a number that says how long something is: of a tile, a heap, a block of records."""
    field = _field(data, rng, _COUNTS) if rng.random() < 0.5 else None
    if field is not None and _COUNTS.match(data[field]):
        key, _, value = data[field].partition(_sign(data))
        number = re.search(rb"-?\d+", value)
        if number:
            old = int(number.group())
            new = str(int(rng.choice([old + 1, old - 1, old * 2, old // 2, -old, 0]))).encode()
            text = value[: number.start()].strip() + new + value[number.end() :].strip()
            return _replaced(data, field, key, text)
    at = _place(len(data), rng)
    word = _word(int(rng.choice(np.array(_LENGTHS, dtype=np.int64))), int(rng.integers(4)))
    return (data[:at] + word + data[at + len(word) :])[: len(data)]


OPERATORS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        *(flip_bit, set_bytes, truncate, insert, delete, duplicate_block, swap_blocks),
        *(extreme_value, change_keyword, control_characters, splice, lengths),
    )
}


def _place(size: int, rng: np.random.Generator) -> int:
    """Return a place in a file; half of them lie near its start, where headers are."""
    if size <= 1:
        return 0
    return int(rng.integers(size if rng.random() < 0.5 else min(size, 2 * BLOCK)))


def _block(data: bytes, rng: np.random.Generator) -> int:
    return BLOCK * int(rng.integers(max(1, len(data) // BLOCK)))


def _sign(data: bytes) -> bytes:
    return b"=" if _is_fits(data) else b":"


def _is_fits(data: bytes) -> bool:
    return data[:6] in (b"SIMPLE", b"XTENSI") or data[CARD : CARD + 6] == b"BITPIX"


def _field(data: bytes, rng: np.random.Generator, wanted: re.Pattern[bytes]) -> slice | None:
    """Return where a field of a header stands: one of those wanted, or in a third of cases any."""
    fields = _cards(data) if _is_fits(data) else _json_fields(data)
    if rng.random() < 2 / 3:
        fields = [f for f in fields if wanted.match(data[f])] or fields
    return fields[int(rng.integers(len(fields)))] if fields else None


def _cards(data: bytes) -> list[slice]:
    """Return the cards of all headers near the start: 80 bytes with an equals sign or a comment."""
    starts = range(0, min(len(data), _SEARCHED) - CARD + 1, CARD)
    return [slice(s, s + CARD) for s in starts if data[s + 8 : s + 10] == b"= "]


def _json_fields(data: bytes) -> list[slice]:
    return [slice(*match.span()) for match in _JSON_FIELD.finditer(data[:_SEARCHED])]


def _replaced(data: bytes, field: slice, key: bytes, value: bytes) -> bytes:
    """Write key and value over a field; a card stays 80 bytes long."""
    if not _is_fits(data):
        return data[: field.start] + key + b": " + value + data[field.stop :]
    card = (key[:8].ljust(8) + b"= " + value.rjust(20))[:CARD].ljust(CARD)
    return data[: field.start] + card + data[field.stop :]


def _word(number: int, kind: int) -> bytes:
    """Return a number as FITS, as little-endian machines, or as Avro has it."""
    if kind < 3:
        size = (4, 8, 4)[kind]
        return (number % 2 ** (8 * size)).to_bytes(size, "little" if kind == 2 else "big")
    zigzag = (number << 1) ^ (number >> 63)
    word = bytearray()
    while zigzag > 127:
        word.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes([*word, zigzag])
