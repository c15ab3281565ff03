"""The Misclassified page and the label bar: what is listed, walked through, said and kept."""

import json
from pathlib import Path

import browser
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from taonet_core.data.annotations import Annotations
from taonet_core.models import weights
from taonet_core.objects.collection import gather
from taonet_core.objects.overview import overview_table
from taonet_core.objects.verdict_store import VerdictStore

APP = Path(__file__).resolve().parents[1] / "app.py"
PAGE = "pages/misclassified.py"


@pytest.fixture
def start(folders, monkeypatch, tmp_path):
    """Return a function that opens the page with what the address holds."""
    monkeypatch.setattr(data, "ROOT", folders[0])
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folders[1])
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")
    ui.bundle.clear()

    def opened(collection=None, **query):
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        if collection is not None:
            app.query_params["data"] = "upload"
            app.session_state[ui.Key.COLLECTION] = collection
            app.session_state[ui.Key.STORE] = VerdictStore()
        app.session_state[ui.Key.AUTHOR] = "ann"
        app.switch_page(PAGE).run()
        assert not app.exception
        return app

    yield opened
    ui.bundle.clear()


def texts(app):
    kinds = (app.title, app.subheader, app.caption, app.text, app.markdown, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def component(app, name):
    """Return what a component was given, if it is on the page."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [proto for proto in protos if proto.component_name == name]
    return json.loads(found[0].json or found[0].mixed.json) if found else None


def cards(app):
    return (component(app, "taonet_gallery") or {"cards": []})["cards"]


def unlabelled(make_sequence):
    """Return three objects without labels, a degree from each other."""
    items = [(f"o{i}", make_sequence(object_id=f"o{i}", label=None, ra=10.0 + i)) for i in range(3)]
    return gather(items, name="upload", title="Your upload")


def overview():
    """Return what the page lists from; pages keep it by session, and here is none."""
    collection, bundle = data.open_named(data.DEMO), ui.bundle("taonet")
    store = _verdicts.store(collection)
    store.fill(collection, [bundle])
    said = [store.verdicts(collection, bundle)]
    return overview_table(collection.catalog, store.facts(collection), said)


def test_wrong_verdicts_are_shown_the_most_certain_first(start):
    app = start()
    known = overview()
    wrong = known[~known["right_taonet"].astype(bool)]
    assert 2 <= len(wrong) < 6
    wrong = wrong.sort_values("confidence_taonet", ascending=False)
    assert [card["id"] for card in cards(app)] == list(wrong["object_id"])
    assert f"{len(wrong)} wrong verdicts of taonet among 6 labelled objects" in texts(app)
    for card in cards(app):
        assert card["verdict"]["class"] != card["truth"] and card["arrow"]
        assert "novelty" not in card["facts"]  # the model is not calibrated: nothing is known


def test_each_error_stands_beside_one_that_is_right(start):
    app = start()
    right = set(overview().query("right_taonet")["object_id"])
    assert right and all(card["beside"]["id"] in right for card in cards(app))


def test_an_address_filters_and_bad_parts_are_said(start):
    start()
    known = overview()
    wrong = known[~known["right_taonet"].astype(bool)]
    truth, verdict = wrong.iloc[0][["label", "verdict_taonet"]]
    app = start(truth=truth, verdict=verdict, model="taonet", nights="x")
    fits = wrong[(wrong["label"] == truth) & (wrong["verdict_taonet"] == verdict)]
    assert {card["id"] for card in cards(app)} == set(fits["object_id"])
    assert "nights: wanted two ends" in app.warning[0].value.replace("\\", "")
    app.button("mistakes-clear").click().run()
    assert len(cards(app)) == len(wrong)
    assert "truth" not in app.query_params


def test_filters_write_themselves_into_the_address(start):
    app = start()
    total = len(cards(app))
    truth = cards(app)[0]["truth"]
    app.pills("mistakes-truths").set_value([truth]).run()
    assert app.query_params["truth"] in (truth, [truth])
    assert 0 < len(cards(app)) < total
    app.toggle("mistakes-hide").set_value(True).run()
    assert app.query_params["expert"] in ("unlabelled", ["unlabelled"])


def test_the_filter_of_ones_own_labels_says_whose_they_are(start):
    app = start(expert="unlabelled")
    assert app.button("mistakes-drop-experts").label == "not labelled by you"


def test_what_a_second_classifier_says_later_counts(start, make_sequence, tmp_path, monkeypatch):
    browser.small_models(tmp_path)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", tmp_path)
    monkeypatch.setattr(_verdicts, "UNASKED", 0)
    ui.bundle.clear()
    collection = unlabelled(make_sequence)
    app = start(collection)
    kept = app.session_state[ui.Key.STORE]
    kept.fill(collection, [ui.bundle("taonet")])
    assert not any("disagree" in card["facts"] for card in cards(app.run()))
    kept.fill(collection, [ui.bundle("forest")])
    said = [kept.verdicts(collection, ui.bundle(name)).verdict for name in ("taonet", "forest")]
    shown = [card["id"] for card in cards(app.run()) if "disagree" in card["facts"]]
    assert sorted(shown) == collection.catalog["object_id"][said[0] != said[1]].tolist() != []


def test_verdicts_that_are_right_are_sent_to_browse(start):
    start()
    right = overview().query("right_taonet").iloc[0]["label"]
    app = start(truth=right, verdict=right)
    assert not cards(app) and "These verdicts are right" in texts(app)


def test_a_walk_labels_and_keeps_its_place(start):
    names = [card["id"] for card in cards(start())]
    app = start(object=names[0])
    assert component(app, "taonet_epoch_viewer")["payload"]["object"]["name"] == names[0]
    assert f"1 of {len(names)}" in texts(app)
    app.button("walk-SN").click().run()
    [said] = Annotations().history(names[0])
    assert (said.label, said.author, said.collection, said.model) == ("SN", "ann", "demo", "taonet")
    assert said.verdict and 0 < said.probability <= 1 and said.ra == said.ra
    assert "1 labelled by you" in texts(app)
    app.button("walk1").click().run()
    assert app.query_params["object"] in (names[1], [names[1]])
    assert f"2 of {len(names)} looked at" in texts(app)
    app.button("walk-1").click().run()
    assert f"1 of {len(names)}" in texts(app) and "ann" in texts(app)


def test_going_on_after_a_label_and_hiding_what_is_labelled(start):
    names = [card["id"] for card in cards(start())]
    app = start(object=names[0], expert="unlabelled")
    app.toggle("walk-on").set_value(True).run()
    app.button("walk-unsure").click().run()
    assert app.query_params["object"] in (names[1], [names[1]])
    assert f"2 of {len(names)}" in texts(app)  # the walk goes on through the list it began with
    app.button("walk-back").click().run()
    assert [card["id"] for card in cards(app)] == names[1:]


def test_blind_hides_truth_and_verdicts_until_a_label_is_given(start):
    app = start(object=cards(start())[0]["id"])
    app.toggle("walk-blind").set_value(True).run()
    shown = component(app, "taonet_epoch_viewer")["payload"]
    assert not shown["models"] and shown["object"]["truth"] is None and not cards(app)
    app.button("walk-SN").click().run()
    shown = component(app, "taonet_epoch_viewer")["payload"]
    assert shown["models"] and shown["object"]["truth"] and cards(app)
    [said] = Annotations().history(shown["object"]["name"])
    assert not said.verdict  # the expert saw none


def test_certainty_note_undo_and_withdrawal_are_rows_of_their_own(start):
    name = cards(start())[0]["id"]
    app = start(object=name)
    app.text_input(f"walk-note-{name}").set_value("<b>=bright</b> $x$").run()
    assert Annotations().history(name) == []  # a note alone is no label
    app.button("walk-CV").click().run()
    app.button_group(f"walk-sure-{name}").set_value("high").run()
    app.button("walk-BZ").click().run()
    app.button("walk-undo").click().run()
    app.button("walk-withdraw").click().run()
    rows = [(row.label, row.confidence) for row in Annotations().history(name)]
    assert rows == [("CV", ""), ("CV", "high"), ("BZ", "high"), ("CV", "high"), ("withdrawn", "")]
    assert Annotations().history(name)[0].note == "<b>=bright</b> $x$"
    assert "No expert has labelled this object yet." in texts(app)


def test_without_a_name_nothing_can_be_labelled(start):
    name = cards(start())[0]["id"]
    app = start(object=name)
    app.text_input(ui.Key.AUTHOR).set_value("  ").run()
    assert app.button("walk-SN").disabled
    app.text_input(ui.Key.AUTHOR).set_value("bob").run()
    app.button("walk-SN").click().run()
    assert Annotations().history(name)[0].author == "bob"


def test_a_database_that_cannot_be_used_is_said_and_the_rest_is_shown(start, monkeypatch):
    name = cards(start())[0]["id"]
    monkeypatch.setenv("TAONET_DATABASE_URL", "postgresql://me:hidden@host:x/labels")
    app = start()
    assert cards(app) and "TAONET" in app.error[0].value
    app = start(object=name)
    assert component(app, "taonet_epoch_viewer") and "TAONET" in app.error[0].value
    assert "hidden" not in texts(app)


@pytest.mark.parametrize("name", ["unknown", "<script>1</script>", "$x$ **b**", "a" * 999])
def test_an_unknown_object_is_not_found(start, name):
    app = start(object=name)
    assert app.title[0].value == "Not found" and not cards(app)


def test_an_object_that_is_right_is_no_error(start):
    start()
    app = start(object=overview().query("right_taonet").iloc[0]["object_id"])
    assert app.title[0].value == "No error"


def test_objects_without_labels_are_shown_where_the_verdict_is_doubtful(start, make_sequence):
    app = start(unlabelled(make_sequence))
    assert "doubtful verdicts of taonet among objects without a label" in texts(app)
    assert len(cards(app)) == 3  # an untrained network is never certain
    assert all("no class reaches one half" in card["facts"] for card in cards(app))
    assert not any("beside" in card or card["arrow"] for card in cards(app))
