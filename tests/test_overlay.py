"""Evidence lies on the pixels and nights that were read."""

import json

import numpy as np
import pytest
from test_figures import decode

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.figures import attribution_overlay
from taonet_core.labels import TransientClass
from taonet_core.transforms.display import bounded_for_display


def attribution(sequence, values, *, against=None, **known):
    """Make evidence for SN on maps (N, size, size), an equal number of frames a night."""
    count, size = values.shape[:2]
    night = np.repeat(np.arange(count), len(sequence) // count)
    height, width = sequence.frames.shape[1:]
    meta = {"left": width // 2 - size // 2, "top": height // 2 - size // 2}
    settings = {"method": "integrated_gradients", "baseline": "sky", "signed": True}
    settings |= {"night_of_frame": night, "model": "taonet", "model_version": "1", "meta": meta}
    return Attribution(
        values,
        sequence.times[:: len(sequence) // count],
        target=TransientClass.SN,
        against=against,
        **{"explained": float(values.sum()), "delta": 0.0} | settings | known,
    )


def test_evidence_lies_on_the_pixels_that_the_network_read(rng):
    frames = rng.normal(size=(4, 200, 181)).astype(np.float32)
    sequence = ImageSequence(frames, np.arange(4.0))
    values = np.zeros((4, 64, 64), np.float32)
    values[1, 32, 32] = 1.0  # the middle pixel, where the target is
    overlay = attribution_overlay(attribution(sequence, values), sequence)
    row, column = 32 + overlay["bottom"], 32 + overlay["left"]
    shown, _, _ = bounded_for_display(sequence)
    assert shown.frames[2, row, column] == frames[2, 100, 90]
    small = ImageSequence(frames[:, :40, :50], np.arange(4.0))
    overlay = attribution_overlay(attribution(small, values), small)
    assert (overlay["bottom"], overlay["left"]) == (-12, -7)


def test_evidence_keeps_its_nights_where_frames_are_thinned(rng):
    sequence = ImageSequence(rng.normal(size=(110, 200, 180)), np.arange(110.0))
    values = np.arange(110, dtype=np.float32)[:, None, None] * np.ones((32, 32), np.float32)
    overlay = attribution_overlay(attribution(sequence, values), sequence)
    _, kept, _ = bounded_for_display(sequence)
    sent = decode(overlay["values"], (len(kept), 32, 32))
    assert np.array_equal(sent[overlay["night_of_frame"], 0, 0], kept)
    assert overlay["sums"] == pytest.approx((kept * 1024).tolist())


def test_evidence_has_one_scale_and_its_own_key(make_sequence):
    sequence = make_sequence(nights=6, visits=2)
    values = np.full((6, 64, 64), -0.25, np.float32)
    overlay = attribution_overlay(attribution(sequence, values), sequence)
    assert overlay["limit"] == 0.25 and overlay["negative"] == "against SN"
    assert overlay["shares"] == pytest.approx([1 / 6] * 6)
    other = attribution_overlay(attribution(sequence, 2 * values), sequence)
    assert other["key"] != overlay["key"]
    nothing = attribution_overlay(attribution(sequence, 0 * values), sequence)
    assert nothing["limit"] > 0
    json.dumps(nothing, allow_nan=False)
