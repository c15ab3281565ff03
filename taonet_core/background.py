"""Long work beside the program: how far it is, how long it may take, and a way to stop it.

Work that fills a processor takes its turn in a `Line` with as many places as there are processors.
Everybody has one turn a round, however much each wants, and work of many steps gives its place away
between two of them where others wait, so that nobody waits for the whole of another's.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from taonet_core.faults import Watch

# Seconds between two looks at whether somebody in line is still wanted.
_LOOK = 0.25


@dataclass(eq=False)
class Ticket:
    """Somebody's place in line, or at work."""

    owner: str
    round: int
    arrival: int
    admitted: threading.Event = field(default_factory=threading.Event)

    @property
    def working(self) -> bool:
        """Whether it has a place at work."""
        return self.admitted.is_set()


class Line:
    """A queue for places at work, in rounds: in each, everybody who waits has one turn.

    Parameters
    ----------
    places : int
        So much is done at once; by default the processors of this machine.
    """

    def __init__(self, places: int | None = None) -> None:
        self.places = places or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._tickets: list[Ticket] = []
        self._arrivals = itertools.count()
        self._round = 0  # of whoever was admitted last
        self._mine = threading.local()

    def position(self, ticket: Ticket) -> int:
        """Return how many turns come before one's own, itself included; 0 at work."""
        with self._lock:
            waiting = self._waiting()
            return waiting.index(ticket) + 1 if ticket in waiting else 0

    def __len__(self) -> int:
        """Return how many are in line or at work."""
        with self._lock:
            return len(self._tickets)

    @contextmanager
    def turn(self, owner: str, waiting: Callable[[int], bool] = lambda _: True) -> Iterator[bool]:
        """Wait for a place, hold it, and give it back; within a turn there is nothing to wait for.

        Parameters
        ----------
        owner : str
            Whose work it is: all work of one counts together.
        waiting : callable
            Given the position, again and again while that is not 0; returns whether to go on
            waiting. It may raise.

        Yields
        ------
        bool
            Whether it is one's turn; False where `waiting` gave up.
        """
        if getattr(self._mine, "ticket", None) is not None:
            yield True
            return
        with self._lock:
            taken = [other.round for other in self._tickets if other.owner == owner]
            ticket = Ticket(owner, max([self._round, *(n + 1 for n in taken)]), self._next())
            self._tickets.append(ticket)
        self._mine.ticket = ticket
        try:
            yield self._wait(ticket, waiting)
        finally:
            self._mine.ticket = None
            with self._lock:
                self._tickets.remove(ticket)
                self._admit()

    def give_way(self, waiting: Callable[[int], bool] = lambda _: True) -> bool:
        """Between two steps, go into the next round if somebody waits; see `turn`."""
        ticket: Ticket | None = getattr(self._mine, "ticket", None)
        with self._lock:
            if ticket is None or all(other.working for other in self._tickets):
                return True
            ticket.admitted.clear()
            ticket.arrival, ticket.round = self._next(), max(self._round, ticket.round + 1)
            self._admit()
        return self._wait(ticket, waiting)

    def _wait(self, ticket: Ticket, waiting: Callable[[int], bool]) -> bool:
        with self._lock:
            self._admit()
        while not ticket.admitted.wait(_LOOK):
            position = self.position(ticket)
            if position and not waiting(position):
                return False
        return True

    def _admit(self) -> None:
        """Let the first in line work where there is a place."""
        free = self.places - sum(ticket.working for ticket in self._tickets)
        for ticket in self._waiting()[: max(free, 0)]:
            ticket.admitted.set()
            self._round = max(self._round, ticket.round)

    def _waiting(self) -> list[Ticket]:
        """Return who waits, next first."""
        waiting = [ticket for ticket in self._tickets if not ticket.working]
        return sorted(waiting, key=lambda ticket: (ticket.round, ticket.arrival))

    def _next(self) -> int:
        return next(self._arrivals)


@dataclass(eq=False)
class Work:
    """A piece of work in a thread of its own.

    Attributes
    ----------
    steps : callable
        Does the work. It is given this object, calls `report` after every step and ends when that
        returns False; what it has done until then stays.
    line : Line
        Where it waits for its turn.
    owner : str
        Whose work it is.
    wanted : callable
        Whether somebody still waits for what it does; asked between steps, and in line.
    done, total : int
        Steps; `total` is 0 where it is not known.
    now : str
        What is being worked on.
    position : int
        In line; 0 while it works.
    fault : str
        Entry of the log, where it ended by a fault that nobody foresaw.
    """

    steps: Callable[[Work], None]
    line: Line = field(default_factory=Line)
    owner: str = ""
    wanted: Callable[[], bool] = lambda: True
    done: int = 0
    total: int = 0
    now: str = ""
    position: int = 0
    fault: str = ""
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _left: bool = False
    _thread: threading.Thread | None = None
    _began: float = field(default_factory=time.monotonic)

    def start(self) -> Work:
        """Begin; returns itself."""
        # a daemon, so that the program can end while it works
        self._thread = threading.Thread(target=self._run, daemon=True, name="taonet-work")
        self._thread.start()
        return self

    def _run(self) -> None:
        watch = Watch("work beside a page")
        with watch, self.line.turn(self.owner, self._wait) as mine:
            if mine:
                self.position, self._began = 0, time.monotonic()
                self.steps(self)
        self.fault = watch.entry

    def _wait(self, position: int) -> bool:
        self.position = position
        return self._go_on()

    def _go_on(self) -> bool:
        if not self._cancelled.is_set() and not self.wanted():
            self._left = True
        return not (self._cancelled.is_set() or self._left)

    def report(self, done: int, total: int = 0, now: str = "") -> bool:
        """Say how far the work is; returns whether to go on, when it is its turn again."""
        self.done, self.total, self.now = done, total or self.total, now
        mine = self._go_on() and self.line.give_way(self._wait)
        self.position = 0
        return mine

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
    def left(self) -> bool:
        """Whether it ended early since nobody wanted it any more."""
        return self._left and not self.running

    @property
    def failed(self) -> bool:
        """Whether it ended by a fault that nobody foresaw."""
        return bool(self.fault)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest may take; None before that can be told."""
        if not self.done or not self.total:
            return None
        spent = time.monotonic() - self._began
        return spent * (self.total - self.done) / self.done
