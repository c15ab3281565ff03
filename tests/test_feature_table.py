"""The features in words: all of them, and where an object stands among others."""

import numpy as np
import pytest

from taonet_core.explaining.feature_table import feature_table
from taonet_core.explaining.feature_words import WORDS
from taonet_core.transforms.features import FEATURE_NAMES


def test_every_feature_has_words():
    assert set(WORDS) == set(FEATURE_NAMES)
    assert len({meaning for meaning, _ in WORDS.values()}) == len(FEATURE_NAMES)


def test_values_stand_in_their_order():
    table = feature_table(np.arange(30.0))
    assert list(table["feature"]) == list(FEATURE_NAMES)
    assert table.set_index("feature")["value"]["std"] == FEATURE_NAMES.index("std")
    assert "percentile" not in table


def test_the_percentile_is_the_share_of_smaller_values(rng):
    known = rng.normal(size=(400, 30))
    known[:100, 3] = np.nan
    values = np.median(known, axis=0)
    values[3], values[4], values[5] = -9.0, 9.0, np.nan
    table = feature_table(values, known)
    assert table["percentile"][0] == pytest.approx(50, abs=0.3)
    assert table["percentile"][3] == 0 and table["percentile"][4] == 100
    assert np.isnan(table["percentile"][5])


def test_equal_values_count_half():
    assert (feature_table(np.ones(30), np.ones((7, 30)))["percentile"] == 50).all()


def test_another_number_of_values_is_refused():
    with pytest.raises(ValueError, match="wanted 30 values"):
        feature_table(np.zeros(3))
