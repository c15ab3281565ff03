"""Archives: everything good comes out under a name that is only a label."""

from __future__ import annotations

import gzip
import io
import random
import stat
import tarfile
import time
import zipfile
from collections import Counter

import pytest
from packing import (
    FITS,
    Counting,
    listed,
    tarred,
    walked,
    zipped,
)

from taonet_core.data import archives
from taonet_core.data.archives import is_archive, members


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
