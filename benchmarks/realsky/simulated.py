"""Simulated light curves as the CRTS catalogue would list them, measured on simulated images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from realsky.catalogue import MIN_POINTS, CurveSet, ErrorModel, catalogue_view
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.labels import TransientClass
from taonet_core.simulation.draw import draw_stored
from taonet_core.simulation.presets import get_survey
from taonet_core.simulation.survey import Survey
from taonet_core.transforms.photometry import PhotometryConfig, extract_light_curve

#: Probability that the discovery lies in the window, before the strata are matched.
VISIBILITY = 0.25
#: Least share of the light that a listed frame received.
MIN_THROUGHPUT = 0.25
#: The errors of the catalogue are put on later, so none is assumed here.
_PHOTOMETRY = PhotometryConfig(radius_fwhm=1.1, detection_sigma=2.0, error_floor=0.0)
_FAINTEST = 20.6

#: Side of the frames on which candidates are looked at, the smallest that a survey may have.
PEEK_SIZE = 16

#: Kinds of the simulator -> those that the text of the real lists tells apart.
_KINDS = {
    "proper_motion": "proper_motion",
    "mira": "mira",
    "semi_regular": "mira",
    "yso": "yso",
    "rr_lyrae": "variable",
    "eclipsing": "variable",
    "irregular": "variable",
    "flare": "flare",
}


@dataclass(frozen=True)
class Selection:
    """Which objects a real sample holds.

    Attributes
    ----------
    survey : Survey
        Cadence of its fields.
    min_detected : float
        Least share of the exposures on which an object is detected.
    min_rise : float
        How much brighter than the median all light together must be at discovery, mag.
    """

    survey: Survey
    min_detected: float
    min_rise: float = -np.inf


#: Objects of 300 observations or more, which is 70 % of what the most often visited fields have:
#: they are detected nearly always, in fields with few lost and long seasons and wider visits.
OFTEN_SEEN = Selection(
    replace(
        get_survey("crts"),
        revisit=11.8,
        coverage_scatter=0.1,
        season=235.0,
        lost_season_share=0.02,
        exposure_gap=9.9 / 1440,
    ),
    min_detected=0.7,
)
#: Field sources of any number of observations, in fields between those and the usual ones.
RANDOM = Selection(
    replace(
        get_survey("crts"),
        revisit=12.2,
        coverage_scatter=0.2,
        season=225.0,
        lost_season_share=0.05,
        exposure_gap=9.9 / 1440,
    ),
    min_detected=0.0,
)
#: Supernovae of 300 observations: their hosts are detected, and all 26 rose by 0.73 mag or more,
#: host and supernova together. The simulator also draws fainter ones in bright hosts.
RISEN = replace(OFTEN_SEEN, min_rise=0.7)


def draw_curves(
    label: TransientClass | str,
    count: int,
    errors: ErrorModel,
    *,
    seed: int,
    selection: Selection = OFTEN_SEEN,
    strata: dict[str, float] | None = None,
) -> CurveSet:
    """Draw light curves until `count` of a class would be in the real sample.

    Parameters
    ----------
    label : TransientClass or str
    count : int
        Number of curves.
    errors : ErrorModel
        Errors of the catalogue.
    seed : int
        Of the simulation.
    selection : Selection
        What the real sample holds.
    strata : dict, optional
        Shares of the strata of `CurveSet` in the result; as drawn where absent.
    """
    wanted = {k: round(share * count) for k, share in (strata or {"": 1.0}).items()}
    found: list[tuple[LightCurve, str]] = []
    for sequence in _candidates(label, selection.survey, seed):
        stratum = stratum_of(sequence) if strata else ""
        if wanted.get(stratum, 0) == 0:
            continue
        curve = _listed(sequence, label, selection, seed, errors)
        if curve is not None:
            wanted[stratum] -= 1
            found.append((curve, stratum))
        if not any(wanted.values()):
            break
    curves, names = zip(*found, strict=True)
    groups = np.array([f"simulated {label} {i}" for i in range(len(curves))])
    return CurveSet(list(curves), np.full(len(curves), str(label)), groups, np.array(names))


def stratum_of(sequence: ImageSequence) -> str:
    """Stratum of a simulated transient, as coarse as the text of the real lists."""
    header = sequence.meta["header"]
    early = float(header["SIMDISC"][0]) < sequence.times[0]
    phase = "during" if header["VISIBLE"][0] else "before" if early else "after"
    other = sequence.meta["label"] == TransientClass.OTHER
    return f"{_KINDS.get(str(header['SIMKIND'][0]), 'rest')} {phase}" if other else phase


def _candidates(label: TransientClass | str, survey: Survey, seed: int) -> Iterator[ImageSequence]:
    """Objects bright and often enough observed, drawn on tiny frames to save time.

    The pixels come last in the stream of chance, so a larger frame shows the same object.
    """
    peek = replace(survey, size=PEEK_SIZE)
    for index in range(100_000):
        sequence = draw_stored(label, survey=peek, visibility=VISIBILITY, seed=seed, index=index)
        host = float(sequence.meta["header"].get("SIMHOST", (np.inf, ""))[0])
        light = 10 ** (-0.4 * np.nanmedian(sequence.columns["true_mag"])) + 10 ** (-0.4 * host)
        if len(sequence) >= MIN_POINTS and light > 10 ** (-0.4 * _FAINTEST):
            yield sequence


def _listed(
    peek: ImageSequence,
    label: TransientClass | str,
    selection: Selection,
    seed: int,
    errors: ErrorModel,
) -> LightCurve | None:
    """Light curve of the catalogue, or None where the object would not be in the sample."""
    index = int(peek.meta["header"]["INDEX"][0])
    sequence = draw_stored(
        label, survey=selection.survey, visibility=VISIBILITY, seed=seed, index=index
    )
    measured = extract_light_curve(_calibrated(sequence), _PHOTOMETRY)
    # An exposure that two overlapping cut-outs show is one point of the catalogue.
    curve = measured.select(np.flatnonzero(np.diff(measured.times, prepend=-np.inf) > 0))
    listed = catalogue_view(curve, errors, np.random.default_rng([seed, index]))
    least = max(MIN_POINTS, selection.min_detected * np.isfinite(curve.flux).sum())
    if listed is None or len(listed) < least:
        return None
    ratio = 10 ** (0.4 * (np.median(listed.mag) - float(sequence.meta["header"]["SIMMAG"][0])))
    return listed if 2.5 * np.log10(1 + ratio) >= selection.min_rise else None


def _calibrated(sequence: ImageSequence) -> ImageSequence:
    """Take out what clouds cost, which the survey knows from the thousands of stars of a chip.

    Frames that lose most of the light are left out.
    """
    passed = sequence.columns["throughput"]
    sequence = sequence.select(passed > MIN_THROUGHPUT)
    passed = passed[passed > MIN_THROUGHPUT][:, None, None]
    sky = np.nanmedian(sequence.frames, axis=(1, 2), keepdims=True)
    clear = sky + (sequence.frames - sky) / passed
    return sequence.with_frames(np.where(sequence.frames == 0, 0, clear))  # 0: no data
