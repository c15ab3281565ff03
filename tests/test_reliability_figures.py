"""What the commands of reliability make of their figures: goals, JSON, exit codes."""

from __future__ import annotations

import json
import math

import pytest
from _figures import Findings, Goal, conclude, shown


@pytest.mark.parametrize(
    ("measured", "comparison", "goal", "met"),
    [
        (0, "==", 0, True),
        (1, "==", 0, False),
        (5.0, "<=", 5, True),
        (5.0, "<", 5, False),
        (math.nan, "<=", 5, False),
        (math.nan, ">", 5, False),
    ],
)
def test_a_goal_is_met_only_by_a_number_that_meets_it(measured, comparison, goal, met):
    assert Goal("hangs", measured, comparison, goal).met is met


@pytest.mark.parametrize(("measured", "code"), [(0, 0), (1, 1)])
def test_a_missed_goal_is_written_and_makes_the_command_fail(tmp_path, measured, code):
    found = Findings(
        [Goal("hangs", measured, "==", 0), Goal("memory", math.inf, ">", 1, "MB")],
        {"outcomes": {"E_SIZE": 3}, "slowest_s": 0.12345678},
        seed=7,
    )
    output = tmp_path / "new" / "made.json"

    assert conclude(found, "made", quick=True, output=output) == code

    kept = json.loads(output.read_text())
    assert kept["goals"][0]["met"] is (code == 0)
    assert kept["goals"][1]["measured"] is None  # JSON knows no infinity
    assert kept["figures"] == {"outcomes": {"E_SIZE": 3}, "slowest_s": 0.123457}
    assert kept["seed"] == 7 and kept["quick"] is True
    assert kept["versions"]["numpy"] and kept["machine"]["cores"] >= 1


def test_the_same_findings_are_the_same_bytes(tmp_path):
    found = Findings([Goal("hangs", 0, "==", 0)], seed=7)
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path in paths:
        conclude(found, "made", output=path)

    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0, "", "0"), (10_000, "", "10,000"), (12.3456, "ms", "12.3 ms"), (1234.5, "MB", "1,234 MB")],
)
def test_numbers_are_shown_short(value, unit, text):
    assert shown(value, unit) == text
