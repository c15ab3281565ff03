"""Draw one labelled object.

Object `i` of class `c` under seed `s` is the same whatever else is drawn beside it: each has its
own branch of the seed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController

from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation.cadence import YEAR, Cadence, draw_cadence, survey_start
from taonet_core.simulation.deep_tao import as_read
from taonet_core.simulation.headers import (
    frame_columns,
    object_cards,
    object_meta,
    object_name,
)
from taonet_core.simulation.observe import Field, magnitudes, observe, reference_times
from taonet_core.simulation.populations import Sight, Target, draw_latitude, draw_target
from taonet_core.simulation.presets import get_survey
from taonet_core.simulation.scene import Galaxy
from taonet_core.simulation.survey import Survey

#: Galactic to ICRS coordinates (Hipparcos and Tycho Catalogues 1997, vol. 1, eq. 1.5.11).
_TO_EQUATORIAL = np.array(
    [
        [-0.0548755604, 0.4941094279, -0.8676661490],
        [-0.8734370902, -0.4448296300, -0.1980763734],
        [-0.4838350155, 0.7469822445, 0.4559837762],
    ]
)


def draw_object(
    label: TransientClass | str,
    *,
    survey: str | Survey = "crts",
    visibility: float = 0.5,
    seed: int = 0,
    index: int = 0,
    kind: str | None = None,
) -> ImageSequence:
    """Draw one object of a class, deterministically, as it reads from its file.

    Parameters
    ----------
    label : TransientClass or str
        Its class.
    survey : str or Survey
        Preset name or a survey of one's own.
    visibility : float
        Probability that the discovery epoch lies in the window; otherwise it is years away.
    seed, index : int
        Which object: the same pair gives the same pixels.
    kind : str, optional
        Kind of OTHER to draw, such as ``"tde"``; by its share where not given.

    Returns
    -------
    ImageSequence
        In time order. ``meta["header"]`` holds what is true of it, as header cards; no reader needs
        them to classify. ``columns["true_mag"]`` is the target's magnitude without its host, in the
        band of the frame; ``columns["throughput"]`` the share of light that clouds let through.

    Raises
    ------
    ValueError
        If class, survey or kind is unknown, or `visibility` is no probability.
    """
    stored = draw_stored(
        label, survey=survey, visibility=visibility, seed=seed, index=index, kind=kind
    )
    return as_read(stored)


def draw_stored(
    label: TransientClass | str,
    *,
    survey: str | Survey = "crts",
    visibility: float = 0.5,
    seed: int = 0,
    index: int = 0,
    kind: str | None = None,
) -> ImageSequence:
    """Draw one object as the archive stores it: with exposures stored twice, and wrong clocks.

    Takes what `draw_object` takes. Times are true; ``columns["recorded"]`` is what the file says.
    """
    label, survey = TransientClass(label), get_survey(survey)
    if not 0 <= visibility <= 1:
        raise ValueError(f"visibility must lie between 0 and 1; got {visibility}")
    branch = np.random.SeedSequence(seed, spawn_key=(SIX_CLASSES.index(label), index))
    rng = np.random.Generator(np.random.SFC64(branch))
    ra, dec, longitude, latitude = _draw_place(label, survey, rng)
    cadence = draw_cadence(survey, ra, rng)
    discovery, visible = _draw_discovery(cadence, survey, visibility, rng)
    sight = _sight(survey, cadence, discovery, longitude, latitude)
    target = _further(draw_target(label, sight, rng, kind=kind), survey.depth)
    shift = survey.zero_point_scatter * rng.standard_normal()
    field = Field(target, discovery, longitude, latitude, shift)
    with _blas().limit(limits=1, user_api="blas"):  # with more threads, products round otherwise
        pixels = observe(field, survey, cadence, rng)
    name = object_name(label, survey, ra, dec, discovery)
    cards = object_cards(label, name, (ra, dec), target, discovery, len(cadence), survey)
    cards |= {
        "VISIBLE": (visible, "discovery epoch lies in the window"),
        "SEED": (seed, "seed of the simulation"),
        "INDEX": (index, "number of the object in its class"),
        "MAGZERO": (round(survey.zero_point + shift, 3), "mag of 1 count"),
    }
    meta = object_meta(label, name, (ra, dec), survey, survey.zero_point + shift)
    lead, epochs = survey.reference_depth, np.arange(len(cadence))
    mags = magnitudes(target, survey)[cadence.band, lead + epochs]
    return ImageSequence(
        pixels.frames,
        cadence.times,
        meta=meta | {"header": cards},
        columns=frame_columns(cadence, survey, rng)
        | {"true_mag": mags, "throughput": pixels.throughput},
        reference=pixels.reference,
        difference=pixels.difference,
    )


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Return what sets the threads of the libraries that NumPy and SciPy have loaded."""
    return ThreadpoolController()


def _sight(
    survey: Survey, cadence: Cadence, discovery: float, longitude: float, latitude: float
) -> Sight:
    """When the target is seen: on the exposures of the references, then on the frames."""
    before = reference_times(survey, cadence)
    wavelengths = np.array([band.wavelength for band in survey.bands])
    typical = max(survey.bands, key=lambda band: band.share).wavelength
    return Sight(
        np.concatenate([before, cadence.times]),
        discovery,
        latitude,
        longitude,
        np.concatenate([np.full(len(before), typical), wavelengths[cadence.band]]),
    )


def _further(target: Target, modulus: float) -> Target:
    """Return the target moved away by a distance modulus, and all that belongs to it."""
    if not modulus:
        return target
    closer = 10 ** (-modulus / 5)

    def move(galaxy: Galaxy) -> Galaxy:
        return replace(galaxy, mag=galaxy.mag + modulus, radius=galaxy.radius * closer)

    def shrink(pair: tuple[float, float]) -> tuple[float, float]:
        return pair[0] * closer, pair[1] * closer

    return replace(
        target,
        mag=target.mag + modulus,
        discovery_mag=target.discovery_mag + modulus,
        quiescent_mag=target.quiescent_mag + modulus,
        host=None if target.host is None else move(target.host),
        host_offset=shrink(target.host_offset),
        neighbours=tuple((move(galaxy), *shrink((x, y))) for galaxy, x, y in target.neighbours),
        motion=shrink(target.motion),
    )


def _draw_place(
    label: TransientClass, survey: Survey, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Right ascension, declination, galactic longitude and latitude, degrees."""
    while True:
        latitude = draw_latitude(label, survey.latitude_min, rng) * rng.choice([-1.0, 1.0])
        longitude = 360 * rng.random()
        b, along = np.radians(latitude), np.radians(longitude)
        galactic = [np.cos(b) * np.cos(along), np.cos(b) * np.sin(along), np.sin(b)]
        x, y, z = _TO_EQUATORIAL @ galactic
        dec = float(np.degrees(np.arcsin(z)))
        if survey.declination[0] <= dec <= survey.declination[1]:
            return float(np.degrees(np.arctan2(y, x)) % 360), dec, longitude, float(latitude)


def _draw_discovery(
    cadence: Cadence, survey: Survey, visibility: float, rng: np.random.Generator
) -> tuple[float, bool]:
    """MJD of discovery: a night of the window, or half a year to five years away from it.

    Nothing was discovered before the survey began.
    """
    first, last = float(cadence.times[0]), float(cadence.times[-1])
    visit = int(rng.integers(cadence.n_visits))
    away = YEAR * rng.uniform(0.5, 5.0)
    after = rng.random() < 0.5 or first - away < survey_start(survey)
    if rng.random() < visibility:
        return float(cadence.times[np.searchsorted(cadence.visit, visit)]), True
    return (last + away if after else first - away), False
