"""What the columns of a table may mean, and how they are usually called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """One meaning that a column may have.

    Attributes
    ----------
    title : str
        Words on screen.
    help : str
        One sentence.
    names : tuple of str
        Spellings in order of preference, small letters and digits only.
    usual : (float, float) or None
        Values it may have; None for text.
    typical : (float, float) or None
        Where its median lies, to tell it by its values; None where that tells nothing.
    flagged : bool
        Whether values of 90 and more stand for "no measurement".
    unit : str
        Taken for granted where the file states none.
    """

    title: str
    help: str
    names: tuple[str, ...]
    usual: tuple[float, float] | None = None
    typical: tuple[float, float] | None = None
    flagged: bool = False
    unit: str = ""


_OBJECT = Role(
    "Object",
    "Which object a row belongs to. Without it the table is one object, named after the file.",
    ("objectid", "oid", "diaobjectid", "sourceid", "crtsid", "masterid", "object", "objname",
     "objectname", "starname", "starid", "star", "targetname", "targetid", "target", "sourcename",
     "source", "id", "name"),
)  # fmt: skip
_LABEL = Role(
    "Class",
    "The known class in any words; they are matched with the six classes below.",
    ("label", "class", "classname", "taoclass", "classification", "truth", "trueclass", "type",
     "objtype", "osctype", "spectraltype"),
)  # fmt: skip
_RA = Role(
    "Right ascension", "ICRS, in degrees or as hh:mm:ss.",
    ("ra", "raj2000", "radeg", "meanra", "raicrs", "alphaj2000"), (0.0, 360.0), unit="deg",
)  # fmt: skip
_DEC = Role(
    "Declination", "ICRS, in degrees or as ±dd:mm:ss.",
    ("dec", "dej2000", "decj2000", "decdeg", "decl", "meandec", "deicrs", "deltaj2000"),
    (-90.0, 90.0), unit="deg",
)  # fmt: skip

_CURVES: Mapping[str, Role] = {
    "object_id": _OBJECT,
    "time": Role(
        "Time", "MJD, JD, HJD, BJD, or date and time.",
        ("mjd", "mjdobs", "obsmjd", "midpointmjdtai", "jd", "jdobs", "obsjd", "hjd", "bjd",
         "time", "dateobs", "datetime", "date", "utc", "utdate"),
        (-1e5, 1e5), (30_000.0, 70_000.0),
    ),
    "mag": Role(
        "Magnitude", "Apparent magnitude; values such as 99 or \">19.5\" are not detections.",
        ("mag", "magnitude", "magpsf", "psfmag", "magauto", "vmag"),
        (-5.0, 40.0), (5.0, 28.0), flagged=True, unit="mag",
    ),
    "mag_err": Role(
        "Error of the magnitude", "One sigma.",
        ("magerr", "magerror", "emag", "errmag", "sigmapsf", "sigmag", "magnitudeerr",
         "magnitudeerror", "emagnitude", "evmag", "psfmagerr", "magerrauto", "uncertainty", "err",
         "error", "sigma"),
        (0.0, 10.0), (1e-4, 1.5), flagged=True, unit="mag",
    ),
    "flux": Role(
        "Flux", "Flux of the source in any unit; the zero point says which.",
        ("flux", "psfflux", "forcediffimflux", "forcedflux", "fluxcal", "ujy", "flux1"),
        (-1e30, 1e30),
    ),
    "flux_err": Role(
        "Error of the flux", "One sigma, in the unit of the flux.",
        ("fluxerr", "fluxerror", "psffluxerr", "fluxunc", "eflux", "errflux", "forcediffimfluxunc",
         "fluxcalerr", "dujy", "sigmaflux"),
        (0.0, 1e30),
    ),
    "zero_point": Role(
        "Zero point", "Magnitude of a flux of 1, row by row.",
        ("zp", "zeropoint", "zpdiff", "magzp", "zpt"), (-50.0, 50.0), flagged=True, unit="mag",
    ),
    "band": Role(
        "Filter", "1, 2, 3 are read as g, r, i of ZTF.",
        ("band", "filter", "fid", "filt", "passband", "filtercode"),
    ),
    "limit": Role(
        "Limiting magnitude", "How faint the exposure could see.",
        ("limit", "diffmaglim", "maglim", "limmag", "limitingmag"),
        (0.0, 40.0), flagged=True, unit="mag",
    ),
    "is_limit": Role(
        "Is a limit", "True, 1 or yes where the magnitude is an upper limit.",
        ("upperlimit", "islimit", "isupperlimit"),
    ),
    "label": _LABEL,
    "ra": _RA,
    "dec": _DEC,
}  # fmt: skip
_LABELS: Mapping[str, Role] = {
    "label": _LABEL,
    "object_id": Role("Object", "Name of the object that the row is about.", _OBJECT.names),
    "file": Role(
        "File name", "Name of the object's file or folder.",
        ("file", "filename", "path", "filepath", "image", "folder"),
    ),
    "ra": _RA,
    "dec": _DEC,
}  # fmt: skip

#: Use of a table -> what its columns may mean.
ROLES: Mapping[str, Mapping[str, Role]] = {"curves": _CURVES, "labels": _LABELS}
#: Use -> what is needed; of each line one group of roles is enough.
NEEDED: Mapping[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "curves": ((("time",),), (("mag", "mag_err"), ("flux", "flux_err"))),
    "labels": ((("label",),), (("object_id",), ("file",), ("ra", "dec"))),
}
#: Unit of a flux, in small letters -> AB magnitude of 1 of it (SNANA's FLUXCAL by definition).
UNITS: Mapping[str, float] = {
    "jy": 8.9, "mjy": 16.4, "ujy": 23.9, "µjy": 23.9, "μjy": 23.9, "microjy": 23.9,
    "njy": 31.4, "fluxcal": 27.5,
}  # fmt: skip
