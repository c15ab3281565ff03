"""A prediction of many objects: each once, and the same table, whatever ends it and whenever."""

import errno
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bulk_kills import measure
from bulk_runs import CURVES, NEEDED, predict_curves, small_forest
from faults import every_fault
from sqlite_faults import every_sqlite_fault, every_sqlite_kill

from taonet_core import bulk_table, journal
from taonet_core.bulk import classify, prediction_table, read_objects
from taonet_core.bulk_table import predict_to_table
from taonet_core.data.locks import only_one
from taonet_core.errors import Code, TaoNetError


@pytest.fixture(scope="module")
def forest():
    return small_forest()


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    """Tables of light curves: three objects in each of five files."""
    return CURVES.write(tmp_path_factory.mktemp("curves"))


@pytest.fixture(scope="module")
def whole(curves, forest, tmp_path_factory):
    """Return the table that an undisturbed run writes."""
    output = tmp_path_factory.mktemp("whole") / "verdicts.csv"
    predict_to_table(curves, forest, output, trusted=True)
    return output.read_bytes()


@pytest.fixture(scope="module")
def few(curves, forest, tmp_path_factory):
    """Two of the files, and their table: for runs that are repeated many times."""
    output = tmp_path_factory.mktemp("few") / "verdicts.csv"
    predict_to_table(curves[:2], forest, output, trusted=True)
    return curves[:2], output.read_bytes()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(bulk_table, "_BATCH", 4)


def answers(output):
    """Return what the journal beside a table holds, in order."""
    with closing(sqlite3.connect(f"{output}.journal")) as file:
        return file.execute("SELECT name, sha256, input FROM answers ORDER BY number").fetchall()


def stop_after(count):
    def step(done):
        if done >= count:
            raise KeyboardInterrupt

    return step


def test_the_table_is_that_of_one_go(curves, forest, whole, tmp_path):
    objects = (item for path in curves for item in read_objects(path, trusted=True))
    table = prediction_table(classify(objects, forest))
    back = pd.read_csv(CURVES.saved(tmp_path, whole), keep_default_na=False)
    assert len(back) == len(table) == CURVES.objects
    assert back["object_id"].tolist() == table["object_id"].tolist()
    chances = [name for name in table if name.startswith("p_")]
    np.testing.assert_allclose(back[chances].astype(float), table[chances], atol=1e-12)


@pytest.mark.parametrize("done", [0, 4, 8, 12])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_run_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(
    curves, forest, tmp_path, done, suffix
):
    stopped, straight = tmp_path / f"stopped{suffix}", tmp_path / f"straight{suffix}"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table(curves, forest, stopped, trusted=True, on_object=stop_after(done))
    assert not stopped.exists() and len(answers(stopped)) == done
    run = predict_to_table(curves, forest, stopped, trusted=True)
    assert (run.objects, run.resumed, run.broken) == (CURVES.objects, done, [])
    predict_to_table(curves, forest, straight, trusted=True)
    assert stopped.read_bytes() == straight.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([stopped.name, straight.name])


def test_the_journal_holds_the_digest_of_what_was_read(curves, forest, tmp_path):
    output = tmp_path / "verdicts.csv"
    predict_to_table(curves, forest, output, trusted=True, keep_journal=True)
    wanted = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in curves]
    assert [sha256 for _, sha256, _ in answers(output)] == [d for d in wanted for _ in range(3)]
    again = predict_to_table(curves, forest, output, trusted=True)
    assert again.resumed == CURVES.objects and not output.with_name("verdicts.csv.journal").exists()


def test_every_fault_of_sqlite_leaves_a_run_that_ends_the_same(few, forest, tmp_path):
    paths, wanted = few
    output = tmp_path / "verdicts.csv"
    codes = {"full": Code.DISK_FULL, "I/O": Code.WRITE, "locked": Code.LOCKED}
    walked = 0
    for fault, raised in every_sqlite_fault(
        lambda: predict_to_table(paths, forest, output, trusted=True)
    ):
        assert isinstance(raised, TaoNetError), (fault, raised)
        assert "verdicts.csv.journal" in str(raised)
        assert raised.code is next(code for word, code in codes.items() if word in repr(fault))
        predict_to_table(paths, forest, output, trusted=True)
        assert output.read_bytes() == wanted, fault
        assert [path.name for path in tmp_path.iterdir()] == ["verdicts.csv"]
        output.unlink()
        walked += 1
    assert walked > 30


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=errno.errorcode.get)
def test_every_fault_of_the_disk_leaves_a_run_that_ends_the_same(few, forest, tmp_path, error):
    paths, wanted = few
    output = tmp_path / "verdicts.csv"
    walked = 0
    for fault in every_fault(
        lambda: predict_to_table(paths, forest, output, trusted=True),
        under=tmp_path,
        errors=[error],
    ):
        if fault.raised is not None:
            assert isinstance(fault.raised, TaoNetError), (fault, fault.raised)
            assert "verdicts.csv" in str(fault.raised)
        predict_to_table(paths, forest, output, trusted=True)
        assert output.read_bytes() == wanted, fault
        assert [path.name for path in tmp_path.iterdir()] == ["verdicts.csv"]
        output.unlink()
        walked += 1
    assert walked > 4


def test_a_kill_at_any_statement_leaves_a_run_that_ends_the_same(few, forest, tmp_path):
    paths, wanted = few
    output = tmp_path / "verdicts.csv"
    done = set()
    for n in every_sqlite_kill(predict_curves, [*map(str, paths)], str(output), preload=NEEDED):
        done.add(len(answers(output)) if CURVES.begun(output) else 0)
        predict_to_table(paths, forest, output, trusted=True)
        assert output.read_bytes() == wanted, n
        assert [path.name for path in tmp_path.iterdir()] == ["verdicts.csv"]
        output.unlink()
    assert done == {0, 4, 6}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"long": True}, "form of the table: wide then, long now"),
        ({"symmetries": True}, "symmetries: no then, yes now"),
        ({"priors": {"SN": 0.1}}, "shares of the classes: those of the model then, SN 0.1 now"),
    ],
    ids=["long", "symmetries", "priors"],
)
def test_a_journal_of_other_options_is_refused(curves, forest, tmp_path, options, said):
    output = tmp_path / "verdicts.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table(curves, forest, output, trusted=True, on_object=stop_after(4))
    with pytest.raises(TaoNetError, match=said) as refused:
        predict_to_table(curves, forest, output, trusted=True, **options)
    assert refused.value.code is Code.OTHER_RUN
    assert len(answers(output)) == 4
    run = predict_to_table(curves, forest, output, trusted=True, restart=True, **options)
    assert (run.objects, run.resumed) == (CURVES.objects, 0)


def test_a_journal_of_other_inputs_or_another_model_is_refused(curves, forest, tmp_path):
    output = tmp_path / "verdicts.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table(curves, forest, output, trusted=True, on_object=stop_after(4))
    with pytest.raises(TaoNetError, match="inputs: 5 then, 4 now"):
        predict_to_table(curves[:4], forest, output, trusted=True)
    with pytest.raises(TaoNetError, match="input: .*then, .*now"):
        predict_to_table([*curves[1:], curves[0]], forest, output, trusted=True)
    with pytest.raises(TaoNetError, match="model: .* then, .* now"):
        predict_to_table(curves, small_forest(seed=1), output, trusted=True)


@pytest.mark.parametrize("content", [b"precious notes", None], ids=["text", "database"])
def test_what_is_no_journal_is_never_touched(curves, forest, tmp_path, content):
    output = tmp_path / "verdicts.csv"
    other = Path(f"{output}.journal")
    if content is None:
        with closing(sqlite3.connect(other)) as file:
            file.execute("CREATE TABLE notes (text)")
    else:
        other.write_bytes(content)
    before = other.read_bytes()
    for restart in (False, True):
        with pytest.raises(TaoNetError, match="no journal|not a database"):
            predict_to_table(curves, forest, output, trusted=True, restart=restart)
    assert other.read_bytes() == before


@pytest.mark.parametrize("start", [100, 4096], ids=["first page", "the rest"])
def test_a_damaged_journal_is_put_aside_when_a_run_is_begun_anew(
    curves, forest, whole, tmp_path, start
):
    output = tmp_path / "verdicts.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table(curves, forest, output, trusted=True, on_object=stop_after(4))
    path = Path(f"{output}.journal")
    content = path.read_bytes()
    path.write_bytes(content[:start] + b"\xff" * (len(content) - start))
    with pytest.raises(TaoNetError, match="malformed") as refused:
        predict_to_table(curves, forest, output, trusted=True)
    assert refused.value.code is Code.DATABASE
    predict_to_table(curves, forest, output, trusted=True, restart=True)
    assert output.read_bytes() == whole
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"verdicts.csv"} | ({"verdicts.csv.damaged"} if start == 100 else set())


def test_a_second_run_on_the_same_table_is_refused(curves, forest, tmp_path):
    output = tmp_path / "verdicts.csv"
    with (
        only_one(f"{output}.lock", "the prediction"),
        pytest.raises(TaoNetError, match=f"process {os.getpid()} on .*since") as refused,
    ):
        predict_to_table(curves, forest, output, trusted=True)
    assert refused.value.code is Code.LOCKED
    assert not Path(f"{output}.journal").exists()


def test_inputs_that_change_or_vanish_meanwhile_are_recorded(forest, tmp_path):
    paths = CURVES.write(tmp_path)
    output = tmp_path / "out" / "verdicts.csv"

    def meddle(done):
        if done == 4:
            paths[3].write_text(paths[2].read_text())
            paths[4].unlink()

    run = predict_to_table(paths, forest, output, trusted=True, on_object=meddle, keep_journal=True)
    table = pd.read_csv(output, keep_default_na=False)
    changed = table["flags"].str.contains("input-changed")
    assert changed.tolist() == [False] * 9 + [True] * 4
    assert table["error_code"].tolist() == [""] * 12 + ["E_VANISHED"]
    assert [code for _, _, code in run.broken] == ["E_VANISHED"]
    read = hashlib.sha256(paths[3].read_bytes()).hexdigest()
    assert [sha256 for _, sha256, number in answers(output) if number == 4] == [read] * 3


def test_an_empty_folder_has_not_changed_until_it_is_filled(
    curves, forest, fits_file, make_sequence, tmp_path
):
    empty = tmp_path / "empty"
    empty.mkdir()
    output = empty / "verdicts.csv"
    predict_to_table([empty], forest, output, trusted=True)
    assert "input-changed" not in output.read_text()

    def fill(done):
        if done == 4:
            fits_file(make_sequence(nights=8, flux=2e4, object_id="late"), name="empty/late.fits")

    predict_to_table([*curves, empty], forest, output, trusted=True, on_object=fill)
    table = pd.read_csv(output, keep_default_na=False)
    assert table["object_id"].tolist()[-1] == "late" and len(table) == CURVES.objects + 1
    changed = table["flags"].str.contains("input-changed")
    assert changed.tolist() == [False] * CURVES.objects + [True]


def test_half_an_input_that_changed_since_is_read_anew(forest, tmp_path):
    paths = CURVES.write(tmp_path)
    output = tmp_path / "out" / "verdicts.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table(paths, forest, output, trusted=True, on_object=stop_after(4))
    paths[1].write_text(paths[1].read_text().replace("c1-", "new-"))
    predict_to_table(paths, forest, output, trusted=True)
    table = pd.read_csv(output, keep_default_na=False)
    assert table["object_id"].tolist()[3:6] == ["new-0", "new-1", "new-2"]
    assert len(table) == CURVES.objects and table["object_id"].is_unique


def test_an_archive_counts_object_by_object(forest, fits_file, make_sequence, tmp_path):
    packed = tmp_path / "night.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(6):
            sequence = make_sequence(nights=8, flux=20_000.0, object_id=f"o{number}")
            archive.write(fits_file(sequence, name=f"o{number}.fits"), f"o{number}.fits")
    output = tmp_path / "out" / "verdicts.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_to_table([packed], forest, output, trusted=True, on_object=stop_after(4))
    assert [number for _, _, number in answers(output)] == [1] * 4
    run = predict_to_table([packed], forest, output, trusted=True)
    assert (run.objects, run.resumed) == (6, 4)
    assert pd.read_csv(output)["object_id"].is_unique


def test_files_of_a_folder_that_stand_alone_are_inputs_and_others_are_one(
    forest, fits_file, make_sequence, tmp_path
):
    for name in ("b", "a"):
        fits_file(make_sequence(nights=8, flux=2e4, object_id=name), name=f"{name}.fits")
    output = tmp_path.parent / f"{tmp_path.name}.csv"
    predict_to_table([tmp_path], forest, output, trusted=True, keep_journal=True)
    assert [(name, number) for name, _, number in answers(output)] == [("a", 1), ("b", 2)]
    (tmp_path / "page.fits").write_text("<html>")
    run = predict_to_table(
        [tmp_path], forest, output, trusted=True, restart=True, keep_journal=True
    )
    assert [number for _, _, number in answers(output)] == [1] * 3
    assert [name for name, *_ in run.broken] == [f"{tmp_path.name}/page.fits"]


@pytest.mark.parametrize("name", ["a b.csv", "é★.csv", "new\nline.csv", "-x.csv"], ids=ascii)
def test_odd_names_of_tables_and_inputs(curves, forest, whole, tmp_path, name):
    source = tmp_path / "in" / name
    source.parent.mkdir()
    source.write_bytes(curves[0].read_bytes())
    run = predict_to_table([source], forest, tmp_path / name, trusted=True)
    assert (
        run.objects == 3 and (tmp_path / name).read_bytes().splitlines() == (whole.splitlines()[:4])
    )


def test_a_folder_that_cannot_be_written_is_named(curves, forest, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TaoNetError, match="cannot write .*file/verdicts.csv") as refused:
        predict_to_table(curves, forest, tmp_path / "file" / "verdicts.csv", trusted=True)
    assert refused.value.code is Code.WRITE


def test_a_full_disk_keeps_what_was_answered(curves, forest, whole, tmp_path, monkeypatch):
    output = tmp_path / "verdicts.csv"
    plain = journal._connected

    def small(path):
        db = plain(path)
        db.execute("PRAGMA max_page_count = 8")
        return db

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_connected", small)
        with pytest.raises(TaoNetError, match="full") as full:
            predict_to_table(curves, forest, output, trusted=True)
    assert full.value.code is Code.DISK_FULL and "verdicts.csv.journal" in str(full.value)
    predict_to_table(curves, forest, output, trusted=True)
    assert output.read_bytes() == whole


def test_a_signal_keeps_what_is_done_and_says_how_it_goes_on(curves, whole, tmp_path):
    output = tmp_path / "verdicts.csv"
    script = [sys.executable, "-m", "bulk_runs", str(output), *map(str, curves)]
    folder = Path(__file__).parent
    with subprocess.Popen(script, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        while not CURVES.begun(output) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert said.splitlines()[-1] == (
        "taonet: stopped; what is done is kept; the same command goes on from there"
    )
    assert 0 < len(answers(output)) < CURVES.objects
    predict_curves([str(path) for path in curves], str(output))
    assert output.read_bytes() == whole


def test_ten_thousand_inputs_in_short():
    found = measure(True)
    assert [goal.name for goal in found.goals if not goal.met] == []
