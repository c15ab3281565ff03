"""Surveys as data: what a telescope does to the sky, and when it looks.

A new survey is one `Survey` instance in `SURVEYS`; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_YEAR = 365.25
_MJD_2000_01_01 = 51544.0
#: Day of the year 2000 on which the Sun stands at right ascension 0.
_MJD_EQUINOX = 51623.3


@dataclass(frozen=True)
class Survey:
    """Camera, site and cadence of a survey.

    Attributes
    ----------
    name : str
        As written to files and asked for on the command line.
    size : int
        Side of a cutout, pixels.
    pixel_scale : float
        Arcsec a pixel.
    zero_point, zero_point_scatter : float
        Magnitude of 1 count in one exposure; its standard deviation between objects, which the
        file states (``MAGZERO``), so photometry can take it out.
    gain, read_noise : float
        Electrons a count; counts.
    pedestal, pedestal_scatter : float
        Counts under the sky, and their standard deviation between objects.
    sky, sky_scatter, sky_night_scatter : float
        Median sky above the pedestal, counts; scatter between objects and between nights, in
        natural-log units.
    sky_gradient : float
        Standard deviation of the change of sky across a cutout, as a share of the sky.
    fwhm, fwhm_scatter, fwhm_min : float
        Median full width at half maximum of a star, pixels; natural-log scatter; lower bound.
    ellipticity : float
        Scale of the Rayleigh distribution of 1 - axis ratio of the PSF.
    moffat_beta : float
        Index of its Moffat profile: the smaller, the stronger its wings.
    trailing : float
        Mean length of the smear of imperfect tracking, pixels.
    spikes : float
        Share of the light of a star in its diffraction spikes.
    transparency_scatter, cloudy_share, cloudy_loss : float
        Night-to-night scatter of the zero point, mag; share of nights with thin cloud, and its
        mean loss, mag.
    calibration_scatter : float
        Fractional scatter from exposure to exposure that photon noise does not explain.
    jitter : float
        Standard deviation of the position of the target beyond whole-pixel cutting, pixels.
    saturation, quantum : float
        Counts at which a pixel is full; step of the stored values (lossy compression).
    first_year, last_year, window_years : int
        First and last calendar year a window may start, and its length in calendar years.
    revisit, revisit_scatter, coverage_scatter : float
        Median days between visits in season, natural-log scatter of gaps, and of the median
        between fields.
    lost_season_share : float
        Share of seasons in which the field is not visited at all.
    season, season_scatter : float
        Length of the observing season, days.
    visit_sizes : tuple of float
        Probability of 1, 2, 3, … exposures in a visit.
    exposure_gap, exposure_gap_scatter : float
        Days between exposures of a visit and natural-log scatter.
    midnight : float
        Fraction of the UT day at which it is midnight at the site.
    blank_share, edge_share, column_share : float
        Share of frames without data, of visits that fall over the edge of the chip, of frames
        with a bad column.
    cosmic_rays, trail_share : float
        Mean number of cosmic-ray hits a frame; share of frames crossed by a satellite.
    declination, latitude_min : tuple of float, float
        Sky covered: declination range, and smallest absolute galactic latitude, degrees.
    """

    name: str
    size: int
    pixel_scale: float
    zero_point: float
    zero_point_scatter: float
    gain: float
    read_noise: float
    pedestal: float
    pedestal_scatter: float
    sky: float
    sky_scatter: float
    sky_night_scatter: float
    sky_gradient: float
    fwhm: float
    fwhm_scatter: float
    fwhm_min: float
    ellipticity: float
    moffat_beta: float
    trailing: float
    spikes: float
    transparency_scatter: float
    cloudy_share: float
    cloudy_loss: float
    calibration_scatter: float
    jitter: float
    saturation: float
    quantum: float
    first_year: int
    last_year: int
    window_years: int
    revisit: float
    revisit_scatter: float
    coverage_scatter: float
    lost_season_share: float
    season: float
    season_scatter: float
    visit_sizes: tuple[float, ...]
    exposure_gap: float
    exposure_gap_scatter: float
    midnight: float
    blank_share: float
    edge_share: float
    column_share: float
    cosmic_rays: float
    trail_share: float
    declination: tuple[float, float]
    latitude_min: float

    def __post_init__(self) -> None:
        if min(self.size, self.pixel_scale, self.gain, self.fwhm, self.revisit) <= 0:
            raise ValueError("size, pixel_scale, gain, fwhm and revisit must be above zero")
        if not np.isclose(sum(self.visit_sizes), 1.0):
            raise ValueError("visit_sizes are probabilities and must add up to 1")


#: Known surveys. CRTS: Catalina Schmidt, unfiltered, 30 s (Drake et al. 2009, ApJ 696, 870).
#: Sky, pedestal, gain, noise, PSF, quantum and zero point as measured on frames of the DEEP-TAO
#: release (arXiv 2503.16714); gaps, visits and seasons from public CRTS light curves.
SURVEYS: dict[str, Survey] = {
    "crts": Survey(
        name="crts",
        size=64,
        pixel_scale=2.5,
        zero_point=26.0,
        zero_point_scatter=0.15,
        gain=2.5,
        read_noise=4.0,
        pedestal=950.0,
        pedestal_scatter=25.0,
        sky=1050.0,
        sky_scatter=0.33,
        sky_night_scatter=0.25,
        sky_gradient=0.01,
        fwhm=2.45,
        fwhm_scatter=0.13,
        fwhm_min=2.1,
        ellipticity=0.06,
        moffat_beta=3.0,
        trailing=0.4,
        spikes=0.01,
        transparency_scatter=0.05,
        cloudy_share=0.08,
        cloudy_loss=0.3,
        calibration_scatter=0.015,
        jitter=0.2,
        saturation=27_000.0,
        quantum=20.0,
        first_year=2005,
        last_year=2013,
        window_years=3,
        revisit=18.0,
        revisit_scatter=0.75,
        coverage_scatter=0.3,
        lost_season_share=0.12,
        season=205.0,
        season_scatter=25.0,
        visit_sizes=(0.025, 0.03, 0.10, 0.825, 0.008, 0.003, 0.003, 0.006),
        exposure_gap=9.6 / 1440,
        exposure_gap_scatter=0.2,
        midnight=0.30,
        blank_share=0.008,
        edge_share=0.02,
        column_share=0.03,
        cosmic_rays=0.15,
        trail_share=0.002,
        declination=(-30.0, 65.0),
        latitude_min=10.0,
    ),
}


def get_survey(survey: str | Survey) -> Survey:
    """Return the survey of that name, or the survey itself.

    Raises
    ------
    ValueError
        If no survey has this name.
    """
    if isinstance(survey, Survey):
        return survey
    if survey not in SURVEYS:
        raise ValueError(f"unknown survey {survey!r}; wanted one of {sorted(SURVEYS)}")
    return SURVEYS[survey]


def survey_start(survey: Survey) -> float:
    """MJD of the first day of the survey."""
    return float(np.floor(_MJD_2000_01_01 + (survey.first_year - 2000) * _YEAR))


@dataclass(frozen=True, eq=False)
class Cadence:
    """When one field was observed.

    Attributes
    ----------
    times : ndarray, shape (T,), float64
        MJD of each exposure, increasing.
    night : ndarray, shape (T,), int64
        Number of the visit of each exposure, from 0.
    exposure : ndarray, shape (T,), int64
        Number of the exposure in its visit, from 1.
    """

    times: NDArray[np.float64]
    night: NDArray[np.int64]
    exposure: NDArray[np.int64]

    @property
    def n_nights(self) -> int:
        """Number of visits."""
        return int(self.night[-1]) + 1


def draw_cadence(survey: Survey, ra: float, rng: np.random.Generator) -> Cadence:
    """Draw the exposures of one field in a window of whole calendar years.

    The same distribution serves every class, so that neither the number of frames nor their
    spacing tells the class.

    Parameters
    ----------
    survey : Survey
        Where the numbers come from.
    ra : float
        Right ascension, degrees: sets when in the year the field is up.
    rng : numpy.random.Generator
        Source of chance.
    """
    year = int(rng.integers(survey.first_year, survey.last_year + 1))
    first = survey_start(survey) + np.floor((year - survey.first_year) * _YEAR)
    last = first + survey.window_years * _YEAR
    revisit = survey.revisit * np.exp(survey.coverage_scatter * rng.standard_normal())
    days: list[float] = []
    # Opposition: the Sun stands 180 degrees away in right ascension.
    opposition = _MJD_EQUINOX + ((ra + 180.0) / 360.0 % 1.0) * _YEAR
    opposition += np.floor((first - opposition) / _YEAR) * _YEAR
    while opposition < last + _YEAR / 2:
        half = max(survey.season + survey.season_scatter * rng.standard_normal(), 60.0) / 2
        gaps = np.exp(
            np.log(revisit) + survey.revisit_scatter * rng.standard_normal(int(2 * half) + 8)
        )
        visits = opposition - half + np.cumsum(np.clip(gaps, 1.0, 90.0)) - gaps[0] * rng.random()
        visits = np.floor(visits[(visits < opposition + half) & (visits >= first)])
        if rng.random() >= survey.lost_season_share:
            days += visits[visits < last].tolist()
        opposition += _YEAR
    if len(days) < 4:
        days = np.sort(first + 30 + np.floor(rng.random(4) * (last - first - 60))).tolist()
    nights = np.unique(np.array(days))
    return _expose(survey, nights, rng)


def _expose(survey: Survey, nights: NDArray[np.float64], rng: np.random.Generator) -> Cadence:
    """Take one to several exposures on each of `nights` (MJD of the day)."""
    sizes = rng.choice(len(survey.visit_sizes), len(nights), p=survey.visit_sizes) + 1
    night = np.repeat(np.arange(len(nights)), sizes)
    exposure = np.concatenate([np.arange(1, n + 1) for n in sizes])
    step = np.exp(survey.exposure_gap_scatter * rng.standard_normal(len(nights)))
    start = survey.midnight + np.clip(0.07 * rng.standard_normal(len(nights)), -0.15, 0.15)
    times = (nights + start)[night] + (exposure - 1) * (survey.exposure_gap * step)[night]
    return Cadence(np.round(times, 8), night, exposure)
