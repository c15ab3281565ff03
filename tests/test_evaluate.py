"""Evaluation counts what was asked, admits what it left out, and can be recomputed later."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from taonet_core.bulk import LONG_COLUMNS, prediction_table
from taonet_core.data.results import TABLE_COLUMNS, Prediction
from taonet_core.errors import InvalidSequenceError, TaoNetError
from taonet_core.evaluate import evaluate
from taonet_core.labels import FIVE_CLASSES, SIX_CLASSES


def prediction(name, label, verdict, classes=SIX_CLASSES):
    rng = np.random.default_rng(sum(map(ord, name)))
    probabilities = rng.dirichlet(np.ones(len(classes)), 3)
    last = np.where([c == verdict for c in classes], 1.0, 0.1)
    probabilities[-1] = last / last.sum()
    meta = {"object_id": name, "label": label, "ra": 10.0, "dec": -5.0}
    return Prediction(
        probabilities, 53000.0 + np.arange(3), classes, "toy", "1.0", np.arange(3), meta
    )


@pytest.fixture
def answers(monkeypatch):
    """Stand in for reading and classifying: what `evaluate` sees is what the test appends."""
    results = []
    monkeypatch.setattr("taonet_core.evaluate.read_objects", lambda data, trusted: iter(results))
    monkeypatch.setattr("taonet_core.evaluate.classify", lambda objects, model: objects)
    return results


def toy(classes=SIX_CLASSES):
    return SimpleNamespace(name="toy", version="1.0", classes=classes)


def test_metrics_can_be_recomputed_from_the_table(answers, tmp_path):
    rng = np.random.default_rng(2)
    for i in range(60):
        label, other = rng.choice(SIX_CLASSES, 2)
        answers.append((f"o{i}", prediction(f"o{i}", label, label if i % 3 else other)))
    evaluate("somewhere", toy()).write(tmp_path / "results")
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    table = pd.read_parquet(tmp_path / "results" / "predictions.parquet")
    truth, verdicts = table["label"], table["class_name"]
    assert metrics["n"] == len(table) == 60
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, verdicts, average="macro"))
    found = confusion_matrix(truth, verdicts, labels=metrics["classes"])
    assert metrics["confusion"] == found.tolist()
    chances = table[[f"p_{name}" for name in metrics["classes"]]]
    assert (np.array(metrics["classes"])[chances.to_numpy().argmax(1)] == verdicts).all()
    assert (metrics["model"], metrics["model_version"], metrics["data"]) == (
        "toy",
        "1.0",
        "somewhere",
    )


def test_what_is_left_out_is_counted_and_explained(answers):
    answers += [
        ("a", prediction("a", "SN", "SN", FIVE_CLASSES)),
        ("b", InvalidSequenceError("b: no frames")),
        ("c", prediction("c", "NON", "SN", FIVE_CLASSES)),
        ("d", prediction("d", "", "SN", FIVE_CLASSES)),
    ]
    result = evaluate("somewhere", toy(FIVE_CLASSES))
    assert (result.metrics["n"], result.metrics["n_failed"]) == (1, 3)
    assert result.metrics["macro_f1"] == 1.0
    errors = dict(zip(result.predictions["object_id"], result.predictions["error"], strict=True))
    assert errors["a"] == ""
    assert errors["b"] == "b: no frames"
    assert "'NON'" in errors["c"]
    assert "no label" in errors["d"]


def test_nothing_to_score_says_why(answers):
    answers.append(("b", InvalidSequenceError("b: no frames")))
    with pytest.raises(TaoNetError, match="none could be scored: b: no frames"):
        evaluate("somewhere", toy())


def test_every_object_is_reported_as_it_is_done(answers):
    answers += [(n, prediction(n, "SN", "SN")) for n in "abc"] + [("d", TaoNetError("no"))]
    done = []
    evaluate("somewhere", toy(), on_object=lambda: done.append(1))
    assert len(done) == 4


def test_the_long_table_ranks_every_class_of_every_classified_object():
    results = [("a", prediction("a", "SN", "CV")), ("b", TaoNetError("broken"))]
    table = prediction_table(results, long=True)
    assert tuple(table.columns) == LONG_COLUMNS
    assert table["ranking"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["class_name"][0] == "CV"
    assert table["probability"].is_monotonic_decreasing
    assert table["probability"].sum() == pytest.approx(1.0)


def test_the_wide_table_has_a_row_for_every_input():
    results = [("a", prediction("a", "SN", "CV")), ("b", TaoNetError("broken"))]
    table = prediction_table(results)
    assert tuple(table.columns) == TABLE_COLUMNS
    assert table["error"].tolist() == ["", "broken"]
    assert table["n_nights"].tolist() == [3, 0]
