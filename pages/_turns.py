"""Heavy work of all visitors: in one line, the position shown, dropped when a visitor leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from taonet_core.background import Line, Work
from taonet_core.serving.settings import from_environment

#: Where everybody waits.
LINE = Line(from_environment().jobs)
# Seconds after which work stops for a visitor who has left. What is done is kept with the session,
# and the rest is taken up again when a line that was lost is back.
_GONE = 1.0
# Seconds that one waits before it is said: nothing flashes.
_PATIENCE = 0.6
# Place on the page for the position, kept for it by `place`.
_PLACE = "turn-place"


def place() -> None:
    """Keep a place on the page for the position in line, so that nothing after it moves."""
    st.session_state[_PLACE] = st.empty()


def owner() -> str:
    """Return whose work this is; empty outside of a session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one's turn at heavy work, the position shown; leaving the page leaves the line."""
    here = get_script_run_ctx() is not None  # downloads are made where there is no page
    box = st.session_state.get(_PLACE) if here else None
    since, said = time.monotonic(), False

    def waiting(position: int) -> bool:
        nonlocal said
        if box is not None and time.monotonic() - since > _PATIENCE:
            box.info(words(position), icon=":material/hourglass:")  # ends here if the visitor left
            said = True
        return True

    with LINE.turn(owner(), waiting):
        if said and box is not None:
            box.empty()
        yield


def give_way() -> None:
    """Between two steps of one's turn, let others go first."""
    LINE.give_way()


def words(position: int) -> str:
    """Say a position in line."""
    ending = "th" if position % 100 in (11, 12, 13) else _ENDINGS.get(position % 10, "th")
    return f"Waiting: {position:,}{ending} in line"


_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def work(steps: Callable[[Work], None]) -> Work:
    """Begin work beside the page for this visitor; see `taonet_core.background.Work`."""
    return Work(steps, line=LINE, owner=owner(), wanted=visitor()).start()


def visitor() -> Callable[[], bool]:
    """Return what tells whether the visitor is still there; a moment without a line is none."""
    session, seen = owner(), time.monotonic()

    def here() -> bool:
        nonlocal seen
        if not session or not runtime.exists():
            return True
        if runtime.get_instance().is_active_session(session):
            seen = time.monotonic()
        return time.monotonic() - seen < _GONE

    return here
