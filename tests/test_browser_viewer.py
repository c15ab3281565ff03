"""The epoch viewer by itself: evidence, zoom, folding, filters, labels, keys."""

import numpy as np
import pytest
from browser import bare_viewer, now, remount, rgba, window
from test_figures import prediction
from test_overlay import attribution

from taonet_core.data.sequence import ImageSequence
from taonet_core.figures import attribution_overlay, viewer_payload
from taonet_core.labels import TransientClass
from taonet_core.transforms.photometry import extract_light_curve

IMAGES = ("science", "reference", "difference")


@pytest.fixture
def outburst(make_sequence):
    return make_sequence(nights=6, visits=2, flux=np.repeat([900, 950, 9000, 5000, 1500, 900], 2))


def payload_of(sequence, **said):
    reads = prediction(sequence, np.repeat(np.arange(6), 2))
    return viewer_payload(sequence, extract_light_curve(sequence), [reads], **said)


def evidence_of(page):
    return rgba(page, 'canvas[data-evidence="science"]')[::-1]


def test_evidence_is_painted_in_signed_colours_where_it_lies(blank, outburst):
    values = np.zeros((6, 64, 64), np.float32)
    values[0, 10, 20], values[0, 40, 50], values[0, 5, 5] = 1.0, -1.0, 0.25
    values[3, 30, 30] = -0.5
    overlay = attribution_overlay(attribution(outburst, values), outburst)
    overlay["limit"] = 1.0
    page = bare_viewer(blank, payload_of(outburst), night=1, overlay=overlay)
    shown = evidence_of(page)
    assert tuple(shown[10, 20]) == (255, 106, 26, 255)
    assert tuple(shown[40, 50]) == (34, 126, 255, 255)
    assert shown[5, 5, 3] == 64 and np.count_nonzero(shown[..., 3]) == 3
    page.keyboard.press("End")
    assert not evidence_of(page).any()
    page.locator(".thumb").nth(3).click()
    assert evidence_of(page)[30, 30, 3] == 128


def test_a_new_overlay_repaints_in_place(blank, outburst):
    payload = payload_of(outburst)
    page = bare_viewer(blank, payload, night=2)
    page.evaluate("window.first = document.querySelector('.stage')")
    assert not page.locator(".colourbar").is_visible()
    values = np.zeros((6, 64, 64), np.float32)
    values[1:3] = [[[0.5]], [[-1.0]]]
    remount(
        page, payload, night=2, overlay=attribution_overlay(attribution(outburst, values), outburst)
    )
    assert page.evaluate("window.first === document.querySelector('.stage')")
    assert evidence_of(page)[..., 3].min() > 0
    assert page.locator(".colourbar").inner_text().split("\n")[0] == "against SN"
    bars = page.locator(".curve g.evidence rect")
    heights = [float(bar.get_attribute("height")) for bar in bars.all()]
    np.testing.assert_allclose(np.array(heights) / 30, [0, 0.5, 1, 0, 0, 0], atol=1e-6)
    assert bars.nth(2).get_attribute("class") == "against"
    page.keyboard.press("e")
    assert not evidence_of(page).any()
    contrast = attribution(outburst, -values, against=TransientClass.AGN)
    page.keyboard.press("e")
    remount(page, payload, night=2, overlay=attribution_overlay(contrast, outburst))
    assert page.locator(".colourbar").inner_text().split("\n")[0] == "for AGN"


def test_evidence_is_read_under_the_pointer_and_said_of_frames_not_read(blank, outburst):
    values = np.zeros((6, 64, 64), np.float32)
    values[0, 32, 32] = -0.125
    told = attribution(outburst, values, night_of_frame=np.repeat([0, 1, 2, 3, 4, -1], 2))
    overlay = attribution_overlay(told, outburst)
    page = bare_viewer(blank, payload_of(outburst), night=1, overlay=overlay)
    box = page.locator("canvas[data-image=difference]").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 32.5 / 64, box["y"] + box["height"] * 31.5 / 64)
    words = page.locator(".pointer").inner_text()
    assert words.startswith("x 32 y 32") and words.endswith("evidence −0.13")
    page.keyboard.press("End")
    assert "not read by taonet" in page.locator("figure.science figcaption").inner_text()


def sheets(page):
    """Return the part of the whole image (left, top, width) that each box shows."""
    boxes = [page.locator(f"figure.{name} .image").bounding_box() for name in IMAGES]
    inner = [page.locator(f"figure.{name} .sheet").bounding_box() for name in IMAGES]
    return np.array(
        [
            [(box["x"] - at["x"]), box["y"] - at["y"], box["width"]] / np.array(at["width"])
            for box, at in zip(boxes, inner, strict=True)
        ]
    )


def test_zoom_and_pan_are_linked(blank, outburst):
    page = bare_viewer(blank, payload_of(outburst))
    np.testing.assert_allclose(sheets(page), [[0, 0, 1]] * 3, atol=1e-3)
    box = page.locator("figure.reference .image").bounding_box()
    place = (0.25, 0.75)
    page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
    page.mouse.wheel(0, -300)
    page.wait_for_function("document.querySelector('.zoom-note').textContent !== '1.0×'")
    view = sheets(page)
    np.testing.assert_allclose(view, view[[0, 0, 0]], atol=2e-3)
    width = view[0, 2]
    assert width < 0.9
    # what was under the pointer still is
    np.testing.assert_allclose(view[0, :2] + width * np.array(place), place, atol=5e-3)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.75 * box["height"])
    page.mouse.up()
    np.testing.assert_allclose(sheets(page)[:, 0], max(0, view[0, 0] - 0.2 * width), atol=5e-3)
    page.keyboard.press("0")
    np.testing.assert_allclose(sheets(page), [[0, 0, 1]] * 3, atol=1e-3)
    page.keyboard.press("+")
    assert sheets(page)[2, 2] == pytest.approx(1 / 1.5, abs=1e-3)
    page.locator("figure.science .image").dblclick()
    np.testing.assert_allclose(sheets(page), [[0, 0, 1]] * 3, atol=1e-3)


def test_the_pointer_reads_all_three_images_and_marks_the_pixel_in_them(blank, outburst):
    payload = payload_of(outburst)
    page = bare_viewer(blank, payload, night=3)
    box = page.locator("canvas[data-image=reference]").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 64, box["y"] + box["height"] * 43.5 / 64)
    words = page.locator(".pointer").inner_text()
    raw = outburst.frames[4, 20, 10]
    assert words.startswith("x 10 y 20") and f"science {raw:.0f}" in words
    assert "reference" in words and "difference" in words
    places = {mark.get_attribute("transform") for mark in page.locator(".cross").all()}
    assert places == {"translate(10.5,43.5)"}


def test_keys_are_listed_and_reach_the_ends(blank, outburst):
    page = bare_viewer(blank, payload_of(outburst))
    page.keyboard.press("Home")
    assert now(page).startswith("night 1 of 6")
    page.keyboard.press("End")
    assert "frame 12 of 12" in now(page)
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("ArrowLeft")
    assert "frame 12 of 12" in now(page)
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("ArrowLeft")
    assert "frame 11 of 12" in now(page)


def test_another_night_asked_for_by_the_page_moves_the_cursor(blank, outburst):
    payload = payload_of(outburst)
    page = bare_viewer(blank, payload, night=2)
    remount(page, payload, night=5)
    assert now(page).startswith("night 5 of 6")
    for count, key in enumerate(["End", "Home"], start=1):
        page.wait_for_function(f"window.told.length === {count}", timeout=5000)
        page.keyboard.press(key)
    page.wait_for_function("window.told.length === 3", timeout=5000)
    assert [value["night"] for _, value in page.evaluate("window.told")] == [5, 6, 1]
    for echo in (5, 6):  # what a slow app says after the cursor has gone on
        remount(page, payload, night=echo)
        assert now(page).startswith("night 1 of 6")


def test_a_night_or_a_stretch_is_repainted_at_once(blank, rng):
    sequence = ImageSequence(rng.normal(size=(90, 160, 160)), 55_000 + np.arange(90.0))
    page = bare_viewer(blank, viewer_payload(sequence, extract_light_curve(sequence)))
    took = page.evaluate(
        """() => { const start = performance.now();
          const key = { key: 'ArrowRight' };
          for (let i = 0; i < 20; i += 1) document.dispatchEvent(new KeyboardEvent('keydown', key));
          return (performance.now() - start) / 20; }"""
    )
    assert took < 150


def test_any_image_may_be_the_large_one(blank, outburst):
    page = bare_viewer(blank, payload_of(outburst))
    sizes = {name: page.locator(f"figure.{name} .image").bounding_box()["width"] for name in IMAGES}
    page.get_by_role("button", name="difference", exact=True).click()
    swapped = page.locator("figure.difference .image").bounding_box()
    assert swapped["width"] == pytest.approx(sizes["science"])
    assert page.locator("figure.science .image").bounding_box()["width"] == pytest.approx(
        sizes["difference"]
    )
    bar = page.locator(".scale").bounding_box()
    assert swapped["x"] < bar["x"] < swapped["x"] + swapped["width"]


def test_two_fingers_zoom(chromium, outburst):
    with window(chromium, "", has_touch=True) as page:
        bare_viewer(page, payload_of(outburst))
        box = page.locator("figure.science .image").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        touch = page.context.new_cdp_session(page)
        for kind, reach in (("touchStart", 40), ("touchMove", 80), ("touchEnd", 0)):
            fingers = [(middle[0] - reach, middle[1]), (middle[0] + reach, middle[1])]
            points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers) if reach]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        view = sheets(page)
        np.testing.assert_allclose(view[:, 2], 0.5, atol=0.02)
        np.testing.assert_allclose(view[:, :2], 0.25, atol=0.02)


def test_evidence_without_a_sign_has_one_colour_and_no_against(blank, outburst):
    values = np.full((6, 64, 64), 0.5, np.float32)
    told = attribution(outburst, values, signed=False, method="grad_cam")
    overlay = attribution_overlay(told, outburst)
    page = bare_viewer(blank, payload_of(outburst), overlay=overlay)
    assert page.locator(".colourbar").inner_text().split("\n") == ["0", "0.5", "for SN"]
    assert (evidence_of(page) == (255, 106, 26, 255)).all()
    assert page.locator(".against").count() == 0


def test_images_shrink_until_all_stands_on_one_screen(blank, outburst):
    page = bare_viewer(blank, payload_of(outburst))
    wide = page.locator("figure.science .image").bounding_box()["width"]
    page.set_viewport_size({"width": 1440, "height": 700})
    page.wait_for_function("document.querySelector('.stage').style.getPropertyValue('--pictures')")
    assert page.locator("figure.science .image").bounding_box()["width"] < wide
    for part in (".strip", ".charts"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 700
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function("!document.querySelector('.stage').style.getPropertyValue('--pictures')")
    assert page.locator("figure.science .image").bounding_box()["width"] == pytest.approx(wide)
