"""Names are looked up at Sesame; where that fails, a clear word says why. No test goes outside."""

import urllib.error

import pytest
from astropy.coordinates import name_resolve

from taonet_core.data.resolver import resolve_name
from taonet_core.errors import ServiceError


def answering(monkeypatch, answer):
    asked = []

    def download(url, **_):
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(name_resolve, "download_file", download)
    monkeypatch.setattr(name_resolve, "get_file_contents", lambda text: text)
    return asked


def test_a_known_name_has_a_place(monkeypatch):
    asked = answering(monkeypatch, "# M31\n%J 10.684708 +41.268750 = 00:42:44.3 +41:16:07\n")
    assert resolve_name("  M  31 ") == pytest.approx((10.684708, 41.268750))
    assert asked[0].endswith("?M%2031")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("# nonsense\n#!Sesame nothing found\n", "neither SIMBAD nor NED"),
        (urllib.error.URLError("no route"), "does not answer"),
        (TimeoutError("slow"), "does not answer"),
        (ConnectionResetError("reset"), "broke off"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(monkeypatch, answer, words):
    answering(monkeypatch, answer)
    with pytest.raises(ServiceError, match=words):
        resolve_name("nonsense")
