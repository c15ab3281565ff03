"""The short versions of the commands that kill training and flip bits of weights."""

from training_kills import measure as kill
from weight_flips import measure as flip


def test_killed_training_ends_with_the_same_weights():
    found = kill(quick=True)
    assert all(goal.met for goal in found.goals), found


def test_flipped_bits_are_refused():
    found = flip(quick=True)
    assert len(found.goals) == 13
    assert all(goal.met for goal in found.goals), found
