"""Layouts beside the release's: extensions, single frames, stamps, cubes; and how frames align."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from makers import as_bytes, image, wcs_cards

from taonet_core.data.fits_headers import label_of, parse_angle, parse_date
from taonet_core.data.fits_io import read_sequence, read_sequences
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError, UnreadableFileError

MJD = 55_197.25  # 2010-01-01 06:00


def notes(sequence: ImageSequence) -> str:
    return " | ".join([*sequence.meta["notes"], *sequence.meta["dropped"]])


# --- times --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cards",
    [
        {"MJD-OBS": MJD},
        {"MJD_OBS": MJD},
        {"MJD": MJD},
        {"OBSMJD": str(MJD)},
        {"JD": MJD + 2_400_000.5},
        {"OBSJD": MJD + 2_400_000.5},
        {"MJD": MJD + 2_400_000.5},
        {"HIERARCH ESO OBS MJD-OBS": MJD},
        {"HIERARCH MJD OBS": MJD},
        {"DATE-OBS": "2010-01-01T06:00:00.000"},
        {"DATE-OBS": "2010-01-01T06:00:00Z"},
        {"DATE-OBS": "2010-01-01T08:00:00+02:00"},
        {"DATE-OBS": "2010-01-01", "TIME-OBS": "06:00:00"},
        {"DATE-OBS": "2010/01/01", "UT": "06:00:00.0"},
        {"DATE-OBS": "01/01/2010", "UT": "6:00:00"},
        {"MJD-OBS": MJD, "DATE-OBS": "2010-01-01T05:00:00"},
    ],
)
def test_every_spelling_of_a_time_is_understood(cards: dict[str, object]) -> None:
    hdu = fits.ImageHDU(np.ones((8, 8), np.float32))
    for key, value in cards.items():
        hdu.header[key] = value
    sequence = read_sequence(as_bytes(hdu))
    assert sequence.times[0] == pytest.approx(MJD, abs=1e-6)
    assert sequence.meta["time_kind"] == "mjd"


@pytest.mark.parametrize("bad", [0.0, -5.0, 9999.0, 1e9, "yesterday", "NaN"])
def test_impossible_times_count_as_missing(bad: object) -> None:
    hdu = fits.ImageHDU(np.ones((8, 8), np.float32))
    hdu.header["MJD-OBS"] = bad
    sequence = read_sequence(as_bytes(hdu))
    assert sequence.meta["time_kind"] == "index"
    assert "no frame has a time" in notes(sequence)


def test_dates_alone_and_disagreements_are_said() -> None:
    assert parse_date("31/12/99") == (51_543.0, False)
    assert parse_date("2010-13-01") == (None, False)
    dated = read_sequence(as_bytes(image(DATE_OBS="2010-01-01")))
    assert "without a time of day" in notes(dated)
    twice = read_sequence(as_bytes(image(MJD, DATE_OBS="2010-01-01T07:00:00")))
    assert "disagree" in notes(twice)


def test_frames_are_sorted_and_exact_duplicates_dropped(rng) -> None:
    hdus = [image(MJD + i) for i in range(6)]
    wanted = read_sequence(as_bytes(*hdus))
    for _ in range(10):
        order = rng.permutation(9) % 6
        order = [*order, *range(6)]
        read = read_sequence(as_bytes(*(hdus[i] for i in order)))
        assert np.array_equal(read.frames, wanted.frames)
        assert np.array_equal(read.times, wanted.times)
        assert "9 frames are exact duplicates" in notes(read)


def test_equal_times_with_other_pixels_or_filters_are_two_exposures() -> None:
    hdus = [image(MJD, FILTER="g"), image(MJD, FILTER="r"), image(MJD, FILTER="g")]
    hdus[2].data[0, 0] += 1
    assert len(read_sequence(as_bytes(*hdus))) == 3


def test_a_frame_without_time_among_timed_ones_is_left_out() -> None:
    sequence = read_sequence(as_bytes(image(MJD), image(), image(MJD + 1)))
    assert len(sequence) == 2
    assert "1 frames without a time" in notes(sequence)


# --- single frames and stamps -------------------------------------------------------------


def stamps(count: int = 3) -> dict[str, bytes]:
    """Return the files of science, template and difference stamps, without times."""
    files = {}
    for i in range(count):
        for role, value in (("sci", 10 + i), ("tmpl", 20), ("diff", i - 10)):
            hdu = fits.PrimaryHDU(np.full((9, 9), value, np.float32))
            buffer = io.BytesIO()
            hdu.writeto(buffer)
            files[f"{i:02}_{100 + i}_{role}.fits.gz"] = gzip.compress(buffer.getvalue())
    return files


def table(count: int = 3, owner: str = "ZTF18abcdefg") -> str:
    """Return the table of times, latest first."""
    rows = [f"{owner},{100 + i},{MJD - i + 2_400_000.5},{1 + i % 2},SN" for i in range(count)]
    return "\n".join(["objectId,candid,jd,fid,tao_class", *rows])


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("where", ["beside", "above", "zip"])
def test_stamps_take_times_filters_and_class_from_the_table(tmp_path: Path, where: str) -> None:
    folder = put(tmp_path / "ZTF18abcdefg", stamps())
    source: object = folder
    if where == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("top/frames.csv", table())
            for name, data in stamps().items():
                archive.writestr(f"top/ZTF18abcdefg/{name}", data)
        source = buffer.getvalue()
    else:
        (folder if where == "beside" else tmp_path).joinpath("frames.csv").write_text(table())
    sequence = read_sequence(source)
    assert sequence.times.tolist() == [MJD - 2, MJD - 1, MJD]
    assert sequence.frames[:, 0, 0].tolist() == [12, 11, 10]
    assert sequence.difference[:, 0, 0].tolist() == [-8, -9, -10]
    assert (sequence.reference == 20).all()
    assert sequence.bands.tolist() == ["g", "r", "g"]
    assert (sequence.object_id, sequence.meta["label"]) == ("ZTF18abcdefg", "SN")
    assert sequence.meta["layout"] == "stamps"


def test_a_table_of_another_object_is_not_believed(tmp_path: Path) -> None:
    folder = put(tmp_path / "ZTF18abcdefg", stamps())
    (folder / "frames.csv").write_text(table(owner="ZTF19xxxxxxx"))
    assert read_sequence(folder).meta["time_kind"] == "index"


def test_a_missing_stamp_is_nan_and_a_broken_one_is_named(tmp_path: Path) -> None:
    files = stamps()
    files["01_101_tmpl.fits.gz"] = b"\xff\xd8\xff jpeg"
    sequence = read_sequence(put(tmp_path / "object", files))
    assert np.isnan(sequence.reference[1]).all()
    assert np.isfinite(sequence.reference[[0, 2]]).all()
    assert "JPEG" in notes(sequence)


def test_stamps_of_many_objects_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    files = {}
    for owner in ("ZTF18aaaaaaa", "ZTF18bbbbbbb"):
        files |= {f"{owner}_{name}": data for name, data in stamps(2).items()}
    found = dict(read_sequences(put(tmp_path / "all", files)))
    assert set(found) == {"ZTF18aaaaaaa", "ZTF18bbbbbbb"}
    assert all(len(sequence) == 2 for sequence in found.values())


def test_a_folder_and_a_list_of_single_frames_are_one_sequence(tmp_path: Path) -> None:
    files = {f"{name}.fits": as_bytes(image(MJD + i)) for i, name in enumerate("zyx")}
    folder = put(tmp_path / "object", files)
    for source in (folder, sorted(folder.iterdir()), [str(p) for p in folder.iterdir()]):
        sequence = read_sequence(source)
        assert sequence.times.tolist() == [MJD, MJD + 1, MJD + 2]
        assert sequence.object_id == "object"


def test_ccddata_and_hdus_are_read(tmp_path: Path) -> None:
    frames = [CCDData(np.full((8, 8), i), unit="adu", meta={"MJD-OBS": MJD - i}) for i in range(3)]
    assert read_sequence(frames).frames[:, 0, 0].tolist() == [2, 1, 0]
    assert len(read_sequence([image(MJD), image(MJD + 1)])) == 2


def test_masks_and_error_maps_are_no_frames() -> None:
    hdus = [image(MJD), image(MJD), image(MJD)]
    for hdu, name in zip(hdus, ("SCI", "ERR", "DQ"), strict=True):
        hdu.name = name
    assert len(read_sequence(as_bytes(*hdus))) == 1


# --- cubes --------------------------------------------------------------------------------


def cube(table: dict[str, object] | None = None, **cards: object) -> bytes:
    header = fits.Header(cards)
    hdus = [fits.ImageHDU(np.arange(4 * 36, dtype=np.int16).reshape(4, 6, 6), header)]
    if table:
        columns = [
            fits.Column(k, "D" if k != "filter" else "2A", array=v) for k, v in table.items()
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns))
    return as_bytes(*hdus)


def test_a_cube_takes_times_and_filters_from_a_table_of_as_many_rows() -> None:
    times = [MJD + 3, MJD + 1, MJD + 2, MJD]
    sequence = read_sequence(cube({"mjd": times, "filter": list("grgr")}))
    assert sequence.times.tolist() == sorted(times)
    assert sequence.bands.tolist() == ["r", "r", "g", "g"]
    assert sequence.frames[0, 0, 0] == 3 * 36


def test_a_cube_takes_times_from_its_wcs() -> None:
    cards = {"CTYPE3": "TIME", "CUNIT3": "s", "CRPIX3": 1, "CRVAL3": 0, "CDELT3": 86_400}
    sequence = read_sequence(cube(MJDREF=MJD, **cards))
    assert sequence.times.tolist() == [MJD, MJD + 1, MJD + 2, MJD + 3]


def test_a_cube_without_times_counts_frames_and_says_so() -> None:
    sequence = read_sequence(cube({"mjd": [MJD, MJD + 1]}))
    assert sequence.times.tolist() == [0, 1, 2, 3]
    assert sequence.meta["time_kind"] == "index"
    assert "axis 3" in notes(sequence) and "no times" in notes(sequence)


@pytest.mark.parametrize("kind", ["FREQ", "WAVE", "VELO-LSR", "STOKES", "RGB"])
def test_a_cube_of_something_else_is_refused(kind: str) -> None:
    with pytest.raises(UnreadableFileError, match="not time"):
        read_sequence(cube(CTYPE3=kind))


def test_axes_of_length_one_are_dropped() -> None:
    hdu = fits.ImageHDU(np.ones((1, 3, 1, 6, 6), np.float32))
    assert read_sequence(as_bytes(hdu)).frames.shape == (3, 6, 6)


# --- sizes and places ---------------------------------------------------------------------


def test_mixed_sizes_are_cropped_or_padded_around_the_centre() -> None:
    hdus = [image(MJD + i, shape=shape) for i, shape in enumerate([(9, 9), (9, 9), (5, 13)])]
    for hdu in hdus:
        hdu.data[hdu.data.shape[0] // 2, hdu.data.shape[1] // 2] = -1
    sequence = read_sequence(as_bytes(*hdus))
    assert sequence.frames.shape == (3, 9, 9)
    assert (sequence.frames[:, 4, 4] == -1).all()
    assert np.isnan(sequence.frames[2, [0, 1, 7, 8]]).all()
    assert np.isfinite(sequence.frames[2, 2:7]).all()
    assert "differ in size" in notes(sequence)


def test_frames_are_centred_on_the_target_by_their_own_wcs() -> None:
    hdus = []
    for i, (x, y) in enumerate([(7, 9), (4, 8), (11, 3)]):
        hdu = image(MJD + i, **wcs_cards(x, y))
        hdu.data[y, x] = -1
        hdus.append(hdu)
    sequence = read_sequence(as_bytes(*hdus), ra=120.0, dec=10.0)
    assert (sequence.frames[:, 8, 8] == -1).all()
    assert np.allclose(sequence.wcs.wcs_pix2world([[8, 8]], 0), [[120, 10]])
    assert sequence.meta["pixel_scale"] == pytest.approx(1.0)
    with pytest.raises(InvalidSequenceError, match="outside every frame"):
        read_sequence(as_bytes(*hdus), ra=121.0, dec=10.0)


def test_a_header_position_away_from_the_centre_is_said() -> None:
    hdu = image(MJD, shape=(40, 40), RA=120.0, DEC=10.0, **wcs_cards(30, 20))
    sequence = read_sequence(as_bytes(hdu))
    assert "10 pixels from the centre" in notes(sequence)
    assert "pixels from the centre" not in notes(read_sequence(as_bytes(hdu), ra=120.0, dec=10.0))


def test_turned_frames_are_said() -> None:
    turned = image(MJD + 1, **(wcs_cards(8, 8) | {"CDELT1": 1 / 3600}))
    plain = image(MJD, **wcs_cards(8, 8))
    for hdu in (turned, plain):
        hdu.header["PC1_1"], hdu.header["PC2_2"] = 1.0, 1.0
    assert "turned or mirrored" in notes(read_sequence(as_bytes(plain, turned)))


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB"},
        {"CTYPE1": "RA---TPV", "CTYPE2": "FREQ"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": 0.0, "CD1_2": 0.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "A_ORDER": 99},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
    ],
)
def test_a_wcs_that_cannot_be_used_is_left_out_and_said(cards: dict[str, object]) -> None:
    sequence = read_sequence(as_bytes(image(MJD, **cards)))
    assert sequence.wcs is None
    assert "WCS" in notes(sequence)


# --- pixels -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_pixel_type_gives_the_same_counts(dtype: str) -> None:
    counts = np.arange(36).reshape(6, 6) * 3
    sequence = read_sequence(as_bytes(fits.ImageHDU(counts.astype(dtype))))
    assert np.array_equal(sequence.frames[0], counts)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_every_tile_compression_gives_the_pixels(codec: str, rng) -> None:
    counts = rng.integers(0, 4000, (33, 20)).astype(np.int16)
    hdu = fits.CompImageHDU(counts, compression_type=codec)
    hdu.header["MJD-OBS"] = MJD
    sequence = read_sequence(as_bytes(hdu))
    assert np.array_equal(sequence.frames[0], counts)
    assert sequence.times[0] == MJD


def test_blank_scale_and_zero_are_honoured() -> None:
    hdu = fits.ImageHDU(np.array([[1, 2, -99] * 2] * 6, np.int16))
    raw = bytearray(as_bytes(hdu))
    card = "BZERO   =                 10.0".ljust(80) + "BSCALE  =                  0.5".ljust(80)
    card += "BLANK   =                  -99".ljust(80) + "END".ljust(80)
    end = raw.rindex(b"END" + b" " * 77)
    raw[end : end + len(card)] = card.encode()
    frame = read_sequence(bytes(raw)).frames[0]
    assert frame[0, :2].tolist() == [10.5, 11.0]
    assert np.isnan(frame[:, 2]).all()


# --- words --------------------------------------------------------------------------------


def test_angles_are_read_in_degrees_and_sexagesimal() -> None:
    assert parse_angle("08:12:33", hours=True) == pytest.approx(123.1375)
    assert parse_angle("-00 30 36", hours=False) == pytest.approx(-0.51)
    assert parse_angle("8h12m33s", hours=True) == pytest.approx(123.1375)
    assert parse_angle(12.5, hours=True) == 12.5
    assert parse_angle("99:99", hours=True) is None
    assert label_of("SN") == "SN" and label_of("nothing") is None


def test_words_of_the_header_are_cleaned() -> None:
    sequence = read_sequence(
        as_bytes(image(MJD, OBJECT="<b>x</b>  y", FILTER="r" * 60, MAGZP=25.5))
    )
    assert sequence.object_id == "<b>x</b> y"
    assert len(sequence.bands[0]) == 60
    assert sequence.meta["zero_point"] == 25.5


# --- real pixels --------------------------------------------------------------------------


@pytest.mark.data
def test_real_ztf_sequences_are_read_whole(real_data: Path) -> None:
    found = dict(read_sequences(real_data / "ztf" / "sequences"))
    assert {name: len(sequence) for name, sequence in found.items()} == {
        "ZTF18adljlvp": 5,
        "ZTF19abegmle": 7,
        "ZTF20abfcszi": 21,
        "ZTF21abiuvdk": 34,
        "ZTF22aakyeps": 6,
        "ZTF25abixhdc": 10,
    }
    for sequence in found.values():
        assert sequence.frames.shape[1:] == (63, 63)
        assert set(sequence.bands) <= {"g", "r"}
        residual = sequence.frames - sequence.reference - sequence.difference
        assert np.isfinite(residual).mean() > 0.9
