"""Workers that read files: what they send back, what they may use, and how they may end."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taonet_core import sandbox
from taonet_core.data.column_mapping import ColumnMapping
from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import Code, InvalidSequenceError, UnreadableFileError
from taonet_core.flags import Flag, Note
from taonet_core.sandboxing import landlock, pool, wire
from taonet_core.sandboxing.values import ANSWERS, answers, pack, unpack

# A file of this task is a list of what happens while its parts are read.
TRAP = """
import os, signal, socket, time
import numpy as np

def parts(file, name, *, start=0, begin=lambda part: None, **more):
    for number, what in enumerate(file.read().decode().split()):
        if number < start:
            continue
        begin(f"{number}-{what}")
        if what == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif what == "spins":
            while True:
                pass
        elif what == "sleeps":
            time.sleep(60)
        elif what == "eats":
            np.ones((40, 2**27))
        elif what == "fails":
            {}["nothing of the kind"]
        elif what == "answers":
            yield object()
        elif what == "late":
            yield what
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "reads":
            yield open(more["path"]).read()
        elif what == "calls":
            yield socket.create_connection(("127.0.0.1", more["port"])).getpeername()
        elif what == "another":
            yield 7
        elif what == "writes":
            with open(more["path"], "wb") as out:
                out.write(b"x")
        elif what == "opens":
            held = [open(os.devnull) for _ in range(100)]
        elif what == "environment":
            yield sorted(os.environ)
        elif what == "pid":
            yield os.getpid()
        else:
            yield what
"""
STARTER = """
import os, socket, sys
sys.path[:] = sys.argv[2:]
from taonet_core.sandboxing import limits, server, worker
worker.TASKS["trap"] = "trap:parts"
worker.PRELOADED += ("trap",)
limits.CPU = 0.2
limits.MEMORY = 2**29
fork = os.fork
def may_fork():
    if os.path.exists(__file__ + ".full"):
        raise OSError(11, "no more processes")
    return fork()
os.fork = may_fork
server.main(socket.socket(fileno=int(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    """Let workers know the task above, with less memory and time than usual."""
    folder = tmp_path_factory.mktemp("traps")
    (folder / "trap.py").write_text(TRAP)
    (folder / "start.py").write_text(STARTER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "SCRIPT", folder / "start.py")
        patch.syspath_prepend(str(folder))
        patch.setattr(sandbox, "_pool", None)
        yield
        sandbox._pool.close()


def read(text: str, **more) -> list:
    """Return what became of each part of a file of `TRAP`: its value, or its code."""
    found = sandbox.run("trap", text.encode(), "file", **more)
    return [v.error.code if isinstance(v, sandbox.Lost) else v for v in found]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("dies", Code.WORKER),
        ("spins", Code.TIMEOUT),
        ("eats", Code.MEMORY),
        ("fails", Code.UNREADABLE),
        ("answers", Code.UNREADABLE),
        ("writes", Code.UNREADABLE),
        ("opens", Code.UNREADABLE),
    ],
)
def test_a_part_that_ends_its_worker_is_lost_and_no_other(traps, tmp_path, end, code):
    assert read(f"a {end} b {end} c", path=str(tmp_path / "out")) == ["a", code, "b", code, "c"]
    assert not (tmp_path / "out").exists() or not (tmp_path / "out").read_bytes()


def test_a_worker_that_says_nothing_is_stopped(traps, monkeypatch):
    monkeypatch.setattr(sandbox, "wall_seconds", lambda size: 0.5)
    began = time.monotonic()
    assert read("a sleeps b") == ["a", Code.TIMEOUT, "b"]
    assert time.monotonic() - began < 10


def test_a_file_of_deaths_is_given_up(traps):
    assert read("dies " * 50) == [Code.WORKER] * sandbox._MOST_DEATHS


def test_the_sentence_names_the_part_and_what_happened(traps):
    [lost] = sandbox.run("trap", b"dies", "archive.zip")
    assert lost.name == "0-dies"
    assert str(lost.error).startswith("0-dies: its reader crashed (SIGSEGV)")


def test_every_file_has_a_worker_of_its_own_unless_they_are_used_again(traps):
    assert len({*read("pid"), *read("pid"), *read("pid")}) == 3
    assert len({*read("pid", recycle=True), *read("pid", recycle=True)}) == 1


def test_a_part_has_one_answer(traps):
    assert read("a late b") == ["a", Code.MEMORY, "b"]
    assert read("late") == [Code.MEMORY]


def test_a_machine_without_processes_says_so_and_recovers(traps):
    full = pool.SCRIPT.with_name("start.py.full")
    server = sandbox._pool._server.pid
    full.touch()
    with pytest.raises(UnreadableFileError, match="no process to read files") as refused:
        for _ in range(10):  # some wait, forked before
            read("a")
    assert refused.value.code == Code.WORKER
    full.unlink()
    assert read("a") == ["a"]
    assert sandbox._pool._server.pid == server


def test_a_used_worker_is_replaced_in_time(traps, monkeypatch):
    monkeypatch.setattr(pool, "_JOBS", 3)
    pids = [read("pid", recycle=True)[0] for _ in range(9)]
    assert len(set(pids)) >= 3


@pytest.mark.parametrize("recycle", [False, True])
def test_a_worker_that_died_while_it_waited_is_not_used(traps, recycle):
    [first] = read("pid", recycle=True)
    waiting = [pid for pid, _ in sandbox.workers()]
    assert first in waiting
    for pid in waiting:
        os.kill(pid, signal.SIGKILL)
    assert all(map(gone, waiting))
    assert read("a", recycle=recycle) == ["a"]


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
def test_a_worker_opens_no_file_and_calls_nobody(traps, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("known to few")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert read("a reads", path=str(secret)) == ["a", Code.UNREADABLE]
        if landlock.version() >= 4:
            assert read("a calls", port=port) == ["a", Code.UNREADABLE]


def test_an_answer_of_another_kind_is_refused(traps, monkeypatch):
    monkeypatch.setitem(ANSWERS, "trap", ("Piece",))
    answers.cache_clear()
    assert read("another") == [Code.WORKER]
    answers.cache_clear()


@pytest.mark.parametrize("said", [5, [], {}, {"a": 1, "b": 2}, None, "end"], ids=repr)
def test_a_word_without_meaning_is_no_word(said):
    with pytest.raises(ValueError, match="means anything"):
        sandbox._kind_of(said)


def test_a_reader_that_stops_early_leaves_no_worker_behind(traps):
    found = sandbox.run("trap", b"pid a b c", "file")
    pid = next(found)
    found.close()
    assert gone(pid)


def test_a_dead_fork_server_is_replaced(traps):
    server = sandbox._pool._server.pid
    os.kill(server, signal.SIGKILL)
    sandbox._pool._server.wait()
    assert read("a b") == ["a", "b"]


def test_workers_see_no_secrets(traps, monkeypatch):
    monkeypatch.setenv("TAONET_DATABASE_URL", "postgresql://me:secret@host/labels")
    sandbox._pool.close()
    [names] = read("environment")
    assert "TAONET_DATABASE_URL" not in names


def test_threads_read_side_by_side(traps):
    found: dict[int, list] = {}

    def many(number: int) -> None:
        found[number] = [read(f"{number} dies {i}") for i in range(5)]

    threads = [threading.Thread(target=many, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, values in found.items():
        assert values == [[f"{number}", Code.WORKER, f"{i}"] for i in range(5)]


def test_workers_end_with_whoever_asked(traps, tmp_path):
    script = tmp_path / "reader.py"
    script.write_text(
        textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from taonet_core import sandbox
        from taonet_core.sandboxing import pool
        sys.path.insert(0, sys.argv[1])
        pool.SCRIPT = Path(sys.argv[1]) / "start.py"
        found = sandbox.run("trap", b"pid spins", "file")
        print(next(found), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """)
    )
    run = subprocess.run(
        [sys.executable, script, pool.SCRIPT.parent], capture_output=True, text=True
    )
    assert run.returncode == -signal.SIGKILL
    assert gone(int(run.stdout))


def gone(pid: int) -> bool:
    """Wait until a process is no more."""
    for _ in range(250):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_what_cannot_be_opened_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    for path in (tmp_path / "nothing.fits", tmp_path / "pipe.fits", tmp_path):
        with pytest.raises(UnreadableFileError, match="cannot be opened"):
            sandbox.ask("pieces", path, path.name)


def test_nothing_stays_open(traps):
    read("a dies b")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        read("a dies b")
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# --- what travels -------------------------------------------------------------------------

HEADER = {"A": 1, "B": "text", "C": None, "D": 10**60}
CURVE = LightCurve(np.arange(3.0), [18, np.nan, 19], [0.1, 0.2, 0.3], meta={"object_id": "x"})


@pytest.mark.parametrize(
    "value",
    [
        None, True, -1, 2**80, 0.1, "text \ud800 \0 é", b"bytes\0", (1, ("a", [2.5])), [], {},
        {("a", 1): {"b": (None,)}, 3: HEADER}, [HEADER, HEADER],
        ColumnMapping("curves", {"time": "t"}, "jd", 25.0), float("inf"),
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values_arrive_as_they_were(value):
    back = sent(value)
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("dtype", ["u1", ">i2", "<i4", "i8", "f2", ">f4", "f8", "?", "U7", "S3"])
@pytest.mark.parametrize("shape", [(0,), (3,), (2, 0, 4), (2, 3, 4), ()])
def test_arrays_arrive_native(dtype, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = sent(values)
    np.testing.assert_array_equal(back, values)
    assert back.shape == shape
    assert back.dtype == values.dtype.newbyteorder("=")


def test_tables_errors_and_notes_arrive():
    table = pd.DataFrame({"a": [1.5, None], "b": ["x", None], 3: [1, 2]}).astype({"b": "str"})
    pd.testing.assert_frame_equal(sent(table), table)
    error = sent(InvalidSequenceError("why", code=Code.SIZE))
    assert (type(error), str(error), error.code) == (InvalidSequenceError, "why", Code.SIZE)
    note = sent(Note("cut", Flag.DATA_TRUNCATED))
    assert (note, note.flag) == ("cut", Flag.DATA_TRUNCATED)
    curve = sent(CURVE)
    np.testing.assert_array_equal(curve.mag, CURVE.mag)
    assert curve.meta == CURVE.meta


def sent(value):
    """Return a value after it went over a line."""
    here, there = socket.socketpair()
    with here, there:
        sender = threading.Thread(target=lambda: wire.send(here, *pack(value)))
        sender.start()
        back = unpack(*wire.receive(there))
        sender.join()
    return back


def test_what_has_no_business_there_does_not_travel():
    with pytest.raises(TypeError, match="does not travel"):
        pack(os.getpid)


@pytest.mark.parametrize(
    "document",
    [
        {"": "object", "t": "Popen", "v": []},
        {"": "object", "t": "LightCurve", "v": ["x"] * 8},
        {"": "object", "t": "LightCurve", "v": [True]},
        {"": "array", "i": 0, "d": "O", "shape": [1]},
        {"": "array", "i": 0, "d": "<f8", "shape": [10**9]},
        {"": "array", "i": 7, "d": "<f8", "shape": [1]},
        {"": "array", "i": 1, "d": "<f8", "shape": [2**31]},
        [{"": "bytes", "i": 0}, {"": "bytes", "i": 0}],
        {"": "dict", "i": 0, "v": [["a", {"": "same", "i": 0}]]},
        {"": "object", "t": "Piece", "v": [5, 7, False, []]},
        {"": "error", "t": "SystemExit", "m": "x", "c": "E_SIZE"},
        {"": "error", "t": "TaoNetError", "m": "x", "c": "E_NOTHING"},
        {"": "same", "i": 3}, {"": "note", "v": "x", "f": "y"}, {"": "what"}, {"no": "kind"},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_no_value(document):
    with pytest.raises(ValueError, match="no value|travel|not a valid|reshape|shorter|could not"):
        unpack(document, [bytearray(16), bytearray()])


@pytest.mark.parametrize(
    "message",
    [
        b"\xff" * 64,
        wire._HEAD.pack(2, 0) + b"{}",
        wire._HEAD.pack(7, 5) + b"[1,[4]]" + b"xxxxx",
        wire._HEAD.pack(8, 0) + b"[1,[-1]]",
        wire._HEAD.pack(2**31, 2**40),
        wire._HEAD.pack(1, 0) + b"5",
        wire._HEAD.pack(200_000, 0) + b"[" * 200_000,
    ],
)
def test_noise_on_the_line_is_refused(message):
    here, there = socket.socketpair()
    with here, there:
        threading.Thread(target=here.sendall, args=[message]).start()
        with pytest.raises((ValueError, wire.Closed)):
            wire.receive(there, 0.5)
