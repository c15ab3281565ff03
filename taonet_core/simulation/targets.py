"""What stands in the middle of the frames, when it is seen, and the fitted numbers behind it.

`priors.json` is written by ``benchmarks/fit_priors.py`` from real CRTS lists and light curves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.labels import TransientClass
from taonet_core.simulation.colors import V_WAVELENGTH
from taonet_core.simulation.scene import Galaxy


@dataclass(frozen=True, eq=False)
class Target:
    """The object that a sequence is about.

    Attributes
    ----------
    kind : str
        Subclass, one of `populations.KINDS`.
    mag : ndarray, shape (E,), float64
        Magnitude in V of the point source at each epoch of `Sight.times`; infinite where it gives
        no light.
    discovery_mag, quiescent_mag : float
        At discovery; in quiescence (of the host, for a supernova).
    host : Galaxy, optional
        Galaxy it lies in.
    host_offset : (float, float)
        Host centre from the target, arcsec, along x and y.
    neighbours : tuple of (Galaxy, float, float)
        Galaxies that happen to lie beside it, and their centres, arcsec along x and y.
    motion : (float, float)
        Proper motion, arcsec a year along x and y.
    drift : (float, float)
        Motion within a night, arcsec an hour (solar-system objects).
    coma : float
        Half-light radius of the haze around a comet, arcsec; 0 for a point.
    facts : dict
        Whatever else is true of it, for the header.
    temperature : float or ndarray, shape (E,)
        Colour temperature of its light, K: other bands than V follow a black body.
    """

    kind: str
    mag: NDArray[np.float64]
    discovery_mag: float
    quiescent_mag: float
    host: Galaxy | None = None
    host_offset: tuple[float, float] = (0.0, 0.0)
    neighbours: tuple[tuple[Galaxy, float, float], ...] = ()
    motion: tuple[float, float] = (0.0, 0.0)
    drift: tuple[float, float] = (0.0, 0.0)
    coma: float = 0.0
    facts: dict[str, float] = field(default_factory=dict)
    temperature: float | NDArray[np.float64] = 6500.0


@dataclass(frozen=True, eq=False)
class Sight:
    """When and through what the target is seen.

    Attributes
    ----------
    times : ndarray, shape (E,), float64
        MJD, not decreasing: of the exposures of the reference, if there is one, then of the frames.
    discovery : float
        MJD of its discovery, in the window or not.
    latitude, longitude : float
        Galactic, degrees.
    wavelength : float or ndarray, shape (E,)
        Effective wavelength of the filter at each epoch, nm: quasars vary less in the red.
    """

    times: NDArray[np.float64]
    discovery: float
    latitude: float
    longitude: float
    wavelength: float | NDArray[np.float64] = V_WAVELENGTH


@lru_cache(maxsize=1)
def load_priors() -> dict[str, Any]:
    """Return the fitted numbers of `priors.json`."""
    path = files("taonet_core.simulation").joinpath("priors.json")
    return json.loads(path.read_text(encoding="utf-8"))


def draw_quantile(table: list[float], rng: np.random.Generator) -> float:
    """Draw from a distribution given as quantiles at the grid of `priors.json`."""
    return float(np.interp(rng.random(), load_priors()["grid"], table))


def draw_latitude(label: TransientClass, minimum: float, rng: np.random.Generator) -> float:
    """Draw an absolute galactic latitude, degrees, from the class's place on the real sky."""
    return max(draw_quantile(load_priors()[label]["latitude"], rng), minimum)


def draw_magnitudes(prior: dict[str, Any], rng: np.random.Generator) -> tuple[float, float]:
    """Draw discovery and quiescent magnitude together, with their rank correlation."""
    rho = prior.get("rank_correlation", 0.0)
    first, second = rng.standard_normal(2)
    second = rho * first + sqrt(1 - rho**2) * second
    grid = load_priors()["grid"]
    ranks = [0.5 * (1 + erf(z / sqrt(2))) for z in (first, second)]
    discovery = float(np.interp(ranks[0], grid, prior["discovery"]))
    quiescent = float(np.interp(ranks[1], grid, prior.get("quiescent", [23.0] * len(grid))))
    return discovery, quiescent
