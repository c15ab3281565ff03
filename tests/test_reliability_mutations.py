"""The mutations: they damage, say what they did, and do the same again."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from _mutations import OPERATORS, mutant
from astropy.io import fits

AVRO = b'Obj\x01\x04\x16avro.schema\x90{"type": "record", "size": 12, "name": "a"}' + bytes(400)


def fits_bytes(value: float) -> bytes:
    buffer = io.BytesIO()
    image = np.full((40, 40), value, np.float32)
    fits.HDUList([fits.PrimaryHDU(image), fits.CompImageHDU(image)]).writeto(buffer)
    return buffer.getvalue()


ORIGINALS = [fits_bytes(1), fits_bytes(2), AVRO]


@pytest.mark.parametrize("name", sorted(OPERATORS))
@pytest.mark.parametrize("original", ORIGINALS[1:], ids=["fits", "avro"])
def test_every_operator_damages_and_repeats_itself(name, original):
    def damaged(seed: int) -> bytes:
        return OPERATORS[name](original, np.random.default_rng(seed), ORIGINALS[0])

    results = [damaged(seed) for seed in range(30)]

    assert results == [damaged(seed) for seed in range(30)]
    if name != "swap_blocks" or len(original) > 2880:
        assert sum(result != original for result in results) > 10
    assert OPERATORS[name](b"", np.random.default_rng(1), b"") is not None  # nothing to damage


def test_a_mutant_can_be_made_again_by_its_number():
    first = [mutant(ORIGINALS, number, seed=5) for number in range(60)]

    assert first[37] == mutant(ORIGINALS, 37, seed=5)
    assert first[37] != mutant(ORIGINALS, 37, seed=6)
    assert all(made.data != ORIGINALS[made.original] for made in first)


def test_all_operators_are_used_alike():
    used = Counter(mutant(ORIGINALS, number, seed=5).operators[0] for number in range(240))

    assert set(used) == set(OPERATORS) and len(OPERATORS) == 12
    assert min(used.values()) >= 10


def test_values_and_keywords_of_headers_are_hit():
    """A card stays a card: what follows the header does not move."""
    original = ORIGINALS[0]
    for number in range(100):
        changed = OPERATORS["extreme_value"](original, np.random.default_rng(number), b"")
        differs = [i for i in range(len(original)) if original[i] != changed[i]]
        assert len(changed) == len(original)
        assert len({i // 80 for i in differs}) <= 1
