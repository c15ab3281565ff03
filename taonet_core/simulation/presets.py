"""The surveys that can be named: CRTS with its three telescopes, ZTF, LSST.

Sources, number by number, are in ``docs/surveys.md``.
"""

from __future__ import annotations

from dataclasses import replace

from taonet_core.simulation.survey import Band, Survey

#: Catalina Schmidt, unfiltered, 30 s (Drake et al. 2009, ApJ 696, 870). Sky, pedestal, gain, noise,
#: PSF, quantum and zero point as measured on frames of the DEEP-TAO release (arXiv 2503.16714);
#: gaps, visits, seasons and the days without moonlight from public CRTS light curves.
_CRTS = Survey(
    name="crts",
    prefix="CSS",
    pixel_scale=2.5,
    bands=(Band("clear", 551.0, 26.0, 1030.0, moon=0.9),),
    fwhm=2.45,
    fwhm_scatter=0.13,
    fwhm_min=2.1,
    moffat_beta=3.5,
    ellipticity=0.06,
    trailing=0.3,
    spikes=0.01,
    zero_point_scatter=0.15,
    gain=2.5,
    read_noise=4.0,
    pedestal=950.0,
    pedestal_scatter=25.0,
    saturation=27_000.0,
    quantum=20.0,
    sky_scatter=0.33,
    sky_night_scatter=0.15,
    sky_gradient=0.01,
    transparency_scatter=0.05,
    cloudy_share=0.12,
    cloudy_loss=0.85,
    calibration_scatter=0.015,
    jitter=0.2,
    blank_share=0.008,
    edge_share=0.02,
    column_share=0.03,
    cosmic_rays=0.15,
    hot_pixels=0.1,
    trail_share=0.002,
    ghost_share=0.002,
    overlap_share=0.05,
    clock_fault=(53_371.0, 54_190.0, 0.3),
    first_year=2005,
    last_year=2013,
    window_years=3,
    revisit=12.6,
    revisit_scatter=0.78,
    revisit_min=2.6,
    coverage_scatter=0.24,
    lost_season_share=0.09,
    season=212.0,
    season_scatter=42.0,
    moon_gap=6.5,
    closed=(196.0, 246.0),
    visit_sizes=(0.012, 0.01, 0.07, 0.89, 0.009, 0.001, 0.002, 0.006),
    exposure_gap=9.6 / 1440,
    exposure_gap_scatter=0.26,
    midnight=0.30,
    hour_scatter=0.115,
    declination=(-30.0, 65.0),
    latitude_min=10.0,
)

SURVEYS: dict[str, Survey] = {
    survey.name: survey
    for survey in (
        _CRTS,
        # The 1.5 m on Mount Lemmon: 4.6 times the light, along the ecliptic.
        replace(
            _CRTS,
            name="crts-mls",
            prefix="MLS",
            pixel_scale=1.0,
            bands=(Band("clear", 551.0, 27.6, 680.0, moon=0.9),),
            fwhm=2.8,
            fwhm_min=1.6,
            declination=(-25.0, 30.0),
            depth=1.5,
        ),
        # The 0.5 m at Siding Spring: half the light, the southern sky.
        replace(
            _CRTS,
            name="crts-sss",
            prefix="SSS",
            pixel_scale=1.8,
            bands=(Band("clear", 551.0, 25.25, 260.0, moon=0.9),),
            fwhm=3.0,
            fwhm_min=2.0,
            midnight=0.58,
            declination=(-80.0, 0.0),
            depth=-0.3,
        ),
        # Bellm et al. 2019 (PASP 131, 018002): 1.01", 30 s, 47 square degrees at Palomar. Zero
        # points, sky, noise, PSF and depth of the references as measured on public alert stamps.
        Survey(
            name="ztf",
            prefix="ZTF",
            size=63,
            pixel_scale=1.01,
            bands=(
                Band("g", 472.0, 26.3, 90.0, moon=3.0, share=0.45),
                Band("r", 634.0, 26.25, 205.0, moon=1.2, share=0.45),
                Band("i", 789.0, 25.7, 330.0, moon=0.5, share=0.10),
            ),
            fwhm=2.15,
            fwhm_scatter=0.28,
            fwhm_min=1.5,
            moffat_beta=2.5,
            ellipticity=0.075,
            trailing=0.1,
            spikes=0.01,
            zero_point_scatter=0.05,
            gain=6.2,
            read_noise=2.5,
            saturation=55_000.0,
            sky_scatter=0.2,
            sky_night_scatter=0.15,
            sky_gradient=0.01,
            cloudy_share=0.1,
            cloudy_loss=0.3,
            jitter=0.1,
            edge_share=0.01,
            cosmic_rays=0.05,
            trail_share=0.003,
            ghost_share=0.005,
            first_year=2018,
            last_year=2024,
            revisit=2.5,
            revisit_scatter=0.55,
            season=220.0,
            bands_a_night=2,
            exposure_gap=30.0 / 1440,
            midnight=0.33,
            declination=(-30.0, 85.0),
            latitude_min=7.0,
            depth=0.8,
            reference_depth=15,
        ),
        # Ivezic et al. 2019 (ApJ 873, 111). Zero points (1 electron in 30 s), dark sky and seeing:
        # Rubin technical note SMTN-002, throughputs v1.9.
        Survey(
            name="lsst",
            prefix="LSST",
            size=128,
            pixel_scale=0.2,
            bands=(
                Band("u", 368.0, 30.21, 29.2, moon=5.0, share=0.07),
                Band("g", 478.0, 32.20, 382.0, moon=3.0, share=0.09),
                Band("r", 622.0, 32.05, 877.0, moon=1.2, share=0.22),
                Band("i", 754.0, 31.86, 1452.0, moon=0.5, share=0.22),
                Band("z", 869.0, 31.47, 2218.0, moon=0.25, share=0.20),
                Band("y", 971.0, 30.51, 2323.0, moon=0.1, share=0.20),
            ),
            fwhm=4.1,
            fwhm_scatter=0.18,
            fwhm_min=2.8,
            moffat_beta=3.0,
            ellipticity=0.04,
            spikes=0.01,
            gain=1.0,
            read_noise=9.0,
            saturation=130_000.0,
            sky_night_scatter=0.1,
            sky_gradient=0.003,
            cloudy_share=0.1,
            jitter=0.3,
            cosmic_rays=0.02,
            trail_share=0.02,
            first_year=2026,
            last_year=2034,
            revisit=4.0,
            revisit_scatter=0.6,
            season=180.0,
            bands_a_night=2,
            exposure_gap=33.0 / 86_400,
            midnight=0.20,
            declination=(-72.0, 12.0),
            latitude_min=15.0,
            depth=4.0,
            reference_depth=30,
        ),
    )
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
