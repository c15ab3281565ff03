"""`ImageSequence`: what it accepts, and that it never changes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy.wcs import WCS

from taonet_core.data.sequence import ImageSequence, crop_or_pad
from taonet_core.errors import InvalidSequenceError


def test_frames_become_native_float32_and_read_only() -> None:
    sequence = ImageSequence(np.ones((2, 4, 5), dtype=">f8"), [1, 2])
    assert sequence.frames.dtype == np.dtype("=f4")
    with pytest.raises(ValueError, match="read-only"):
        sequence.frames[0, 0, 0] = 3


def test_the_callers_array_is_copied() -> None:
    pixels = np.zeros((1, 2, 2), dtype=np.float32)
    sequence = ImageSequence(pixels, [1])
    pixels[:] = 9
    assert (sequence.frames == 0).all()


@pytest.mark.parametrize("shape", [(0, 4, 4), (4, 4), (2, 0, 4)])
def test_frames_without_pixels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidSequenceError, match="frames of shape"):
        ImageSequence(np.zeros(shape), np.zeros(shape[0]))


@pytest.mark.parametrize("times", [[2, 1], [1, np.nan], [1, np.inf], [1]])
def test_times_must_be_finite_in_order_and_as_many(times: list[float]) -> None:
    with pytest.raises(InvalidSequenceError):
        ImageSequence(np.zeros((2, 4, 4)), times)


def test_columns_and_references_must_fit() -> None:
    with pytest.raises(InvalidSequenceError, match="band"):
        ImageSequence(np.zeros((2, 4, 4)), [1, 2], columns={"band": ["r"]})
    with pytest.raises(InvalidSequenceError, match="reference"):
        ImageSequence(np.zeros((2, 4, 4)), [1, 2], reference=np.zeros((2, 4, 5)))


def test_numbers_beyond_float32_become_infinite_without_warning() -> None:
    assert np.isinf(ImageSequence(np.full((1, 2, 2), 1e300), [0]).frames).all()


def test_select_keeps_frames_times_columns_and_partners_together(make_sequence) -> None:
    base = make_sequence(nights=3, visits=1)
    full = ImageSequence(
        base.frames, base.times, None, base.meta, {"band": list("abc")}, base.frames + 1
    )
    chosen = full.select([False, True, True])
    assert chosen.bands.tolist() == ["b", "c"]
    assert np.array_equal(chosen.reference, base.frames[1:] + 1)
    assert np.array_equal(chosen.times, base.times[1:])
    assert full.select(slice(1, None)).bands.tolist() == ["b", "c"]


def test_cutout_puts_the_pixel_in_the_middle_and_pads_with_nan(make_sequence) -> None:
    sequence = make_sequence(size=9)
    cut = sequence.cutout((1, 2), 7)
    assert np.array_equal(cut.frames[:, 3, 3], sequence.frames[:, 2, 1])
    assert np.isnan(cut.frames[:, :, 0]).all()
    assert np.isfinite(cut.frames[:, 3, 3]).all()


def test_cutout_moves_the_wcs_with_the_pixels(make_sequence) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [120, 10], [5, 5]
    wcs.wcs.cdelt = [-0.001, 0.001]
    base = make_sequence(size=9)
    sequence = ImageSequence(base.frames, base.times, wcs)
    cut = sequence.cutout((6, 2), 5)
    before, after = sequence.wcs.wcs_pix2world([[6, 2]], 0), cut.wcs.wcs_pix2world([[2, 2]], 0)
    assert np.allclose(before, after)
    assert sequence.wcs.wcs.crpix.tolist() == [5, 5]


def test_crop_or_pad_far_outside_is_all_nan() -> None:
    assert np.isnan(crop_or_pad(np.ones((2, 3, 3), np.float32), 10, -20, 4, 4)).all()


def test_with_frames_and_with_meta_leave_the_original(make_sequence) -> None:
    sequence = make_sequence()
    assert sequence.with_meta(label="CV").meta["label"] == "CV"
    assert sequence.meta["label"] == "SN"
    assert (sequence.with_frames(sequence.frames * 0).frames == 0).all()
    with pytest.raises(InvalidSequenceError):
        sequence.with_frames(np.zeros((1, 2, 2)))


def test_a_sequence_survives_pickle(make_sequence) -> None:
    sequence = make_sequence()
    again = pickle.loads(pickle.dumps(sequence))
    assert np.array_equal(again.frames, sequence.frames)
    assert again.meta == sequence.meta


def test_an_object_without_a_name_says_so() -> None:
    assert ImageSequence(np.zeros((1, 2, 2)), [0]).object_id == "unnamed"
