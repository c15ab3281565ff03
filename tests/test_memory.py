"""Results that are kept: bounded by their size, and those of an upload with its session."""

import numpy as np
import pandas as pd
import pytest

from pages import _memory
from pages._memory import Recent
from taonet_core.data.results import Attribution
from taonet_core.labels import TransientClass


@pytest.fixture
def session(monkeypatch):
    """Stand in for the state of a session."""
    state = {}
    monkeypatch.setattr(_memory.st, "session_state", state)
    return state


def test_a_result_is_computed_once():
    kept, made = Recent(1000), []
    for _ in range(2):
        assert kept.get(("a",), lambda: made.append(1) or "found") == "found"
    assert made == [1] and kept.peek(("a",)) == "found" and kept.peek(("b",)) is None


def test_bytes_bound_what_is_kept_and_the_last_ones_stay():
    kept = Recent(3 * 2**20)
    for name in "abc":
        kept.get((name,), lambda: np.zeros(2**20, np.uint8))
        kept.get(("a",), dict)  # asked for again and again
    assert [name for name in "abc" if kept.peek((name,)) is not None] == ["a", "c"]
    kept.get(("large",), lambda: np.zeros(2**23, np.uint8))
    assert kept.peek(("large",)) is not None and kept.peek(("c",)) is None
    kept.get(("small",), lambda: 1)
    assert kept.peek(("large",)) is None and kept.peek(("small",)) == 1


def test_an_upload_is_kept_by_its_session_alone(session):
    shared = _memory.recent("of the demo set")
    _memory.own(["mine"])
    assert _memory.recent("of the demo set") is shared
    own = _memory.recent("mine")
    assert own is not shared and _memory.recent("mine") is own
    _memory.own(["mine", "another"])
    assert _memory.recent("mine") is not own
    _memory.forget()
    assert not session


def test_what_a_result_holds_is_weighed_once_however_deep_it_lies():
    pixels, table = np.zeros(10_000), pd.DataFrame({"name": ["x" * 1000] * 20})
    view = pixels[10:]
    assert 80_000 <= _memory._size({"a": [pixels, pixels], "b": (pixels,)}) < 82_000
    assert _memory._size(view) >= view.nbytes
    assert 20_000 <= _memory._size([table]) < 60_000
    attribution = Attribution(
        *(np.zeros((2, 64, 64), np.float32), np.arange(2.0), np.arange(2)),
        *(TransientClass.SN, None, "taonet", "1", "saliency", "zero"),
        explained=1.0,
        delta=0.0,
        signed=True,
        meta={},
    )
    assert 2 * 64 * 64 * 4 <= _memory._size(attribution) < 2 * 64 * 64 * 4 + 5000


def test_no_order_of_many_sessions_shows_the_results_of_another(monkeypatch, rng):
    """In 1,000 steps of two sessions, each computes, asks and forgets what is its own."""
    states = {"a": {}, "b": {}}
    for _ in range(1000):
        who = str(rng.choice(["a", "b"]))
        monkeypatch.setattr(_memory.st, "session_state", states[who])
        content = f"{who}{rng.integers(3)}"
        match rng.integers(4):
            case 0:
                _memory.own([f"{who}{i}" for i in range(3)])
            case 1:
                _memory.forget()
            case _ if states[who]:
                key = ("verdict", int(rng.integers(2)))  # the same of both
                found = _memory.recent(content).get(key, lambda who=who: f"{who}!")
                assert found.startswith(who)
                other = f"{'ab'[who == 'a']}0"
                assert _memory.recent(other) is _memory._shared()
