"""What safety costs, in short: a file of a session, and a file of many."""

from __future__ import annotations

from cost import BULK, INTERACTIVE, measure

#: The clock says nothing beside other tests, so the processor's account is asked; a busy
#: machine, whose programs take each other's caches, may double even that.
BUSY = 2.0


def test_reading_in_workers_takes_no_more_of_the_processor_than_was_asked():
    found = measure(quick=True)

    assert len(found.goals) >= 2
    for kind in ("DEEP-TAO file", "ZTF stamp"):
        if kind in found.figures:
            used = found.figures[kind]["processor_ms"]
            assert used["interactive"] - used["without"] <= BUSY * INTERACTIVE, (kind, used)
            assert used["bulk"] - used["without"] <= BUSY * 2 * BULK, (kind, used)
            assert 0 < used["scan"] < used["without"] < used["interactive"], (kind, used)
