"""What is drawn moves, flickers and explodes as physics says."""

from __future__ import annotations

import numpy as np
import pytest

from taonet_core.simulation import curves, galaxies
from taonet_core.simulation.presets import SURVEYS

CRTS = SURVEYS["crts"]


def test_random_walk_has_its_variance_and_passes_through_the_start() -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 20_000, 4000))
    walk = curves.damped_walk(times, tau=50.0, sigma=0.3, start=(times[10], -2.0), rng=rng)
    assert walk[10] == pytest.approx(-2.0)
    assert walk[200:].std() == pytest.approx(0.3, rel=0.15)


def test_dwarf_nova_is_in_outburst_at_discovery_and_quiet_between() -> None:
    rng = np.random.default_rng(6)
    times = np.append(np.arange(0.0, 3000.0), 1500.0)
    above = curves.dwarf_nova(
        times,
        kind="su_uma",
        amplitude=3.0,
        recurrence=200.0,
        decline=1.0,
        discovery=1500.0,
        rng=rng,
    )
    assert above[-1] == pytest.approx(3.0, abs=0.05)
    assert 0.02 < (above > 1).mean() < 0.2


@pytest.mark.parametrize("kind", ["Ia", "Ibc", "IIP", "IIn", "SLSN"])
def test_supernova_peaks_at_phase_zero_and_is_dark_before(kind: str) -> None:
    phase = np.linspace(-200, 500, 1401)
    below = curves.supernova(kind, phase)
    assert phase[below.argmin()] == pytest.approx(0.0, abs=0.5)
    assert below.min() == pytest.approx(0.0)
    assert np.isinf(below[0])
    assert (np.diff(below[phase > 0]) > 0).all()


def test_star_counts_rise_to_the_plane_and_match_the_pole() -> None:
    at_twenty = [
        np.interp(20, galaxies.STAR_MAGS, galaxies.star_counts(b, 90).sum(axis=0)) for b in (90, 15)
    ]
    assert 1000 < at_twenty[0] < 2500  # Bahcall & Soneira 1980, table 2
    assert at_twenty[1] > 3 * at_twenty[0]


def test_distance_and_redshift_are_inverse() -> None:
    assert galaxies.distance_modulus(0.1) == pytest.approx(38.32, abs=0.02)
    assert galaxies.redshift_of(galaxies.distance_modulus(0.37)) == pytest.approx(0.37, rel=1e-3)
