"""Upload, from app.py: files of every kind, tables with their columns, work that is cancelled."""

import io
import json
import re
import time
import zipfile
from pathlib import Path

import browser
import numpy as np
import pytest
from _alerts import avro, ztf_alert, ztf_schema
from streamlit.testing.v1 import AppTest

from pages import _data as data
from pages import _memory, _turns
from pages import _ui as ui
from pages._upload import report
from pages._upload import session as uploads
from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import TransientClass
from taonet_core.models import weights

APP = Path(__file__).resolve().parents[1] / "app.py"
CURVE = [f"{55000 + 7 * i},{18 + i % 3 / 10},0.1" for i in range(30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Place of the demo set and of small models."""
    place = tmp_path_factory.mktemp("app")
    browser.small_models(place)
    return place


@pytest.fixture
def page(folder, monkeypatch, tmp_path):
    """Open the upload page."""
    monkeypatch.setattr(data, "ROOT", folder)
    monkeypatch.setattr(data, "PER_CLASS", 1)
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    monkeypatch.setattr(ui, "MODELS", ("taonet", "forest"))
    monkeypatch.setenv("TAONET_DATABASE_URL", f"sqlite:///{tmp_path / 'labels.sqlite'}")
    ui.bundle.clear()
    app = AppTest.from_file(str(APP), default_timeout=60)
    yield app.switch_page("pages/upload.py").run()
    ui.bundle.clear()


def texts(app):
    """Return all that is written on a page, by Markdown and as plain text."""
    kinds = (app.title, app.caption, app.subheader, app.markdown, app.text, app.error, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def shown(app):
    """Return what the epoch viewer was given, if it is on the page."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [p for p in protos if p.component_name == "taonet_epoch_viewer"]
    return json.loads(found[0].json or found[0].mixed.json)["payload"] if found else None


def press(app, label):
    """Click a button by its words."""
    [button] = [b for b in app.button if b.label == label]
    return button.click().run()


def settled(app):
    """Let what runs beside the page come to its end."""
    for _ in range(600):
        if not any(button.label == "Cancel" for button in app.button):
            break
        time.sleep(0.05)
        app.run()
    assert not app.exception and "Traceback" not in texts(app)
    return app


def send(app, *files):
    app.file_uploader[0].set_value(
        [(name, content, "application/octet-stream") for name, content in files]
    )
    return settled(app.run())


def table(app, column):
    """Return the table of a page that has a certain column."""
    [found] = [frame.value for frame in app.dataframe if column in frame.value.columns]
    return found


def csv(*rows, header="object_id,mjd,mag,mag_err"):
    return "\n".join([header, *rows]).encode()


@pytest.fixture
def archive(fits_file, make_sequence):
    """Return a zip of objects, with a table of their classes where one is given."""

    def pack(count=3, labels=None):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as out:
            for i in range(count):
                made = make_sequence(nights=4, object_id=f"object{i}", label=None)
                path = fits_file(made, name=f"object{i}.fits")
                out.writestr(f"objects/object{i}.fits", path.read_bytes())
            if labels is not None:
                out.writestr("labels.csv", labels)
        return packed.getvalue()

    return pack


def test_it_waits_for_files_and_says_what_it_takes(page):
    assert page.file_uploader and shown(page) is None
    assert "one row a measurement" in texts(page)


def test_it_says_both_limits_and_drops_what_other_pages_left_in_the_address(page):
    assert "200 MiB a file, 400 MiB at once" in page.file_uploader[0].label
    page.query_params.update({"set": "upload", "model": "", "data": "upload"})
    assert set(page.run().query_params) <= {"data"} and not page.exception


@pytest.mark.parametrize("kind", ["one", "several", "curves"])
def test_an_example_is_one_click_from_a_verdict(page, kind):
    page = settled(page.button(f"{ui.Key.EXAMPLE}-{kind}").click().run())
    if kind == "one":
        assert shown(page)["object"]["truth"] == "SN"
    else:
        rows = table(page, "what was read")
        assert len(rows) == 6 and (rows["forest"] != "–").sum() >= 4
        assert (rows["class"] != "–").all() == (kind == "several")
    assert settled(press(page, "Start over")).file_uploader
    assert not page.dataframe and shown(page) is None


def test_one_file_shows_the_object(page, fits_file):
    page = send(page, ("mine.fits", fits_file().read_bytes()))
    assert shown(page)["object"]["name"] == "CSS060402:081233+123301"
    assert "12 frames on 6 nights" in texts(page)


def test_an_archive_of_good_and_bad(page, archive):
    page = send(page, ("all.zip", archive(2)), ("page.fits", b"<html>not found</html>"))
    assert list(table(page, "object")["object"]) == ["object0", "object1"]
    assert "2 objects read" in texts(page) and "1 file left out" in texts(page)
    [why] = table(page, "why")["why"]
    assert "web page" in why


def test_what_the_models_were_not_trained_for_is_counted(page, monkeypatch):
    def differs(collection, said, bundle):
        return {"a": ["Filter u.", "Pixels of 9″."]}

    monkeypatch.setattr("pages._verdicts.all_warnings", differs)
    page = send(page, ("curves.csv", csv(*(f"{name},{row}" for name in "ab" for row in CURVE))))
    said = list(table(page, "not trained for")["not trained for"])
    assert said == ["2: Filter u. · Pixels of 9″.", "–"]


def test_nothing_readable_is_listed_with_its_reasons(page):
    page = send(page, ("a.fits", b""), ("b.csv", b""), ("c.fits", b"SIMPLE  = broken"))
    assert shown(page) is None and page.warning
    assert sorted(table(page, "why")["file"]) == ["a.fits", "b.csv", "c.fits"]


def test_alert_packets_of_one_object_are_its_frames(page):
    packets = [(f"{n}.avro", avro([ztf_alert(n)], ztf_schema())) for n in (1, 2)]
    page = send(page, *packets)
    assert len(shown(page)["frames"]["fault"]) == 2


def test_a_damaged_alert_packet_is_refused_with_a_sentence(page):
    page = send(page, ("bad.avro", b"Obj\x01 and more"))
    assert "fetch the file again" in table(page, "why")["why"][0]


def test_a_light_curve_needs_no_question_where_the_columns_are_plain(page):
    page = send(page, ("curves.csv", csv(*(f"star,{row}" for row in CURVE))))
    assert shown(page)["frames"] is None and len(shown(page)["curve"]["mag"]) == 30
    assert [model["model"] for model in shown(page)["models"]] == ["forest"]


def test_columns_in_doubt_are_asked_about(page):
    rows = [row.replace(",", " ") for row in CURVE]
    page = send(page, ("star.dat", "\n".join(rows).encode()))
    assert shown(page) is None and "Which column is which" in texts(page)
    boxes = {box.label: box for box in page.selectbox}
    assert [boxes[name].value for name in ("Time", "Magnitude")] == ["column 1", "column 2"]
    assert "MJD 55000.000 to 55203.000" in " ".join(table(page, "holds")["holds"])
    page = settled(press(page, "Use these columns"))
    assert shown(page)["object"]["name"] == "star"


def test_a_table_of_other_columns_can_be_mapped_by_hand(page):
    page = send(page, ("odd.csv", csv(*CURVE, header="a1,b1,c1").replace(b"55", b"1")))
    boxes = {box.label: box for box in page.selectbox}
    assert boxes["Time"].value == "–"
    assert next(b for b in page.button if b.label == "Use these columns").disabled
    for label, column in {"Time": "a1", "Magnitude": "b1"}.items():
        next(box for box in page.selectbox if box.label == label).set_value(column).run()
    page = settled(press(page, "Use these columns"))
    assert len(shown(page)["curve"]["mag"]) == 30


def test_a_table_can_be_left_out(page, fits_file):
    doubtful = ("\n".join(CURVE)).encode()
    page = send(page, ("a.fits", fits_file().read_bytes()), ("star.csv", doubtful))
    [choice] = page.button_group
    page = choice.set_value("").run()
    page = settled(press(page, "Leave it out"))
    assert shown(page)["frames"] is not None


def test_classes_of_a_table_reach_the_objects(page, archive):
    labels = "name,type\nobject0,SN Ia\nobject2.fits,dwarf nova\nelsewhere,QSO\n"
    page = send(page, ("all.zip", archive(3, labels)))
    assert list(table(page, "what was read")["class"]) == ["★ SN", "–", "▲ CV"]
    problems = table(page, "problem")
    assert list(problems["object"]) == ["elsewhere"]
    collection = page.session_state[ui.Key.COLLECTION]
    assert collection.read("object0").meta["label"] == "SN"
    assert page.session_state[ui.Key.DATA] == data.UPLOAD


def test_words_for_classes_can_be_given_another_meaning(page, archive):
    page = send(page, ("all.zip", archive(2, "name,type\nobject0,galaxy\nobject1,CV\n")))
    assert list(table(page, "what was read")["class"]) == ["–", "▲ CV"]
    upload = page.session_state[uploads.HELD]
    assert upload.meaning() == {"galaxy": None, "CV": TransientClass.CV}
    uploads.set_classes(upload, {"galaxy": TransientClass.NON})
    page = settled(page.run())
    assert list(table(page, "what was read")["class"]) == ["✕ NON", "▲ CV"]


@pytest.fixture
def slow(monkeypatch):
    """Make every object take its time to be classified."""
    fill = uploads.VerdictStore.fill

    def slowly(self, *arguments, **options):
        time.sleep(0.3)
        fill(self, *arguments, **options)

    monkeypatch.setattr(uploads.VerdictStore, "fill", slowly)


def test_cancel_keeps_what_was_classified_and_go_on_does_the_rest(page, archive, slow):
    page.file_uploader[0].set_value([("all.zip", archive(6), "application/zip")])
    page.run()
    work = page.session_state[uploads.HELD].classifying
    assert work.running and "Classifying" in page.get("progress")[0].proto.text
    press(page, "Cancel")
    page = settled(page)
    verdicts = table(page, "what was read")["taonet"]
    assert 0 < (verdicts != "–").sum() < 6
    assert "Not everything has been classified" in texts(page)
    page = settled(press(page, "Go on"))
    assert (table(page, "what was read")["taonet"] != "–").all()


def test_cancel_keeps_what_was_read(page, archive, monkeypatch):
    read = uploads.read_delivery

    def slowly(*arguments):
        for item in read(*arguments):
            time.sleep(0.3)
            yield item

    monkeypatch.setattr(uploads, "read_delivery", slowly)
    page.file_uploader[0].set_value([("all.zip", archive(6), "application/zip")])
    page.run()
    assert "Reading" in page.get("progress")[0].proto.text
    press(page, "Cancel")
    page = settled(page)
    assert 0 < len(table(page, "what was read")) < 6
    assert "reading was cancelled; what was read is kept" in texts(page)


def test_frames_without_any_data_are_refused(page, fits_file):
    sequence = ImageSequence(np.full((3, 64, 64), np.nan), 55000.0 + np.arange(3))
    page = send(page, ("bad.fits", fits_file(sequence, layout="mef").read_bytes()))
    assert "none of the 3 frames holds a pixel with data" in table(page, "why")["why"][0]


@pytest.mark.parametrize("frames", [np.ones((3, 64, 64)), np.zeros((1, 64, 64))])
def test_no_usable_frame(page, fits_file, frames):
    sequence = ImageSequence(
        frames, 55000.0 + np.arange(len(frames)), meta={"object_id": "<b>x</b>"}
    )
    page = send(page, ("bad.fits", fits_file(sequence, layout="mef").read_bytes()))
    assert shown(page)["models"] == [] and all(shown(page)["frames"]["fault"])
    assert "no verdict" in texts(page).lower()


def test_one_file_of_another_content_is_another_object(page, fits_file, make_sequence):
    """The cache goes by content, not by name."""
    for name in ("one", "two"):
        path = fits_file(make_sequence(object_id=name), name=f"{name}.fits")
        page = send(page, ("same.fits", path.read_bytes()))
        assert shown(page)["object"]["name"] == name


def test_the_upload_is_still_there_after_another_page(page, archive):
    page = send(page, ("all.zip", archive(2)))
    page.switch_page("pages/browse.py").run()
    page = settled(page.switch_page("pages/upload.py").run())
    assert list(table(page, "what was read")["object"]) == ["object0", "object1"]


def test_too_much_at_once_is_refused(page, archive, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 1000)
    page = send(page, ("all.zip", archive(2)))
    assert "send fewer files" in page.error[0].value and not page.dataframe


def test_a_row_leads_to_the_object_of_the_upload_whatever_was_shown_before(
    page, archive, monkeypatch
):
    page = send(page, ("all.zip", archive(2)))
    page.query_params[ui.Key.DATA] = data.DEMO
    show = report.st.dataframe

    def second_row(*arguments, **options):
        held = show(*arguments, **options)
        return {"selection": {"rows": [1]}} if "on_select" in options else held

    monkeypatch.setattr(report.st, "dataframe", second_row)
    page = settled(page.run())
    assert shown(page)["object"]["name"] == "object1"
    code = "\n".join(element.value for element in page.code)
    assert "dict(read_sequences('all.zip'))['objects/object1.fits']" in code
    assert "taonet predict all.zip " in code


def test_where_no_model_reads_the_upload_a_sentence_says_so(page, monkeypatch):
    monkeypatch.setattr(ui, "MODELS", ("taonet",))
    page = send(page, ("curves.csv", csv(*(f"{name},{row}" for name in "ab" for row in CURVE))))
    assert list(table(page, "what was read")["object"]) == ["a", "b"]
    assert "None of the models" in texts(page)


def test_other_words_for_classes_stop_the_work_on_the_old_ones(page, archive, slow):
    page.file_uploader[0].set_value(
        [("all.zip", archive(6, "name,type\nobject0,galaxy\n"), "application/zip")]
    )
    page.run()
    upload = page.session_state[uploads.HELD]
    work = upload.classifying
    assert work.running
    uploads.set_classes(upload, {"galaxy": TransientClass.NON})
    assert work.cancelled and upload.classifying is None and upload.collection is None
    page = settled(page.run())
    assert (table(page, "what was read")["taonet"] != "–").all()


def test_nothing_of_an_upload_stays_beyond_it(page, fits_file):
    page = send(page, ("mine.fits", fits_file().read_bytes()))
    [content] = page.session_state[ui.Key.COLLECTION].stamps.values()
    _, own = page.session_state[_memory._OWN]
    identities = [key[0] for key in own._held if key[1] == content]
    assert {"opinion", "light curve", "viewer"} <= set(identities)
    assert not [key for key in _memory._shared()._held if content in key]
    page.file_uploader[0].set_value([]).run()
    assert _memory._OWN not in page.session_state and uploads.HELD not in page.session_state


def test_a_fault_in_reading_is_told_by_its_number(page, archive, monkeypatch, caplog):
    def breaks(*given):
        yield "object0", ImageSequence(np.zeros((1, 8, 8)), [55_000.0], meta={"object_id": "a"})
        raise RuntimeError("the secret")

    monkeypatch.setattr(uploads, "read_delivery", breaks)
    page = send(page, ("all.zip", archive(2)))
    [entry] = re.findall(r"in the log as ([0-9a-f]{12})", page.error[0].value)
    assert "secret" not in texts(page) and "reading broke off" in texts(page)
    [record] = [r for r in caplog.records if r.getMessage().startswith(entry)]
    assert "the secret" in str(record.exc_info[1])


def test_what_a_lost_line_broke_off_is_taken_up_again(page, archive, monkeypatch):
    """Work ends for a visitor who has left; whoever comes back finds it going on."""
    here = iter([True, False])
    with monkeypatch.context() as patch:
        patch.setattr(_turns, "visitor", lambda: lambda: next(here, False))
        files = [("all.zip", archive(4), "application/octet-stream")]
        page.file_uploader[0].set_value(files).run()
        held = page.session_state[uploads.HELD]
        assert held.reading.wait(5) and held.reading.left and len(held.items) < 4
    page = settled(page.run())
    assert len(table(page, "what was read")) == 4
