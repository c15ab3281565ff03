"""What public services know of a place: a colour image, the light curve of another survey.

Asked only when a reader wishes so, by the server and never by the page, with a time limit and a
limit on the size; whatever goes wrong is one sentence.
"""

from __future__ import annotations

import csv
import io
import math
import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import quote, urlencode, urlsplit

import numpy as np

from taonet_core import __version__
from taonet_core.data.lightcurve import LightCurve
from taonet_core.errors import ServiceError

#: Images cut from surveys (Centre de Données astronomiques de Strasbourg).
HIPS2FITS = "https://alasky.cds.unistra.fr/hips-image-services/hips2fits"
#: Light curves of the ZTF data releases (NASA/IPAC Infrared Science Archive).
ZTF_LIGHT_CURVES = "https://irsa.ipac.caltech.edu/cgi-bin/ZTF/nph_light_curves"
#: Seconds that a service may take.
TIMEOUT = 8.0
#: Most bytes of an answer.
MAX_BYTES = 8 * 2**20
#: Pan-STARRS has not looked south of this (degrees); DSS has everywhere.
PANSTARRS_LIMIT = -29.5
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG")
_BAD_CATFLAGS = 32_768  # ZTF Science Data System Explanatory Supplement, section 13.6


def sky_image(
    ra: float, dec: float, *, width_arcsec: float, pixels: int = 400
) -> tuple[bytes, str]:
    """Fetch a colour image of a place, north up and east left.

    Parameters
    ----------
    ra, dec : float
        ICRS, degrees; the middle of the image.
    width_arcsec : float
        Side of the image on the sky.
    pixels : int
        Side of the image.

    Returns
    -------
    image : bytes
        JPEG or PNG.
    survey : str
        Which survey it is of.

    Raises
    ------
    ServiceError
        If the service does not answer in time, or with something else.
    """
    name, hips = "Pan-STARRS1, z g", "CDS/P/PanSTARRS/DR1/color-z-zg-g"
    if dec < PANSTARRS_LIMIT:
        name, hips = "Digitized Sky Survey 2, red blue", "CDS/P/DSS2/color"
    answer = _ask(
        HIPS2FITS,
        {
            "hips": hips,
            "ra": f"{ra:.6f}",
            "dec": f"{dec:.6f}",
            "fov": f"{width_arcsec / 3600:.6f}",
            "width": str(pixels),
            "height": str(pixels),
            "projection": "TAN",
            "coordsys": "icrs",
            "format": "jpg",
        },
    )
    if not answer.startswith(_IMAGES):
        raise ServiceError(
            f"{urlsplit(HIPS2FITS).netloc} did not send an image; try again later, or open Aladin"
        )
    return answer, name


def ztf_light_curve(ra: float, dec: float, *, radius_arcsec: float = 2.0) -> LightCurve:
    """Fetch what the Zwicky Transient Facility has measured at a place, in g, r and i.

    Parameters
    ----------
    ra, dec : float
        ICRS, degrees.
    radius_arcsec : float
        How far from it sources count.

    Returns
    -------
    LightCurve
        Heliocentric MJD, AB magnitudes of good quality; without a point where there is none.

    Raises
    ------
    ServiceError
        If the service does not answer in time, or with something else.
    """
    answer = _ask(
        ZTF_LIGHT_CURVES,
        {
            "POS": f"CIRCLE {ra:.6f} {dec:.6f} {radius_arcsec / 3600:.6f}",
            "BANDNAME": "g,r,i",
            "BAD_CATFLAGS_MASK": str(_BAD_CATFLAGS),
            "FORMAT": "CSV",
        },
    )
    host = urlsplit(ZTF_LIGHT_CURVES).netloc
    try:
        rows = list(csv.DictReader(io.StringIO(answer.decode("utf-8"))))
        points = [
            (float(row["mjd"]), float(row["mag"]), float(row["magerr"]), row["filtercode"])
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ServiceError(
            f"{host} did not send a light curve; try again later, or open the SNAD ZTF viewer"
        ) from error
    points = sorted(p for p in points if all(math.isfinite(n) for n in p[:3]))
    columns = np.array([p[:3] for p in points], dtype=np.float64).reshape(-1, 3).T
    bands = np.array([p[3].removeprefix("z") for p in points], dtype=str)
    time, mag, mag_err = columns
    return LightCurve(time, mag, mag_err, bands=bands, meta={"survey": "ZTF", "system": "AB"})


def _ask(page: str, parts: dict[str, str]) -> bytes:
    """Fetch an address, within `TIMEOUT` and `MAX_BYTES`."""
    host = urlsplit(page).netloc
    request = urllib.request.Request(
        f"{page}?{urlencode(parts, quote_via=quote)}",
        headers={"User-Agent": f"TAO-Net Explorer/{__version__}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise ServiceError(f"{host} answers with error {error.code}; try again later") from error
    except (OSError, HTTPException) as error:  # URLError and time-outs are OSErrors
        raise ServiceError(
            f"{host} cannot be reached from here; the rest of the page does without it. Try again "
            "later, or follow the links"
        ) from error
    if len(data) > MAX_BYTES:
        raise ServiceError(f"{host} sent more than {MAX_BYTES // 2**20} MiB; refused")
    return data
