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

_ZTF = re.compile(r"\bZTF\d{2}[a-z]{7}\b")
_TNS = re.compile(r"\b(?:SN|AT|TDE)\s?((?:19|20)\d{2}(?:[A-Za-z]|[a-z]{2,5}))\b")


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
    northern = dec >= SOUTHERN_LIMIT
    return [
        *_catalogues(ra, dec),
        *(_northern_images(ra, dec) if northern else ()),
        *_images(ra, dec),
        *(_searches(ra, dec) if northern else ()),
    ]


def _catalogues(ra: float, dec: float) -> list[Link]:
    group, place = "Catalogues", f"{ra:.6f} {dec:+.6f}"
    return [
        Link(
            group,
            "SIMBAD",
            _query(
                "https://simbad.cds.unistra.fr/simbad/sim-coo",
                {
                    "Coord": place,
                    "CooFrame": "ICRS",
                    "Radius": f"{RADIUS:g}",
                    "Radius.unit": "arcsec",
                },
            ),
            f"Known stars and galaxies within {RADIUS:g} arcsec.",
        ),
        Link(
            group,
            "NED",
            _query(
                "https://ned.ipac.caltech.edu/conesearch",
                {
                    "search_type": "Near Position Search",
                    "in_csys": "Equatorial",
                    "in_equinox": "J2000",
                    "coordinates": f"{ra:.6f}d {dec:+.6f}d",
                    "radius": f"{RADIUS / 60:.3f}",
                },
            ),
            f"Known galaxies and their redshifts within {RADIUS:g} arcsec.",
        ),
        Link(
            group,
            "TNS",
            _query(
                "https://www.wis-tns.org/search",
                {
                    "ra": f"{ra:.6f}",
                    "decl": f"{dec:.6f}",
                    "radius": f"{RADIUS:g}",
                    "coords_unit": "arcsec",
                },
            ),
            f"Reported transients within {RADIUS:g} arcsec.",
        ),
        Link(
            group,
            "VizieR",
            _query(
                "https://vizier.cds.unistra.fr/viz-bin/VizieR-4",
                {"-c": place, "-c.rs": f"{RADIUS:g}"},
            ),
            f"Every published catalogue within {RADIUS:g} arcsec.",
        ),
    ]


def _images(ra: float, dec: float) -> list[Link]:
    spot = f"{ra:.6f},{dec:.6f}"
    return [
        Link(
            "Images",
            "Aladin",
            _query(
                "https://aladin.cds.unistra.fr/AladinLite/",
                {"target": f"{ra:.6f} {dec:+.6f}", "fov": "0.05"},
            ),
            "The sky around, in images of many surveys.",
        ),
        Link(
            "Images",
            "Legacy Survey",
            _query(
                "https://www.legacysurvey.org/viewer",
                {
                    "ra": f"{ra:.6f}",
                    "dec": f"{dec:.6f}",
                    "layer": "ls-dr10",
                    "zoom": "16",
                    "mark": spot,
                },
            ),
            "Deep colour images of the DESI Legacy Imaging Surveys.",
        ),
    ]


def _northern_images(ra: float, dec: float) -> list[Link]:
    return [
        Link(
            "Images",
            "Pan-STARRS",
            _query(
                "https://ps1images.stsci.edu/cgi-bin/ps1cutouts",
                {"pos": f"{ra:.6f} {dec:+.6f}", "filter": "color"},
            ),
            "Colour cutout of the Pan-STARRS1 stack.",
        )
    ]


def _searches(ra: float, dec: float) -> list[Link]:
    group = "Alerts and light curves"
    cone = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "radius": f"{RADIUS:g}"}
    snad = quote(f"{ra:.6f} {dec:.6f}")
    return [
        Link(
            group,
            "ALeRCE search",
            _query("https://alerce.online/", {**cone, "page": "1"}),
            f"ZTF alerts within {RADIUS:g} arcsec.",
        ),
        Link(
            group,
            "Fink search",
            _query("https://ztf.fink-portal.org/", {"action": "conesearch", **cone}),
            f"ZTF alerts within {RADIUS:g} arcsec.",
        ),
        Link(
            group,
            "SNAD ZTF viewer",
            f"https://ztf.snad.space/search/{snad}/{RADIUS:g}",
            f"Light curves of the ZTF data releases within {RADIUS:g} arcsec.",
        ),
    ]


def _query(page: str, parts: dict[str, str]) -> str:
    return f"{page}?{urlencode(parts, quote_via=quote)}"
