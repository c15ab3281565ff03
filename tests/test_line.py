"""Heavy work in line: fair, no more at once than there are places, with a position, cancellable."""

import logging
import threading
import time

import pytest

from pages._turns import words
from taonet_core.background import Line, Work


def comes(condition, seconds=5.0):
    """Wait for what other threads do."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture
def line():
    return Line(1)


@pytest.fixture
def busy(line):
    """Occupy the only place until the event is set."""
    free = threading.Event()
    work = Work(lambda work: free.wait(10), line=line, owner="first").start()
    assert comes(lambda: len(line) == 1)
    yield free
    free.set()
    assert work.wait(5)


def queued(line, owner, done, steps=1):
    def run(work):
        for step in range(steps):
            done.append(f"{owner}{step}")
            if not work.report(step + 1, steps):
                return

    before = len(line)
    work = Work(run, line=line, owner=owner).start()
    assert comes(lambda: len(line) == before + 1)
    return work


def test_whoever_has_least_in_line_comes_first(line, busy):
    done = []
    works = [queued(line, owner, done) for owner in ("a", "a", "a", "b", "c")]
    assert comes(lambda: [work.position for work in works] == [1, 4, 5, 2, 3])
    busy.set()
    assert all(work.wait(5) for work in works)
    assert done == ["a0", "b0", "c0", "a0", "a0"] and len(line) == 0


def test_work_of_many_steps_gives_way_between_two(line, busy):
    done = []
    works = [queued(line, owner, done, steps=3) for owner in "ab"]
    busy.set()
    assert all(work.wait(5) for work in works)
    assert done == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_no_more_is_done_at_once_than_there_are_places():
    line, now, most, lock = Line(3), [], [], threading.Lock()

    def run(work):
        for step in range(5):
            with lock:
                now.append(1)
                most.append(len(now))
            time.sleep(0.002)
            with lock:
                now.pop()
            work.report(step)

    works = [Work(run, line=line, owner=str(i % 4)).start() for i in range(12)]
    assert all(work.wait(10) for work in works)
    assert max(most) == 3 and len(most) == 60


def test_waiting_work_is_cancelled_at_once(line, busy):
    done = []
    work = queued(line, "a", done)
    work.cancel()
    assert work.wait(2) and not done and work.cancelled and not work.failed and len(line) == 1


@pytest.mark.parametrize("waiting", [True, False], ids=["in line", "at work"])
def test_work_that_nobody_wants_any_more_ends_within_two_seconds(line, waiting):
    here, done = threading.Event(), []
    here.set()
    free = threading.Event()
    other = Work(lambda work: free.wait(10), line=line).start() if waiting else None

    def run(work):
        while work.report(len(done)):
            done.append(time.sleep(0.01))

    work = Work(run, line=line, owner="a", wanted=here.is_set).start()
    assert comes(lambda: work.position == 1 if waiting else len(done) > 2)
    here.clear()
    assert work.wait(2) and work.left and not work.cancelled and not work.failed
    assert bool(done) != waiting
    free.set()
    assert other is None or other.wait(5)


def test_a_fault_ends_in_the_log_and_frees_the_place(line, caplog):
    with caplog.at_level(logging.ERROR):
        work = Work(lambda work: 1 // 0, line=line).start()
        assert work.wait(5)
    assert work.failed and not work.left and len(line) == 0
    [entry] = caplog.records
    assert entry.getMessage().startswith(work.fault) and entry.exc_info[0] is ZeroDivisionError


def test_within_a_turn_there_is_nothing_to_wait_for(line):
    with line.turn("a") as outer, line.turn("a") as inner:
        assert outer and inner and len(line) == 1
    assert len(line) == 0


def test_whoever_gives_up_leaves_the_line(line, busy):
    seen = []

    def waiting(position):
        seen.append(position)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), line.turn("a", waiting):
        pytest.fail("it was nobody's turn")
    assert seen == [1] and len(line) == 1


@pytest.mark.parametrize(
    ("position", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (112, "112th"), (1023, "1,023rd")],
)
def test_a_position_in_words(position, said):
    assert words(position) == f"Waiting: {said} in line"
