"""Light curve and probabilities of the epoch viewer: axes, folding, filters, prediction sets."""

from dataclasses import replace

import numpy as np
import pytest
from browser import bare_viewer, now, remount
from test_browser_viewer import payload_of
from test_figures import prediction

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.figures import viewer_payload
from taonet_core.transforms.photometry import extract_light_curve


@pytest.fixture
def outburst(make_sequence):
    return make_sequence(nights=6, visits=2, flux=np.repeat([900, 950, 9000, 5000, 1500, 900], 2))


def columns(page):
    """Return where the points of the light curve are, from left."""
    marks = page.locator(".curve .marks .point").all()
    return np.array([float(m.get_attribute("transform")[10:].split(",")[0]) for m in marks])


def test_folding_moves_points_to_their_phase_and_a_click_still_finds_the_epoch(blank, outburst):
    payload = payload_of(outburst)
    page = bare_viewer(blank, payload)
    before = columns(page)
    page.get_by_role("button", name="fold").click()
    page.get_by_label("Period, days").fill("25")
    page.keyboard.press("Tab")
    twice = columns(page)
    assert len(twice) == 2 * len(before)
    first, second = np.split(twice, 2)
    turn = second[0] - first[0]
    np.testing.assert_allclose(second - first, turn)
    times = np.array(payload["epochs"]["mjd"])
    phase = (times - times[payload["epochs"]["peak"]]) / 25 % 1
    np.testing.assert_allclose((first - first[payload["epochs"]["peak"]]) / turn, phase, atol=1e-6)
    page.locator(".curve .point").nth(len(before) + 9).click(force=True)
    assert page.locator(".player input[type=range]").input_value() == "9"
    page.get_by_role("button", name="Double the period").click()
    assert page.get_by_label("Period, days").input_value() == "50"
    page.get_by_role("button", name="fold").click()
    np.testing.assert_allclose(columns(page), before)


def test_the_time_axis_may_be_named_in_several_ways(blank, outburst):
    page = bare_viewer(blank, payload_of(outburst))
    before = columns(page)
    for axis, unit in {"UTC": "UTC", "days since first": "days", "days since peak": "days"}.items():
        page.get_by_label("Time axis").select_option(axis)
        np.testing.assert_allclose(columns(page), before)
        assert page.locator(".curve .axes .unit").first.text_content() == unit
    page.get_by_label("Time axis").select_option("night")
    assert not np.allclose(columns(page), before)


def test_a_filter_can_be_hidden(blank, make_sequence):
    made = make_sequence(nights=6, visits=2, flux=9000.0)
    sequence = ImageSequence(
        made.frames, made.times, None, made.meta, {"band": np.array(["g", "r"] * 6)}
    )
    page = bare_viewer(blank, payload_of(sequence))
    names = page.locator(".curve .switch text").all_text_contents()
    assert sorted(names) == ["g 6", "r 6"]
    page.locator(".curve .switch").nth(0).click()
    assert len(columns(page)) == 6
    page.keyboard.press("Enter")  # the switch keeps the focus
    assert len(columns(page)) == 12


@pytest.mark.parametrize(
    ("novelty", "warnings", "words"),
    [
        (53.0, [], "like its training: novelty 53 %"),
        (94.0, [], "at the edge of its training: novelty 94 %"),
        (99.4, [], "unlike its training: novelty 99.4 %"),
        (53.0, ["filter g"], "not trained for such data: novelty 53 %"),
    ],
)
def test_novelty_is_no_praise_where_the_data_are_of_another_kind(
    blank, outburst, novelty, warnings, words
):
    told = prediction(outburst, np.repeat(np.arange(6), 2))
    told = replace(told, novelty=novelty, meta={**told.meta, "warnings": warnings})
    page = bare_viewer(blank, viewer_payload(outburst, extract_light_curve(outburst), [told]))
    assert page.locator(".trust .novelty").inner_text().startswith(words)


def test_the_zero_of_flux_is_drawn_inside_the_axes_only(blank, make_sequence):
    sequence = make_sequence(nights=6, visits=2, flux=9000.0)
    page = bare_viewer(blank, payload_of(sequence))
    page.get_by_role("button", name="flux").click()
    assert page.locator(".curve .zero").count() == 0


def test_prediction_sets_and_labels_are_each_their_own_kind_of_thing(blank, outburst):
    chances = np.tile([0.7, 0.1, 0.1, 0.05, 0.03, 0.02], (6, 1))
    sets = np.ones((6, 6), bool)
    sets[2:, 1:] = False
    told = prediction(outburst, np.repeat(np.arange(6), 2))
    told = replace(told, probabilities=chances, prediction_sets=sets, novelty=99.7)
    label = {"class": "CV", "author": "vera", "when": "2026-01-02T03:04:05"}
    payload = viewer_payload(outburst, extract_light_curve(outburst), [told], expert=label)
    page = bare_viewer(blank, payload, night=6)
    assert "set {AGN} at 90 %" in page.locator(".trust .set").inner_text()
    assert page.locator(".trust .novelty").inner_text().startswith("unlike its training")
    kinds = {kind: page.locator(f".badge.{kind}").inner_text() for kind in ("expert", "truth")}
    assert kinds == {"expert": "▲\nCV", "truth": "★\nSN"}
    widths = {
        bar.get_attribute("data-class"): float(bar.get_attribute("width"))
        for bar in page.locator(".sets rect").all()
    }
    assert widths["AGN"] > 2 * widths["SN"] > 0
    assert page.locator(".labels .pale").count() == 5
    page.keyboard.press("Home")
    assert page.locator(".labels .pale").count() == 0
    page.evaluate("window.first = document.querySelector('.stage')")
    remount(page, {**payload, "expert": {**label, "class": "SN"}}, night=6)
    assert page.locator(".badge.expert").inner_text() == "★\nSN"
    assert page.evaluate("window.first === document.querySelector('.stage')")
    assert now(page).startswith("night 1 of 6")  # a rerun does not move the cursor


def test_a_span_of_hours_is_marked_with_hours(blank):
    times = 60_235.25 + np.arange(5) / 12  # 2023-10-18 06:00, every two hours
    curve = LightCurve(times, np.full(5, 18.0), np.full(5, 0.1))
    page = bare_viewer(blank, viewer_payload(None, curve))
    page.get_by_label("Time axis").select_option("UTC")
    words = page.locator(".curve .axes text").all_text_contents()
    marks = [text for text in words if text.endswith("h")]
    assert marks[:3] == ["Oct 18 05h", "06h", "07h"]
