"""Noiseless frames against analytic profiles, and the galaxies and stars that fill them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.modeling.models import Moffat2D, Sersic2D

from taonet_core.simulation import galaxies, psf, scene

SIZE = 64
GRID = SIZE + 2 * scene.MARGIN
CENTRE = SIZE // 2
DARK = np.zeros((2 * GRID, GRID + 2), np.complex64)
Y, X = np.mgrid[:SIZE, :SIZE] - CENTRE


def one(value: float) -> np.ndarray:
    return np.array([value])


def star(
    shift: tuple[float, float] = (0.0, 0.0),
    *,
    flux: float = 1.0,
    fwhm: float = 2.45,
    ellipticity: float = 0.0,
    angle: float = 0.0,
    **optics,
) -> np.ndarray:
    """One frame with one star."""
    blur = psf.psf_transforms(GRID, one(fwhm), one(ellipticity), one(angle), **optics)
    still = np.zeros((1, 2))
    return scene.render(DARK, blur, np.zeros(1, int), one(flux), still, np.array([shift]))[0]


def pixels_of_moffat(shift: tuple[float, float], alpha: float, beta: float) -> np.ndarray:
    """Moffat profile of unit flux integrated over pixels, on a grid eleven times finer."""
    fine = (np.arange(SIZE * 11) + 0.5) / 11 - 0.5 - CENTRE
    amplitude = (beta - 1) / (np.pi * alpha**2)
    model = Moffat2D(amplitude, *shift, gamma=alpha, alpha=beta)
    return model(*np.meshgrid(fine, fine)).reshape(SIZE, 11, SIZE, 11).mean(axis=(1, 3))


def moments(frame: np.ndarray) -> np.ndarray:
    """Second moments xx, yy, xy about the centre of the frame."""
    return np.array([(frame * w).sum() for w in (X * X, Y * Y, X * Y)]) / frame.sum()


@pytest.mark.parametrize(("beta", "tolerance"), [(2.5, 0.007), (3.0, 0.002), (4.765, 0.003)])
@pytest.mark.parametrize("fwhm", [1.6, 2.45, 3.5])
def test_star_is_a_moffat_profile_seen_by_square_pixels(fwhm, beta, tolerance) -> None:
    shift = (0.3, -0.41)
    drawn = star(shift, fwhm=fwhm, beta=beta)
    half = 2 ** (1 / beta) - 1
    pixel = 2 / 3 * half * (1 + (beta + 1) / (1 + half))
    alpha = np.sqrt(fwhm**2 - pixel) / (2 * np.sqrt(half))
    wanted = pixels_of_moffat(shift, alpha, beta)
    assert np.abs(drawn - wanted).max() < tolerance * wanted.max()


@pytest.mark.parametrize("fwhm", [1.6, 2.1, 3.5])
def test_star_has_the_width_asked_for_and_keeps_its_flux(fwhm: float) -> None:
    steps = np.arange(0.0, fwhm, 0.05)
    profile = np.array([star((step, 0.0), fwhm=fwhm)[CENTRE, CENTRE] for step in steps])
    assert 2 * np.interp(-0.5, -profile / profile[0], steps) == pytest.approx(fwhm, rel=0.01)
    assert star((0.4, 0.2), fwhm=fwhm).sum() == pytest.approx(1.0, abs=1e-3)


def test_bright_star_has_no_ripples() -> None:
    frame = star((0.37, -0.48), fwhm=2.1)
    noise = 4e-6 * frame.max()
    assert frame.min() > -noise
    for line in (frame[CENTRE], frame[CENTRE + 1], frame[:, CENTRE], frame[:, CENTRE + 1]):
        assert (np.diff(line[CENTRE + 1 :]) < noise).all()
        assert (np.diff(line[: CENTRE - 1]) > -noise).all()


def test_shift_by_whole_pixels_moves_the_picture_and_nothing_else() -> None:
    first, second = star((0.3, 0.1)), star((5.3, -2.9))
    np.testing.assert_allclose(
        second[8:-8, 8:-8], np.roll(first, (-3, 5), (0, 1))[8:-8, 8:-8], atol=1e-6
    )


def test_light_of_a_star_beyond_the_edge_does_not_come_in_on_the_other_side() -> None:
    outside = CENTRE + scene.MARGIN / 2
    frame = star((outside, 0.0))
    assert frame[:, -1].max() > 1e-4 * star().max()
    assert frame[:, :CENTRE].max() < 1e-6 * star().max()


def test_target_that_left_the_grid_is_gone() -> None:
    blur = psf.psf_transforms(GRID, one(2.45), one(0.0), one(0.0))
    position = np.array([[0.0, 0.0], [10.0, -5.0], [GRID - 3.0, 0.0]])
    none = np.zeros((3, 2))
    frames = scene.render(DARK, blur, np.zeros(3, int), np.full(3, 1e4), position, none)
    np.testing.assert_allclose(frames.sum(axis=(1, 2)), [1e4, 1e4, 0], rtol=1e-3, atol=1e-2)
    peak = np.unravel_index(frames[1].argmax(), frames[1].shape)
    assert peak == (CENTRE - 5, CENTRE + 10)


def test_each_frame_shows_the_field_of_its_band_and_night() -> None:
    place = np.array([-6.0, 9.0])
    static = scene.point_transform(GRID, place, place, np.array([[100.0, 0.0], [0.0, 300.0]]))
    blur = psf.psf_transforms(GRID, np.array([2.2, 4.0]), np.zeros(2), np.zeros(2))
    night, band = np.array([0, 0, 1]), np.array([0, 1, 1])
    none = np.zeros((3, 2))
    frames = scene.render(static, blur, night, np.zeros(3), none, none, band=band)
    np.testing.assert_allclose(frames.sum(axis=(1, 2)), [100, 300, 300], rtol=2e-3)
    assert frames[0, CENTRE - 6, CENTRE - 6] == frames[0].max()
    assert frames[1].max() > 2 * frames[2].max()
    assert frames[2, CENTRE + 9, CENTRE + 9] == frames[2].max()


def test_ellipse_has_the_axis_ratio_and_angle_asked_for() -> None:
    xx, yy, xy = moments(star(ellipticity=0.3, angle=0.6, fwhm=3.5, beta=4.765))
    assert np.arctan2(2 * xy, xx - yy) / 2 == pytest.approx(0.6, abs=0.02)
    spread = np.hypot(xx - yy, 2 * xy)
    pixel = 1 / 12
    ratio = ((xx + yy - spread) / 2 - pixel) / ((xx + yy + spread) / 2 - pixel)
    assert np.sqrt(ratio) == pytest.approx(0.7, abs=0.02)


def test_trail_adds_the_variance_of_its_length_along_it() -> None:
    length, angle = 3.0, 0.4
    trailed = star(trail=one(length), trail_angle=one(angle), beta=4.765)
    added = moments(trailed) - moments(star(beta=4.765))
    cos, sin = np.cos(angle), np.sin(angle)
    expected = length**2 / 12 * np.array([cos**2, sin**2, cos * sin])
    np.testing.assert_allclose(added, expected, atol=0.02)


def test_spikes_lie_along_the_axes_and_hold_their_share() -> None:
    plain, spiked = star(), star(spikes=0.05)
    assert spiked[CENTRE, CENTRE + 16] > 20 * plain[CENTRE, CENTRE + 16]
    assert spiked[CENTRE + 11, CENTRE + 11] < 0.1 * spiked[CENTRE, CENTRE + 16]
    beyond = (np.abs(X) > 10) | (np.abs(Y) > 10)
    # Of a Lorentzian of half-width 6, this lies between 10.5 and 32; a little more wraps around.
    share = 0.05 * 2 / np.pi * (np.arctan(32 / 6) - np.arctan(10.5 / 6))
    assert share < (spiked - plain)[beyond].sum() < 1.25 * share


@pytest.mark.parametrize(("bulge", "index"), [(0.0, 1.0), (1.0, 4.0)])
def test_disk_and_bulge_are_sersic_profiles(bulge: float, index: float) -> None:
    grid, radius = 256, 16.0
    galaxy = scene.Galaxy(mag=0.0, radius=radius, axis_ratio=0.6, angle=0.5, bulge=bulge)
    static = scene.galaxy_transform(grid, galaxy, 0.0, 0.0, 1e6, 1.0)
    blur = psf.psf_transforms(grid, one(1.0), one(0.0), one(0.0), beta=4.765)
    zero = np.zeros((1, 2))
    frame = scene.render(static, blur, np.zeros(1, int), np.zeros(1), zero, zero)[0]
    offset = np.arange(len(frame)) - len(frame) // 2
    model = Sersic2D(r_eff=radius, n=index, ellip=0.4, theta=0.5)
    wanted = model(*np.meshgrid(offset, offset))
    along = np.hypot(*np.meshgrid(offset, offset))
    near = (along > 0.3 * radius) & (along < 1.5 * radius)
    ratio = frame[near] / wanted[near]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.08)
    inside = _ellipse(offset, 0.5, 0.6) < radius
    assert frame[inside].sum() / 1e6 == pytest.approx(0.5, abs=0.02)


def _ellipse(offset: np.ndarray, angle: float, ratio: float) -> np.ndarray:
    x, y = np.meshgrid(offset, offset)
    major = x * np.cos(angle) + y * np.sin(angle)
    return np.hypot(major, (y * np.cos(angle) - x * np.sin(angle)) / ratio)


@pytest.mark.parametrize(
    ("absolute", "bulge", "kiloparsec"),
    [(-21.0, 0.0, 3.58), (-19.0, 0.1, 1.97), (-22.0, 0.9, 4.57)],
)
def test_sizes_follow_the_relations_of_early_and_late_types(absolute, bulge, kiloparsec) -> None:
    rng = np.random.default_rng(3)
    redshift = 0.05
    modulus = galaxies.distance_modulus(redshift)
    hosts = [
        galaxies.draw_host(absolute + modulus, modulus, redshift, rng, bulge=bulge)
        for _ in range(400)
    ]
    kpc_an_arcsec = 0.977  # at redshift 0.05, for 70 km/s/Mpc and a matter density of 0.3
    assert np.median([h.radius for h in hosts]) * kpc_an_arcsec == pytest.approx(
        kiloparsec, rel=0.06
    )


def test_ellipticals_are_redder_than_disks_and_redden_with_distance() -> None:
    rng = np.random.default_rng(4)

    def temperature(bulge: float, redshift: float) -> float:
        modulus = galaxies.distance_modulus(redshift)
        drawn = [galaxies.draw_host(18.0, modulus, redshift, rng, bulge=bulge) for _ in range(100)]
        return float(np.mean([g.temperature for g in drawn]))

    assert temperature(1.0, 0.02) < temperature(0.0, 0.02) - 800
    assert temperature(1.0, 0.3) < temperature(1.0, 0.02) - 800


def test_faint_stars_have_two_colours_and_are_redder_at_low_latitude() -> None:
    rng = np.random.default_rng(5)
    mags, places, hot = galaxies.draw_stars(80.0, 90.0, 7200.0, rng)
    assert places.shape == (2, len(mags)) == (2, len(hot))
    assert np.abs(places).max() <= 3600
    faint = hot[(mags > 20) & (mags < 22)]
    counts, _ = np.histogram(faint, [3500, 4300, 4700, 5200, 5600, 6600])
    red, _, valley, _, blue = counts / [800, 400, 500, 400, 1000]
    assert valley < 0.8 * min(red, blue)
    low = galaxies.draw_stars(15.0, 90.0, 1800.0, rng)
    assert np.mean(low[2][low[0] > 19]) < np.mean(hot[mags > 19]) - 100
    assert galaxies.colour_temperature(0.65) == pytest.approx(5780, abs=50)  # the Sun


def test_deeper_surveys_see_more_of_the_field() -> None:
    counts = {
        depth: (
            len(galaxies.draw_stars(40.0, 120.0, 900.0, np.random.default_rng(6), depth=depth)[0]),
            len(galaxies.draw_galaxies(900.0, np.random.default_rng(6), depth=depth)),
        )
        for depth in (0.0, 3.0)
    }
    assert counts[3.0][0] > 1.5 * counts[0.0][0] > 0
    # The counts rise by 10^0.5 a magnitude (Yasuda et al. 2001).
    assert counts[3.0][1] / counts[0.0][1] == pytest.approx(10**1.5, rel=0.3)
