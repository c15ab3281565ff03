"""Long work beside the program: how far it is, how long it may take, and a way to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Work:
    """A piece of work in a thread of its own.

    Attributes
    ----------
    steps : callable
        Does the work. It is given this object, calls `report` after every step and ends when that
        returns False; what it has done until then stays.
    done, total : int
        Steps; `total` is 0 where it is not known.
    now : str
        What is being worked on.
    """

    steps: Callable[[Work], None]
    done: int = 0
    total: int = 0
    now: str = ""
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _whole: bool = False
    _thread: threading.Thread | None = None
    _began: float = field(default_factory=time.monotonic)

    def start(self) -> Work:
        """Begin; returns itself."""
        # a daemon, so that the program can end while it works
        self._thread = threading.Thread(target=self._run, daemon=True, name="taonet-work")
        self._thread.start()
        return self

    def _run(self) -> None:
        self.steps(self)  # what goes wrong unforeseen is written to the log by the thread itself
        self._whole = not self.cancelled

    def report(self, done: int, total: int = 0, now: str = "") -> bool:
        """Say how far the work is; returns whether to go on."""
        self.done, self.total, self.now = done, total or self.total, now
        return not self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask for an end after the step at hand."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; returns whether the work has ended."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.running

    @property
    def running(self) -> bool:
        """Whether it was begun and has not ended yet."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether an end was asked for."""
        return self._cancelled.is_set()

    @property
    def failed(self) -> bool:
        """Whether it ended by a fault that nobody foresaw."""
        begun = self._thread is not None
        return begun and not (self.running or self._whole or self.cancelled)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest may take; None before that can be told."""
        if not self.done or not self.total:
            return None
        spent = time.monotonic() - self._began
        return spent * (self.total - self.done) / self.done
