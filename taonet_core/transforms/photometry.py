"""Forced photometry at the target: one light-curve point a frame, detected or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.celestial import pixel_of
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence, known_number
from taonet_core.errors import InvalidSequenceError
from taonet_core.transforms.apertures import (
    Pixels,
    align,
    aperture_correction,
    aperture_weights,
    subtract_sky,
)
from taonet_core.transforms.field_stars import (
    choose_stars,
    pointing_shifts,
    relative_throughput,
    stellar_fwhm,
)
from taonet_core.transforms.preprocess import DEFAULT_ZERO_POINT, frame_faults, mark_missing

#: Magnitudes in one unit of natural logarithm (Pogson).
POGSON = 2.5 / np.log(10)


@dataclass(frozen=True)
class PhotometryConfig:
    """How light curves are measured.

    Attributes
    ----------
    frames : {"science", "difference"}
        What is measured; the survey's difference images only where asked for.
    radius_fwhm : float
        Aperture radius in units of the FWHM: about the best for faint sources, with room for
        the pointing errors of cutouts (CRTS: FWHM 2.0 to 2.6 px, radius 2 px).
    fwhm_pix : float
        FWHM assumed where ``meta["fwhm_pix"]`` does not say it, pixels.
    seeing : float
        FWHM that fine pixels must at least resolve, arcsec; used with ``meta["pixel_scale"]``.
    annulus_fwhm : (float, float)
        Inner and outer radius of the sky annulus in units of the FWHM.
    zero_point : float
        Magnitude of one count where ``meta["zero_point"]`` does not say it (CRTS, 30 s).
    gain : float
        Electrons a count where ``meta["gain"]`` does not say it (CRTS).
    error_floor : float
        Share of the flux added in quadrature to its error, for flat field and pointing.
    detection_sigma, limit_sigma : float
        Flux over error from which a magnitude is given; level of the limiting magnitude, the same
        so that no detection is fainter than the limit of its frame.
    relative : bool
        Take out changes of transparency, seeing and pointing with the stars of the field.
    """

    frames: Literal["science", "difference"] = "science"
    radius_fwhm: float = 0.85
    fwhm_pix: float = 2.4
    seeing: float = 0.9
    annulus_fwhm: tuple[float, float] = (3.0, 6.5)
    zero_point: float = DEFAULT_ZERO_POINT
    gain: float = 2.5
    error_floor: float = 0.02
    detection_sigma: float = 3.0
    limit_sigma: float = 3.0
    relative: bool = True

    def __post_init__(self) -> None:
        inner, outer = self.annulus_fwhm
        if not 0 < self.radius_fwhm < inner < outer:
            raise ValueError(
                "wanted 0 < radius_fwhm < annulus_fwhm[0] < annulus_fwhm[1]; got "
                f"{self.radius_fwhm}, {self.annulus_fwhm}"
            )
        if min(self.fwhm_pix, self.seeing, self.gain, self.detection_sigma, self.limit_sigma) <= 0:
            raise ValueError(f"FWHM, seeing, gain and sigma levels must be above zero; got {self}")
        if self.frames not in ("science", "difference"):
            raise ValueError(f"frames is 'science' or 'difference'; got {self.frames!r}")


def extract_light_curve(
    sequence: ImageSequence, config: PhotometryConfig | None = None
) -> LightCurve:
    """Measure the target on every frame, in a fixed place on the sky and a fixed aperture.

    A point depends on its own frame and, through the field stars, on the first night: never on
    later frames, so the light curve of the first nights is that of those nights alone.

    Parameters
    ----------
    sequence : ImageSequence
        With the target where its WCS puts ``meta["ra"]`` and ``meta["dec"]``, or, without a WCS,
        in its middle pixel.
    config : PhotometryConfig, optional

    Returns
    -------
    LightCurve
        Exactly one point a frame, in the same order. Flux and error in counts of the whole
        source (corrected for the light outside the aperture); magnitudes where the flux is
        detected; a limit wherever the frame is usable. Frames that are blank, constant, saturated
        or without data at the target are NaN. ``meta["notes"]`` says what had to be assumed.

    Raises
    ------
    InvalidSequenceError
        If difference images are asked for and the sequence has none.
    """
    config = config or PhotometryConfig()
    fwhm = stellar_fwhm(sequence, fwhm_pix=config.fwhm_pix, seeing=config.seeing)
    centre = target_pixel(sequence)
    frames = _frames(sequence, config)
    radius = config.radius_fwhm * fwhm
    pixels, weights = aperture_weights(frames.shape[1:], centre, radius)
    inner, outer = (f * fwhm for f in config.annulus_fwhm)
    sky = subtract_sky(frames, centre, inner, outer)
    throughput = np.ones(len(frames))
    if config.relative and config.frames == "science":
        fields = choose_stars(sky, sequence, centre, fwhm)
        sky = align(sky, pointing_shifts(sky, fields, fwhm))
        throughput = relative_throughput(sky, fields, fwhm)
    inside = sky.frames[:, pixels[0], pixels[1]]
    usable = np.isfinite(inside).all(1) & ~_saturated(sequence, pixels)
    correction = aperture_correction(radius, fwhm)
    flux = np.where(usable, np.nan_to_num(inside) @ weights * correction, np.nan)
    dark = np.where(usable, sky.error(weights) * correction, np.nan)
    flux, dark = flux / throughput, dark / throughput
    gain = known_number(sequence.meta, "gain", config.gain)
    photon = np.maximum(flux, 0) * correction / (throughput * gain)
    err = np.sqrt(dark**2 + photon + (config.error_floor * flux) ** 2)
    return _light_curve(sequence, config, flux, err, dark)


def target_pixel(sequence: ImageSequence) -> tuple[float, float]:
    """Return where the target is, pixels (x, y) from zero.

    Its position by WCS if that lies in the middle half of the frame, else the middle pixel.
    """
    height, width = sequence.frames.shape[1:]
    middle = (float(width // 2), float(height // 2))
    ra, dec = (known_number(sequence.meta, key, np.nan) for key in ("ra", "dec"))
    if sequence.wcs is None or not np.isfinite([ra, dec]).all():
        return middle
    x, y = pixel_of(sequence.wcs, ra, dec) or middle
    near = abs(x - middle[0]) < width / 4 and abs(y - middle[1]) < height / 4
    return (x, y) if near else middle


def asinh_magnitudes(curve: LightCurve) -> LightCurve:
    """Turn fluxes into magnitudes that are finite for any flux, negative ones too.

    Parameters
    ----------
    curve : LightCurve
        With fluxes and errors.

    Returns
    -------
    LightCurve
        The same points with asinh magnitudes (Lupton, Gunn & Szalay 1999, AJ 118, 1406), NaN only
        where the flux is. Their softening is 1.042 times the median noise of the sky; well above
        it they equal ordinary magnitudes.
    """
    good = np.isfinite(curve.flux) & np.isfinite(curve.flux_err)
    if not good.any():
        nothing = np.full(len(curve), np.nan)
        return replace(curve, mag=nothing, mag_err=nothing)
    zero_point = known_number(curve.meta, "zero_point", DEFAULT_ZERO_POINT)
    soft = max(1.042 * float(np.median(_sky_noise(curve, zero_point)[good])), 1e-12)
    mag = zero_point - POGSON * (np.arcsinh(curve.flux / (2 * soft)) + np.log(soft))
    err = POGSON * curve.flux_err / np.hypot(2 * soft, curve.flux)
    return replace(curve, mag=np.where(good, mag, np.nan), mag_err=np.where(good, err, np.nan))


def _sky_noise(curve: LightCurve, zero_point: float) -> NDArray[np.float64]:
    """Flux error without the source's own photons, from the limit where there is one."""
    sigma = float(curve.meta.get("limit_sigma", PhotometryConfig.limit_sigma))
    noise = 10 ** (0.4 * (zero_point - curve.limit)) / sigma
    return np.where(np.isfinite(noise), noise, curve.flux_err)


def _frames(sequence: ImageSequence, config: PhotometryConfig) -> NDArray[np.float32]:
    """Frames to measure, NaN throughout where they cannot be used, shape (T, H, W)."""
    if config.frames == "difference":
        if sequence.difference is None:
            raise InvalidSequenceError(
                f"{sequence.object_id} has no difference images; measure its science frames"
            )
        sequence = sequence.with_frames(sequence.difference)
    unusable = np.array([bool(fault) for fault in frame_faults(sequence)])
    frames = mark_missing(sequence.frames)
    return np.where(unusable[:, None, None], np.float32(np.nan), frames)


def _saturated(sequence: ImageSequence, pixels: Pixels) -> NDArray[np.bool_]:
    full = known_number(sequence.meta, "saturation", np.inf)
    inside = sequence.frames[:, pixels[0], pixels[1]]
    return np.any(inside >= full, axis=1)


def _light_curve(
    sequence: ImageSequence,
    config: PhotometryConfig,
    flux: NDArray[np.float64],
    err: NDArray[np.float64],
    dark: NDArray[np.float64],
) -> LightCurve:
    meta = sequence.meta
    zero_point = known_number(meta, "zero_point", config.zero_point)
    with np.errstate(divide="ignore", invalid="ignore"):
        detected = (flux > 0) & (flux >= config.detection_sigma * err)
        mag = np.where(detected, zero_point - 2.5 * np.log10(flux), np.nan)
        mag_err = np.where(detected, POGSON * err / flux, np.nan)
        limit = zero_point - 2.5 * np.log10(np.where(dark > 0, config.limit_sigma * dark, np.nan))
    keys = ("object_id", "label", "ra", "dec", "survey", "simulated", "time_kind")
    kept = {key: meta[key] for key in keys if key in meta}
    notes = []
    if np.isnan(known_number(meta, "zero_point", np.nan)):
        kept["system"] = f"zero point {zero_point:.2f} assumed"
        notes.append(f"Zero point unknown: magnitudes assume {zero_point:.2f} mag for one count.")
    if np.isnan(known_number(meta, "gain", np.nan)):
        notes.append(f"Gain unknown: errors assume {config.gain:g} electrons a count.")
    kept |= {"zero_point": zero_point, "limit_sigma": config.limit_sigma, "notes": notes}
    return LightCurve(
        sequence.times, mag, mag_err, flux, err, limit, bands=sequence.bands, meta=kept
    )
