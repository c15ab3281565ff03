"""What safety costs, in short: a file of a session, and a file of many."""

from __future__ import annotations

from cost import measure

#: Tests beside this one share the processor; what is slow thrice is slow.
ATTEMPTS = 3


def test_reading_in_workers_costs_no_more_than_was_asked():
    for _ in range(ATTEMPTS):
        found = measure(quick=True)
        missed = [(goal.name, goal.measured) for goal in found.goals if not goal.met]
        if not missed:
            break

    assert missed == []
    fastest = found.figures["DEEP-TAO file"]["fastest_ms_p50_p95"]
    assert fastest["scan"][0] < fastest["without"][0] < fastest["interactive"][0]
