"""Faults: written to the log under a number, told as one sentence, and no text forges a line."""

import io
import logging
import threading

import pytest

from taonet_core import faults
from taonet_core.errors import Code, TaoNetError

FORGED = "a.fits\n2026-01-01 INFO root: all is well\r\x1b[2J\u202e\u2028 b\x00c"


@pytest.fixture
def log(monkeypatch):
    """Return what a handler of this process writes."""
    factory, hook = logging.getLogRecordFactory(), threading.excepthook
    faults.guard_logs()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    logging.setLogRecordFactory(factory)
    threading.excepthook = hook


def broken(text):
    raise RuntimeError(text)


def test_no_text_from_outside_begins_a_line_or_moves_a_cursor(log):
    logging.getLogger("test").warning("cannot read %s", FORGED)
    with faults.Watch(f"reading {FORGED}"):
        broken(FORGED)
    lines = log.getvalue().splitlines()
    assert not any(mark in log.getvalue() for mark in "\r\x1b\u202e\u2028\0")
    assert not [line for line in lines if line.startswith("2026")]
    begun = [line for line in lines if not line.startswith("  | ")]
    assert [line.split(":")[0] for line in begun] == ["WARNING test", "ERROR taonet_core.faults"]
    assert any("RuntimeError" in line for line in lines)


def test_a_fault_is_told_by_its_number_alone(log):
    with pytest.raises(TaoNetError) as told, faults.said("download"):
        broken("the secret")
    assert told.value.code is Code.INTERNAL and "secret" not in str(told.value)
    entry = str(told.value).rstrip(".").rsplit(" ", 1)[1]
    assert f"{entry}: download" in log.getvalue() and "the secret" in log.getvalue()


def test_what_was_foreseen_goes_on_as_it_is(log):
    with pytest.raises(TaoNetError, match="^foreseen$"), faults.said("download"):
        raise TaoNetError("foreseen")
    with pytest.raises(KeyboardInterrupt), faults.Watch("work"):
        raise KeyboardInterrupt
    assert log.getvalue() == ""


def test_a_thread_that_breaks_is_written_to_the_log(log):
    thread = threading.Thread(target=broken, args=(FORGED,), name="taonet")
    thread.start()
    thread.join()
    assert "thread taonet" in log.getvalue() and "RuntimeError" in log.getvalue()


def test_long_text_is_cut():
    assert len(faults.escaped("x" * 10**6)) < 5000
