"""The benchmark draws what was frozen, asks early and late, and bounds what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from benchmarks.tao_sim_table import MARK, PAGE, tables
from taonet_core import console
from taonet_core.benchmark import AFTER_NIGHTS, EXPECTED, disagreements, run_benchmark
from taonet_core.cli import app
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import night_index
from taonet_core.errors import TaoNetError
from taonet_core.inference import predict
from taonet_core.judging.scores import compare_models, score_model
from taonet_core.labels import SIX_CLASSES
from taonet_core.metrics import f1_of_draws, max_f1, max_f1_of_draws, stratified_draws
from taonet_core.models.taonet import TAONet, TAONetConfig
from taonet_core.models.weights import ModelBundle, load_model, save_model
from taonet_core.simulation import tao_sim
from taonet_core.transforms.preprocess import PreprocessConfig

CHANCES = [f"p_{name}" for name in SIX_CLASSES]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[str]:
    """Save two small untrained networks."""
    folder = tmp_path_factory.mktemp("weights")
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    paths = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = TAONet(config).eval()
        bundle = ModelBundle(
            f"tiny{seed}", "0", "taonet", SIX_CLASSES, network, config, PreprocessConfig()
        )
        paths.append(str(save_model(bundle, folder)))
    return paths


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Draw the first object of every class, at both visibilities."""
    folder = tmp_path_factory.mktemp("set")
    tao_sim.draw_set(folder, per_class=1)
    return folder


@pytest.fixture(scope="module")
def measured(models, drawn):
    return run_benchmark(models, drawn, per_class=1)


def paths_of(drawn: Path) -> list[Path]:
    return sorted(drawn.rglob("*.fits"))


def test_every_model_answers_for_every_object_at_every_time(measured, drawn) -> None:
    answers = measured.answers
    assert len(answers) == 2 * len(paths_of(drawn)) * len(AFTER_NIGHTS)
    np.testing.assert_allclose(answers[CHANCES].sum(axis=1), 1, atol=1e-6)
    assert not answers.duplicated(["model", "visibility", "object_id", "after_nights"]).any()
    assert answers["discovery_mag"].between(10, 24).all()


def test_an_early_answer_is_that_of_the_early_nights(measured, models, drawn) -> None:
    path = paths_of(drawn)[0]
    sequence = read_sequence(path)
    early = sequence.select(night_index(sequence.times) < 4)
    said = measured.answers.query("object_id == @path.stem and after_nights == 4").iloc[0]
    expected = predict(early, load_model(models[0])).probabilities[-1]
    np.testing.assert_allclose(said[CHANCES].to_numpy(float), expected, atol=1e-5)


def test_what_is_there_is_not_drawn_again(models, drawn) -> None:
    before = {path: path.stat().st_mtime_ns for path in paths_of(drawn)}
    stages = []
    run_benchmark(models[:1], drawn, per_class=1, on_object=lambda stage, *_: stages.append(stage))
    assert set(stages) == {"classified"}
    assert {path: path.stat().st_mtime_ns for path in paths_of(drawn)} == before


def test_another_set_is_refused(models, drawn, monkeypatch) -> None:
    monkeypatch.setattr(tao_sim, "PER_CLASS", 1)  # as if the first objects were the whole set
    own: dict[str, dict[str, str]] = {}
    for shard in tao_sim.draw_set(drawn, per_class=1):
        digest = tao_sim.sequence_digest(read_sequence(shard.paths[0]))
        own.setdefault(str(shard.visibility), {})[shard.label] = tao_sim.joint_digest([digest])
    monkeypatch.setattr(tao_sim, "frozen_digests", lambda: own)
    run_benchmark(models[:1], drawn, per_class=1)
    own["0.5"]["SN"] = own["0.5"]["CV"]
    with pytest.raises(TaoNetError, match=r"SN of TAO-Sim v1 at visibility 0\.5 differ"):
        run_benchmark(models[:1], drawn, per_class=1)
    run_benchmark(models[:1], drawn, per_class=1, verify=False)


def test_a_digest_sees_one_pixel_and_one_second_but_not_the_order(make_sequence) -> None:
    sequence = make_sequence()
    frames = sequence.frames.copy()
    frames[0, 0, 0] += 1
    changed = sequence.with_frames(frames)
    later = replace(sequence, times=sequence.times + 1 / 86400)
    digests = [tao_sim.sequence_digest(s) for s in (sequence, changed, later)]
    assert len(set(digests)) == 3
    assert tao_sim.joint_digest(digests) == tao_sim.joint_digest(digests[::-1])
    assert tao_sim.joint_digest(digests) != tao_sim.joint_digest(digests[:2])


def test_a_model_that_learned_from_the_set_is_refused(models, tmp_path) -> None:
    bundle = load_model(models[0])
    learned = replace(bundle, sidecar={"training": {"data": {"seed": tao_sim.SEED}}})
    path = save_model(learned, tmp_path)
    with pytest.raises(TaoNetError, match="trained on data drawn with seed"):
        run_benchmark([str(path)], tmp_path, per_class=1)


def test_objects_on_the_places_of_training_are_left_out(models, drawn, tmp_path) -> None:
    [path] = tao_sim.draw_set(drawn, per_class=1)[0].paths
    (tmp_path / path.name).symlink_to(path)
    result = run_benchmark(models[:1], drawn, per_class=1, training_data=[tmp_path])
    assert path.stem not in set(result.answers["object_id"])
    assert result.answers["object_id"].nunique() >= len(SIX_CLASSES) - 1


def test_what_is_written_can_be_held_against_a_later_run(measured, tmp_path) -> None:
    measured.write(tmp_path)
    assert list(disagreements(measured.results, tmp_path)) == [
        "tiny0: as expected",
        "tiny1: as expected",
    ]
    other = json.loads((tmp_path / "tiny0.json").read_text())
    other["visibility"]["1.0"]["macro_f1"]["value"] += 0.1
    (tmp_path / "tiny0.json").write_text(json.dumps(other))
    (tmp_path / "tiny1.json").unlink()
    said = list(disagreements(measured.results, tmp_path))
    assert "expected macro F1" in said[0] and "visibility 1.0" in said[0]
    assert said[1] == "tiny1: no expected score is written down"
    other["sha256"] = "0" * 64
    (tmp_path / "tiny0.json").write_text(json.dumps(other))
    assert "other weights" in next(disagreements(measured.results, tmp_path))
    table = pd.read_parquet(tmp_path / "tiny0.parquet")
    assert set(table["model"]) == {"tiny0"}


def test_the_tables_fit_a_narrow_terminal(measured, capsys) -> None:
    for table in console.benchmark_tables(measured.results, measured.comparisons):
        console.show(table)
    text = capsys.readouterr().out
    assert "tiny0 after 8 nights - tiny1" in text and "…" not in text


def test_an_unknown_model_is_wrong_usage(tmp_path) -> None:
    result = CliRunner().invoke(app, ["benchmark", "--model", "none", "--data", str(tmp_path)])
    assert result.exit_code == 2 and "no model named" in result.output


def answers_of(rng: np.random.Generator, right: float, model: str) -> pd.DataFrame:
    """Answers of a classifier that is right so often, and never before the second night."""
    rows = []
    for k, label in enumerate(SIX_CLASSES):
        for i in range(50):
            for nights in AFTER_NIGHTS:
                chances = rng.dirichlet(np.ones(6))
                if rng.random() < right:
                    chances = np.eye(6)[k]
                if nights == 1:
                    chances = np.full(6, np.nan)
                about = {"model": model, "visibility": 1.0, "object_id": f"{i}", "label": label}
                about |= {"discovery_mag": 15.0 + i / 10, "after_nights": nights}
                rows.append(about | dict(zip(CHANCES, chances, strict=True)))
    return pd.DataFrame(rows)


def test_scores_are_those_of_scikit_learn_inside_their_intervals(rng) -> None:
    answers = answers_of(rng, 0.6, "m")
    scores = score_model(answers)["visibility"]["1.0"]
    last = answers[answers["after_nights"] == 0]
    verdicts = np.array(SIX_CLASSES)[last[CHANCES].to_numpy().argmax(1)]
    expected = f1_score(last["label"], verdicts, average=None, labels=list(SIX_CLASSES))
    found = [scores["per_class"][name]["f1"] for name in SIX_CLASSES]
    np.testing.assert_allclose([f["value"] for f in found], expected, atol=1e-4)
    assert scores["macro_f1"]["value"] == pytest.approx(expected.mean(), abs=1e-4)
    assert all(f["low"] < f["value"] < f["high"] for f in [*found, scores["macro_f1"]])
    assert scores["after_nights"]["1"]["value"] == 0  # no answer is a wrong answer
    assert sum(b["n"] for b in scores["by_magnitude"]) == scores["n"] == 300
    assert np.sum(scores["confusion"]) == 300


def test_a_clear_difference_is_clear_and_none_is_none(rng) -> None:
    good, bad = answers_of(rng, 0.9, "good"), answers_of(rng, 0.3, "bad")
    same = good.assign(model="same")
    table = compare_models(pd.concat([good, bad, same]), ["good", "bad", "same"])["1.0"]
    assert table["good - bad"]["low"] > 0.2
    assert table["good - same"] == {"value": 0, "low": 0, "high": 0}
    assert table["good after 8 nights - bad"]["low"] > 0


def test_samples_keep_the_size_of_each_class(rng) -> None:
    strata = np.repeat(["a", "b"], [30, 70])
    draws = stratified_draws(strata, rng=rng, repeats=20)
    assert (draws[:, :30].sum(1) == 30).all() and (draws[:, 30:].sum(1) == 70).all()
    assert len(np.unique(draws, axis=0)) == 20


def test_the_f1_of_a_sample_is_that_of_its_objects(rng) -> None:
    truth, verdicts = rng.integers(0, 3, (2, 60))
    scores = np.round(rng.random(60), 1)  # many ties
    draws = stratified_draws(truth, rng=rng, repeats=5)
    for draw, f1, best in zip(
        draws,
        f1_of_draws(draws, truth, verdicts, 3),
        max_f1_of_draws(draws, truth == 1, scores),
        strict=True,
    ):
        chosen = np.repeat(np.arange(60), draw.astype(int))
        expected = f1_score(truth[chosen], verdicts[chosen], average=None, labels=[0, 1, 2])
        np.testing.assert_allclose(f1, expected)
        assert best == pytest.approx(max_f1(truth[chosen] == 1, scores[chosen]))


def test_the_simulator_still_draws_the_frozen_set(drawn) -> None:
    for shard in tao_sim.draw_set(drawn, per_class=1):
        digest = tao_sim.joint_digest([tao_sim.sequence_digest(read_sequence(shard.paths[0]))])
        known = tao_sim.frozen_digests("first_objects")[str(shard.visibility)]
        assert digest == known[shard.label], f"another {shard.label} than on the day of freezing"


def test_the_page_shows_the_stored_results() -> None:
    assert PAGE.read_text("utf-8").endswith(f"{MARK}\n\n{tables(EXPECTED)}")
