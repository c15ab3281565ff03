"""Labels on SQLite and on PostgreSQL: what was acknowledged is stored, whatever comes between."""

import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from _postgresql import cluster, missing
from label_writers import measure
from sqlalchemy import event, text
from sqlite_faults import every_sqlite_fault, every_sqlite_kill

from taonet_core.data import annotations, label_schema, sqlite_files
from taonet_core.data.annotations import Annotations
from taonet_core.data.expert_labels import LABEL_VALUES, WITHDRAWN
from taonet_core.data.label_schema import LABELS, VERSION
from taonet_core.errors import Code, TaoNetError

ODD = {
    "emoji": "\N{TELESCOPE}" * 500,
    "right to left": "שלום \u202etxet\u202c",
    "long": "x" * 10_000,
    "lines": "one\ntwo\r\n\ttabs",
}


@pytest.fixture(scope="module")
def server():
    if reason := missing():
        pytest.skip(reason)
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Address of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'labels.sqlite'}"
        return
    address = request.getfixturevalue("server")
    labels = Annotations(address)
    yield address
    with labels._engine.begin() as connection:
        LABELS.drop(connection)
    labels.close()


@pytest.fixture
def labels(url):
    kept = Annotations(url)
    yield kept
    kept.close()


def test_a_label_is_refused_where_another_was_said_meanwhile(labels):
    """As two windows of one expert do."""
    first = labels.add("a", "SN", author="ann", expected=None)
    with pytest.raises(TaoNetError, match="a: changed meanwhile, ann said SN elsewhere") as refused:
        labels.add("a", "CV", author="ann", expected=None)
    assert refused.value.code is Code.CHANGED
    second = labels.add("a", "CV", author="ann", expected=first)
    with pytest.raises(TaoNetError, match="changed meanwhile"):
        labels.undo("a", "ann", expected=first)
    assert labels.undo("a", "ann", expected=second).label == "SN"
    labels.add("a", WITHDRAWN, author="ann")
    with pytest.raises(TaoNetError, match="ann withdrew the label elsewhere"):
        labels.add("a", "CV", author="ann", expected=second)
    labels.add("a", "CV", author="ann", expected=None)
    labels.add("a", "SN", author="bob", expected=None)  # of another expert it hinders nobody
    assert [row.label for row in labels.history("a")] == ["SN", "CV", "SN", WITHDRAWN, "CV", "SN"]


def test_of_two_windows_at_once_one_is_refused(labels):
    gate = Barrier(8)

    def say(number):
        gate.wait(20)
        try:
            return labels.add("a", LABEL_VALUES[number % 6], author="ann", expected=None)
        except TaoNetError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(say, range(8)))
    assert said.count(Code.CHANGED) == 7
    assert labels.history() == [row for row in said if row is not Code.CHANGED]


def test_a_clock_that_is_set_back_changes_no_order(labels, monkeypatch):
    hours = iter([12, 11, 10, 9])
    monkeypatch.setattr(
        annotations, "_now", lambda: f"2026-01-01T{next(hours):02}:00:00.000000+00:00"
    )
    for label in ("SN", "CV", "AGN"):
        labels.add("a", label, author="ann")
    assert [row.label for row in labels.history("a")] == ["SN", "CV", "AGN"]
    assert labels.latest()["label"].tolist() == ["AGN"]
    assert labels.undo("a", "ann").label == "CV"
    assert labels.latest()["label"].tolist() == ["CV"]
    assert labels.history("a")[-1].created_at == "2026-01-01T12:00:00.000003+00:00"


@pytest.mark.parametrize("words", ODD.values(), ids=ODD)
def test_odd_words_are_stored_as_they_are(labels, words):
    stored = labels.add("a", "SN", author=words[:200].strip(), note=words)
    assert stored.note == words and labels.history() == [stored]


def test_words_without_end_are_refused_and_not_cut(labels):
    with pytest.raises(ValueError, match="at most 10000 characters of note"):
        labels.add("a", "SN", author="ann", note="x" * 2**20)
    assert labels.count() == 0


def test_a_database_of_before_versions_gets_what_it_lacks_after_a_copy(url, labels):
    stored = labels.add("a", "SN", author="ann", model="taonet")
    with labels._engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {LABELS.name} DROP COLUMN model")
        no_version = {
            "sqlite": "PRAGMA user_version = 0",
            "postgresql": f"COMMENT ON TABLE {LABELS.name} IS NULL",
        }
        connection.exec_driver_sql(no_version[connection.dialect.name])
    new = Annotations(url)
    assert new.history() == [replace(stored, model="")]
    assert new.add("b", "SN", author="ann", model="forest").model == "forest"
    with new._engine.connect() as connection:
        assert label_schema.is_current(connection)
    new.close()
    if url.startswith("sqlite"):
        [copy] = Path(url.removeprefix("sqlite:///")).parent.glob("*.version-0")
        with closing(sqlite3.connect(copy)) as file:
            assert file.execute(f"SELECT object_id FROM {LABELS.name}").fetchall() == [("a",)]


def test_a_newer_database_is_refused_and_left_alone(url, labels):
    labels.add("a", "SN", author="ann")
    newer = {
        "sqlite": f"PRAGMA user_version = {VERSION + 1}",
        "postgresql": f"COMMENT ON TABLE {LABELS.name} IS 'TAO-Net labels, version {VERSION + 1}'",
    }
    with labels._engine.begin() as connection:
        connection.exec_driver_sql(newer[connection.dialect.name])
    labels.close()
    with pytest.raises(TaoNetError, match="made by a newer TAO-Net.*update TAO-Net"):
        Annotations(url)


def test_a_full_disk_says_so_and_keeps_what_was_stored(tmp_path):
    labels = Annotations(f"sqlite:///{tmp_path / 'labels.sqlite'}")
    first = labels.add("a", "SN", author="ann")

    def shrink(raw, _):
        raw.execute("PRAGMA max_page_count = 12").close()

    labels.close()
    event.listen(labels._engine, "connect", shrink)
    stored = [first]
    with pytest.raises(TaoNetError, match="full") as full:  # noqa: PT012
        for number in range(100):
            stored.append(labels.add(f"b{number}", "SN", author="ann", note="x" * 900))
    assert full.value.code is Code.DISK_FULL
    assert str(tmp_path) in str(full.value)
    labels.close()
    event.remove(labels._engine, "connect", shrink)
    assert labels.history() == stored
    stored.append(labels.add("c", "SN", author="ann"))
    assert labels.history() == stored


@pytest.mark.parametrize(("fresh", "least"), [(True, 15), (False, 8)], ids=["made anew", "there"])
def test_every_fault_of_sqlite_is_one_sentence_and_stores_all_or_nothing(tmp_path, fresh, least):
    address = f"sqlite:///{tmp_path / 'labels.sqlite'}"
    stored = []

    def save():
        stored.append(Annotations(address).add("a", "SN", author="ann"))

    if not fresh:
        save()
    walked = 0
    for fault, raised in every_sqlite_fault(save):
        assert isinstance(raised, TaoNetError) and "labels.sqlite" in str(raised), (fault, raised)
        assert Annotations(address).history() == stored, fault
        for path in tmp_path.iterdir() if fresh else ():
            path.unlink()
        walked += 1
    assert walked >= least


def save_and_note(address, notes):
    """Store two labels, and note each that was acknowledged."""
    labels = Annotations(address)
    for name in ("a", "b"):
        row = labels.add(name, "SN", author="ann")
        with open(notes, "a") as file:
            file.write(json.dumps(row.created_at) + "\n")


def test_a_kill_at_any_statement_loses_nothing_acknowledged(tmp_path):
    path, notes = tmp_path / "labels.sqlite", tmp_path / "notes"
    kills = 0
    job = (f"sqlite:///{path}", str(notes))
    for n in every_sqlite_kill(save_and_note, *job, preload=("taonet_core.data.annotations",)):
        noted = notes.read_text().splitlines() if notes.exists() else []
        held = [row.created_at for row in Annotations(job[0]).history()]
        assert set(map(json.loads, noted)) <= set(held), n
        assert len(held) <= len(noted) + 1 + kills
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kills += 1
    assert kills > 3 and len(notes.read_text().splitlines()) >= 2


@pytest.mark.parametrize(
    ("mounts", "mode"),
    [
        ("/dev/vda / ext4 rw\n", "wal"),
        ("/dev/vda / ext4 rw\nhost:/home {home} nfs4 rw\n", "delete"),
        ("/dev/vda / ext4 rw\n//host/share {home} cifs rw\n", "delete"),
        ("/dev/vda / ext4 rw\nhost:/home {home}x nfs4 rw\n", "wal"),
    ],
    ids=["here", "nfs", "cifs", "beside"],
)
def test_on_the_file_system_of_another_machine_there_is_no_shared_memory(
    tmp_path, monkeypatch, caplog, mounts, mode
):
    home = tmp_path / "home of ann"
    (tmp_path / "mounts").write_text(mounts.format(home=str(home).replace(" ", "\\040")))
    monkeypatch.setattr(sqlite_files, "_MOUNTS", tmp_path / "mounts")
    labels = Annotations(f"sqlite:///{home / 'labels.sqlite'}")
    labels.add("a", "SN", author="ann")
    with labels._engine.connect() as connection:
        settings = ("journal_mode", "synchronous", "busy_timeout")
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in settings]
    assert found == [mode, 2 if mode == "wal" else 3, 30_000]
    assert ("waits for whoever writes" in caplog.text) == (mode == "delete")


def test_a_commit_waits_for_the_disk_though_the_server_need_not(server):
    labels = Annotations(f"{server}&options=-c%20synchronous_commit%3Doff")
    with labels._engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    labels.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_eight_writers_that_are_killed_lose_nothing():
    found = measure(True)
    assert [goal.name for goal in found.goals if not goal.met] == []
    assert all(figures["labels acknowledged"] > 50 for figures in found.figures.values())
