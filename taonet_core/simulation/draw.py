"""Draw one labelled object.

Object `i` of class `c` under seed `s` is the same whatever else is drawn beside it: each has its
own branch of the seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import SIX_CLASSES, TransientClass
from taonet_core.simulation import detector, galaxies, scene
from taonet_core.simulation.headers import (
    frame_columns,
    object_cards,
    object_meta,
    object_name,
)
from taonet_core.simulation.others import draw_other
from taonet_core.simulation.populations import (
    Sight,
    Target,
    draw_agn,
    draw_blazar,
    draw_cv,
    draw_field_source,
    draw_latitude,
    draw_supernova,
)
from taonet_core.simulation.psf import draw_psf_transforms
from taonet_core.simulation.survey import (
    Cadence,
    Survey,
    draw_cadence,
    get_survey,
    survey_start,
)

_YEAR = 365.25
_POPULATIONS: dict[TransientClass, Callable[[Sight, np.random.Generator], Target]] = {
    TransientClass.AGN: draw_agn,
    TransientClass.BZ: draw_blazar,
    TransientClass.CV: draw_cv,
    TransientClass.OTHER: draw_other,
    TransientClass.SN: draw_supernova,
    TransientClass.NON: draw_field_source,
}
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
) -> ImageSequence:
    """Draw one object of a class, deterministically.

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

    Returns
    -------
    ImageSequence
        In time order. ``meta["header"]`` holds what is true of it, as header cards; no reader needs
        them to classify. ``columns["true_mag"]`` is the target's magnitude without its host.

    Raises
    ------
    ValueError
        If the class or survey is unknown, or `visibility` is no probability.
    """
    label, survey = TransientClass(label), get_survey(survey)
    if not 0 <= visibility <= 1:
        raise ValueError(f"visibility must lie between 0 and 1; got {visibility}")
    branch = np.random.SeedSequence(seed, spawn_key=(SIX_CLASSES.index(label), index))
    rng = np.random.Generator(np.random.SFC64(branch))
    ra, dec, longitude, latitude = _draw_place(label, survey, rng)
    cadence = draw_cadence(survey, ra, rng)
    discovery, visible = _draw_discovery(cadence, survey, visibility, rng)
    target = _POPULATIONS[label](Sight(cadence.times, discovery, latitude, longitude), rng)
    zero_point = survey.zero_point + survey.zero_point_scatter * rng.standard_normal()
    frames = _draw_frames(
        target, cadence, discovery, survey, zero_point, (longitude, latitude), rng
    )
    name = object_name(label, ra, dec, discovery)
    cards = object_cards(label, name, (ra, dec), target, discovery, len(frames), survey)
    cards |= {
        "VISIBLE": (visible, "discovery epoch lies in the window"),
        "SEED": (seed, "seed of the simulation"),
        "INDEX": (index, "number of the object in its class"),
        "MAGZERO": (round(zero_point, 3), "mag of 1 count"),
    }
    meta = object_meta(label, name, (ra, dec), survey, zero_point) | {"header": cards}
    columns = frame_columns(cadence, rng) | {"true_mag": target.mag}
    return ImageSequence(frames.astype(np.float32), cadence.times, meta=meta, columns=columns)


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
    night = int(rng.integers(cadence.n_nights))
    away = _YEAR * rng.uniform(0.5, 5.0)
    after = rng.random() < 0.5 or first - away < survey_start(survey)
    if rng.random() < visibility:
        return float(cadence.times[np.searchsorted(cadence.night, night)]), True
    return (last + away if after else first - away), False


def _draw_frames(
    target: Target,
    cadence: Cadence,
    discovery: float,
    survey: Survey,
    zero_point: float,
    direction: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """Draw the sky around the target, and expose it."""
    size = survey.size + 2 * scene.MARGIN
    static = _draw_static(target, survey, size, zero_point, direction, rng)
    nights, count = cadence.n_nights, len(cadence.times)
    psf = draw_psf_transforms(survey, nights, size, rng)
    flux = 10 ** (-0.4 * (target.mag - zero_point))
    years = (cadence.times - discovery) / _YEAR
    position = (
        np.outer(years, target.motion)
        + np.outer((cadence.times - discovery) * 24, target.drift)
        * (np.abs(years) < 0.5 / _YEAR)[:, None]
    )
    shift = rng.random((count, 2)) - 0.5 + survey.jitter * rng.standard_normal((count, 2))
    frames = scene.render(static, psf, cadence.night, flux, position / survey.pixel_scale, shift)
    loss = survey.transparency_scatter * rng.standard_normal(nights)
    cloudy = rng.random(nights) < survey.cloudy_share
    loss = np.abs(loss) + cloudy * rng.exponential(survey.cloudy_loss, nights)
    passed = 10 ** (-0.4 * loss[cadence.night])
    passed *= 1 + survey.calibration_scatter * rng.standard_normal(count)
    frames *= passed.astype(np.float32)[:, None, None]
    return detector.expose(frames, survey, cadence, rng)


def _draw_static(
    target: Target,
    survey: Survey,
    size: int,
    zero_point: float,
    direction: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.complex64]:
    """Transform of the field stars, field galaxies and host."""
    side = (size - scene.MARGIN) * survey.pixel_scale
    mags, places = galaxies.draw_stars(direction[1], direction[0], side, rng)
    x, y = places / survey.pixel_scale
    static = scene.point_transform(size, x, y, 10 ** (-0.4 * (mags - zero_point)))
    found = galaxies.draw_galaxies(side, rng)
    if target.host is not None:
        found.append((target.host, *target.host_offset))
    for galaxy, east, north in found:
        static += scene.galaxy_transform(
            size,
            galaxy,
            east / survey.pixel_scale,
            north / survey.pixel_scale,
            10 ** (-0.4 * (galaxy.mag - zero_point)),
            survey.pixel_scale,
        )
    return static
