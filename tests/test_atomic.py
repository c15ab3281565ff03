"""A file is written whole or stays as it was, at every fault of the disk and every kill."""

import errno
import os
import subprocess
import sys

import pytest
from faults import ERRORS, KILL, KINDS, every_fault, every_kill, faulty

from taonet_core.data.atomic import atomic_path, sweep, writing
from taonet_core.errors import Code, TaoNetError

OLD, NEW = b"old" * 9000, b"new" * 9000


def write(path, content=NEW):
    with writing(path), atomic_path(path) as temporary:
        temporary.write_bytes(content)


@pytest.fixture
def path(tmp_path):
    """Make a file that is there already."""
    file = tmp_path / "file.bin"
    write(file, OLD)
    return file


def test_at_every_fault_the_file_is_whole_and_the_error_says_why(path):
    kinds = set()
    for fault in every_fault(lambda: write(path), under=path.parent):
        kinds.add((fault.kind, fault.error))
        assert isinstance(fault.raised, TaoNetError)
        full = fault.error == errno.ENOSPC
        assert fault.raised.code is (Code.DISK_FULL if full else Code.WRITE)
        assert os.strerror(fault.error) in str(fault.raised)
        assert path.read_bytes() in (OLD, NEW)
        assert [file.name for file in path.parent.iterdir()] == ["file.bin"]
        write(path, OLD)
    assert kinds == {(kind, error) for kind in KINDS for error in ERRORS}


def test_a_file_that_was_said_to_be_written_is_there(path):
    """Nothing is swallowed: only a run in which nothing failed ends without an error."""
    assert all(fault.raised for fault in every_fault(lambda: write(path), under=path.parent))
    assert path.read_bytes() == NEW


def test_at_every_kill_the_file_is_whole_and_the_next_process_clears_up(path):
    kills = 0
    for _ in every_kill(write, path, under=path.parent):
        kills += 1
        assert path.read_bytes() in (OLD, NEW)
        sweep.cache_clear()
        write(path, OLD)
        assert [file.name for file in path.parent.iterdir()] == ["file.bin"]
    assert kills > 6


def test_a_folder_that_was_missing_is_made_durably(tmp_path):
    for fault in every_fault(lambda: write(tmp_path / "a/b/file"), under=tmp_path, kinds=["fsync"]):
        assert isinstance(fault.raised, TaoNetError)
    assert (tmp_path / "a/b/file").read_bytes() == NEW


@pytest.mark.parametrize(
    "name", ["with space.csv", "späť\N{SNOWMAN}.csv", "two\nlines.csv", "x" * 250]
)
def test_any_name_that_a_file_can_have_can_be_written(tmp_path, name):
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes() == NEW


def test_an_error_names_a_path_of_two_lines_on_one(tmp_path):
    (tmp_path / "two\nlines").write_text("no folder")
    with pytest.raises(TaoNetError, match=r"cannot write '.*two\\nlines/file': ") as raised:
        write(tmp_path / "two\nlines" / "file")
    assert "\n" not in str(raised.value)
    assert raised.value.code is Code.WRITE


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_umask_says_who_may_read(tmp_path, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~mask


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    code = (
        "import sys; from taonet_core.data.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as part: print(part.name, flush=True); input()"
    )
    job = [sys.executable, "-c", code, str(tmp_path / "theirs")]
    with subprocess.Popen(job, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        name = other.stdout.readline().strip()
        write(tmp_path / "ours")
        assert (tmp_path / name).exists()
        other.communicate("\n")
    assert {file.name for file in tmp_path.iterdir()} == {"ours", "theirs"}


def test_what_another_machine_left_is_removed_after_a_day(tmp_path):
    strays = [tmp_path / f".part-00000000-1-0000000{i}.csv" for i in range(2)]
    for stray in strays:
        stray.touch()
    os.utime(strays[0], (0, 0))
    write(tmp_path / "ours")
    assert [stray.exists() for stray in strays] == [False, True]


# --- the injector itself -------------------------------------------------------------------------


def test_faults_come_only_where_and_when_they_are_asked_for(tmp_path):
    (tmp_path / "a").mkdir()
    with faulty("open", 2, errno.EIO, under=tmp_path / "a") as fault:
        (tmp_path / "b").write_text("elsewhere")
        (tmp_path / "a/1").write_text("first")
        with pytest.raises(OSError, match="Input/output"):
            (tmp_path / "a/2").write_text("second")
        (tmp_path / "a/3").write_text("third")
    assert fault.struck and repr(fault) == "EIO at open 2"


def test_a_write_that_fails_has_written_half(tmp_path):
    with (
        faulty("write", 1, errno.ENOSPC, under=tmp_path, lasting=True),
        pytest.raises(OSError, match="No space"),
    ):
        (tmp_path / "file").write_text("abcdefgh")
    assert (tmp_path / "file").read_text() == "abcd"


def test_a_full_disk_stays_full(tmp_path):
    with faulty("write", 1, errno.ENOSPC, under=tmp_path, lasting=True):
        for name in "ab":
            with pytest.raises(OSError, match="No space"):
                (tmp_path / name).write_bytes(b"content")


def test_a_run_that_fails_without_a_fault_is_not_taken_for_one_that_passes(tmp_path):
    with pytest.raises(ZeroDivisionError):
        list(every_fault(lambda: 1 / 0, under=tmp_path))


def test_a_kill_is_a_kill(tmp_path):
    assert [*every_kill(write, tmp_path / "file", under=tmp_path, kinds=["rename"])] == [
        ("rename", 1)
    ]
    assert KILL == -9
