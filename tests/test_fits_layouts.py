"""Layouts beside the release's: extensions, single frames, stamps, cubes."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from makers import MJD, as_bytes, image, notes

from taonet_core.data import fits_io
from taonet_core.data.fits_io import read_sequence, read_sequences
from taonet_core.data.pieces import Piece, pieces
from taonet_core.errors import InvalidSequenceError, TaoNetError

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


@pytest.mark.parametrize("top", ["", "top/ZTF18abcdefg/"])
def test_a_table_that_came_with_an_archive_gives_the_times_in_it(top: str) -> None:
    archive, frames = io.BytesIO(), io.BytesIO(table().encode())
    archive.name, frames.name = "ZTF18abcdefg.zip", "frames.csv"
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in stamps().items():
            packed.writestr(top + name, data)
    for files in ([archive, frames], [frames, archive]):
        for file in files:
            file.seek(0)
        [(_, sequence)] = read_sequences(files)
        assert sequence.times.tolist() == [MJD - 2, MJD - 1, MJD]
        assert sequence.bands.tolist() == ["g", "r", "g"]
        assert "the table frames.csv beside" in " ".join(sequence.meta["notes"])


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


def test_a_list_of_files_is_read_one_by_one(tmp_path: Path, monkeypatch) -> None:
    whole = [image(MJD + i) for i in range(2)]
    folder = put(tmp_path, {f"{i}.fits": as_bytes(*whole) for i in range(5)})
    opened: list[str] = []

    def note(file: BinaryIO, name: str) -> Iterator[Piece]:
        opened.append(name)
        yield from pieces(file, name)

    monkeypatch.setattr(fits_io, "pieces", note)
    found = read_sequences(sorted(folder.iterdir()), trusted=True)
    for count in range(1, 6):
        next(found)
        assert len(opened) == count


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
    with pytest.raises(InvalidSequenceError, match="not time"):
        read_sequence(cube(CTYPE3=kind))


def test_axes_of_length_one_are_dropped() -> None:
    hdu = fits.ImageHDU(np.ones((1, 3, 1, 6, 6), np.float32))
    assert read_sequence(as_bytes(hdu)).frames.shape == (3, 6, 6)


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


def named(name: str, ra: float, day: int) -> bytes:
    return as_bytes(image(MJD + day, OBJECT=name, RA=ra, DEC=5.0))


def test_frames_of_objects_apart_on_the_sky_are_so_many_sequences(tmp_path: Path) -> None:
    objects = (("SN2020abc", 10.0), ("NGC5548", 214.5))
    files = {f"{n}_{i}.fits": named(n, ra, i) for n, ra in objects for i in range(3)}
    found = dict(read_sequences(put(tmp_path, files)))
    assert {name: len(item) for name, item in found.items()} == {"SN2020abc": 3, "NGC5548": 3}


def test_names_alone_do_not_part_frames_but_are_said(tmp_path: Path) -> None:
    files = {f"{i}.fits": named(f"SN2020abc {band}", 10.0, i) for i, band in enumerate("gri")}
    sequence = read_sequence(put(tmp_path, files))
    assert len(sequence) == 3
    assert "objects-differ" in sequence.meta["flags"]


def test_one_good_frame_among_many_broken_files_does_not_swallow_them(tmp_path: Path) -> None:
    files = {f"junk{i}.fits": b"SIMPLE  = nothing" for i in range(3)}
    found = dict(read_sequences(put(tmp_path, files | {"good.fits": as_bytes(image(MJD))})))
    assert sum(isinstance(item, TaoNetError) for item in found.values()) == 3
