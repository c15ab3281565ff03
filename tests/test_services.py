"""Public services: what is asked of them, and what is made of good, bad and no answers."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from taonet_core import services
from taonet_core.errors import ServiceError
from taonet_core.services import sky_image, ztf_light_curve

JPEG = b"\xff\xd8\xff\xe0 as good as an image"
CSV = b"""oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec
1,1,2458300.1,58299.6,18.25,0.05,0,zr,150.1,2.2
1,2,2458299.1,58298.6,18.75,0.06,0,zg,150.1,2.2
"""


@pytest.fixture
def service(monkeypatch):
    """Serve `answer` as both services; what was asked is in `asked`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(parse_qs(urlsplit(self.path).query))
            if server.silent.wait(5 if server.answer is None else 0):
                return
            code, body = server.answer
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer, server.silent = [], (200, b""), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/service"
    monkeypatch.setattr(services, "HIPS2FITS", url)
    monkeypatch.setattr(services, "ZTF_LIGHT_CURVES", url)
    yield server
    server.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_image_of_the_same_angular_size(service):
    service.answer = (200, JPEG)
    image, survey = sky_image(150.5, -2.25, width_arcsec=160.0, pixels=320)
    assert image == JPEG and "Pan-STARRS" in survey
    [asked] = service.asked
    assert asked["hips"] == ["CDS/P/PanSTARRS/DR1/color-z-zg-g"]
    assert float(asked["fov"][0]) * 3600 == pytest.approx(160, abs=0.01)
    assert (asked["ra"], asked["dec"]) == (["150.500000"], ["-2.250000"])
    assert asked["width"] == asked["height"] == ["320"]
    assert "Digitized" in sky_image(150.5, -60.0, width_arcsec=160.0)[1]


def test_a_light_curve_in_time_order(service):
    service.answer = (200, CSV)
    curve = ztf_light_curve(150.1, 2.2)
    np.testing.assert_array_equal(curve.times, [58298.6, 58299.6])
    np.testing.assert_array_equal(curve.mag, [18.75, 18.25])
    np.testing.assert_array_equal(curve.mag_err, [0.06, 0.05])
    assert list(curve.bands) == ["g", "r"]
    assert service.asked[0]["POS"] == ["CIRCLE 150.100000 2.200000 0.000556"]


def test_nothing_measured_is_an_empty_light_curve(service):
    service.answer = (200, CSV.splitlines(keepends=True)[0])
    assert len(ztf_light_curve(150.1, 2.2)) == 0


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>\n<p>x</p>", b"\xff\xfe\x00", b"a,b\n1"]
)
def test_another_answer_is_one_sentence(service, body):
    service.answer = (200, body)
    with pytest.raises(ServiceError, match="did not send a light curve"):
        ztf_light_curve(1.0, 2.0)
    with pytest.raises(ServiceError, match="did not send an image"):
        sky_image(1.0, 2.0, width_arcsec=60)


def test_errors_of_the_service_are_said(service, monkeypatch):
    service.answer = (503, b"")
    with pytest.raises(ServiceError, match="error 503"):
        ztf_light_curve(1.0, 2.0)
    monkeypatch.setattr(services, "MAX_BYTES", 100)
    service.answer = (200, JPEG * 100)
    with pytest.raises(ServiceError, match="refused"):
        sky_image(1.0, 2.0, width_arcsec=60)


def test_silence_ends(service, monkeypatch):
    monkeypatch.setattr(services, "TIMEOUT", 0.2)
    service.answer = None
    with pytest.raises(ServiceError, match="cannot be reached"):
        sky_image(1.0, 2.0, width_arcsec=60)


def test_nobody_there_is_said(monkeypatch):
    monkeypatch.setattr(services, "ZTF_LIGHT_CURVES", "http://127.0.0.1:9/nothing")
    with pytest.raises(ServiceError, match="cannot be reached from here"):
        ztf_light_curve(1.0, 2.0)
