"""Links out: right places, safely quoted, and none that would mislead."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from taonet_core.links import RADIUS, links_out


def by_name(links):
    return {link.name: urlsplit(link.url) for link in links}


def test_a_place_on_the_sky_is_searched_everywhere():
    links, reason = links_out(150.123456, 2.5)
    assert not reason
    pages = by_name(links)
    assert {"SIMBAD", "NED", "TNS", "Aladin", "VizieR", "VSX", "Legacy Survey"} < set(pages)
    assert {"Pan-STARRS", "ALeRCE search", "Fink search", "SNAD ZTF viewer"} < set(pages)
    assert parse_qs(pages["SIMBAD"].query) == {
        "Coord": ["150.123456 +2.500000"],
        "CooFrame": ["ICRS"],
        "Radius": [f"{RADIUS:g}"],
        "Radius.unit": ["arcsec"],
    }
    assert parse_qs(pages["TNS"].query)["decl"] == ["2.500000"]
    assert unquote(pages["SNAD ZTF viewer"].path) == "/search/150.123456 2.500000/10"
    assert float(parse_qs(pages["NED"].query)["radius"][0]) * 60 == pytest.approx(RADIUS, abs=0.1)


def test_every_address_is_https_quoted_and_said_in_a_sentence():
    links, _ = links_out(359.9, -12.25, ["ZTF21abiuvdk", "SN 2021rhu"])
    assert len({link.url for link in links}) == len(links)
    for link in links:
        parts = urlsplit(link.url)
        assert parts.scheme == "https" and parts.netloc
        assert not set(link.url) & set(" +<>\"'")
        assert link.hint.endswith(".")


def test_names_of_surveys_lead_to_the_object_itself_without_coordinates():
    links, reason = links_out(None, None, ["ZTF21abiuvdk (object.fits)", "SN 2021rhu"])
    assert [link.url for link in links] == [
        "https://alerce.online/object/ZTF21abiuvdk",
        "https://ztf.fink-portal.org/ZTF21abiuvdk",
        "https://lasair-ztf.lsst.ac.uk/objects/ZTF21abiuvdk/",
        "https://www.wis-tns.org/object/2021rhu",
    ]
    assert "no coordinates" in reason


@pytest.mark.parametrize(
    ("name", "page"),
    [("AT2018cow", "2018cow"), ("SN2011fe", "2011fe"), ("TDE 2019qiz", "2019qiz")],
)
def test_names_of_the_transient_name_server(name, page):
    [link] = links_out(None, None, [name])[0]
    assert link.url.endswith(f"/object/{page}")


@pytest.mark.parametrize("name", ["", "CSS060402:081233+123301", "ZTF21", "SNR", "../AT/2018", "a"])
def test_nothing_to_search_for_is_said(name):
    for place in ((None, None), (float("nan"), 3.0), (10.0, 91.0), (None, 5.0)):
        links, reason = links_out(*place, [name])
        assert not links and "no coordinates" in reason


def test_a_simulated_object_is_linked_nowhere():
    links, reason = links_out(150.0, 2.0, ["ZTF21abiuvdk"], simulated=True)
    assert not links and "simulated" in reason


def test_surveys_are_left_out_where_they_have_not_looked():
    southern = set(by_name(links_out(150.0, -70.0)[0]))
    assert "SIMBAD" in southern and not southern & {"Pan-STARRS", "Fink search", "SNAD ZTF viewer"}


def test_a_name_cannot_break_out_of_the_address():
    for name in ('ZTF21abiuvdk"><script>', "ZTF21abiuvdk/../../x", "AT2020abc?x=1#y"):
        for link in links_out(None, None, [name])[0]:
            assert "<" not in link.url and ".." not in link.url and "?" not in link.url
