"""Pictures: north up and east left, one stretch for all frames, bounded in size."""

import io

import numpy as np
import pytest
from astropy.wcs import WCS
from PIL import Image

from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.panels import make_panels
from taonet_core.drawing.pictures import (
    MAX_FRAMES,
    SIDE,
    SIDE_GIF,
    epoch_png,
    evolution_gif,
    gif_words,
    image_png,
)
from taonet_core.transforms.photometry import extract_light_curve


def opened(data):
    return Image.open(io.BytesIO(data))


def sky(sequence, east, north):
    """Give a sequence a WCS: `east` and `north` are the pixel directions (x, y) of these."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [33, 33]
    wcs.wcs.crval = [123.1375, 12.55028]
    wcs.wcs.cd = np.linalg.inv(np.column_stack([east, north])) * 2.5 / 3600
    return ImageSequence(sequence.frames, sequence.times, wcs, sequence.meta, sequence.columns)


@pytest.mark.parametrize(
    ("east", "north"),
    [((-1, 0), (0, 1)), ((1, 0), (0, 1)), ((-1, 0), (0, -1)), ((0, 1), (1, 0)), ((0, -1), (1, 0))],
    ids=["as usual", "mirrored", "upside down", "turned and mirrored", "turned"],
)
def test_a_star_in_the_north_east_is_shown_up_and_left(make_sequence, east, north):
    """However the detector was mounted: the star is 10 pixels north and 15 east of the target."""
    place = 32 + 15 * np.array(east) + 10 * np.array(north)
    sequence = sky(make_sequence(nights=2, flux=2e5, centre=tuple(place)), east, north)
    panels = make_panels(sequence)
    grey, missing = panels.image("science", 0)
    rows, columns = np.nonzero(grey == 255)
    left, top = panels.target
    assert not missing.any()
    assert np.median(columns) - left == pytest.approx(-15, abs=1)
    assert np.median(rows) - top == pytest.approx(-10, abs=1)
    np.testing.assert_allclose(panels.sky["north"], [0, 1], atol=1e-3)
    np.testing.assert_allclose(panels.sky["east"], [-1, 0], atol=1e-3)
    picture = np.asarray(opened(epoch_png(sequence, 0)))
    factor = SIDE // 64
    spot = picture[16 + 24 + round(top - 10) * factor + 2, 16 + round(left - 15) * factor + 2]
    assert spot == 255


def test_one_stretch_holds_for_all_frames(make_sequence):
    """Equal counts above the sky are equal greys in every frame, whatever else is in it."""
    sequence = make_sequence(nights=6, visits=1, flux=np.linspace(0, 6e4, 6), noise=8.0)
    frames = np.array(sequence.frames)
    frames += np.arange(6)[:, None, None] * 50  # another sky each night
    frames[:, 5, 5] = np.median(frames, axis=(1, 2)) + 40
    panels = make_panels(sequence.with_frames(frames))
    greys = {int(panels.image("science", i)[0][63 - 5, 5]) for i in range(6)}
    assert len(greys) == 1 and 0 < greys.pop() < 255
    movie, seen = opened(evolution_gif(sequence.with_frames(frames))), []
    factor = SIDE_GIF // 64
    for i in range(movie.n_frames):
        movie.seek(i)
        seen.append(np.asarray(movie.convert("L"))[16 + 24 + 58 * factor + 1, 16 + 5 * factor + 1])
    assert len(seen) == 6 and len(set(map(int, seen))) == 1


def test_stretches_are_monotonous_and_span_black_to_white(make_sequence):
    sequence = make_sequence(nights=2, flux=1e5)
    for stretch in ("asinh", "linear", "log", "sqrt"):
        panels = make_panels(sequence, stretch=stretch, interval="min–max")
        grey, _ = panels.image("science", 0)
        order = np.argsort(sequence.frames[0][::-1].ravel())
        assert (np.diff(grey.ravel()[order].astype(int)) >= 0).all()
        assert grey.max() > 200
    for wrong in ({"stretch": "none"}, {"interval": "all"}):
        with pytest.raises(ValueError, match="is one of"):
            make_panels(sequence, **wrong)


def test_no_data_is_told_from_dark(make_sequence):
    frames = np.array(make_sequence(nights=3).frames)
    frames[:, :, :8] = np.nan
    sequence = make_sequence(nights=3).with_frames(frames)
    grey, missing = make_panels(sequence).image("science", 1)
    assert missing[:, :8].all() and not missing[:, 8:].any() and not grey[missing].any()
    picture = np.asarray(opened(epoch_png(sequence, 1)))
    assert set(np.unique(picture[60:300, 20:50])) == {150, 190}


def test_caption_changes_with_epoch_and_magnitude(make_sequence):
    sequence = make_sequence(nights=3, flux=2e4)
    curve = extract_light_curve(sequence)
    pictures = [epoch_png(sequence, i, curve) for i in (0, 4)]
    pictures.append(epoch_png(sequence, 0))
    captions = [np.asarray(opened(data))[-80:] for data in pictures]
    assert not (captions[0] == captions[1]).all() and not (captions[0] == captions[2]).all()
    with pytest.raises(IndexError, match="0 to 5"):
        epoch_png(sequence, 6)


def test_large_and_long_input_gives_small_pictures(rng):
    frames = rng.integers(980, 1020, (110, 170, 240)).astype(np.float32)
    sequence = ImageSequence(frames, 55_000.0 + np.arange(110))
    picture = opened(epoch_png(sequence, 109))
    assert picture.width < 1100 and picture.height < 500
    movie = opened(evolution_gif(sequence))
    assert movie.n_frames <= MAX_FRAMES and movie.width < 700
    assert f"{movie.n_frames} of 110 frames" in gif_words(sequence)
    panels = make_panels(sequence)
    assert panels.nearest(109) == len(panels.kept) - 1 < 109


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_frames_without_anything_are_still_drawn(value):
    sequence = ImageSequence(np.full((2, 16, 16), value), 55_000.0 + np.arange(2))
    assert opened(epoch_png(sequence, 0)).format == "PNG"
    assert opened(evolution_gif(sequence)).format == "GIF"


@pytest.mark.parametrize("shape", [(5, 9), (5, 9, 3)])
def test_an_image_keeps_its_pixels(rng, shape):
    image, missing = rng.integers(0, 256, shape).astype(np.uint8), rng.random((5, 9)) < 0.3
    seen = np.asarray(opened(image_png(image, missing)))
    np.testing.assert_array_equal(seen[..., :-1].squeeze(), image)
    np.testing.assert_array_equal(seen[..., -1] == 0, missing)
