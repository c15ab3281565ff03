"""The REST API over a live server: answers, formats, errors, and what is kept out."""

import io
import json
import logging
import re
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from rest import ask, get, refusal, served, small_network
from typer.testing import CliRunner

from taonet_core.api.server import PREFIX, application
from taonet_core.bulk import LONG_COLUMNS
from taonet_core.cli import app as command_line
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.inference import predict
from taonet_core.models import weights
from taonet_core.models.weights import load_model
from taonet_core.objects.collection import gather
from taonet_core.transforms.photometry import extract_light_curve

NAMES = ("CSS060402:081233+123301", "MLS/a b", "star")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of one small untrained network: no other model exists."""
    return small_network(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def objects():
    """Two sequences of a steady source, and a light curve."""
    rng = np.random.default_rng(4)
    offset = np.hypot(*(np.indices((64, 64)) - 32))
    source = 2000 + 500 * np.exp(-(offset**2) / 2)
    known = {"ra": 123.1375, "dec": 12.55028, "label": "SN", "zero_point": 26.0, "mag": 17.5}
    items = []
    for name, nights, facts in ((NAMES[0], 6, {}), (NAMES[1], 4, {"label": "CV", "ra": 10.0})):
        times = np.add.outer(53_800.2 + 10.0 * np.arange(nights), [0, 0.01]).ravel()
        frames = np.rint(rng.normal(source, 20, (len(times), 64, 64)))
        meta = known | facts | {"object_id": name}
        items.append((name, ImageSequence(frames, times, meta=meta)))
    items[1] = (NAMES[1], items[1][1].with_meta(mag=None))
    times = 55_000.0 + np.arange(30)
    star = LightCurve(times, 18 + times % 3 / 10, np.full(30, 0.1), meta={"object_id": NAMES[2]})
    return gather([*items, ("c", star)], name="test", title="test")


@pytest.fixture(scope="module")
def url(folder, objects):
    with pytest.MonkeyPatch.context() as patch, served(objects) as address:
        patch.setattr(weights, "WEIGHTS_FOLDER", folder)
        yield address


def of(url, name, rest=""):
    return f"{url}/objects/{quote(name, safe='')}{rest}"


def test_the_document_names_every_address(url, objects):
    document = get(f"{url}/openapi.json")
    [mount] = [r for r in application(objects).routes if getattr(r, "path", "") == PREFIX]
    routes = {re.sub(r":path", "", route.path): route.methods for route in mount.routes}
    assert set(routes) == set(document["paths"])
    for path, operations in document["paths"].items():
        assert {o.upper() for o in operations if o != "parameters"} == routes[path] - {"HEAD"}
    text = json.dumps(document)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', text):
        found = document
        for part in reference.split("/"):
            found = found[part]


def test_models_are_their_sidecars(url, folder):
    [model] = get(f"{url}/models")["items"]
    sidecar = json.loads((folder / "taonet.json").read_text())
    assert {k: model[k] for k in ("name", "version", "sha256")} == {
        k: sidecar[k] for k in ("name", "version", "sha256")
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {*NAMES}),
        ("?q=mls", {NAMES[1]}),
        ("?q=123.1375%2012.55028&radius=5", {NAMES[0]}),
        ("?truth=SN&truth=unknown", {NAMES[0], NAMES[2]}),
        ("?nights=5..10", {NAMES[0]}),
        ("?mag=..18", {NAMES[0]}),
        ("?per_page=2", {NAMES[0], NAMES[1]}),
        ("?per_page=2&page=2", {NAMES[2]}),
        ("?per_page=2&page=9", set()),
    ],
)
def test_objects_are_filtered_and_come_in_pages(url, query, wanted):
    listing = get(f"{url}/objects{query}")
    assert {row["object_id"] for row in listing["items"]} == wanted
    assert listing["total"] == (3 if "page" in query else len(wanted))
    assert not any("path" in row for row in listing["items"])


@pytest.mark.parametrize(
    "query",
    [
        "?page=0",
        "?page=1.5",
        "?per_page=9999",
        "?per_page=1e2",
        "?page=x",
        "?colour=red",
        "?truth=KN",
        "?nights=3",
        "?format=xls",
    ],
)
def test_a_parameter_that_means_nothing_is_refused(url, query):
    assert refusal(ask(f"{url}/objects{query}")) == (400, "E_REQUEST")


def read_table(body, kind):
    if kind == "json":
        return pd.DataFrame(json.loads(body))
    if kind == "csv":
        return pd.read_csv(io.BytesIO(body))
    return Table.read(io.BytesIO(body), format={"ecsv": "ascii.ecsv"}.get(kind, kind)).to_pandas()


@pytest.mark.parametrize("kind", ["json", "csv", "ecsv", "votable"])
def test_a_light_curve_in_every_format_is_the_photometry_of_the_images(url, objects, kind):
    status, headers, body = ask(of(url, NAMES[0], f"/lightcurve?format={kind}"))
    assert (status, headers["X-Total-Count"]) == (200, "12")
    table = read_table(body, kind)
    curve = extract_light_curve(objects.read(NAMES[0]))
    for column in ("mag", "flux", "limit"):
        np.testing.assert_allclose(table[column].astype(float), getattr(curve, column), rtol=1e-9)
    if kind == "votable":
        assert str(Table.read(io.BytesIO(body), format="votable")["mag"].unit) == "mag"


@pytest.mark.parametrize("kind", ["csv", "votable"])
def test_the_listing_as_a_table_says_how_many_there_are(url, kind):
    _, headers, body = ask(f"{url}/objects?per_page=2&format={kind}")
    assert headers["X-Total-Count"] == "3"
    assert read_table(body, kind)["object_id"].tolist() == [*NAMES[:2]]


def test_probabilities_have_the_shape_that_alerce_publishes(url, objects, folder):
    rows = get(of(url, NAMES[0], "/probabilities"))
    truth = predict(objects.read(NAMES[0]), load_model("taonet"))
    assert [tuple(row) for row in rows] == [LONG_COLUMNS] * 6
    assert [row["ranking"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for row in rows:
        assert row["probability"] == pytest.approx(truth.final()[row["class_name"]], abs=1e-6)
    every = get(of(url, NAMES[0], "/probabilities?nights=all"))
    assert [row["n_nights"] for row in every] == [n for n in range(1, 7) for _ in range(6)]
    second = {row["class_name"]: row["probability"] for row in every if row["n_nights"] == 2}
    for name, p in zip(truth.classes, truth.probabilities[1], strict=True):
        assert second[name] == pytest.approx(p, abs=1e-6)


def test_an_object_tells_how_it_was_read(url):
    facts = get(of(url, NAMES[0]))
    assert facts["description"].startswith("image sequence, 12 frames on 6 nights")
    assert (facts["label"], facts["ra"]) == ("SN", pytest.approx(123.1375))
    assert get(of(url, NAMES[1]))["object_id"] == NAMES[1]  # a slash and a blank in the name
    assert get(of(url, NAMES[2]))["kind"] == "light curve"


@pytest.mark.parametrize("kind", ["science", "reference", "difference"])
def test_a_cutout_holds_the_exposures_of_its_night(url, objects, kind):
    status, headers, body = ask(of(url, NAMES[0], f"/cutout?night=3&kind={kind}"))
    assert (status, headers["Content-Type"]) == (200, "application/fits")
    sequence = objects.read(NAMES[0])
    with fits.open(io.BytesIO(body)) as hdus:
        images = [hdu for hdu in hdus if hdu.name == "SCI"]
        assert [hdu.header["MJD-OBS"] for hdu in images] == sequence.times[4:6].tolist()
        pixels = images[0].data
    if kind == "science":
        np.testing.assert_array_equal(pixels, sequence.frames[4])
    else:  # the same source on every night: it is in the template and not in the difference
        assert (pixels[32, 32] > 250) == (kind == "reference")


def test_a_cutout_as_a_picture_is_brightest_at_the_target(url):
    from PIL import Image

    status, headers, body = ask(of(url, NAMES[0], "/cutout?night=3&format=png"))
    assert (status, headers["Content-Type"]) == (200, "image/png")
    grey, opaque = np.moveaxis(np.array(Image.open(io.BytesIO(body))), -1, 0)
    assert grey.shape == (64, 64) and opaque.all()
    assert grey[30:34, 30:34].mean() > np.percentile(grey, 99)


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("/cutout?night=99", (404, "E_NOT_FOUND")),
        ("/cutout?night=-1", (400, "E_REQUEST")),
        ("/cutout?night=1.7", (400, "E_REQUEST")),
        ("/cutout?kind=mask", (400, "E_REQUEST")),
        ("/probabilities?model=forest", (404, "E_NOT_FOUND")),
        ("/probabilities?model=../../etc/passwd", (404, "E_NOT_FOUND")),
        ("/nothing", (404, "E_NOT_FOUND")),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_sentence(url, rest, wanted):
    assert refusal(ask(of(url, NAMES[0], rest))) == wanted


def test_unknown_objects_addresses_and_methods_are_refused(url):
    assert refusal(ask(of(url, "nobody"))) == (404, "E_NOT_FOUND")
    assert refusal(ask(of(url, NAMES[2], "/cutout"))) == (404, "E_NO_IMAGE")
    assert refusal(ask(of(url, NAMES[2], "/probabilities"))) == (422, "E_SEQUENCE")
    assert refusal(ask(f"{url}/nowhere")) == (404, "E_NOT_FOUND")
    assert refusal(ask(f"{url}/models", b"x")) == (405, "E_REQUEST")


def test_a_fault_of_the_server_leads_into_its_log_and_tells_nothing(objects, monkeypatch, caplog):
    def fails():
        raise RuntimeError("the secret")

    monkeypatch.setattr("taonet_core.api.server.model_list", fails)
    with served(objects) as address, caplog.at_level(logging.ERROR):
        answer = ask(f"{address}/models")
    assert refusal(answer) == (500, "E_INTERNAL")
    assert b"secret" not in answer[2]
    [record] = [r for r in caplog.records if r.name == "taonet_core.faults"]
    entry = record.getMessage().partition(":")[0]
    assert entry.encode() in answer[2] and "the secret" in str(record.exc_info[1])


def test_other_web_pages_are_kept_out_unless_they_are_named(objects):
    page = {"Origin": "https://example.org"}
    allowed = "Access-Control-Allow-Origin"
    with served(objects) as closed:
        assert allowed not in ask(f"{closed}/models", **page)[1]
    with served(objects, origins=[page["Origin"]], hosts=["127.0.0.1"]) as opened:
        assert ask(f"{opened}/models", **page)[1][allowed] == page["Origin"]
        assert ask(f"{opened}/models", Host="rebound.example")[0] == 400


def test_the_command_opens_a_folder_and_keeps_to_this_machine(tmp_path, make_sequence, monkeypatch):
    write_sequence(make_sequence(), tmp_path / "object.fits")
    started = []
    monkeypatch.setattr("uvicorn.run", lambda app, **settings: started.append(settings))
    result = CliRunner().invoke(command_line, ["serve", str(tmp_path), "--port", "8123"])
    assert result.exit_code == 0, result.output
    assert "1 objects at http://127.0.0.1:8123" in result.stderr
    assert (started[0]["host"], started[0]["port"]) == ("127.0.0.1", 8123)
    assert CliRunner().invoke(command_line, ["serve"]).exit_code == 0
    nowhere = CliRunner().invoke(command_line, ["serve", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 3 and "no such folder" in nowhere.stderr
