"""What a journal of many predictions holds of one object, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What was made of one object.

    Attributes
    ----------
    input : int
        Number of the input that it was in.
    sha256 : str
        Of the bytes that were read; empty where they cannot be known.
    name : str
    rows : list of dict
        Of the table.
    error, code : str
        Why there is no verdict; else empty.
    warnings : tuple of str
        What the model was not trained for.
    last : bool
        Whether the input holds no more objects.
    """

    input: int
    sha256: str
    name: str
    rows: list[dict[str, Any]]
    error: str = ""
    code: str = ""
    warnings: tuple[str, ...] = ()
    last: bool = True


@dataclass(frozen=True)
class Begun:
    """The input that was read last; those before it are done.

    Attributes
    ----------
    input : int
        Its number; -1 where nothing is answered yet.
    objects : int
        How many of its objects are answered.
    sha256 : str
    done : bool
        Whether those are all.
    """

    input: int = -1
    objects: int = 0
    sha256: str = ""
    done: bool = True
