"""From a cell of the confusion matrix to a label that is found again, in a real browser."""

from urllib.parse import parse_qs, quote, urlsplit

import pandas as pd
from browser import comes_true, now, served, window

NOTE = "1 or 5, u tell"


def asked(page):
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def labels(page):
    """Download the labels of all experts as CSV."""
    page.get_by_role("button", name="Labels ·").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    table = pd.read_csv(download.value.path(), keep_default_na=False)
    page.keyboard.press("Escape")
    return table


def from_cell_to_object(page, address):
    """Click a cell of the confusion matrix, then the first of its errors; return its name."""
    page.goto(f"{address}/performance?set=demo&model=taonet")
    page.locator(".matrix .cell:not([aria-disabled]):not(.same)").first.click(timeout=60_000)
    page.wait_for_url("**/misclassified?**", timeout=30_000)
    page.locator(".gallery-cards .card").first.wait_for(timeout=60_000)
    cell, card = asked(page), page.locator(".gallery-cards .card").first
    assert card.locator(".badges").first.inner_text().split()[1] == cell["truth"]
    assert f"{cell['verdict']} 0." in card.locator(".badge.filled").first.inner_text()
    name = card.get_attribute("data-id")
    card.click()
    page.locator(".viewer .curve svg").wait_for(timeout=60_000)
    assert comes_true(page, lambda: asked(page).get("object") == name)
    assert cell.items() <= asked(page).items()
    return name


def test_from_a_cell_to_a_label_that_outlives_the_server(page, address, chromium, app_folder):
    name = from_cell_to_object(page, address)
    page.keyboard.press("2")
    page.get_by_role("button", name="Undo").first.wait_for()
    page.keyboard.press("n")
    page.keyboard.type(NOTE)  # keys of labels, but in a text
    page.keyboard.press("Enter")
    page.locator(".st-key-walk-said").get_by_text(NOTE).wait_for()
    page.keyboard.press("g")
    page.locator(".gallery-cards .badge.expert").first.wait_for(timeout=30_000)
    table = labels(page)
    [row] = table[table["note"] == NOTE].to_dict("records")
    assert (row["object_id"], row["label"], row["collection"]) == (name, "BZ", "demo")
    assert row["author"] and row["model"] == "taonet"
    page.close()
    # another process, on what the first one left behind
    with served(app_folder) as again, window(chromium, again) as fresh:
        fresh.goto(f"{again}/sequence?object={quote(name)}")
        fresh.locator(".st-key-object-said").get_by_text(NOTE).wait_for(timeout=60_000)


def test_a_walk_by_keyboard_also_on_a_telephone(page, address):
    page.goto(f"{address}/misclassified")
    page.locator(".gallery-cards .card").first.wait_for(timeout=60_000)
    names = [c.get_attribute("data-id") for c in page.locator(".gallery-cards .card").all()]
    page.locator(".gallery-cards .card").first.click()
    for key, name in (("", names[0]), ("j", names[1]), ("k", names[0])):
        if key:
            page.keyboard.press(key)
        page.locator(".subject h2", has_text=name).wait_for(timeout=30_000)
        assert asked(page)["object"] == name
    for key, words in (("Home", "night 1 of"), ("End", "frame ")):  # the viewer keeps its keys
        page.keyboard.press(key)
        assert comes_true(page, lambda words=words: words in now(page))
    assert asked(page)["object"] == names[0]

    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for key in ("walk-AGN", "walk-unsure", "walk-note"):
        box = page.locator(f".st-key-{key}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
