"""Bad inputs: a sequence or one clear sentence, never another error, a hang or a crash."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from makers import as_bytes, image

from taonet_core.data.fits_io import read_sequence, read_sequences, write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

ASTROPY_DATA = Path(fits.__file__).parent / "tests" / "data"
SECONDS = 2.0


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def verdict(source: object) -> ImageSequence | TaoNetError:
    """Read a source within the time limit; any other exception fails the test."""
    start = time.perf_counter()
    try:
        result: ImageSequence | TaoNetError = read_sequence(source)
    except TaoNetError as error:
        result = error
        assert str(error) and "\n" not in str(error)
    assert time.perf_counter() - start < SECONDS
    return result


@pytest.mark.parametrize("path", files(ASTROPY_DATA), ids=lambda path: path.name)
def test_files_of_astropys_own_tests(path: Path) -> None:
    result = verdict(path)
    as_upload = verdict(path.read_bytes())
    assert isinstance(as_upload, TaoNetError) == isinstance(result, TaoNetError)


@pytest.mark.data
def test_real_malformed_files(real_data: Path) -> None:
    for path in files(real_data / "bad_inputs"):
        result = verdict(path)
        if "jpeg" in path.parent.name or "avro" in path.parent.name:
            assert isinstance(result, UnreadableFileError)


@pytest.mark.data
def test_a_folder_of_malformed_files_lists_each(real_data: Path) -> None:
    folder = real_data / "bad_inputs" / "ztf_jpeg_as_fits"
    found = list(read_sequences(folder))
    assert len(found) == len(files(folder))
    assert all(isinstance(result, UnreadableFileError) for _, result in found)


# --- faults of the structure --------------------------------------------------------------


def cards(**values: object) -> bytes:
    """Return a header block with these cards and nothing checked."""
    text = ""
    for key, value in values.items():
        shown = {True: "T", False: "F"}.get(value, value) if isinstance(value, bool) else value
        text += f"{key:8}= {shown!s:>20}".ljust(80)
    text += "END"
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def primary(**values: object) -> bytes:
    return cards(**{"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": 8} | values)


def extension(**values: object) -> bytes:
    base = {"XTENSION": "'IMAGE   '", "BITPIX": 16, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": 8}
    return cards(**base | {"PCOUNT": 0, "GCOUNT": 1} | values)


EMPTY = cards(SIMPLE=True, BITPIX=8, NAXIS=0)
DATA = bytes(2880)
FAULTS: dict[str, tuple[bytes, str]] = {
    "no bytes": (b"", "empty"),
    "header never ends": (primary()[:160], "never ends"),
    "header of 80 MB": (primary().replace(b"END", b"XXX") + b" " * 2880 * 700, "header cards"),
    "data cut": (primary() + bytes(50), "holds 50 of 128 bytes"),
    "absurd axis": (primary(NAXIS1=2**31 - 1, NAXIS2=2**31 - 1) + DATA, "holds 2,880 of"),
    "axis beyond 31 bits": (primary(NAXIS1=2**31) + DATA, "NAXIS1 is 2147483648"),
    "negative axis": (primary(NAXIS1=-8) + DATA, "NAXIS1 is -8"),
    "a billion axes": (primary(NAXIS=10**9) + DATA, "NAXIS is 1000000000"),
    "999 axes": (primary(NAXIS=999) + DATA, "NAXIS is 999"),
    "axis of text": (primary(NAXIS1="'eight   '") + DATA, "NAXIS1 is 'eight'"),
    "axis with a fraction": (primary(NAXIS1=8.5) + DATA, "NAXIS1 is 8.5"),
    "BITPIX 7": (primary(BITPIX=7) + DATA, "BITPIX is 7"),
    "no BITPIX": (cards(SIMPLE=True, NAXIS=0), "BITPIX is None"),
    "negative PCOUNT": (EMPTY + extension(PCOUNT=-5760) + DATA, "PCOUNT is -5760"),
    "a billion groups": (EMPTY + extension(GCOUNT=10**9) + DATA, "GCOUNT is 1000000000"),
    "2,001 HDUs": (EMPTY + extension(NAXIS=0) * 2001, "more than 2,000 HDUs"),
    "tables only": (EMPTY + cards(XTENSION="'TABLE   '", BITPIX=8, NAXIS=0), "no image"),
    "random groups": (primary(NAXIS1=0, GROUPS=True, GCOUNT=2, PCOUNT=3) + DATA, "no image"),
    "one row": (primary(NAXIS1=64, NAXIS2=1) + DATA, "no image"),
    "a side too long": (primary(BITPIX=8, NAXIS1=28_800, NAXIS2=2) + 20 * DATA, "no frame"),
    "four long axes": (
        primary(NAXIS=4, NAXIS1=6, NAXIS2=6, NAXIS3=2, NAXIS4=2) + DATA,
        "no frame",
    ),
    "scale of nothing": (primary(BSCALE=0) + DATA, "BSCALE is 0"),
    "scale of text": (primary(BSCALE="'x       '") + DATA, "BSCALE is 'x'"),
    "endless zero": (primary(BZERO="1E400") + DATA, "BZERO is inf"),
    "table too narrow": (
        EMPTY
        + cards(
            XTENSION="'BINTABLE'", BITPIX=8, NAXIS=2, NAXIS1=9, NAXIS2=1, PCOUNT=0, GCOUNT=1
        ).replace(b"END", b"TFIELDS =                    2".ljust(80) + b"END")[:2880]
        + DATA,
        "no image",
    ),
}
#: Of the others E_HEADER.
CODES = {
    "no bytes": Code.EMPTY,
    "header never ends": Code.HEADER_TRUNCATED,
    "header of 80 MB": Code.CARDS,
    "data cut": Code.DATA_TRUNCATED,
    "absurd axis": Code.SIZE,
    "axis beyond 31 bits": Code.SIZE,
    "2,001 HDUs": Code.HDUS,
    "tables only": Code.NO_IMAGE,
    "random groups": Code.NO_IMAGE,
    "one row": Code.NO_IMAGE,
    "a side too long": Code.SHAPE,
    "four long axes": Code.SHAPE,
    "scale of nothing": Code.SCALING,
    "scale of text": Code.SCALING,
    "endless zero": Code.SCALING,
    "table too narrow": Code.NO_IMAGE,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_structure_is_named(name: str) -> None:
    data, said = FAULTS[name]
    error = verdict(data)
    assert isinstance(error, TaoNetError)
    assert said in str(error)
    assert error.code == CODES.get(name, Code.HEADER)


def test_a_keyword_twice_with_two_values_is_refused() -> None:
    twice = primary().replace(b"END" + b" " * 77, b"NAXIS1  =                    9".ljust(80), 1)
    error = verdict(twice[:2800] + b"END".ljust(80) + DATA)
    assert "NAXIS1 stands twice" in str(error)


def test_claims_cost_no_memory() -> None:
    import tracemalloc

    tracemalloc.start()
    verdict(primary(NAXIS1=2**31 - 1, NAXIS2=2**31 - 1) + DATA)
    verdict(gzip.compress(primary(NAXIS1=50_000, NAXIS2=50_000) + DATA))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_gigabyte_after_a_small_image_is_refused() -> None:
    bomb = gzip.compress(primary() + bytes(2880 + 100_000_000), 1)
    assert "unpacks to more" in str(verdict(bomb))


def test_a_broken_frame_among_good_ones_is_left_out_and_named() -> None:
    hdus = [image(55_000.0), image(55_001.0), image(55_002.0)]
    hdus[1].header["XBSCALE"] = 0
    data = as_bytes(*hdus).replace(b"XBSCALE = ", b"BSCALE  = ")
    sequence = read_sequence(data)
    assert len(sequence) == 2
    assert "HDU 2" in sequence.meta["dropped"][0]


def test_columns_that_add_up_to_a_row_only_beyond_32_bits_are_refused(tmp_path: Path) -> None:
    wide = [9_999_999] * 53 + [(2**32 + 784) // 8 - 53 * 9_999_999]
    assert sum(wide) * 8 + 16 == 2**32 + 800
    forms = ["K", f"{wide[0]}D", "D", *(f"{n}D" for n in wide[1:])]
    columns = {"TFIELDS": len(forms)} | {f"TFORM{i}": f"'{f}'" for i, f in enumerate(forms, 1)}
    columns |= {"TTYPE1": "'HDU_EXT'", "TTYPE3": "'MJD'"}
    table = {"XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 800, "NAXIS2": 3}
    path = tmp_path / "wrapped.fits"
    path.write_bytes(
        EMPTY + cards(**table | {"PCOUNT": 0, "GCOUNT": 1} | columns) + DATA + extension() + DATA
    )
    # in a process of its own: what this guards against ends the process
    code = f"from taonet_core.data.fits_io import read_sequence; read_sequence({str(path)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert f"columns take {2**32 + 800} bytes" in ended.stderr


# --- compressed tiles ---------------------------------------------------------------------


def tiles(codec: str = "RICE_1", **changes: object) -> bytes:
    """Return a compressed image with keywords changed behind astropy's back."""
    pixels = np.random.default_rng(3).normal(100, 5, (20, 20)).astype(np.float32)
    hdu = fits.CompImageHDU(pixels, compression_type=codec, quantize_method=1, dither_seed=7)
    data = as_bytes(hdu)
    for key, value in changes.items():
        start = data.index(f"{key:8}=".encode())
        data = data[:start] + f"{key:8}= {value!s:>20}".ljust(80).encode() + data[start + 80 :]
    return data


@pytest.mark.parametrize(
    "change",
    [
        {"ZDITHER0": -100},
        {"ZDITHER0": -10_000},
        {"ZTILE1": 0},
        {"ZTILE1": 2**31},
        {"ZTILE2": 7},
        {"ZNAXIS1": 2**31},
        {"ZNAXIS": 99},
        {"ZNAXIS2": 400},
        {"ZBITPIX": 5},
        {"ZCMPTYPE": "'MAGIC   '"},
        {"ZVAL1": 10**6},
        {"TFORM1": "'1QB(999)'"},
    ],
    ids=str,
)
def test_numbers_that_would_crash_the_decompressor_are_refused(change: dict[str, object]) -> None:
    assert isinstance(verdict(tiles(**change)), TaoNetError)


def test_a_tile_that_contradicts_its_own_stream_is_refused() -> None:
    data = bytearray(tiles("HCOMPRESS_1"))
    start = data.index(b"\xdd\x99")
    data[start + 5] += 1
    assert "HCOMPRESS tile" in str(verdict(bytes(data)))


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
def test_damaged_tiles_end_in_a_sentence_or_pixels(codec: str, rng) -> None:
    whole = tiles(codec)
    for _ in range(40):
        data = bytearray(whole)
        for place in rng.integers(2880, len(data), 3):
            data[place] = rng.integers(256)
        verdict(bytes(data))


# --- chance -------------------------------------------------------------------------------


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        kind = rng.random()
        place = int(rng.integers(len(out)))
        if kind < 0.7:
            digits = [i for i, byte in enumerate(out[: 2880 * 4]) if 48 <= byte <= 57]
            out[rng.choice(digits)] = rng.choice(list(b"0123456789-. "))
        elif kind < 0.9:
            out[place] = rng.integers(256)
        else:
            del out[max(place, 2880) :]
    return bytes(out)


@pytest.mark.parametrize("layout", ["deep-tao", "mef"])
def test_a_damaged_sequence_ends_in_a_sentence_or_frames(
    make_sequence: Callable[..., ImageSequence], tmp_path: Path, rng, layout: str
) -> None:
    sequence = make_sequence(nights=2, size=8)
    data = write_sequence(sequence, tmp_path / "a.fits", layout=layout).read_bytes()
    for _ in range(150):
        verdict(mutated(data, rng))
