"""Preprocessing keeps brightness, groups nights, and leaves out what is no data."""

import numpy as np
import pytest

from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError
from taonet_core.transforms.photometry import asinh_magnitudes, extract_light_curve
from taonet_core.transforms.preprocess import (
    PreprocessConfig,
    frame_faults,
    mark_missing,
    night_index,
    reading_band,
    stack_nights,
)

NIGHTS = np.array([0.0, 0.01, 0.02, 20.0, 20.01, 41.0])


def sky(rng, times=NIGHTS, size=64, level=2000.0, noise=22.0, **kwargs):
    frames = rng.normal(level, noise, (len(times), size, size))
    return ImageSequence(frames, times, **kwargs)


def test_exposures_of_a_night_are_one_visit_even_with_the_wrong_clocks_of_2006():
    assert night_index(NIGHTS).tolist() == [0, 0, 0, 1, 1, 2]
    assert night_index(np.array([0.1, 0.3, 0.5, 0.7, 5.0])).tolist() == [0, 0, 0, 0, 1]


def test_a_source_twice_as_bright_has_pixels_twice_as_large(rng):
    empty = sky(rng)
    star = np.zeros((6, 64, 64), np.float32)
    star[:, 32, 32] = 1000.0
    base = stack_nights(empty).images
    once = stack_nights(empty.with_frames(empty.frames + star)).images - base
    twice = stack_nights(empty.with_frames(empty.frames + 2 * star)).images - base
    assert once[:, 32, 32] == pytest.approx(40.0, rel=1e-3)
    assert twice[:, 32, 32] == pytest.approx(80.0, rel=1e-3)


def test_adding_a_constant_sky_changes_nothing(rng):
    sequence = sky(rng)
    brighter = sequence.with_frames(sequence.frames + 500.0)
    np.testing.assert_allclose(
        stack_nights(brighter).images, stack_nights(sequence).images, atol=1e-4
    )


def test_a_survey_with_another_zero_point_gives_the_same_pixels(rng):
    sequence = sky(rng)
    deeper = sequence.with_frames(sequence.frames * 10).with_meta(zero_point=28.5)
    np.testing.assert_allclose(
        stack_nights(deeper).images, stack_nights(sequence).images, atol=1e-3
    )


def test_the_mean_visit_is_less_noisy_and_the_first_visit_is_one_frame(rng):
    sequence = sky(rng)
    mean, first = (stack_nights(sequence, PreprocessConfig(visit=v)) for v in ("mean", "first"))
    assert mean.images[0].std() == pytest.approx(22 / 25 / np.sqrt(3), rel=0.05)
    assert first.images[0].std() == pytest.approx(22 / 25, rel=0.05)
    assert mean.night_of_frame.tolist() == [0, 0, 0, 1, 1, 2]
    assert first.night_of_frame.tolist() == [0, -1, -1, 1, -1, 2]
    assert mean.times.tolist() == [0.02, 20.01, 41.0]


def test_bad_frames_are_left_out_with_their_reason(rng):
    sequence = sky(rng)
    frames = sequence.frames.copy()
    frames[0] = 1066.0
    frames[1, :40] = np.nan
    frames[2, 30:35, 30:35] = np.nan
    frames[3] = np.nan
    faults = frame_faults(sequence.with_frames(frames))
    assert faults == [
        "blank or constant",
        "less than half of its pixels hold data",
        "no data at the target",
        "blank or constant",
        "",
        "",
    ]
    nights = stack_nights(sequence.with_frames(frames))
    assert list(nights.unused) == [0, 1, 2, 3]
    assert nights.night_of_frame.tolist() == [-1, -1, -1, -1, 0, 1]


def test_one_good_exposure_saves_a_pixel_that_another_lost(rng):
    sequence = sky(rng, times=np.array([0.0, 0.01]))
    frames = sequence.frames.copy()
    frames[0, 5, 5] = np.nan
    image = stack_nights(sequence.with_frames(frames)).images[0]
    expected = (frames[1, 5, 5] - np.median(frames[1])) / 25
    assert image[5, 5] == pytest.approx(expected, rel=1e-4)


def test_zeros_beyond_the_edge_of_a_chip_are_no_data(rng):
    sequence = sky(rng)
    frames = sequence.frames.copy()
    frames[:, :, :8] = 0
    images = stack_nights(sequence.with_frames(frames)).images
    assert (images[:, :, :8] == 0).all()
    assert abs(images[:, :, 8:].mean()) < 0.05


@pytest.mark.parametrize("width", [1, 2, 3, 8])
@pytest.mark.parametrize("side", range(4))
def test_a_strip_of_zeros_at_any_edge_is_no_data(rng, side: int, width: int):
    frames = rng.normal(2000, 22, (2, 64, 64)).astype(np.float32)
    edge = np.rot90(frames, side, axes=(1, 2))  # a view
    edge[:, :width] = 0
    missing = np.isnan(np.rot90(mark_missing(frames), side, axes=(1, 2)))
    assert missing[:, :width].all()
    assert not missing[:, width:].any()


def test_zeros_among_the_noise_of_subtracted_frames_are_counts(rng):
    frames = np.rint(rng.normal(0, 5, (20, 64, 64))).astype(np.float32)
    assert (frames == 0).mean() > 0.05
    assert np.isnan(mark_missing(frames)).mean() < 1e-3
    frames[:, 20:30, 40:50] = 0
    assert np.isnan(mark_missing(frames)[:, 20:30, 40:50]).all()


@pytest.mark.parametrize("unknown", [None, np.nan])
def test_an_unknown_zero_point_is_the_same_however_it_is_said(rng, unknown: float | None):
    sequence = sky(rng)
    told = sequence.with_meta(zero_point=unknown)
    assert np.array_equal(stack_nights(told).images, stack_nights(sequence).images)
    curves = [asinh_magnitudes(extract_light_curve(s)) for s in (told, sequence)]
    assert np.array_equal(curves[0].mag, curves[1].mag)
    assert all("Zero point unknown" in curve.meta["notes"][0] for curve in curves)


@pytest.mark.parametrize("size", [63, 64, 65, 120])
def test_the_target_of_any_size_lands_on_the_same_pixel(rng, size):
    frames = rng.normal(0, 1, (3, size, size))
    frames[:, size // 2, size // 2] = 1e4
    images = stack_nights(ImageSequence(frames, [0.0, 1.0, 2.0])).images
    assert {np.unravel_index(i.argmax(), i.shape) for i in images} == {(32, 32)}


def test_the_filter_of_most_nights_is_read(rng):
    sequence = sky(rng, columns={"band": np.array(["r", "r", "r", "g", "g", "g"])})
    assert reading_band(sequence) == "g"
    assert stack_nights(sequence).night_of_frame.tolist() == [-1, -1, -1, 0, 0, 1]


def test_nothing_usable_is_an_error_that_says_why():
    with pytest.raises(InvalidSequenceError, match="none of the 2 frames .* blank or constant"):
        stack_nights(ImageSequence(np.full((2, 64, 64), np.nan), [0.0, 1.0]))


def jittery(rng, n=8):
    """Make a field of four stars that is cut at whole pixels, so that it wanders by half of one."""
    y, x = np.mgrid[:64, :64]
    stars = [(32, 32, 5e3), (12, 50, 4e4), (50, 15, 2e4), (20, 12, 3e4)]
    frames = rng.normal(2000, 20, (n, 64, 64))
    for frame, (dx, dy) in zip(frames, rng.uniform(-0.5, 0.5, (n, 2)), strict=True):
        for sx, sy, flux in stars:
            r2 = (x - sx - dx) ** 2 + (y - sy - dy) ** 2
            frame += flux * np.exp(-r2 / 2.4) / (2.4 * np.pi)
    return ImageSequence(frames, 15.0 * np.arange(n))


def test_registered_nights_subtract_cleanly_and_keep_their_flux(rng):
    sequence = jittery(rng)
    loose = stack_nights(sequence).images
    firm = stack_nights(sequence, PreprocessConfig(register=True)).images
    left = [np.abs(np.diff(images, axis=0)).max() for images in (loose, firm)]
    assert left[1] < 0.35 * left[0]
    around = (slice(None), slice(26, 39), slice(26, 39))
    np.testing.assert_allclose(firm[around].sum((1, 2)) * 25, 5e3, rtol=0.25)


def test_registration_of_early_nights_does_not_wait_for_later_ones(rng):
    sequence, config = jittery(rng), PreprocessConfig(register=True)
    early = stack_nights(sequence.select(slice(0, 3)), config).images
    np.testing.assert_allclose(early, stack_nights(sequence, config).images[:3], atol=1e-4)


def test_a_field_without_stars_is_left_where_it_is(rng):
    sequence = sky(rng)
    np.testing.assert_allclose(
        stack_nights(sequence, PreprocessConfig(register=True)).images,
        stack_nights(sequence).images,
        atol=1e-4,
    )
