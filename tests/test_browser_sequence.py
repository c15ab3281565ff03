"""The tools of an object in a real browser: files arrive, code can be copied, why is painted."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from browser import CHROMIUM, comes_true, rgba, upload
from PIL import Image

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")

NAME = "PTF11kly in M101"


@pytest.fixture
def opened(page, address, fits_file, make_sequence):
    """Show an object of one's own."""
    flux = np.repeat([0, 4000, 30_000, 6000, 2000], 2).astype(float)
    sequence = make_sequence(nights=5, flux=flux, object_id=NAME)
    return upload(page, address, fits_file(sequence, name="mine.fits", layout="mef"))


def tool(page, name):
    """Open a part of the tools; a page that is still arriving may close it again."""
    page.locator('[data-test-script-state="notRunning"]').wait_for()
    body = page.locator('[data-testid="stPopoverBody"]')
    inside = body.locator("button:visible, code").first
    for _ in range(20):
        if not inside.is_visible():
            page.locator('[data-testid="stPopoverButton"]', has_text=name).click()
        page.wait_for_timeout(400)
        if inside.is_visible():
            return body
    raise AssertionError(f"{name} does not open")


def downloaded(page, menu, label):
    """Return name and bytes of a file that is asked for."""
    with page.expect_download(timeout=20_000) as waiting:
        menu.get_by_role("button", name=label, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def reads_by_itself(chromium, data, path):
    """Check that a report asks for nothing, and no part of it reaches beyond a narrow screen."""
    path.write_bytes(data)
    window = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    asked = []
    window.on("request", lambda request: asked.append(request.url))
    window.goto(path.as_uri())
    assert window.locator("h1").inner_text() == NAME
    assert window.locator("img").count() == 5 and not window.locator("script").count()
    assert window.evaluate("document.documentElement.scrollWidth") <= 390
    ground = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, ground[4:-1].split(","))) < 150
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    window.close()


def test_every_file_can_be_downloaded(opened, chromium, tmp_path):
    menu = tool(opened, "Downloads")
    files = {}
    labels = ("FITS", "PNG of night 3", "GIF", "CSV", "ECSV", "VOTable", "JSON", "HTML report")
    for label in labels:
        files[label] = downloaded(opened, menu, label)
    assert {name for name, _ in files.values()} == {
        f"PTF11kly_in_M101{end}"
        for end in (
            ".fits",
            "_night3.png",
            ".gif",
            ".csv",
            ".ecsv",
            ".vot",
            ".json",
            "_report.html",
        )
    }
    with fits.open(io.BytesIO(files["FITS"][1])) as hdus:
        assert sum(hdu.data is not None for hdu in hdus) >= 10
    assert Image.open(io.BytesIO(files["PNG of night 3"][1])).format == "PNG"
    assert Image.open(io.BytesIO(files["GIF"][1])).n_frames > 1
    for label, kind in (("ECSV", "ascii.ecsv"), ("VOTable", "votable")):
        table = Table.read(io.BytesIO(files[label][1]), format=kind)
        assert len(table) == 10 and {"mag", "flux", "p_SN_taonet"} < set(table.colnames)
    assert len(json.loads(files["JSON"][1])["rows"]) == 10
    assert files["CSV"][1].decode().startswith("# ")
    reads_by_itself(chromium, files["HTML report"][1], tmp_path / "report.html")


def test_the_code_follows_the_cursor_and_why_is_painted_over_the_frames(opened):
    menu = tool(opened, "Code")
    python, shell = menu.locator("code").all_inner_texts()
    assert "read_sequence('mine.fits')" in python and "night 3" in python
    assert shell.startswith("taonet predict mine.fits --model taonet")
    opened.keyboard.press("Escape")
    opened.locator(".thumb").nth(1).click()
    tool(opened, "Code")
    assert comes_true(
        opened, lambda: "night 2" in opened.locator('[data-testid="stPopoverBody"]').inner_text()
    )
    opened.keyboard.press("Escape")
    shot = rgba(opened, 'canvas[data-image="science"]')
    opened.locator(".st-key-why label").first.click()
    opened.get_by_text("evidence", exact=True).wait_for(timeout=60_000)
    assert comes_true(opened, lambda: opened.locator("canvas").count() > 3)
    assert (rgba(opened, 'canvas[data-image="science"]') == shot).all()  # the frame stays below
