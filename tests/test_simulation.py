"""The simulator: what goes in comes out, and nothing but the sky tells the class."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from fit_priors import fit

from taonet_core.data.fits_io import read_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation import detector, galaxies, psf, scene
from taonet_core.simulation.cadence import Cadence, draw_cadence, survey_start
from taonet_core.simulation.dataset import simulate_dataset
from taonet_core.simulation.deep_tao import release_dates, write_deep_tao
from taonet_core.simulation.draw import draw_object
from taonet_core.simulation.others import draw_tde
from taonet_core.simulation.populations import Sight, load_priors
from taonet_core.simulation.presets import SURVEYS, get_survey

CRTS = SURVEYS["crts"]
#: A perfect camera: photon noise alone.
CLEAN = replace(
    CRTS,
    sky_scatter=0.0,
    sky_night_scatter=0.0,
    sky_gradient=0.0,
    transparency_scatter=0.0,
    cloudy_share=0.0,
    calibration_scatter=0.0,
    blank_share=0.0,
    edge_share=0.0,
    column_share=0.0,
    cosmic_rays=0.0,
    hot_pixels=0.0,
    trail_share=0.0,
    ghost_share=0.0,
    overlap_share=0.0,
    clock_fault=(0.0, 0.0, 0.0),
)
GRID = CRTS.size + 2 * scene.MARGIN


@pytest.fixture(scope="module")
def sample() -> list[ImageSequence]:
    return [
        draw_object(label, visibility=0.5, seed=11, index=index)
        for label in SIX_CLASSES
        for index in range(45)
    ]


def round_psf(fwhm: float, count: int = 1) -> np.ndarray:
    return psf.psf_transforms(GRID, np.full(count, fwhm), np.zeros(count), np.zeros(count))


def draw_star(flux: np.ndarray, *, fwhm: float = 2.45, position: np.ndarray | None = None):
    """Frames with one star, one frame a flux."""
    count = len(flux)
    return scene.render(
        np.zeros((2 * GRID, GRID + 2), np.complex64),
        round_psf(fwhm),
        np.zeros(count, int),
        flux,
        np.zeros((count, 2)) if position is None else position,
        np.zeros((count, 2)),
    )


def one_visit(count: int) -> Cadence:
    times, zero = 55_000 + np.arange(count) / 100, np.zeros(count, int)
    return Cadence(times, zero, np.arange(1, count + 1), zero, times, zero + 1)


@pytest.mark.parametrize("label", SIX_CLASSES)
def test_same_seed_same_pixels(label: TransientClass) -> None:
    first, second = (draw_object(label, seed=4, index=7) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.times, second.times)
    assert first.meta == second.meta


def test_other_seed_or_index_other_object() -> None:
    names = {draw_object("SN", seed=s, index=i).object_id for s in (1, 2) for i in (0, 1)}
    assert len(names) == 4


def test_files_do_not_depend_on_workers_or_number(tmp_path: Path) -> None:
    few = simulate_dataset(tmp_path / "few", per_class=2, seed=5, classes=("CV", "NON"))
    many = simulate_dataset(tmp_path / "many", per_class=3, seed=5, workers=2)
    written = sorted(few.rglob("*.fits"))
    assert len(written) == 4
    for path in written:
        assert path.read_bytes() == (many / path.relative_to(few)).read_bytes()


def test_dataset_counts_and_reports(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    simulate_dataset(
        tmp_path, per_class=2, on_object=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i, 12) for i in range(1, 13)]
    for label in SIX_CLASSES:
        assert len(list((tmp_path / "data" / label).glob("*.fits"))) == 2


@pytest.mark.parametrize("label", SIX_CLASSES)
def test_file_reads_back_equal_and_says_it_is_simulated(
    label: TransientClass, tmp_path: Path
) -> None:
    drawn = draw_object(label, seed=6)
    path = tmp_path / f"{drawn.object_id}.fits"
    write_deep_tao(drawn, path, drawn.meta["header"])
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["SIMULATD"] is True
        assert hdus[1].header["MAGZERO"] == drawn.meta["zero_point"]
        assert len(hdus) == len(drawn) + 2
        assert hdus[2].data.dtype == np.uint16
    read = read_sequence(path)
    np.testing.assert_array_equal(read.frames, drawn.frames)
    np.testing.assert_array_equal(read.times, drawn.times)
    assert (read.object_id, read.meta["label"]) == (drawn.object_id, str(label))


def test_hdus_stand_in_alphabetical_order_of_date(tmp_path: Path) -> None:
    drawn = draw_object("AGN", seed=6)
    write_deep_tao(drawn, tmp_path / "a.fits", drawn.meta["header"])
    with fits.open(tmp_path / "a.fits") as hdus:
        dates = [str(date).strip() for date in hdus[1].data["Date"]]
    assert dates == sorted(dates)
    assert release_dates(np.array([53827.3]))[0] == "06APR02"


def test_psf_has_unit_flux_and_the_width_asked_for() -> None:
    frame = draw_star(np.array([1e5]), fwhm=3.0)[0]
    assert frame.sum() == pytest.approx(1e5, rel=2e-3)
    centre = CRTS.size // 2
    assert np.unravel_index(frame.argmax(), frame.shape) == (centre, centre)
    fine = np.interp(0.5, (frame[centre, centre:] / frame.max())[::-1], np.arange(32)[::-1])
    assert 2 * fine == pytest.approx(3.0, rel=0.08)


def test_galaxy_keeps_its_flux_and_half_light_radius() -> None:
    galaxy = galaxies.Galaxy(mag=17.0, radius=15.0, axis_ratio=1.0, angle=0.0, bulge=0.0)
    static = scene.galaxy_transform(GRID, galaxy, 0.0, 0.0, 1e6, CRTS.pixel_scale)
    zero = np.zeros((1, 2))
    frame = scene.render(static, round_psf(2.2), np.zeros(1, int), np.zeros(1), zero, zero)[0]
    y, x = np.mgrid[: CRTS.size, : CRTS.size] - CRTS.size // 2
    inside = frame[np.hypot(x, y) < 15.0 / CRTS.pixel_scale].sum()
    assert frame.sum() == pytest.approx(1e6, rel=0.02)
    assert inside / 1e6 == pytest.approx(0.5, abs=0.06)


def test_injected_flux_is_recovered_within_its_error() -> None:
    rng = np.random.default_rng(1)
    flux = np.geomspace(2e3, 1e5, 60)
    cadence = one_visit(len(flux))
    frames = detector.expose(draw_star(flux), CLEAN, cadence, rng).astype(float)
    y, x = np.mgrid[: CRTS.size, : CRTS.size] - CRTS.size // 2
    radius = np.hypot(x, y)
    inner, ring = radius < 12, (radius > 16) & (radius < 28)  # wings of a Moffat profile reach far
    sky = frames[:, ring].mean(axis=1)
    found = frames[:, inner].sum(axis=1) - sky * inner.sum()
    noise = frames[:, ring].std(axis=1) * np.sqrt(inner.sum() * (1 + inner.sum() / ring.sum()))
    pull = (found - flux) / np.hypot(noise, np.sqrt(flux / CLEAN.gain))
    assert abs(pull.mean()) < 4 / np.sqrt(len(pull))
    assert pull.std() == pytest.approx(1.0, abs=0.3)


def test_sky_noise_is_that_of_the_survey() -> None:
    rng = np.random.default_rng(2)
    level = replace(CLEAN, pedestal_scatter=0.0)
    frames = detector.expose(draw_star(np.zeros(40)), level, one_visit(40), rng).astype(float)
    assert frames.mean() == pytest.approx(2000, rel=0.05)
    assert 20 < frames.std(axis=(1, 2)).mean() < 25


def test_sky_level_and_frame_numbers_match_the_release(sample: list[ImageSequence]) -> None:
    sky = [np.median([np.median(f) for f in s.frames]) for s in sample]
    frames = [len(s) for s in sample]
    assert 1300 < np.quantile(sky, 0.05) < 1700
    assert 2400 < np.quantile(sky, 0.95) < 3200
    assert 80 < np.median(frames) < 115
    assert 25 < np.quantile(frames, 0.05) < 60
    assert 140 < np.quantile(frames, 0.95) < 180


def test_pixels_are_quantised_and_saturate(sample: list[ImageSequence]) -> None:
    for sequence in sample[::9]:
        assert sequence.frames.max() <= CRTS.saturation
        usable = sequence.frames[sequence.frames.std(axis=(1, 2)) > 0]
        assert np.all((usable % CRTS.quantum == 0) | (usable == CRTS.saturation))


def test_cadence_is_that_of_the_survey() -> None:
    rng = np.random.default_rng(3)
    drawn = [draw_cadence(CRTS, rng.uniform(0, 360), rng) for _ in range(200)]
    for cadence in drawn:
        first = cadence.cutout == 1
        assert (np.diff(cadence.times[first]) > 0).all()
        assert cadence.n_visits >= 4
        assert np.ptp(cadence.times) < 3 * 365.25 + 1
    within = (
        np.concatenate(
            [np.diff(c.times)[(np.diff(c.visit) == 0) & (c.cutout[1:] == 1)] for c in drawn]
        )
        * 1440
    )
    # those of 252 real transients (MANTRA) in windows of three years: minutes, and days below 60
    assert np.quantile(within, [0.1, 0.5, 0.9]) == pytest.approx([6.7, 9.6, 13.2], rel=0.1)
    nights = np.concatenate([np.diff(c.times)[np.diff(c.visit) > 0] for c in drawn])
    found = np.quantile(nights[nights < 60], [0.1, 0.25, 0.5, 0.75, 0.9])
    assert found == pytest.approx([6.0, 8.0, 13.8, 22.0, 30.0], rel=0.12)
    per_night = np.median([len(c.times) / c.n_visits for c in drawn])
    assert 3.4 < per_night < 4.5


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_visibility_is_the_share_of_events_in_the_window(share: float) -> None:
    drawn = [draw_object("SN", visibility=share, seed=8, index=i) for i in range(60)]
    visible = np.array([s.meta["header"]["VISIBLE"][0] for s in drawn])
    assert abs(visible.mean() - share) < 4 * np.sqrt(share * (1 - share) / 60) + 1e-9
    for flag, sequence in zip(visible, drawn, strict=True):
        discovery = sequence.meta["header"]["SIMDISC"][0]
        inside = sequence.times[0] - 0.1 < discovery < sequence.times[-1] + 0.1
        assert inside == flag
        brightest = sequence.columns["true_mag"].min()
        assert (brightest <= sequence.meta["header"]["SIMMAG"][0] + 1e-3) or not flag


def test_what_is_said_of_a_tidal_disruption_is_its_magnitude_at_discovery(rng) -> None:
    sight = Sight(np.array([55_000.0, 55_010.0]), 55_010.0, 50.0, 120.0)
    for _ in range(10):
        target = draw_tde(load_priors()["OTHER"]["kinds"]["tde"], sight, rng)
        assert target.mag[1] == pytest.approx(target.discovery_mag)


def test_objects_lie_where_the_survey_looks_and_nothing_is_found_before_it_began(
    sample: list[ImageSequence],
) -> None:
    place = SkyCoord([s.meta["ra"] for s in sample], [s.meta["dec"] for s in sample], unit="deg")
    south, north = CRTS.declination
    assert (south <= place.dec.deg).all() and (place.dec.deg <= north).all()
    assert (np.abs(place.galactic.b.deg) >= CRTS.latitude_min - 1e-4).all()
    found = np.array([s.meta["header"]["SIMDISC"][0] for s in sample])
    assert found.min() >= survey_start(CRTS)


def test_metadata_do_not_tell_the_class(sample: list[ImageSequence]) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_score

    def numbers(sequence: ImageSequence) -> list[float]:
        gaps = np.diff(sequence.times)
        nights = gaps[gaps > 0.3]
        header = sequence.meta["header"]
        return [
            len(sequence),
            len(nights) + 1,
            *np.quantile(nights, [0.1, 0.5, 0.9]),
            np.median(gaps[gaps <= 0.3]) if (gaps <= 0.3).any() else 0.0,
            np.ptp(sequence.times),
            float(np.median(sequence.frames[:, ::5, ::5])),
            float((sequence.frames.std(axis=(1, 2)) == 0).mean()),
            header["MAGZERO"][0],
            header["N_IMAGES"],
            header["VISIBLE"][0],
        ]

    table = np.array([numbers(s) for s in sample])
    labels = [s.meta["label"] for s in sample]
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=0)
    accuracy = cross_val_score(forest, table, labels, cv=5).mean()
    chance = 1 / 6
    assert accuracy < chance + 3 * np.sqrt(chance * (1 - chance) / len(labels))


def test_target_moves_the_way_it_is_told() -> None:
    position = np.column_stack([np.linspace(0, 4, 9), np.linspace(0, -2, 9)])
    frames = draw_star(np.full(9, 1e5), position=position)
    y, x = np.mgrid[: CRTS.size, : CRTS.size] - CRTS.size // 2
    total = frames.sum(axis=(1, 2))
    found = np.column_stack([(frames * x).sum((1, 2)) / total, (frames * y).sum((1, 2)) / total])
    np.testing.assert_allclose(found, position, atol=0.02)


def test_star_of_high_proper_motion_moves_on_the_frames() -> None:
    def moving(index: int) -> ImageSequence | None:
        drawn = draw_object("OTHER", survey=CLEAN, visibility=1.0, seed=2, index=index)
        header = drawn.meta["header"]
        fast = np.hypot(header.get("SIMPMX", 0), header.get("SIMPMY", 0)) > 0.6
        return drawn if fast and header["SIMMAG"][0] < 15 else None

    drawn = next(found for found in map(moving, range(200)) if found is not None)
    centre, half = CRTS.size // 2, 4
    box = slice(centre - half, centre + half + 1)
    pixels = drawn.frames[:, box, box] - np.median(drawn.frames, axis=(1, 2))[:, None, None]
    offset = np.arange(-half, half + 1)
    total = pixels.sum(axis=(1, 2))
    years = (drawn.times - drawn.times[0]) / 365.25
    for name, weight in (("SIMPMX", offset[None, :]), ("SIMPMY", offset[:, None])):
        place = (pixels * weight).sum(axis=(1, 2)) / total * CRTS.pixel_scale
        speed = np.polyfit(years, place, 1)[0]
        assert speed == pytest.approx(drawn.meta["header"][name], abs=0.3)


def test_unknown_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown survey"):
        get_survey("ztff")
    with pytest.raises(ValueError, match="visibility"):
        draw_object("SN", visibility=1.5)
    with pytest.raises(ValueError, match="per_class"):
        simulate_dataset(tmp_path, per_class=0)
    with pytest.raises(ValueError, match="add up to 1"):
        replace(CRTS, visit_sizes=(0.5, 0.2))


def test_drawing_costs_little_more_than_its_noise() -> None:
    def best(job) -> float:
        spent = []
        for _ in range(5):
            start = time.process_time()
            job()
            spent.append(time.process_time() - start)
        return min(spent)

    drawn = draw_object("AGN", seed=1)
    rng = np.random.default_rng(0)
    noise = best(lambda: rng.standard_normal(drawn.frames.shape, dtype=np.float32))
    assert best(lambda: draw_object("AGN", seed=1)) < 15 * noise


@pytest.mark.data
def test_priors_are_what_the_script_makes_of_the_real_data(real_data: Path) -> None:
    made = json.loads(json.dumps(fit(real_data / "crts")))
    assert made["SN"] == load_priors()["SN"]
    assert made["OTHER"] == load_priors()["OTHER"]
    for label in ("AGN", "BZ"):
        for name in ("log_tau", "log_sigma"):
            assert made[label]["walk"][name] == pytest.approx(
                load_priors()[label]["walk"][name], abs=0.02
            )
