"""Browse in a real browser: filter, open by mouse and by keyboard, come back to the same list."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import CHROMIUM, comes_true

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")

CARD = ".gallery-cards .card"


def asked(page):
    return parse_qs(urlsplit(page.url).query)


def opened(page, address, query=""):
    page.goto(f"{address}/{query}")
    page.locator(CARD).first.wait_for(timeout=60_000)
    return page


def focused(page):
    """Return the name of the card that has the focus."""
    return page.evaluate(
        """() => { let at = document.activeElement;
          while (at?.shadowRoot) at = at.shadowRoot.activeElement;
          return at?.dataset.id ?? null; }"""
    )


def test_filter_open_and_come_back(page, address):
    opened(page, address)
    page.get_by_role("button", name="True class").click()
    for name in ("SN", "CV"):
        page.get_by_test_id("stPopoverBody").get_by_role("button", name=name).click()
        page.wait_for_url(f"**truth={name}**", timeout=10_000)
    page.keyboard.press("Escape")
    assert comes_true(page, lambda: page.locator(CARD).count() == 2)
    card = page.locator(CARD).nth(1)
    name = card.get_attribute("data-id")
    assert "Label in the catalogue" not in card.get_attribute("aria-label")
    assert re.search(
        r"Verdict of taonet 0.0: .*; Truth \(simulated\)", card.get_attribute("aria-label")
    )
    card.click()
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    assert asked(page)["object"] == [name]
    page.go_back()
    page.locator(CARD).first.wait_for(timeout=30_000)
    assert sorted(asked(page)["truth"]) == ["CV", "SN"]
    assert comes_true(page, lambda: focused(page) == name)
    assert page.locator(CARD).count() == 2
    page.get_by_role("button", name="truth CV or SN").click()
    assert comes_true(page, lambda: page.locator(CARD).count() == 6)
    assert not asked(page)


def test_the_keyboard_walks_and_opens(page, address):
    opened(page, address)
    names = [card.get_attribute("data-id") for card in page.locator(CARD).all()]
    assert [card.get_attribute("tabindex") for card in page.locator(CARD).all()] == ["0"] + [
        "-1"
    ] * 5
    page.set_viewport_size({"width": 390, "height": 844})  # two cards side by side
    page.locator(CARD).first.focus()
    for key, expected in (("ArrowRight", 1), ("ArrowDown", 3), ("ArrowLeft", 2), ("End", 5),
                          ("ArrowRight", 5), ("ArrowUp", 3), ("Home", 0)):  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == names[expected], key
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    assert asked(page)["object"] == [names[1]]


def test_a_point_on_the_sky_opens_and_a_box_filters(page, address):
    opened(page, address, "?view=sky")
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    page.locator("[data-title='Box Select']").click()
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    middle = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 2, area["y"] + 2)
    page.mouse.down()
    page.mouse.move(*middle, steps=4)
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] - 2, steps=4)
    page.mouse.up()
    page.wait_for_url("**sky=**", timeout=10_000)
    assert comes_true(page, lambda: "marked on the sky map" in page.locator("body").inner_text())
    point = page.locator(".js-plotly-plot .scatterlayer .point").first
    point.wait_for(timeout=10_000)
    point.click(force=True)
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    assert "object" in asked(page)


def test_the_example_is_one_click_away(page, address):
    opened(page, address)
    page.get_by_role("button", name="Open an example").click()
    page.locator(".viewer button.verdict").first.wait_for(timeout=30_000)
