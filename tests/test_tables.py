"""Light-curve tables: every format and spelling gives the same curves."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable, Table
from astropy.time import Time

from taonet_core.data import table_files, table_formats
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import Code, InvalidSequenceError, UnreadableFileError


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "object_id": ["007", "b", "007", "b", "007"],
            "mjd": [55003.0, 55001.5, 55001.0, 55000.5, 55002.0],
            "mag": [18.3, 20.1, 18.1, 20.2, 18.2],
            "mag_err": [0.13, 0.3, 0.11, 0.4, 0.12],
        }
    )


def as_csv(table: pd.DataFrame, *, sep: str = ",") -> bytes:
    return table.to_csv(index=False, sep=sep).encode()


def as_parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    table.to_parquet(out)
    return out.getvalue()


def as_ecsv(table: pd.DataFrame) -> bytes:
    out = io.StringIO()
    Table({name: table[name].to_numpy().tolist() for name in table}).write(out, format="ascii.ecsv")
    return out.getvalue().encode()


def as_votable(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    columns = {name: table[name].to_numpy().tolist() for name in table}
    Table(columns).write(out, format="votable")
    return out.getvalue()


def check(curves: dict[str, LightCurve]) -> None:
    assert list(curves) == ["007", "b"]
    np.testing.assert_allclose(curves["007"].times, [55001, 55002, 55003])
    np.testing.assert_allclose(curves["007"].mag, [18.1, 18.2, 18.3])
    np.testing.assert_allclose(curves["b"].mag_err, [0.4, 0.3])
    assert curves["007"].meta["object_id"] == "007"


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_ecsv, as_votable])
def test_every_format_gives_the_same_curves(write: Callable[[pd.DataFrame], bytes]) -> None:
    check(read_light_curves(write(frame())))


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_ecsv, as_votable])
def test_paths_and_compressed_files_too(
    write: Callable[[pd.DataFrame], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "table.gz"
    path.write_bytes(gzip.compress(write(frame())))
    check(read_light_curves(path))
    with path.open("rb") as file:
        check(read_light_curves(file))


@pytest.mark.parametrize(
    "names",
    [
        ("ID", "MJD", "Mag", "Magerr"),
        ("oid", "jd", "magpsf", "sigmapsf"),
        ("objectId", "HJD", "magnitude", "e_mag"),
        ("CRTS ID", "obs-mjd", "MAG", "Mag_Err"),
    ],
)
def test_common_spellings_are_understood(names: tuple[str, ...]) -> None:
    table = frame()
    if names[1].lower().endswith("jd") and "mjd" not in names[1].lower():
        table["mjd"] += 2_400_000.5
    check(read_light_curves(as_csv(table.set_axis(list(names), axis=1))))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_comments_and_byte_order_marks(separator: str) -> None:
    text = b"# made by hand\n" + as_csv(frame(), sep=separator)
    check(read_light_curves(text))
    check(read_light_curves(b"\xef\xbb\xbf" + as_csv(frame(), sep=separator)))


def test_units_are_honoured() -> None:
    plain = frame()
    columns = Table(
        {
            "object_id": plain["object_id"].tolist(),
            "mjd": plain["mjd"].to_numpy() * 24 * u.hour,
            "mag": plain["mag"].to_numpy() * 1000 * u.Unit("mmag"),
            "mag_err": plain["mag_err"].to_numpy() * u.mag,
        }
    )
    for table in (columns, QTable(columns), QTable(columns, masked=True)):
        for form in ("ascii.ecsv", "votable"):
            out = io.BytesIO() if form == "votable" else io.StringIO()
            table.write(out, format=form)
            value = out.getvalue()
            check(read_light_curves(value if isinstance(value, bytes) else value.encode()))


def test_a_unit_that_makes_no_sense_is_refused() -> None:
    table = Table({"mjd": [1.0, 2] * u.day, "mag": [18.0, 19] * u.m, "mag_err": [0.1, 0.1]})
    out = io.StringIO()
    table.write(out, format="ascii.ecsv")
    with pytest.raises(InvalidSequenceError, match="column 'mag' is in m, wanted mag"):
        read_light_curves(out.getvalue().encode())


def test_astropy_times_are_read() -> None:
    times = Time([55000.0, 55001.5], format="mjd", scale="utc")
    out = io.StringIO()
    Table({"time": times, "mag": [18.0, 19], "mag_err": [0.1, 0.1]}).write(out, format="ascii.ecsv")
    [curve] = read_light_curves(out.getvalue().encode()).values()
    np.testing.assert_allclose(curve.times, [55000, 55001.5])


def test_a_table_of_one_object_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "CSS080101.csv"
    path.write_bytes(as_csv(frame().drop(columns="object_id")))
    [(name, curve)] = read_light_curves(path).items()
    assert name == curve.meta["object_id"] == "CSS080101"
    assert len(curve) == 5


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidSequenceError) as error:
        read_light_curves(as_csv(frame().rename(columns={"mag_err": "wibble", "mjd": "when"})))
    assert "mjd and mag_err are missing" in str(error.value)
    assert "object_id, when, mag, wibble" in str(error.value)


def test_filters_limits_labels_and_places_come_along() -> None:
    table = frame().assign(
        fid=[1, 2, 1, 2, 1],
        upperlimit=[False, False, True, False, False],
        diffmaglim=20.5,
        label=["SN"] * 5,
        ra=10.5,
        dec=-3.25,
    )
    curves = read_light_curves(as_csv(table))
    curve = curves["007"]
    assert curve.bands.tolist() == ["g", "g", "g"] and curves["b"].bands.tolist() == ["r", "r"]
    np.testing.assert_array_equal(curve.mag, [np.nan, 18.2, 18.3])
    np.testing.assert_allclose(curve.limit, [18.1, 20.5, 20.5])
    assert curve.meta["label"] == "SN"
    assert (curve.meta["ra"], curve.meta["dec"]) == (10.5, -3.25)


@pytest.mark.parametrize("column", ["label", "class", "className"])
@pytest.mark.parametrize(
    ("word", "label"), [("SN", "SN"), ("NON", "NON"), ("SNIa", None), ("QSO", None), ("CV?", None)]
)
def test_only_the_six_names_are_classes(column: str, word: str, label: str | None) -> None:
    table = frame().assign(**{column: word})
    assert read_light_curves(as_csv(table))["b"].meta.get("label") == label


def test_flags_are_no_measurements() -> None:
    table = frame()
    table.loc[0, "mag"] = 99.99
    table.loc[2, "mjd"] = np.nan
    table.loc[1, "mjd"] = -2409998.5
    curves = read_light_curves(as_csv(table))
    np.testing.assert_array_equal(curves["007"].mag, [18.2, np.nan])
    assert curves["007"].meta["dropped"] == ["1 row without a date"]
    assert len(curves["b"]) == 1


def test_whole_numbers_kept_as_floats_are_still_names() -> None:
    table = frame().assign(object_id=[1.0, 2.0, 1.0, 2.0, 1.0])
    assert list(read_light_curves(as_parquet(table))) == ["1", "2"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1 and then nothing",
        b"<VOTABLE><broken",
        b"<html><body>Not found</body></html>",
        b"# %ECSV 1.0\n# ---\n# {nonsense\n",
        b"\x00\xff\xfe binary \x80\x81",
        b"# only a comment\n",
        b"mjd,mag,mag_err\n",
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises((UnreadableFileError, InvalidSequenceError)) as error:
        read_light_curves(data)
    assert "\n" not in str(error.value)


def votable(body: str, *, start: str = "") -> str:
    return f'<?xml version="1.0"?>{start}<VOTABLE version="1.3">{body}</VOTABLE>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("tag", ["STREAM", "v:STREAM"])
def test_a_votable_opens_no_other_file(tmp_path: Path, tag: str, encoding: str) -> None:
    secret = tmp_path / "secret.fits"
    Table({"mjd": [55_000.0], "mag": [18.0], "mag_err": [0.1]}).write(secret)
    stream = f"<{tag} href='file://{secret}'/>"
    text = votable(f"<RESOURCE><TABLE><DATA><FITS>{stream}</FITS></DATA></TABLE></RESOURCE>")
    with pytest.raises(UnreadableFileError, match="another file"):
        read_light_curves(text.encode(encoding))


def test_entities_and_deep_nesting_are_refused() -> None:
    entity = "<!DOCTYPE VOTABLE [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"
    with pytest.raises(UnreadableFileError, match="DOCTYPE"):
        read_light_curves(votable("<DESCRIPTION>&a;</DESCRIPTION>", start=entity).encode())
    deep = votable("<RESOURCE>" * 50_000 + "</RESOURCE>" * 50_000)
    with pytest.raises(UnreadableFileError, match="nested"):
        read_light_curves(deep.encode())


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(table_files, "MAX_FILE_BYTES", 50)
    path = tmp_path / "big.csv"
    path.write_bytes(as_csv(frame()))
    for source in (path, path.read_bytes()):
        with pytest.raises(UnreadableFileError, match="at most 50") as refused:
            read_light_curves(source, trusted=True)
        assert refused.value.code is Code.SIZE
    monkeypatch.undo()
    monkeypatch.setattr(table_formats, "MAX_ROWS", 4)
    with pytest.raises(UnreadableFileError, match="5 rows, at most 4"):
        read_light_curves(as_parquet(frame()), trusted=True)


def test_an_empty_file_is_said() -> None:
    with pytest.raises(UnreadableFileError, match="empty") as refused:
        read_light_curves(b" \n", trusted=True)
    assert refused.value.code is Code.EMPTY


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="nothing.csv"):
        read_light_curves(tmp_path / "nothing.csv")


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "objects", "points"),
    [
        ("transients.parquet", 252, 90_087),
        ("nontransients.parquet", 3855, 631_759),
        ("supernova_catalog.parquet", 638, 53_757),
    ],
)
def test_real_crts_tables(real_data: Path, file: str, objects: int, points: int) -> None:
    curves = read_light_curves(real_data / "crts" / file)
    assert len(curves) == objects
    assert sum(map(len, curves.values())) == points
