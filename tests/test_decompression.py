"""Decompression: what was packed comes out, and a bomb is stopped before it unfolds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random

import pytest
from packing import (
    FITS,
    PACKERS,
    Counting,
    bomb_of,
    quick_and_small,
    tarred,
)

from taonet_core.data import decompression
from taonet_core.data.archives import Member, decompress, is_archive
from taonet_core.data.file_kinds import kind_of, may_hold_images, refusal, stem
from taonet_core.errors import Code, UnreadableFileError


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
