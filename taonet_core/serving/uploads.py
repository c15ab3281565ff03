"""Uploads to the app: only those it asked for, and not more than it can hold.

Streamlit keeps what is sent to it in memory, file by file, under whatever name of a file it comes,
and limits the size of a file alone. This guard stands before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from taonet_core.errors import Code
from taonet_core.serving.asgi import App, Receive, Scope, Send, plain
from taonet_core.serving.bodies import CutError, declared_length, guarded, paced
from taonet_core.serving.settings import Settings

_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
# What multipart/form-data adds to a file.
_FRAMING = 64 * 2**10
# Room that is kept for what is still to come of a file, of what it says of its size: as much as
# comes in two minutes at the slowest pace, so that room costs about what it takes to send.
_AHEAD = 2**20

_UNASKED = "Nobody here asked for this file; load the page again."
_LARGE = "The file is too large; the page says how large one may be."
_OWN = "This is more than one visitor may send; let go of files that were sent before."
_FULL = "The server holds as many files as it can; try again in a few minutes."


class Desk(Protocol):
    """Whoever keeps the uploads."""

    def expects(self, session: str, file: str) -> bool:
        """Whether a session that is there was told to send a file under this name."""
        ...

    def held(self, session: str) -> dict[str, int]:
        """Return the bytes of each file that is kept for a session."""
        ...

    def total(self) -> int:
        """Return the bytes of all files of all sessions."""
        ...

    def make_room(self) -> None:
        """Let go of the files of visitors who have left."""
        ...

    def refused(self, session: str, why: str) -> None:
        """Take note of a file that this session sent and that was too much."""
        ...


def upload_address(scope: Scope) -> tuple[str, str] | None:
    """Return session and file of the address of an upload; None of any other."""
    found = _ADDRESS.search(scope["path"]) if scope["type"] == "http" else None
    return (found[1], found[2]) if found else None


@dataclass(eq=False)
class _Coming:
    """A file that is being sent.

    Its session answers for all that it says it is; of the room of all sessions it takes what came
    of it, and a little ahead.
    """

    session: str
    file: str
    expected: int
    taken: int = 0

    @property
    def size(self) -> int:
        return max(self.expected, self.taken)

    @property
    def room(self) -> int:
        ahead = (self.taken // _AHEAD + 1) * _AHEAD
        return max(self.taken, min(self.expected, ahead))


class Uploads:
    """Refuses files that were not asked for, or that exceed a quota, before they are kept.

    Parameters
    ----------
    app : ASGI application
    desk : callable
        Returns who keeps the uploads.
    settings : Settings
    file_bytes : int
        Most bytes of one file.
    """

    def __init__(
        self, app: App, *, desk: Callable[[], Desk], settings: Settings, file_bytes: int
    ) -> None:
        self._app, self._desk, self._settings = app, desk, settings
        self._most = file_bytes + _FRAMING
        self._coming: list[_Coming] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as far as its file may be kept."""
        named = upload_address(scope)
        if named is None or scope["method"] in ("OPTIONS", "DELETE"):
            return await self._app(scope, receive, send)
        coming = _Coming(*named, expected=declared_length(scope))
        body = paced(
            receive,
            rate=self._settings.upload_rate,
            patience=self._settings.upload_patience,
            grown=lambda size: self._grown(coming, size),
        )

        async def keep(scope: Scope, body: Receive, send: Send) -> None:
            if not self._desk().expects(*named):
                raise CutError(403, Code.REQUEST, _UNASKED)
            self._allow(coming)
            await self._app(scope, body, send)

        self._coming.append(coming)
        try:
            await guarded(keep, scope, receive, send, body=body, words=plain)
        finally:
            self._forget(coming)

    def _forget(self, coming: _Coming) -> None:
        if coming in self._coming:
            self._coming.remove(coming)

    def _grown(self, coming: _Coming, size: int) -> None:
        before, coming.taken = coming.room, coming.taken + size
        if coming.room > before:
            self._allow(coming)

    def _allow(self, coming: _Coming) -> None:
        """Refuse a file that is too much, with all that is kept and all that is coming.

        Raises
        ------
        CutError
        """
        refusal = self._refusal(coming)
        if refusal is not None:
            self._forget(coming)  # takes no room while the rest of it comes
            self._desk().refused(coming.session, refusal.message)
            raise refusal

    def _refusal(self, coming: _Coming) -> CutError | None:
        if coming.size > self._most:
            return CutError(413, Code.SIZE, _LARGE)
        desk, settings = self._desk(), self._settings
        on_their_way = Counter[str]()  # a file may be sent twice at once: both are in memory
        for other in self._coming:
            if other.session == coming.session:
                on_their_way[other.file] += other.size
        # What is sent again takes the place of the old.
        sizes = {**desk.held(coming.session), **on_their_way}
        many = len(sizes) > settings.upload_files
        if many or sum(sizes.values()) > settings.upload_bytes + _FRAMING:
            return CutError(429, Code.QUOTA, _OWN)
        if self._all() > settings.total_bytes:
            desk.make_room()
        if self._all() > settings.total_bytes:
            return CutError(429, Code.QUOTA, _FULL)
        return None

    def _all(self) -> int:
        return self._desk().total() + sum(coming.room for coming in self._coming)
