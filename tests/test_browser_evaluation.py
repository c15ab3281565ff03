"""Performance and Compare in a real browser: cells are buttons that lead to their objects."""

from urllib.parse import parse_qs, urlsplit

import pytest
from browser import comes_true


def opened(page, address, path):
    page.goto(f"{address}/{path}")
    page.locator(".matrix table").wait_for(timeout=60_000)
    return page


def filled(page, *, mistakes):
    """Return a cell that holds objects, on or off the diagonal."""
    same = ":not(.same)" if mistakes else ".same"
    return page.locator(f".matrix .cell:not([aria-disabled]){same}").first


def asked(page):
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_cell_of_confusion_opens_the_mistakes_in_it(page, address):
    opened(page, address, "performance?set=demo&model=taonet")
    cell = filled(page, mistakes=True)
    row, column = (cell.get_attribute(f"data-{name}") for name in ("row", "column"))
    assert f"true class {row}, verdict {column}" in cell.get_attribute("aria-label")
    cell.click()
    page.wait_for_url("**/misclassified?**", timeout=30_000)
    assert comes_true(page, lambda: {"truth", "verdict"} <= set(asked(page)))
    held = asked(page)
    assert (held["truth"], held["verdict"], held["model"]) == (row, column, "taonet")


def test_right_verdicts_of_a_cell_are_listed_below_it(page, address):
    opened(page, address, "performance")
    filled(page, mistakes=False).click()
    page.wait_for_url("**truth=AGN**", timeout=30_000)
    page.locator('.cell[aria-pressed="true"]').wait_for()
    page.get_by_text("objects of class AGN, verdict AGN").wait_for()


def test_the_matrix_is_walked_by_arrow_keys(page, address):
    opened(page, address, "compare?set=tao-sim-v1-0.5")
    first = page.locator('.cell[data-row="AGN"][data-column="AGN"]')
    first.focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    there = page.evaluate(
        """() => { let focus = document.activeElement;
          while (focus.shadowRoot) focus = focus.shadowRoot.activeElement;
          return [focus.dataset.row, focus.dataset.column]; }"""
    )
    assert there == ["BZ", "BZ"]
    page.keyboard.press("Enter")
    page.wait_for_url("**va=BZ&vb=BZ**", timeout=30_000)
    assert page.locator(".cell[tabindex='0']").count() == 1


def test_compare_opens_an_object_and_comes_back_to_the_cell(page, address):
    opened(page, address, "compare?a=taonet&b=taonet-paper")
    page.locator(".matrix .cell:not([aria-disabled])").first.click()
    page.wait_for_url("**va=**", timeout=30_000)
    cell = asked(page)
    page.locator(".gallery-cards .card").first.click()
    page.locator(".viewer .curve svg").wait_for(timeout=60_000)
    assert comes_true(page, lambda: "object" in asked(page))
    page.get_by_role("button", name="Back to all objects").click()
    page.locator(".matrix table").wait_for(timeout=30_000)
    assert comes_true(page, lambda: asked(page) == cell)


@pytest.mark.parametrize("path", ["performance", "compare?set=tao-sim-v1-0.5"])
def test_matrices_and_figures_fit_a_telephone(page, address, path):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, address, path)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    parts = page.locator(".matrix table, .js-plotly-plot").all()
    boxes = [box for part in parts if (box := part.bounding_box())]  # None in a closed tab
    assert len(boxes) >= 2  # the matrix, and a figure
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
