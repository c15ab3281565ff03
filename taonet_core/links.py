"""Where else to look at an object: links to catalogues, images, alerts and light curves.

Nothing here asks the network; a link is opened by the reader alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import numpy as np

#: Radius of the searches (arcsec).
RADIUS = 10.0
#: South of this declination Pan-STARRS and ZTF have not looked (degrees).
SOUTHERN_LIMIT = -30.0

_ZTF = re.compile(r"\bZTF\d{2}[a-z]{7}\b", re.ASCII)
_TNS = re.compile(r"\b(?:SN|AT|TDE)\s?((?:19|20)\d{2}(?:[A-Za-z]|[a-z]{2,5}))\b", re.ASCII)


@dataclass(frozen=True)
class Link:
    """A page elsewhere.

    Attributes
    ----------
    group : str
        What kind of thing is there, for a heading.
    name : str
        Whose page it is.
    url : str
        Address, https, every part quoted.
    hint : str
        One sentence: what is to be seen there.
    """

    group: str
    name: str
    url: str
    hint: str


def links_out(
    ra: float | None,
    dec: float | None,
    names: Iterable[str] = (),
    *,
    simulated: bool = False,
) -> tuple[list[Link], str]:
    """Return where else an object can be looked up.

    Parameters
    ----------
    ra, dec : float or None
        ICRS, degrees.
    names : iterable of str
        What the object is called; those of ZTF alerts and of the Transient Name Server lead to
        its own pages.
    simulated : bool
        A simulated object is nowhere on the sky: whatever is at its position is another.

    Returns
    -------
    links : list of Link
        Pages of the object itself first, then searches of `RADIUS` around its position.
    reason : str
        Why there are none, or why only pages by name; empty where nothing is missing.
    """
    if simulated:
        return [], (
            "This object is simulated: it is nowhere on the sky, and what catalogues hold at its "
            "position is something else."
        )
    text = " ".join(str(name) for name in names)
    found = [*_alert_pages(text), *_name_pages(text)]
    if ra is None or dec is None or not np.isfinite([ra, dec]).all() or abs(dec) > 90:
        return found, (
            "The file has no coordinates, so only pages of the object's name can be opened."
            if found
            else "The file has no coordinates and its name is of no public survey: there is "
            "nothing to search for."
        )
    return [*found, *_place_pages(float(ra) % 360, float(dec))], ""


def _alert_pages(text: str) -> list[Link]:
    match = _ZTF.search(text)
    if match is None:
        return []
    name, group = quote(match[0]), "This object"
    return [
        Link(
            group,
            "ALeRCE",
            f"https://alerce.online/object/{name}",
            "Alerts, stamps and classes of the ALeRCE broker.",
        ),
        Link(
            group,
            "Fink",
            f"https://ztf.fink-portal.org/{name}",
            "Alerts, cutouts and scores of the Fink broker.",
        ),
        Link(
            group,
            "Lasair",
            f"https://lasair-ztf.lsst.ac.uk/objects/{name}/",
            "Alerts, context and annotations of the Lasair broker.",
        ),
    ]


def _name_pages(text: str) -> list[Link]:
    match = _TNS.search(text)
    if match is None:
        return []
    page = f"https://www.wis-tns.org/object/{quote(match[1])}"
    return [Link("This object", "TNS", page, "Reports and spectroscopic class of the object.")]


def _place_pages(ra: float, dec: float) -> list[Link]:
    """Fill in the searches of `_SEARCHES` that have looked there."""
    fields = {
        "ra": f"{ra:.6f}",
        "dec": f"{dec:.6f}",
        "signed": f"{dec:+.6f}",
        "radius": f"{RADIUS:g}",
        "arcmin": f"{RADIUS / 60:.3f}",
    }
    links = []
    for name, (group, page, query, hint) in _SEARCHES.items():
        if dec < SOUTHERN_LIMIT and name in _NORTHERN:
            continue
        url = page.format(**{key: quote(text) for key, text in fields.items()})
        parts = {key: text.format(**fields) for key, text in query.items()}
        url += f"?{urlencode(parts, quote_via=quote)}" if parts else ""
        links.append(Link(group, name, url, hint.format(**fields)))
    return links


_CATALOGUES, _IMAGES, _ALERTS = "Catalogues", "Images", "Alerts and light curves"
_PLACE = "{ra} {signed}"
_CONE = {"ra": "{ra}", "dec": "{dec}", "radius": "{radius}"}
#: Name -> (group, address, query, hint); fields as `_place_pages` fills them.
_SEARCHES: dict[str, tuple[str, str, dict[str, str], str]] = {
    "SIMBAD": (
        _CATALOGUES,
        "https://simbad.cds.unistra.fr/simbad/sim-coo",
        {"Coord": _PLACE, "CooFrame": "ICRS", "Radius": "{radius}", "Radius.unit": "arcsec"},
        "Known stars and galaxies within {radius} arcsec.",
    ),
    "NED": (
        _CATALOGUES,
        "https://ned.ipac.caltech.edu/conesearch",
        {
            "search_type": "Near Position Search",
            "in_csys": "Equatorial",
            "in_equinox": "J2000",
            "coordinates": "{ra}d {signed}d",
            "radius": "{arcmin}",
        },
        "Known galaxies and their redshifts within {radius} arcsec.",
    ),
    "TNS": (
        _CATALOGUES,
        "https://www.wis-tns.org/search",
        {"ra": "{ra}", "decl": "{dec}", "radius": "{radius}", "coords_unit": "arcsec"},
        "Reported transients within {radius} arcsec.",
    ),
    "VSX": (
        _CATALOGUES,
        "https://www.aavso.org/vsx/index.php",
        {
            "view": "results.get",
            "coords": _PLACE,
            "format": "d",
            "size": "{radius}",
            "unit": "3",  # arcsec
        },
        "Known variable stars within {radius} arcsec.",
    ),
    "VizieR": (
        _CATALOGUES,
        "https://vizier.cds.unistra.fr/viz-bin/VizieR-4",
        {"-c": _PLACE, "-c.rs": "{radius}"},
        "Every published catalogue within {radius} arcsec.",
    ),
    "Pan-STARRS": (
        _IMAGES,
        "https://ps1images.stsci.edu/cgi-bin/ps1cutouts",
        {"pos": _PLACE, "filter": "color"},
        "Colour cutout of the Pan-STARRS1 stack.",
    ),
    "Aladin": (
        _IMAGES,
        "https://aladin.cds.unistra.fr/AladinLite/",
        {"target": _PLACE, "fov": "0.05"},
        "The sky around, in images of many surveys.",
    ),
    "Legacy Survey": (
        _IMAGES,
        "https://www.legacysurvey.org/viewer",
        {"ra": "{ra}", "dec": "{dec}", "layer": "ls-dr10", "zoom": "16", "mark": "{ra},{dec}"},
        "Deep colour images of the DESI Legacy Imaging Surveys.",
    ),
    "ALeRCE search": (
        _ALERTS,
        "https://alerce.online/",
        {**_CONE, "page": "1"},
        "ZTF alerts within {radius} arcsec.",
    ),
    "Fink search": (
        _ALERTS,
        "https://ztf.fink-portal.org/",
        {"action": "conesearch", **_CONE},
        "ZTF alerts within {radius} arcsec.",
    ),
    "SNAD ZTF viewer": (
        _ALERTS,
        "https://ztf.snad.space/search/{ra}%20{dec}/{radius}",
        {},
        "Light curves of the ZTF data releases within {radius} arcsec.",
    ),
}
_NORTHERN = {"Pan-STARRS", "ALeRCE search", "Fink search", "SNAD ZTF viewer"}
