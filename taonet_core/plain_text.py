"""Text from outside, made fit for where it is shown: one function a kind of place.

Names, headers and notes are kept exactly as they came; only what shows them calls these.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from html import escape

#: Characters of a text that are shown; names are shorter, sentences have room.
LONGEST, LONGEST_SENTENCE = 200, 1000

_MARKS = 4  # on one letter; scripts need no more, and a pile of them covers the lines above
_RIGHT_TO_LEFT = ("R", "AL")
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_JOINER = "\N{WORD JOINER}"
# What Streamlit makes links, a logo and arrows of, though it is escaped: it looks again at the
# text that Markdown left.
_TOUCHY = re.compile(
    r"https?(?=:)|www(?=\.)|@|:(?=streamlit:)|(?<!\S)(?:-(?=[->](?!\S))|[<>~](?=[-=](?!\S)))",
    re.IGNORECASE,
)
# A formula and a field of a template begin with these.
_FIELDS = {ord("$"): "&#36;", ord("%"): "&#37;"}


def shown(text: object, most: int = LONGEST) -> str:
    r"""Return a text as it may be shown: one line of what can be seen, cut where it is long.

    Parameters
    ----------
    text : object
    most : int
        Characters shown; a cut is marked by an ellipsis.

    Returns
    -------
    str
        Control and format characters, such as those that turn the direction of the letters round,
        are written as Python escapes (``\u202e``), and so are accents heaped on one letter. Text
        with letters from right to left is isolated from what stands beside it.
    """
    text = str(text)
    text = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    if text.isascii() and text.isprintable():
        return text
    parts, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if letter.isprintable() and marks <= _MARKS:
            parts.append(letter)
        elif unicodedata.category(letter) == "Zs":
            parts.append(" ")
        else:
            parts.append(letter.encode("unicode_escape").decode())
    line = "".join(parts)
    turned = any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in line)
    return f"{_ISOLATE}{line}{_END}" if turned else line


def markdown(text: object, most: int = LONGEST_SENTENCE) -> str:
    """Return a text such that Markdown, as Streamlit reads it, shows it as it is; see `shown`."""
    line = shown(" ".join(str(text).split()), most)
    line = _TOUCHY.sub(rf"\g<0>{_JOINER}", line)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", line)


def markup(text: object, most: int = LONGEST_SENTENCE) -> str:
    """Return a text as it stands in HTML or SVG, attributes included; see `shown`."""
    return escape(shown(text, most))


def figure_text(text: object, most: int = LONGEST) -> str:
    """Return a text for a Plotly figure, which takes tags, formulae and fields; see `shown`."""
    return markup(text, most).translate(_FIELDS)


def file_stem(text: object, most: int = 100) -> str:
    """Return a text as the begin of a file name on any system: no folder, not hidden, no option."""
    return re.sub(r"[^A-Za-z0-9+.-]+", "_", str(text)).lstrip(".-")[:most] or "unnamed"


def card_text(text: object, most: int = LONGEST) -> str:
    """Return a text as a card or a column of a FITS file can hold it: printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in str(text)[:most])


def literal(text: str) -> str:
    """Return a text as Python writes it; what would be shown otherwise than it is, by escapes."""
    return repr(text) if _as_it_is(text) else ascii(text)


def shell_word(text: str) -> str:
    """Return a text as one word of a command for bash or zsh, to be pasted.

    What a terminal would obey, or a reader not see, is written as an escape.
    """
    if _as_it_is(text):
        return shlex.quote(text)
    parts = (
        letter
        if " " <= letter <= "~" and letter not in "\\'!"
        else "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
        for letter in text
    )
    return f"$'{''.join(parts)}'"


def _as_it_is(text: str) -> bool:
    return shown(text, len(text)) == text
