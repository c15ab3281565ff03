"""What the app draws: the data unchanged, the right way up, under one index."""

import base64
import json

import numpy as np
import pytest
from astropy.wcs import WCS

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError
from taonet_core.figures import gallery_card, viewer_payload
from taonet_core.labels import SIX_CLASSES
from taonet_core.transforms.display import MAX_PIXELS, MAX_SIDE, bounded_for_display
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.skyview import coordinate_texts, sky_geometry
from taonet_core.transforms.summary import describe, frame_table, peak_epoch, utc_texts


def decode(text, shape, dtype="<f4"):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


def chances(n_nights, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(6), n_nights)


def prediction(sequence, nights, model="taonet", **meta):
    """Make a prediction that read the frames for which `nights` is not negative."""
    nights = np.asarray(nights)
    ends = [sequence.times[nights == night].max() for night in range(nights.max() + 1)]
    known = {"object_id": sequence.object_id, "warnings": [], "unused": {}}
    return Prediction(
        chances(len(ends)), np.array(ends), SIX_CLASSES, model, "1", nights, known | meta
    )


def celestial(size=64, angle=0.0, east_left=True, scale=2.5):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [123.1375, 12.55028], [size // 2 + 1] * 2
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    wcs.wcs.cd = scale / 3600 * turn @ np.diag([-1.0 if east_left else 1.0, 1.0])
    return wcs


def test_pixels_arrive_unchanged(make_sequence):
    sequence = make_sequence()
    frames = viewer_payload(sequence, None)["frames"]
    assert np.array_equal(decode(frames["science"], sequence.frames.shape), sequence.frames)


def test_reference_is_the_median_of_the_usable_frames_of_each_filter(make_sequence):
    frames = np.random.default_rng(0).normal(2000, 20, (6, 40, 40)).round()
    frames[4] = np.nan
    bands = np.array(["g", "r"] * 3)
    sequence = ImageSequence(frames, np.arange(6.0), columns={"band": bands})
    shown = viewer_payload(sequence, None)["frames"]
    assert shown["reference_said"] == ["median of 2 g frames", "median of 3 r frames"]
    assert shown["reference_of_epoch"] == [0, 1] * 3
    flat = frames - np.median(frames, (1, 2), keepdims=True)
    median = decode(shown["reference"], (2, 40, 40))
    np.testing.assert_allclose(median[1], np.median(flat[1::2], axis=0))
    np.testing.assert_allclose(median[0], np.mean(flat[:4:2], axis=0), rtol=1e-5, atol=1e-4)


def test_survey_templates_are_sent_once_each(make_sequence):
    sequence = make_sequence(nights=4, visits=2)
    template = np.repeat(sequence.frames[[0, 1]], 4, axis=0)
    with_template = ImageSequence(
        sequence.frames, sequence.times, reference=template, difference=sequence.frames - template
    )
    shown = viewer_payload(with_template, None)["frames"]
    assert shown["reference_said"] == ["survey template"] * 2
    sent = decode(shown["reference"], (2, 64, 64))[shown["reference_of_epoch"]]
    assert np.array_equal(sent, template)
    assert shown["difference_said"] == "as the survey made it"


def test_unusable_frames_are_named_and_the_payload_is_still_json(make_sequence):
    sequence = make_sequence().with_frames(np.full((12, 64, 64), np.nan))
    payload = viewer_payload(sequence, extract_light_curve(sequence))
    assert set(payload["frames"]["fault"]) == {"blank or constant"}
    assert payload["frames"]["limits"]["zscale"] == (0.0, 1.0)
    json.dumps(payload, allow_nan=False)


def test_large_sequences_are_bounded_by_the_stated_rule(rng):
    frames = rng.normal(size=(110, 200, 180)).astype(np.float32)
    sequence = ImageSequence(frames, np.arange(110.0))
    reads = prediction(sequence, np.arange(110))
    payload = viewer_payload(sequence, None, [reads])
    shown = payload["frames"]
    assert (shown["height"], shown["width"]) == (MAX_SIDE, MAX_SIDE)
    assert shown["count"] * MAX_SIDE**2 <= MAX_PIXELS
    assert len(payload["reduced"]) == 2
    assert payload["epochs"]["mjd"][0] == 0 and payload["epochs"]["mjd"][-1] == 109
    # what is shown of a night is still tied to that night
    assert payload["models"][0]["row_of_epoch"] == payload["epochs"]["mjd"]
    _, kept, _ = bounded_for_display(sequence)
    middle = decode(shown["science"], (len(kept), MAX_SIDE, MAX_SIDE))
    assert np.array_equal(middle, frames[kept, 20:180, 10:170])


def test_frames_points_and_nights_share_their_index(make_sequence):
    sequence = make_sequence(nights=4, visits=2)
    nights = np.array([0, 0, -1, -1, 1, 1, 2, 2])  # the second night was not read
    curve = extract_light_curve(sequence)
    payload = viewer_payload(sequence, curve, [prediction(sequence, nights)])
    model = payload["models"][0]
    assert payload["epochs"]["night"] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert model["row_of_epoch"] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert model["epoch_of_row"] == [1, 5, 7]
    assert len(payload["curve"]["mag"]) == len(sequence)


def test_the_filter_a_model_reads_is_named_where_there_are_several(make_sequence):
    made = make_sequence(nights=4, visits=2)
    bands = np.array(["g", "r"] * 4)
    several = ImageSequence(made.frames, made.times, None, made.meta, {"band": bands})
    reads = prediction(several, np.array([0, -1, 1, -1, 2, -1, 3, -1]))
    assert viewer_payload(several, None, [reads])["models"][0]["band"] == "g"
    assert viewer_payload(made, None, [reads])["models"][0]["band"] == ""


def test_equal_contents_have_equal_keys(make_sequence):
    sequence = make_sequence()
    key = viewer_payload(sequence, None)["key"]
    assert viewer_payload(sequence, None)["key"] == key
    assert viewer_payload(sequence.with_meta(object_id="other"), None)["key"] != key


def test_an_object_may_be_a_light_curve_alone():
    curve = LightCurve([1.0, 2.0], [18.0, np.nan], [0.1, np.nan], limit=[np.nan, 19.0])
    payload = viewer_payload(None, curve)
    assert payload["frames"] is None
    assert payload["curve"]["mag"] == [18.0, None]
    assert payload["curve"]["limit"] == [None, 19.0]


def test_a_light_curve_of_another_length_is_refused(make_sequence):
    curve = extract_light_curve(make_sequence(nights=3))
    with pytest.raises(InvalidSequenceError, match="as many points"):
        viewer_payload(make_sequence(nights=4), curve)
    with pytest.raises(InvalidSequenceError, match="needs"):
        viewer_payload(None, None)


@pytest.mark.parametrize(
    ("angle", "east_left", "expected"),
    [
        (0, True, (False, False, False)),
        (0, False, (False, True, False)),
        (180, True, (False, True, True)),
        (90, True, (True, False, True)),
        (12, True, (False, False, False)),
    ],
)
def test_north_is_up_and_east_left(make_sequence, angle, east_left, expected):
    made = make_sequence()
    wcs = celestial(angle=angle, east_left=east_left)
    view = sky_geometry(ImageSequence(made.frames, made.times, wcs, made.meta))
    assert (view["transpose"], view["flip_x"], view["flip_y"]) == expected
    assert view["north"][1] > 0.97 and view["east"][0] < -0.97
    assert view["scale"] == pytest.approx(2.5, rel=1e-4)
    np.testing.assert_allclose(view["target"], (32, 32), atol=1e-6)


def test_without_a_wcs_the_orientation_is_unknown(make_sequence):
    view = sky_geometry(make_sequence())
    assert view["north"] is None and view["plate"] is None
    assert view["scale"] == 2.5


def test_the_plate_gives_the_position_of_a_pixel(make_sequence):
    made, wcs = make_sequence(), celestial(angle=30)
    plate = sky_geometry(ImageSequence(made.frames, made.times, wcs, made.meta))["plate"]
    offset = np.array([60.0, 5.0]) - [plate["x0"], plate["y0"]]
    xi, eta = np.radians(np.array(plate["jacobian"]) @ offset / 3600)
    dec0 = np.radians(plate["dec0"])
    ra = plate["ra0"] + np.degrees(np.arctan2(xi, np.cos(dec0) - eta * np.sin(dec0)))
    assert ra == pytest.approx(wcs.pixel_to_world(60, 5).ra.deg, abs=1e-6)


def test_coordinates_come_in_three_forms():
    texts = [form["text"] for form in coordinate_texts(23.1875, 20.254167)]
    assert texts[:2] == ["23.187500 +20.254167", "01:32:45.00 +20:15:15.0"]
    galactic_pole = coordinate_texts(192.8594812065, 27.1282511809)[2]["text"]
    assert galactic_pole.endswith("+90.0000")
    assert coordinate_texts(None, 1.0) == coordinate_texts(np.nan, 1.0) == []


def test_calendar_dates_follow_from_the_mjd():
    assert utc_texts(np.array([51544.5, 56195.38])) == [
        "2000-01-01 12:00:00",
        "2012-09-25 09:07:12",
    ]


def test_one_bad_exposure_makes_no_peak():
    times = np.repeat(np.arange(4.0), 3) + np.tile([0, 0.01, 0.02], 4)
    flux = np.repeat([10.0, 50.0, 20.0, 10.0], 3)
    flux[10] = 900.0
    assert peak_epoch(LightCurve(times, -2.5 * np.log10(flux), flux * 0, flux=flux)) in (3, 4, 5)
    assert peak_epoch(LightCurve([1.0], [np.nan], [np.nan])) == 0


def test_a_card_shows_the_brightest_night(make_sequence):
    flux = np.repeat([0.0, 0.0, 9000.0, 0.0], 2)
    sequence = make_sequence(nights=4, visits=2, flux=flux)
    card = gallery_card(sequence, extract_light_curve(sequence))
    picture = decode(card["image"], (64, 64), "u1")
    assert card["peak"] in (4, 5)
    assert picture[32, 32] == 255 and np.median(picture) < 160
    assert card["truth"] == "SN" and card["verdict"] is None


def test_a_card_of_a_blank_object_is_still_drawn(make_sequence):
    sequence = make_sequence().with_frames(np.zeros((12, 64, 64)))
    assert gallery_card(sequence, extract_light_curve(sequence))["points"] == []


def test_the_frame_table_says_what_each_classifier_did(make_sequence):
    sequence = make_sequence(nights=2, visits=2)
    frames = sequence.frames.copy()
    frames[1] = np.nan
    sequence = sequence.with_frames(frames)
    reads = prediction(sequence, [0, -1, 1, 1], unused={1: "blank or constant"})
    table = frame_table(sequence, [reads])
    assert table["taonet"].tolist() == ["read", "blank or constant", "read", "read"]
    assert table["state"].tolist()[:2] == ["usable", "blank or constant"]
    undated = frame_table(sequence.with_meta(time_kind="index"), [])
    assert "MJD" not in undated


def test_an_object_is_described_in_words(make_sequence):
    text = describe(make_sequence(nights=3, visits=2))
    assert text == "image sequence, 6 frames on 3 nights, filter clear, 64 × 64 pixels"
    assert describe(LightCurve([1.0], [18.0], [0.1])) == (
        "light curve, 1 point on 1 night, filter unknown"
    )


def test_sets_and_novelty_travel_with_the_model(make_sequence):
    sequence = make_sequence(nights=2, visits=1)
    sets = np.array([[True] * 6, [True, False, False, False, True, False]])
    rows = np.array([chances(1)[0], [0.3, 0, 0, 0, 0.7, 0]])
    told = Prediction(
        rows, sequence.times, SIX_CLASSES, "taonet", "1", np.arange(2), {}, sets, novelty=97.5
    )
    model = viewer_payload(sequence, None, [told])["models"][0]
    first, second = (SIX_CLASSES[4], SIX_CLASSES[0])
    assert model["set"][1] == [str(first), str(second)] and set(model["set"][0]) == set(SIX_CLASSES)
    assert model["novelty"] == 97.5
    silent = viewer_payload(sequence, None, [prediction(sequence, [0, 1])])["models"][0]
    assert silent["set"] is None and silent["novelty"] is None


def test_an_experts_label_does_not_rebuild_the_viewer(make_sequence):
    said = {"class": "SN", "author": "vera", "when": "2026-01-01T00:00:00"}
    sequence = make_sequence()
    labelled = viewer_payload(sequence, None, expert=said)
    assert labelled["expert"] == said
    unlabelled = viewer_payload(sequence, None)
    assert unlabelled["expert"] is None and unlabelled["key"] == labelled["key"]
