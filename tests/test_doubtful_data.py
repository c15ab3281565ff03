"""Doubtful data to the end: damaged tiles, odd times, any order, any pixels, and the models."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits
from makers import MJD, SKY, as_bytes, frame, image, notes, read, refused

from taonet_core import load_model, predict
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, TaoNetError
from taonet_core.flags import Flag
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.preprocess import MOST_NIGHTS

RNG = np.random.default_rng(7)

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
