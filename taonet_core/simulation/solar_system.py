"""What is there for one night or one exposure: comets, asteroids, artefacts of the camera."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation.targets import Sight, Target, draw_quantile

#: Colour of reflected sunlight, K.
_SUNLIGHT = 5800.0
#: Half of the longest night, days.
_NIGHT = 0.33


def draw_comet(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Comet: there for one night, moving between exposures, a haze of some arcsec around it."""
    comet = _passing("comet", prior, sight, _drift(20.0, rng), rng)
    return replace(comet, coma=float(5.0 * np.exp(0.4 * rng.standard_normal())))


def draw_asteroid(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Asteroid: there for one night, moving by some 30 arcsec an hour, near the Earth by more."""
    return _passing("asteroid", prior, sight, _drift(30.0, rng, spread=0.6), rng)


def _passing(
    kind: str,
    prior: dict[str, Any],
    sight: Sight,
    drift: tuple[float, float],
    rng: np.random.Generator,
) -> Target:
    discovery = draw_quantile(prior["discovery"], rng)
    there = np.abs(sight.times - sight.discovery) < _NIGHT
    mag = np.where(there, discovery, np.inf)
    return Target(kind, mag, discovery, np.inf, drift=drift, temperature=_SUNLIGHT)


def draw_artefact(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Artefact: light in the one exposure of the alert, or a ghost that drifts through a night."""
    if rng.random() < 0.3:
        return _passing("artefact", prior, sight, _drift(60.0, rng, spread=0.6), rng)
    discovery = draw_quantile(prior["discovery"], rng)
    mag: NDArray[np.float64] = np.full(len(sight.times), np.inf)
    nearest = int(np.argmin(np.abs(sight.times - sight.discovery)))
    if np.abs(sight.times[nearest] - sight.discovery) < _NIGHT:
        mag[nearest] = discovery
    return Target("artefact", mag, discovery, np.inf)


def _drift(typical: float, rng: np.random.Generator, *, spread: float = 0.4) -> tuple[float, float]:
    """Apparent motion, arcsec an hour; the main belt has about 30."""
    speed, angle = typical * np.exp(spread * rng.standard_normal()), 2 * np.pi * rng.random()
    return float(speed * np.cos(angle)), float(speed * np.sin(angle))
