"""Hostile archives: refused in a sentence, at once, and for little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from _mutations import mutant
from packing import (
    FITS,
    PACKERS,
    bomb_of,
    listed,
    quick_and_small,
    tarred,
    zipped,
)

from taonet_core.data import archive_entries
from taonet_core.data.archives import decompress, is_archive, members
from taonet_core.errors import Code, TaoNetError, UnreadableFileError


def test_a_tar_that_claims_terabytes_is_refused() -> None:
    info = tarfile.TarInfo("big.fits")
    info.size = 60 * 2**30
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    with quick_and_small(1), pytest.raises(UnreadableFileError, match="unpacks to more") as raised:
        listed(data)
    assert raised.value.code == Code.BOMB


@pytest.mark.parametrize("size", [-1, -512, -(2**40)])
@pytest.mark.parametrize("where", ["header", "attributes"])
def test_a_tar_that_points_backwards_does_not_loop(size: int, where: str) -> None:
    info = tarfile.TarInfo("a.fits")
    if where == "header":
        info.size = size
        data = info.tobuf(tarfile.GNU_FORMAT)
    else:
        info.pax_headers = {"size": str(size)}
        data = info.tobuf(tarfile.PAX_FORMAT)
    begun: list[str] = []
    with quick_and_small(5), contextlib.suppress(UnreadableFileError):
        list(members(data + tarred({"b.fits": FITS}), "a.tar", begin=begun.append))
    assert len(begun) <= 2


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_that_is_a_bomb_is_refused(kind: str) -> None:
    bomb = PACKERS[kind](tarred({"a.txt": bytes(20_000_000), "b.fits": bytes(20_000_000)}))
    with quick_and_small(), pytest.raises(UnreadableFileError, match="unpacks to more") as raised:
        listed(bomb)
    assert raised.value.code == Code.BOMB


def test_a_member_that_is_a_bomb_is_an_error_beside_the_good_ones() -> None:
    noise = random.Random(1).randbytes(300_000)
    data = zipped({"a.fits": bytes(40_000_000), "b.fits": FITS, "c.fits": noise})
    with quick_and_small():
        found = listed(data)
    assert isinstance(found["a.fits"], UnreadableFileError)
    assert found["a.fits"].code == Code.BOMB
    assert found["b.fits"] == FITS and found["c.fits"] == noise


def test_a_zip_of_many_bombs_is_refused_after_the_first() -> None:
    bombs = {f"{i}.fits": bytes(10_000_000) for i in range(4)}
    with quick_and_small(), pytest.raises(UnreadableFileError, match="unpacks to more") as raised:
        listed(zipped(bombs))
    assert raised.value.code == Code.BOMB


def test_a_bomb_in_two_layers_is_refused() -> None:
    with quick_and_small(), pytest.raises(UnreadableFileError, match="unpacks to more"):
        listed(zipped({"a.fits.gz": bomb_of("gz")}))


@pytest.mark.parametrize("claim", [0, 5, 2**31, 2**32 - 2])
def test_a_member_whose_size_is_a_lie_is_refused(claim: int) -> None:
    data = bytearray(zipped({"a.fits": FITS * 100}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = claim.to_bytes(4, "little")
    with quick_and_small(1):
        found = listed(bytes(data))
    assert isinstance(found["a.fits"], UnreadableFileError)
    assert found["a.fits"].code == Code.ARCHIVE


@pytest.mark.parametrize("offset", [1, 10, 2**20])
def test_a_member_that_is_not_where_the_directory_says_is_refused(offset: int) -> None:
    data = bytearray(zipped({"a.fits": FITS * 100}))
    at = data.index(b"PK\x01\x02")
    data[at + 42 : at + 46] = offset.to_bytes(4, "little")
    assert isinstance(listed(bytes(data))["a.fits"], UnreadableFileError)


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
    with pytest.raises(UnreadableFileError, match="overlap") as raised:
        listed(bytes(overlapping))
    assert raised.value.code == Code.BOMB


def test_a_broken_member_is_an_error_beside_the_good_ones() -> None:
    data = bytearray(zipped({"a.fits": FITS, "b.fits": FITS}, zipfile.ZIP_STORED))
    data[data.index(FITS) + 5] ^= 1
    found = listed(bytes(data))
    assert isinstance(found["a.fits"], UnreadableFileError)
    assert found["b.fits"] == FITS


def test_an_encrypted_member_is_an_error() -> None:
    data = bytearray(zipped({"a.fits": FITS}, zipfile.ZIP_STORED))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    error = listed(bytes(data))["a.fits"]
    assert isinstance(error, UnreadableFileError) and error.code == Code.ENCRYPTED


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_packed_in_another_way_is_an_error(method: int) -> None:
    error = listed(zipped({"a.fits": FITS}, method))["a.fits"]
    assert isinstance(error, UnreadableFileError) and error.code == Code.COMPRESSION


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_entries, "MAX_MEMBERS", 3)
    for pack in (zipped, tarred):
        with pytest.raises(UnreadableFileError, match="split the archive"):
            listed(pack({f"{i}.fits": FITS for i in range(9)}))
        with pytest.raises(UnreadableFileError, match="split the archive"):
            listed(pack({f"{i}.txt": b"" for i in range(9)}))  # also those passed over
        assert len(listed(pack({f"{i}.fits": FITS for i in range(3)}))) == 3


@pytest.mark.parametrize("claim", [65535, 5])
def test_a_zip_of_100_000_files_is_refused_before_they_are_listed(claim: int) -> None:
    central = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    directory = central * 100_000
    head = b"PK\x03\x04" + bytes(26)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, claim, claim, len(directory), len(head), 0)
    start = time.process_time()
    with pytest.raises(UnreadableFileError) as raised:
        listed(head + directory + end)
    assert raised.value.code == Code.MEMBERS
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("cut", [30, 200, -30])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_cut_archive_ends_in_one_of_our_errors(pack, cut: int) -> None:
    data = pack({f"{i}.fits": FITS * 30 for i in range(4)})[:cut]
    try:
        listed(data)
    except UnreadableFileError as error:
        assert "archive" in str(error)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_damaged_archive_ends_in_one_of_our_errors(pack) -> None:
    files = {f"{i}.fits.gz": gzip.compress(FITS * i, mtime=0) for i in range(4)}
    whole = [pack(files), pack({"a/b.fits": FITS, "__MACOSX/x": b"", "times.csv": b"1,2"})]
    for turn in range(400):
        data = mutant(whole, turn, seed=4).data
        with contextlib.suppress(TaoNetError):
            for member in members(data, "archive"):
                assert isinstance(member.content, bytes | TaoNetError)


@pytest.mark.data
def test_archives_of_other_test_suites_and_fuzzers(real_data: Path) -> None:
    paths = [p for p in (real_data / "torture" / "archives").rglob("*") if p.is_file()]
    assert len(paths) == 305
    for path in paths:
        with quick_and_small(), contextlib.suppress(TaoNetError):
            data = path.read_bytes()
            if is_archive(io.BytesIO(data)):
                list(members(data, path.name, wanted=lambda name: True))
            else:
                decompress(data, path.name)
