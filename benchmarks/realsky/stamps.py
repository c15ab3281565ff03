"""Pixels: stamps of the ZTF preset beside real ones (Bellm et al. 2019, PASP 131, 018002)."""

from __future__ import annotations

import gzip
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from realsky.sampling import quantiles_beside
from taonet_core.labels import SIX_CLASSES
from taonet_core.simulation.draw import draw_object

SIZE = 63
#: Magnitude to which alerts are complete, five sigma.
ALERT_MAG = 20.5
Stamps = list[NDArray[np.float64]]


def load_stamps(folder: Path) -> dict[str, Stamps]:
    """Return the complete science stamps of real alerts by filter, one an object, counts."""
    alerts = pd.read_csv(folder / "ztf" / "alerts.csv.gz").drop_duplicates(["objectId", "fid"])
    stamps: dict[str, Stamps] = {"g": [], "r": []}
    with zipfile.ZipFile(folder / "ztf" / "alert_stamps.zip") as archive:
        for row in alerts[alerts["fid"] <= len(stamps)].itertuples():
            name = f"{row.objectId}/{row.candid}_sci.fits.gz"
            if name not in archive.namelist():
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VerifyWarning)
                data = _read(gzip.decompress(archive.read(name)))
            if data.shape == (SIZE, SIZE) and np.isfinite(data).all() and np.ptp(data) > 0:
                stamps["gr"[row.fid - 1]].append(data)
    return stamps


def draw_stamps(count: int, *, seed: int) -> dict[str, Stamps]:
    """Return frames of objects of the ZTF preset by filter, seen as well as alerts are."""
    rng = np.random.default_rng(seed)
    stamps: dict[str, Stamps] = {"g": [], "r": []}
    for index in range(count):
        label = SIX_CLASSES[index % len(SIX_CLASSES)]
        sequence = draw_object(label, survey="ztf", visibility=1.0, seed=seed, index=index)
        frames = sequence.frames
        seen = np.isfinite(frames).all((1, 2)) & (np.ptp(frames, (1, 2)) > 0)
        seen &= sequence.columns["true_mag"] < ALERT_MAG
        for band, chosen in stamps.items():
            index_ = np.flatnonzero(seen & (sequence.columns["band"] == band))
            if len(index_):
                chosen.append(frames[rng.choice(index_)].astype(np.float64))
    return stamps


def describe_stamps(stamps: Stamps) -> dict[str, NDArray[np.float64]]:
    """Sky, noise, width of stars and shape of the background of each stamp."""
    rows = [_describe(stamp) for stamp in stamps]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def power_spectrum(stamps: Stamps, bins: int = 20) -> NDArray[np.float64]:
    """Median azimuthal power of the background in units of white noise, shape (bins,).

    The sky within six times its noise, the rest clipped, over its variance; from one period a
    stamp to the Nyquist frequency.
    """
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE)))
    ring = np.clip((frequency / 0.5 * bins).astype(int), 0, bins)
    spectra = []
    for stamp in stamps:
        sky, noise = _sky(stamp)
        flat = np.clip((stamp - sky) / noise, -6, 6)
        power = np.abs(np.fft.fft2(flat - flat.mean())) ** 2 / flat.size
        spectra.append(np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel()))
    return np.median(spectra, 0)[:bins]


def background(stamps: Stamps) -> NDArray[np.float64]:
    """Pixels about the sky in units of the noise, all stamps together."""
    values = []
    for stamp in stamps:
        sky, noise = _sky(stamp)
        values.append(((stamp - sky) / noise).ravel())
    return np.concatenate(values)


def compare_stamps(real: Stamps, simulated: Stamps) -> dict[str, Any]:
    """Quantiles of every statistic, side by side."""
    table: dict[str, Any] = {"n": {"real": len(real), "simulated": len(simulated)}}
    one, two = describe_stamps(real), describe_stamps(simulated)
    for name, values in one.items():
        table[name] = quantiles_beside(values, two[name])
    table["power spectrum"] = {
        "real": power_spectrum(real).round(3).tolist(),
        "simulated": power_spectrum(simulated).round(3).tolist(),
    }
    return table


def _read(data: bytes) -> NDArray[np.float64]:
    with fits.open(io.BytesIO(data), ignore_missing_simple=True) as hdus:
        return np.asarray(hdus[0].data, dtype=np.float64)


def _sky(stamp: NDArray[np.float64]) -> tuple[float, float]:
    """Median and robust standard deviation after three rounds of clipping at three sigma."""
    values = stamp.ravel()
    for _ in range(3):
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        values = values[np.abs(values - middle) <= 3 * max(spread, 1e-9)]
    return float(np.median(values)), max(float(values.std()), 1e-9)


def _describe(stamp: NDArray[np.float64]) -> dict[str, float]:
    sky, noise = _sky(stamp)
    scaled = (stamp - sky) / noise
    step = stamp[:, 1:] - stamp[:, :-1]
    neighbours = 1.4826 * np.median(np.abs(step - np.median(step))) / np.sqrt(2)
    return {
        "sky, counts": sky,
        "noise, counts": noise,
        "noise of neighbouring pixels / noise": neighbours / noise,
        "share of pixels above 5 sigma": float(np.mean(scaled > 5)) + 1e-4,
        "share of pixels above 2 sigma": float(np.mean(scaled > 2)) + 1e-4,
        "width of stars, pixels": _star_width(scaled),
    }


def _star_width(scaled: NDArray[np.float64]) -> float:
    """Median FWHM of well-seen peaks by their sharpness; NaN if there is none.

    For a Gaussian, the peak over the mean of its four neighbours is exp(4 ln 2 / FWHM**2), whose
    smallest value over the position in a pixel is avoided by taking peaks near a pixel's middle.
    """
    peaks = (scaled == maximum_filter(scaled, 7)) & (scaled > 25)
    peaks[:4] = peaks[-4:] = False
    peaks[:, :4] = peaks[:, -4:] = False
    widths = []
    for y, x in zip(*np.nonzero(peaks), strict=True):
        left, right, up, down = (
            scaled[y, x - 1], scaled[y, x + 1], scaled[y - 1, x], scaled[y + 1, x],
        )  # fmt: skip
        logs = np.log(np.maximum([left, right, up, down], 1e-3))
        curvature = 2 * np.log(scaled[y, x]) - np.array([logs[0] + logs[1], logs[2] + logs[3]])
        if (curvature > 0.05).all():
            widths.append(np.sqrt(8 * np.log(2) / curvature.mean()))
    return float(np.median(widths)) if widths else np.nan
