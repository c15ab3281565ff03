"""What is wrong in parts is read, said and flagged; what cannot be read is refused by its code."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits
from makers import MJD, as_bytes, image, notes, wcs_cards

from taonet_core import load_model, predict
from taonet_core.data import fits_scan
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, TaoNetError
from taonet_core.flags import Flag
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import MOST_NIGHTS

RNG = np.random.default_rng(7)
SKY = RNG.normal(100, 5, (9, 16, 16)).astype(np.float32)


def frame(number: int = 0, mjd: float | None = None, **cards: object) -> fits.ImageHDU:
    """Return an image of noise, a night after the other."""
    hdu = fits.ImageHDU(SKY[number].copy(), fits.Header(cards))
    hdu.header["MJD-OBS"] = MJD + number if mjd is None else mjd
    return hdu


def frames(**cards: object) -> list[fits.ImageHDU]:
    return [frame(i, **cards) for i in range(3)]


def changed(hdus: list[fits.ImageHDU], number: int, **cards: object) -> list[fits.ImageHDU]:
    """Change cards of one of some images."""
    hdus[number].header.update(cards)
    return hdus


def holed(share: float) -> list[fits.ImageHDU]:
    """Return frames, the first without data in its first rows."""
    hdus = frames()
    hdus[0].data[: round(16 * share)] = np.nan
    return hdus


def cube(planes: int, dtype: str = "i2", **cards: object) -> fits.ImageHDU:
    return fits.ImageHDU(
        np.arange(planes * 36).reshape(planes, 6, 6).astype(dtype), fits.Header(cards)
    )


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    """Change bytes behind astropy's back; they must be there."""
    assert old in data and len(old) == len(new)
    return data.replace(old, new, 1)


def summed(*hdus: object) -> bytes:
    """Return a file whose HDUs state their checksums."""
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(buffer, checksum=True)
    return buffer.getvalue()


def off(**changes: object) -> list[fits.ImageHDU]:
    """Return frames with a WCS and what else a header says of the sky."""
    return frames(**wcs_cards(8, 8) | changes)


DAMAGED = bytearray(summed(*frames()))
DAMAGED[-2880] ^= 1
WHOLE = as_bytes(*frames())
LONG = {f"A_{i}_{j}": 0.0 for i in range(10) for j in range(10)}
LONG |= {f"B_{i}_{j}": 0.0 for i in range(10) for j in range(10)}
LONG |= {f"AP_{i}_{j}": 0.0 for i in range(10) for j in range(10)}
LONG |= {f"BP_{i}_{j}": 0.0 for i in range(10) for j in range(10)}

FLAGGED: dict[str, tuple[Flag, object]] = {
    "last image cut": (Flag.DATA_TRUNCATED, WHOLE[:-2000]),
    "last header cut": (Flag.DATA_TRUNCATED, WHOLE[: -2 * 2880 + 700]),
    "junk after": (Flag.TRAILING_BYTES, WHOLE + b"junk" * 1000),
    "a bit turned": (Flag.CHECKSUM_WRONG, bytes(DAMAGED)),
    "a keyword in small letters": (
        Flag.HEADER_UNUSUAL,
        patched(as_bytes(*frames(OBSERVER="me")), b"OBSERVER", b"Observer"),
    ),
    "one image in an extension": (Flag.EXTENSION_IMAGE, frames()[:1]),
    "a cube of nothing named": (Flag.AXIS_ASSUMED, [cube(4)]),
    "a cube and another image": (Flag.IMAGES_LEFT_OUT, [cube(3), frame()]),
    "one image with a broken scale": (
        Flag.FRAMES_UNREADABLE,
        patched(as_bytes(*frames(XBSCALE=0)), b"XBSCALE = ", b"BSCALE  = "),
    ),
    "an empty frame": (Flag.FRAMES_EMPTY, holed(1)),
    "a frame mostly empty": (Flag.BAD_PIXELS, holed(0.6)),
    "a constant frame": (Flag.CONSTANT_FRAMES, [*frames(), image(MJD + 9)]),
    "a full target": (Flag.SATURATED, frames(SATURATE=90.0)),
    "values beyond float32": (
        Flag.FLOAT_OVERFLOW,
        [fits.ImageHDU(np.where(SKY[0] > 110, 1e300, SKY[0].astype("f8")))],
    ),
    "another size": (Flag.SHAPES_DIFFER, [*frames(), image(MJD + 9, shape=(10, 12))]),
    "no times": (Flag.NO_TIMES, [fits.ImageHDU(SKY[0]), fits.ImageHDU(SKY[1])]),
    "one without time": (Flag.FRAMES_WITHOUT_TIME, [*frames(), fits.ImageHDU(SKY[5])]),
    "one time for all": (Flag.SAME_TIME, [frame(i, MJD) for i in range(3)]),
    "one frame": (Flag.SINGLE_EPOCH, [frame()]),
    "the same frame twice": (Flag.DUPLICATE_FRAMES, [*frames(), frame(1)]),
    "the same frame without times": (
        Flag.DUPLICATE_FRAMES,
        [fits.ImageHDU(SKY[0]), fits.ImageHDU(SKY[0])],
    ),
    "the same plane twice": (Flag.DUPLICATE_FRAMES, [fits.ImageHDU(SKY[[0, 0, 1]])]),
    "the same pixels later": (Flag.DUPLICATE_FRAMES, [*frames(), frame(1, MJD + 9)]),
    "two times of a frame": (
        Flag.TIMES_DISAGREE,
        changed(frames(), 0, **{"DATE-OBS": "2010-01-01T06:00:02"}),
    ),
    "a time of 1858": (Flag.TIMES_IMPOSSIBLE, [*frames(), frame(5, 0.0)]),
    "a cube of seconds from nowhere": (
        Flag.TIMES_IMPOSSIBLE,
        [cube(4, CTYPE3="TIME", CUNIT3="s", CRVAL3=0.0, CDELT3=1.0)],
    ),
    "a date alone": (Flag.NO_TIME_OF_DAY, [image(**{"DATE-OBS": "2010-01-01"})]),
    "terrestrial time": (Flag.TIME_SCALE, frames(TIMESYS="TT")),
    "two filters": (Flag.MIXED_FILTERS, [frame(0, FILTER="g"), frame(1, FILTER="r")]),
    "a zero point that cannot be": (Flag.CALIBRATION_IGNORED, frames(MAGZP=99.0)),
    "two zero points": (Flag.ZERO_POINTS_DIFFER, changed(frames(MAGZP=25.0), 2, MAGZP=26.0)),
    "two exposure times": (Flag.EXPOSURES_DIFFER, changed(frames(EXPTIME=30.0), 2, EXPTIME=60.0)),
    "two gains": (Flag.GAINS_DIFFER, changed(frames(GAIN=2.0), 2, GAIN=4.0)),
    "two units": (Flag.UNITS_DIFFER, changed(frames(BUNIT="adu"), 2, BUNIT="adu / s")),
    "no WCS": (Flag.NO_WCS, frames()),
    "a WCS of tables": (Flag.WCS_UNUSABLE, off(CTYPE1="RA---TAB", CTYPE2="DEC--TAB")),
    "a singular WCS": (Flag.WCS_UNUSABLE, off(CDELT1=0.0)),
    "a WCS of words": (Flag.WCS_UNUSABLE, off(CRVAL1="one")),
    "a WCS in another unit": (Flag.WCS_UNUSABLE, off(CUNIT1="x" * 60, CUNIT2="deg")),
    "a WCS of 400 terms": (Flag.WCS_UNUSABLE, off(**LONG)),
    "a polynomial of another kind": (
        Flag.WCS_SIMPLIFIED,
        off(CTYPE1="RA---TPV", CTYPE2="DEC--TPV", PV1_1=1.1),
    ),
    "a mirrored frame": (Flag.ORIENTATIONS_DIFFER, changed(off(), 1, CDELT1=1 / 3600)),
    "a turned frame": (Flag.ORIENTATIONS_DIFFER, changed(off(), 1, CROTA2=90.0)),
    "a mirrored matrix": (Flag.ORIENTATIONS_DIFFER, changed(off(PC1_1=1.0), 1, PC1_1=-1.0)),
    "a position beyond the sky": (Flag.POSITION_DOUBTFUL, off(RA=400.0, DEC=10.0)),
    "a position of 1950": (Flag.POSITION_DOUBTFUL, frames(RA=120.0, DEC=10.0, EQUINOX=1950.0)),
    "a position in hours": (Flag.POSITION_DOUBTFUL, off(RA=8.0, DEC=10.0)),
    "a target aside": (Flag.TARGET_OFF_CENTRE, off(RA=120.0 + 5 / 3600, DEC=10.0)),
}


def read(source: object, **place: float) -> ImageSequence:
    data = source if isinstance(source, bytes) else as_bytes(*source)  # type: ignore[misc]
    return read_sequence(data, trusted=True, **place)


@pytest.mark.parametrize("what", FLAGGED)
def test_what_is_wrong_in_parts_is_read_and_flagged(what: str) -> None:
    flag, source = FLAGGED[what]
    sequence = read(source)
    flags = sequence.meta["flags"]
    assert flag in flags
    assert flags == sorted(flags)
    assert all(type(word) is str for word in [*flags, *sequence.meta["notes"]])


def test_a_sound_sequence_has_no_flag() -> None:
    assert read(summed(*off(RA=120.0, DEC=10.0))).meta["flags"] == []


def test_an_unusual_header_is_told_once_a_file() -> None:
    data = as_bytes(*frames(OBSERVER="me")).replace(b"OBSERVER", b"Observer")
    told = read(data).meta["notes"]
    assert sum("break the standard" in note for note in told) == 1


def test_words_of_any_kind_become_one_line_of_at_most_80_letters() -> None:
    hdus = frames(FILTER="<b>r</b>", OBJECT="long")
    for hdu in hdus:
        hdu.header["OBJECT"] = "x" * 60
    data = patched(as_bytes(*hdus), b"<b>r</b>", b"<\x1b>\x00\xff\n'\x07")
    sequence = read(data)
    assert sequence.bands[0].isprintable() and len(sequence.bands[0]) <= 80


def refused(source: object, **place: float) -> TaoNetError:
    with pytest.raises(TaoNetError) as caught:
        read(source, **place)
    return caught.value


REFUSED: dict[str, tuple[Code, object]] = {
    "frames of nothing": (Code.NO_FRAMES, [fits.ImageHDU(np.full((9, 9), np.nan, "f4"))]),
    "a colour picture": (Code.AXIS, [cube(3, "u1")]),
    "a named colour picture": (Code.AXIS, [cube(3, CTYPE3="RGB")]),
    "a spectrum": (Code.NO_IMAGE, [fits.ImageHDU(np.ones(99, "f4"))]),
    "one pixel": (Code.NO_IMAGE, [fits.ImageHDU(np.ones((1, 1), "f4"))]),
    "one row": (Code.NO_IMAGE, [fits.ImageHDU(np.ones((1, 99), "f4"))]),
    "four long axes": (Code.SHAPE, [fits.ImageHDU(np.ones((2, 2, 6, 6), "f4"))]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_sound_file_that_is_no_sequence_is_refused_by_its_code(what: str) -> None:
    code, source = REFUSED[what]
    assert refused(source).code == code


def test_a_target_outside_every_frame_is_refused_and_outside_some_left_out() -> None:
    hdus = changed(off(), 1, CRVAL1=121.0)
    assert refused(hdus, ra=130.0, dec=10.0).code == Code.TARGET_OUTSIDE
    sequence = read(hdus, ra=120.0, dec=10.0)
    assert sequence.times.tolist() == [MJD, MJD + 2]
    assert Flag.TARGET_OUTSIDE_FRAMES in sequence.meta["flags"]


def test_planes_of_a_cube_stay_where_they_are() -> None:
    assert len(read([fits.ImageHDU(SKY[[0, 0, 1]])])) == 3


def test_length_one_axes_go_and_a_named_time_axis_is_not_assumed() -> None:
    named = cube(4, CTYPE3="TIME", CUNIT3="d", CRVAL3=MJD, CDELT3=1.0)
    assert Flag.AXIS_ASSUMED not in read([named]).meta["flags"]
    assert len(read([fits.ImageHDU(SKY[None, :4, None])])) == 4


# --- headers ------------------------------------------------------------------------------


def test_headers_without_end_and_endless_texts_cost_no_time() -> None:
    long = [f"CONTINUE  'part {i:5} &'".ljust(80) for i in range(15_000)]
    chain = "".join(["OBJECT  = 'a chain &'".ljust(80), *long])
    whole = as_bytes(frame())
    at = whole.index(b"MJD-OBS")
    cards = chain.encode()
    cards += b" " * (-len(cards) % 2880)
    start = time.process_time()
    sequence = read(whole[:at] + cards + whole[at:])
    assert len(str(sequence.meta["object_id"])) <= 80
    endless = whole[:80] + b"COMMENT".ljust(80) * 1_000_000
    assert refused(endless).code == Code.CARDS
    assert time.process_time() - start < 1


def test_many_long_headers_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits_scan, "MAX_CARDS_IN_ALL", 100)
    assert refused([frame(i, COMMENT=str(i)) for i in range(3)]).code == Code.CARDS


def test_what_follows_the_last_hdu_is_not_looked_at() -> None:
    start = time.process_time()
    sequence = read(WHOLE + b"J" * 30_000_000)
    assert time.process_time() - start < 1
    assert len(sequence) == 3


# --- tiles --------------------------------------------------------------------------------


def noise_in_tiles(codec: str) -> bytes:
    """Return a compressed image whose tiles are noise."""
    hdu = fits.CompImageHDU(np.ones((20, 20), np.int16), compression_type=codec)
    data = bytearray(as_bytes(hdu))
    with fits.open(io.BytesIO(bytes(data)), disable_image_compression=True) as hdus:
        header = hdus[1].header
        start = hdus.fileinfo(1)["datLoc"] + header["NAXIS1"] * header["NAXIS2"]
        size = header["PCOUNT"]
    data[start : start + size] = RNG.integers(0, 256, size).astype("u1").tobytes()
    return bytes(data)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_noise_in_tiles_is_refused(codec: str) -> None:
    assert refused(noise_in_tiles(codec)).code == Code.TILES


def test_pixels_that_look_like_gzip_in_a_rice_tile_are_pixels() -> None:
    counts = np.full((8, 8), 0x1F8B, np.int16)
    counts[:, 1:] += RNG.integers(0, 9, (8, 7)).astype(np.int16)
    hdu = fits.CompImageHDU(counts, compression_type="RICE_1")
    assert np.array_equal(read([hdu]).frames[0], counts)


# --- times and order ----------------------------------------------------------------------


def test_terrestrial_time_is_kept_and_said() -> None:
    sequence = read([image(DATE_OBS="2010-01-01T06:00:00", TIMESYS="TT")])
    assert sequence.times[0] == MJD
    assert "scale TT" in notes(sequence)


def test_a_disagreement_names_both_times() -> None:
    said = notes(read([image(MJD, DATE_OBS="2010-01-01T07:00:00")]))
    assert "MJD 55197.25000" in said and "DATE-OBS 55197.29167" in said


def upload(number: int) -> io.BytesIO:
    """Return a file of its own; numbers 4 and 5 have one time and other pixels."""
    cards = {"FILTER": "r", "OBJECT": f"name {number}", "GAIN": 1.0 + number}
    file = io.BytesIO(as_bytes(frame(number, MJD + min(number, 4), **cards)))
    file.name = f"frame_{number}.fits"
    return file


def test_the_order_of_an_upload_changes_nothing(rng: np.random.Generator) -> None:
    bundle = load_model("taonet")
    wanted = read_sequence([upload(i) for i in range(6)], trusted=True)
    verdict = predict(wanted, bundle).probabilities
    for turn in range(100):
        files = [upload(int(i)) for i in rng.permutation(6)]
        found = read_sequence(files, trusted=True)
        assert np.array_equal(found.frames, wanted.frames)
        assert np.array_equal(found.times, wanted.times)
        assert found.meta["gain"] == wanted.meta["gain"]
        if turn % 20 == 0:
            assert np.array_equal(predict(found, bundle).probabilities, verdict)


def test_frames_without_times_come_in_the_order_of_their_numbers() -> None:
    files = []
    for number in (8, 1, 2, 0):
        file = io.BytesIO(as_bytes(fits.ImageHDU(SKY[number])))
        file.name = f"frame_{number if number < 8 else 10}.fits"
        files.append(file)
    assert np.array_equal(read_sequence(files, trusted=True).frames, SKY[[0, 1, 2, 8]])


# --- what models make of it ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "i8", "f8"])
def test_the_type_of_the_pixels_changes_no_probability(
    dtype: str, make_sequence: Callable[..., ImageSequence]
) -> None:
    base = make_sequence(nights=4, visits=1, sky=100, noise=5, size=40)
    stack = base.frames.astype("f4")

    def verdict(kind: str) -> np.ndarray:
        hdus = [
            fits.ImageHDU(pixels.astype(kind), fits.Header({"MJD-OBS": t}))
            for pixels, t in zip(stack, base.times, strict=True)
        ]
        return predict(read(hdus), "taonet").probabilities

    assert np.allclose(verdict(dtype), verdict("f4"), rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 7.0, 65_535.0, np.inf, np.nan])
def test_bad_frames_end_in_finite_probabilities_or_a_code(value: float) -> None:
    times = MJD + np.arange(8.0)
    stack = RNG.normal(100, 5, (8, 40, 40)).astype(np.float32)
    stack[::2] = value
    prediction = predict(ImageSequence(stack, times), "taonet")
    assert np.isfinite(prediction.probabilities[-1]).all()
    assert Flag.FRAMES_UNUSED in prediction.meta["flags"]
    with pytest.raises(TaoNetError) as caught:
        predict(ImageSequence(np.full_like(stack, value), times), "taonet")
    assert caught.value.code == Code.NO_FRAMES


def test_negative_fluxes_give_limits_and_no_warning() -> None:
    stack = RNG.normal(0, 5, (6, 40, 40)).astype(np.float32)
    stack[:, 18:23, 18:23] -= 80
    curve = extract_light_curve(ImageSequence(stack, MJD + np.arange(6.0)))
    assert (curve.flux < 0).all()
    assert np.isnan(curve.mag).all()


def test_of_many_nights_the_last_are_read_in_bounded_time(
    make_sequence: Callable[..., ImageSequence],
) -> None:
    long = make_sequence(nights=MOST_NIGHTS + 40, visits=1, size=32)
    prediction = predict(long, "taonet")
    assert prediction.n_nights == MOST_NIGHTS
    assert sorted(prediction.meta["unused"]) == list(range(40))
    assert np.array_equal(
        prediction.probabilities, predict(long.select(slice(40, None)), "taonet").probabilities
    )


def test_decades_from_first_to_last_are_told() -> None:
    stack = RNG.normal(100, 5, (3, 40, 40))
    flags = predict(ImageSequence(stack, [MJD - 9e3, MJD, MJD + 5e3]), "taonet").meta["flags"]
    assert Flag.SPAN_UNTRAINED in flags
