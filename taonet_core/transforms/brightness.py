"""How bright an object got, in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.transforms.summary import peak_epoch


def brightness_facts(curve: LightCurve) -> dict[str, Any]:
    """Sum up a light curve.

    Parameters
    ----------
    curve : LightCurve

    Returns
    -------
    dict
        ``mag_peak`` (mag) and ``snr_peak`` of the epoch that stands for its brightest night (see
        `peak_epoch`), NaN where it was not measured; ``n_detected``, points with a magnitude;
        ``bands``, its filters, most observed first.
    """
    peak = peak_epoch(curve)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_flux = curve.flux[peak] / curve.flux_err[peak]
        by_mag = 2.5 / np.log(10) / curve.mag_err[peak]
    snr = by_flux if np.isfinite(by_flux) else by_mag
    return {
        "mag_peak": float(curve.mag[peak]),
        "snr_peak": float(snr) if np.isfinite(snr) else np.nan,
        "n_detected": int(curve.detected.sum()),
        "bands": " ".join(band for band in curve.per_band() if band),
    }
