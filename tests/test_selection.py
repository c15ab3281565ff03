"""Which objects are wanted: a value that chooses, sorts, and survives an address."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from taonet_core.data.exports import TABLE_SUFFIXES, write_table
from taonet_core.data.selection import Selection, extremes, listing
from taonet_core.data.selection_fields import (
    ANY,
    CHOICES,
    CLASSES,
    FIELDS,
    ORDERS,
    RANGES,
    UNKNOWN,
    parse_date,
)
from taonet_core.drawing.cards import magnitude_words
from taonet_core.labels import SIX_CLASSES


@pytest.fixture
def table() -> pd.DataFrame:
    """Four objects: right, wrong, without a truth, and not classified yet."""
    verdicts = ["SN", "CV", "SN", ""]
    columns = {
        "object_id": pd.Series(["b", "a", "d", "c"], dtype="str"),
        "label": pd.Series(["SN", "SN", "", "CV"], dtype="str"),
        "ra": [10.0, 200.0, 10.02, np.nan],
        "dec": [0.0, -30.0, 0.0, np.nan],
        "n_nights": [5, 20, 10, 1],
        "mjd_first": [55_000.0, 55_100.0, 56_000.0, np.nan],
        "mjd_last": [55_050.0, 55_400.0, 56_100.0, np.nan],
        "mag": [18.0, 19.0, np.nan, 17.0],
        "mag_peak": [17.5, np.nan, 20.0, np.nan],
        "snr_peak": [30.0, np.nan, 5.0, np.nan],
        "verdict_taonet": pd.Series(verdicts, dtype="str"),
        "confidence_taonet": [0.9, 0.6, 0.4, np.nan],
        "right_taonet": pd.array([True, False, pd.NA, pd.NA], dtype="boolean"),
        "p_SN_taonet": [0.9, 0.3, 0.4, np.nan],
        "verdict_forest": pd.Series(["SN", "SN", "CV", ""], dtype="str"),
        "confidence_forest": [0.5, 0.8, 0.7, np.nan],
        "right_forest": pd.array([True, True, pd.NA, pd.NA], dtype="boolean"),
        "disagree": pd.array([False, True, True, pd.NA], dtype="boolean"),
        "novelty_taonet": [5.0, 99.0, 50.0, np.nan],
        "expert": pd.Series(["", "SN", "", ""], dtype="str"),
    }
    return pd.DataFrame(columns).set_axis([7, 3, 9, 1])


def names(selection: Selection, table: pd.DataFrame) -> str:
    return "".join(selection.apply(table)["object_id"])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "abcd"),
        ({"text": "A"}, "a"),
        ({"text": "10.02 0.0"}, "d"),
        ({"text": "10.02 0.0 r=1d"}, "db"),  # nearest first
        ({"text": "10.0 0.0", "radius_arcsec": 80.0}, "bd"),
        ({"truths": ("SN",)}, "ab"),
        ({"truths": ("CV", UNKNOWN)}, "cd"),
        ({"verdicts": ("SN",)}, "bd"),
        ({"verdicts": (UNKNOWN,)}, "c"),
        ({"verdicts": ("SN",), "model": "forest"}, "ab"),
        ({"verdicts": ("SN",), "model": "unheard-of"}, ""),
        ({"probability": (0.6, None)}, "ab"),
        ({"probability": (0.3, 0.5), "probability_of": "SN"}, "ad"),
        ({"probability": (None, 0.5), "model": "forest"}, "b"),
        ({"nights": (5, 10)}, "bd"),
        ({"magnitude": (17.0, 18.0)}, "b"),  # as measured at peak, never as catalogued
        ({"dates": (55_050, 55_100)}, "ab"),
        ({"snr": (10, None)}, "b"),
        ({"novelty": (50, None)}, "ad"),
        ({"outcome": "right"}, "b"),
        ({"outcome": "wrong"}, "a"),
        ({"outcome": "wrong", "model": "forest"}, ""),
        ({"agreement": "disagree"}, "ad"),
        ({"agreement": "agree"}, "b"),
        ({"experts": "labelled"}, "a"),
        ({"experts": "unlabelled"}, "bcd"),
        ({"region": ((-2, -1), (0, -1), (0, 1), (-2, 1))}, "a"),  # east of the middle: the left
        ({"truths": ("SN",), "nights": (10, None), "outcome": "wrong"}, "a"),
    ],
)
def test_each_filter_keeps_what_it_says(asked: dict, found: str, table: pd.DataFrame) -> None:
    assert names(Selection(**asked), table) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("name", "abcd"),
        ("-name", "dcba"),
        ("brightness", "bdac"),
        ("nights", "adbc"),
        ("-nights", "cbda"),
        ("date", "dabc"),  # what is unknown comes last, whichever way
        ("-date", "badc"),
        ("confidence", "badc"),
        ("verdict", "cabd"),
        ("wrong", "abdc"),
        ("disagree", "adbc"),
        ("novelty", "adbc"),
        ("truth", "dcba"),
    ],
)
def test_orders(sort: str, found: str, table: pd.DataFrame) -> None:
    assert names(Selection(sort=sort), table) == found


def test_every_order_and_filter_does_without_models_and_measurements(table: pd.DataFrame) -> None:
    bare = table[["object_id", "label", "ra", "dec", "n_nights", "mjd_first", "mjd_last", "mag"]]
    for sort in ORDERS:
        assert len(Selection(sort=sort).apply(bare)) == 4
    assert names(Selection(magnitude=(None, 18)), bare) == "bc"
    for asked in ({"outcome": "right"}, {"agreement": "agree"}, {"novelty": (0, None)}):
        assert Selection(**asked).apply(bare).empty
    assert Selection(text="a").apply(bare.iloc[:0]).empty


ENDS = {name: quantity.bounds for name, quantity in RANGES.items()}


@st.composite
def ranges(draw: st.DrawFn, name: str) -> tuple[float | None, float | None]:
    least, most = (max(-1e9, ENDS[name][0]), min(1e9, ENDS[name][1]))
    low, high = sorted(draw(st.tuples(*[st.floats(least, most, allow_subnormal=False)] * 2)))
    return draw(st.sampled_from([(low, high), (low, None), (None, high), (None, None)]))


def classes() -> st.SearchStrategy[tuple[str, ...]]:
    chosen = st.sets(st.sampled_from(CLASSES))
    return chosen.map(lambda held: tuple(name for name in CLASSES if name in held))


corner = st.tuples(st.floats(-2, 2), st.floats(-1, 1))
selections = st.builds(
    Selection,
    text=st.text(max_size=40).filter(
        lambda text: text.isprintable() and (not text or text.strip())
    ),
    radius_arcsec=st.floats(1e-3, 3600),
    truths=classes(),
    verdicts=classes(),
    model=st.sampled_from(["taonet", "forest", "my-model_2.1"]),
    probability_of=st.sampled_from(["", *map(str, SIX_CLASSES)]),
    **{name: ranges(name) for name in RANGES},
    **{name: st.sampled_from(["", *words]) for name, (_, words) in CHOICES.items()},
    region=st.one_of(st.just(()), st.lists(corner, min_size=3, max_size=64).map(tuple)),
    sort=st.sampled_from([*ORDERS, *(f"-{name}" for name in ORDERS)]),
)


@given(selections)
def test_an_address_holds_the_whole_selection(selection: Selection) -> None:
    query = selection.to_query()
    assert Selection.from_query(query) == selection
    assert not Selection.from_query(query).ignored
    lists = {key: [held] if isinstance(held, str) else held for key, held in query.items()}
    assert Selection.from_query(lists) == selection


anything = st.one_of(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))


@given(st.dictionaries(st.sampled_from([known.key for known in FIELDS.values()]), anything))
def test_whatever_an_address_holds_a_selection_comes_of_it(query: dict) -> None:
    selection = Selection.from_query(query)
    assert Selection.from_query(selection.to_query()) == selection
    assert len(selection.describe()) <= len(FIELDS)


@pytest.mark.parametrize(
    ("key", "held"),
    [
        ("nights", "5"),
        ("nights", "10..5"),
        ("nights", ".."),
        ("nights", ["1..2", "3..4"]),
        ("mag", "nan..20"),
        ("mag", "1e999.."),
        ("mag", "<script>..1"),
        ("p", "0..1.5"),
        ("mjd", "2012-13-45.."),
        ("truth", "nonsense"),
        ("model", "../../etc/passwd"),
        ("model", "a" * 50),
        ("outcome", "maybe"),
        ("sort", "--name"),
        ("sky", "1_2,3_4"),
        ("sky", "x_y,1_2,3_4"),
        ("sky", ",".join(["0_0"] * 1000)),
        ("radius", "-3"),
        ("radius", "inf"),
        ("q", "x" * 5000),
        ("q", "a\0b"),
    ],
)
def test_hostile_parts_of_an_address_are_left_out_and_said(key: str, held: str | list) -> None:
    selection = Selection.from_query({key: held, "object": "other", "expert": "labelled"})
    assert selection == Selection(experts="labelled")
    [reason] = selection.ignored
    assert reason.startswith(f"{key}: ") and len(reason) < 200


def test_days_are_read_as_modified_julian_dates() -> None:
    assert parse_date("1858-11-17") == 0
    assert parse_date("2012-09-25") == parse_date(" 56195 ") == 56_195
    assert Selection.from_query({"mjd": "2012-09-25.."}).dates == (56_195, None)


def test_a_day_as_upper_end_counts_whole(table: pd.DataFrame) -> None:
    one_day = Selection.from_query({"mjd": "2009-06-18..2009-06-18"})
    low, high = one_day.dates
    assert low == 55_000 and 55_000.9999 < high < 55_001
    assert Selection.from_query(one_day.to_query()).dates == one_day.dates
    when = dict(zip("abcd", [55_000.3, 55_001.0, 54_999.9, np.nan], strict=True))
    nights = table["object_id"].map(when)
    assert names(one_day, table.assign(mjd_first=nights, mjd_last=nights)) == "a"
    assert Selection.from_query({"mjd": "55000..55001"}).dates == (55_000, 55_001)


def test_filters_are_said_in_words_and_taken_away_one_by_one() -> None:
    selection = Selection(
        text="01:32:45 +20:15:12 r=2m",
        truths=("SN", "CV"),
        probability=(0.5, None),
        probability_of="SN",
        nights=(10, 20),
        magnitude=(None, 19.5),
        snr=(10, None),
        outcome="wrong",
        region=((0, 0), (1, 0), (1, 1)),
        sort="-nights",
        model="forest",
    )
    words = selection.describe()
    assert words == {
        "text": "within 120″ of RA 23.18750 Dec +20.25333",
        "truths": "truth SN or CV",
        "probability": "P(SN) ≥ 0.5",
        "nights": "10 – 20 nights",
        "magnitude": "magnitude ≤ 19.5 mag",
        "snr": "peak S/N ≥ 10",
        "outcome": "verdict wrong",
        "region": "marked on the sky map",
    }
    for name in words:
        assert set(selection.without(name).describe()) == set(words) - {name}
    assert selection.cleared() == Selection(sort="-nights", model="forest")
    assert not selection.cleared().describe()


def test_the_extremes_are_those_of_the_model_asked(table: pd.DataFrame) -> None:
    found = extremes(table, "taonet")
    assert found["probability"] == (0.4, 0.9)
    assert found["magnitude"] == (17.5, 20.0)
    assert found["dates"] == (55_000, 56_100)
    assert extremes(table, "forest")["novelty"] == extremes(table.iloc[:0], "taonet")["snr"] == ANY


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_what_was_chosen_is_written_as_a_file(
    suffix: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    rows = table.assign(path="secret/place", group=1, n_detected=pd.array([1, None, 3, 4], "Int64"))
    plain = listing(Selection(sort="-name").apply(rows))
    text = write_table(plain, tmp_path / f"list{suffix}").read_bytes()
    assert b"secret" not in text
    if suffix in (".ecsv", ".vot"):
        units = {
            c.name: str(c.unit) for c in Table.read(tmp_path / f"list{suffix}").columns.values()
        }
        wanted = {
            "ra": "deg",
            "mjd_first": "d",
            "mag": "mag",
            "mag_peak": "mag",
            "n_nights": "None",
        }
        assert wanted.items() <= units.items()
    assert plain["object_id"].tolist() == list("dcba")
    assert plain["right_taonet"].tolist() == ["", "", "true", "false"]
    assert np.isnan(plain["n_detected"]).sum() == 1


def test_twenty_thousand_rows_take_no_time(rng: np.random.Generator) -> None:
    n = 20_000
    labels = pd.Series(rng.choice(SIX_CLASSES, n).astype(str), dtype="str")
    table = pd.DataFrame(
        {
            "object_id": pd.Series([f"CSS{i:06d}" for i in rng.permutation(n)], dtype="str"),
            "label": labels,
            "ra": rng.uniform(0, 360, n),
            "dec": rng.uniform(-90, 90, n),
            "n_nights": rng.integers(1, 60, n),
            "mjd_first": rng.uniform(53_000, 56_000, n),
            "mjd_last": rng.uniform(56_000, 57_000, n),
            "mag": rng.uniform(15, 21, n),
            "mag_peak": rng.uniform(15, 21, n),
            "verdict_taonet": labels.sample(frac=1, random_state=0).reset_index(drop=True),
            "confidence_taonet": rng.uniform(0, 1, n),
            "right_taonet": pd.array(rng.random(n) < 0.8, dtype="boolean"),
            "disagree": pd.array(rng.random(n) < 0.2, dtype="boolean"),
        }
    )
    asked = Selection(
        text="CSS",
        truths=("SN", "CV", "AGN"),
        probability=(0.1, 0.9),
        nights=(2, 50),
        magnitude=(16, 20),
        outcome="right",
        region=((-1, -0.5), (1, -0.5), (1, 0.5), (-1, 0.5)),
    )
    times = {}
    for selection in (*(replace(Selection(), sort=sort) for sort in ORDERS), asked):
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            selection.apply(table)
            runs.append(time.perf_counter() - start)
        times[selection] = min(runs)
    assert max(times.values()) < 0.05, times


@pytest.mark.parametrize(
    ("peak", "catalogued", "words"),
    [
        (17.42, 16.5, "17.4 mag"),
        (np.nan, 16.5, "cat. 16.5 mag"),
        (None, 16.5, "cat. 16.5 mag"),
        (np.nan, np.nan, ""),
    ],
)
def test_a_card_says_whose_magnitude_it_shows(peak, catalogued, words) -> None:
    assert magnitude_words(peak, catalogued) == words
