"""Tables of epochs: brightness and probabilities together, with versions, in every format."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from taonet_core import __version__
from taonet_core.data.results import Prediction
from taonet_core.labels import SIX_CLASSES
from taonet_core.provenance import data_digest, epoch_table, write_epochs
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import stack_nights


@pytest.fixture
def table(make_sequence):
    sequence = make_sequence(nights=3, flux=2e4)
    times = stack_nights(sequence).times
    rows = np.eye(6)[[1, 2, 4]] * 0.9 + 0.1 / 6
    late = Prediction(rows[1:], times[1:], SIX_CLASSES, "late", "2", np.array([-1, -1, 0, 0, 1, 1]))
    full = Prediction(rows, times, SIX_CLASSES, "full", "1", np.arange(3).repeat(2))
    curve = extract_light_curve(sequence)
    return curve, epoch_table(curve, [full, late], {"full": "c0ffee"})


def test_every_epoch_has_what_was_known_by_then(table):
    """The probability after a night stands beside all its frames, and later until the next."""
    curve, rows = table
    np.testing.assert_array_equal(rows["mag"].value, curve.mag)
    np.testing.assert_array_equal(rows["flux"].value, curve.flux)
    full = np.asarray(rows["p_SN_full"])
    np.testing.assert_allclose(full, np.repeat([0.1 / 6, 0.1 / 6, 0.9 + 0.1 / 6], 2))
    np.testing.assert_allclose(rows["p_BZ_full"][:2], 0.9 + 0.1 / 6)
    assert np.isnan(rows["p_SN_late"][:2]).all() and np.isfinite(rows["p_SN_late"][2:]).all()
    assert rows["utc"][0].startswith("2006-03-06")


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".json"])
def test_formats_keep_numbers_units_and_where_they_come_from(table, tmp_path, suffix):
    _, rows = table
    path = write_epochs(rows, tmp_path / f"file{suffix}")
    said = path.read_text("utf-8")
    for words in (__version__, "c0ffee", "weights SHA-256 unknown", "created"):
        assert words in said
    if suffix == ".csv":
        back = pd.read_csv(path, comment="#")
    elif suffix == ".json":
        held = json.loads(said)
        back = pd.DataFrame(held["rows"])
        assert held["units"]["flux"] == "ct" and held["meta"]["object_id"].startswith("CSS")
    else:
        back = Table.read(path, format="votable" if suffix == ".vot" else "ascii.ecsv")
        assert str(back["mag"].unit) == "mag"
    for name in ("mjd", "mag", "flux", "p_SN_full"):
        np.testing.assert_allclose(
            np.ma.filled(np.ma.asarray(back[name], dtype=float), np.nan), np.asarray(rows[name])
        )


def test_another_format_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match="file.xlsx"):
        write_epochs(table[1], tmp_path / "file.xlsx")


def test_the_digest_is_of_the_data(make_sequence):
    sequence = make_sequence()
    frames = np.array(sequence.frames)
    same = sequence.with_meta(source="elsewhere")
    frames[0, 0, 0] += 1
    assert data_digest(sequence) == data_digest(same) != data_digest(sequence.with_frames(frames))
    curve = extract_light_curve(sequence)
    assert data_digest(curve) == data_digest(curve.select(slice(None)))
    assert data_digest(curve) != data_digest(curve.select(slice(1, None)))
