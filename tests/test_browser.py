"""The app in a real browser: a file goes in; frames, curve and probabilities share a cursor."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from browser import comes_true, cursors, now, pixels, upload

from taonet_core.data.sequence import ImageSequence
from taonet_core.figures import viewer_payload


@pytest.fixture
def outburst(make_sequence):
    flux = np.repeat([300.0, 300.0, 9000.0, 5000.0, 1500.0, 300.0], 2)
    frames = make_sequence(nights=6, visits=2, flux=flux)
    pixels = frames.frames.copy()
    pixels[3, 5:20, 40:] = 0  # no data there
    return frames.with_frames(pixels)


def test_upload_shows_frames_verdicts_and_a_shared_cursor(page, address, fits_file, outburst):
    upload(page, address, fits_file(outburst))
    # a link to a page of a server that has just started finds the router too
    assert page.get_by_role("link", name="Browse").count() == 1
    assert page.get_by_role("link", name="ui").count() == 0
    models = [badge.get_attribute("data-model") for badge in page.locator("button.verdict").all()]
    assert models == ["taonet", "forest", "taonet-paper"]
    assert page.locator(".classes .labels text").count() == 6
    assert "night 3 of 6" in now(page)  # opens where the object is brightest

    epoch = int(page.locator(".player input").input_value())
    shown = viewer_payload(outburst, None)["frames"]
    low, high = shown["limits"]["zscale"]
    level = np.median(outburst.frames[epoch])
    shade = np.clip((outburst.frames[epoch] - level - low) / (high - low), 0, 1)
    expected = 255 * np.arcsinh(3 * shade) / np.arcsinh(3)
    assert np.abs(pixels(page, "science") - expected).max() <= 1.0

    seen = [cursors(page)]
    steps = {
        "key": lambda: page.keyboard.press("ArrowRight"),
        "button": lambda: page.get_by_label("Next epoch").click(),
        "night": lambda: page.locator(".thumb").nth(0).click(),
        "point": lambda: page.locator(".curve .point").nth(11).click(force=True),
        "chart": lambda: page.locator(".classes svg").click(position={"x": 150, "y": 60}),
        "slider": lambda: page.locator(".player input").fill("5"),
    }
    for name, step in steps.items():
        before = pixels(page, "science")
        step()
        seen.append(cursors(page))
        moved = [a != b for a, b in zip(seen[-2], seen[-1], strict=True)]
        assert all(moved), f"{name}: {seen[-2:]}"
        assert (pixels(page, "science") != before).any()
    assert seen[3][0] == "0" and seen[4][0] == "11" and seen[6][0] == "5"


def test_blink_play_and_one_stretch(page, address, fits_file, outburst):
    upload(page, address, fits_file(outburst))
    science, reference = pixels(page, "science"), pixels(page, "reference")
    page.keyboard.press("b")
    for image in (reference, science):
        assert comes_true(page, lambda image=image: np.array_equal(pixels(page, "science"), image))
    page.get_by_role("button", name="blink").click()
    assert np.array_equal(pixels(page, "science"), science)

    start = cursors(page)[0]
    page.keyboard.press(" ")
    assert comes_true(page, lambda: cursors(page)[0] != start)
    page.keyboard.press(" ")

    page.get_by_label("Stretch").select_option("linear")
    page.get_by_label("Interval").select_option("min–max")
    low, high = viewer_payload(outburst, None)["frames"]["limits"]["min–max"]
    for epoch in (0, 4):
        page.locator(".player input").fill(str(epoch))
        frame = outburst.frames[epoch]
        expected = 255 * (frame - np.median(frame) - low) / (high - low)
        assert np.abs(pixels(page, "science") - expected).max() <= 1.0


def test_pixels_without_data_stay_empty_and_the_pointer_reads_values(
    page, address, fits_file, outburst
):
    upload(page, address, fits_file(outburst))
    page.locator(".player input").fill("3")
    assert (pixels(page, "science")[5:20, 40:] == 0).all()
    box = page.locator("canvas[data-image=science]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 - 2)
    words = page.locator(".pointer").inner_text()
    assert words.startswith("x 32 y 32") and f"{outburst.frames[3, 32, 32]:.0f}" in words
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"])
    assert "no data" in page.locator(".pointer").inner_text()


def test_the_sky_is_shown_east_left_and_read_under_the_pointer(
    page, address, fits_file, make_sequence
):
    made = make_sequence(nights=2, flux=9000.0, centre=(44, 30))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [33, 33]
    wcs.wcs.crval = [made.meta["ra"], made.meta["dec"]]
    wcs.wcs.cdelt = [2.5 / 3600, 2.5 / 3600]  # right ascension grows to the right: mirrored
    mirrored = ImageSequence(made.frames, made.times, wcs, made.meta)
    upload(page, address, fits_file(mirrored, layout="mef"))
    assert page.locator("svg.compass text").all_text_contents() == ["N", "E"]
    image = pixels(page, "science")
    assert image[30, 63 - 44] == 255 and image[30, 44] < 255
    box = page.locator("canvas[data-image=science]").bounding_box()
    step = box["width"] / 64
    page.mouse.move(box["x"] + (63 - 44 + 0.5) * step, box["y"] + (63 - 30 + 0.5) * step)
    words = page.locator(".pointer").inner_text()
    place = wcs.pixel_to_world(44, 30)
    assert words.startswith("x 44 y 30")
    _, ra, _, dec, *sexagesimal = words.splitlines()[-1].split()
    assert float(ra) == pytest.approx(place.ra.deg, abs=1e-4)
    assert float(dec) == pytest.approx(place.dec.deg, abs=1e-4)
    again = SkyCoord(*sexagesimal, unit=("hourangle", "deg"))
    assert again.separation(place).arcsec < 0.5


def test_the_address_follows_the_night(page, address):
    page.goto(address)
    page.locator(".gallery-cards .card").first.wait_for(timeout=60_000)
    page.locator(".gallery-cards .card").nth(1).click()
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    page.locator(".thumb").nth(4).click()
    page.wait_for_url("**night=5**", timeout=10_000)
    name = page.locator(".subject h2").inner_text()
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.locator(".viewer .curve svg").wait_for(timeout=30_000)
    assert page.locator(".subject h2").inner_text() == name
    assert now(page).startswith("night 5 of")
    page.get_by_label("Next object").click()
    page.locator(".subject h2", has_not_text=name).wait_for(timeout=10_000)
    assert "night=" not in page.url


def test_text_from_a_file_stays_text(page, address, fits_file, make_sequence):
    name = "<img src=x onerror=window.hacked=1>**b**"
    upload(page, address, fits_file(make_sequence(object_id=name), layout="mef"))
    assert page.locator(".subject h2").inner_text() == name
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None


def test_it_fits_the_screen_wide_and_narrow(page, address):
    page.goto(f"{address}/sequence")
    page.locator(".viewer .curve svg").wait_for(timeout=60_000)
    box = page.locator(".stage").bounding_box()
    assert box["y"] + box["height"] <= 900
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    parts = [".verdicts", "figure.science", ".player", ".panel.classes", ".panel.curve"]
    tops = [page.locator(part).bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for part in (".stage", ".images", ".player .row"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
