"""Unpacking: everything good comes out, nothing bad gets in."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from _mutations import mutant

from taonet_core.data import archive_entries, archives, decompression
from taonet_core.data.archives import Member, decompress, is_archive, members
from taonet_core.data.file_kinds import kind_of, may_hold_images, refusal, stem
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

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
    with pytest.raises(UnreadableFileError, match="damaged") as raised:
        decompress(PACKERS[kind](bytes(range(256)) * 50)[:cut], "a.fits")
    assert raised.value.code == Code.COMPRESSION


def test_a_wrong_checksum_is_refused() -> None:
    packed = bytearray(gzip.compress(FITS))
    packed[-6] ^= 1
    with pytest.raises(UnreadableFileError, match="damaged"):
        decompress(bytes(packed), "a.fits.gz")


@pytest.mark.parametrize("kind", PACKERS)
def test_the_kind_is_told_by_the_bytes_not_by_the_name(kind: str) -> None:
    other = next(ending for ending in PACKERS if ending != kind)
    assert decompress(PACKERS[kind](FITS), f"a.fits.{other}") == FITS


def test_only_one_layer_is_undone() -> None:
    inner = bz2.compress(FITS)
    assert decompress(gzip.compress(inner), "a") == inner


@cache
def bomb_of(kind: str) -> bytes:
    return PACKERS[kind](bytes(40_000_000))


@contextmanager
def quick_and_small(megabytes: float = 80) -> Iterator[None]:
    """Fail what takes long or much memory; tracing makes all of it slower."""
    start = time.perf_counter()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 2
    assert peak < megabytes * 1e6


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_is_refused_before_it_unfolds(kind: str) -> None:
    bomb = bomb_of(kind)
    with quick_and_small(), pytest.raises(UnreadableFileError, match="unpacks to more") as raised:
        decompress(bomb, "bomb")
    assert raised.value.code == Code.BOMB


def test_a_caller_may_ask_for_less() -> None:
    with pytest.raises(UnreadableFileError, match="more than 1,000 bytes"):
        decompress(gzip.compress(bytes(5000)), "a", most=1000)


def test_streams_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "MAX_STREAMS", 50)
    assert decompress(gzip.compress(b"x") * 50, "a") == b"x" * 50
    with pytest.raises(UnreadableFileError, match="more than 50 streams"):
        decompress(gzip.compress(b"x") * 51, "a")


def test_what_wants_much_memory_to_unpack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "_XZ_MEMORY", 2**20)
    with pytest.raises(UnreadableFileError, match="emory") as raised:
        decompress(lzma.compress(FITS), "a.xz")
    assert raised.value.code == Code.COMPRESSION


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


@pytest.mark.parametrize("kind", PACKERS)
def test_a_look_at_a_file_reads_and_unpacks_little(kind: str) -> None:
    noise = random.Random(1).randbytes(1_500_000)
    for packed, tar in (
        (bomb_of(kind), False),
        (PACKERS[kind](noise), False),
        (PACKERS[kind](tarred({"a.fits": noise})), True),
    ):
        file = Counting(packed)
        with quick_and_small(10):
            assert is_archive(file) == tar
        assert file.given < 1.2e6
        assert file.tell() == 0


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.given += len(data)
        return data


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


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    ("one", "two"),
    [("a.fits", "A.fits"), ("e\u0301.fits", "\u00e9.fits"), ("./a.fits", "a.fits")],
)
def test_names_that_look_alike_are_told_apart(pack, one: str, two: str) -> None:
    found = listed(pack({one: b"1", two: b"2"}))
    assert len(found) == 2
    assert sum(label.endswith(" (2)") for label in found) == 1


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_turns_or_hides_text_is_written_out(pack) -> None:
    names = {"\u202estif.exe.fits": b"1", "a\u200bb.fits": b"2", "\x1b[31m.fits": b"3"}
    assert set(listed(pack(names))) == {"\\u202estif.exe.fits", "a\\u200bb.fits", "\\x1b[31m.fits"}


def test_names_in_the_letters_of_dos_are_read() -> None:
    data = zipped({"xx.fits": FITS}).replace(b"xx.fits", b"\x81\x9b.fits")
    assert set(listed(data)) == {"\u00fc\u00a2.fits"}


def test_a_name_in_no_encoding_is_written_out() -> None:
    data = bytearray(tarred({"xx.fits": FITS}))
    data[:1] = b"\xff"
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 8 * 32)
    assert set(listed(bytes(data))) == {"\\udcffx.fits"}


def test_a_long_name_is_cut() -> None:
    (label,) = listed(zipped({"x" * 60_000 + ".fits": FITS}))
    assert len(label) == 1000 and label.endswith("x.fits")


def test_labels_stay_unique_and_quick_however_often_a_name_returns() -> None:
    names = ["a.fits (2)", *["a.fits"] * 20_000]
    seen: Counter[str] = Counter()
    start = time.process_time()
    labels = {archives._label(name, seen) for name in names}
    assert time.process_time() - start < 1
    assert len(labels) == len(names)


CLUTTER = ["__MACOSX/._a.fits", "b/__MACOSX/c.fits", "Thumbs.db", ".DS_Store", ".hidden.fits"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_clutter_and_what_cannot_hold_images_is_passed_over_in_silence(pack) -> None:
    found, skipped = walked(pack(dict.fromkeys([*CLUTTER, "notes.txt", "x.exe"], FITS)))
    assert not found and not skipped


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["inner.zip", "a/B.TAR.GZ", "c.tgz", "d.7z"])
def test_an_archive_inside_an_archive_is_said_and_not_opened(pack, name: str) -> None:
    found, skipped = walked(pack({name: zipped({"a.fits": FITS}), "b.fits": FITS}))
    assert set(found) == {"b.fits"}
    assert skipped == {name: "an archive"}


def walked(data: bytes, **how: object) -> tuple[dict[str, object], dict[str, str]]:
    """Return what an archive holds, and what was passed over and why."""
    skipped: dict[str, str] = {}
    found = members(data, "archive", on_skip=skipped.__setitem__, **how)
    return {member.name: member.content for member in found}, skipped


LINKS = {
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "link",
    tarfile.FIFOTYPE: "pipe",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
}


def test_links_and_devices_in_a_tar_are_said_and_not_followed() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in LINKS:
            info = tarfile.TarInfo(f"{kind.decode()}.fits")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found, skipped = walked(buffer.getvalue())
    assert not found
    assert all(said in skipped[f"{kind.decode()}.fits"] for kind, said in LINKS.items())


def test_a_link_in_a_zip_is_said_and_not_followed() -> None:
    info = zipfile.ZipInfo("a.fits")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    found, skipped = walked(buffer.getvalue())
    assert not found and "symbolic link" in skipped["a.fits"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_reading_goes_on_after_so_many_members(pack) -> None:
    data = pack({"skip.txt": b"", **{f"{i}.fits": bytes([i]) for i in range(5)}})
    begun: list[str] = []
    found, _ = walked(data, start=3, begin=begun.append)
    assert found == {"3.fits": b"\3", "4.fits": b"\4"}
    assert begun == ["3.fits", "4.fits"]
    assert walked(data, start=5)[0] == {}


def test_labels_are_the_same_wherever_reading_begins() -> None:
    data = tarred({"a.fits": b"1", "A.fits": b"2", "a.Fits": b"3"})
    assert list(walked(data)[0])[2:] == list(walked(data, start=2)[0])


def test_members_of_a_zip_that_are_passed_over_are_not_unpacked() -> None:
    file = Counting(zipped({"a.fits": random.Random(1).randbytes(10**6), "b.fits": FITS}))
    assert [member.name for member in members(file, "a.zip", start=1)] == ["b.fits"]
    assert file.given < 200_000


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
