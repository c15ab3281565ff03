"""The app as strangers meet it: over its own port, with what a browser would never send."""

import asyncio
import re
import time
import uuid

import browser
import pytest
from _load_files import small_sequence
from _visitor import Visitor, request
from coroutines import finished
from streamlit.testing.v1 import AppTest

from pages import _server
from taonet_core.errors import TaoNetError

MIB = 2**20
# One page breaks, with a message that would forge a line of the log; and while there is a certain
# file, somebody else is at work, and nobody's turn comes.
ODD = """
import threading, time
from pathlib import Path
from pages import _turns, _verdicts
def broken(*given):
    raise RuntimeError("the secret\\n2026-01-01 forged")
_verdicts.cards = broken
def work():
    while True:
        if Path({busy!r}).exists():
            with _turns.LINE.turn("somebody"):
                while Path({busy!r}).exists():
                    time.sleep(0.02)
        time.sleep(0.02)
threading.Thread(target=work, daemon=True).start()
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve the app with little room and little patience; give its address and log."""
    folder = tmp_path_factory.mktemp("server")
    settings = {
        "TAONET_UPLOAD_MIB": "3",
        "TAONET_UPLOADS_TOTAL_MIB": "5",
        "TAONET_UPLOAD_PATIENCE": "0.3",
        "TAONET_KEEP_SECONDS": "1",
        "TAONET_JOBS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        odd = ODD.replace("{busy!r}", repr(str(folder / "busy")))
        patch.setattr(browser, "SERVER", odd.replace("{", "{{").replace("}", "}}") + browser.SERVER)
        with browser.served(folder, **settings) as address:
            yield address, folder / "log"


@pytest.fixture
def address(served):
    return served[0]


def visit(address, story, page="upload"):
    """Let a visitor do something in a window of the app."""

    async def told():
        visitor = Visitor(address)
        await visitor.open(page)
        try:
            return await story(visitor)
        finally:
            await visitor.close()

    return finished(told())


async def send(visitor, size, **how):
    place = await visitor._upload_urls("a.fits")
    return await visitor.put(place.upload_url, "a.fits", b"\0" * size, **how)


def test_files_are_taken_as_asked_for_and_up_to_the_quota(address):
    async def story(visitor):
        session, stranger = visitor.session, uuid.uuid4()
        paths = (f"{session}/{stranger}", f"{stranger}/{stranger}", f"{session}/../{session}")
        forged = [await visitor.put(f"/_stcore/upload_file/{p}", "x", b"x") for p in paths]
        sent = [await send(visitor, 2 * MIB), await send(visitor, 2 * MIB), await send(visitor, 10)]
        return forged, sent, await send(visitor, 201 * MIB), await send(visitor, 99, pace=0.05)

    assert visit(address, story) == ([403, 403, 400], [204, 429, 204], 413, 408)


def test_all_visitors_together_have_a_quota_and_leaving_frees_it(address):
    async def fills(visitor):
        return await send(visitor, 3 * MIB)

    async def two(visitor):
        assert await send(visitor, 3 * MIB) == 204
        other = Visitor(address)
        await other.open("upload")
        try:
            full = await send(other, 3 * MIB)
            await visitor.close()
            return full, await send(other, 3 * MIB)
        finally:
            await other.close()

    assert visit(address, two) == (429, 204)
    time.sleep(0.2)
    assert visit(address, fills) == 204


def shown(visitor):
    """Return everything that the page was sent."""
    return b"".join(element.SerializeToString() for element in visitor.elements.values())


def test_an_upload_is_seen_by_its_session_alone_whatever_the_file_is_called(address):
    async def story(visitor):
        other, third = Visitor(address), Visitor(address)
        await other.open("upload")
        for number, (who, name) in enumerate([(visitor, "MINE"), (other, "THEIRS")]):
            assert await who.upload("same.fits", small_sequence(number, name)) == 204
        await visitor.settled()
        await other.settled()
        for _ in range(4):
            assert b"MINE" in shown(visitor) and b"THEIRS" not in shown(visitor)
            assert b"THEIRS" in shown(other) and b"MINE" not in shown(other)
            await asyncio.gather(visitor.run(), other.run())
        seen = []
        await third.open("sequence", "data=upload")
        for page in ("sequence", "explain", "misclassified"):
            await third.go(page, "data=upload")
            seen.append(shown(third))
        assert b"Not here" in seen[0]
        await other.close()
        await third.close()
        return seen

    for page in visit(address, story):
        assert b"THEIRS" not in page and b"MINE" not in page


@pytest.mark.parametrize("path", ["/", "/upload", "/_stcore/health", "/_stcore/stream"])
def test_forged_names_and_origins_are_refused(address, path):
    socket = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    socket["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    more = socket if path.endswith("stream") else {}

    def status(**headers):
        return finished(request(address, "GET", path, headers={**more, **headers}))[0]

    assert status(Host="evil.example") in (400, 403)
    assert status(Origin="http://evil.example") == 403
    assert status(Origin="null") == 403


def test_every_answer_of_the_app_carries_the_headers(address):
    for path in ("/", "/_stcore/health", "/nowhere", "/media/none", f"/?{'x' * 100_000}"):
        status, headers = finished(request(address, "GET", path))
        assert "frame-ancestors 'none'" in headers["content-security-policy"], (path, status)
        assert headers["x-content-type-options"] == "nosniff"


def test_a_page_that_breaks_says_one_sentence_and_the_log_has_the_rest(served):
    address, log = served

    async def story(visitor):
        return visitor.errors, visitor.words()

    errors, words = visit(address, story, page="")
    [said] = errors
    entry = re.search(r"in the log as ([0-9a-f]{12})\.$", said)[1]
    written = log.read_text()
    assert "secret" not in words and "Traceback" not in words
    assert written.count(entry) == 1 and "the secret" in written.partition(entry)[2]
    assert not re.search(r"^2026-01-01 forged", written, re.MULTILINE)


def test_what_was_foreseen_is_said_as_it_is(caplog):
    def page():
        from pages._server import show_fault
        from taonet_core.errors import TaoNetError

        assert show_fault(TaoNetError("no *such* file"))

    app = AppTest.from_function(page).run()
    assert app.error[0].value == "no \\*such\\* file" and not app.exception
    assert not caplog.records or "such" not in caplog.text


def test_whoever_waits_sees_the_position_and_then_the_page(served):
    address, log = served
    busy = log.with_name("busy")

    async def story(visitor):
        busy.touch()
        await asyncio.sleep(0.2)
        page = asyncio.create_task(visitor.go("sequence", "night=2"))
        await visitor.until(lambda: "Waiting: 1st in line" in visitor.words(), 20)
        busy.unlink()
        await page
        return visitor.words(), any(visitor.of("bidi_component"))

    try:
        words, whole = visit(address, story)
    finally:
        busy.unlink(missing_ok=True)
    assert whole and "Waiting" not in words


def test_a_streamlit_that_lacks_what_guards_rely_on_is_refused(monkeypatch):
    _server.check_streamlit()
    monkeypatch.setitem(_server._RELIED_ON, _server.AppSession, ("_client_state", "no_such_name"))
    with pytest.raises(TaoNetError, match=r"lacks AppSession\.no_such_name"):
        _server.check_streamlit()
