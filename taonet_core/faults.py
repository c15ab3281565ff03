"""Faults that nobody foresaw: an entry in the log, and one sentence that leads to it.

Text of users ends up in a log by way of file names and messages. None of it may look like a line of
its own, or speak to a terminal: `guard_logs` sees to that for every logger of the process.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from uuid import uuid4

from taonet_core.errors import Code, TaoNetError
from taonet_core.plain_text import shown

_LOG = logging.getLogger(__name__)
_LONGEST = 4000


def escaped(text: object) -> str:
    """Return a text as it may stand in a log: one line, nothing that a terminal obeys, cut."""
    return shown(text, _LONGEST)


def record(error: BaseException, doing: str) -> str:
    """Write a fault to the log with its traceback.

    Parameters
    ----------
    error : BaseException
    doing : str
        What was being done.

    Returns
    -------
    str
        The entry, by which whoever runs the server finds it.
    """
    entry = uuid4().hex[:12]
    _LOG.error("%s: %s", entry, doing, exc_info=error)
    return entry


def sentence(entry: str) -> str:
    """Return what people are told of a fault: nothing of it, but where it is written down."""
    return f"Something went wrong here. Whoever runs this server finds it in the log as {entry}."


class Watch:
    """A context in which faults end: they are written down, and go no further.

    Attributes
    ----------
    entry : str
        Of the log; empty while all is well.

    Parameters
    ----------
    doing : str
        What is being done.
    """

    def __init__(self, doing: str) -> None:
        self._doing, self.entry = doing, ""

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self.entry = record(error, self._doing)
        return True


@contextmanager
def said(doing: str) -> Iterator[None]:
    """Turn a fault into a TaoNetError that tells nothing of it but its entry in the log."""
    watch = Watch(doing)
    known: TaoNetError | None = None
    with watch:
        try:
            yield
        except TaoNetError as error:
            known = error
    if known is not None:
        raise known
    if watch.entry:
        raise TaoNetError(sentence(watch.entry), code=Code.INTERNAL)


class _Record(logging.LogRecord):
    """A log record of which no text from outside can begin a line or move a cursor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[1] is not None:
            lines = "".join(traceback.format_exception(*self.exc_info)).split("\n")
            self.exc_text = "\n".join(f"  | {escaped(line)}" for line in lines if line.strip())

    def getMessage(self) -> str:  # noqa: N802 -- logging's name
        return escaped(super().getMessage().rstrip())


def guard_logs() -> None:
    """Let every logger of this process write what `_Record` makes of its messages."""
    logging.setLogRecordFactory(_Record)
    threading.excepthook = _thread_failed


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if isinstance(failed.exc_value, Exception):
        record(failed.exc_value, f"thread {failed.thread.name if failed.thread else '?'}")
