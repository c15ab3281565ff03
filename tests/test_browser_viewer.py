"""The epoch viewer by itself: evidence, zoom, folding, filters, labels, keys."""

import numpy as np
import pytest
from browser import bare_viewer, remount, rgba
from test_figures import attribution, prediction

from taonet_core.figures import attribution_overlay, viewer_payload
from taonet_core.labels import TransientClass
from taonet_core.transforms.photometry import extract_light_curve


@pytest.fixture
def outburst(make_sequence):
    return make_sequence(nights=6, visits=2, flux=np.repeat([300, 300, 9000, 5000, 1500, 300], 2))


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
