"""One object, three roads: upload, command line and Python give the same probabilities."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from taonet_core import TaoNetError, load_model, predict, read_sequence
from taonet_core.cli import app
from taonet_core.data.delivery import read_delivery
from taonet_core.data.intake import NamedBytes, sort_out
from taonet_core.labels import SIX_CLASSES
from taonet_core.objects.collection import gather
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.simulation.dataset import simulate_dataset

MODELS = ("taonet", "taonet-paper", "forest")
ZTF = (
    "ZTF18adljlvp",  # three points in its better filter: too few for the forest
    "ZTF19abegmle",
    "ZTF20abfcszi",
    "ZTF21abiuvdk",
    "ZTF22aakyeps",
    "ZTF25abixhdc",
)


def verdict(sequence, bundle):
    """Return the probabilities, or the sentence that says why there are none."""
    try:
        return predict(sequence, bundle).final()
    except TaoNetError as error:
        return str(error)


def by_upload(files, bundle):
    """Go by a collection and the store of verdicts, as the pages do."""
    uploaded = [NamedBytes(file.name, file.read_bytes()) for file in files]
    collection = gather(read_delivery(sort_out(uploaded), []), name="upload", title="")
    store = VerdictStore()
    store.fill(collection, [bundle])
    said = store.verdicts(collection, bundle)
    return str(said.errors[0]) or dict(zip(bundle.classes, said.final[0], strict=True))


def by_command_line(path, bundle, tmp_path):
    output = tmp_path / f"{bundle.name}.parquet"
    result = CliRunner().invoke(
        app, ["predict", str(path), "--model", bundle.name, "--output", str(output)]
    )
    [row] = pd.read_parquet(output).to_dict("records")
    assert result.exit_code == (3 if row["error"] else 0), result.output
    return row["error"] or {name: row[f"p_{name}"] for name in SIX_CLASSES}


def check_roads(path, files, model, tmp_path):
    bundle = load_model(model)
    expected = verdict(read_sequence(path), bundle)
    for found in (by_upload(files, bundle), by_command_line(path, bundle, tmp_path)):
        if isinstance(expected, str):
            assert found == expected
        else:
            assert found == pytest.approx(expected, abs=1e-6)
    return expected


@pytest.mark.parametrize("model", MODELS)
def test_a_sequence_of_the_release_layout(model, tmp_path):
    simulate_dataset(tmp_path, per_class=1, seed=77, classes=["SN"])
    [path] = tmp_path.rglob("*.fits")
    assert sum(check_roads(path, [path], model, tmp_path).values()) == pytest.approx(1.0)


@pytest.mark.data
@pytest.mark.parametrize("name", ZTF)
@pytest.mark.parametrize("model", MODELS)
def test_a_real_ztf_sequence(model, name, real_data, tmp_path):
    folder = real_data / "ztf" / "sequences" / name
    files = [*sorted(folder.glob("*.fits.gz")), folder.parent / "frames.csv"]
    found = check_roads(folder, files, model, tmp_path)
    if (model, name) == ("forest", "ZTF18adljlvp"):
        assert "needs at least 5 measurements" in found
    else:
        assert sum(found.values()) == pytest.approx(1.0)
