"""How a server guards itself: environment variables, and what holds without them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taonet_core.errors import TaoNetError

_MIB = 2**20


# MiB of memory where the system does not tell.
_MEMORY = 8192


def _total() -> int:
    """Return a quarter of the memory, at most 4 GiB: what is read of files comes on top, in MiB."""
    known = "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ())
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if known else 0
    return max(1, min((pages // _MIB or _MEMORY) // 4, 4096))


def _processors() -> int:
    """Return how many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """What a server allows.

    Attributes
    ----------
    hosts : tuple of str
        Names under which it answers, beside this machine's own; ``*.name`` for all below a name,
        ``*`` for any.
    origins : tuple of str
        Other origins (``https://name``) whose pages may talk to it.
    frame_ancestors : str
        Who may show it in a frame, as Content-Security-Policy has it.
    upload_mib, upload_files : int
        Most that one session may have sent and not let go of.
    total_mib : int
        The same for all sessions together.
    upload_rate : int
        Bytes a second that an upload must keep up on average.
    upload_patience : float
        Seconds that it may fall behind that.
    query_bytes : int
        Longest query of an address.
    jobs : int
        Pieces of heavy work at once.
    keep_seconds : float
        How long a session that lost its line is kept, with its files.
    """

    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    frame_ancestors: str = "'none'"
    upload_mib: int = 400
    upload_files: int = 2000
    total_mib: int = 0
    upload_rate: int = 8192
    upload_patience: float = 20.0
    query_bytes: int = 8192
    jobs: int = 0
    keep_seconds: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "total_mib", self.total_mib or max(_total(), self.upload_mib))
        object.__setattr__(self, "jobs", self.jobs or _processors())

    @property
    def upload_bytes(self) -> int:
        """Most bytes of one session."""
        return self.upload_mib * _MIB

    @property
    def total_bytes(self) -> int:
        """Most bytes of all sessions together."""
        return self.total_mib * _MIB


#: Setting -> the environment variable that it is read from.
VARIABLES = {
    "hosts": "TAONET_ALLOWED_HOSTS",
    "origins": "TAONET_ALLOWED_ORIGINS",
    "frame_ancestors": "TAONET_FRAME_ANCESTORS",
    "upload_mib": "TAONET_UPLOAD_MIB",
    "upload_files": "TAONET_UPLOAD_FILES",
    "total_mib": "TAONET_UPLOADS_TOTAL_MIB",
    "upload_rate": "TAONET_UPLOAD_RATE",
    "upload_patience": "TAONET_UPLOAD_PATIENCE",
    "query_bytes": "TAONET_QUERY_BYTES",
    "jobs": "TAONET_JOBS",
    "keep_seconds": "TAONET_KEEP_SECONDS",
}


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment.

    Raises
    ------
    TaoNetError
        If one of them means nothing.
    """
    given: dict[str, Any] = {}
    for name, variable in VARIABLES.items():
        text = environment.get(variable, "").strip()
        if text:
            given[name] = _value(variable, text, getattr(Settings, name))
    return Settings(**given)


def _value(variable: str, text: str, default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if isinstance(default, str):
        if not text.isprintable() or not text.isascii() or ";" in text:
            raise TaoNetError(f"{variable} is a list of sources as in CSP; got {text[:80]!r}")
        return text
    kind = type(default)
    try:
        number = kind(text)
    except ValueError:
        number = kind(0)
    if not 0 < number < 10**12:
        what = "a whole number" if kind is int else "a number"
        raise TaoNetError(f"{variable} is {what} above 0; got {text[:80]!r}")
    return number
