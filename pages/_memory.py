"""What was computed of objects: kept for all sessions, but of an upload for its own alone."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

import streamlit as st

from pages._turns import turn

Result = TypeVar("Result")

#: Most bytes of results that are kept, for all sessions together and for the upload of each.
SHARED_BYTES = 512 * 2**20
OWN_BYTES = 128 * 2**20

# Name in the session: the contents that are its own, and what was computed of them.
_OWN = "own-results"


class Recent:
    """The results that were wanted last; a lookup does not disturb another.

    Parameters
    ----------
    most : int
        Bytes that they may take together; the last one stays, however large.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._held: OrderedDict[tuple[object, ...], tuple[int, Any]] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[object, ...], compute: Callable[[], Result]) -> Result:
        """Return what is kept under a key, computing it in one's turn where nothing is."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                found: Result = self._held[key][1]
                return found
        with turn():
            found = compute()
        size = _size(found)
        with self._lock:
            self._bytes += size - self._held.pop(key, (0, None))[0]
            self._held[key] = size, found
            while self._bytes > self._most and len(self._held) > 1:
                self._bytes -= self._held.popitem(last=False)[1][0]
        return found

    def peek(self, key: tuple[object, ...]) -> Any:
        """Return what is kept under a key; None where nothing is."""
        with self._lock:
            return self._held.get(key, (0, None))[1]


def recent(content: str) -> Recent:
    """Return where results about an object are kept.

    Asked while a page runs: elsewhere no session is at hand that could tell whose the object is.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    """
    contents, own = st.session_state.get(_OWN, ((), None))
    return own if own is not None and content in contents else _shared()


def own(contents: Iterable[str]) -> None:
    """Make objects those of this session alone; what was kept of others before is let go."""
    st.session_state[_OWN] = frozenset(contents), Recent(OWN_BYTES)


def forget() -> None:
    """Let go of all that was computed of the objects of this session."""
    st.session_state.pop(_OWN, None)


@st.cache_resource(show_spinner=False)
def _shared() -> Recent:
    return Recent(SHARED_BYTES)


def _size(value: object) -> int:
    """Return about how many bytes a result takes, whatever it holds counted once."""
    waiting, counted, size = [value], {}, 0
    while waiting:
        item = waiting.pop()
        if id(item) in counted or isinstance(item, type | ModuleType) or callable(item):
            continue
        counted[id(item)] = item  # held, so that no other gets its place in memory
        held = getattr(item, "nbytes", None)
        size += max(sys.getsizeof(item), held if isinstance(held, int) else 0)
        if isinstance(item, Mapping):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
        elif not hasattr(item, "memory_usage"):  # a table counts its columns itself
            waiting += getattr(item, "__dict__", {}).values()
    return size
