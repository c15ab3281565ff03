"""Ctrl-C and SIGTERM: long work ends where nothing is lost, and says how it goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Someone asked this process to stop.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Hold:
    """A stretch of work that a signal does not interrupt: it waits to be asked for.

    Attributes
    ----------
    asked : int or None
        The signal that came meanwhile.
    """

    def __init__(self) -> None:
        self.asked: int | None = None

    def let_go(self) -> None:
        """Stop here, if someone asked for it.

        Raises
        ------
        Stopped
        """
        if self.asked is not None:
            raise Stopped(self.asked)


_holds: list[Hold] = []


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise `Stopped` while the block runs, but for stretches `held`.

    For the main thread alone.
    """
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held() -> Iterator[Hold]:
    """Let the first signal wait until `Hold.let_go` or the end of the block; a second does not."""
    hold = Hold()
    _holds.append(hold)
    try:
        yield hold
    finally:
        _holds.remove(hold)
    hold.let_go()


def _stop(number: int, frame: FrameType | None) -> None:
    if _holds and _holds[-1].asked is None:
        _holds[-1].asked = number
        return
    raise Stopped(number)
