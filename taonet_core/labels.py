"""The words for the classes, and how each one looks everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class TransientClass(StrEnum):
    """The six classes of TAO-Net (arXiv 2004.13877), in the order shown to people."""

    AGN = "AGN"
    BZ = "BZ"
    CV = "CV"
    OTHER = "OTHER"
    SN = "SN"
    NON = "NON"


@dataclass(frozen=True)
class ClassStyle:
    """How a class is named and drawn.

    Attributes
    ----------
    name : str
        Words for a reader.
    colour : str
        Hex colour of Okabe & Ito's colour-blind-safe set.
    marker : str
        Plotly marker symbol.
    glyph : str
        The same marker as a character, for badges and text.
    """

    name: str
    colour: str
    marker: str
    glyph: str


STYLES: dict[TransientClass, ClassStyle] = {
    TransientClass.AGN: ClassStyle("Active galactic nucleus", "#0072B2", "circle", "●"),
    TransientClass.BZ: ClassStyle("Blazar", "#CC79A7", "square", "■"),
    TransientClass.CV: ClassStyle("Cataclysmic variable", "#E69F00", "triangle-up", "▲"),
    TransientClass.OTHER: ClassStyle("Other transient", "#009E73", "diamond", "◆"),
    TransientClass.SN: ClassStyle("Supernova", "#D55E00", "star", "★"),
    TransientClass.NON: ClassStyle("Non-transient", "#7F7F7F", "x", "✕"),
}

#: Class order of the six-class task; a bundle's sidecar has the last word on its own order.
SIX_CLASSES: tuple[TransientClass, ...] = tuple(TransientClass)
#: The transients alone, without field sources.
FIVE_CLASSES: tuple[TransientClass, ...] = SIX_CLASSES[:5]

_NOT_TRANSIENT = re.compile(r"^(nontransient|non-transient|non)\b", re.IGNORECASE)
_LEFT_OUT = re.compile(r"^(flare|ast|SN\s*\?|CV\s*\?)", re.IGNORECASE)
_AGN = re.compile(r"\bAGN\b")


def class_from_catalog(text: str) -> TransientClass | None:
    """Turn the free-text class of the CRTS transient lists into one of the six classes.

    Parameters
    ----------
    text : str
        For example ``'SN 2006tf (TSS) SDSS mag 20,7'`` or ``'CV?'``.

    Returns
    -------
    TransientClass or None
        `None` for what the release leaves out: flares, asteroids, ``SN?`` and ``CV?``.

    Notes
    -----
    The rule reproduces the folders of the DEEP-TAO release (arXiv 2503.16714); it was inferred
    from them, the authors give none.
    """
    text = text.strip()
    words = text.split()
    if _NOT_TRANSIENT.match(text):
        return TransientClass.NON
    if _AGN.search(text):
        return TransientClass.AGN
    if text.lower().startswith("blazar"):
        return TransientClass.BZ
    if not words or _LEFT_OUT.match(text):
        return None
    if words[0] in (TransientClass.SN, TransientClass.CV):
        return TransientClass(words[0])
    return TransientClass.OTHER


#: What people call the classes, as patterns of the whole text in small letters; the first that
#: fits decides. Types of supernovae, blazars and cataclysmic variables as in the usual catalogues.
_WORDS: tuple[tuple[str, TransientClass], ...] = (
    (r"non|non[- ]?transient.*|not (a )?transient|bogus|artefact|artifact|constant",
     TransientClass.NON),
    (r"(sn|slsn)(e|\b(?!r).*|[-_ ]?i{1,2}[a-z]{0,3}\b.*)|supernova.*", TransientClass.SN),
    (r"blazar.*|bz[abqug]?|bl ?lac.*|bll|fsrq.*|bcu|blazer|(?!.*\b(non?|not)\b).*\bblazars?\b.*",
     TransientClass.BZ),
    # before types of supernovae and of variable stars: "type II AGN", "variable quasar"
    (r"agn.*|qso.*|quasar.*|seyfert.*|sy ?[12].*|liner|active galactic.*|nlsy1|"
     r"(?!.*\b(non?|not)\b).*\b(agn|qso|quasar|seyfert)s?\b.*", TransientClass.AGN),
    (r"type i{1,3}[a-z]{0,2}(?!.*\bcep)([- ].*)?|(i[abc]|i?ibc?|ii[lnp]?)([- ].*)?",
     TransientClass.SN),
    (r"cv|cv\b.*|cataclysmic.*|dwarf nova.*|dn|nova-?like.*|nl|ug(su|ss|z|wz|er)?|am her.*|"
     r"(intermediate )?polars?\b.*|dq her.*|am ?cvn.*|u gem.*", TransientClass.CV),
    (r"other.*|var.*|vs|v\*|star|stellar|rr ?lyr.*|rrl|rrab|rrc|e[abw]|eb|ecl.*|"
     r"(type i{1,2} )?cep.*|lpv|mira|yso|t ?tau.*|tde.*|tidal.*|hpm.*|nova|novae|lbv|ilrt|kilonova|"
     r"kn|microlensing|dsct|m ?dwarf|uv ?ceti|fu ?ori|r ?cor.*|rcb|symbiotic.*|asteroid|comet|sso|"
     r"flare.*", TransientClass.OTHER),
)  # fmt: skip
#: Words that begin like a class and are none.
_NO_CLASS = re.compile(r"polar[- ]ring\b.*")
_IBC = re.compile(r"\b(i[abc])/[abc]\b")


def class_from_words(text: str) -> TransientClass | None:
    """Turn what a person or catalogue calls a class into one of the six classes.

    Parameters
    ----------
    text : str
        One of the six names, or words in use: ``'SN Ia'``, ``'QSO'``, ``'BL Lac'``,
        ``'dwarf nova'``, ``'RR Lyrae'``.

    Returns
    -------
    TransientClass or None
        `None` where the words are doubtful (``'SN?'``, ``'SN/CV'``) or unknown.
    """
    words = " ".join(text.strip().lower().replace("_", " ").split())
    first, _, rest = words.partition(" ")
    if "?" in first or rest.startswith("?") or _NO_CLASS.fullmatch(words):
        return None
    known = {_class_of(part.strip()) for part in re.split(r"[/|]", _IBC.sub(r"\1", words))}
    if len(known) == 1 and None not in known:
        return known.pop()
    return None if re.search(r"[/|]", first) else _class_of(first)


def _class_of(words: str) -> TransientClass | None:
    names = {style.name.lower(): known for known, style in STYLES.items()}
    fitting = (known for pattern, known in _WORDS if re.fullmatch(pattern, words))
    return names.get(words) or next(fitting, None)
