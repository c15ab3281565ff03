"""Colours of black bodies: from a magnitude in V to that in another band."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

#: Effective wavelength of V, in which magnitudes of targets and stars are given, nm.
V_WAVELENGTH = 551.0
#: Second radiation constant h c / k, nm K.
_RADIATION = 1.438777e7


@overload
def band_offset(temperature: float, wavelength: float) -> float: ...
@overload
def band_offset(
    temperature: NDArray[np.float64], wavelength: float | NDArray[np.float64]
) -> NDArray[np.float64]: ...
@overload
def band_offset(temperature: float, wavelength: NDArray[np.float64]) -> NDArray[np.float64]: ...
def band_offset(
    temperature: float | NDArray[np.float64], wavelength: float | NDArray[np.float64]
) -> float | NDArray[np.float64]:
    """AB magnitude of a black body in a band less that in V.

    Parameters
    ----------
    temperature : float or ndarray
        Effective (colour) temperature, K.
    wavelength : float or ndarray
        Effective wavelength of the band, nm; broadcast against `temperature`.

    Returns
    -------
    float or ndarray
        -2.5 log10 of the ratio of Planck's B_nu at the two wavelengths: 0 at 551 nm, negative in
        the red for cool bodies.
    """

    def log_intensity(nm: float | NDArray[np.float64]) -> NDArray[np.float64]:
        exponent = _RADIATION / (np.asarray(nm) * np.asarray(temperature))
        # log(exp(x) - 1), which does not overflow for cool bodies
        return -3 * np.log(nm) - exponent - np.log1p(-np.exp(-exponent))

    offset = -2.5 / np.log(10) * (log_intensity(wavelength) - log_intensity(V_WAVELENGTH))
    return offset if offset.ndim else float(offset)
