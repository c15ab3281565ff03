"""An explanation as a FITS file: the evidence of every night on the sky."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from astropy.io import fits

from taonet_core.data.atomic import atomic_path
from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence


def evidence_bytes(attribution: Attribution, sequence: ImageSequence) -> bytes:
    """Return a FITS file with the evidence of every night.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        What was explained; its WCS goes with the maps.

    Returns
    -------
    bytes
        ``EVIDENCE``: a cube, one plane a night, natural logarithm of the odds. ``NIGHTS``: MJD,
        sum of the evidence and share of all evidence of each plane. ``FRAMES``: MJD and plane
        (from 0; -1 where it was not read) of each frame of the sequence.
    """
    header = fits.Header()
    if sequence.wcs is not None:
        wcs = sequence.wcs.deepcopy()
        wcs.wcs.crpix = wcs.wcs.crpix - [attribution.meta["left"], attribution.meta["top"]]
        header = wcs.to_header(relax=True)
    against = "" if attribution.against is None else str(attribution.against)
    cards = {
        "OBJECT": (sequence.object_id, "name of the object"),
        "TARGET": (str(attribution.target), "class explained"),
        "AGAINST": (against, "class it is told from; empty: all others"),
        "MODEL": (attribution.model, "whose decision it is"),
        "MODELVER": (attribution.model_version, "its version"),
        "METHOD": (attribution.method, "how evidence was shared out"),
        "BASELINE": (attribution.baseline, "what it is compared with"),
        "EXPLAIND": (attribution.explained, "log-odds less those of the baseline"),
        "SIGNED": (attribution.signed, "below zero speaks against the class"),
    }
    for key, card in cards.items():
        header[key] = card
    if np.isfinite(attribution.delta):
        header["SUMDELTA"] = (attribution.delta, "sum of the evidence less EXPLAIND")
    night = np.arange(len(attribution.times))
    nights = (
        fits.Column("NIGHT", "J", array=night),
        fits.Column("MJD", "D", unit="d", array=attribution.times),
        fits.Column("EVIDENCE", "D", array=attribution.per_night),
        fits.Column("SHARE", "D", array=attribution.importance),
    )
    frames = (
        fits.Column("MJD", "D", unit="d", array=sequence.times),
        fits.Column("NIGHT", "J", array=attribution.night_of_frame),
    )
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(attribution.values, header, name="EVIDENCE"),
        fits.BinTableHDU.from_columns(nights, name="NIGHTS"),
        fits.BinTableHDU.from_columns(frames, name="FRAMES"),
    ]
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer, checksum=True)
    return buffer.getvalue()


def write_evidence(attribution: Attribution, sequence: ImageSequence, path: str | Path) -> Path:
    """Write what `evidence_bytes` returns; return the path."""
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(evidence_bytes(attribution, sequence))
    return path
