"""Scores of a classifier: known answers, and the stored scores of the benchmark again."""

import json
import shutil

import numpy as np
import pack_answers
import pandas as pd
import pytest

from taonet_core.benchmark import EXPECTED
from taonet_core.errors import TaoNetError
from taonet_core.judging.answers import FROZEN, Answers, answers_of, frozen_answers, frozen_hash
from taonet_core.judging.performance import (
    confusion,
    f1_by_magnitude,
    f1_by_nights,
    few_words,
    score,
    score_table,
)
from taonet_core.judging.probabilities import class_curves, trust
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.cards import model_card
from taonet_core.objects.verdicts import Verdicts

NAMES = [str(name) for name in SIX_CLASSES]


def make_answers(labels, verdicts, *, sure=0.9, nights=(0,), magnitude=None, model="taonet"):
    """Answers in which each verdict has the probability `sure`; an empty verdict is none."""
    rows = np.full((len(labels), 6), (1 - sure) / 5)
    for row, name in zip(rows, verdicts, strict=True):
        row[:] = np.nan if not name else row
        if name:
            row[NAMES.index(name)] = sure
    return Answers(
        model,
        "1.0",
        SIX_CLASSES,
        np.array([f"object{i:03d}" for i in range(len(labels))]),
        np.array(labels, dtype=str),
        dict.fromkeys(nights, rows),
        np.full(len(labels), np.nan) if magnitude is None else np.array(magnitude, dtype=float),
    )


@pytest.fixture(scope="module")
def frozen():
    return frozen_answers(0.5)


def rounded(found):
    return {name: round(getattr(found, name), 4) for name in ("value", "low", "high")}


def test_an_interval_without_width_is_not_printed():
    found = score(make_answers(["SN", "CV"], ["SN", "CV"])).macro_f1
    assert str(found) == "1.000 [too few]" and found.interval.startswith("too few")
    mixed = score(make_answers(["SN"] * 10 + ["CV"] * 10, ["SN", "CV"] * 10)).accuracy
    assert str(mixed).startswith("0.500 [0.")


@pytest.mark.parametrize("model", ["taonet", "forest"])
def test_the_stored_scores_of_the_benchmark_come_out_again(frozen, model):
    own = frozen[model]
    known = json.loads((EXPECTED / f"{model}.json").read_bytes())
    assert frozen_hash(model) == known["sha256"] and own.version == known["model_version"]
    known = known["visibility"]["0.5"]
    found = score(own)
    assert (found.n, found.unanswered) == (known["n"], known["unanswered"])
    assert rounded(found.macro_f1) == known["macro_f1"]
    per_class = {str(c.name): rounded(c.f1) for c in found.classes}
    assert per_class == {name: scores["f1"] for name, scores in known["per_class"].items()}
    assert confusion(own)[:, :-1].tolist() == known["confusion"]
    assert {b.label: rounded(b.f1) for b in f1_by_nights(own)} == known["after_nights"]
    bins = [{"n": b.n, **rounded(b.f1)} for b in f1_by_magnitude(own)]
    assert bins == [{k: b[k] for k in ("n", "value", "low", "high")} for b in known["by_magnitude"]]


def test_the_order_of_the_objects_changes_nothing(frozen, rng):
    own = frozen["boosting"]
    mixed = own.select(rng.permutation(len(own)))
    assert own.digest == mixed.digest
    assert score(own) == score(mixed)
    assert np.array_equal(confusion(own), confusion(mixed))


def test_scores_of_a_few_objects_are_those_counted_by_hand():
    found = score(make_answers(["SN", "SN", "SN", "CV", ""], ["SN", "SN", "CV", "CV", "SN"]))
    assert found.n == 4 and found.accuracy.value == 0.75
    by_name = {str(c.name): c for c in found.classes}
    assert set(by_name) == {"SN", "CV"}
    supernova = by_name["SN"]
    assert (supernova.precision.value, supernova.recall.value) == (1.0, pytest.approx(2 / 3))
    assert supernova.f1.value == pytest.approx(0.8) and by_name["CV"].f1.value == pytest.approx(
        2 / 3
    )
    assert found.macro_f1.value == pytest.approx((0.8 + 2 / 3) / 2)
    assert supernova.f1.low <= supernova.f1.value <= supernova.f1.high
    assert list(score_table(found)["objects"]) == [1, 3]
    assert "1 CV, 3 SN" in few_words(found)
    assert not few_words(score(make_answers(["SN", "CV"] * 10, ["SN"] * 20)))


def test_no_answer_is_a_wrong_answer():
    own = make_answers(["SN", "SN", "CV"], ["SN", "", "CV"])
    found = score(own)
    assert found.unanswered == 1 and found.accuracy.value == pytest.approx(2 / 3)
    assert confusion(own)[NAMES.index("SN"), -1] == 1
    assert own.table().set_index("object_id")["verdict"].to_dict()["object001"] == ""
    assert trust(own).bins.count.sum() == 2


def test_objects_without_a_known_class_are_not_scored():
    with pytest.raises(ValueError, match="labelled"):
        score(make_answers(["", "nonsense"], ["SN", "SN"]))


def test_curves_know_a_perfect_ranking_from_a_guess(rng):
    perfect = class_curves(make_answers(["SN", "CV"] * 10, ["SN", "CV"] * 10))
    assert [c.average_precision for c in perfect] == [1.0, 1.0]
    assert [c.roc_area for c in perfect] == [1.0, 1.0]
    labels = ["SN", "CV"] * 1000
    [guess, _] = class_curves(make_answers(labels, rng.choice(["SN", "CV"], 2000)))
    assert guess.roc_area == pytest.approx(0.5, abs=0.05)
    assert guess.average_precision == pytest.approx(guess.share, abs=0.05)


def test_a_calibrated_classifier_errs_as_much_as_chance_does(rng):
    right = rng.random(4000) < 0.8
    verdicts = np.where(right, "SN", "CV")
    honest = trust(make_answers(["SN"] * 4000, verdicts, sure=0.8))
    assert honest.error < 3 * honest.expected < 0.03
    boaster = trust(make_answers(["SN"] * 4000, verdicts, sure=0.999))
    assert boaster.error == pytest.approx(0.2, abs=0.02) and boaster.error > 10 * boaster.expected
    filled = honest.bins.count > 0
    assert (honest.low[filled] < honest.bins.accuracy[filled]).all()
    assert trust(make_answers(["SN"], [""])) is None


def test_bright_objects_and_objects_of_unknown_magnitude():
    labels = ["SN", "SN", "CV", "CV"]
    own = make_answers(labels, ["SN", "CV", "CV", "CV"], magnitude=[15.0, 19.0, 19.0, np.nan])
    bins = {b.label: (b.n, b.f1.value) for b in f1_by_magnitude(own)}
    assert bins == {"< 16": (1, 1.0), "18.5 – 19.5": (2, pytest.approx(1 / 3))}


def test_answers_are_taken_from_verdicts_after_some_nights():
    late = np.array([[0.9, 0.1, 0, 0, 0, 0]] * 2 + [[0.1, 0.9, 0, 0, 0, 0]])
    said = Verdicts(
        "taonet",
        "1.0",
        SIX_CLASSES,
        np.array(["b", "a", "c"]),
        np.array(["BZ", "", "AGN"]),
        (late, late[:1], np.empty((0, 6))),
        None,
        np.full(3, np.nan),
        np.zeros((3, 2), dtype=np.float32),
        np.array(["", "", "no frame is usable"]),
    )
    own = answers_of(said, {"b": 17.0})
    assert sorted(own.after) == [0, 1, 2]  # nobody was seen on four nights
    assert list(own.object_ids) == ["a", "c", "b"]  # by class, then by name
    assert own.verdicts(2).tolist() == [0, -1, 0] and own.verdicts().tolist() == [0, -1, 1]
    assert own.magnitude[2] == 17.0 and np.isnan(own.magnitude[:2]).all()
    assert score(own).accuracy.value == 0.5


def test_answers_of_a_benchmark_are_packed_and_read_again(frozen, tmp_path):
    """As `taonet benchmark --output` writes them: a table and the scores of each model."""
    rows = pd.read_parquet(FROZEN)
    rows = rows[rows["object_id"].isin(frozen["taonet"].object_ids[:40])]
    for model, own in rows.groupby("model"):
        own.to_parquet(tmp_path / f"{model}.parquet")
        shutil.copy(EXPECTED / f"{model}.json", tmp_path)
    pack_answers.main(tmp_path, tmp_path / "answers.parquet")
    again = frozen_answers(0.5, path=tmp_path / "answers.parquet")
    assert set(again) == set(frozen)
    first = frozen["forest"].select(np.arange(40))
    assert again["forest"].select(np.arange(40)).digest == first.digest


def test_missing_files_of_the_benchmark_are_one_sentence(tmp_path):
    with pytest.raises(TaoNetError, match="taonet benchmark"):
        frozen_answers(0.5, path=tmp_path / "answers.parquet")
    assert frozen_hash("mine") is None


def test_a_model_card_comes_without_its_title():
    assert "What it is" in model_card("taonet") and "# taonet" not in model_card("taonet")
