"""Browse: the filters, orders and views of a data set, small, large or broken."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _ui as ui
from pages._browse import filters
from pages._browse import state as browse
from taonet_core.data.annotations import Annotations
from taonet_core.data.catalog import COLUMNS
from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import TaoNetError, UnreadableFileError
from taonet_core.labels import SIX_CLASSES, STYLES
from taonet_core.models import weights
from taonet_core.models.weights import load_model
from taonet_core.objects.collection import Collection, gather
from taonet_core.objects.verdict_store import VerdictStore, identity

APP = Path(__file__).resolve().parents[1] / "app.py"
MANY = 20_000


@pytest.fixture
def start(folders, monkeypatch, tmp_path):
    """Return a function that opens the page with what the address holds."""
    monkeypatch.setattr(data, "ROOT", folders[0])
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folders[1])
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")
    ui.bundle.clear()

    def opened(collection=None, store=None, **query):
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        if collection is not None:
            app.query_params["data"] = "upload"
            app.session_state[ui.Key.COLLECTION] = collection
            app.session_state[ui.Key.STORE] = store or VerdictStore()
        app.run()
        assert not app.exception
        return app

    yield opened
    ui.bundle.clear()


@pytest.fixture
def catalog(start):
    start()
    return data._demo().catalog


def texts(app):
    kinds = (app.title, app.subheader, app.caption, app.text, app.markdown, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def cards(app):
    """Return what the gallery was given."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [p for p in protos if p.component_name == "taonet_gallery"]
    return json.loads(found[0].json or found[0].mixed.json)["cards"] if found else []


def names(app):
    return [card["id"] for card in cards(app)]


def button(app, label):
    return next(b for b in app.button if b.label.replace("\\", "") == label)


def key(name):
    return browse.WIDGET + name


def test_filters_show_as_chips_that_go_one_by_one(start, catalog):
    app = start()
    assert len(cards(app)) == 6 and "6 of 6 objects" in texts(app)
    app.button_group(key("truths")).set_value(["SN", "CV"]).run()
    assert {card["truth"] for card in cards(app)} == {"SN", "CV"}
    app.number_input(key("nights-low")).set_value(1.0).run()
    app.number_input(key("nights-high")).set_value(1000.0).run()
    assert app.query_params == {"truth": ["CV", "SN"], "nights": "1..1000"}
    button(app, "truth CV or SN").click().run()
    assert len(cards(app)) == 6 and app.query_params == {"nights": "1..1000"}
    button(app, "1 – 1000 nights").click().run()
    assert not app.query_params
    assert app.number_input(key("nights-low")).value is None


def test_search_by_name_and_place(start, catalog):
    app = start()
    first = catalog.iloc[0]
    for text in (
        first["object_id"][:12].lower(),
        f"{first['ra']:.5f} {first['dec']:+.5f}",
        f"RA {first['ra'] + 0.01:.5f} Dec {first['dec']:+.5f} r=1m",
    ):
        app.text_input(key("text")).set_value(text).run()
        assert names(app) == [first["object_id"]], text


def test_the_address_holds_everything_and_says_what_it_does_not_understand(start):
    app = start(truth=["SN", "nonsense"], sort="-brightness", view="table", nights="a..b", per="48")
    assert app.query_params == {
        "truth": "SN", "sort": "-brightness", "view": "table", "per": "48"
    }  # fmt: skip
    assert app.selectbox(key("sort")).value == "brightness" and app.toggle(key("turned")).value
    assert app.button_group(key("truths")).value == ["SN"]
    assert len(app.dataframe[0].value) == 1
    assert "nights" in app.warning[0].value and "no number" in app.warning[0].value
    app.run()
    assert "sort" in app.query_params


@pytest.mark.parametrize("query", [
    {"model": "unheard-of", "sort": "confidence"}, {"page": "9" * 50}, {"page": "-1"},
    {"page": "²"}, {"per": "1e9"}, {"view": "<b>"}, {"view": "sky", "by": "path"},
    {"q": "<script>alert(1)</script>"}, {"truth": "x" * 9999}, {"sky": "0_0,1_1,nan_nan"},
])  # fmt: skip
def test_a_hostile_address_does_no_harm(start, query):
    app = start(**query)
    assert "of 6 objects" in texts(app) and "<script>" not in texts(app).replace("\\<", "")


def test_the_way_back_brings_the_filters_back(start):
    app = start()
    app.button_group(key("truths")).set_value(["AGN"]).run()
    asked = dict(app.query_params)
    for query in (asked, {}):  # by the browser's way back; by the menu, whose link holds nothing
        app.query_params.clear()
        app.switch_page("pages/sequence.py").run()
        app.query_params.clear()
        app.query_params.update(query)
        app.switch_page("pages/browse.py").run()
        assert [card["truth"] for card in cards(app)] == ["AGN"]
        assert app.query_params == asked
    app.query_params.clear()
    app.query_params["truth"] = "SN"  # a link followed within the page
    app.run()
    assert [card["truth"] for card in cards(app)] == ["SN"]


def test_nothing_fits_says_which_filter_to_take_away(start):
    app = start(truth="SN", nights="100000..")
    assert "No object fits" in texts(app) and "0 of 6 objects" in texts(app)
    assert app.button("wider-truths").disabled
    app.button("wider-nights").click().run()
    assert len(cards(app)) == 1 and app.query_params == {"truth": "SN"}


def test_a_name_is_looked_up_by_a_click_alone(start, catalog, monkeypatch):
    first = catalog.iloc[0]
    asked = []

    def resolve(name):
        asked.append(name)
        if name == "nowhere":
            raise TaoNetError("Sesame does not answer")
        return first["ra"], first["dec"]

    monkeypatch.setattr(filters, "resolve_name", resolve)
    app = start(q="M 31")
    assert not asked
    app.button("look-up").click().run()
    assert asked == ["M 31"] and names(app) == [first["object_id"]]
    app.text_input(key("text")).set_value("nowhere").run()
    app.button("look-up").click().run()
    assert "does not answer" in app.warning[0].value and not cards(app)


def test_a_first_visit_is_two_clicks_from_a_verdict(start):
    app = start()
    assert "New here" in texts(app)
    assert "says what it is: AGN, BZ, CV, OTHER, SN or NON. Here are 6 simulated" in texts(app)
    legend = " ".join(str(part.proto.body) for part in app.get("html"))
    for style in STYLES.values():
        assert style.name.lower() in legend and style.glyph in legend
    app.button(ui.Key.EXAMPLE).click().run()
    assert not app.exception and app.get("bidi_component")
    app.switch_page("pages/browse.py").run()
    assert "New here" not in texts(app)


def test_experts_labels_are_shown_and_found(start, catalog):
    name = catalog["object_id"].iloc[3]
    Annotations().add(name, "BZ", author="someone")
    app = start(expert="labelled")
    [card] = cards(app)
    assert (card["id"], card["expert"]) == (name, "BZ")


@pytest.mark.parametrize("view", ["table", "sky"])
def test_the_other_views_show_the_same_objects(start, view):
    app = start(view=view, truth="SN")
    assert not app.error
    if view == "table":
        table = app.dataframe[0].value
        assert table["label"].tolist() == ["★ SN"]
        assert {"verdict_taonet", "confidence_taonet", "snr_peak", "novelty_taonet"} <= {*table}
    else:
        app.button_group("browse-colour-choice").set_value("taonet").run()
        assert app.query_params["by"] == "taonet"
        said = cards(app)[0]["verdict"]["class"]
        figure = json.loads(app.get("plotly_chart")[0].proto.spec)
        assert [t["name"] for t in figure["data"] if "customdata" in t] == [f"{said} (1)"]
        app.button_group("browse-colour-choice").set_value("truth").run()
        figure = json.loads(app.get("plotly_chart")[0].proto.spec)
        assert [t["name"] for t in figure["data"] if "customdata" in t] == ["SN (1)"]
        assert len(cards(app)) == 1


def test_an_area_marked_on_the_sky_is_a_filter(start, catalog):
    app = start(view="sky")
    drawn = {"points": [], "point_indices": [], "lasso": [], "box": [{"x": [-2, 0], "y": [-1, 1]}]}
    chart = app.get("plotly_chart")[0].proto
    app.session_state[chart.id] = {"selection": drawn}
    app.session_state[browse.PAGE] = 1
    east = catalog["object_id"][catalog["ra"] > 180]
    app.query_params["sky"] = "-2_-1,0_-1,0_1,-2_1"
    app.run()
    assert sorted(names(app)) == sorted(east)
    button(app, "marked on the sky map").click().run()
    assert len(cards(app)) == 6 and app.query_params == {"view": "sky"}


def test_curves_alone_and_files_that_cannot_be_read_have_their_cards(start, make_sequence):
    curve = LightCurve(
        55_000.0 + np.arange(9), np.full(9, 18.0), np.full(9, 0.1), meta={"object_id": "curve"}
    )
    held = gather(
        [("a", make_sequence(object_id="<b>x</b>")), ("b", curve)], name="upload", title=""
    )
    broken = held.catalog.iloc[[0]].assign(object_id="broken")

    def read(name):
        if name == "broken":
            raise UnreadableFileError("broken: wanted FITS; got <html>")
        return held.reader(name)

    everything = pd.concat([held.catalog, broken], ignore_index=True)
    stamps = {**held.stamps, "broken": "0"}
    app = start(Collection("upload", "Your upload", everything, stamps, read))
    made = {card["id"]: card for card in cards(app)}
    assert set(made) == {"<b>x</b>", "curve", "broken"}
    assert made["curve"]["image"] is None and len(made["curve"]["points"]) == 9
    assert "wanted FITS" in made["broken"]["error"]
    assert made["<b>x</b>"]["verdict"]["model"] == "taonet" and not made["curve"]["verdict"]
    app.button_group(browse.VIEW).set_value("table").run()
    said = app.dataframe[0].value.set_index("object_id")["verdict_taonet"]
    assert said["curve"] == said["broken"] == "no verdict" != said["<b>x</b>"]


def test_an_empty_data_set_invites(start):
    app = start(gather([], name="upload", title="Your upload"))
    assert "This data set is empty" in texts(app) and len(app.get("page_link")) == 2


def many_objects():
    """Return a catalogue of very many objects that were all measured and classified before."""
    rng = np.random.default_rng(3)
    named = [f"CSS{i:06d}" for i in range(MANY)]
    columns = {
        **dict.fromkeys(COLUMNS, 0),
        "object_id": named,
        "path": named,
        "label": rng.choice(list(map(str, SIX_CLASSES)), MANY),
        "ra": rng.uniform(0, 360, MANY),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, MANY))),
        "n_nights": rng.integers(1, 60, MANY),
        "mjd_first": rng.uniform(53_000, 55_000, MANY),
        "mjd_last": rng.uniform(55_000, 57_000, MANY),
        "mag": rng.uniform(15, 21, MANY),
        "group": np.arange(MANY),
    }
    catalog = pd.DataFrame(columns)[list(COLUMNS)].astype(COLUMNS)

    def read(name):
        raise AssertionError(f"{name} was measured before")

    return Collection("upload", "Your upload", catalog, dict(zip(named, named, strict=True)), read)


def filled(collection, bundle):
    """Return a store that holds facts, cards and verdicts of all objects but the last hundred."""
    rng = np.random.default_rng(4)
    store = VerdictStore()
    answers = rng.dirichlet(np.full(6, 0.3), (len(collection), 1))
    card = json.dumps({"image": None, "points": [[0, 0], [1, 1]]})
    facts = [
        json.dumps({"mag_peak": mag, "snr_peak": 9.0, "n_detected": 5, "bands": "clear"})
        for mag in rng.uniform(15, 20, len(collection)).round(2).tolist()
    ]
    stamps = list(collection.stamps.values())
    vector = np.zeros(8, "<f4").tobytes()
    store._file.keep(
        "INSERT INTO objects VALUES (?, ?, ?, '')",
        [(stamp, known, card) for stamp, known in zip(stamps, facts, strict=True)],
    )
    store._file.keep(
        "INSERT INTO verdicts VALUES (?, ?, ?, NULL, 50.0, ?, '', '', '')",
        [(s, identity(bundle), p.tobytes(), vector) for s, p in zip(stamps, answers, strict=True)][
            :-100
        ],
    )
    return store


def test_twenty_thousand_objects_stay_quick(start, folders):
    collection = many_objects()
    app = start(collection, filled(collection, load_model("taonet")))
    assert "100 of 20000 objects are not classified yet" in texts(app)
    assert len(cards(app)) == 24

    def timed(change):
        begin = time.process_time()  # of this process alone: the machine may be busy
        change().run()
        assert not app.exception
        return time.process_time() - begin

    pages = app.get("pagination")
    taken = {
        "again": timed(lambda: app),
        "filter": timed(lambda: app.button_group(key("truths")).set_value(["SN"])),
        "order": timed(lambda: app.selectbox(key("sort")).set_value("brightness")),
        "table": timed(lambda: app.button_group(browse.VIEW).set_value("table")),
    }
    assert max(taken.values()) < 1.0, taken
    taken["sky"] = timed(lambda: app.button_group(browse.VIEW).set_value("sky"))
    assert pages and taken["sky"] < 2.0, taken


def test_a_view_is_kept_under_a_name_and_opened_again(start):
    app = start(truth="SN", sort="snr", view="table")
    app.text_input("browse-view-name").set_value("<b>bright</b> SN").run()
    app.button("save-view").click().run()
    other = start(nights="1..2")
    other.button("view-<b>bright</b> SN").click().run()
    assert other.query_params == {"truth": "SN", "sort": "snr", "view": "table"}
    assert len(other.dataframe[0].value) == 1
    other.button("remove-<b>bright</b> SN").click().run()
    assert "view-<b>bright</b> SN" not in [button.key for button in other.button]
    other.text_input("browse-view-name").set_value("  ").run()
    other.button("save-view").click().run()
    assert "wanted a name" in other.error[0].value.replace("\\", "")


def test_without_the_database_of_labels_the_rest_is_shown(start, monkeypatch, tmp_path):
    start()
    (tmp_path / "folder").write_text("in the way")
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'folder' / 'labels.sqlite'}")
    app = start()
    assert len(cards(app)) == 6 and not any(card["expert"] for card in cards(app))


@pytest.mark.parametrize("ends", [("2009-06-18", "2009-06-19"), ("2009-06-19", "2009-06-18")])
def test_days_in_the_fields_count_whole_in_either_order(monkeypatch, ends):
    names = [f"{browse.WIDGET}dates-{end}" for end in ("low", "high")]
    monkeypatch.setattr(browse.st, "session_state", dict(zip(names, ends, strict=True)))
    low, high = browse._range("dates")
    assert low == 55_000 and 55_001.9999 < high < 55_002
