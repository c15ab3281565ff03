"""A visitor of the app without a browser: says over the websocket what the front end would say.

Messages are those of `streamlit.proto`. A run of the page is asked for, its elements arrive, and so
do the beats of fragments that run again by themselves. Files go over HTTP, as a browser sends them.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

#: Seconds that a visitor waits for anything.
PATIENCE = 120.0
_XSRF = "_streamlit_xsrf"


async def request(
    address: str,
    method: str,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    pace: float = 0.0,
) -> tuple[int, dict[str, str]]:
    """Send a request over a connection of its own, and read the answer.

    Parameters
    ----------
    address : str
        Of the server.
    method, path : str
    headers : dict of str to str, optional
    body : bytes
    pace : float
        Seconds between the bytes of the body; 0 sends it at once.

    Returns
    -------
    int
        Status; 0 where the server hung up without one.
    dict of str to str
        Headers, by their names in lower case.
    """
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    lines = {"Host": url.netloc, "Connection": "close", **(headers or {})}
    if method != "GET":
        lines |= {"Content-Length": str(len(body)), "Origin": address}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    answer = asyncio.create_task(reader.read())
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        if pace:
            await _drip(writer, body, pace, answer)
        else:
            writer.write(body)
            await writer.drain()
        return _parsed(await answer)
    except ConnectionError:
        return 0, {}
    finally:
        answer.cancel()
        writer.close()


async def _drip(
    writer: asyncio.StreamWriter, body: bytes, pace: float, answer: asyncio.Task[bytes]
) -> None:
    for byte in body:
        if answer.done():
            return
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(pace)


def _parsed(answer: bytes) -> tuple[int, dict[str, str]]:
    head, _, _ = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    words = first.split()
    return int(words[1]) if len(words) > 1 else 0, {name.lower(): v for name, _, v in pairs}


class Visitor:
    """One window of the app.

    Attributes
    ----------
    elements : dict of tuple of int to Element
        What the page shows, by its place.
    errors : list of str
        Exceptions of the app, pages that were not found, sockets that the server dropped.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.elements: dict[tuple[int, ...], Element] = {}
        self.errors: list[str] = []
        self.session = ""
        self._socket: ClientConnection | None = None
        self._listener: asyncio.Task[None] | None = None
        self._beats: dict[str, asyncio.Task[None]] = {}
        self._widgets: dict[str, WidgetState] = {}
        self._pages: dict[str, str] = {}
        self._page = self._cookie = ""
        self._urls: dict[str, asyncio.Future[Any]] = {}
        self._finished, self._before, self._running = 0, 0, False
        self._changed = asyncio.Event()

    # --- as a browser does --------------------------------------------------------------------

    async def open(self, page: str = "", query: str = "") -> float:
        """Open the app at a page; returns the seconds until all of it is there."""
        start = time.perf_counter()
        await request(self.address, "GET", f"/{page}")
        _, headers = await request(self.address, "GET", "/_stcore/health")
        self._cookie = headers.get("set-cookie", "").partition(f"{_XSRF}=")[2].partition(";")[0]
        await request(self.address, "GET", "/_stcore/host-config")
        self._socket = await connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.address,  # type: ignore[arg-type]
            subprotocols=["streamlit", self._cookie or "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            additional_headers={"Cookie": f"{_XSRF}={self._cookie}"} if self._cookie else {},
            max_size=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        self._listener = asyncio.create_task(self._listen())
        await self.run(page_name=page, query=query)
        return time.perf_counter() - start

    async def go(self, page: str, query: str = "") -> float:
        """Follow the link to another page; returns the seconds until all of it is there."""
        start = time.perf_counter()
        self._widgets.clear()
        await self.run(page_script_hash=self._pages[page], query=query)
        return time.perf_counter() - start

    async def run(
        self, *, page_name: str = "", page_script_hash: str = "", query: str = ""
    ) -> None:
        """Ask for a run of the page and wait for its end."""
        await self._ask(page_name, page_script_hash or ("" if page_name else self._page), query)
        await self.settled()

    async def settled(self) -> None:
        """Wait until the run that was asked for has ended and no part of the page runs on."""
        await self.until(
            lambda: self._finished > self._before and not self._running and not self._beats
        )

    async def upload(self, name: str, content: bytes, *, pace: float = 0.0) -> int:
        """Hand a file over to the uploader of the page; returns the status of the server.

        The page is then asked for with the file, if the server took it; `settled` waits for it.
        """
        uploader = next(self.of("file_uploader"))
        urls = await self._upload_urls(name)
        status = await self.put(urls.upload_url, name, content, pace=pace)
        if status == 204:
            state = WidgetState(id=uploader.id)
            held = state.file_uploader_state_value.uploaded_file_info.add()
            held.name, held.size, held.file_id = name, len(content), urls.file_id
            held.file_urls.CopyFrom(urls)
            self._widgets[uploader.id] = state
            await self._ask("", self._page, "")
        return status

    async def put(self, path: str, name: str, content: bytes, *, pace: float = 0.0) -> int:
        """Send a file to an address of the server; returns its status."""
        mark = uuid.uuid4().hex
        label = name.encode("ascii", "backslashreplace").decode().replace('"', "%22")
        start = (
            f'--{mark}\r\nContent-Disposition: form-data; name="{label}"; filename="{label}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Cookie": f"{_XSRF}={self._cookie}",
            "X-Xsrftoken": self._cookie,
        }
        body = start.encode() + content + f"\r\n--{mark}--\r\n".encode()
        status, _ = await request(self.address, "PUT", path, headers=headers, body=body, pace=pace)
        return status

    async def close(self) -> None:
        """Close the window."""
        self._stop_beats()
        if self._listener is not None:
            self._listener.cancel()
        if self._socket is not None:
            await self._socket.close()

    # --- what it sees ---------------------------------------------------------------------------

    def of(self, kind: str) -> Any:
        """Yield the elements of a kind, as the page has them in order."""
        for place in sorted(self.elements):
            if self.elements[place].WhichOneof("type") == kind:
                yield getattr(self.elements[place], kind)

    def words(self) -> str:
        """Return the words of texts, captions and alerts on the page."""
        kinds = {"markdown": "body", "text": "body", "alert": "body", "heading": "body"}
        return "\n".join(
            getattr(getattr(element, kind), kinds[kind])
            for element in self.elements.values()
            if (kind := element.WhichOneof("type")) in kinds
        )

    async def until(self, there: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is seen.

        Raises
        ------
        TimeoutError
            If that takes longer than `seconds`.
        ConnectionError
            If the server hung up.
        """
        async with asyncio.timeout(seconds):
            while not there():
                if self._listener is None or self._listener.done():
                    raise ConnectionError("; ".join(self.errors) or "the server hung up")
                self._changed.clear()
                await self._changed.wait()

    # --- what it says ---------------------------------------------------------------------------

    async def _ask(
        self, page_name: str, script: str, query: str, fragment: str = "", beat: bool = False
    ) -> None:
        message = BackMsg()
        if not fragment:
            self._before = self._finished
        asked = message.rerun_script
        asked.page_name, asked.page_script_hash, asked.query_string = page_name, script, query
        asked.fragment_id, asked.is_auto_rerun = fragment, beat
        asked.widget_states.widgets.extend(self._widgets.values())
        asked.context_info.timezone = "UTC"
        asked.context_info.locale = "en-GB"
        asked.context_info.url = f"{self.address}/{page_name}"
        await self._say(message)

    async def _say(self, message: BackMsg) -> None:
        assert self._socket is not None
        await self._socket.send(message.SerializeToString())

    async def _upload_urls(self, name: str) -> Any:
        message, key = BackMsg(), uuid.uuid4().hex
        message.file_urls_request.request_id = key
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        self._urls[key] = asyncio.get_running_loop().create_future()
        await self._say(message)
        return await asyncio.wait_for(self._urls[key], PATIENCE)

    async def _beat(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._ask("", self._page, "", fragment, beat=True)

    # --- what it hears --------------------------------------------------------------------------

    async def _listen(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                message = ForwardMsg()
                message.ParseFromString(data)  # type: ignore[arg-type]
                self._hear(message)
                self._changed.set()
        except ConnectionClosed as error:
            self.errors.append(f"the server hung up: {error}")
        finally:
            self._changed.set()

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._show(tuple(message.metadata.delta_path), message.delta.new_element)
        elif kind == "navigation":
            self._pages = {
                page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
            }
            self._page = message.navigation.page_script_hash
        elif kind == "script_finished":
            self._finish(message)
        elif kind == "auto_rerun":
            self._start_beat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._stop_beats(*message.stop_auto_rerun.fragment_ids)
        elif kind == "file_urls_response":
            answer = message.file_urls_response
            self._urls.pop(answer.response_id).set_result(answer.file_urls[0])
        elif kind == "page_not_found":
            self.errors.append("page not found")

    def _begin(self, message: ForwardMsg) -> None:
        self._running = True
        self.session = message.new_session.initialize.session_id or self.session
        if not message.metadata.run.fragment_ids:  # the whole page anew
            self._page = message.new_session.page_script_hash or self._page
            self._stop_beats()
            self.elements.clear()

    def _show(self, place: tuple[int, ...], element: Element) -> None:
        self.elements[place] = element
        if element.WhichOneof("type") == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)

    def _finish(self, message: ForwardMsg) -> None:
        status = message.script_finished
        self._running = status == ForwardMsg.FINISHED_EARLY_FOR_RERUN
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            self.errors.append("the page does not compile")
        if status == ForwardMsg.FINISHED_SUCCESSFULLY and not message.metadata.run.fragment_ids:
            self._finished += 1

    def _start_beat(self, fragment: str, interval: float) -> None:
        if fragment not in self._beats:
            self._beats[fragment] = asyncio.create_task(self._beat(fragment, interval))

    def _stop_beats(self, *fragments: str) -> None:
        for fragment in fragments or tuple(self._beats):
            if fragment in self._beats:
                self._beats.pop(fragment).cancel()
