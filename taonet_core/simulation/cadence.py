"""When a survey looks at a field, in which filter, and what its clock and archive make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taonet_core.simulation.survey import Survey

#: Julian year, days.
YEAR = 365.25
_MJD_2000_01_01 = 51544.0
#: The Sun stands at right ascension 0 (equinox of March 2000).
_MJD_EQUINOX = 51623.3
#: The new moon of 2000 January 6, and the mean time from one to the next, days (Meeus 1998,
#: Astronomical Algorithms, chapter 49).
_MJD_NEW_MOON, _LUNATION = 51549.76, 29.530588861
#: Step by which wrong clocks of the release jump, days.
_CLOCK_STEP = 0.2


@dataclass(frozen=True, eq=False)
class Cadence:
    """When one field was observed.

    Attributes
    ----------
    times : ndarray, shape (T,), float64
        MJD of each exposure, not decreasing; true, whatever the file says.
    visit : ndarray, shape (T,), int64
        Number of the visit of each exposure, from 0: those of a night in one filter are a visit.
    exposure : ndarray, shape (T,), int64
        Number of the exposure in its night, from 1.
    band : ndarray, shape (T,), int64
        Which of `Survey.bands`.
    recorded : ndarray, shape (T,), float64
        MJD as the file has it.
    cutout : ndarray, shape (T,), int64
        1, or 2 where an exposure is stored again from an overlapping cut-out, right after the
        first.
    """

    times: NDArray[np.float64]
    visit: NDArray[np.int64]
    exposure: NDArray[np.int64]
    band: NDArray[np.int64]
    recorded: NDArray[np.float64]
    cutout: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def n_visits(self) -> int:
        """Number of visits."""
        return int(self.visit[-1]) + 1

    @property
    def band_of_visit(self) -> NDArray[np.int64]:
        """Band of each visit, shape (N,)."""
        return self.band[np.searchsorted(self.visit, np.arange(self.n_visits))]

    def take(self, index: NDArray[np.int64]) -> Cadence:
        """Return the exposures of `index`; numbers of visits stay."""
        return Cadence(*(getattr(self, name)[index] for name in Cadence.__dataclass_fields__))


def survey_start(survey: Survey) -> float:
    """MJD of the first day of the survey."""
    return float(np.floor(_MJD_2000_01_01 + (survey.first_year - 2000) * YEAR))


def moon_phase(time_mjd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean phase of the moon: 0 new, 0.5 full (its orbit makes the true one differ by 0.02).

    Parameters
    ----------
    time_mjd : ndarray, float64
        MJD.
    """
    return ((time_mjd - _MJD_NEW_MOON) / _LUNATION) % 1.0


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
    first = survey_start(survey) + np.floor((year - survey.first_year) * YEAR)
    last = first + survey.window_years * YEAR
    revisit = survey.revisit * np.exp(survey.coverage_scatter * rng.standard_normal())
    # Opposition: the Sun stands 180 degrees away in right ascension.
    opposition = _MJD_EQUINOX + ((ra + 180.0) / 360.0 % 1.0) * YEAR
    opposition += np.floor((first - opposition) / YEAR) * YEAR
    days: list[float] = []
    while opposition < last + YEAR / 2:
        season = _season(survey, opposition, revisit, rng)
        if rng.random() >= survey.lost_season_share:
            days += season[(season >= first) & (season < last)].tolist()
        opposition += YEAR
    nights = np.unique(np.array(days))
    if len(nights) < 4:
        nights = first + 30 + np.sort(rng.choice(int(last - first) - 60, 4, replace=False))
    cadence = _expose(survey, nights, rng)
    return _store(survey, cadence, rng)


def _season(
    survey: Survey, opposition: float, revisit: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Nights of one season, MJD at 0 h, without full moon and the site's wet weeks."""
    half = max(survey.season + survey.season_scatter * rng.standard_normal(), 60.0) / 2
    count = int(2 * half / min(revisit, survey.revisit)) * 3 + 16
    spread = np.exp(survey.revisit_scatter * rng.standard_normal(count))
    least = survey.revisit_min
    gaps = np.clip(least + max(revisit - least, 0.0) * spread, 1.0, 90.0)
    nights = np.floor(opposition - half + np.cumsum(gaps) - gaps[0] * rng.random())
    from_full = np.abs(moon_phase(nights + survey.midnight) - 0.5) * _LUNATION
    day_of_year = (nights - _MJD_2000_01_01) % YEAR
    shut = (survey.closed[0] <= day_of_year) & (day_of_year < survey.closed[1])
    return nights[(nights < opposition + half) & (from_full >= survey.moon_gap / 2) & ~shut]


def _expose(survey: Survey, nights: NDArray[np.float64], rng: np.random.Generator) -> Cadence:
    """Take the exposures of each of `nights` (MJD of the day), filter by filter."""
    used = survey.bands_a_night
    share = np.log([band.share for band in survey.bands])
    # The largest of log weights with Gumbel noise are a weighted draw without replacement.
    ranks = share + rng.gumbel(size=(len(nights), len(share)))
    band_of_visit = np.argsort(-ranks, axis=1)[:, :used].ravel()
    sizes = rng.choice(len(survey.visit_sizes), len(band_of_visit), p=survey.visit_sizes) + 1
    visit = np.repeat(np.arange(len(sizes)), sizes)
    turn = np.arange(len(visit)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    day = visit // used
    step = np.exp(survey.exposure_gap_scatter * rng.standard_normal(len(nights)))
    start = survey.midnight + np.clip(
        survey.hour_scatter * rng.standard_normal(len(nights)), -0.2, 0.2
    )
    begin = np.zeros(len(sizes))
    length = (sizes - 1) * survey.exposure_gap * np.repeat(step, used) + survey.band_gap
    for k in range(1, used):
        begin[k::used] = begin[k - 1 :: used] + length[k - 1 :: used]
    times = (nights + start)[day] + begin[visit] + turn * (survey.exposure_gap * step)[day]
    times = np.round(times, 8)
    exposure = np.arange(len(visit)) - np.searchsorted(day, day) + 1
    return Cadence(
        times, visit, exposure, band_of_visit[visit], times.copy(), np.ones(len(visit), np.int64)
    )


def _store(survey: Survey, cadence: Cadence, rng: np.random.Generator) -> Cadence:
    """Store exposures with the faults of clock and archive.

    Within visits of wrong clocks, recorded times jump by whole steps and back; and an object on two
    overlapping cut-outs has each exposure twice.
    """
    begin, end, share = survey.clock_fault
    recorded = cadence.times.copy()
    wrong = rng.random(cadence.n_visits) < share
    for visit in np.flatnonzero(wrong):
        index = np.flatnonzero(cadence.visit == visit)
        if begin <= recorded[index[0]] < end:
            jumps = _CLOCK_STEP * rng.permutation(len(index))
            recorded[index] = np.round(cadence.times[index[0]] + jumps, 8)
    cadence = replace(cadence, recorded=recorded)
    if rng.random() >= survey.overlap_share:
        return cadence
    twice = cadence.take(np.repeat(np.arange(len(cadence)), 2))
    return replace(twice, cutout=np.tile([1, 2], len(cadence)))
