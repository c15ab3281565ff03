"""Columns of tables as people write them: what they mean, and how sure that is."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table

from taonet_core.data.column_mapping import ColumnMapping, Guess, guess_mapping, map_by_name
from taonet_core.data.column_roles import ROLES
from taonet_core.data.column_words import understood
from taonet_core.data.table_files import preview_table
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import InvalidSequenceError

MJD = 55_000.25 + np.arange(10.0)
MAG = 18 + 0.1 * np.arange(10)
ERR = np.full(10, 0.05)


def guess(**columns: object) -> Guess:
    return guess_mapping(preview_table(as_csv(**columns)))


def as_csv(**columns: object) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


@pytest.mark.parametrize(
    "names",
    [
        ("MJD", "Mag", "Magerr"),
        ("mjd", "MAG_AUTO", "MAGERR_AUTO"),
        ("MJD-OBS", "magnitude", "e_mag"),
        ("i:mjd", "i:magpsf", "i:sigmapsf"),
        ("mjd", "mag [AB]", "err"),
        ("midpointMjdTai", "mag", "Uncertainty"),
    ],
)
def test_common_names_need_no_question(names: tuple[str, str, str]) -> None:
    found = guess(**dict(zip(names, (MJD, MAG, ERR), strict=True)))
    assert found.certain and found.score == 1.0
    wanted = zip(("time", "mag", "mag_err"), names, strict=True)
    assert found.mapping.columns == dict(wanted) and found.mapping.clock == "mjd"


@pytest.mark.parametrize(
    ("name", "values", "clock", "certain"),
    [
        ("jd", MJD + 2_400_000.5, "jd", True),
        ("HJD", MJD + 2_400_000.5, "jd", True),
        ("mjd", MJD + 2_400_000.5, "jd", True),
        ("HJD-2450000", MJD - 49_999.5, "jd-2450000", True),
        ("HJD", MJD - 49_999.5, "jd-2450000", False),
        ("BJD - 2457000", MJD - 56_999.5 + 4000, "jd-2457000", True),
        ("BJD-2454833", MJD - 54_832.5 + 100, "jd-2454833", True),
        ("JD-2460000", MJD - 59_999.5 + 6000, "jd-2460000", True),
        ("JD-2400000.5", MJD, "mjd", True),
        ("HJD-2400000.5", MJD, "mjd", True),
        ("BJD − 2400000.5", MJD, "mjd", True),
        ("JD - 2 400 000.5", MJD, "mjd", True),
        ("HJD_minus_2400000_5", MJD, "mjd", True),
        ("HJD24000005", MJD, "mjd", True),
        ("HJD-2400000", MJD + 0.5, "jd-2400000", True),
        ("BJD-54833", MJD - 54_832.5 + 100, "auto", False),
        ("RJD", MJD + 0.5, "jd-2400000", False),
        ("time", np.arange(10.0), "mjd", False),
        ("date", pd.date_range("2009-06-18", periods=10), "date", True),
    ],
)  # fmt: skip
def test_clocks_are_told_apart(name: str, values: object, clock: str, certain: bool) -> None:
    found = guess(**{name: values, "mag": MAG, "mag_err": ERR})
    assert found.mapping.columns.get("time") == name
    assert (found.mapping.clock, found.certain) == (clock, certain)
    assert certain == (not found.doubts)


@pytest.mark.parametrize(
    ("clock", "shift"),
    [("mjd", 0), ("jd", 2_400_000.5), ("jd-2400000", 0.5), ("jd-2450000", -49_999.5),
     ("jd-2457000", -56_999.5), ("jd-2454833", -54_832.5), ("jd-2400000.5", 0)],
)  # fmt: skip
def test_every_clock_gives_the_same_times(clock: str, shift: float) -> None:
    mapping = ColumnMapping("curves", {"time": "t", "mag": "m", "mag_err": "e"}, clock)
    [curve] = read_light_curves(as_csv(t=MJD + shift, m=MAG, e=ERR), mapping).values()
    np.testing.assert_allclose(curve.times, MJD, atol=1e-8)


def test_a_unit_says_what_was_taken_off_the_dates() -> None:
    """As in the light curves of Kepler."""
    out = io.BytesIO()
    rows = Table({"TIME": MJD - 54_832.5, "mag": MAG, "mag_err": ERR})
    hdu = fits.table_to_hdu(rows)
    hdu.columns["TIME"].unit = "BJD - 2454833, d"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(out)
    assert guess_mapping(preview_table(out.getvalue())).mapping.clock == "jd-2454833"


def test_dates_are_read_as_utc() -> None:
    table = as_csv(date=["2010-01-01T06:00:00Z", "2010-01-02 12:00:00"], mag=[18, 19], err=[0.1, 0])
    [curve] = read_light_curves(table).values()
    np.testing.assert_allclose(curve.times, [55197.25, 55198.5])


def test_columns_without_names_are_told_by_their_values() -> None:
    rows = "\n".join(f"{t + 2_400_000.5} {m} {e}" for t, m, e in zip(MJD, MAG, ERR, strict=True))
    table = preview_table(rows.encode())
    assert list(table.rows.columns) == ["column 1", "column 2", "column 3"]
    found = guess_mapping(table)
    assert list(found.mapping.columns.values()) == ["column 1", "column 2", "column 3"]
    assert found.mapping.complete and not found.certain and len(found.doubts) == 3
    [curve] = read_light_curves(rows.encode(), found.mapping).values()
    np.testing.assert_allclose(curve.times, MJD)
    np.testing.assert_allclose(curve.mag, MAG)


def test_a_commented_line_of_names_above_the_numbers_counts() -> None:
    text = "# my star\n# mjd mag mag_err\n55000.5 18.1 0.1\n55001.5 18.2 0.1\n"
    [curve] = read_light_curves(text.encode()).values()
    np.testing.assert_allclose(curve.mag, [18.1, 18.2])


def test_values_overrule_names() -> None:
    found = guess(mjd=MJD, mag=MJD, brightness=MAG, mag_err=ERR)
    assert found.mapping.columns["mag"] == "brightness"
    assert not found.certain and "'brightness' looks like the magnitude; is it?" in found.doubts[0]


def test_two_columns_that_could_be_the_magnitude_are_asked_about() -> None:
    found = guess(mjd=MJD, magpsf=MAG, vmag=MAG, mag_err=ERR)
    assert not found.certain and "'magpsf' and 'vmag'" in found.doubts[0]
    assert guess(mjd=MJD, mag=MAG, vmag=MAG, mag_err=ERR).certain


@pytest.mark.parametrize("name", ["Star Name", "target name", "source id", "Target"])
def test_names_of_stars_are_the_objects(name: str) -> None:
    found = guess(**{"mjd": MJD, "mag": MAG, "magerr": ERR, name: [1001] * 5 + [1002] * 5})
    assert found.mapping.columns["object_id"] == name and found.certain


@pytest.mark.parametrize("values", [["a"] * 5 + ["b"] * 5, [7] * 5 + [3] * 5])
def test_blocks_of_rows_that_begin_anew_are_asked_about(values: list[object]) -> None:
    again = np.tile(MJD[:5], 2)
    found = guess(mjd=again, mag=MAG, magerr=ERR, which=values)
    assert found.mapping.columns["object_id"] == "which" and not found.certain
    assert any("'which'" in doubt for doubt in found.doubts)
    seasons = guess(mjd=MJD, mag=MAG, magerr=ERR, which=values)
    assert "object_id" not in seasons.mapping.columns and seasons.certain


def test_a_column_that_numbers_the_rows_is_asked_about() -> None:
    columns = {"mjd": MJD, "mag": MAG, "mag_err": ERR}
    assert not guess(id=range(10), **columns).certain
    assert guess(id=[1] * 5 + [2] * 5, **columns).certain


def test_without_errors_a_person_has_to_agree() -> None:
    found = guess(mjd=MJD, mag=MAG)
    assert found.mapping.columns == {"time": "mjd", "mag": "mag"} and not found.mapping.complete
    assert found.doubts == ("no column for the error of the magnitude",)
    [curve] = read_light_curves(as_csv(mjd=MJD, mag=MAG), found.mapping).values()
    assert np.isnan(curve.mag_err).all()
    assert curve.meta["notes"] == ["the errors of the light curve are not known"]


@pytest.mark.parametrize(
    ("name", "zero_point"),
    [("flux (nJy)", 31.4), ("flux [mJy]", 16.4), ("flux_Jy", None), ("FLUXCAL", 27.5),
     ("psfFlux", None), ("uJy", 23.9)],
)  # fmt: skip
def test_fluxes_are_told_by_their_unit(name: str, zero_point: float | None) -> None:
    found = guess(**{"mjd": MJD, name: 10 - MAG / 4, "flux_err": ERR})
    if name == "flux_Jy":  # not a spelling of flux
        assert "flux" not in found.mapping.columns
        return
    assert found.mapping.columns["flux"] == name
    assert found.mapping.zero_point == zero_point
    assert found.certain == (zero_point is not None)


def test_fluxes_become_magnitudes_and_limits() -> None:
    table = as_csv(mjd=[55000, 55001, 55002], flux=[100.0, -1.0, 2.0], flux_err=[5.0, 1.0, 1.0])
    mapping = ColumnMapping("curves", map_by_name(["mjd", "flux", "flux_err"], "curves").columns)
    with pytest.raises(InvalidSequenceError, match="zero point"):
        read_light_curves(table, mapping)
    mapping = ColumnMapping("curves", mapping.columns, zero_point=25.0)
    [curve] = read_light_curves(table, mapping).values()
    np.testing.assert_allclose(curve.mag, [20.0, np.nan, np.nan])
    np.testing.assert_allclose(curve.mag_err[0], 0.0543, atol=1e-3)
    np.testing.assert_allclose(curve.limit[1:], 25 - 2.5 * np.log10(3.0))
    np.testing.assert_allclose(curve.flux, [100, -1, 2])
    assert curve.meta["zero_point"] == 25.0


def test_zero_points_of_rows_are_brought_to_one() -> None:
    table = as_csv(mjd=[55000, 55001], flux=[100.0, 10.0], flux_err=[1.0, 0.1], zp=[25.0, 22.5])
    [curve] = read_light_curves(table).values()
    np.testing.assert_allclose(curve.mag, [20.0, 20.0])
    np.testing.assert_allclose(curve.flux, [100.0, 100.0])


def test_limits_written_as_text() -> None:
    table = as_csv(HJD=[2455000.5, 2455001.5], mag=[">19.5", "18.2"], mag_err=[99.99, 0.1])
    assert guess_mapping(preview_table(table)).certain
    [curve] = read_light_curves(table).values()
    np.testing.assert_allclose(curve.mag, [np.nan, 18.2])
    np.testing.assert_allclose(curve.limit, [19.5, np.nan])


def test_a_fits_table_is_read() -> None:
    out = io.BytesIO()
    table = Table(
        {"OBJECT_ID": ["a", "a", "b"], "MJD": MJD[:3], "MAG": MAG[:3], "MAG_ERR": ERR[:3]}
    )
    table["MJD"].unit = "d"
    table.write(out, format="fits")
    assert guess_mapping(preview_table(out.getvalue())).certain
    curves = read_light_curves(out.getvalue())
    np.testing.assert_allclose(curves["a"].mag, MAG[:2])
    assert list(curves) == ["a", "b"]


def test_columns_that_share_a_name_or_have_none_are_told_apart() -> None:
    text = b"mjd,mag,mag,,mag_err\n55000,18,19,x,0.1\n"
    assert list(preview_table(text).rows) == ["mjd", "mag", "mag (3)", "column 4", "mag_err"]
    [curve] = read_light_curves(text).values()
    np.testing.assert_allclose(curve.mag, [18.0])


ODD = [
    "inf",
    "-1e400",
    "9999-99-99",
    "2009-06-18",
    "\u2605",
    "",
    "nan",
    "1,5",
    "0x1F",
    "True",
    "99",
]


@pytest.mark.parametrize("use", ["curves", "labels"])
def test_odd_values_never_break_a_guess(use: str, rng: np.random.Generator) -> None:
    names = [role.names[0] for role in ROLES[use].values()]
    for _ in range(20):
        columns = {name: rng.choice(ODD, 7) for name in names}
        table = preview_table(pd.DataFrame(columns).to_csv(index=False).encode())
        found = guess_mapping(table, use)
        assert 0 <= found.score <= 1
        assert len(understood(table, found.mapping)) == len(found.mapping.columns)


def test_columns_without_any_value_do_no_harm() -> None:
    table = as_csv(object_id="a", mjd=MJD, mag=MAG, mag_err=ERR, band=np.nan, ra=np.nan)
    assert guess_mapping(preview_table(table)).certain
    [curve] = read_light_curves(table).values()
    assert set(curve.bands) == {""} and "ra" not in curve.meta


def test_sexagesimal_positions_are_read() -> None:
    table = as_csv(mjd=MJD, mag=MAG, mag_err=ERR, ra="12:26:30.48", dec="-03:18:00.0")
    assert set(guess_mapping(preview_table(table)).mapping.columns) >= {"ra", "dec"}
    [curve] = read_light_curves(table).values()
    assert curve.meta["ra"] == pytest.approx(186.627) and curve.meta["dec"] == pytest.approx(-3.3)


def test_a_column_that_is_not_there_is_refused() -> None:
    mapping = ColumnMapping("curves", {"time": "mjd", "mag": "m", "mag_err": "e"})
    with pytest.raises(InvalidSequenceError, match="no column 'm'; choose among: mjd, mag"):
        read_light_curves(as_csv(mjd=MJD, mag=MAG), mapping)


def test_what_was_understood_is_said() -> None:
    table = preview_table(as_csv(oid="x", jd=MJD + 2_400_000.5, mag=[*MAG[:9], 99.0], mag_err=ERR))
    words = {role: said for role, _, said in understood(table, guess_mapping(table).mapping)}
    assert words["Object"] == "1 different: x"
    assert words["Time"] == "MJD 55000.250 to 55009.250 (2009-06-18 to 2009-06-27)"
    assert words["Magnitude"] == "18 to 18.8 mag, 1 rows without"


def test_tables_of_classes_are_told_from_light_curves() -> None:
    found = guess(
        objectId=["a", "b"], ra=[1.0, 2.0], dec=[3.0, 4.0], classification=["SN Ia", "CV"]
    )
    assert found.mapping.use == "labels" and found.certain
    assert found.mapping.columns["label"] == "classification"
    assert guess(x=[1, 2], y=["a", "b"]).score == 0.0


@pytest.mark.parametrize("column", ["catalog_label", "what"])
def test_a_column_of_classes_is_told_by_a_word_or_by_its_values(column: str) -> None:
    found = guess(**{"object_id": ["a", "b", "c"], "ra": 1.0, column: ["SN Ia", "QSO", "?"]})
    assert found.mapping.columns == {"object_id": "object_id", "ra": "ra", "label": column}
    assert found.mapping.complete and not found.certain
    assert found.doubts == (f"{column!r} looks like the class; is it?",)


def test_roles_do_not_share_names() -> None:
    for roles in ROLES.values():
        names = [name for role in roles.values() for name in role.names]
        assert len(names) == len(set(names))


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "use"),
    [
        ("crts/transients.parquet", "curves"),
        ("crts/supernova_catalog.parquet", "curves"),
        ("crts/transients_objects.csv", "labels"),
        ("crts/supernova_catalog_objects.csv", "labels"),
        ("crts/catalog.csv.gz", "labels"),
        ("ztf/alerts.csv.gz", "curves"),
        ("ztf/sequences/frames.csv", "labels"),
    ],
)
def test_real_tables(real_data: object, file: str, use: str) -> None:
    found = guess_mapping(preview_table(real_data / file))  # type: ignore[operator]
    assert found.certain and found.mapping.use == use
