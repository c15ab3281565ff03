"""Names, header cards and table columns of a simulated object, as the DEEP-TAO release has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core import __version__
from taonet_core.labels import TransientClass
from taonet_core.simulation.cadence import Cadence
from taonet_core.simulation.deep_tao import release_dates, utc_days
from taonet_core.simulation.observe import saturation
from taonet_core.simulation.populations import Target
from taonet_core.simulation.survey import Survey


def object_name(
    label: TransientClass, survey: Survey, ra: float, dec: float, discovery: float
) -> str:
    """Return the release's identifier: date and place of a transient, degrees of a field source."""
    if label is TransientClass.NON:
        return f"non{survey.prefix}:{ra:.5f}{dec:+.5f}"
    year, month, date = str(utc_days(discovery)).split("-")
    seconds = int(ra * 240)
    arcsec = int(abs(dec) * 3600)
    hours = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    degrees = f"{arcsec // 3600:02d}{arcsec // 60 % 60:02d}{arcsec % 60:02d}"
    return f"{survey.prefix}{year[2:]}{month}{date}:{hours}{'-' if dec < 0 else '+'}{degrees}"


def object_cards(
    label: TransientClass,
    name: str,
    place: tuple[float, float],
    target: Target,
    discovery: float,
    n_frames: int,
    survey: Survey,
) -> dict[str, Any]:
    """Return header cards of an object: those of the release, then what the simulation knows."""
    cards: dict[str, Any] = {
        "CRTS_ID": name,
        "RA_(J2000)": round(place[0], 5),
        "DEC_(J2000)": round(place[1], 5),
        "N_IMAGES": n_frames,
    }
    if label is not TransientClass.NON:
        date = float(str(utc_days(discovery)).replace("-", "")) + round(discovery % 1, 2)
        cards |= {"UT_DATE": round(date, 2), "MAG": round(target.discovery_mag, 2)}
        cards["CLASS"] = str(label)
    cards |= {
        "SIMULATD": (True, "simulated, not observed"),
        "VERSION": (__version__, "of taonet-core"),
        "SURVEY": survey.name,
        "PIXSCALE": (survey.pixel_scale, "arcsec a pixel"),
        "SATURATE": (round(saturation(survey), 1), "full pixel, counts"),
        "GAIN": (survey.gain, "electrons a count"),
        "SIMKIND": (target.kind, "what it is"),
        "SIMDISC": (round(discovery, 5), "MJD of discovery"),
        "SIMMAG": (round(float(target.discovery_mag), 3), "mag at discovery"),
    }
    if np.isfinite(target.quiescent_mag):
        cards["SIMQUIET"] = (round(float(target.quiescent_mag), 3), "mag in quiescence")
    if target.host is not None:
        cards["SIMHOST"] = (round(target.host.mag, 3), "mag of the host")
    facts = {f"SIM{key[:5]}": round(float(value), 5) for key, value in target.facts.items()}
    return cards | facts


def object_meta(
    label: TransientClass, name: str, place: tuple[float, float], survey: Survey, zero_point: float
) -> dict[str, Any]:
    """Return `ImageSequence.meta` of an object."""
    return {
        "object_id": name,
        "label": str(label),
        "ra": place[0],
        "dec": place[1],
        "unit": "adu",
        "layout": "deep-tao",
        "survey": survey.name,
        "pixel_scale": survey.pixel_scale,
        "zero_point": round(zero_point, 3),
        "gain": survey.gain,
        "saturation": round(saturation(survey), 1),
        "simulated": True,
        "time_kind": "mjd",
    }


def frame_columns(
    cadence: Cadence, survey: Survey, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Return what the release's table says of each frame."""
    field = f"N{int(rng.integers(1000, 99999)):05d}"
    count = len(cadence)
    return {
        "date": release_dates(cadence.times),
        "field_id": np.full(count, field),
        "obs_in_seq": np.array([f"{n:04d}" for n in cadence.exposure]),
        "cutout": np.array([f"{n:04d}" for n in cadence.cutout]),
        "set_number": np.full(count, "01"),
        "band": np.array([band.name for band in survey.bands])[cadence.band],
        "recorded": cadence.recorded,
    }
