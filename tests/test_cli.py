"""The command line: columns, exit codes and what goes to which stream, with a small real model."""

import io
import json
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from typer.testing import CliRunner

from taonet_core import __version__, bulk_table, console
from taonet_core.bulk import LONG_COLUMNS, read_objects
from taonet_core.cli import app
from taonet_core.data.results import TABLE_COLUMNS
from taonet_core.fit import _Run
from taonet_core.labels import SIX_CLASSES
from taonet_core.recipes import RECIPES
from taonet_core.simulation.dataset import simulate_dataset

# What exists has these columns in this order; other programs read them.
WIDE = (
    "object_id,ra,dec,n_nights,mjd_last,class_name,p_AGN,p_BZ,p_CV,p_OTHER,p_SN,p_NON,"
    "model,model_version,error,error_code,flags,prediction_set,novelty"
)
LONG = "object_id,classifier_name,classifier_version,class_name,probability,ranking"


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows(text):
    return pd.read_csv(io.StringIO(text), keep_default_na=False, dtype={"model_version": str})


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Six simulated sequences, one a class."""
    folder = tmp_path_factory.mktemp("survey") / "data set"
    result = run("simulate", "--per-class", 1, "--seed", 5, "--output", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Sidecar of a small untrained network."""
    import torch

    from taonet_core.models.taonet import TAONet, TAONetConfig
    from taonet_core.models.weights import ModelBundle, save_model
    from taonet_core.transforms.preprocess import PreprocessConfig

    torch.manual_seed(0)
    config = TAONetConfig(widths=(4, 4, 4, 4), embedding=8, hidden=8)
    network = TAONet(config).eval()
    bundle = ModelBundle(
        "tiny", "0.0", "taonet", SIX_CLASSES, network, config, PreprocessConfig(), {}
    )
    return save_model(bundle, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    path = tmp_path_factory.mktemp("broken") / "page.fits"
    path.write_text("<html>404 not found</html>")
    return path


def sequences(folder):
    return sorted(folder.rglob("*.fits"))


def test_columns_are_as_published():
    assert ",".join(TABLE_COLUMNS) == WIDE
    assert ",".join(LONG_COLUMNS) == LONG


def test_predict_prints_csv_where_stdout_is_no_terminal(survey, tiny):
    result = run("predict", survey, "--model", tiny)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == WIDE
    table = rows(result.stdout)
    assert len(table) == 6
    chances = table[[f"p_{name}" for name in SIX_CLASSES]].to_numpy(dtype=float)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert table["class_name"].tolist() == [str(SIX_CLASSES[i]) for i in chances.argmax(axis=1)]
    assert (table["model"] == "tiny").all()
    assert (table["n_nights"] > 0).all()


def test_a_file_gives_the_same_verdict_alone_and_in_its_folder(survey, tiny):
    together = rows(run("predict", survey, "--model", tiny).stdout).set_index("object_id")
    alone = rows(run("predict", sequences(survey)[2], "--model", tiny).stdout)
    assert len(alone) == 1
    for name in SIX_CLASSES:
        row = together.loc[alone["object_id"][0]]
        assert alone[f"p_{name}"][0] == pytest.approx(row[f"p_{name}"], abs=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "parquet", "json", "vot"])
def test_every_output_format_holds_the_same_table(survey, tiny, broken, tmp_path, suffix):
    path = tmp_path / f"verdicts.{suffix}"
    one = sequences(survey)[0]
    result = run("predict", one, broken, "--model", tiny, "--output", path)
    assert (result.exit_code, result.stdout) == (3, "")
    read = {
        "csv": lambda: pd.read_csv(path),
        "parquet": lambda: pd.read_parquet(path),
        "json": lambda: pd.DataFrame(json.loads(path.read_text())),
        "ecsv": lambda: Table.read(path, format="ascii.ecsv").to_pandas(),
        "vot": lambda: Table.read(path, format="votable").to_pandas(),
    }
    table = read[suffix]()
    assert ",".join(table.columns) == WIDE
    assert len(table) == 2
    assert "page.fits" in table["object_id"][1]


def test_a_run_that_was_cut_off_goes_on_by_the_same_command(survey, tiny, tmp_path, monkeypatch):
    path, straight = tmp_path / "verdicts.csv", tmp_path / "straight.csv"
    command = ["predict", survey, "--model", tiny, "--trusted", "--output"]
    monkeypatch.setattr(bulk_table, "_BATCH", 2)
    with monkeypatch.context() as patch:
        patch.setattr(bulk_table, "write_table", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        result = run(*command, path)
    assert result.exit_code == 143
    assert "the same command goes on from there" in result.stderr
    refused = run(*command, path, "--symmetries")
    assert refused.exit_code == 1 and "E_OTHER_RUN" in refused.stderr
    result = run(*command, path, "--keep-journal")
    assert result.exit_code == 0 and "6 verdicts" in result.stderr
    assert "6 of them in an earlier run" in result.stderr
    assert "earlier run" not in run(*command, path, "--restart").stderr
    assert run(*command, straight).exit_code == 0
    assert path.read_bytes() == straight.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["straight.csv", "verdicts.csv"]


def test_a_light_curve_table_needs_the_forest(tiny, tmp_path):
    table = tmp_path / "curves.csv"
    table.write_text("object_id,mjd,mag,mag_err\n" + "".join(f"a,{i},18,0.1\n" for i in range(9)))
    result = run("predict", table, "--model", tiny)
    assert result.exit_code == 3
    assert rows(result.stdout)["object_id"].tolist() == ["a"]
    assert "forest" in result.stderr


def test_a_table_of_odd_columns_names_the_remedy_and_a_certain_one_is_read(tmp_path):
    odd, plain = tmp_path / "odd.csv", tmp_path / "plain.csv"
    odd.write_text("+/-,V_CSS (mag),when\n0.1,17,55000\n0.1,17.2,55001\n")
    plain.write_text("Star Name,HJD-2400000.5,mag,magerr\n" + "a,55000.25,17,0.1\n" * 2)
    [(_, error)] = read_objects(odd)
    assert "rename them to object_id, mjd, mag and mag_err" in str(error)
    [(name, curve)] = read_objects(plain)
    assert name == "a" and curve.times[0] == 55_000.25


def test_equal_warnings_are_merged_and_name_three_objects(capsys):
    console.say_warnings((name, ["Too red."]) for name in "abcd")
    assert capsys.readouterr().err == "4 x Too red. (a, b, c, …)\n"


def test_a_table_that_is_no_light_curve_is_named(tiny, tmp_path):
    (tmp_path / "notes.csv").write_text("when,what\n1,2\n")
    result = run("predict", tmp_path / "notes.csv", "--model", tiny)
    assert result.exit_code == 3
    assert rows(result.stdout)["object_id"].tolist() == ["notes.csv"]
    assert "mag_err" in result.stderr


def test_a_broken_input_is_a_row_and_a_line_on_stderr_and_stops_nothing(survey, tiny, broken):
    one = sequences(survey)[0]
    result = run("predict", broken, "nowhere.fits", one, "--model", tiny)
    assert result.exit_code == 3
    table = rows(result.stdout)
    assert table["object_id"][0].endswith("page.fits")
    assert table["object_id"][1].endswith("nowhere.fits")
    assert (table["error"].str.len() > 10).tolist() == [True, True, False]
    assert table["class_name"].tolist()[:2] == ["", ""]
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert "page.fits" in lines[0]
    assert "nowhere.fits" in lines[1]
    assert "Traceback" not in result.output


def test_predict_long_gives_one_row_a_class(survey, tiny, broken):
    result = run("predict", sequences(survey)[0], broken, "--model", tiny, "--long")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[0] == LONG
    table = rows(result.stdout)
    assert table["ranking"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["probability"].is_monotonic_decreasing


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["predict", "x.fits", "--model", "alexnet"],
        ["predict", "x.fits", "--output", "verdicts.xls"],
        ["simulate", "--per-class", "0", "--output", "x"],
        ["simulate", "--per-class", "1", "--output", "x", "--visibility", "1.5"],
        ["simulate", "--per-class", "1", "--output", "x", "--survey", "hubble"],
        ["train", "alexnet", "x", "--output", "y"],
        ["train", "taonet", "x", "--output", "y", "--set", "depth"],
        ["train", "taonet", "x", "--output", "y", "--set", "dropout=2"],
        ["train", "taonet", "x", "--output", "y", "--set", "n_classes=3"],
        ["train", "taonet-paper", "x", "--output", "y", "--set", "hidden=wide"],
        ["train", "forest", "x", "--output", "y", "--set", 'max_features=["half"]'],
        ["train", "taonet", "x", "--output", "y", "--time-budget", "0"],
        ["train", "taonet", "x", "--output", "y", "--precision", "half"],
        ["train", "taonet", "x", "--output", "y", "--workers", "0"],
        ["finetune", "alexnet", "x", "--output", "y"],
        ["finetune", "forest", "x", "--output", "y", "--per-class", "0"],
        ["conquer"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_touches_nothing(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_a_damaged_model_is_one_sentence(tiny, tmp_path):
    sidecar = tmp_path / "tiny.json"
    sidecar.write_bytes(tiny.read_bytes())
    weights = bytearray(tiny.with_suffix(".safetensors").read_bytes())
    weights[-1] ^= 1
    sidecar.with_suffix(".safetensors").write_bytes(weights)
    result = run("predict", "x.fits", "--model", sidecar)
    assert result.exit_code == 1
    assert "SHA-256" in result.stderr
    assert "Traceback" not in result.output


def test_evaluate_writes_what_it_shows(survey, tiny, tmp_path):
    result = run("evaluate", survey, "--model", tiny, "--output", tmp_path / "results")
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    wanted = "n classes macro_f1 macro_max_f1 per_class confusion model model_version data"
    assert set(wanted.split()) <= set(metrics)
    assert metrics["n"] == np.sum(metrics["confusion"]) == 6
    assert set(metrics["per_class"]["SN"]) >= {"precision", "recall", "f1", "max_f1"}
    assert f"{metrics['macro_f1']:.3f}" in result.stdout
    table = pd.read_parquet(tmp_path / "results" / "predictions.parquet")
    assert sorted(table["label"]) == sorted(map(str, SIX_CLASSES))


def test_evaluate_of_nothing_fails_in_one_sentence(tiny, tmp_path):
    result = run("evaluate", tmp_path, "--model", tiny)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.output


SMALL = ["--set", "widths=[4,4,4,4]", "--set", "embedding=8", "--set", "hidden=8"]


@pytest.fixture(scope="module")
def dozen(tmp_path_factory):
    """Six supernovae and six field sources."""
    folder = tmp_path_factory.mktemp("dozen")
    return simulate_dataset(folder, per_class=6, seed=6, classes=("SN", "NON"))


def train(data, output, *more):
    once = ["--epochs", 2, "--workers", 1, "--precision", "float32"]
    return run("train", "taonet", data, "--output", output, *once, *SMALL, *more)


def test_training_that_was_stopped_goes_on_and_ends_with_the_same_model(
    dozen, tmp_path, monkeypatch
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    result = train(dozen, whole)
    assert result.exit_code == 0, result.output
    assert "macro F1" in result.stderr
    save = _Run.save

    def save_and_stop(self):
        save(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "save", save_and_stop)
        assert train(dozen, stopped).exit_code != 0
    assert [path.name for path in stopped.iterdir()] == ["taonet.checkpoint.0"]
    result = train(dozen, stopped)
    assert result.exit_code == 0, result.output
    assert json.loads((stopped / "taonet.json").read_text())["stages"]["taonet"]["epochs"] == 2
    weights = [(folder / "taonet.safetensors").read_bytes() for folder in (whole, stopped)]
    assert weights[0] == weights[1]
    result = run("predict", sequences(dozen)[0], "--model", stopped / "taonet.json")
    assert result.exit_code == 0, result.output
    assert "another run" in train(dozen, stopped, "--seed", 1).stderr


def test_an_unexpected_value_error_in_training_is_no_wrong_usage(dozen, tmp_path, monkeypatch):
    def fail(job):
        raise ValueError("a fault of ours")

    monkeypatch.setitem(RECIPES, "taonet", fail)
    result = train(dozen, tmp_path)
    assert isinstance(result.exception, ValueError)
    assert result.exit_code == 1


def test_finetuning_says_what_it_gained_and_writes_a_model(survey, tiny, tmp_path):
    once = ["--epochs", 1, "--workers", 1, "--output", tmp_path]
    result = run("finetune", tiny, survey, *once)
    assert result.exit_code == 0, result.output
    assert "every object was learnt from" in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "tiny-finetuned.json",
        "tiny-finetuned.safetensors",
        "tiny-finetuned.split.csv",
    }


def test_training_on_nothing_fails_in_one_sentence(tmp_path):
    result = run("train", "forest", tmp_path, "--output", tmp_path / "models")
    assert result.exit_code == 3
    assert "Traceback" not in result.output


def test_index_counts_the_objects_of_each_class(survey):
    result = run("index", survey)
    assert result.exit_code == 0
    assert "6 objects" in result.stderr
    assert all(f"1 {name}" in result.stderr for name in SIX_CLASSES)


def test_the_same_seed_simulates_the_same_files(survey, tmp_path):
    run("simulate", "--per-class", 1, "--seed", 5, "--output", tmp_path / "again")
    one, two = sequences(survey), sequences(tmp_path / "again")
    assert [p.name for p in one] == [p.name for p in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_info_says_what_is_installed(tiny, monkeypatch):
    monkeypatch.setattr("taonet_core.models.weights.WEIGHTS_FOLDER", tiny.parent)
    result = run("info")
    assert result.exit_code == 0
    sidecar = json.loads(tiny.read_text())
    for fact in (__version__, tiny.parent, "tiny 0.0", sidecar["sha256"], " ".join(SIX_CLASSES)):
        assert str(fact) in result.stdout


def test_help_is_quick():
    def seconds():  # of the processor, since the clock on the wall knows the neighbours too
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    start = seconds()
    subprocess.run([sys.executable, "-m", "taonet_core", "--help"], check=True, capture_output=True)
    assert seconds() - start < 0.5


@pytest.mark.parametrize("command", ["index"])
def test_commands_that_need_no_network_load_no_torch(command, survey):
    script = (
        "import sys; from typer.testing import CliRunner; from taonet_core.cli import app;"
        f"result = CliRunner().invoke(app, [{command!r}, {str(survey)!r}]);"
        "assert result.exit_code == 0, result.output; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
