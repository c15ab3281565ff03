"""The REST API with uploads, and the examples of its description, over a live server."""

import io
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import pandas as pd
import pytest
from rest import ask, refusal, served, small_network

from taonet_core.api.wire import file_names, received
from taonet_core.bulk import read_objects
from taonet_core.data.fits_io import read_sequence
from taonet_core.inference import predict
from taonet_core.models import weights
from taonet_core.models.weights import load_model
from taonet_core.objects.collection import gather
from taonet_core.serving.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of one small untrained network: no other model exists."""
    return small_network(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def objects(make_sequence):
    """Collect the object that the examples name."""
    return gather([("a", make_sequence(flux=4000.0))], name="test", title="test")


@pytest.fixture
def url(folder, objects, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    with served(objects) as address:
        yield address


@pytest.fixture
def small(folder, objects, monkeypatch):
    """Address of a server that takes little at once."""
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    with served(objects, max_upload_bytes=20_000) as address:
        yield address


def multipart(*files):
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        .encode() + data + b"\r\n"
        for name, data in files
    ]  # fmt: skip
    return b"".join(parts) + b"--frontier--\r\n"


FORM = {"Content_Type": "multipart/form-data; boundary=frontier"}


def test_a_file_sent_is_classified_as_on_this_machine(url, fits_file, folder):
    path = fits_file()
    truth = predict(read_sequence(path), load_model("taonet"))
    bare = ask(f"{url}/classify", path.read_bytes())
    form = ask(f"{url}/classify", multipart(("../../x y.fits", path.read_bytes())), **FORM)
    for status, _, body in (bare, form):
        assert status == 200, body
        [item] = json.loads(body)["items"]
        assert (item["class_name"], item["n_nights"]) == (str(truth.verdict), truth.n_nights)
        chances = {row["class_name"]: row["probability"] for row in item["probabilities"]}
        assert chances == pytest.approx({str(k): v for k, v in truth.final().items()}, abs=1e-6)
        assert len(item["history"]) == 6 * truth.n_nights
    _, _, body = ask(f"{url}/classify?format=csv", path.read_bytes())
    assert pd.read_csv(io.BytesIO(body))["class_name"].tolist() == [str(truth.verdict)]


@pytest.mark.parametrize(
    "names",
    [("1-a.fits", "a.fits"), ("a.fits", "a.fits"), ("A.fits", "a.fits"), ("b a.fits", "b_a.fits")],
)
def test_files_of_like_names_are_all_answered(url, fits_file, names):
    data = fits_file().read_bytes()
    _, _, body = ask(f"{url}/classify", multipart(*((name, data) for name in names)), **FORM)
    assert len(json.loads(body)["items"]) == 2


def test_names_of_files_are_kept_where_they_can_be():
    given = ["a.fits", "x/../b.fits", "..", "", "a.fits", "4-a.fits", "5-4-a.fits"]
    wanted = ["a.fits", "b.fits", "upload.fits", "3-upload.fits", "4-a.fits", "5-4-a.fits"]
    assert file_names(given) == [*wanted, "6-5-4-a.fits"]


def test_of_several_files_a_broken_one_stops_nothing(url, fits_file):
    files = (("a.fits", fits_file().read_bytes()), ("b.fits", b"<html>"))
    status, _, body = ask(f"{url}/classify", multipart(*files), **FORM)
    items = json.loads(body)["items"]
    assert status == 200
    assert sorted(bool(item["error"]) for item in items) == [False, True]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", (400, "E_EMPTY")),
        (b"<html>not found</html>", (422, "E_NOT_FITS")),
        (b"SIMPLE  =                    T", (422, "E_HEADER_TRUNCATED")),
        (b"\0" * 30_000, (413, "E_SIZE")),
    ],
    ids=["nothing", "page", "cut", "large"],
)
def test_what_cannot_be_classified_is_said_in_one_sentence(small, data, wanted):
    assert refusal(ask(f"{small}/classify", data)) == wanted


def test_more_pixels_than_memory_holds_are_not_read(folder, objects, fits_file, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    files = [(f"{name}.fits", fits_file(name=f"{name}.fits").read_bytes()) for name in "abc"]
    size = read_sequence(fits_file()).frames.size
    with served(objects, max_upload_pixels=2 * size) as address:
        alone, together = (
            ask(f"{address}/classify", multipart(*sent), **FORM) for sent in (files[:1], files)
        )
    assert not json.loads(alone[2])["items"][0]["error"]
    errors = [item["error"] for item in json.loads(together[2])["items"]]
    assert [bool(error) for error in errors] == [False, False, True]
    assert f"more than {2 * size:,} pixels" in errors[2]


def test_objects_are_answered_while_an_upload_is_read(folder, objects, fits_file, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    reading, answered = threading.Event(), threading.Event()

    def slowly(path, **how):
        reading.set()
        assert answered.wait(10), "the object waited for the upload"
        return read_objects(path, **how)

    monkeypatch.setattr("taonet_core.api.service.read_objects", slowly)
    with served(objects) as address, ThreadPoolExecutor() as pool:
        upload = pool.submit(ask, f"{address}/classify", fits_file().read_bytes())
        assert reading.wait(10)
        [name] = objects.stamps
        assert ask(f"{address}/objects/{quote(name, safe='')}/lightcurve")[0] == 200
        answered.set()
        assert upload.result()[0] == 200


def test_more_uploads_than_can_wait_are_sent_away(folder, objects, fits_file, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    monkeypatch.setattr("taonet_core.api.classify.MAX_PENDING", 1)
    reading, answered = threading.Event(), threading.Event()

    def slowly(path, **settings):
        reading.set()
        assert answered.wait(10)
        return read_objects(path, **settings)

    monkeypatch.setattr("taonet_core.api.service.read_objects", slowly)
    with served(objects) as address, ThreadPoolExecutor() as pool:
        first = pool.submit(ask, f"{address}/classify", fits_file().read_bytes())
        assert reading.wait(10)
        assert refusal(ask(f"{address}/classify", b"x")) == (429, "E_QUOTA")
        answered.set()
        assert first.result()[0] == 200
        assert refusal(ask(f"{address}/classify", b"x"))[0] == 422


@contextmanager
def begun(address):
    """Begin to send a file, of which no more comes."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        head = f"POST {place.path}/classify HTTP/1.1\r\nHost: localhost\r\n"
        line.sendall(f"{head}Content-Length: 100\r\n\r\nx".encode())
        yield line


def test_who_sends_slowly_takes_the_place_of_nobody(folder, objects, fits_file, monkeypatch):
    monkeypatch.setattr(weights, "WEIGHTS_FOLDER", folder)
    monkeypatch.setattr("taonet_core.api.classify.MAX_PENDING", 1)
    monkeypatch.setattr("taonet_core.api.classify.MAX_COMING", 3)
    arrived = threading.Semaphore(0)

    async def noted(*given):
        arrived.release()
        return await received(*given)

    monkeypatch.setattr("taonet_core.api.classify.received", noted)
    with served(objects) as address, begun(address), begun(address):
        assert arrived.acquire(timeout=10) and arrived.acquire(timeout=10)
        assert ask(f"{address}/classify", fits_file().read_bytes())[0] == 200
        with begun(address):
            assert arrived.acquire(timeout=10) and arrived.acquire(timeout=10)
            assert refusal(ask(f"{address}/classify", b"x")) == (429, "E_QUOTA")


def test_an_upload_that_takes_too_long_is_given_up(objects, monkeypatch):
    monkeypatch.setattr("taonet_core.api.server.MAX_SECONDS", 0.2)
    with served(objects) as address, begun(address) as line:
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408") and b"E_SLOW" in answer and b"more than" in answer


def test_an_upload_that_stands_still_is_given_up(objects):
    settings = Settings(upload_rate=10**6, upload_patience=0.2)
    with served(objects, settings=settings) as address:
        with begun(address) as line:
            answer = line.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 408") and b"E_SLOW" in answer
        assert b"Permissions-Policy" in answer.title() and b"default-src 'none'" in answer
        assert ask(f"{address}/models")[0] == 200


def test_a_broken_form_is_refused(url):
    assert refusal(ask(f"{url}/classify", b"--nonsense", **FORM))[0] == 400
    assert refusal(ask(f"{url}/classify", multipart(), **FORM)) == (400, "E_EMPTY")
