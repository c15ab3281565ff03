"""The catalogue: what it lists, how it is searched and split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers import as_bytes, image

from taonet_core.data import catalog as module
from taonet_core.data.catalog import (
    COLUMNS,
    INDEX_NAME,
    index_folder,
    load_catalog,
    search,
    split_by_position,
)
from taonet_core.data.fits_io import read_sequence, write_sequence
from taonet_core.data.sky import (
    hammer,
    inside,
    parse_cone,
    parse_position,
    position_problem,
    sky_groups,
)
from taonet_core.errors import UnreadableFileError

PLACES = [("SN", "a", 120.0, 10.0), ("SN", "b", 120.0, 10.002), ("CV", "c", 200.0, -5.0)]


@pytest.fixture
def folder(make_sequence, tmp_path: Path) -> Path:
    """Three release files, two of them at the same place."""
    for label, name, ra, dec in PLACES:
        path = tmp_path / "data" / label / f"CSS{name}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {"object_id": f"CSS{name}", "label": label, "ra": ra, "dec": dec, "mag": 18.5}
        write_sequence(make_sequence(nights=3, **known), path)
    return tmp_path


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"label": "SN", "object_id": "x"} | columns)


def test_the_catalogue_says_what_reading_the_files_says(folder: Path) -> None:
    found = index_folder(folder)
    assert list(found.columns) == list(COLUMNS)
    assert found["path"].tolist() == ["data/CV/CSSc.fits", "data/SN/CSSa.fits", "data/SN/CSSb.fits"]
    for row in found.itertuples():
        sequence = read_sequence(folder / row.path)
        assert (row.object_id, row.label) == (sequence.object_id, sequence.meta["label"])
        assert (row.ra, row.dec, row.mag) == (sequence.meta["ra"], sequence.meta["dec"], 18.5)
        assert (row.n_frames, row.n_nights) == (len(sequence), 3)
        assert (row.mjd_first, row.mjd_last) == (sequence.times[0], sequence.times[-1])
    assert found["group"].nunique() == 2


def test_pixels_are_not_read(folder: Path) -> None:
    path = folder / "data" / "CV" / "CSSc.fits"
    wanted = index_folder(folder)
    data = bytearray(path.read_bytes())
    data[20_000:] = bytes(len(data) - 20_000)
    path.write_bytes(data)
    assert index_folder(folder).equals(wanted)


def test_the_kept_catalogue_is_used_until_the_files_change(folder: Path, monkeypatch) -> None:
    first = load_catalog(folder)
    assert (folder / INDEX_NAME).is_file()
    with monkeypatch.context() as patch:
        patch.setattr(module, "index_folder", lambda *_: pytest.fail("made anew"))
        assert load_catalog(folder).equals(first)
    (folder / "data" / "CV" / "CSSc.fits").unlink()
    assert len(load_catalog(folder)) == 2


def test_a_damaged_catalogue_is_made_anew(folder: Path) -> None:
    first = load_catalog(folder)
    (folder / INDEX_NAME).write_bytes(b"PAR1 nonsense")
    assert load_catalog(folder).equals(first)


def test_broken_files_are_left_out_and_folders_of_frames_are_one_object(folder: Path) -> None:
    (folder / "data" / "SN" / "broken.fits").write_bytes(b"broken")
    stamps(folder / "stamps", "1.fits", "2.fits", "3.fits")
    found = index_folder(folder).set_index("path")
    assert len(found) == 4
    assert found.loc["stamps", "n_frames"] == 3


def stamps(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        (folder / name).write_bytes(as_bytes(image(55_000.0 + i)))


def test_what_the_path_of_an_object_holds_is_that_object(folder: Path, caplog) -> None:
    stamps(
        folder / "mixed", *(f"{o}_{i}.fits" for o in ("ZTF18aaaaaaa", "ZTF18bbbbbbb") for i in "12")
    )
    stamps(folder / "data" / "SN", "1.fits", "2.fits")  # beside files with sequences of their own
    stamps(folder / "alone", "1.fits", "2.fits")
    stamps(folder / "one", "1.fits")
    found = index_folder(folder)
    assert sorted(found["path"]) == [
        "alone", "data/CV/CSSc.fits", "data/SN/CSSa.fits", "data/SN/CSSb.fits", "one/1.fits"
    ]  # fmt: skip
    for row in found.itertuples():
        assert read_sequence(folder / row.path).object_id == row.object_id
    for name in ("ZTF18aaaaaaa", "ZTF18bbbbbbb", "SN"):
        assert any(f"{name} shares folder" in text for text in caplog.messages)


def test_links_that_lead_nowhere_are_passed_over(folder: Path) -> None:
    (folder / "data" / "gone.fits").symlink_to(folder / "nowhere.fits")
    assert len(index_folder(folder)) == len(load_catalog(folder)) == 3


def test_a_file_whose_name_is_no_text_is_left_out(folder: Path, caplog) -> None:
    known = index_folder(folder)
    (folder / "data/SN" / os.fsdecode(b"\xff\x1b.fits")).write_bytes(
        (folder / "data/SN/CSSa.fits").read_bytes()
    )
    assert index_folder(folder)["path"].tolist() == known["path"].tolist()
    assert any("SN/\\udcff\\x1b.fits is no name" in text for text in caplog.messages)


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnreadableFileError):
            index_folder(place)


def test_groups_are_chains_of_neighbours_also_across_the_zero_of_right_ascension() -> None:
    step = 8 / 3600
    ra = np.array([0.0, 360 - step, 180.0, np.nan, np.nan])
    dec = np.array([0.0, 0.0, 89.0, 0.0, 0.0])
    groups = sky_groups(ra, dec, 10.0)
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 4


def test_no_place_stands_on_two_sides_and_shares_hold(rng) -> None:
    centres = rng.uniform(0, 300, 400)
    ra = np.concatenate([centres, centres + 0.02, centres + 0.04])
    labels = rng.choice(["SN", "CV", "AGN"], ra.size)
    found = table(ra=ra, dec=np.zeros(ra.size), label=labels)
    sides = split_by_position(found, seed=4)
    places = sky_groups(found["ra"].to_numpy(), found["dec"].to_numpy(), module.SAME_SKY)
    assert (sides.groupby(places).nunique() == 1).all()
    shares = sides.value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.7, abs=0.02)
    assert shares["val"] == pytest.approx(0.15, abs=0.02)
    assert sides.equals(split_by_position(found, seed=4))
    assert not sides.equals(split_by_position(found, seed=5))


def test_shares_must_add_up() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        split_by_position(table(ra=[1.0], dec=[1.0]), {"train": 0.5})


@pytest.mark.parametrize(
    "text",
    [
        "123.1375 12.55028",
        "123.1375, +12.55028",
        "08:12:33 +12:33:01",
        "08 12 33 +12 33 01",
        "08h12m33s +12d33m01s",
        "123d08m15s 12d33m01s",
        "J081233.0+123301",
        "CSS060402:081233+123301",
        "08:12:33+12:33:01",
        "08h12m33s+12d33m01s",
        "123.1375° +12.55028°",
        "RA 123.13750 Dec +12.55028 · 08:12:33.0 +12:33:01 · l 210.6 b +24.1",
        "RA: 08:12:33 DEC: 12:33:01",
        "J2000 08:12:33, 12:33:01",
        "<SkyCoord (ICRS): (ra, dec) in deg\n    (123.1375, 12.55028)>",
        "SkyCoord(ra=123.1375*u.deg, dec=12.55028*u.deg, frame='icrs')",
        'SkyCoord("08h12m33s", "+12d33m01s", frame="icrs")',
        "l 210.48452 b 23.58829",
        "l=210.48452, b=+23.58829",
        "gal 210.48452 23.58829",
    ],
)
def test_positions_are_read_in_any_usual_form(text: str) -> None:
    assert parse_position(text) == pytest.approx((123.1375, 12.55028), abs=1e-4)


@pytest.mark.parametrize(
    "text",
    ["", "SN", "400 0", "10 95", "a b", "1 2 3", "12:00:00", "l b", "gal 400 0", "nan nan",
     "B1950 08:12:33 +12:33:01", "SkyCoord(", "<SkyCoord (FK4): (ra, dec) in deg (1, 2)>"],
)  # fmt: skip
def test_what_is_no_position_is_none(text: str) -> None:
    assert parse_position(text) is None


def test_search_finds_names_and_cones(folder: Path) -> None:
    found = index_folder(folder)
    assert search(found, "cssA")["object_id"].tolist() == ["CSSa"]
    assert search(found, "css")["object_id"].tolist() == ["CSSc", "CSSa", "CSSb"]
    near = search(found, "120.0 10.0", radius_arcsec=30)
    assert near["object_id"].tolist() == ["CSSa", "CSSb"]
    assert near["separation_arcsec"].tolist() == pytest.approx([0, 7.2], abs=1e-3)
    assert search(found, "120.0 10.0", radius_arcsec=5)["object_id"].tolist() == ["CSSa"]
    assert search(found, "nothing").empty


@pytest.mark.parametrize(
    ("words", "radius"),
    [("", None), (" r=30", 30), (" r=2m", 120), (", radius 5 arcmin", 300), (" r 2'", 120),
     (" within 1.5°", 5400), (" r=10s", 10)],
)  # fmt: skip
def test_a_position_may_bring_the_radius_of_its_cone(words: str, radius: float | None) -> None:
    assert parse_cone(f"08:12:33 +12:33:01{words}")[2] == radius
    assert parse_cone(f"CSS{words}") is None


def test_a_radius_in_the_text_goes_before_the_other(folder: Path) -> None:
    found = index_folder(folder)
    assert len(search(found, "120.0 10.0 r=5", radius_arcsec=30)) == 1
    assert len(search(found, "120.0 10.0 r=1m", radius_arcsec=1)) == 2


def test_the_sky_map_keeps_areas_and_has_east_to_the_left(rng) -> None:
    x, y = hammer(np.array([180.0, 360.0, 0.0, 90.0, 0.0]), np.array([0.0, 0, 0, 0, 90]))
    assert x == pytest.approx([0, -2, 2, 2 / np.sqrt(1 + np.sqrt(0.5)) * np.sqrt(0.5), 0], abs=1e-9)
    assert y == pytest.approx([0, 0, 0, 0, 1], abs=1e-9)
    ra, dec = rng.uniform(0, 360, 100_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 100_000)))
    x, y = hammer(ra, dec)
    assert ((x / 2) ** 2 + y**2 <= 1 + 1e-12).all()
    boxes = [(-1, -0.5), (0, 0), (1, -0.5)]
    counts = [
        np.count_nonzero(
            inside(x, y, np.array([[a, b], [a + 0.4, b], [a + 0.4, b + 0.4], [a, b + 0.4]]))
        )
        for a, b in boxes
    ]
    expected = 0.4**2 / (2 * np.pi) * len(ra)
    assert counts == pytest.approx([expected] * 3, abs=4 * np.sqrt(expected))


def test_a_polygon_may_be_of_any_shape() -> None:
    corners = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]])  # a notch from above
    x, y = np.array([2.0, 2.0, 0.5, 5.0]), np.array([0.5, 2.0, 2.0, 1.0])
    assert inside(x, y, corners).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("10 99", "Dec 99 is not on the sky"),
        ("999 99", "RA 999 and Dec 99 are not on the sky"),
        ("gal 400 -41", "l 400 is not on the sky"),
        ("12:24:58,+32:21:33 r=10x", "r=10x is not a radius"),
        ("12:24:58,+32:21:33 r=10", ""),
        ("SN 2011fe", ""),
    ],
)
def test_a_position_that_is_none_says_why(text: str, problem: str) -> None:
    assert position_problem(text) == problem
