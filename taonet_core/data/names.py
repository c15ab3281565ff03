"""Names of objects: which ones a reader may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80  # characters; a longer text is no name, and comparing it takes long


def near_names(name: str, known: Iterable[str], *, most: int = 4) -> list[str]:
    """Return the names most like one that is not there, the likest first.

    Parameters
    ----------
    name : str
    known : iterable of str
    most : int
    """
    if len(name) > _LONGEST:
        return []
    plain = {text.casefold(): text for text in known}
    return [plain[text] for text in get_close_matches(name.casefold(), plain, most)]
