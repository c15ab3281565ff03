"""Performance and Compare, from app.py: on the benchmark, on a data set, without labels."""

import json
from pathlib import Path

import browser
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._evaluation import answers as evaluation
from pages._ui import Key
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.judging.answers import frozen_answers
from taonet_core.judging.performance import score
from taonet_core.models import weights
from taonet_core.objects.collection import gather

APP = Path(__file__).resolve().parents[1] / "app.py"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Place of the demo set, and weights of three small models."""
    place = tmp_path_factory.mktemp("weights")
    browser.small_models(place)
    return tmp_path_factory.mktemp("demo"), place


@pytest.fixture
def app(folders, monkeypatch):
    monkeypatch.setattr(data, "ROOT", folders[0])
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folders[1])
    ui.bundle.clear()
    yield AppTest.from_file(str(APP), default_timeout=60)
    ui.bundle.clear()


def opened(app, page, **address):
    app.query_params.update(address)
    return app.switch_page(f"pages/{page}.py").run()


def texts(app):
    kinds = (app.title, app.caption, app.subheader, app.markdown, app.text, app.error, app.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def shown(app, name):
    """Return what a component was given."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [p for p in protos if p.component_name == name]
    return json.loads(found[0].json or found[0].mixed.json) if found else None


def healthy(app):
    return not app.exception and "Traceback" not in texts(app)


def cells(app):
    matrix = shown(app, "taonet_matrix")
    return {
        (row, column): cell["count"]
        for row, line in zip(matrix["rows"], matrix["cells"], strict=True)
        for column, cell in zip(matrix["columns"], line, strict=True)
    }


def test_performance_opens_on_the_benchmark_and_says_that_it_is_simulated(app):
    page = opened(app, "performance")
    assert healthy(page)
    value = score(frozen_answers(0.5)["taonet"]).macro_f1.value
    assert page.metric[0].value == f"{value:.3f}"
    assert "1,800 simulated objects" in texts(page)
    assert sum(cells(page).values()) == 1800
    assert len(page.get("plotly_chart")) == 6
    assert page.query_params["set"] == "tao-sim-v1-0.5"
    assert "Images of this set are not kept here" in texts(page)
    assert "demo set instead" in " ".join(link.proto.label for link in page.get("page_link"))


def test_performance_lists_the_objects_of_a_cell_whose_images_are_not_here(app):
    page = opened(
        app, "performance", truth="SN", verdict="NON", set="tao-sim-v1-0.5", model="forest"
    )
    count = cells(page)["SN", "NON"]
    assert healthy(page) and count > 0
    listed = page.dataframe[0].value
    assert len(listed) == count
    assert set(listed["label"]) == {"SN"} and set(listed["verdict"]) == {"NON"}
    assert "images are not kept here" in texts(page)
    assert page.query_params["verdict"] == "NON"


def test_performance_of_a_data_set_asks_the_chosen_model(app):
    page = opened(app, "performance", data="demo", set="demo", model="taonet-paper")
    assert healthy(page)
    assert sum(cells(page).values()) == 6 and "6 simulated objects" in texts(page)
    page.selectbox(Key.MODEL).set_value("taonet").run()
    assert healthy(page) and page.query_params["model"] == "taonet"
    page.button_group(Key.SHARES).set_value("by row").run()
    assert healthy(page)
    assert shown(page, "taonet_matrix")["cells"][0][0]["text"].strip(" %0123456789") == ""


@pytest.mark.parametrize("page", ["performance", "compare"])
def test_an_odd_address_does_no_harm(app, page):
    odd = dict.fromkeys(("set", "model", "truth", "verdict", "show", "a", "b", "va", "vb"), "<x>")
    assert healthy(opened(app, page, **odd))


def test_performance_without_labels_says_what_is_missing(app, make_sequence):
    bare = ImageSequence(make_sequence().frames, make_sequence().times, meta={"object_id": "mine"})
    app.session_state[Key.COLLECTION] = gather([("mine", bare)], name="upload", title="Your upload")
    app.session_state[Key.STORE] = data.VerdictStore()
    page = opened(app, "performance", set="upload")
    assert healthy(page) and shown(page, "taonet_matrix") is None
    assert "nothing can be scored" in texts(page)
    page = opened(app, "compare", set="upload")
    assert healthy(page)
    assert "where the two agree, not who is right" in texts(page)
    assert sum(cells(page).values()) == 1


def test_performance_of_a_labelled_upload_can_ask_every_classifier(app, make_sequence):
    found = [("mine", make_sequence(label=name, object_id=name)) for name in ("SN", "CV")]
    collection = gather(found, name="upload", title="Your upload")
    app.session_state[Key.COLLECTION] = collection
    app.session_state[Key.STORE] = data.VerdictStore()
    page = opened(app, "performance", data="upload")
    assert healthy(page) and page.query_params["set"] == "upload"
    assert sum(cells(page).values()) == 2 and "of 2 objects" in texts(page)
    assert "only 1 CV, 1 SN" in texts(page)
    page.button(f"ask-everyone-{collection.key}").click().run()
    assert healthy(page)
    chart = next(c.proto for c in page.get("plotly_chart") if "nights" in c.proto.id)
    assert all(name in chart.spec for name in ("taonet", "forest", "taonet-paper"))


def test_performance_without_the_stored_answers_is_one_sentence(app, monkeypatch):
    def missing(visibility):
        raise TaoNetError("the answers on TAO-Sim v1 were looked for and are not here")

    evaluation.frozen.clear()
    monkeypatch.setattr(evaluation, "frozen_answers", missing)
    page = opened(app, "performance")
    assert healthy(page) and "are not here" in page.error[0].value
    page.selectbox(Key.TEST_SET).set_value("demo").run()
    assert healthy(page) and sum(cells(page).values()) == 6


def test_compare_finds_the_objects_of_a_pair_of_verdicts(app):
    page = opened(app, "compare", a="taonet", b="taonet-paper")
    assert healthy(page)
    counts = cells(page)
    assert sum(counts.values()) == 6
    one, two, both, neither = (int(metric.value.rstrip(" %")) for metric in page.metric)
    assert one + two - both + neither == pytest.approx(100, abs=2)  # percent, each rounded
    (one, two), count = max(counts.items(), key=lambda item: item[1])
    page.selectbox(Key.VERDICT_A).set_value(one).run()
    page.selectbox(Key.VERDICT_B).set_value(two).run()
    assert healthy(page)
    assert len(shown(page, "taonet_gallery")["cards"]) == count
    assert (page.query_params["va"], page.query_params["vb"]) == (one, two)
    assert shown(page, "taonet_matrix")["chosen"] == [one, two]


def test_compare_on_the_benchmark_tells_the_models_apart(app):
    page = opened(app, "compare", set="tao-sim-v1-0.5", va="SN", vb="CV")
    assert healthy(page)
    assert "taonet is right more often here" in texts(page)
    assert len(page.dataframe[0].value) == cells(page)["SN", "CV"]


def test_compare_shows_one_object_side_by_side(app):
    name = opened(app, "browse") and data.open_named("demo").catalog["object_id"].iloc[1]
    page = opened(app, "compare", object=name)
    assert healthy(page)
    viewer = shown(page, "taonet_epoch_viewer")
    assert viewer["payload"]["object"]["name"] == name
    assert [model["model"] for model in viewer["payload"]["models"]] == ["taonet", "forest"]
    assert viewer["overlay"]["model"] == "taonet"
    assert "taonet says" in texts(page) and "forest says" in texts(page)


def test_compare_asks_about_one_object_of_a_set_classified_in_part(app, make_sequence, monkeypatch):
    items = [(name, make_sequence(object_id=name)) for name in ("asked", "new", "other")]
    collection, kept = gather(items, name="upload", title="Your upload"), data.VerdictStore()
    bundles = [ui.bundle(name) for name in ("taonet", "forest")]
    kept.fill(collection, bundles, object_ids=["asked"])
    app.session_state[Key.COLLECTION], app.session_state[Key.STORE] = collection, kept
    monkeypatch.setattr(_verdicts, "UNASKED", 0)
    page = opened(app, "compare", set="upload", object="new")
    assert healthy(page)
    assert "taonet says" in texts(page) and "forest says" in texts(page)
    assert kept.missing(collection, bundles[0]) == ["other"]  # nobody asked for that one


def test_compare_with_an_unknown_object_or_one_model(app, folders, tmp_path, monkeypatch):
    page = opened(app, "compare", object="../../etc/passwd")
    assert healthy(page) and page.error
    for path in folders[1].glob("taonet.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", tmp_path)
    ui.bundle.clear()
    page = opened(app, "compare", object="", a="", b="")
    assert healthy(page) and "Two classifiers are needed" in texts(page)
