"""Small files that visitors hand over: a few frames of a star that brightens, all different."""

from __future__ import annotations

import io

import numpy as np
from astropy.io import fits

#: Frames of a file, and pixels of their sides: small, since the model and the page are the load.
FRAMES, SIZE = 6, 32


def small_sequence(seed: int, name: str) -> bytes:
    """Return a FITS file of six frames, one a night.

    Parameters
    ----------
    seed : int
        Of the noise and of the brightness; no two files are alike.
    name : str
        Of the object.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    star = np.exp(-(rows**2 + columns**2) / 4.0)
    peak = rng.uniform(500, 5_000)
    hdus: list[fits.PrimaryHDU | fits.ImageHDU] = [fits.PrimaryHDU()]
    for night in range(FRAMES):
        frame = rng.normal(1_500, 30, (SIZE, SIZE)) + peak * (1 + night) / FRAMES * star
        hdus.append(fits.ImageHDU(frame.astype(np.float32)))
        hdus[-1].header["MJD-OBS"] = 58_000.25 + 5 * night
        hdus[-1].header["FILTER"] = "r"
    hdus[0].header["OBJECT"] = name
    file = io.BytesIO()
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()
