"""Unpacking: everything good comes out, nothing bad gets in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections import Counter

import pytest

from taonet_core.data import archive_entries, archives, decompression
from taonet_core.data.archives import Member, decompress, is_archive, members
from taonet_core.data.file_kinds import kind_of, may_hold_images, refusal, stem
from taonet_core.errors import UnreadableFileError

FITS = b"SIMPLE  =                    T" + bytes(50)
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def listed(data: bytes) -> dict[str, object]:
    return {member.name: member.content for member in members(data, "archive")}


@pytest.mark.parametrize("kind", PACKERS)
def test_one_layer_of_compression_is_undone(kind: str) -> None:
    packed = PACKERS[kind](FITS * 1000)
    assert kind_of(packed) == kind
    assert decompress(packed, "a") == FITS * 1000


@pytest.mark.parametrize("kind", PACKERS)
def test_streams_one_after_the_other_are_joined(kind: str) -> None:
    assert decompress(PACKERS[kind](b"one") + PACKERS[kind](b"two"), "a") == b"onetwo"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("cut", [8, 20, -3])
def test_a_cut_stream_is_refused(kind: str, cut: int) -> None:
    with pytest.raises(UnreadableFileError, match="damaged"):
        decompress(PACKERS[kind](bytes(range(256)) * 50)[:cut], "a.fits")


def test_a_wrong_checksum_is_refused() -> None:
    packed = bytearray(gzip.compress(FITS))
    packed[-6] ^= 1
    with pytest.raises(UnreadableFileError, match="damaged"):
        decompress(bytes(packed), "a.fits.gz")


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_is_refused_before_it_unfolds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "FREE_BYTES", 100_000)
    with pytest.raises(UnreadableFileError, match="unpacks to more"):
        decompress(PACKERS[kind](bytes(20_000_000)), "bomb")


def test_a_sparse_map_below_the_free_size_is_no_bomb() -> None:
    assert len(decompress(gzip.compress(bytes(4_000_000)), "map")) == 4_000_000


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archives_give_their_files_decompressed_once(pack) -> None:
    data = pack({"a/1.fits.gz": gzip.compress(FITS), "a/2.fits": FITS, "times.csv": b"x"})
    assert is_archive(io.BytesIO(data))
    assert listed(data) == {"a/1.fits.gz": FITS, "a/2.fits": FITS, "times.csv": b"x"}


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tars_are_archives(mode: str) -> None:
    data = tarred({"1.fits": FITS}, mode)
    assert is_archive(io.BytesIO(data))
    assert listed(data) == {"1.fits": FITS}


def test_a_compressed_fits_file_is_no_archive() -> None:
    assert not is_archive(io.BytesIO(gzip.compress(FITS)))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_are_labels_only(pack) -> None:
    data = pack({"../../etc/x.fits": FITS, "/abs/y.fits": FITS, "c:\\z\n.fits": FITS})
    assert set(listed(data)) == {"etc/x.fits", "abs/y.fits", "c:/z\\n.fits"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_equal_names_are_told_apart() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.fits", b"1")
        archive.writestr("a.fits", b"2")
    assert set(listed(buffer.getvalue())) == {"a.fits", "a.fits (2)"}


def test_labels_stay_unique_and_quick_however_often_a_name_returns() -> None:
    names = ["a.fits (2)", *["a.fits"] * 20_000]
    seen: Counter[str] = Counter()
    start = time.process_time()
    labels = {archives._label(name, seen) for name in names}
    assert time.process_time() - start < 1
    assert len(labels) == len(names)


def test_what_cannot_hold_images_is_passed_over() -> None:
    files = ["__MACOSX/._a.fits", "Thumbs.db", "notes.txt", "inner.zip", ".hidden.fits"]
    assert listed(zipped(dict.fromkeys(files, FITS))) == {}


def test_links_and_devices_in_a_tar_are_passed_over() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo("link.fits")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert listed(buffer.getvalue()) == {}


def test_a_tar_that_claims_terabytes_is_refused() -> None:
    info = tarfile.TarInfo("big.fits")
    info.size = 60 * 2**30
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    with pytest.raises(UnreadableFileError, match="unpacks to more"):
        listed(data)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_name_that_fills_the_memory_is_refused(kind: bytes) -> None:
    long, size = tarfile.TarInfo("a.fits"), 100 * 2**20
    long.type, long.size = kind, size
    head = long.tobuf(tarfile.GNU_FORMAT)
    packed = zlib.compressobj(1, wbits=31)
    bomb = packed.compress(head) + packed.compress(b"x" * size) + packed.flush()
    tracemalloc.start()
    with pytest.raises(UnreadableFileError, match="104,857,600 bytes"):
        listed(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read(form: int) -> None:
    info = tarfile.TarInfo("folder/" * 60 + "a.fits")
    info.size = len(FITS)
    data = info.tobuf(form) + FITS.ljust(512, b"\0") + bytes(1024)
    assert list(listed(data)) == [info.name]


@pytest.mark.parametrize("old", [True, False])
def test_a_list_of_holes_that_fills_the_memory_is_refused(old: bool) -> None:
    info = tarfile.TarInfo("a.fits")
    info.size = 10**6
    if old:
        info.type = tarfile.GNUTYPE_SPARSE
    else:
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    data = info.tobuf(tarfile.GNU_FORMAT if old else tarfile.PAX_FORMAT)
    with pytest.raises(UnreadableFileError, match="--sparse"):
        listed(data + b"900000\n" + b"0\n" * 500_000)


def test_a_zip_whose_files_overlap_is_refused() -> None:
    data = zipped({"a.fits": FITS, "b.fits": FITS}, zipfile.ZIP_STORED)
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    overlapping = bytearray(data)
    overlapping[second + 42 : second + 46] = (0).to_bytes(4, "little")  # both at offset 0
    with pytest.raises(UnreadableFileError, match="overlap"):
        listed(bytes(overlapping))


def test_a_broken_member_is_an_error_beside_the_good_ones() -> None:
    data = bytearray(zipped({"a.fits": FITS, "b.fits": FITS}, zipfile.ZIP_STORED))
    data[data.index(FITS) + 5] ^= 1
    found = listed(bytes(data))
    assert isinstance(found["a.fits"], UnreadableFileError)
    assert found["b.fits"] == FITS


def test_an_encrypted_member_is_an_error() -> None:
    data = bytearray(zipped({"a.fits": FITS}, zipfile.ZIP_STORED))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert isinstance(listed(bytes(data))["a.fits"], UnreadableFileError)


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_entries, "MAX_MEMBERS", 3)
    for pack in (zipped, tarred):
        with pytest.raises(UnreadableFileError, match="split the archive"):
            listed(pack({f"{i}.fits": FITS for i in range(9)}))
        with pytest.raises(UnreadableFileError, match="split the archive"):
            listed(pack({f"{i}.txt": b"" for i in range(9)}))  # also those passed over
        assert len(listed(pack({f"{i}.fits": FITS for i in range(3)}))) == 3


@pytest.mark.parametrize("cut", [30, 200, -30])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_cut_archive_ends_in_one_of_our_errors(pack, cut: int) -> None:
    data = pack({f"{i}.fits": FITS * 30 for i in range(4)})[:cut]
    try:
        listed(data)
    except UnreadableFileError as error:
        assert "archive" in str(error)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"  <html>", "web page"),
        (b"\x1f\x9d\x90", "uncompress"),
        (b"Obj\x01", "Avro"),
        (gzip.compress(b"x", mtime=0), "inside another"),
        (b"nonsense", "SIMPLE"),
    ],
)
def test_what_is_no_fits_file_is_named(start: bytes, said: str) -> None:
    assert said in str(refusal(start, "upload"))


def test_names() -> None:
    assert stem("data/SN/CSS060402:081233+123301.fits.gz") == "CSS060402:081233+123301"
    assert stem("x.fits.fz") == "x"
    assert may_hold_images("a/b.FITS.GZ")
    assert may_hold_images("a.fz")
    assert not may_hold_images("a.txt.gz")
    assert Member("a/b/c.fits", b"").folder == "a/b"
