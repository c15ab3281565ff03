"""The guards of a server, one by one: names, origins, size, pace, quotas, headers, folders."""

import asyncio
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from coroutines import finished

from taonet_core.errors import TaoNetError
from taonet_core.serving.bodies import Bodies
from taonet_core.serving.door import Door
from taonet_core.serving.headers import Headers, app_policy
from taonet_core.serving.scratch import private_folder, private_temporaries, sweep
from taonet_core.serving.settings import Settings, from_environment
from taonet_core.serving.uploads import Uploads

MIB = 2**20


async def reads_all(scope, receive, send):
    """Stand in for an application that reads a body and answers with its size."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def scope_of(kind="http", method="GET", path="/", query=b"", **headers):
    pairs = [(k.replace("_", "-").encode(), str(v).encode()) for k, v in headers.items()]
    return {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query,
        "headers": pairs,
        "server": ("192.0.2.7", 8501),
    }


async def answered(app, scope, pieces=(b"",), pause=0.0):
    """Return status, headers and body of an answer; `taken` counts the pieces that were read."""
    coming, sent, taken = list(pieces), [], []

    async def receive():
        if not coming:
            return {"type": "http.disconnect"}
        if pause and taken:
            await asyncio.sleep(pause)
        taken.append(coming.pop(0))
        kind = "websocket.connect" if scope["type"] == "websocket" else "http.request"
        return {"type": kind, "body": taken[-1], "more_body": bool(coming)}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    if sent[0]["type"] == "websocket.close":
        return sent[0]["code"], {}, b""
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def status(app, scope, pieces=(b"",), **how):
    return finished(answered(app, scope, pieces, **how))[0]


@pytest.mark.parametrize(
    "host",
    ["localhost:8501", "LOCALHOST", "127.0.0.1:1", "[::1]:8501", "192.0.2.7", "tao.example",
     "tao.example.:443", "a.lab.example"],
)  # fmt: skip
def test_the_names_of_this_server_are_answered(host):
    door = Door(reads_all, hosts=["tao.example", "*.lab.example"])
    assert status(door, scope_of(host=host)) == 200
    assert status(door, scope_of("websocket", host=host, origin=f"https://{host}")) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "192.0.2.8", "lab.example", "evillab.example", "",
     "localhost@evil.example", "localhost/x", "localhost:99999999", "[::1", "localhost,evil"],
)  # fmt: skip
def test_any_other_name_is_refused_by_http_and_websocket(host):
    door = Door(reads_all, hosts=["tao.example", "*.lab.example"])
    code, _, body = finished(answered(door, scope_of(host=host)))
    assert code == 400 and b"TAONET_ALLOWED_HOSTS" in body and b"evil" not in body
    assert status(door, scope_of("websocket", host=host)) == 1008


def test_a_request_without_a_name_or_with_two_is_refused():
    twice = scope_of(host="localhost")
    twice["headers"].append((b"host", b"evil.example"))
    for scope in (scope_of(), twice):
        assert status(Door(reads_all), scope) == 400


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ("http://localhost:8501", 200),
        ("https://named.example", 200),
        ("http://localhost:3000", 403),
        ("http://evil.example", 403),
        ("https://localhost:8501.evil.example", 403),
        ("file://localhost:8501", 403),
        ("null", 403),
        ("http://[", 403),
        ("", 403),
    ],
)
def test_only_pages_of_this_server_and_named_ones_may_talk_to_it(origin, wanted):
    door = Door(reads_all, origins=["https://named.example"])
    assert status(door, scope_of(host="localhost:8501", origin=origin)) == wanted
    socket = status(door, scope_of("websocket", host="localhost:8501", origin=origin))
    assert socket == (200 if wanted == 200 else 1008)


def test_a_long_query_is_refused():
    door = Door(reads_all, query_bytes=8192)
    assert status(door, scope_of(host="localhost", query=b"a" * 8192)) == 200
    assert status(door, scope_of(host="localhost", query=b"a" * 100_000)) == 414


def test_a_large_body_is_refused_while_it_comes():
    guard = Bodies(reads_all, most=100, rate=10**6, patience=5)
    assert finished(answered(guard, scope_of(), [b"x" * 50] * 2))[2] == b"100"
    assert status(guard, scope_of(), [b"x" * 50] * 3) == 413
    assert status(guard, scope_of(content_length=101)) == 413
    assert status(guard, scope_of(content_length="-5"), [b"x" * 101]) == 413
    free = Bodies(reads_all, most=1, rate=10**6, patience=5, exempt=lambda _: True)
    assert status(free, scope_of(), [b"xx"]) == 200


def test_a_slow_body_is_refused_and_a_steady_one_is_not():
    guard = Bodies(reads_all, most=MIB, rate=1000, patience=0.1)
    begin = time.monotonic()
    assert status(guard, scope_of(), [b"x"] * 25, pause=0.02) == 408
    assert time.monotonic() - begin < 2
    assert status(guard, scope_of(), [b"x" * 100] * 10, pause=0.02) == 200


def test_the_pace_is_of_the_body_alone():
    async def waits(scope, receive, send):
        await receive()
        await asyncio.sleep(0.1)
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200, "headers": []})

    assert status(Bodies(waits, most=1, rate=1, patience=0.02), scope_of()) == 200


class Desk:
    """Keeps uploads as Streamlit does."""

    def __init__(self):
        self.files = {"me": {}, "you": {}}
        self.asked = {"a", "b", "c"}
        self.gone = []
        self.told = []

    def expects(self, session, file):
        return session in self.files and file in self.asked

    def held(self, session):
        return self.files.get(session, {})

    def total(self):
        return sum(sum(held.values()) for held in self.files.values())

    def refused(self, session, why):
        self.told.append((session, why))

    def make_room(self):
        for session in self.gone:
            self.files.pop(session, None)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def send(desk):
    """Send a file of so many MiB for a session, declaring its length or not."""

    async def keeps(scope, receive, send):
        await reads_all(scope, receive, send)
        _, _, session, file = scope["path"].rsplit("/", 3)
        desk.files[session][file] = scope["taken"]

    settings = Settings(upload_mib=3, upload_files=2, total_mib=4)
    guard = Uploads(keeps, desk=lambda: desk, settings=settings, file_bytes=2 * MIB)

    def put(session, file, mib, *, declared=True, method="PUT"):
        told = {"content_length": mib * MIB} if declared else {}
        scope = scope_of(method=method, path=f"/_stcore/upload_file/{session}/{file}", **told)
        scope["taken"] = mib * MIB
        return status(guard, scope, [b"x" * MIB] * mib or [b""])

    return put


def test_only_files_that_a_page_asked_for_are_taken(send, desk):
    assert send("me", "a", 1) == 200
    assert send("me", "unknown", 1) == 403
    assert send("nobody", "a", 1) == 403
    assert send("me", "unknown", 0, method="DELETE") == 200
    assert desk.total() == MIB


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_a_session_and_all_together_have_a_quota(send, desk, declared):
    assert send("me", "a", 3, declared=declared) == 413
    assert send("me", "a", 2, declared=declared) == 200
    assert send("me", "b", 2, declared=declared) == 429
    assert send("me", "a", 1, declared=declared) == 200  # in place of the one before
    assert send("me", "b", 2, declared=declared) == 200
    assert send("me", "c", 0, declared=declared) == 429
    assert send("you", "a", 2, declared=declared) == 429
    assert send("you", "a", 1, declared=declared) == 200
    assert desk.total() == 4 * MIB
    assert [session for session, _ in desk.told] == ["me", "me", "me", "you"]
    desk.gone = ["me"]
    assert send("you", "b", 2, declared=declared) == 200
    assert desk.total() == 3 * MIB


@pytest.fixture
def stalled(desk):
    """Give what begins to send files that all wait for an event, and then come in full."""
    settings = Settings(upload_mib=3, total_mib=4)
    go_on = asyncio.Event()

    async def slow(scope, receive, send):
        await go_on.wait()
        await reads_all(scope, receive, send)

    guard = Uploads(slow, desk=lambda: desk, settings=settings, file_bytes=4 * MIB)

    async def begin(*files, mib):
        """Return the tasks of files of so many MiB, all under way, and the event."""

        def coming(session, file):
            path = f"/_stcore/upload_file/{session}/{file}"
            scope = scope_of(method="PUT", path=path, content_length=mib * MIB)
            return answered(guard, scope, [b"x" * MIB] * mib, pause=0.001)

        tasks = [asyncio.create_task(coming(*named)) for named in files]
        await asyncio.sleep(0)
        return tasks, go_on

    return begin


def statuses(begin, *files, mib):
    """Return the answers to files that are sent at the same time."""

    async def all_of_them():
        tasks, go_on = await begin(*files, mib=mib)
        go_on.set()
        return [(await task)[0] for task in tasks]

    return finished(all_of_them())


def test_a_file_that_is_sent_twice_at_once_counts_twice(stalled, desk):
    assert statuses(stalled, *[("me", "a")] * 4, mib=1) == [200, 200, 200, 429]
    assert [session for session, _ in desk.told] == ["me"]


def test_what_is_only_announced_takes_no_room_from_others(stalled):
    async def one_after_another():
        first, _ = await stalled(("me", "a"), mib=3)
        second, go_on = await stalled(("you", "a"), mib=3)
        assert not first[0].done() and not second[0].done()  # announced: 6 of 4 MiB
        second[0].cancel()
        await asyncio.sleep(0)
        go_on.set()
        return (await first[0])[0]

    assert finished(one_after_another()) == 200


def test_what_came_of_files_on_their_way_counts_for_all(stalled):
    assert sorted(statuses(stalled, ("me", "a"), ("you", "a"), mib=3)) == [200, 429]


def test_every_answer_carries_the_headers_once():
    async def own(scope, receive, send):
        given = [(b"Referrer-Policy", b"unsafe-url"), (b"x", b"y")]
        await send({"type": "http.response.start", "status": 200, "headers": given})

    policy = app_policy("https://portal.example", "'sha256-abc'")
    _, headers, _ = finished(answered(Headers(own, content_policy=policy), scope_of()))
    rules = dict(
        rule.split(" ", 1) for rule in headers[b"content-security-policy"].decode().split("; ")
    )
    assert rules["frame-ancestors"] == "https://portal.example"
    assert rules["script-src"] == "'self' blob: 'sha256-abc'" and rules["object-src"] == "'none'"
    assert headers[b"x-content-type-options"] == b"nosniff" and headers[b"x"] == b"y"
    assert headers[b"referrer-policy"] == b"same-origin" and b"Referrer-Policy" not in headers
    assert b"camera=()" in headers[b"permissions-policy"]


def test_settings_come_from_the_environment():
    given = {
        "TAONET_ALLOWED_HOSTS": "Tao.example, *.lab.example,",
        "TAONET_UPLOAD_MIB": "12",
        "TAONET_UPLOAD_PATIENCE": "1.5",
        "TAONET_JOBS": "",
    }
    found = from_environment(given)
    assert found.hosts == ("tao.example", "*.lab.example")
    assert (found.upload_bytes, found.upload_patience) == (12 * MIB, 1.5)
    assert found.jobs >= 1 and found.total_mib >= 12


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TAONET_UPLOAD_MIB", "much"),
        ("TAONET_UPLOAD_MIB", "-1"),
        ("TAONET_JOBS", "1.5"),
        ("TAONET_KEEP_SECONDS", "nan"),
        ("TAONET_UPLOAD_PATIENCE", "inf"),
        ("TAONET_FRAME_ANCESTORS", "x; script-src *"),
        ("TAONET_FRAME_ANCESTORS", "x\ny"),
    ],
)
def test_a_setting_that_means_nothing_is_refused_by_its_name(name, text):
    with pytest.raises(TaoNetError, match=name):
        from_environment({name: text})


HOLDER = """
import sys, time
from pathlib import Path
from taonet_core.serving.scratch import private_folder
with private_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_folder_is_private_and_swept_once_its_process_is_dead(tmp_path):
    with private_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        other = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        theirs = Path(other.stdout.readline().strip())
        assert sweep(tmp_path) == [] and (theirs / "half").exists()
        other.kill()
        other.wait()
        other.stdout.close()
        with private_folder(tmp_path) as third:
            assert not theirs.exists() and folder.exists() and third.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_locks_has_private_folders_too(tmp_path):
    code = """
import sys
sys.modules["fcntl"] = None
from pathlib import Path
from taonet_core.serving.scratch import private_folder, sweep
with private_folder(Path(sys.argv[1])) as folder:
    assert sweep(Path(sys.argv[1])) == [] and folder.exists()
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_folder_of_ours_stays(tmp_path):
    (tmp_path / "taonet-notes").mkdir()
    (tmp_path / "taonet-file").write_text("x")
    with private_folder(tmp_path):
        pass
    assert len(list(tmp_path.iterdir())) == 2


def test_all_temporary_files_of_a_process_lie_in_its_folder():
    import tempfile

    before = tempfile.gettempdir()
    with private_temporaries() as folder, tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == folder
    assert tempfile.gettempdir() == before and not folder.exists()
