"""What is wrong in parts is read, said and flagged; what cannot be read is refused by its code."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from astropy.io import fits
from makers import MJD, SKY, as_bytes, frame, frames, image, read, refused, wcs_cards

from taonet_core.data import fits_scan
from taonet_core.errors import Code
from taonet_core.flags import Flag


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
