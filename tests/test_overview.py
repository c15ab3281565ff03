"""The table of all objects says what the models say, and leaves open what is not known."""

import numpy as np
import pandas as pd
import pytest

from taonet_core.labels import SIX_CLASSES
from taonet_core.objects.overview import overview_table
from taonet_core.objects.verdicts import Verdicts


def said(model: str, classes: list[str], names: list[str]) -> Verdicts:
    """Verdicts of 0.9 for the classes named; none where a name is empty."""
    rows = []
    for name in classes:
        row = np.full((1, 6), 0.02)
        row[0, [str(c) for c in SIX_CLASSES].index(name or "AGN")] = 0.9
        rows.append(row if name else np.empty((0, 6)))
    n = len(classes)
    errors = np.array(["" if name else "no light" for name in classes])
    labels, novelty = np.full(n, ""), np.zeros(n)
    vectors = np.zeros((n, 2), np.float32)
    ids = np.array(names)
    return Verdicts(
        model, "1", SIX_CLASSES, ids, labels, tuple(rows), None, novelty, vectors, errors
    )


@pytest.fixture
def catalog() -> pd.DataFrame:
    return pd.DataFrame({"object_id": list("abcd"), "label": ["SN", "CV", "", "SN"]})


def test_right_wrong_and_disagreeing_are_known_only_where_they_are(catalog) -> None:
    facts = pd.DataFrame(
        {"mag_peak": [18.0], "snr_peak": [9.0], "n_detected": [3], "bands": ["r"], "error": [""]},
        index=["b"],
    )
    one = said("one", ["SN", "SN", "SN"], ["a", "b", "c"])
    two = said("two", ["SN", "CV", ""], ["a", "b", "c"])
    table = overview_table(catalog, facts, [one, two]).set_index("object_id")
    assert table["verdict_one"].tolist() == ["SN", "SN", "SN", ""]
    assert table["right_one"].isna().tolist() == [False, False, True, True]
    assert table["right_one"].dropna().tolist() == [True, False]
    assert table["disagree"].isna().tolist() == [False, False, True, True]
    assert table["disagree"].dropna().tolist() == [False, True]
    assert table.loc["b", "p_CV_two"] == pytest.approx(0.9)
    assert table.loc["b", "mag_peak"] == 18.0 and np.isnan(table.loc["a", "mag_peak"])


def test_without_verdicts_the_catalogue_is_left(catalog) -> None:
    facts = pd.DataFrame(columns=["mag_peak", "snr_peak", "n_detected", "bands", "error"])
    none = said("one", ["SN"], ["a"]).select([False])
    table = overview_table(catalog, facts, [none])
    assert list(table["object_id"]) == list("abcd") and (table["verdict_one"] == "").all()
