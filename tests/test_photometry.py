"""Forced photometry: injected light comes back, whatever happens to the frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taonet_core.data.fits_io import read_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import InvalidSequenceError
from taonet_core.transforms.apertures import (
    MOFFAT_INDEX,
    PIXEL_FWHM,
    aperture_weights,
    subtract_sky,
)
from taonet_core.transforms.photometry import (
    PhotometryConfig,
    asinh_magnitudes,
    extract_light_curve,
)

FWHM, NOISE, SIZE = 2.4, 20.0, 64
#: No correction that the sky statistics alone do not ask for.
BARE = PhotometryConfig(relative=False, error_floor=0.0)


def star(x: float, y: float, *, fwhm: float = FWHM, profile: str = "moffat") -> np.ndarray:
    """Return a star of unit flux and of this FWHM on a frame of shape (SIZE, SIZE)."""
    fwhm = np.sqrt(fwhm**2 - PIXEL_FWHM**2)  # before the pixels widen it
    fine = (np.arange(SIZE * 7) + 0.5) / 7 - 0.5
    r2 = (fine[None, :] - x) ** 2 + (fine[:, None] - y) ** 2
    if profile == "moffat":
        alpha2 = fwhm**2 / (4 * (2 ** (1 / MOFFAT_INDEX) - 1))
        density = (MOFFAT_INDEX - 1) / (np.pi * alpha2) * (1 + r2 / alpha2) ** -MOFFAT_INDEX
    else:
        variance = (fwhm / 2.3548) ** 2
        density = np.exp(-r2 / (2 * variance)) / (2 * np.pi * variance)
    return density.reshape(SIZE, 7, SIZE, 7).mean((1, 3))


def observe(
    rng: np.random.Generator, fluxes: np.ndarray, image: np.ndarray, sky: float = 2000.0
) -> ImageSequence:
    """Return frames of a variable star on noise, four exposures a night."""
    scene = fluxes[:, None, None] * image
    frames = sky + scene + rng.normal(0, NOISE, (len(fluxes), SIZE, SIZE))
    nights = np.arange(len(fluxes)) // 4
    times = 55000 + 9 * nights + 0.007 * (np.arange(len(fluxes)) % 4)
    return ImageSequence(frames, times, meta={"zero_point": 26.0, "gain": 1e9})


@pytest.mark.parametrize("known", [{"pixel_scale": 1e-5}, {"fwhm_pix": 1e6}])
def test_an_aperture_never_outgrows_the_frame(known: dict[str, float]) -> None:
    sequence = observe(np.random.default_rng(0), np.full(4, 500.0), star(32, 32))
    curve = extract_light_curve(sequence.with_meta(**known))
    assert len(curve) == 4


@pytest.mark.parametrize("flux", [0.0, 200.0, 800.0])
def test_injected_flux_comes_back_within_its_error(flux: float) -> None:
    rng = np.random.default_rng(int(flux))
    fluxes = np.full(400, flux)
    curve = extract_light_curve(observe(rng, fluxes, star(32, 32)), BARE)
    pull = (curve.flux - fluxes) / curve.flux_err
    assert abs(pull.mean()) < 0.2
    assert pull.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("profile", "radius", "within"),
    [("moffat", 0.85, 0.02), ("moffat", 1.6, 0.02), ("gauss", 1.6, 0.04)],
)
def test_bright_flux_comes_back_on_average(profile: str, radius: float, within: float) -> None:
    rng = np.random.default_rng(1)
    fluxes = rng.uniform(2000, 20_000, 100)
    config = PhotometryConfig(relative=False, radius_fwhm=radius)
    curve = extract_light_curve(observe(rng, fluxes, star(32, 32, profile=profile)), config)
    assert np.mean(curve.flux / fluxes) == pytest.approx(1, abs=within)


def test_photon_noise_is_in_the_error() -> None:
    rng = np.random.default_rng(2)
    gain, flux = 2.5, 40_000.0
    clean = flux * star(32, 32) + 2000
    frames = rng.poisson(np.broadcast_to(clean * gain, (300, SIZE, SIZE))) / gain
    sequence = ImageSequence(frames, np.arange(300.0), meta={"gain": gain, "zero_point": 26})
    curve = extract_light_curve(sequence, BARE)
    assert ((curve.flux - flux) / curve.flux_err).std() == pytest.approx(1, abs=0.12)


def test_coarse_quantisation_is_within_the_error() -> None:
    rng = np.random.default_rng(3)
    sequence = observe(rng, np.zeros(400), star(32, 32), sky=2007.0)
    coarse = sequence.with_frames(np.round(sequence.frames / 20) * 20)
    curve = extract_light_curve(coarse, BARE)
    pull = curve.flux / curve.flux_err
    assert abs(pull.mean()) < 0.2
    assert pull.std() == pytest.approx(1, abs=0.12)


def test_an_aperture_on_ones_measures_its_area() -> None:
    _, weights = aperture_weights((SIZE, SIZE), (31.3, 32.8), 3.7)
    assert weights.sum() == pytest.approx(np.pi * 3.7**2, rel=1e-12)


def test_photutils_gives_the_same_sum() -> None:
    from photutils.aperture import CircularAperture

    frames = np.random.default_rng(4).normal(100, 5, (3, SIZE, SIZE)).astype(np.float32)
    centre = (30.2, 33.9)
    pixels, weights = aperture_weights((SIZE, SIZE), centre, 2.0)
    sky = subtract_sky(frames, centre, 7, 15)
    for frame, ours in zip(sky.frames, sky.frames[:, *pixels] @ weights, strict=True):
        theirs, _ = CircularAperture(centre, 2.0).do_photometry(frame)
        assert ours == pytest.approx(theirs[0], rel=1e-9)


def test_neighbours_in_the_annulus_do_not_bias_the_sky() -> None:
    rng = np.random.default_rng(5)
    image = star(32, 32) + 3 * star(45, 36) + star(24, 22)
    fluxes = np.full(200, 3000.0)
    curve = extract_light_curve(observe(rng, fluxes, image), BARE)
    assert np.median(curve.flux) == pytest.approx(3000, rel=0.02)


def field(rng: np.random.Generator) -> np.ndarray:
    places = [(12.3, 14.8), (50.6, 17.2), (20.4, 48.9), (47.0, 50.5), (30.2, 10.7)]
    return sum(5 * rng.uniform(0.5, 2) * star(x, y) for x, y in places)


def test_clouds_are_taken_out_by_the_stars_of_the_field() -> None:
    rng = np.random.default_rng(6)
    cloud = np.repeat(np.concatenate([[1.0], rng.uniform(0.4, 1, 24)]), 4)
    image = star(32, 32) + field(rng)
    sequence = observe(rng, 20_000 * cloud, image)
    bare = extract_light_curve(sequence, BARE).flux
    curve = extract_light_curve(sequence)
    assert bare.std() / bare.mean() > 0.15
    assert curve.flux.std() / curve.flux.mean() < 0.02
    assert curve.flux.mean() == pytest.approx(20_000, rel=0.03)


def test_the_target_itself_stays_variable() -> None:
    rng = np.random.default_rng(7)
    fluxes = np.repeat(rng.uniform(4000, 20_000, 25), 4)
    scene = fluxes[:, None, None] * star(32, 32) + 20_000 * field(rng)
    sequence = observe(rng, np.ones(100), scene)
    curve = extract_light_curve(sequence)
    assert np.abs(curve.flux / fluxes - 1).mean() < 0.04


def test_later_frames_change_no_earlier_point() -> None:
    rng = np.random.default_rng(8)
    cloud = np.repeat(rng.uniform(0.4, 1, 12), 4)
    sequence = observe(rng, 3000 * cloud, star(32, 32) + field(rng))
    whole = extract_light_curve(sequence)
    for n in (4, 8, 20):
        part = extract_light_curve(sequence.select(slice(n)))
        # but for the round-off of transforms in batches of another size
        np.testing.assert_allclose(part.flux, whole.flux[:n], rtol=1e-12)
        np.testing.assert_allclose(part.mag_err, whole.mag_err[:n], rtol=1e-12)


def spoil(frames: np.ndarray) -> np.ndarray:
    frames = frames.copy()
    frames[1] = 0  # blank
    frames[2] = 1234  # constant
    frames[3] = np.nan
    frames[4, 30:35, 30:35] = np.nan  # the target
    frames[5, 32, 33] = np.nan  # a pixel of the aperture
    frames[6, 32, 32] = 30_000  # saturated
    frames[7, 10:40, 50:] = np.nan  # part of the annulus: harmless
    return frames


def test_unusable_frames_are_nan_and_keep_their_place() -> None:
    sequence = observe(np.random.default_rng(9), np.full(10, 5000.0), star(32, 32))
    sequence = sequence.with_frames(spoil(sequence.frames)).with_meta(saturation=27_000)
    curve = extract_light_curve(sequence)
    np.testing.assert_array_equal(curve.times, sequence.times)
    wanted = np.ones(10, dtype=bool)
    wanted[1:7] = False
    for name in ("flux", "flux_err", "mag", "mag_err", "limit"):
        np.testing.assert_array_equal(np.isfinite(getattr(curve, name)), wanted, err_msg=name)


def test_faint_frames_have_a_limit_and_no_magnitude() -> None:
    curve = extract_light_curve(observe(np.random.default_rng(10), np.zeros(40), star(32, 32)))
    assert np.isfinite(curve.limit).all() and np.isfinite(curve.flux).all()
    assert (~curve.detected).mean() > 0.9
    at_limit = 10 ** (0.4 * (26 - curve.limit))
    np.testing.assert_allclose(at_limit, 3 * curve.flux_err, rtol=0.05)
    assert (curve.mag <= curve.limit)[curve.detected].all()


def test_the_target_stands_where_the_wcs_puts_it() -> None:
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-2.5 / 3600, 2.5 / 3600]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 20.0], [33, 33]
    ra, dec = (float(v) for v in wcs.wcs_pix2world(36.4, 29.7, 0))
    plain = observe(np.random.default_rng(11), np.full(8, 9000.0), star(36.4, 29.7))
    placed = ImageSequence(
        plain.frames, plain.times, wcs=wcs, meta=plain.meta | {"ra": ra, "dec": dec}
    )
    assert extract_light_curve(placed, BARE).flux.mean() == pytest.approx(9000, rel=0.03)
    assert extract_light_curve(plain, BARE).flux.mean() < 5000


def test_difference_images_are_measured_only_when_asked_for() -> None:
    plain = observe(np.random.default_rng(12), np.full(8, 9000.0), star(32, 32))
    both = ImageSequence(
        plain.frames, plain.times, meta=plain.meta, difference=plain.frames - plain.frames[:1] / 2
    )
    science = extract_light_curve(both, BARE)
    np.testing.assert_array_equal(science.flux, extract_light_curve(plain, BARE).flux)
    difference = extract_light_curve(both, PhotometryConfig(frames="difference"))
    assert difference.flux.mean() == pytest.approx(4500, rel=0.05)
    with pytest.raises(InvalidSequenceError, match="no difference images"):
        extract_light_curve(plain, PhotometryConfig(frames="difference"))


def test_what_had_to_be_assumed_is_said() -> None:
    plain = observe(np.random.default_rng(13), np.full(8, 9000.0), star(32, 32))
    assert extract_light_curve(plain).meta["notes"] == []
    bare = ImageSequence(plain.frames, plain.times)
    notes = extract_light_curve(bare).meta["notes"]
    assert any("26.00 mag" in note for note in notes)


@pytest.mark.parametrize("shape", [(3, 5), (20, 200), (64, 3)])
def test_frames_of_any_size_are_survived(shape: tuple[int, int]) -> None:
    frames = np.random.default_rng(14).normal(100, 5, (6, *shape))
    curve = extract_light_curve(ImageSequence(frames, np.arange(6.0)))
    assert len(curve) == 6


def test_asinh_magnitudes_equal_magnitudes_where_bright_and_exist_where_negative() -> None:
    flux = np.array([1e5, 2e4, 0.0, -80.0, np.nan])
    err = np.full(5, 30.0)
    curve = LightCurve(
        np.arange(5.0), np.full(5, np.nan), np.full(5, np.nan), flux, err, meta={"zero_point": 26}
    )
    soft = asinh_magnitudes(curve)
    ordinary = 26 - 2.5 * np.log10(flux[:2])
    np.testing.assert_allclose(soft.mag[:2], ordinary, atol=1e-4)
    np.testing.assert_allclose(soft.mag_err[:2], 1.0857 * err[:2] / flux[:2], rtol=1e-3)
    assert np.isfinite(soft.mag[:4]).all() and np.isnan(soft.mag[4])
    assert (np.diff(soft.mag[:4]) > 0).all()


def test_settings_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="radius_fwhm"):
        PhotometryConfig(radius_fwhm=4)
    with pytest.raises(ValueError, match="science"):
        PhotometryConfig(frames="both")  # type: ignore[arg-type]


@pytest.mark.data
@pytest.mark.parametrize("name", ["ZTF21abiuvdk", "ZTF20abfcszi", "ZTF25abixhdc"])
def test_real_difference_images_give_the_magnitudes_of_the_survey(
    real_data: Path, name: str
) -> None:
    """Up to the zero point of each filter, which stamps do not carry."""
    folder = real_data / "ztf" / "sequences"
    table = pd.read_csv(folder / "frames.csv")
    theirs = table[table["objectId"] == name].sort_values("jd")["magpsf"].to_numpy()
    curve = extract_light_curve(read_sequence(folder / name), PhotometryConfig(frames="difference"))
    assert len(curve) == len(theirs)
    for band in np.unique(curve.bands):
        chosen = curve.bands == band
        offset = curve.mag[chosen] - theirs[chosen]
        assert np.nanmedian(np.abs(offset - np.nanmedian(offset))) < 0.12


def test_a_neighbour_that_jitter_moves_in_and_out_leaves_the_light_curve_steady(rng):
    """Cutouts are cut at whole pixels: the field wanders by half a pixel from frame to frame."""
    y, x = np.mgrid[:64, :64]
    times = np.add.outer(53_800.2 + 12.0 * np.arange(8), np.arange(4) / 144).ravel()
    jitter = rng.uniform(-0.5, 0.5, (len(times), 2))
    sources = [(32.0, 32.0, 3e3), (35.5, 33.0, 2e4), (12.0, 50.0, 3e4), (50.0, 15.0, 2e4)]
    frames = rng.normal(2000, 20, (len(times), 64, 64))
    for frame, (dx, dy) in zip(frames, jitter, strict=True):
        for sx, sy, flux in sources:
            r2 = (x - sx - dx) ** 2 + (y - sy - dy) ** 2
            frame += flux * np.exp(-r2 / 2.0) / (2 * np.pi)
    sequence = ImageSequence(frames, times, meta={"zero_point": 26.0, "pixel_scale": 2.5})
    steady = extract_light_curve(sequence).flux
    wandering = extract_light_curve(sequence, PhotometryConfig(relative=False)).flux
    assert steady.std() < 0.3 * wandering.std()
    early = extract_light_curve(sequence.select(slice(0, 8))).flux
    np.testing.assert_allclose(early, steady[:8], rtol=1e-6)


def test_frames_turned_upside_down_do_not_pass_for_clouds(rng: np.random.Generator) -> None:
    """Surveys cut stamps in the orientation of the chip; the target stays in the middle."""
    y, x = np.mgrid[:63, :63]
    frames = rng.normal(300, 10, (8, 63, 63))
    for sx, sy, flux in [(31, 31, 4e3), (18, 46, 3e4), (50, 20, 2e4)]:
        frames += flux * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2.4) / (2.4 * np.pi)
    frames[1::2] = frames[1::2, ::-1, ::-1]
    times = np.add.outer(59_063.4 + 3.0 * np.arange(4), [0.0, 0.01]).ravel()
    flux = extract_light_curve(ImageSequence(frames, times, meta={"zero_point": 26.0})).flux
    assert flux.std() < 0.1 * flux.mean()
