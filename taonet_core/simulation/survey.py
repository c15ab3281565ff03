"""A survey as data: what a telescope does to the sky, and when it looks.

A new survey is one `Survey` instance; nothing else changes (``docs/surveys.md``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

#: Smallest cutout, pixels: a star, and sky beside it.
_SMALLEST = 16
#: What may be 0 but not less; so may every scatter.
_NOT_NEGATIVE = (
    "fwhm_min",
    "ellipticity",
    "trailing",
    "spikes",
    "read_noise",
    "quantum",
    "sky_gradient",
    "cloudy_loss",
    "jitter",
    "cosmic_rays",
    "hot_pixels",
    "revisit_min",
    "moon_gap",
    "reference_depth",
    "reference_error",
)


def _check_above_zero(instance: Band | Survey, names: tuple[str, ...]) -> None:
    for name in names:
        if not getattr(instance, name) > 0:  # nor NaN
            raise ValueError(f"{name} must be above zero; got {getattr(instance, name)}")


@dataclass(frozen=True)
class Band:
    """A filter, and what the camera sees through it.

    Attributes
    ----------
    name : str
        As written to files, at most 8 characters.
    wavelength : float
        Effective wavelength, nm. Targets and stars have magnitudes in V; their black bodies give
        those in other bands (`colors.band_offset`).
    zero_point : float
        Magnitude of 1 count in one exposure.
    sky : float
        Median sky of a moonless night above the pedestal, counts a pixel.
    moon : float
        Sky that the full moon adds when it stands high, in units of `sky`.
    share : float
        How often the band is chosen, relative to the others.
    """

    name: str
    wavelength: float
    zero_point: float
    sky: float
    moon: float = 0.0
    share: float = 1.0

    def __post_init__(self) -> None:
        if not (self.name.isascii() and 1 <= len(self.name) <= 8):
            raise ValueError(f"a band name has 1 to 8 ASCII characters; got {self.name!r}")
        _check_above_zero(self, ("wavelength", "sky", "share"))
        if not self.moon >= 0:
            raise ValueError(f"moon must be 0 or more; got {self.moon}")


@dataclass(frozen=True)
class Survey:
    """Camera, site and cadence of a survey; what is not said is a plain camera without faults.

    Attributes
    ----------
    name, prefix : str
        As asked for on the command line; what the names of its transients begin with.
    pixel_scale, size : float, int
        Arcsec a pixel; side of a cutout, pixels.
    bands : tuple of Band
        Filters; frames in several are brought to the zero point of the one used most.
    fwhm, fwhm_scatter, fwhm_min : float
        Median full width at half maximum of a star, pixels; natural-log scatter; lower bound.
    moffat_beta : float
        Index of the Moffat profile of a star.
    ellipticity : float
        Scale of the Rayleigh distribution of 1 - axis ratio of the PSF.
    trailing : float
        Scale of the smear that tracking adds in some direction, pixels.
    spikes : float
        Share of the light in diffraction spikes.
    zero_point_scatter : float
        Standard deviation of the zero point between objects, which the file states (``MAGZERO``),
        so photometry can take it out.
    gain, read_noise : float
        Electrons a count; counts.
    pedestal, pedestal_scatter : float
        Counts under the sky, and their standard deviation between objects.
    saturation, quantum : float
        Counts at which a pixel is full; step of the stored values, 0 for unrounded numbers.
    sky_scatter, sky_night_scatter : float
        Scatter of the sky between objects and between visits, in natural-log units.
    sky_gradient : float
        Standard deviation of the change of sky across a cutout, as a share of the sky.
    transparency_scatter, cloudy_share, cloudy_loss : float
        Scatter of the haze from visit to visit, mag; share of visits with cloud, and its mean loss,
        mag.
    calibration_scatter : float
        Fractional scatter from exposure to exposure that photon noise does not explain.
    jitter : float
        Standard deviation of the position of the target beyond whole-pixel cutting, pixels.
    blank_share, edge_share, column_share : float
        Share of frames without data, of visits that fall over the edge of the chip, of frames
        with a bad column.
    cosmic_rays, hot_pixels, trail_share, ghost_share : float
        Mean number of cosmic-ray hits a frame, and of hot pixels; share of frames crossed by a
        satellite, and of visits with the reflection of a bright star.
    overlap_share : float
        Share of objects on two overlapping cut-outs: each exposure is stored twice.
    clock_fault : (float, float, float)
        From MJD, to MJD, and the share of nights in between whose recorded times are wrong.
    first_year, last_year, window_years : int
        First and last calendar year a window may start, and its length in calendar years.
    revisit, revisit_scatter, revisit_min, coverage_scatter : float
        Median days between nights in season, natural-log scatter of gaps, shortest gap, and
        natural-log scatter of the median between fields; before nights are lost to moon and season.
    season, season_scatter, lost_season_share : float
        Length of the observing season and its scatter, days; share of seasons without a visit.
    moon_gap : float
        Days about full moon in which nothing is observed.
    closed : (float, float)
        Days of the year from and to which the dome is shut (rain, repairs).
    bands_a_night : int
        How many filters are used on a night.
    visit_sizes : tuple of float
        Probability of 1, 2, 3, … exposures in each filter.
    exposure_gap, exposure_gap_scatter, band_gap : float
        Days between exposures, natural-log scatter, and days between filters of a night.
    midnight, hour_scatter : float
        Fraction of the UT day at which it is midnight at the site; scatter of the time of the
        first exposure about it, days.
    declination, latitude_min : tuple of float, float
        Sky covered: declination range, and smallest absolute galactic latitude, degrees.
    depth : float
        Magnitudes by which the survey sees further than CRTS, whose objects the priors know: they
        are moved away by this distance modulus.
    reference_depth : int
        Exposures in the reference image of each band; 0 where the survey ships none.
    reference_error : float
        Standard deviation of its misalignment with an exposure, pixels.
    """

    name: str
    pixel_scale: float
    bands: tuple[Band, ...]
    fwhm: float
    prefix: str = "SIM"
    size: int = 64
    fwhm_scatter: float = 0.15
    fwhm_min: float = 1.0
    moffat_beta: float = 3.0
    ellipticity: float = 0.05
    trailing: float = 0.0
    spikes: float = 0.0
    zero_point_scatter: float = 0.0
    gain: float = 1.0
    read_noise: float = 5.0
    pedestal: float = 0.0
    pedestal_scatter: float = 0.0
    saturation: float = 60_000.0
    quantum: float = 0.0
    sky_scatter: float = 0.1
    sky_night_scatter: float = 0.1
    sky_gradient: float = 0.0
    transparency_scatter: float = 0.03
    cloudy_share: float = 0.0
    cloudy_loss: float = 0.3
    calibration_scatter: float = 0.01
    jitter: float = 0.1
    blank_share: float = 0.0
    edge_share: float = 0.0
    column_share: float = 0.0
    cosmic_rays: float = 0.0
    hot_pixels: float = 0.0
    trail_share: float = 0.0
    ghost_share: float = 0.0
    overlap_share: float = 0.0
    clock_fault: tuple[float, float, float] = (0.0, 0.0, 0.0)
    first_year: int = 2020
    last_year: int = 2024
    window_years: int = 1
    revisit: float = 3.0
    revisit_scatter: float = 0.5
    revisit_min: float = 1.0
    coverage_scatter: float = 0.1
    season: float = 200.0
    season_scatter: float = 25.0
    lost_season_share: float = 0.0
    moon_gap: float = 0.0
    closed: tuple[float, float] = (0.0, 0.0)
    bands_a_night: int = 1
    visit_sizes: tuple[float, ...] = (1.0,)
    exposure_gap: float = 10.0 / 1440
    exposure_gap_scatter: float = 0.2
    band_gap: float = 40.0 / 1440
    midnight: float = 0.30
    hour_scatter: float = 0.07
    declination: tuple[float, float] = (-30.0, 80.0)
    latitude_min: float = 10.0
    depth: float = 0.0
    reference_depth: int = 0
    reference_error: float = 0.1

    def __post_init__(self) -> None:
        _check_above_zero(self, ("pixel_scale", "gain", "fwhm", "revisit", "saturation"))
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if name.endswith("_share") and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie between 0 and 1; got {value}")
            if (name in _NOT_NEGATIVE or name.endswith("_scatter")) and not value >= 0:
                raise ValueError(f"{name} must be 0 or more; got {value}")
        if self.size < _SMALLEST:
            raise ValueError(f"size must be {_SMALLEST} pixels or more; got {self.size}")
        if not self.moffat_beta > 1:
            raise ValueError(f"moffat_beta must be above 1; got {self.moffat_beta}")
        self._check_bands()
        self._check_cadence()

    def _check_bands(self) -> None:
        names = [band.name for band in self.bands]
        if not names:
            raise ValueError("a survey needs at least one band")
        if len(set(names)) < len(names):
            raise ValueError(f"two bands have the same name: {', '.join(names)}")
        if not 1 <= self.bands_a_night <= len(names):
            raise ValueError(
                f"bands_a_night must be 1 to {len(names)}, the number of bands; "
                f"got {self.bands_a_night}"
            )

    def _check_cadence(self) -> None:
        if min(self.visit_sizes, default=-1) < 0 or not np.isclose(sum(self.visit_sizes), 1.0):
            raise ValueError(
                f"visit_sizes are probabilities and must add up to 1; got {self.visit_sizes}"
            )
        if self.last_year < self.first_year or self.window_years < 1:
            raise ValueError(
                "wanted last_year no earlier than first_year and window_years of 1 or more; got "
                f"{self.first_year}, {self.last_year} and {self.window_years}"
            )
        south, north = self.declination
        if not (-90 <= south < north <= 90 and 0 <= self.latitude_min < 90):
            raise ValueError(
                "declination must rise within -90 to 90 and latitude_min lie from 0 to below 90; "
                f"got {self.declination} and {self.latitude_min}"
            )

    @property
    def zero_point(self) -> float:
        """Magnitude of 1 count as stored: that of the band used most."""
        return max(self.bands, key=lambda band: band.share).zero_point

    @property
    def stores_counts(self) -> bool:
        """Whether pixels are whole counts, with zeros for no data; else floats with NaN."""
        return self.quantum >= 1 and len({band.zero_point for band in self.bands}) == 1
