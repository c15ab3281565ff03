"""Experts' labels: what was acknowledged is kept, and nothing is changed."""

import multiprocessing
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from taonet_core.data import label_database
from taonet_core.data.annotations import Annotations
from taonet_core.data.expert_labels import COLUMNS, UNSURE, WITHDRAWN, Annotation, standing
from taonet_core.data.exports import TABLE_SUFFIXES
from taonet_core.data.label_files import read_labels
from taonet_core.data.label_sources import experts_say
from taonet_core.errors import TaoNetError

HOSTILE = "=1+1 <script>alert(1)</script> **b** $x$ 'q' \"Q\" ; DROP TABLE taonet_labels; ★ ünï"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'deep' / 'labels.sqlite'}"


@pytest.fixture
def labels(url):
    return Annotations(url)


def test_a_label_is_a_row_with_who_when_and_what_was_shown(labels):
    shown = {"model": "taonet", "model_version": "1.0", "verdict": "CV", "probability": 0.93}
    place = {"ra": 10.5, "dec": -3.25, "collection": "demo"}
    before = datetime.now(UTC)
    stored = labels.add("a", "SN", author="ann", confidence="high", note="host", **place, **shown)
    assert before <= datetime.fromisoformat(stored.created_at) <= datetime.now(UTC)
    assert labels.history("a") == [stored]
    assert (stored.label, stored.verdict, stored.probability, stored.dec) == (
        "SN",
        "CV",
        0.93,
        -3.25,
    )


def test_history_is_kept_and_the_newest_of_each_author_counts(labels):
    for label in ("SN", "CV", UNSURE):
        labels.add("a", label, author="ann")
    labels.add("a", "AGN", author="bob")
    labels.add("b", "BZ", author="bob")
    assert [row.label for row in labels.history("a")] == ["SN", "CV", UNSURE, "AGN"]
    latest = labels.latest()
    assert list(latest.columns) == list(COLUMNS)
    assert latest[["object_id", "author", "label"]].to_numpy().tolist() == [
        ["b", "bob", "BZ"],
        ["a", "bob", "AGN"],
        ["a", "ann", UNSURE],
    ]


def test_taking_back_is_a_new_row(labels):
    labels.add("a", "SN", author="ann", note="first")
    labels.add("a", "CV", author="ann")
    assert labels.undo("a", "ann").label == "SN"
    assert labels.undo("b", "ann") is None
    labels.add("a", WITHDRAWN, author="ann")
    assert labels.latest().empty
    assert [row.label for row in labels.history("a")] == ["SN", "CV", "SN", WITHDRAWN]
    labels.add("c", "SN", author="ann")
    assert labels.undo("c", "ann").label == WITHDRAWN


def test_the_database_itself_refuses_changes(labels, url):
    labels.add("a", "SN", author="ann")
    file = sqlite3.connect(url.removeprefix("sqlite:///"))
    for statement in ("UPDATE taonet_labels SET label = 'CV'", "DELETE FROM taonet_labels"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            file.execute(statement)
    file.close()
    assert [row.label for row in labels.history()] == ["SN"]


def test_what_is_acknowledged_is_found_after_a_restart(labels, url):
    stored = labels.add("a", "SN", author="ann")
    with labels._engine.connect() as connection:
        settings = [
            connection.execute(text(f"PRAGMA {s}")).scalar()
            for s in ("journal_mode", "synchronous")
        ]
    assert settings == ["wal", 2]  # 2: FULL, every commit is flushed to the disk
    assert Annotations(url).history("a") == [stored]


def write_many(url, author, count, gate):
    gate.wait(20)
    labels = Annotations(url)
    for i in range(count):
        labels.add(f"object{i}", "SN", author=author)


def test_writers_beside_each_other_lose_nothing(url):
    """Four processes open a database that is not there yet, at once, and write."""
    fork = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
    gate = fork.Barrier(4)
    writers = [
        fork.Process(target=write_many, args=(url, f"p{i}", 25, gate), daemon=True)
        for i in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    latest = Annotations(url).latest()
    assert len(latest) == 100 and (latest["author"].value_counts() == 25).all()


@pytest.mark.parametrize("name", ["object_id", "author", "note"])
def test_text_is_kept_as_it_is(labels, name):
    values = {"object_id": "a", "author": "ann", "note": ""} | {name: HOSTILE}
    stored = labels.add(label="SN", **values)
    assert getattr(stored, name) == HOSTILE
    [found] = labels.history(values["object_id"])
    assert found == stored


def test_what_no_database_holds_is_replaced(labels):
    labels.add("a\0b", "SN", author="ann", note="\ud800 end")
    [row] = labels.history("a\0b")
    assert row.object_id == "a\ufffdb" and row.note == "? end"


@pytest.mark.parametrize(
    "values",
    [{"label": "sn"}, {"label": ""}, {"confidence": "0.9"}, {"author": " "}, {"object_id": ""}],
    ids=str,
)
def test_what_is_no_label_is_refused(labels, values):
    good = {"object_id": "a", "label": "SN", "author": "ann", "confidence": "low"}
    with pytest.raises(ValueError, match="wanted|needs"):
        labels.add(**good | values)
    assert labels.history() == []


@pytest.mark.parametrize(
    ("said", "label", "agree"),
    [
        (["SN"], "SN", True),
        (["SN", "SN"], "SN", True),
        (["SN", "CV"], UNSURE, False),
        (["SN", "SN", "CV"], "SN", False),
        (["SN", UNSURE], "SN", False),
        ([UNSURE, UNSURE], UNSURE, True),
    ],
)
def test_consensus(labels, said, label, agree):
    for i, value in enumerate(said):
        labels.add("a", value, author=f"p{i}")
    row = labels.consensus().loc["a"]
    assert (row["label"], row["agree"], row["n_authors"]) == (label, agree, len(said))


def test_one_name_at_two_places_is_two_objects(labels):
    labels.add("a", "SN", author="ann", ra=10.0, dec=60.0)
    labels.add("b", "SN", author="ann")  # no place: known by its name

    def held(ra):
        catalog = pd.DataFrame({"object_id": ["a", "b"], "ra": [ra, 0.0], "dec": [60.0, 0.0]})
        return list(labels.consensus(catalog).index)

    assert held(10.0 + 9 / 3600 / np.cos(np.radians(60))) == ["a", "b"]
    assert held(10.0 + 11 / 3600 / np.cos(np.radians(60))) == ["b"]
    assert len(labels.history("a", ra=10.0, dec=60.0)) == 1
    assert labels.history("a", ra=11.0, dec=60.0) == []
    assert labels.undo("a", "ann", ra=11.0, dec=60.0) is None


def test_a_newer_label_of_another_object_of_the_name_takes_nothing_away(labels, tmp_path):
    labels.add("a", "SN", author="ann", ra=10.0, dec=0.0)
    labels.add("a", "CV", author="ann", ra=50.0, dec=0.0)
    labels.export(tmp_path / "labels.csv", history=True)
    for ra, label in ((10.0, "SN"), (50.0, "CV"), (np.nan, "CV")):
        catalog = pd.DataFrame({"object_id": ["a"], "ra": [ra], "dec": [0.0]})
        for said in (labels.consensus(catalog), experts_say(tmp_path / "labels.csv", catalog)):
            assert said.loc["a", ["label", "n_authors"]].tolist() == [label, 1]
        assert labels.latest(catalog=catalog)["label"].tolist() == [label]
    assert labels.latest()["label"].tolist() == ["CV", "SN"]
    assert labels.consensus()["label"].tolist() == ["CV", "SN"]
    assert labels.consensus()["n_authors"].tolist() == [1, 1]


def test_places_of_one_object_need_not_be_the_same(labels):
    """A label 5 arcsec away, or without a place, is of the only object of the name."""
    labels.add("a", "SN", author="ann", ra=10.0, dec=0.0)
    labels.add("a", "CV", author="ann", ra=10.0 + 5 / 3600, dec=0.0)
    assert labels.latest()["label"].tolist() == ["CV"]
    labels.add("a", "BZ", author="ann")
    assert labels.latest()["label"].tolist() == ["BZ"]
    labels.add("a", "AGN", author="ann", ra=50.0, dec=0.0)
    assert set(labels.latest()["label"]) == {"CV", "BZ", "AGN"}  # BZ is of one of two objects


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ("2026-01-02T12:00+05:00", "2026-01-02T08:00:00+00:00", "CV"),
        ("2026-01-02T08:00:00Z", "2026-01-02T12:00:00.5+05:00", "SN"),
        ("2026-01-02T00:00:00.000000+00:00", "2026-01-02", "CV"),
    ],
)
def test_times_are_compared_as_times_and_the_last_of_equal_ones_counts(
    labels, tmp_path, first, second, counts
):
    path = tmp_path / "labels.csv"
    path.write_text(f"object_id,label,created_at\na,SN,{first}\na,CV,{second}\n")
    rows = read_labels(path, author="ann")
    assert [row.label for row in standing(rows)] == [counts]
    raw = [Annotation("a", label, "ann", t) for label, t in (("SN", first), ("CV", second))]
    assert labels.extend(raw) == 2 and labels.extend(rows) == 0
    assert labels.latest()["label"].tolist() == [labels.history()[-1].label] == [counts]


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_refused(labels, tmp_path, time):
    (tmp_path / "labels.csv").write_text(f"object_id,label,created_at\na,SN,{time}\n")
    with pytest.raises(TaoNetError, match="row 1: wanted created_at in ISO 8601"):
        read_labels(tmp_path / "labels.csv", author="ann")
    with pytest.raises(ValueError, match="wanted created_at"):
        labels.extend([Annotation("b", "SN", "ann"), Annotation("a", "SN", "ann", time)])
    assert labels.count() == 0


def test_a_label_twice_in_one_file_is_stored_once(labels):
    one = Annotation("a\0", "SN", "ann", ra=10.0, dec=0.0)
    rows = [one, one, replace(one, ra=50.0), replace(one, label="CV"), replace(one, author="bob")]
    assert labels.extend(rows) == 4
    assert labels.extend(labels.history()) == 0


def test_two_imports_beside_each_other_store_a_label_once(url):
    rows = [Annotation(f"o{i}", "SN", "ann", "2026-01-01") for i in range(200)]
    kept, gate = [Annotations(url) for _ in range(4)], Barrier(4)

    def store(one):
        gate.wait(20)
        return one.extend(rows)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(store, kept))
    assert sum(counts) == kept[0].count() == 200


def test_undoing_twice_brings_back_what_was_undone(labels):
    labels.add("a", "SN", author="ann")
    assert [labels.undo("a", "ann").label for _ in range(3)] == [WITHDRAWN, "SN", WITHDRAWN]
    labels.add("b", "SN", author="ann")
    labels.add("b", "CV", author="ann")
    assert [labels.undo("b", "ann").label for _ in range(3)] == ["SN", "CV", "SN"]


def test_a_database_left_half_made_is_guarded_when_it_is_opened(labels, url):
    labels.add("a", "SN", author="ann")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
        for verb in ("update", "delete"):  # as after a crash between the table and its guards
            file.execute(f"DROP TRIGGER taonet_labels_no_{verb}")
    Annotations(url)
    with (
        closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file,
        pytest.raises(sqlite3.IntegrityError, match="never changed"),
    ):
        file.execute("DELETE FROM taonet_labels")


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_export_and_import_give_back_the_labels(labels, tmp_path, suffix):
    labels.add("a", "SN", author="ann", note=HOSTILE, ra=1.25, dec=2.5, probability=0.5)
    labels.add("a", "CV", author="ann", confidence="low")
    labels.add("b", UNSURE, author="bob")
    path = tmp_path / f"labels{suffix}"
    assert labels.export(path, history=True) == 3
    other = Annotations(f"sqlite:///{tmp_path / 'other.sqlite'}")
    rows = read_labels(path)
    assert (other.extend(rows), other.extend(rows)) == (3, 0)
    pd.testing.assert_frame_equal(other.latest(), labels.latest())
    np.testing.assert_equal([*map(vars, other.history())], [*map(vars, labels.history())])


def test_a_plain_list_of_labels_can_be_read(labels, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("object_id,label\n007,SN\nb,unsure\n")
    labels.extend(read_labels(path, author="ann"))
    assert [(r.object_id, r.label, r.author) for r in labels.history()] == [
        ("007", "SN", "ann"),
        ("b", "unsure", "ann"),
    ]
    assert datetime.now(UTC) - datetime.fromisoformat(labels.history()[0].created_at) < timedelta(
        hours=1
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "object,class\nx,SN\n", "object_id and label"),
        ("a.csv", "object_id,label\nx,SNe\n", "row 1.*SNe"),
        ("a.csv", "", "cannot be read"),
        ("a.vot", "<html>", "cannot be read"),
        ("a.parquet", "PAR1", "cannot be read"),
        ("a.txt", "x", "ending in"),
        ("missing.csv", None, "cannot be read"),
    ],
)
def test_what_is_no_table_of_labels_is_one_sentence(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(TaoNetError, match=said):
        read_labels(tmp_path / name, author="ann")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense secret",
        "postgresql://user:se@cret@host/labels",
        "postgresql://user:secret@host:port/labels",
        "mysql://user:secret@host/labels",
        "sqlite:///:memory:",
        "sqlite://",
        "postgres:///?password=secret&host=/nowhere",
        "postgresql://user:secret@127.0.0.1:1/labels",
        "sqlite:////proc/secret/labels.sqlite",
    ],
)
def test_a_wrong_address_is_one_sentence_without_its_password(url, monkeypatch):
    monkeypatch.setenv(label_database.URL_VARIABLE, url)
    with pytest.raises(TaoNetError) as caught:
        Annotations()
    said = str(caught.value)
    assert label_database.URL_VARIABLE in said or "psycopg" in said
    assert "\n" not in said
    assert "sqlite" in url or not {"secret", "se@cret", "cret"} & {*said.replace("@", " ").split()}
    assert ":secret" not in said and "password=secret" not in said


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(TaoNetError, match=r"pip install 'psycopg\[binary\]'"):
        Annotations("postgresql://user:secret@127.0.0.1/labels")


def test_without_an_address_labels_lie_in_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(label_database.URL_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    Annotations().add("a", "SN", author="ann")
    assert (tmp_path / "taonet" / "labels.sqlite").exists()


def test_a_damaged_file_is_one_sentence(tmp_path):
    path = tmp_path / "labels.sqlite"
    path.write_bytes(b"this is no database, " * 200)
    with pytest.raises(TaoNetError, match="not a database"):
        Annotations(f"sqlite:///{path}")
