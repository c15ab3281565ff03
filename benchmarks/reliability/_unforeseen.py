"""What workers met that no reader had foreseen: the sandbox turns it into an error, and logs it."""

from __future__ import annotations

import logging
from functools import cache


class _Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "unforeseen" in record.msg:
            self.texts.append(record.getMessage()[-1500:])


def unforeseen() -> list[str]:
    """Return what was logged since this was last asked; the log is then shown no more."""
    handler = _handler()
    texts, handler.texts = handler.texts, []
    return texts


@cache
def _handler() -> _Told:
    log, handler = logging.getLogger("taonet_core.sandbox"), _Told()
    log.addHandler(handler)
    log.propagate = False
    return handler
