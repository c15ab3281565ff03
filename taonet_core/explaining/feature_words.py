"""The features of light curves in words a reader can use: what each one says, and its unit."""

from __future__ import annotations

from collections.abc import Sequence

from taonet_core.transforms.features import FEATURE_NAMES
from taonet_core.transforms.variability import LAGS

_POLYNOMIAL = "Coefficient of t{power} in the best polynomial of order {order}, t from its mean"
_POWERS = {1: "", 2: "²", 3: "³", 4: "⁴"}
#: Feature of `taonet_core.transforms.features` -> (what it says, its unit).
WORDS: dict[str, tuple[str, str]] = {
    "amplitude": ("Faintest minus brightest point", "mag"),
    "beyond1st": ("Share of points further than one standard deviation from the mean", ""),
    "skew": ("Lopsidedness of the magnitudes: positive with a tail to the faint side", ""),
    "kurtosis": ("Weight of the tails against a Gaussian", ""),
    "small_kurtosis": ("Weight of the tails, corrected for few points", ""),
    "std": ("Scatter of the magnitudes: their standard deviation", "mag"),
    "stetson_j": ("Whether neighbours deviate together: large for smooth changes", ""),
    "stetson_k": ("How evenly the deviations are spread: 0.80 for Gaussian noise", ""),
    "max_slope": ("Fastest change between two neighbours", "mag/d"),
    "median_absolute_deviation": ("Scatter that outliers do not reach", "mag"),
    "median_buffer_range_percentage": ("Share of points within 10 % of the median flux", ""),
    "pair_slope_trend": ("Share of neighbours of which the later is fainter", ""),
    "pair_slope_trend_last_30": ("The same among the last 30 neighbours", ""),
    "percent_amplitude": ("Largest distance from the median flux, in units of it", ""),
    "percent_difference_flux_percentile": (
        "Width of the middle 90 % of fluxes over the median flux",
        "",
    ),
    **{
        f"flux_percentile_ratio_mid{middle}": (
            f"Width of the middle {middle} % of fluxes over that of the middle 90 %",
            "",
        )
        for middle in (20, 35, 50, 65, 80)
    },
    **{
        f"poly{order}_t{power}": (
            _POLYNOMIAL.format(order=order, power=_POWERS[power]),
            f"mag/d{_POWERS[power]}",
        )
        for order in (1, 2, 3, 4)
        for power in range(order, 0, -1)
    },
}
_RANKS = ("brightest", "second brightest", "third brightest", "fourth brightest")
_BESIDE = {
    -2: "two nights before",
    -1: "the night before",
    1: "the night after",
    2: "two nights after",
}
#: Of the light curve night by night, in the groups of its features.
_LEVEL = {
    "points": ("Number of points", ""),
    "detected_share": ("Share of points in which the source was detected", ""),
    "median_error_mag": ("How deep the frames are: magnitude of the median error", "mag"),
    "mean_to_noise": ("Mean flux over its error", "σ"),
    "nights": ("Number of nights", ""),
    "span": ("Time from the first night to the last", "d"),
    "longest_gap": ("Longest time without an observation", "d"),
    "mag_0": ("Magnitude of the faintest night", "mag"),
    "mag_10": ("Magnitude that a tenth of the nights are fainter than", "mag"),
    "mag_50": ("Median magnitude", "mag"),
    "mag_90": ("Magnitude that a tenth of the nights are brighter than", "mag"),
    "mag_100": ("Magnitude of the brightest night", "mag"),
}
_SCATTER = {
    "chi_square": ("Scatter in units of the errors: chi-square", ""),
    "excess_variance": ("Scatter beyond the errors, over the mean squared", ""),
    "skew": ("Lopsidedness of the fluxes: positive with a bright tail", ""),
    "kurtosis": ("Weight of the tails of the fluxes: 3 for Gaussian noise", ""),
    "von_neumann": ("Jumps between neighbours over the scatter: small for smooth changes", ""),
    "neighbours": ("Whether neighbours deviate together", ""),
}
_MEMORY = {
    "scatter_50": ("Scatter within a usual night: chi-square", ""),
    "scatter_90": ("Scatter within a restless night: chi-square", ""),
    "scatter_100": ("Scatter within the most restless night: chi-square", ""),
    "seasons": ("Number of seasons", ""),
    "season_chi_square": ("Whether seasons differ: chi-square of their means", ""),
    "season_range": ("From the faintest season to the brightest", "mag"),
    "within_seasons": ("Scatter about the mean of each season: chi-square", ""),
    "trend_to_noise": ("Linear trend over its error", "σ"),
    "trend_share": ("Linear trend in a year over the mean flux", ""),
    **{
        f"structure_{low:g}": (f"Changes over {low:g} to {high:g} days", "")
        for low, high in zip(LAGS[:-1], LAGS[1:], strict=True)
    },
}
_PEAK = {
    **{
        f"brightest_{n + 1}": (f"The {rank} night above the median", "σ")
        for n, rank in enumerate(_RANKS)
    },
    "faintest_1": ("The faintest night from the median", "σ"),
    "faintest_2": ("The second faintest night from the median", "σ"),
    **{
        f"share_above_{n}": (f"Share of nights more than {n} σ above the median", "")
        for n in (2, 3, 5, 10)
    },
    **{
        f"share_below_{n}": (f"Share of nights more than {n} σ below the median", "")
        for n in (2, 5)
    },
    "peak_mag": ("Magnitude at peak", "mag"),
    "peak_over_median": ("Peak above the median", "mag"),
    "peak_over_low": ("Peak above the faint level", "mag"),
    "before_peak": ("Time from the first night to the peak", "d"),
    "since_peak": ("Time from the peak to the last night", "d"),
    **{
        f"change_{step:+d}": (f"Share of the peak that is there {words}", "")
        for step, words in _BESIDE.items()
    },
    **{f"gap_{step:+d}": (f"Time between the peak and {_BESIDE[step]}", "d") for step in (-1, 1)},
    "slope_-1": ("Rise to the peak from the night before", "mag/d"),
    "slope_+1": ("Decline from the peak to the night after", "mag/d"),
    "days_rising": ("Time from half the peak up to it", "d"),
    "days_declining": ("Time from the peak down to half of it", "d"),
    "longest_run": ("Most bright nights in a row", ""),
    "runs": ("Number of separate bright episodes", ""),
    "last_excess": ("The last night above the median", "σ"),
    "last_to_peak": ("How much fainter the last night is than the peak", "mag"),
}
_RHYTHM = {
    "log_period_slow": ("Best period of ten days to four years", "log d"),
    "power_slow": ("How well that slow period fits", ""),
    "log_period_fast": ("Best period of six hours to ten days", "log d"),
    "power_fast": ("How well that fast period fits", ""),
    "walk_over_white": ("How much better a random walk fits than noise: log-likelihood", ""),
    "white_over_constant": ("How much better noise fits than a constant: log-likelihood", ""),
    "log_time_scale": ("Time scale of the best random walk: long for quasars", "log d"),
    "log_amplitude": ("Amplitude of the best random walk", "log mag"),
}
#: Feature of `taonet_core.transforms.curve_features` -> (what it says, its unit).
CURVE_WORDS: dict[str, tuple[str, str]] = {
    **_LEVEL,
    **_SCATTER,
    **{
        f"night_{name}": (f"{words}, night by night", unit)
        for name, (words, unit) in _SCATTER.items()
    },
    **_MEMORY,
    **_PEAK,
    **_RHYTHM,
}


def feature_words(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what features say, and their units.

    Parameters
    ----------
    names : sequence of str
        All features that a light-curve model reads, in order; the first ones are those of
        `taonet_core.transforms.features`, some of whose names come again for fluxes later.

    Returns
    -------
    list of (str, str)
    """
    count = len(FEATURE_NAMES)
    return [(WORDS if place < count else CURVE_WORDS)[name] for place, name in enumerate(names)]
