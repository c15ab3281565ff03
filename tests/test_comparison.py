"""Two classifiers on the same objects: agreement, McNemar's test, who was right first."""

import numpy as np
import pytest
from test_performance import NAMES, make_answers

from taonet_core.drawing.matrices import NO_VERDICT, matrix_payload
from taonet_core.judging.answers import Answers, frozen_answers
from taonet_core.judging.comparison import (
    agreement,
    common,
    first_to_settle,
    rivalry,
    same_verdicts,
    settled_night,
    settled_words,
    table,
)
from taonet_core.labels import SIX_CLASSES
from taonet_core.objects.verdicts import Verdicts


def pair(only_first, only_second, both=3, neither=2):
    """Two sets of answers about supernovae, right on so many objects."""
    right = np.repeat([(1, 1), (1, 0), (0, 1), (0, 0)], [both, only_first, only_second, neither], 0)
    labels = ["SN"] * len(right)
    return [
        make_answers(labels, np.where(column, "SN", "CV"), model=name)
        for column, name in zip(right.T, ("taonet", "forest"), strict=True)
    ]


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    # exact two-sided binomial probabilities: 2 sum C(n, k) / 2^n over k up to the smaller count
    [(10, 2, 158 / 4096), (2, 10, 158 / 4096), (5, 5, 1.0), (0, 6, 2 / 64), (1, 0, 1.0)],
)
def test_mcnemar_gives_the_exact_probability(only_first, only_second, p_value):
    found = rivalry(*pair(only_first, only_second))
    assert (found.both, found.neither) == (3, 2)
    assert (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p_value == pytest.approx(p_value)
    assert found.n == 5 + only_first + only_second


def test_mcnemar_agrees_with_the_published_example():
    # Agresti, Categorical Data Analysis: 150 approved only the first time, 86 only the second
    found = rivalry(*pair(150, 86, both=794, neither=570))
    assert found.p_value == pytest.approx(3.716e-05, rel=1e-3)
    assert "taonet is right more often" in found.sentence and "0.1 %" in found.sentence


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((3, 2), "does not tell them apart"),
        ((2, 12), "So forest is right more often here"),
        ((0, 0), "nothing tells them apart"),
    ],
)
def test_the_result_is_said_in_words(counts, words):
    sentence = rivalry(*pair(*counts)).sentence
    assert words in sentence and "nan" not in sentence


def test_without_labels_there_is_agreement_but_no_rivalry():
    one = make_answers(["", ""], ["SN", "CV"])
    assert rivalry(one, one) is None
    assert np.trace(agreement(one, one)) == 2
    assert set(table(one, one)["right"]) == {""}


def test_agreement_counts_every_pair_of_verdicts():
    one = make_answers(["SN"] * 4, ["SN", "SN", "CV", ""])
    two = make_answers(["SN"] * 4, ["SN", "CV", "CV", "BZ"], model="forest")
    counts = agreement(one, two)
    sn, cv, bz = (NAMES.index(name) for name in ("SN", "CV", "BZ"))
    assert (counts[sn, sn], counts[sn, cv], counts[cv, cv], counts[-1, bz]) == (1, 1, 1, 1)
    assert counts.sum() == 4 and same_verdicts(counts) == (2, 3)
    silent = make_answers(["SN"] * 2, ["", "SN"])
    assert same_verdicts(agreement(silent, silent)) == (1, 1)  # silence is no agreement
    assert np.array_equal(counts.T, agreement(two, one))
    rows = table(one, two).set_index("object_id")
    assert rows["right"].to_dict() == {
        "object000": "both",
        "object001": "taonet",
        "object002": "neither",
        "object003": "neither",
    }


def test_the_order_of_the_objects_changes_nothing(rng):
    frozen = frozen_answers(0.5)
    one, two = frozen["taonet"], frozen["forest"]
    mixed = [a.select(rng.permutation(len(a))) for a in (one, two)]
    assert rivalry(one, two) == rivalry(*mixed)
    assert np.array_equal(agreement(one, two), agreement(*mixed))
    assert table(one, two).equals(table(*mixed))


def test_only_objects_that_both_were_asked_about_are_compared():
    one, two = pair(3, 1)
    with pytest.raises(ValueError, match="same objects"):
        agreement(one, two.select([0, 1, 2]))
    assert len(common(one, two.select([2, 0, 1]))[0]) == 3


def test_a_classifier_of_fewer_classes_is_compared_all_the_same():
    one = make_answers(["SN", "CV", "SN"], ["SN", "CV", ""])
    few = make_answers(["SN", "CV", "SN"], ["SN", "SN", "SN"], model="forest")
    two_classes = tuple(name for name in SIX_CLASSES if name in ("CV", "SN"))
    columns = [SIX_CLASSES.index(name) for name in two_classes]
    parts = (few.object_ids, few.labels, {0: few.after[0][:, columns]}, few.magnitude)
    first, second = common(one, Answers("forest", "1.0", two_classes, *parts))
    assert first.classes == second.classes == SIX_CLASSES
    assert second.names(second.verdicts()).tolist() == ["SN", "SN", "SN"]
    assert first.verdicts()[first.object_ids == "object002"] == -1
    found = rivalry(first, second)
    assert (found.both, found.only_first, found.only_second) == (1, 1, 1)


def verdicts(nights, labels):
    """Verdicts of which each night is the class said, or empty."""
    rows = [
        np.array([np.eye(6)[NAMES.index(name)] if name else np.full(6, np.nan) for name in said])
        for said in nights
    ]
    n = len(rows)
    return Verdicts(
        "taonet",
        "1.0",
        SIX_CLASSES,
        np.array([f"object{i}" for i in range(n)]),
        np.array(labels),
        tuple(one.reshape(-1, 6) for one in rows),
        None,
        np.full(n, np.nan),
        np.zeros((n, 1), dtype=np.float32),
        np.full(n, ""),
    )


def test_a_verdict_is_settled_from_the_night_it_stays_right():
    nights = [["CV", "SN", "SN"], ["SN", "CV", "SN"], ["SN", "SN"], ["SN", "CV"], [], ["", "SN"]]
    one = verdicts(nights, ["SN"] * 6)
    assert settled_night(one).tolist() == [2, 3, 1, 0, 0, 2]
    assert settled_night(verdicts(nights, [""] * 6)).tolist() == [0] * 6
    two = verdicts([["SN"] * 3, ["CV"] * 3, ["SN"] * 2, ["CV"], ["SN"], ["", "SN"]], ["SN"] * 6)
    assert first_to_settle(one, two) == {"first": 1, "second": 2, "same": 2, "never": 1}
    part = two.select([5, 2, 0])  # in another order, and not all
    assert first_to_settle(one, part) == {"first": 0, "second": 1, "same": 2, "never": 0}


def test_it_is_said_from_which_night_a_verdict_is_right():
    said = verdicts([["CV", "SN"], ["CV"], [], ["SN"]], ["SN", "SN", "SN", ""])
    words = [settled_words(said, f"object{i}") for i in range(4)]
    assert words[0] == "taonet says SN with 1.00: right for good from night 2 of 2 on."
    assert words[1] == "taonet says CV with 1.00 after 1 night: wrong, it is SN."
    assert words[2] == "taonet has no verdict."
    assert words[3] == "taonet says SN with 1.00 after 1 night."
    with pytest.raises(KeyError):
        settled_words(said, "unknown")


def test_a_matrix_says_counts_shares_and_words():
    counts = np.array([[8, 2, 0], [0, 0, 0]])
    options = {"row_words": "true class", "column_words": "verdict"}
    shown = matrix_payload(counts, ["SN", "CV"], ["SN", "CV", NO_VERDICT], **options)
    assert shown["columns"] == ["SN", "CV"]  # nobody was without a verdict
    assert [[cell["text"] for cell in row] for row in shown["cells"]] == [["8", "2"], ["0", "0"]]
    rows = matrix_payload(counts, ["SN", "CV"], ["SN", "CV", NO_VERDICT], show="by row", **options)
    assert [cell["text"] for cell in rows["cells"][0]] == ["80 %", "20 %"]
    assert (
        rows["cells"][0][1]["words"]
        == "true class SN, verdict CV: 2 objects, 20 % of the true class"
    )
    chosen = matrix_payload(
        counts, ["SN", "CV"], ["SN", "CV", NO_VERDICT], chosen=("SN", "CV"), **options
    )
    assert chosen["chosen"] == ["SN", "CV"] and chosen["key"] != shown["key"]
