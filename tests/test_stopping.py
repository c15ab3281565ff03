"""A signal stops long work where it may end, and no two runs write into one folder."""

import os
import signal
import subprocess
import sys

import pytest
from faults import every_fault

from taonet_core.data.locks import only_one
from taonet_core.errors import Code, TaoNetError
from taonet_core.stopping import Stopped, held, stoppable


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_work_at_once_and_names_the_exit_code(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, stoppable():
        send(number)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) is before


def test_work_that_is_held_ends_where_it_lets_go():
    done = []
    with pytest.raises(Stopped), stoppable(), held() as hold:
        send(signal.SIGTERM)
        done.append("the step")
        assert hold.asked == signal.SIGTERM
        hold.let_go()
        done.append("the next step")
    assert done == ["the step"]


def test_work_that_is_held_and_never_lets_go_stops_at_its_end():
    done = []
    with pytest.raises(Stopped), stoppable():
        with held():
            send(signal.SIGINT)
            done.append("all of it")
        done.append("what follows")
    assert done == ["all of it"]


def test_a_second_signal_does_not_wait():
    with pytest.raises(Stopped), stoppable(), held():
        send(signal.SIGINT)
        send(signal.SIGINT)
        raise AssertionError("it waited")


def test_work_that_nobody_stops_ends_as_ever():
    with stoppable(), held() as hold:
        hold.let_go()
    assert hold.asked is None


# --- locks ---------------------------------------------------------------------------------------

HOLD = """
import sys
from taonet_core.data.locks import only_one
with only_one(sys.argv[1], "a training"):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def held_elsewhere(tmp_path):
    """Start a process that holds a lock."""
    path = tmp_path / "its folder" / ".lock"
    job = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(job, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield path, other
        other.kill()


def test_a_second_run_is_refused_and_told_who_the_first_is(held_elsewhere):
    path, other = held_elsewhere
    said = f"process {other.pid} on .* does a training"
    with pytest.raises(TaoNetError, match=said) as refused, only_one(path, "a training"):
        raise AssertionError("two at once")
    assert refused.value.code is Code.LOCKED


def test_the_lock_of_a_killed_run_is_taken_over(held_elsewhere):
    path, other = held_elsewhere
    other.kill()
    other.wait()
    assert path.exists()
    with only_one(path, "a training"):
        assert f'"process": {os.getpid()}' in path.read_text()
    assert not path.exists()


def test_a_lock_that_cannot_be_written_says_why_and_holds_nobody_up(tmp_path):
    path = tmp_path / ".lock"

    def run():
        with only_one(path, "a training"):
            pass

    faults = [*every_fault(run, under=tmp_path, kinds=["open", "write"])]
    assert len(faults) == 6
    assert {fault.raised.code for fault in faults} == {Code.DISK_FULL, Code.WRITE}
    run()
