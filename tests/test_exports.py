"""Result tables come back from every format as they went in, and files are whole or untouched."""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from taonet_core.data.exports import (
    TABLE_SUFFIXES,
    csv_text,
    guarded,
    results_table,
    unguarded,
    write_json,
    write_table,
)
from taonet_core.data.results import TABLE_COLUMNS, Prediction, empty_row
from taonet_core.errors import TaoNetError
from taonet_core.labels import SIX_CLASSES


def prediction(object_id):
    return Prediction(
        probabilities=np.array([[np.nan] * 6, [0.1, 0.05, 0.3, 0.05, 0.4, 0.1]]),
        times=np.array([53000.25, 53010.25]),
        classes=SIX_CLASSES,
        model="toy",
        model_version="1.0",
        night_of_frame=np.array([0, 0, 1]),
        meta={"object_id": object_id, "ra": 1.0 / 3, "dec": -20.5, "flags": ["no-wcs"]},
        prediction_sets=np.array([[True] * 6, [False, False, True, False, True, False]]),
        novelty=12.5,
    )


def read_any(path):
    """Read a table without columns of its own."""
    return pd.read_csv(path) if path.suffix == ".csv" else read(path)


def wide(*names):
    rows = [prediction(name).to_row() for name in names]
    return results_table(
        [*rows, empty_row("broken.fits", error="not FITS", error_code="E_NOT_FITS")], TABLE_COLUMNS
    )


def read(path):
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype={"model": str, "model_version": str})
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text()))
    kind = "votable" if path.suffix == ".vot" else "ascii.ecsv"
    return Table.read(path, format=kind).to_pandas()


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_every_format_gives_back_the_table(tmp_path, suffix):
    table = wide("CSS120925:013245+201512", "été")
    back = read(write_table(table, tmp_path / f"results{suffix}"))
    assert list(back.columns) == list(TABLE_COLUMNS)
    for name in TABLE_COLUMNS:
        if table[name].dtype == "str":
            assert back[name].fillna("").tolist() == table[name].tolist()
        else:
            np.testing.assert_allclose(back[name].astype(float), table[name], rtol=1e-14)


def test_units_are_kept_where_the_format_has_them(tmp_path):
    for name, kind in (("t.ecsv", "ascii.ecsv"), ("t.vot", "votable")):
        back = Table.read(write_table(wide("a"), tmp_path / name), format=kind)
        assert [str(back[c].unit) for c in ("ra", "dec", "mjd_last")] == ["deg", "deg", "d"]


def test_json_has_no_bare_nan(tmp_path):
    text = write_table(wide("a"), tmp_path / "t.json").read_text()
    assert json.loads(text)[1]["p_SN"] is None


def test_a_table_without_rows_keeps_its_columns_and_types(tmp_path):
    empty = results_table([], TABLE_COLUMNS)
    assert list(read(write_table(empty, tmp_path / "t.parquet")).columns) == list(TABLE_COLUMNS)
    assert (empty.dtypes == wide("a").dtypes).all()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "ok\r=1"])
def test_no_text_cell_of_a_csv_is_a_formula(tmp_path, name):
    back = pd.read_csv(write_table(wide(name), tmp_path / "t.csv"))
    assert not back["object_id"][0].lstrip().startswith(("=", "+", "-", "@"))
    assert back["dec"][0] == -20.5  # a negative number stays a number


FORMULAE = [
    "=1",
    " \t=1",
    "\tx",
    "\rx",
    "note\n=1",
    "note\r\n  +1",
    "-1.5",
    "\uff1d1",
    "'=1",
    "''@x",
]
PLAIN = ["", "a=1", "1-2", "it's", "'quoted'", "line\nline", "–"]


@pytest.mark.parametrize("text", FORMULAE, ids=ascii)
def test_every_line_of_a_text_that_begins_like_a_formula_gets_an_apostrophe(text):
    safe = guarded(text)
    assert not any(
        line.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\uff1d"))
        for line in safe.splitlines()
    )
    assert unguarded(safe) == text


@pytest.mark.parametrize("text", PLAIN, ids=ascii)
def test_other_texts_stay_as_they_are(text):
    assert guarded(text) == unguarded(text) == text


def test_a_csv_guards_texts_of_every_type_and_names_but_no_number():
    table = pd.DataFrame(
        {
            "=name": ["=1", "a\n=1"],
            "mixed": pd.Series(["+1", -1.5], dtype=object),
            "number": [-1.5, 2.0],
        }
    )
    assert csv_text(table) == "'=name,mixed,number\n'=1,'+1,-1.5\n\"a\n'=1\",-1.5,2.0\n"
    assert table.columns[0] == "=name"  # the table itself is left as it was


def test_control_characters_do_not_break_a_votable(tmp_path):
    path = write_table(wide("bad\x00\x1b[31m\nname <&>"), tmp_path / "t.vot")
    assert Table.read(path, format="votable")["object_id"][0] == "bad��[31m�name <&>"


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_table_with_any_text_can_be_read_again(tmp_path, suffix):
    texts = ["a\x1b[31m\nb\0", "\u202ex", "<&>", "'=1"]
    table = pd.DataFrame({"object_id": pd.Series(texts, dtype="str"), "n": [1.0, 2.0, 3.0, 4.0]})
    back = read_any(write_table(table, tmp_path / f"t{suffix}"))
    assert len(back) == 4 and back["object_id"].iloc[2] == "<&>"
    assert back["n"].tolist() == [1, 2, 3, 4]


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.parquet.*'results\.xls'"):
        write_table(wide("a"), tmp_path / "results.xls")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = write_json({"f1": 0.5}, tmp_path / "deep" / "metrics.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"f1": float("nan")}, path)
    assert json.loads(path.read_text()) == {"f1": 0.5}
    assert [p.name for p in path.parent.iterdir()] == ["metrics.json"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TaoNetError, match=r"cannot write .*file/results\.csv"):
        write_table(wide("a"), tmp_path / "file" / "results.csv")
