"""The place of a named object, asked of the Sesame service of the CDS, Strasbourg."""

from __future__ import annotations

from taonet_core.errors import ServiceError

#: Seconds each of the service's two addresses is waited for.
PATIENCE = 5.0


def resolve_name(name: str) -> tuple[float, float]:
    """Return right ascension and declination in degrees, ICRS, of what SIMBAD, NED or VizieR know.

    Parameters
    ----------
    name : str
        Such as ``'M 31'`` or ``'SN 2021rhu'``.

    Raises
    ------
    ServiceError
        If the name is not known there, or the service does not answer.
    """
    from astropy.coordinates.name_resolve import NameResolveError, get_icrs_coordinates
    from astropy.utils.data import conf

    name = " ".join(name.split())
    try:
        with conf.set_temp("remote_timeout", PATIENCE):
            place = get_icrs_coordinates(name)
    except NameResolveError as error:
        if "queries failed" in str(error):
            raise ServiceError(
                "Sesame (CDS) does not answer; try again later, or search by position"
            ) from error
        raise ServiceError(
            f"neither SIMBAD nor NED nor VizieR knows {name!r}; look at the spelling, or search by "
            "position"
        ) from error
    except OSError as error:
        raise ServiceError(f"Sesame (CDS) broke off its answer ({error}); try again") from error
    return float(place.ra.deg), float(place.dec.deg)
