"""A target and its field through a survey: science frames and, where it ships them, references."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation import detector, galaxies, scene
from taonet_core.simulation.cadence import YEAR, Cadence
from taonet_core.simulation.colors import band_offset
from taonet_core.simulation.populations import Target
from taonet_core.simulation.psf import draw_psf_transforms
from taonet_core.simulation.survey import Survey

#: The exposures of a reference lie this long before the first frame, days.
_REFERENCE_LEAD = (400.0, 35.0)


@dataclass(frozen=True, eq=False)
class Pixels:
    """What a survey stores of one object.

    Attributes
    ----------
    frames : ndarray, shape (T, H, W), float32, counts
    throughput : ndarray, shape (T,), float32
        Share of the light that reached each frame.
    reference, difference : ndarray, shape (T, H, W), float32, counts, optional
        What each frame is compared with, and what is left; ``None`` where the survey ships none.
    """

    frames: NDArray[np.float32]
    throughput: NDArray[np.float32]
    reference: NDArray[np.float32] | None = None
    difference: NDArray[np.float32] | None = None


def reference_times(survey: Survey, cadence: Cadence) -> NDArray[np.float64]:
    """MJD of the exposures that make up the references, before all frames; none without them."""
    longest, shortest = _REFERENCE_LEAD
    return cadence.times[0] - np.linspace(longest, shortest, survey.reference_depth)


@dataclass(frozen=True, eq=False)
class Field:
    """All that `observe` needs to know of what is looked at.

    Attributes
    ----------
    target : Target
        With magnitudes at `reference_times`, then at the times of the cadence.
    discovery : float
        MJD.
    longitude, latitude : float
        Galactic, degrees.
    zero_shift : float
        How far zero points of this field lie from those of the survey, mag.
    """

    target: Target
    discovery: float
    longitude: float
    latitude: float
    zero_shift: float


def observe(field: Field, survey: Survey, cadence: Cadence, rng: np.random.Generator) -> Pixels:
    """Draw the sky around the target, and expose it.

    Parameters
    ----------
    field : Field
    survey : Survey
    cadence : Cadence
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Pixels
        Counts at the zero point ``survey.zero_point + field.zero_shift``, whatever the band.
    """
    sky, offset = _draw_sky(field, survey, cadence, rng)
    psf = draw_psf_transforms(survey, cadence.n_visits, sky.size, rng)
    times = np.concatenate([reference_times(survey, cadence), cadence.times])
    position = _positions(field, times) / survey.pixel_scale
    flux = _fluxes(field, survey)
    lead, count = survey.reference_depth, len(cadence)
    own = flux[cadence.band, np.arange(lead, lead + count)]
    frames = sky.draw(psf, cadence.visit, own, position[lead:])
    frames = detector.expose(frames, survey, cadence, rng)
    _store_again(frames, cadence, offset)
    scale = _to_one_zero_point(survey)[cadence.band, None, None]
    if not lead:
        return Pixels(frames if survey.stores_counts else frames * scale, sky.passed)
    before = flux[:, :lead].mean(axis=1)[cadence.band]
    place = np.tile(position[:lead].mean(axis=0), (count, 1))
    error = survey.reference_error * rng.standard_normal((count, 2))
    difference = frames - sky.draw(psf, cadence.visit, before, place, error)
    background = np.nanmedian(difference, axis=(1, 2), keepdims=True)
    best = draw_psf_transforms(survey, len(survey.bands), sky.size, rng)
    reference = sky.draw(best, cadence.band, before, place) + background
    reference += _reference_noise(reference, survey, rng)
    difference = (difference - background) * scale
    return Pixels(frames * scale, sky.passed, reference * scale, difference)


@dataclass(frozen=True, eq=False)
class _Sky:
    """What surrounds the target, and how each frame is pointed and dimmed."""

    static: NDArray[np.complex64]
    shift: NDArray[np.float64]
    passed: NDArray[np.float32]
    band: NDArray[np.int64]
    size: int
    odd: int
    shape: NDArray[np.complex64] | None

    def draw(
        self,
        psf: NDArray[np.float32],
        psf_index: NDArray[np.int64],
        flux: NDArray[np.float64],
        position: NDArray[np.float64],
        error: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float32]:
        shift = self.shift + error
        drawn = scene.render(
            self.static, psf, psf_index, flux, position, shift, band=self.band, shape=self.shape
        )
        # The grid is even; the middle of 2 n + 1 pixels is n, so the first row and column go.
        return self.passed[:, None, None] * drawn[:, self.odd :, self.odd :]


def _draw_sky(
    field: Field, survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> tuple[_Sky, NDArray[np.int64]]:
    """Draw all but the target, and by how many pixels an overlapping cut-out is off the first."""
    odd = survey.size % 2
    size = survey.size + odd + 2 * scene.MARGIN
    static = _draw_static(field, survey, size, rng)
    shift, offset = _draw_shifts(survey, cadence, rng)
    passed = _draw_throughput(survey, cadence, rng).astype(np.float32)
    shape = None
    if field.target.coma:
        coma = scene.Galaxy(0.0, field.target.coma, axis_ratio=1.0, angle=0.0, bulge=0.4)
        shape = scene.galaxy_transform(size, coma, 0.0, 0.0, 1.0, survey.pixel_scale)
    return _Sky(static, shift, passed, cadence.band, size, odd, shape), offset


def _reference_noise(
    reference: NDArray[np.float32], survey: Survey, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the noise of the mean of so many exposures."""
    light = np.maximum(reference - np.float32(survey.pedestal), 0)
    variance = (light / survey.gain + survey.read_noise**2) / survey.reference_depth
    noise = rng.standard_normal(reference.shape, dtype=np.float32)
    return (np.sqrt(variance) * noise).astype(np.float32)


def _to_one_zero_point(survey: Survey) -> NDArray[np.float32]:
    """Factors that bring counts in each band to the zero point of the survey, shape (B,)."""
    own = np.array([band.zero_point for band in survey.bands])
    return (10 ** (0.4 * (survey.zero_point - own))).astype(np.float32)


def saturation(survey: Survey) -> float:
    """Return the counts, at one zero point, at which the first of the bands is full."""
    return float(survey.saturation * _to_one_zero_point(survey).min())


def magnitudes(target: Target, survey: Survey) -> NDArray[np.float64]:
    """Magnitudes of the target in each band, shape (B, number of its epochs)."""
    temperature = np.broadcast_to(target.temperature, target.mag.shape)
    return np.stack([target.mag + band_offset(temperature, b.wavelength) for b in survey.bands])


def _fluxes(field: Field, survey: Survey) -> NDArray[np.float64]:
    """Return counts of the target in each band at each epoch, shape (B, E)."""
    zero_points = np.array([[b.zero_point + field.zero_shift] for b in survey.bands])
    return 10 ** (-0.4 * (magnitudes(field.target, survey) - zero_points))


def _positions(field: Field, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the target is, arcsec from its nominal place, shape (T, 2)."""
    target, days = field.target, times - field.discovery
    moving = np.outer(days * 24, target.drift) * (np.abs(days) < 0.5)[:, None]
    return np.outer(days / YEAR, target.motion) + moving


def _draw_shifts(
    survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Place of the target on each frame, (x, y) pixels from the central one.

    The second result is by how many whole pixels a frame of an overlapping cut-out differs from
    the same exposure in the first.
    """
    count = len(cadence)
    shift = rng.random((count, 2)) - 0.5 + survey.jitter * rng.standard_normal((count, 2))
    again = np.flatnonzero(cadence.cutout > 1)
    offset = np.zeros((count, 2), dtype=np.int64)
    if len(again):
        offset[again] = rng.integers(-1, 2, 2)
        shift[again] = shift[again - 1] + offset[again]
    return shift, offset


def _draw_throughput(
    survey: Survey, cadence: Cadence, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Share of the light that reaches each frame: haze, clouds, and what photons do not explain."""
    visits = cadence.n_visits
    loss = np.abs(survey.transparency_scatter * rng.standard_normal(visits))
    cloudy = rng.random(visits) < survey.cloudy_share
    loss += cloudy * rng.exponential(survey.cloudy_loss, visits)
    passed = 10 ** (-0.4 * loss[cadence.visit])
    return passed * (1 + survey.calibration_scatter * rng.standard_normal(len(cadence)))


def _store_again(frames: NDArray[np.float32], cadence: Cadence, offset: NDArray[np.int64]) -> None:
    """Copy pixels of an exposure to its other cut-out, which reaches a little further."""
    side = frames.shape[1]
    for index in np.flatnonzero(cadence.cutout > 1):
        x, y = offset[index]
        first = frames[index - 1, max(-y, 0) : side - max(y, 0), max(-x, 0) : side - max(x, 0)]
        frames[index, max(y, 0) : side + min(y, 0), max(x, 0) : side + min(x, 0)] = first


def _draw_static(
    field: Field, survey: Survey, size: int, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """Draw field stars and galaxies; return their transforms in each band, with the host."""
    zero_points = np.array([b.zero_point + field.zero_shift for b in survey.bands])
    wavelengths = np.array([b.wavelength for b in survey.bands])
    side = (size - scene.MARGIN) * survey.pixel_scale
    mags, places, temperatures = galaxies.draw_stars(
        field.latitude, field.longitude, side, rng, depth=survey.depth
    )
    x, y = places / survey.pixel_scale
    colours = band_offset(temperatures, wavelengths[:, None])
    flux = 10 ** (-0.4 * (mags + colours - zero_points[:, None]))
    static = scene.point_transform(size, x, y, flux)
    found = galaxies.draw_galaxies(side, rng, depth=survey.depth) + list(field.target.neighbours)
    if field.target.host is not None:
        found.append((field.target.host, *field.target.host_offset))
    for galaxy, east, north in found:
        colour = band_offset(galaxy.temperature, wavelengths)
        static += scene.galaxy_transform(
            size,
            galaxy,
            east / survey.pixel_scale,
            north / survey.pixel_scale,
            10 ** (-0.4 * (galaxy.mag + colour - zero_points)),
            survey.pixel_scale,
        )
    return static
