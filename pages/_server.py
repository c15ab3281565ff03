"""The app as a server: its guards, what becomes of faults, and of visitors who have left.

Everything that is of Streamlit is here; the guards themselves know nothing of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
import time
import webbrowser
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages import _ui as ui
from pages._turns import owner
from taonet_core import faults, sandbox
from taonet_core.errors import TaoNetError
from taonet_core.serving.bodies import Bodies
from taonet_core.serving.door import Door
from taonet_core.serving.headers import Headers, app_policy
from taonet_core.serving.heap import return_freed_memory
from taonet_core.serving.scratch import private_temporaries
from taonet_core.serving.settings import Settings, from_environment
from taonet_core.serving.uploads import Uploads, upload_address

# Seconds between two looks at who has left.
_SWEEP = 2.0
# Bytes of a request that is no upload; the app has none with a body but those of its front end.
_BODY = 64 * 2**10
# What Streamlit has, and does not promise to keep.
_RELIED_ON: dict[type, tuple[str, ...]] = {
    runtime.Runtime: ("_session_mgr", "is_active_session", "get_app_session", "close_session"),
    AppSession: ("_client_state", "_scriptrunner", "request_rerun", "session_state"),
    MemoryUploadedFileManager: ("file_storage", "get_upload_urls", "remove_session_files"),
    MultiPartParser: ("spool_max_size",),
}
# Session -> why a file it sent was not taken, until its page has said so.
_REFUSED: dict[str, str] = {}


class Reception:
    """Keeps track of the sessions and of their uploads in Streamlit's memory.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._expected: dict[str, OrderedDict[str, None]] = {}
        self._left: dict[str, float] = {}
        self._ending: list[AppSession] = []

    def open(self) -> None:
        """Note from now on which files the pages ask for."""
        manager = _files()
        issue = manager.get_upload_urls

        def noted(session_id: str, file_names: Sequence[str]) -> list[Any]:
            most = self._settings.upload_files
            issued = issue(session_id, file_names[:most])
            names = self._expected.setdefault(session_id, OrderedDict())
            names.update((url.file_id, None) for url in issued)
            while len(names) > most:
                names.popitem(last=False)
            return issued

        manager.get_upload_urls = noted  # type: ignore[method-assign]

    def expects(self, session: str, file: str) -> bool:
        """Whether a session that is there was told to send a file under this name."""
        here = runtime.get_instance().is_active_session(session)
        return here and file in self._expected.get(session, ())

    def held(self, session: str) -> dict[str, int]:
        """Return the bytes of each file that is kept for a session."""
        files = dict(_files().file_storage.get(session, {}))
        return {name: len(file.data) for name, file in files.items()}

    def total(self) -> int:
        """Return the bytes of all files of all sessions."""
        return sum(sum(self.held(session).values()) for session in list(_files().file_storage))

    def make_room(self) -> None:
        """Let go of all sessions that have left, however short a while ago."""
        self._close(self._gone())

    def refused(self, session: str, why: str) -> None:
        """Let the page of this session say why a file was not taken."""
        instance = runtime.get_instance().get_app_session(session)
        if instance is not None:
            _REFUSED[session] = why
            instance.request_rerun(instance._client_state)  # as it was: where the visitor is

    def sweep(self) -> None:
        """Let go of the sessions that left a while ago: their state, files and results."""
        now, gone = time.monotonic(), self._gone()
        self._left = {session: self._left.get(session, now) for session in gone}
        self._close([s for s, since in self._left.items() if now - since > self._keep])
        self._empty()

    def _empty(self) -> None:
        """Empty closed sessions whose script has ended: Streamlit's loop keeps hold of the last."""
        for session in self._ending:
            if session._scriptrunner is None:
                session.session_state.clear()
        self._ending = [session for session in self._ending if session._scriptrunner is not None]

    @property
    def _keep(self) -> float:
        return self._settings.keep_seconds

    def _gone(self) -> list[str]:
        """Return the sessions that are kept without anybody at the other end."""
        instance = runtime.get_instance()
        known = {info.session.id for info in instance._session_mgr.list_sessions()}
        known |= {*_files().file_storage, *self._expected}
        return [session for session in known if not instance.is_active_session(session)]

    def _close(self, sessions: Sequence[str]) -> None:
        instance = runtime.get_instance()
        held = {info.session.id: info.session for info in instance._session_mgr.list_sessions()}
        for session in sessions:
            instance.close_session(session)
            if session in held:
                self._ending.append(held[session])
            _files().remove_session_files(session)
            self._expected.pop(session, None)
            self._left.pop(session, None)
            _REFUSED.pop(session, None)


def _files() -> MemoryUploadedFileManager:
    manager = runtime.get_instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)  # what st.App makes
    return manager


def not_taken() -> str:
    """Return once why the file that was sent last was not taken; empty where all were."""
    return _REFUSED.pop(owner(), "")


def show_fault(error: Exception) -> bool:
    """Say in one sentence that a page broke off, and write to the log why; see `st.App`."""
    if isinstance(error, TaoNetError):
        st.error(ui.plain(error))
    else:
        entry = faults.record(error, f"page {faults.escaped(st.context.url)}")
        st.error(faults.sentence(entry), icon=":material/error:")
    return True


def _not_shown_already(entry: logging.LogRecord) -> bool:
    """Tell whether Streamlit logs something else than what `show_fault` logs, too."""
    return entry.msg != "Uncaught app execution"


def guards(settings: Settings, reception: Reception) -> list[Middleware]:
    """Return what every request passes before it reaches the app, outermost first."""
    mib = int(st.get_option("server.maxUploadSize"))
    policy = app_policy(settings.frame_ancestors, _inline_scripts())
    pace = {"rate": settings.upload_rate, "patience": settings.upload_patience}
    return [
        Middleware(Headers, content_policy=policy),  # type: ignore[arg-type]
        Middleware(
            Door,  # type: ignore[arg-type]
            hosts=settings.hosts,
            origins=settings.origins,
            query_bytes=settings.query_bytes,
        ),
        Middleware(Bodies, most=_BODY, exempt=upload_address, **pace),  # type: ignore[arg-type]
        Middleware(
            Uploads,  # type: ignore[arg-type]
            desk=lambda: reception,
            settings=settings,
            file_bytes=mib * 2**20,
        ),
    ]


def _inline_scripts() -> str:
    """Return the hashes of the scripts that are written into Streamlit's own first page."""
    page = Path(st.__file__).parent / "static" / "index.html"
    found = re.findall(r"<script>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in found]
    return " ".join(f"'sha256-{digest.decode()}'" for digest in digests)


def _here() -> str:
    """Return the address of the app on this machine, for whoever just started it."""
    name = st.get_option("browser.serverAddress") or "localhost"
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"http://{name}:{st.get_option('server.port')}/{base}"


def check_streamlit() -> None:
    """Refuse a Streamlit without the names that the guards rely on, and that it does not promise.

    Raises
    ------
    TaoNetError
        If one is missing: quotas would then be dropped without a word.
    """
    missing = [
        f"{kind.__name__}.{name}"
        for kind, names in _RELIED_ON.items()
        for name in names
        if not hasattr(kind, name) and name not in kind.__init__.__code__.co_names
    ]
    if missing:
        raise TaoNetError(
            f"the app cannot guard itself on Streamlit {st.__version__}, which lacks "
            f"{', '.join(missing)}; install the version of requirements.txt"
        )


class Server:
    """What `st.App` is told: guards, what to do with faults, and what runs beside it."""

    def __init__(self) -> None:
        check_streamlit()
        self._settings = from_environment()
        self._reception = Reception(self._settings)
        self.guards = guards(self._settings, self._reception)

    @asynccontextmanager
    async def life(self, app: st.App) -> AsyncIterator[None]:
        """Prepare the process, and keep house while it serves."""
        return_freed_memory()
        faults.guard_logs()
        logging.getLogger("streamlit.error_util").addFilter(_not_shown_already)
        # A form is taken apart in memory: nothing of an upload is written to disk.
        MultiPartParser.spool_max_size = 2 * int(st.get_option("server.maxUploadSize")) * 2**20
        self._reception.open()
        with private_temporaries():
            sandbox.warm()
            housekeeping = asyncio.create_task(self._keep_house())
            if not st.get_option("server.headless"):
                asyncio.get_running_loop().run_in_executor(None, webbrowser.open, _here())
            try:
                yield
            finally:
                housekeeping.cancel()
                with suppress(asyncio.CancelledError):
                    await housekeeping

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            with faults.Watch("letting go of sessions that have left"):
                self._reception.sweep()
