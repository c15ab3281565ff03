"""The sandbox under abuse: killers in archives, kills from outside, nothing left to open."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits

from taonet_core import sandbox
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, TaoNetError
from taonet_core.sandboxing import pool

# No file is known that kills our readers, so some names do it: what C code does, simulated.
STARTER = """
import os, signal, socket, sys
sys.path[:] = sys.argv[2:]
from taonet_core.data import pieces
from taonet_core.sandboxing import limits, server

limits.CPU = 0.5
read = pieces._pieces_of

def harmful(data, name):
    if "crash" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "spin" in name:
        while True:
            pass
    if "eat" in name:
        bytearray(2**32)
    yield from read(data, name)

pieces._pieces_of = harmful
server.main(socket.socket(fileno=int(sys.argv[1])))
"""
KILLERS = {17: "crash", 18: "spin", 400: "eat", 401: "crash", 999: "crash"}


@pytest.fixture(scope="module")
def killers(tmp_path_factory):
    """Let files whose names say so end their workers."""
    script = tmp_path_factory.mktemp("killers") / "start.py"
    script.write_text(STARTER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "SCRIPT", script)
        patch.setattr(sandbox, "_pool", None)
        yield
        sandbox._pool.close()


@pytest.fixture
def quiet(monkeypatch) -> Iterator[None]:
    """Use a fork server of this test's own."""
    monkeypatch.setattr(sandbox, "_pool", None)
    yield
    if sandbox._pool is not None:
        sandbox._pool.close()


@pytest.fixture(scope="module")
def two_frames() -> bytes:
    hdus = fits.HDUList([fits.PrimaryHDU()])
    for night in (55_000.0, 55_001.0):
        pixels = np.random.default_rng(int(night)).normal(100, 3, (16, 16))
        hdus.append(fits.ImageHDU(pixels.astype("f4")))
        hdus[-1].header["MJD-OBS"] = night
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


def outcomes(source, **how) -> list[str]:
    """Return what became of each object: ``"opened"`` or a code."""
    items = [item for _, item in read_sequences(source, **how)]
    return [str(i.code) if isinstance(i, TaoNetError) else f"{len(i)} frames" for i in items]


def test_five_killers_among_a_thousand_members_cost_themselves_only(killers, two_frames):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(1000):
            archive.writestr(f"{number:04d}{KILLERS.get(number, '')}.fits", two_frames)

    items = dict(read_sequences(buffer.getvalue()))

    lost = {name: item.code for name, item in items.items() if isinstance(item, TaoNetError)}
    opened = [item for item in items.values() if isinstance(item, ImageSequence)]
    assert lost == {
        "0017crash.fits": Code.WORKER,
        "0018spin.fits": Code.TIMEOUT,
        "0400eat.fits": Code.MEMORY,
        "0401crash.fits": Code.WORKER,
        "0999crash.fits": Code.WORKER,
    }
    assert len(opened) == 995
    assert all(len(sequence) == 2 for sequence in opened)


def test_workers_that_are_killed_from_outside_cost_their_file_at_most(quiet, two_frames):
    stop = threading.Event()
    rng = np.random.default_rng(3)

    def kill() -> None:
        while not stop.wait(0.02):
            living = sandbox.workers()
            if living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(living[rng.integers(len(living))][0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = Counter(o for i in range(60) for o in outcomes(two_frames, recycle=i % 2 == 1))
    finally:
        stop.set()
        killer.join()

    assert set(found) <= {"2 frames", str(Code.MEMORY), str(Code.WORKER)}
    assert found[str(Code.MEMORY)] > 0  # some were hit
    outcomes(two_frames)  # may still be hit
    assert outcomes(two_frames) == ["2 frames"]


def test_a_fork_server_that_is_killed_again_and_again_is_no_exception(quiet, two_frames):
    outcomes(two_frames)
    found: list[list[str]] = []
    readers = [
        threading.Thread(target=lambda: found.extend(outcomes(two_frames) for _ in range(10)))
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for _ in range(3):
        os.kill(sandbox._current()._server.pid, signal.SIGKILL)
        time.sleep(0.1)
    for reader in readers:
        reader.join()

    assert len(found) == 30  # no reader ended by an exception
    assert {o for one in found for o in one} <= {"2 frames", "E_WORKER", "E_MEMORY"}
    outcomes(two_frames)  # may still be the last one's
    assert outcomes(two_frames) == ["2 frames"]


def test_without_descriptors_there_is_an_error_and_later_none(quiet, two_frames):
    assert outcomes(two_frames) == ["2 frames"]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    found = []
    try:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, before[1])
        )
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(8):
            found += outcomes(two_frames)
            os.close(held.pop())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in held:
            os.close(handle)

    assert set(found) == {str(Code.WORKER), "2 frames"}
    assert found[0] == Code.WORKER
    assert outcomes(two_frames) == ["2 frames"]


def test_files_that_cannot_be_read_or_vanish_are_errors(quiet, tmp_path, two_frames, monkeypatch):
    fifo = tmp_path / "pipe.fits"
    os.mkfifo(fifo)
    loop = tmp_path / "loop.fits"
    loop.symlink_to(loop)
    empty = tmp_path / "hole.fits"
    empty.write_bytes(two_frames)
    os.truncate(empty, 2**40)  # a terabyte of nothing

    for path in (fifo, loop, empty, "/dev/zero", "/proc/self/mem", "x" * 5000, "a\0b.fits"):
        for trusted in (False, True):
            (outcome,) = outcomes(path, trusted=trusted)
            assert outcome.startswith("E_"), (path, trusted)


def test_a_file_that_vanishes_between_looks_is_an_error(quiet, tmp_path, two_frames):
    paths = [tmp_path / f"{i}.fits" for i in range(3)]
    for trusted in (False, True):
        for path in paths:
            path.write_bytes(two_frames)
        items = read_sequences(tmp_path, trusted=trusted)
        first = next(items)
        for path in paths:
            path.unlink()
        rest = [item for _, item in items]

        assert isinstance(first[1], ImageSequence)
        assert len(rest) == 2
        assert isinstance(rest[-1], TaoNetError)
