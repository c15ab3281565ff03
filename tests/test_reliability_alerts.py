"""Damaged alert packets, in short: nothing but errors of ours, with and without workers."""

from __future__ import annotations

from alerts import damaged, measure

from taonet_core.data.alerts import read_alerts


def test_damaged_packets_harm_nobody() -> None:
    found = measure(quick=True)

    assert [goal.name for goal in found.goals if not goal.met] == [], found.figures
    opened = found.figures["in_workers"]["outcomes"]["opened"]
    assert 0 < opened < found.figures["mutants"]  # neither all refused nor all let through


def test_packets_in_good_order_are_read_whatever_stands_in_them() -> None:
    for number in range(3, 200, 4):
        file = damaged(number)
        assert read_alerts(file.getvalue(), file.name)
        assert file.getvalue() == damaged(number).getvalue()
