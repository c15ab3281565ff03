"""Labels on the command line, and in training."""

import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from taonet_core.cli import app
from taonet_core.data.annotations import Annotations
from taonet_core.data.catalog import load_catalog
from taonet_core.errors import TaoNetError
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.train import relabelled_catalog, train_model

FEW_TREES = {"trees": [5], "max_features": ["sqrt"]}


@pytest.fixture(autouse=True)
def database(monkeypatch, tmp_path):
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate_dataset(tmp_path_factory.mktemp("survey") / "set", per_class=6, seed=3)


def run(*arguments):
    return CliRunner().invoke(app, ["labels", *map(str, arguments)])


def test_labels_are_added_listed_exported_and_imported(tmp_path, monkeypatch):
    assert run("add", "a", "SN", "--author", "ann", "--confidence", "high").exit_code == 0
    assert run("add", "a", "CV", "--author", "ann", "--ra", "10.5", "--dec", "-3").exit_code == 0
    assert run("add", "b", "unsure", "--author", "bob", "--note", "=faint").exit_code == 0
    shown = pd.read_csv(io.StringIO(run("list").stdout))
    assert shown[["object_id", "label"]].to_numpy().tolist() == [["b", "unsure"], ["a", "CV"]]
    assert len(pd.read_csv(io.StringIO(run("list", "a", "--history").stdout))) == 2
    path = tmp_path / "labels.vot"
    assert "3 labels" in run("export", path, "--history").stderr
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert "3 of 3" in run("import", path).stderr
    assert "0 of 3" in run("import", path).stderr
    assert Annotations().history("b")[0].note == "=faint"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "a", "SNe"),
        ("add", "a", "SN", "--confidence", "0.9"),
        ("add", "a", "SN", "--dec", "100"),
        ("export", "labels.txt"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused(arguments):
    assert run(*arguments).exit_code == 2
    assert Annotations().history() == []


def test_what_cannot_be_done_is_one_sentence(monkeypatch, tmp_path):
    assert run("import", tmp_path / "none.csv").exit_code == 1
    monkeypatch.setenv("TAONET_DATABASE_URL", "postgresql://me:hidden@host:x/labels")
    for command in (("list",), ("add", "a", "SN"), ("export", tmp_path / "x.csv")):
        result = run(*command)
        assert result.exit_code == 1 and len(result.stderr.strip().splitlines()) == 1
        assert "hidden" not in result.stderr


def test_experts_go_before_the_labels_of_the_files(survey, tmp_path):
    catalog = load_catalog(survey).set_index("object_id")
    names = {label: list(catalog.index[catalog["label"] == label]) for label in ("SN", "CV", "AGN")}
    said = {names["SN"][0]: "CV", names["CV"][0]: "CV", names["AGN"][0]: "unsure"}
    for name, label in said.items():
        place = {"ra": catalog["ra"][name], "dec": catalog["dec"][name]}
        Annotations().add(name, label, author="ann", **place)
    elsewhere = {"ra": 0.0, "dec": -89.0}  # another object of the same name
    Annotations().add(names["SN"][1], "BZ", author="ann", **elsewhere)
    path = tmp_path / "labels.csv"
    Annotations().export(path)
    for source in ("database", path):
        found, _, counts = relabelled_catalog(survey, source)
        label = found.set_index("object_id")["label"]
        assert label[names["SN"][0]] == "CV" and label[names["SN"][1]] == "SN"
        assert names["AGN"][0] not in label and len(label) == len(catalog) - 1
        assert counts == {"confirmed": 1, "changed": 1, "added": 0, "dropped": 1}


def test_training_says_what_experts_changed(tmp_path, survey):
    name = load_catalog(survey).set_index("label")["object_id"]["SN"].iloc[0]
    path = tmp_path / "labels.csv"
    path.write_text(f"object_id,label\n{name},CV\n")
    said = []
    bundle = train_model(
        "forest",
        survey,
        output=tmp_path / "models",
        settings=FEW_TREES,
        workers=1,
        labels=path,
        on_progress=lambda stage, share, text: said.append(text),
    )
    assert "experts' labels: 1 changed, 0 added, 0 dropped as unsure, 0 confirmed" in said
    facts = json.loads((tmp_path / "models" / "forest.json").read_text())["training"]
    assert facts["experts_labels"]["changed"] == 1
    assert facts["objects"]["CV"] == 7 and bundle.name == "forest"


def test_a_table_of_labels_that_is_none_stops_the_training(survey, tmp_path):
    with pytest.raises(TaoNetError, match="cannot be read"):
        train_model("forest", survey, output=tmp_path / "models", labels=tmp_path / "none.csv")


def test_half_a_place_is_none():
    answer = run("add", "a", "SN", "--author", "ann", "--ra", "10.5")
    assert answer.exit_code == 2
    assert Annotations().count() == 0
