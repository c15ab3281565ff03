"""An explanation to keep: a FITS cube, a table of nights, a strip of pictures."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core import __version__
from taonet_core.data.atomic import replacing
from taonet_core.data.exports import csv_text
from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.overlay import evidence_limit, evidence_on_frames, over_grey
from taonet_core.drawing.panels import make_panels
from taonet_core.plain_text import card_text, shown
from taonet_core.transforms.summary import epoch_columns, utc_texts

if TYPE_CHECKING:
    import pandas as pd
    from astropy.io import fits
    from PIL import Image

#: Most nights of a strip, those of most evidence.
MAX_NIGHTS = 24
_SIDE, _LINE, _GAP = 192, 18, 8


def evidence_nights(attribution: Attribution, sequence: ImageSequence) -> pd.DataFrame:
    """List the nights that were read, and what each one said.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        The one that was explained.

    Returns
    -------
    pandas.DataFrame
        One row a night read: ``night`` (of the sequence, from 1, as the viewer counts), ``mjd``
        (d; the number of the last frame where there are no times), ``utc``, ``frames`` (how many
        were used), ``evidence`` (log-odds, the sum over pixels) and ``importance`` (share of all
        evidence, for and against alike).
    """
    import pandas as pd

    epochs = epoch_columns(sequence.times, sequence.bands, sequence.meta)
    read = attribution.night_of_frame
    numbers = range(len(attribution.times))
    last = [int(np.flatnonzero(read == n)[-1]) for n in numbers]
    return pd.DataFrame(
        {
            "night": [epochs["night"][i] + 1 for i in last],
            "mjd": attribution.times,
            "utc": utc_texts(attribution.times) if epochs["dated"] else "",
            "frames": [int((read == n).sum()) for n in numbers],
            "evidence": attribution.per_night,
            "importance": attribution.importance,
        }
    )


def write_evidence(attribution: Attribution, sequence: ImageSequence, path: Path) -> Path:
    """Write an explanation, whole or not at all.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        The one that was explained.
    path : Path
        Ends in ``.fits`` (a cube of the maps, one plane a night, with the WCS of the frames, and a
        table of the nights), ``.csv`` (the table alone) or ``.png`` (`evidence_strip`).

    Raises
    ------
    ValueError
        If the ending is another.
    """
    writers = {".fits": _write_fits, ".csv": _write_csv, ".png": _write_png}
    if path.suffix not in writers:
        raise ValueError(f"wanted a name ending in {', '.join(writers)}; got {path.name!r}")
    with replacing(path) as temporary:
        writers[path.suffix](attribution, sequence, temporary)
    return path


def evidence_strip(attribution: Attribution, sequence: ImageSequence) -> bytes:
    """Draw the nights of most evidence in order of time, each frame with its evidence over it.

    Parameters
    ----------
    attribution : Attribution
    sequence : ImageSequence
        The one that was explained.

    Returns
    -------
    bytes
        A PNG in which all frames have one stretch and all maps one scale, north up and east left.
    """
    from PIL import Image, ImageDraw, ImageFont

    table = evidence_nights(attribution, sequence)
    nights = np.sort(np.argsort(-table["importance"].to_numpy(), kind="stable")[:MAX_NIGHTS])
    tiles = _tiles(attribution, sequence, nights)
    columns = min(6, len(tiles))
    height = math.ceil(len(tiles) / columns) * (_SIDE + 2 * _LINE + _GAP)
    size = (columns * (_SIDE + _GAP) + _GAP, height + 2 * _LINE + 2 * _GAP)
    picture = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for place, (tile, night) in enumerate(zip(tiles, nights, strict=True)):
        left = _GAP + place % columns * (_SIDE + _GAP)
        top = _GAP + place // columns * (_SIDE + 2 * _LINE + _GAP)
        picture.paste(tile.resize((_SIDE, _SIDE), Image.Resampling.NEAREST), (left, top))
        for line, text in enumerate(_caption(table.iloc[night], attribution)):
            draw.text((left, top + _SIDE + 2 + line * _LINE), text, fill=(20, 20, 20), font=font)
    for line, text in enumerate(_provenance(attribution, len(tiles))):
        draw.text((_GAP, height + _GAP + line * _LINE), text, fill=(90, 90, 90), font=font)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _write_csv(attribution: Attribution, sequence: ImageSequence, path: Path) -> None:
    path.write_text(csv_text(evidence_nights(attribution, sequence)), "utf-8")


def _write_png(attribution: Attribution, sequence: ImageSequence, path: Path) -> None:
    path.write_bytes(evidence_strip(attribution, sequence))


def _write_fits(attribution: Attribution, sequence: ImageSequence, path: Path) -> None:
    from astropy.io import fits

    header = _header(attribution, sequence)
    table = evidence_nights(attribution, sequence)
    columns = [
        fits.Column("NIGHT", "J", array=table["night"].to_numpy()),
        fits.Column("MJD", "D", unit="d", array=table["mjd"].to_numpy()),
        fits.Column("N_FRAMES", "J", array=table["frames"].to_numpy()),
        fits.Column("EVIDENCE", "D", array=table["evidence"].to_numpy()),
        fits.Column("SHARE", "D", array=table["importance"].to_numpy()),
    ]
    cube = fits.PrimaryHDU(attribution.values, header)
    nights = fits.BinTableHDU.from_columns(columns, name="NIGHTS")
    fits.HDUList([cube, nights]).writeto(path, overwrite=True)


def _header(attribution: Attribution, sequence: ImageSequence) -> fits.Header:
    """Return the WCS of the maps, and what they are."""
    from astropy.io import fits

    header = fits.Header()
    if sequence.wcs is not None:
        header = sequence.wcs.to_header(relax=True)
        header.remove("WCSAXES", ignore_missing=True)  # the nights are an axis too
        for axis, key in ((1, "left"), (2, "top")):
            header[f"CRPIX{axis}"] = header.get(f"CRPIX{axis}", 0.0) - attribution.meta[key]
    for keyword, (value, comment) in _cards(attribution).items():
        if not (isinstance(value, float) and math.isnan(value)):  # FITS has no NaN in a card
            header[keyword] = (value, comment)
    return header


def _cards(attribution: Attribution) -> dict[str, tuple[Any, str]]:
    against = "all others" if attribution.against is None else str(attribution.against)
    return {
        "OBJECT": (card_text(attribution.meta["object_id"], 60), "object explained"),
        "BTYPE": ("evidence", "log-odds of TARGET, one map a night read"),
        "TARGET": (str(attribution.target), "class the evidence speaks for"),
        "AGAINST": (against, "class it is told from"),
        "METHOD": (attribution.method, "method of attribution"),
        "BASELINE": (attribution.baseline, "what the images are compared with"),
        "STEPS": (int(attribution.meta["steps"]), "evaluations of the method"),
        "SIGNED": (attribution.signed, "whether signs mean for and against"),
        "EXPLAIND": (attribution.explained, "log-odds to be explained"),
        "DELTA": (attribution.delta, "sum of the maps minus EXPLAIND"),
        "MODEL": (attribution.model, "classifier"),
        "MODELVER": (attribution.model_version, "its version"),
        "CREATOR": (f"TAO-Net {__version__}", "software"),
    }


def _tiles(
    attribution: Attribution, sequence: ImageSequence, nights: NDArray[np.int64]
) -> list[Image.Image]:
    """Return a frame of each night with its evidence over it."""
    from PIL import Image

    panels = make_panels(sequence)
    maps = evidence_on_frames(attribution, sequence)[nights]
    limit = evidence_limit(attribution.values)
    tiles = []
    for values, night in zip(maps, nights, strict=True):
        frame = panels.nearest(int(np.flatnonzero(attribution.night_of_frame == night)[0]))
        grey, _ = panels.image("science", frame)
        tiles.append(Image.fromarray(over_grey(grey, panels.turned(panels.cut(values)) / limit)))
    return tiles


def _caption(night: pd.Series, attribution: Attribution) -> tuple[str, str]:
    when = night["utc"][:10] or f"frame {night['mjd'] + 1:.0f}"
    evidence = f", {night['evidence']:+.2f}" if attribution.signed else ""
    return f"night {night['night']}  {when}", f"{night['importance']:.0%} of evidence{evidence}"


def _provenance(attribution: Attribution, drawn: int) -> tuple[str, str]:
    against = "" if attribution.against is None else f" rather than {attribution.against}"
    name = shown(attribution.meta["object_id"], 60)
    few = "" if drawn == len(attribution.times) else f"; the {drawn} nights of most evidence"
    return (
        f"{name}: evidence for {attribution.target}{against} (orange for, blue against){few}",
        f"{attribution.model} {attribution.model_version}, {attribution.method}, baseline "
        f"{attribution.baseline}, {attribution.meta['steps']} steps; TAO-Net {__version__}",
    )
