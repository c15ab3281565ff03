"""Each class is what its physics says, and no kind hides in another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from damped_walks import fit_walk, redraw

from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation import curves, field, nuclei, others, supernovae
from taonet_core.simulation.cadence import draw_cadence
from taonet_core.simulation.observe import Field, observe
from taonet_core.simulation.populations import KINDS, Sight, Target, draw_target, load_priors
from taonet_core.simulation.presets import get_survey

TIMES = 55_000.0 + np.sort(np.random.default_rng(0).uniform(0, 1000, 160))
SIGHT = Sight(TIMES, float(TIMES[80]), 50.0, 120.0)


@pytest.fixture(scope="module")
def drawn() -> dict[TransientClass, list[Target]]:
    return {
        label: [draw_target(label, SIGHT, np.random.default_rng([9, i])) for i in range(300)]
        for label in SIX_CLASSES
    }


@pytest.mark.parametrize("label", SIX_CLASSES)
def test_targets_are_of_documented_kinds_with_light_and_colour(label, drawn) -> None:
    for target in drawn[label]:
        assert target.kind in KINDS[label]
        assert target.mag.shape == TIMES.shape
        assert not np.isnan(target.mag).any()
        assert np.all((np.asarray(target.temperature) > 1000) & (target.temperature < 30_000))
    assert {target.kind for target in drawn[label]} == set(KINDS[label])


def test_kinds_belong_to_one_class() -> None:
    kinds = [kind for of_class in KINDS.values() for kind in of_class]
    assert len(kinds) == len(set(kinds))
    assert {"mira", "tde", "comet", "flare"} <= set(KINDS[TransientClass.OTHER])


def test_a_kind_of_other_can_be_asked_for() -> None:
    for kind in KINDS[TransientClass.OTHER]:
        made = draw_target(TransientClass.OTHER, SIGHT, np.random.default_rng(3), kind=kind)
        assert made.kind == kind
    with pytest.raises(ValueError, match="wanted a kind of OTHER.*got 'Ia' of class SN"):
        draw_target(TransientClass.SN, SIGHT, np.random.default_rng(3), kind="Ia")


def test_shares_of_other_follow_the_lists_and_none_is_lost() -> None:
    shares = others.kind_shares()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) == set(KINDS[TransientClass.OTHER])
    assert max(shares, key=shares.__getitem__) == "proper_motion"
    assert min(shares.values()) > 0.01


@pytest.mark.parametrize("kind", ["su_uma", "u_gem", "wz_sge", "Ia", "IIP", "flare", "rr_lyrae"])
def test_a_target_is_as_bright_at_discovery_as_it_says(kind, drawn) -> None:
    of_kind = [t for targets in drawn.values() for t in targets if t.kind == kind]
    misses = [abs(t.mag[80] - t.discovery_mag) for t in of_kind if "ECLIPSE" not in t.facts]
    assert np.median(misses) < 0.1


def test_every_class_is_met_beside_galaxies(drawn) -> None:
    for targets in drawn.values():
        assert 0.02 < np.mean([bool(target.neighbours) for target in targets]) < 0.2


def test_galaxies_beside_a_target_reach_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        galaxy, x, y = field.beside_galaxy(rng)
        cos, sin = np.cos(galaxy.angle), np.sin(galaxy.angle)
        across = (-x * sin + y * cos) / galaxy.axis_ratio
        assert np.hypot(x * cos + y * sin, across) <= max(3 * galaxy.radius, 2.0) + 1e-6


def test_quasars_vary_less_in_the_red() -> None:
    def spread(wavelength: float) -> float:
        sight = replace(SIGHT, wavelength=wavelength)
        walks = [nuclei.draw_agn(sight, np.random.default_rng(i)) for i in range(200)]
        return float(np.median([np.std(t.mag) for t in walks if t.host is None]))

    assert spread(900.0) / spread(450.0) == pytest.approx(2**-0.479, rel=0.02)


def test_fainter_quasars_vary_more() -> None:
    walk = {"log_tau": (2.4, 0.4), "log_sigma": (-0.5, 0.1), "correlation": 0.0}

    def sigma(mag: float) -> float:
        rng = np.random.default_rng(2)
        return float(np.mean([nuclei.quasar_walk(walk, mag, 1.2, rng)[1] for _ in range(200)]))

    assert sigma(20.5) > 1.1 * sigma(17.5)


def test_flares_have_the_variance_asked_for() -> None:
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 200_000, 4000))
    rate, height, decay = 0.01, 0.5, 10.0
    light = curves.flares(times, rate=rate, height=height, decay=decay, rng=rng)
    assert light.var() == pytest.approx(rate * height**2 * curves.FLARE_WIDTH * decay, rel=0.15)


def test_a_flare_star_is_above_half_its_peak_for_the_width() -> None:
    phase = np.linspace(-3, 10, 13_001)
    share = curves.stellar_flare(phase, 2.0)
    assert share.max() == pytest.approx(1.0, abs=0.01)
    assert (share > 0.5).mean() * 13 == pytest.approx(2.0, rel=0.15)


def test_superoutbursts_last_longer_than_normal_ones() -> None:
    times = np.arange(0.0, 20_000.0, 0.5)

    def longest(kind: str) -> float:
        above = curves.dwarf_nova(
            times,
            kind=kind,
            amplitude=4.0,
            recurrence=300.0,
            decline=0.8,
            discovery=10_000.0,
            rng=np.random.default_rng(4),
        )
        edges = np.flatnonzero(np.diff((above > 0.5).astype(int)))
        return float(np.median(np.diff(times[edges])[::2]))

    assert longest("wz_sge") > 20 > 15 > longest("su_uma")


def test_eclipses_spare_the_discovery(drawn) -> None:
    eclipsing = [t for t in drawn[TransientClass.CV] if "ECLIPSE" in t.facts]
    assert 0.03 < len(eclipsing) / 300 < 0.15
    assert all(target.mag[80] < target.quiescent_mag for target in eclipsing)


def test_supernova_types_compete_by_rate_luminosity_and_volume() -> None:
    """Nearby, space is flat: the odds of two types are those of rate and 10^(-0.6 M)."""
    odds = supernovae.type_odds(14.0).sum(axis=1)
    names = list(supernovae.SUPERNOVA_TYPES)
    one, two = (supernovae.SUPERNOVA_TYPES[name] for name in ("Ia", "Ibc"))

    def volume(kind: supernovae.SupernovaType) -> float:
        log = -0.6 * np.log(10) * kind.peak + 0.5 * (0.6 * np.log(10) * kind.scatter) ** 2
        return kind.rate * float(np.exp(log))

    found = odds[names.index("Ia")] / odds[names.index("Ibc")]
    assert odds.sum() == pytest.approx(1.0)
    assert found == pytest.approx(volume(one) / volume(two), rel=0.15)


def test_types_come_out_as_often_as_the_survey_found_them() -> None:
    """Rates, luminosities and volume, none fitted, against the typed supernovae of CRTS."""
    listed = np.array(list(load_priors()["SN"]["types"].values()), dtype=float)
    listed /= listed.sum()
    odds = supernovae.type_odds(18.5).sum(axis=1)
    assert list(load_priors()["SN"]["types"]) == list(supernovae.SUPERNOVA_TYPES)
    np.testing.assert_allclose(odds, listed, atol=0.12)


def test_superluminous_supernovae_are_far_and_hot(drawn) -> None:
    of = {kind: [t for t in drawn[TransientClass.SN] if t.kind == kind] for kind in ("Ia", "SLSN")}
    far = {kind: np.median([t.facts["REDSHIFT"] for t in found]) for kind, found in of.items()}
    assert far["SLSN"] > 2 * far["Ia"]


def test_half_of_the_moving_stars_move_by_more_than_half_an_arcsec_a_year(drawn) -> None:
    moving = [t for t in drawn[TransientClass.OTHER] if t.kind == "proper_motion"]
    speeds = np.array([np.hypot(*target.motion) for target in moving])
    assert (speeds > 0.5).mean() == pytest.approx(0.59, abs=0.12)
    assert speeds.min() >= 0.2 - 1e-9


def test_flares_are_blue_while_they_last(drawn) -> None:
    flare = next(t for t in drawn[TransientClass.OTHER] if t.kind == "flare")
    assert flare.temperature[80] > 2 * np.median(flare.temperature)


def test_a_comet_is_wider_than_a_star() -> None:
    """A comet and a star of the same light: the comet's middle pixel holds less of it."""
    survey = get_survey("crts")
    cadence = draw_cadence(survey, 120.0, np.random.default_rng(0))
    bright = np.full(len(cadence), 14.0)

    def middle(coma: float) -> float:
        target = Target("comet", bright, 14.0, np.inf, coma=coma)
        around = Field(target, float(cadence.times[0]), 120.0, 60.0, 0.0)
        frames = observe(around, survey, cadence, np.random.default_rng(1)).frames
        box = frames[:, 31:34, 31:34].max(axis=(1, 2))
        return float(np.median(box - np.median(frames, axis=(1, 2))))

    assert middle(8.0) < 0.6 * middle(0.0)


def test_a_walk_is_fitted_with_the_parameters_it_was_drawn_with() -> None:
    rng = np.random.default_rng(6)
    times = np.sort(rng.uniform(0, 30_000, 500))
    nights = (times, np.zeros(500), np.full(500, 0.05**2))
    found = fit_walk(redraw(nights, np.log10([100.0, 0.3, 0.02]), rng))
    np.testing.assert_allclose(10 ** found[:2], [100.0, 0.3], rtol=0.35)
