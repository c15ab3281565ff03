"""Reading and writing: every layout, every road in, and each quirk of the release."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from makers import as_bytes, image, wcs_cards

from taonet_core.data import atomic
from taonet_core.data.fits_io import read_sequence, read_sequences, write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError, TaoNetError, UnreadableFileError

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
KEPT = ("object_id", "ra", "dec", "label", "survey", "pixel_scale", "zero_point", "saturation")


def assert_same(read: ImageSequence, wanted: ImageSequence) -> None:
    assert np.array_equal(read.frames, wanted.frames, equal_nan=True)
    assert np.array_equal(read.times, wanted.times)
    assert np.array_equal(read.bands, wanted.bands)
    assert {k: read.meta.get(k) for k in KEPT} == {k: wanted.meta.get(k) for k in KEPT}


# --- what is written is read back ---------------------------------------------------------


@pytest.mark.parametrize("layout", ["deep-tao", "mef"])
def test_what_is_written_is_read_back(make_sequence, fits_file, layout: str) -> None:
    sequence = make_sequence(nights=4, visits=3, flux=5000.0, mag=18.2, class_text="SN 2006tf")
    read = read_sequence(fits_file(sequence, layout=layout))
    assert_same(read, sequence)
    assert read.meta["layout"] == layout
    assert read.meta["class_text"] == "SN 2006tf"
    assert read.meta["mag"] == 18.2
    assert read.meta["dropped"] == []


@pytest.mark.parametrize("layout", ["deep-tao", "mef"])
def test_fractions_nan_and_two_filters_survive(make_sequence, fits_file, layout: str) -> None:
    base = make_sequence(nights=3)
    frames = base.frames / 3
    frames[0, 2, 3] = np.nan
    sequence = ImageSequence(frames, base.times, None, base.meta, {"band": list("grgrgr")})
    assert_same(read_sequence(fits_file(sequence, layout=layout)), sequence)


def test_references_differences_and_wcs_survive(make_sequence, fits_file) -> None:
    base = make_sequence(nights=2, visits=1)
    with_wcs = read_sequence(as_bytes(image(53_800.0, **wcs_cards(30, 31))))
    partners = base.frames + 1, base.frames - 2000
    sequence = ImageSequence(
        base.frames, base.times, with_wcs.wcs, base.meta, {"band": ["r", "r"]}, *partners
    )
    read = read_sequence(fits_file(sequence, layout="mef"))
    assert_same(read, sequence)
    assert np.array_equal(read.reference, sequence.reference)
    assert np.array_equal(read.difference, sequence.difference)
    assert np.allclose(read.wcs.wcs_pix2world([[30, 31]], 0), [[120, 10]])


def test_a_sequence_without_times_survives_as_extensions(fits_file) -> None:
    sequence = ImageSequence(np.ones((3, 8, 8)), [0, 1, 2], meta={"time_kind": "index"})
    assert read_sequence(fits_file(sequence, layout="mef")).meta["time_kind"] == "index"
    with pytest.raises(ValueError, match="needs times"):
        fits_file(sequence, name="b.fits")


def test_whole_counts_are_kept_in_16_bits(make_sequence, fits_file) -> None:
    with fits.open(fits_file(make_sequence())) as hdus:
        assert hdus[2].header["BITPIX"] == 16
        assert hdus[2].header["CRTS_ID"] == hdus[1].header["CRTS_ID"]
        assert hdus[1].columns.names[:4] == ["HDU_Ext", "Set_Number", "Date", "MJD"]


def test_writing_never_leaves_half_a_file(make_sequence, fits_file, monkeypatch) -> None:
    path = fits_file()
    before = path.read_bytes()
    with pytest.raises(TaoNetError, match="exists"):
        write_sequence(make_sequence(), path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(atomic.os, "replace", fail)
    with pytest.raises(TaoNetError, match="cannot write .* disk full"):
        write_sequence(make_sequence(), path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_layouts_that_cannot_hold_a_sequence_say_so(make_sequence, tmp_path) -> None:
    base = make_sequence()
    sequence = ImageSequence(base.frames, base.times, None, {}, {}, base.frames)
    with pytest.raises(ValueError, match="use 'mef'"):
        write_sequence(sequence, tmp_path / "a.fits")
    with pytest.raises(ValueError, match="layout is one of"):
        write_sequence(sequence, tmp_path / "a.fits", layout="cube")


@pytest.mark.parametrize("name", EXPECTED)
def test_golden_files_hold_what_was_put_in(name: str) -> None:
    sequence, wanted = read_sequence(GOLDEN / name), EXPECTED[name]
    assert sequence.frames.sum(axis=(1, 2), dtype=float).tolist() == wanted["sums"]
    assert np.allclose(sequence.times, wanted["times"], atol=1e-9, rtol=0)
    assert sequence.bands.tolist() == wanted["bands"]
    assert {key: sequence.meta[key] for key in wanted["meta"]} == wanted["meta"]
    if name.startswith("triplets"):
        assert np.array_equal(sequence.difference, sequence.frames)
        assert np.array_equal(sequence.reference[2], sequence.frames[0])


# --- roads in -----------------------------------------------------------------------------


def roads(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("folder/object.fits.gz", gzip.compress(data))
    upload = io.BytesIO(data)
    upload.name = "object.fits"
    return {
        "path": path,
        "text": str(path),
        "bytes": data,
        "open file": upload,
        "gz": gzip.compress(data),
        "bz2": bz2.compress(data),
        "xz": lzma.compress(data),
        "zip": zipped.getvalue(),
        "folder": path.parent,
        "list": [path],
        "hdus": fits.HDUList.fromstring(data),
        "junk after": data + b"junk" * 100,
    }


ROADS = (
    "path",
    "text",
    "bytes",
    "open file",
    "gz",
    "bz2",
    "xz",
    "zip",
    "folder",
    "list",
    "hdus",
    "junk after",
)


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("layout", ["deep-tao", "mef"])
def test_every_road_gives_the_same_sequence(make_sequence, fits_file, road, layout) -> None:
    sequence = make_sequence(nights=3)
    source = roads(fits_file(sequence, layout=layout))[road]
    assert_same(read_sequence(source), sequence)


def test_a_folder_gives_every_sequence_and_every_error(make_sequence, tmp_path) -> None:
    for name, label in (("a", "CV"), ("b", "SN")):
        folder = tmp_path / "data" / label
        folder.mkdir(parents=True)
        write_sequence(make_sequence(nights=2, object_id=name), folder / f"{name}.fits")
    (tmp_path / "data" / "CV" / "broken.fits").write_bytes(b"not this")
    (tmp_path / "README.txt").write_text("nothing to read")
    found = dict(read_sequences(tmp_path))
    assert set(found) == {"CV/a.fits", "SN/b.fits", "CV/broken.fits"}
    assert isinstance(found["CV/broken.fits"], UnreadableFileError)
    assert found["CV/a.fits"].object_id == "a"


def test_one_is_asked_for_and_two_are_there(make_sequence, fits_file) -> None:
    folder = fits_file(name="a.fits").parent
    fits_file(name="b.fits")
    with pytest.raises(InvalidSequenceError, match="more than one sequence"):
        read_sequence(folder)


def test_an_archive_of_objects_is_many_sequences(fits_file) -> None:
    data = fits_file().read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("SN/a.fits", "CV/b.fits", "CV/bad.fits", "notes.md"):
            archive.writestr(name, data if "bad" not in name else b"bad")
    found = dict(read_sequences(buffer.getvalue()))
    assert list(found) == ["CV/b.fits", "SN/a.fits", "CV/bad.fits"]
    assert isinstance(found["CV/bad.fits"], UnreadableFileError)


def test_a_cut_archive_gives_what_came_before(fits_file) -> None:
    import tarfile

    path = fits_file()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(path, "a.fits")
        archive.add(path, "b.fits")
    found = dict(read_sequences(buffer.getvalue()[: path.stat().st_size + 20_000]))
    assert isinstance(found["a.fits"], ImageSequence)
    assert any(isinstance(result, UnreadableFileError) for result in found.values())


@pytest.mark.parametrize(
    "source",
    [3, None, {"a": 1}, io.StringIO("text"), "no/such.fits", "/dev/zero", "a\0b", "x" * 9999],
    ids=lambda source: str(source)[:12].encode("unicode_escape").decode(),
)
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(UnreadableFileError):
        read_sequence(source)


def test_a_folder_without_images_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    for empty in (tmp_path, []):
        with pytest.raises(UnreadableFileError, match="no FITS files"):
            read_sequence(empty)
