"""Explain in a real browser: evidence over the frames, asked in other ways, tied to its nights."""

from urllib.parse import parse_qs, urlsplit

import numpy as np
from browser import comes_true, now, rgba

EVIDENCE = 'canvas[data-evidence="science"]'


def opened(page, address, query=""):
    """Open the page and wait until evidence lies over the frame."""
    page.goto(f"{address}/explain{query}")
    page.locator(EVIDENCE).wait_for(timeout=60_000)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    assert comes_true(page, lambda: rgba(page, EVIDENCE)[..., 3].any())
    return page


def asked(page):
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def choose(page, label, option):
    """Choose an option of a select box."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    page.get_by_role("option", name=option, exact=True).click()


def scale(page):
    """Return what the colour bar of the evidence says."""
    return page.locator(".colourbar").first.get_attribute("aria-label")


def test_another_method_and_another_class_are_painted_over_the_same_frame(page, address):
    opened(page, address, "?target=SN&night=2")
    first, words = rgba(page, EVIDENCE), scale(page)
    assert "for SN" in words and "against SN" in words
    assert page.get_by_text("of the evidence").first.is_visible()
    choose(page, "rather than", "▲ CV")
    assert comes_true(page, lambda: "for CV" in scale(page))
    assert comes_true(page, lambda: (rgba(page, EVIDENCE) != first).any())
    assert now(page).startswith("night 2 ")
    choose(page, "by", "Saliency")
    assert comes_true(page, lambda: "from 0 to" in scale(page))
    red, _, blue, opacity = np.moveaxis(rgba(page, EVIDENCE), -1, 0)
    assert (red > blue)[opacity > 0].all()  # without a sign there is one colour
    held = asked(page)
    assert (held["target"], held["against"], held["method"]) == ("SN", "CV", "saliency")
    page.get_by_label("Opacity of the evidence").fill("0.2")
    assert "opacity: 0.2" in page.locator(EVIDENCE).get_attribute("style")
    page.get_by_role("button", name="Next object").click()
    assert comes_true(page, lambda: asked(page)["object"] != held["object"])
    left = {key: asked(page).get(key) for key in ("target", "against", "method")}
    assert left == {"target": "SN", "against": "CV", "method": "saliency"}


def test_the_night_goes_from_the_figure_to_the_viewer_and_back(page, address):
    opened(page, address, "?night=2")
    points = page.locator(".js-plotly-plot").first.locator(".points path.point")
    points.nth(2).scroll_into_view_if_needed()
    box = points.nth(2).bounding_box()
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*place)
    page.locator(".hoverlayer .hovertext").wait_for()  # Plotly clicks on what it hovers over
    page.mouse.click(*place)
    assert comes_true(page, lambda: asked(page)["night"] == "3")
    assert comes_true(page, lambda: now(page).startswith("night 3 "))
    page.locator(".player input").focus()
    page.keyboard.press("End")
    assert comes_true(page, lambda: asked(page)["night"] not in ("2", "3"))
    last = asked(page)["night"]
    assert now(page).startswith(f"night {last} ")

    def marked():
        """Whether the last point of the figure is drawn larger than the first."""
        boxes = [points.nth(i).bounding_box() for i in (0, points.count() - 1)]
        return all(boxes) and boxes[1]["width"] > boxes[0]["width"] + 2

    assert comes_true(page, marked)


def test_it_is_tested_on_the_object_and_taken_home(page, address):
    opened(page, address)
    charts = page.locator(".js-plotly-plot")
    before = charts.count()
    page.get_by_role("button", name="Test it on this object").click()
    page.get_by_text("Area against random order").wait_for(timeout=60_000)
    assert comes_true(page, lambda: charts.count() == before + 1)
    assert page.locator(".js-plotly-plot").last.locator("path.js-line").count() >= 6
    with page.expect_download() as download:
        page.get_by_role("button", name="FITS", exact=True).click()
    assert download.value.suggested_filename.endswith("evidence.fits")
    page.get_by_role("button", name="Code").click()
    page.get_by_text("from taonet_core.explain import explain").wait_for()


def test_it_fits_a_telephone(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, address, "?steps=8")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
