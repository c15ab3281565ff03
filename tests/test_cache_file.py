"""A file of what can be made again: damaged, full or shared, nobody has to wait for a person."""

import errno
import sqlite3
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from taonet_core.data import cache_file
from taonet_core.data.cache_file import CacheFile
from taonet_core.errors import Code, TaoNetError

TABLES = {"things": "name TEXT PRIMARY KEY, size INTEGER"}
KEEP = "INSERT OR REPLACE INTO things VALUES (?, ?)"
SIZES = "SELECT name, size FROM things ORDER BY name"


def opened(path, version=1):
    return CacheFile(path, TABLES, version)


def damage(path):
    """Write over all but the first page, as a failing disk does."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


def test_what_is_kept_is_there_again(tmp_path):
    path = tmp_path / "deep" / "things.sqlite"
    opened(path).keep(KEEP, [("a", 1), ("b", 2)])
    assert opened(path).ask(SIZES) == [("a", 1), ("b", 2)]
    assert opened(path, version=2).ask(SIZES) == []  # of another version, it is made again


def test_a_file_that_is_found_damaged_is_put_aside_and_begun_anew(tmp_path):
    path = tmp_path / "things.sqlite"
    first = opened(path)
    first.keep(KEEP, [(f"{n:05}", n) for n in range(3000)])
    first._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    first._db.close()
    damage(path)
    second = opened(path)
    second.keep(KEEP, [("a", 1)])
    assert second.ask(SIZES) == [("a", 1)] and second.trouble == ""
    assert path.with_suffix(".damaged").exists()
    assert opened(path).ask(SIZES) == [("a", 1)]


def test_on_a_full_disk_it_goes_on_in_memory_and_says_so(tmp_path, caplog):
    path = tmp_path / "things.sqlite"
    kept = opened(path)
    kept.keep(KEEP, [("a", 1)])
    kept._db.execute("PRAGMA max_page_count = 4")
    many = [(f"{n:0500}", n) for n in range(200)]
    kept.keep(KEEP, many)
    assert len(kept.ask(SIZES)) == 201 and ("a", 1) in kept.ask(SIZES)
    assert "full" in kept.trouble and str(path) in kept.trouble and kept.trouble in caplog.text
    assert opened(path).ask(SIZES) == [("a", 1)]


def found_damaged(path):
    """Return a file that is found damaged when something is asked of it."""
    kept = opened(path)
    kept.keep(KEEP, [(f"{n:05}", n) for n in range(3000)])
    kept._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept._db.execute("PRAGMA shrink_memory")
    damage(path)
    return kept


def refuse(*_):
    raise OSError(errno.EACCES, "Permission denied")


@contextmanager
def locked(*_):
    raise TaoNetError("another process does the mending of a store", code=Code.LOCKED)
    yield


@pytest.mark.parametrize(
    ("name", "failing", "said"),
    [("os.replace", refuse, "Permission denied"), ("in_turn", locked, "another process")],
    ids=["no right", "locked"],
)
def test_a_damaged_file_that_cannot_be_put_aside_is_left_for_the_memory(
    tmp_path, monkeypatch, name, failing, said
):
    kept = found_damaged(tmp_path / "things.sqlite")
    monkeypatch.setattr(f"taonet_core.data.cache_file.{name}", failing)
    assert kept.ask(SIZES) == []
    kept.keep(KEEP, [("a", 1)])
    assert kept.ask(SIZES) == [("a", 1)]
    assert said in kept.trouble and "things.sqlite" in kept.trouble


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_that_another_program_holds_is_not_waited_for_long(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(cache_file, "_PATIENCE", 100)
    path = tmp_path / "things.sqlite"
    kept = opened(path)
    kept.keep(KEEP, [("a", 1)])
    kept._db.execute(f"PRAGMA journal_mode = {mode}")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        kept.keep(KEEP, [("b", 2)])
        assert time.monotonic() - start < 5
    assert ("b", 2) in kept.ask(SIZES) and "locked" in kept.trouble


def test_a_statement_that_is_wrong_is_no_fault_of_the_file(tmp_path):
    kept = opened(tmp_path / "things.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        kept.ask("SELECT * FROM others")
    with pytest.raises(sqlite3.ProgrammingError):
        kept.keep(KEEP, [("a",)])
    assert kept.trouble == ""


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TaoNetError, match="cannot be opened"):
        opened(tmp_path / "file" / "things.sqlite")


def keep_many(path, name):
    """Open a file that may be damaged, and keep a hundred things in it."""
    kept = opened(path)
    for number in range(100):
        kept.keep(KEEP, [(f"{name}-{number}", number)])
    return kept.trouble


@pytest.mark.parametrize("content", [None, b"no database " * 1000], ids=["new", "damaged"])
def test_programs_that_begin_at_once_share_one_file(tmp_path, content):
    path = tmp_path / "things.sqlite"
    if content is not None:
        path.write_bytes(content)
    with ProcessPoolExecutor(4, get_context("forkserver")) as pool:
        troubles = list(pool.map(keep_many, [path] * 4, "abcd"))
    assert troubles == [""] * 4
    assert len(opened(path).ask(SIZES)) == 400
    assert [p.name for p in Path(tmp_path).glob("*.damaged")] == ["things.damaged"] * bool(content)
