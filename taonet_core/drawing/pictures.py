"""Pictures to keep: one epoch as PNG, the evolution as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from taonet_core import __version__
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.panels import Panels, make_panels
from taonet_core.plain_text import shown
from taonet_core.transforms.planes import PLANES
from taonet_core.transforms.preprocess import frame_faults, reading_band
from taonet_core.transforms.summary import utc_texts

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

#: Side of an image in a picture, about, and of one in an animation (pixels).
SIDE, SIDE_GIF = 320, 256
#: Most frames of an animation; longer sequences are thinned evenly.
MAX_FRAMES = 60
#: Milliseconds that a frame of an animation is shown, and the last one.
STEP_MS, LAST_MS = 300, 1500
_GAP, _MARGIN = 12, 16
_PAPER, _INK, _QUIET = 255, 20, 110


def epoch_png(
    sequence: ImageSequence,
    frame: int,
    curve: LightCurve | None = None,
    *,
    stretch: str = "asinh",
    interval: str = "zscale",
) -> bytes:
    """Draw one epoch: science, reference and difference, with compass, scale bar and caption.

    Parameters
    ----------
    sequence : ImageSequence
    frame : int
        Which frame, from 0; of a thinned sequence the nearest that is shown.
    curve : LightCurve, optional
        One point a frame; its magnitude goes into the caption.
    stretch, interval : str
        See `taonet_core.drawing.panels.make_panels`; limits hold for all frames together, so that
        pictures of several epochs can be compared.

    Returns
    -------
    bytes
        A PNG, 8-bit grey.

    Raises
    ------
    IndexError
        If there is no such frame.
    ValueError
        If stretch or interval is unknown.
    """
    if not 0 <= frame < len(sequence):
        raise IndexError(f"wanted a frame from 0 to {len(sequence) - 1}, got {frame}")
    panels = make_panels(sequence, curve, stretch=stretch, interval=interval)
    drawn = panels.nearest(frame)
    picture, draw = _sheet(panels, PLANES, SIDE, lines=3)
    _place(panels, drawn, PLANES, SIDE, picture)
    foot = picture.height - _MARGIN - 3 * 20
    for name, left in zip(PLANES, _lefts(panels, PLANES, SIDE), strict=True):
        draw.text((left, _MARGIN), name, fill=_INK, font=_font(15))
    lines = [_name(sequence), _caption(panels, drawn), _provenance(panels)]
    for i, (text, ink) in enumerate(zip(lines, (_INK, _INK, _QUIET), strict=True)):
        draw.text((_MARGIN, foot + 20 * i), text, fill=ink, font=_font(14 - (i == 2)))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def evolution_gif(
    sequence: ImageSequence,
    curve: LightCurve | None = None,
    *,
    stretch: str = "asinh",
    interval: str = "zscale",
) -> bytes:
    """Draw the evolution: science and difference of usable frames, date and magnitude on each.

    Parameters
    ----------
    sequence : ImageSequence
        Of several filters only the one of most nights is shown: others would flicker. At most
        `MAX_FRAMES` frames, evenly spaced.
    curve : LightCurve, optional
        One point a frame.
    stretch, interval : str
        As for `epoch_png`: one stretch for all frames.

    Returns
    -------
    bytes
        A GIF that repeats, 8-bit grey.
    """
    panels = make_panels(sequence, curve, stretch=stretch, interval=interval)
    names = ("science", "difference")
    pages = []
    usable = np.array([not fault for fault in panels.faults])
    for drawn in _animated(panels.sequence, usable):
        picture, draw = _sheet(panels, names, SIDE_GIF, lines=2)
        _place(panels, drawn, names, SIDE_GIF, picture)
        foot = picture.height - _MARGIN - 2 * 20
        draw.text((_MARGIN, foot), _caption(panels, drawn), fill=_INK, font=_font(13))
        draw.text((_MARGIN, foot + 20), _name(sequence), fill=_QUIET, font=_font(13))
        for name, left in zip(names, _lefts(panels, names, SIDE_GIF), strict=True):
            draw.text((left, _MARGIN), name, fill=_INK, font=_font(14))
        pages.append(picture)
    out = io.BytesIO()
    durations = [STEP_MS] * (len(pages) - 1) + [LAST_MS]
    pages[0].save(
        out, "GIF", save_all=True, append_images=pages[1:], duration=durations, loop=0, disposal=1
    )
    return out.getvalue()


def gif_words(sequence: ImageSequence) -> str:
    """Say which frames of a sequence `evolution_gif` shows, and why not all.

    Parameters
    ----------
    sequence : ImageSequence
    """
    usable = np.array([not fault for fault in frame_faults(sequence)])
    count, all_frames = len(_animated(sequence, usable)), len(sequence)
    if count == all_frames:
        return f"The evolution, all {count} frames with one stretch."
    return (
        f"The evolution, {count} of {all_frames} frames with one stretch: usable ones of one "
        f"filter, at most {MAX_FRAMES}, evenly spaced."
    )


def image_png(image: NDArray[np.uint8], missing: NDArray[np.bool_]) -> bytes:
    """Return an image as a PNG of the same pixels, transparent where there is no data.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3), uint8
        Grey or red, green, blue; the first row at the top.
    missing : ndarray, shape (H, W), bool
    """
    from PIL import Image

    out, opaque = io.BytesIO(), np.where(missing, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([image, opaque])).save(out, "PNG")
    return out.getvalue()


def _animated(sequence: ImageSequence, usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the frames of an animation: usable ones of one filter, thinned evenly."""
    one = sequence.bands == reading_band(sequence)
    for wanted in (usable & one, usable, np.ones(len(usable), dtype=bool)):
        if wanted.any():
            break
    frames = np.flatnonzero(wanted)
    count = min(MAX_FRAMES, len(frames))
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(np.int64)]


def _factor(panels: Panels, side: int) -> int:
    """Whole number by which pixels are enlarged, so that none looks larger than another."""
    return max(1, side // max(panels.sequence.frames.shape[1:]))


def _lefts(panels: Panels, names: Sequence[str], side: int) -> list[int]:
    width = panels.image("science", 0)[0].shape[1] * _factor(panels, side)
    return [_MARGIN + i * (width + _GAP) for i in range(len(names))]


def _sheet(
    panels: Panels, names: Sequence[str], side: int, *, lines: int
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty picture with room for titles, images and lines of text, and its pen."""
    from PIL import Image, ImageDraw

    rows, columns = (n * _factor(panels, side) for n in panels.image("science", 0)[0].shape)
    width = max(2 * _MARGIN + len(names) * (columns + _GAP) - _GAP, 2 * _MARGIN + 520)
    picture = Image.new("L", (width, rows + 2 * _MARGIN + 24 + 8 + 20 * lines), _PAPER)
    return picture, ImageDraw.Draw(picture)


def _place(
    panels: Panels, frame: int, names: Sequence[str], side: int, picture: Image.Image
) -> None:
    """Put the images of an epoch into a picture, with ring, compass and scale bar."""
    from PIL import Image, ImageDraw

    factor = _factor(panels, side)
    for name, left in zip(names, _lefts(panels, names, side), strict=True):
        image = panels.image(name, frame)
        grey, missing = (a.repeat(factor, axis=0).repeat(factor, axis=1) for a in image)
        rows, columns = np.indices(grey.shape)
        hatched = np.where((rows + columns) // 4 % 2, 150, 190)  # no grey of the data
        tile = Image.fromarray(np.where(missing, hatched, grey).astype(np.uint8))
        draw = ImageDraw.Draw(tile)
        _ring(panels, factor, draw)
        if name == "science":
            _compass(panels, draw)
            _scale_bar(panels, factor, tile.height, draw)
        picture.paste(tile, (left, _MARGIN + 24))


def _ring(panels: Panels, factor: int, draw: ImageDraw.ImageDraw) -> None:
    x, y = ((n + 0.5) * factor for n in panels.target)
    radius = factor * max(3.0, min(panels.sequence.frames.shape[1:]) / 14)
    for grown, shade in ((1, 0), (0, 255)):
        box = (x - radius - grown, y - radius - grown, x + radius + grown, y + radius + grown)
        draw.ellipse(box, outline=shade)


def _compass(panels: Panels, draw: ImageDraw.ImageDraw) -> None:
    if panels.sky["north"] is None:
        _outlined(draw, (8, 6), "orientation unknown", _font(12))
        return
    x, y = 40.0, 40.0
    for name in ("north", "east"):
        right, up = panels.sky[name]
        tip = (x + 24 * right, y - 24 * up)
        draw.line([(x, y), tip], fill=0, width=4)
        draw.line([(x, y), tip], fill=255, width=2)
        _outlined(draw, (x + 32 * right - 5, y - 32 * up - 8), name[0].upper(), _font(13))


def _scale_bar(panels: Panels, factor: int, height: int, draw: ImageDraw.ImageDraw) -> None:
    if panels.scale_bar is None:
        return
    arcsec, pixels = panels.scale_bar
    y = height - 12
    draw.line([(10, y), (10 + pixels * factor, y)], fill=0, width=5)
    draw.line([(10, y), (10 + pixels * factor, y)], fill=255, width=3)
    _outlined(draw, (10, y - 20), f'{arcsec:g}"', _font(13))


def _outlined(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    draw.text(place, text, fill=255, font=font, stroke_width=1, stroke_fill=0)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that comes with Pillow: the same letters on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _name(sequence: ImageSequence) -> str:
    name = shown(sequence.object_id, 60)
    return f"{name}  (simulated)" if sequence.meta.get("simulated") else name


def _caption(panels: Panels, frame: int) -> str:
    """Say when a frame was taken, in which filter, and how bright the target is."""
    sequence, curve = panels.sequence, panels.curve
    parts = [f"frame {panels.kept[frame] + 1}"]
    if sequence.meta.get("time_kind", "mjd") == "mjd":
        time = sequence.times[frame]
        parts = [f"MJD {time:.4f}", f"{utc_texts(np.array([time]))[0]} UTC"]
    parts += [shown(sequence.bands[frame], 20)] if sequence.bands[frame] else []
    if curve is not None and curve.detected[frame]:
        parts.append(f"{curve.mag[frame]:.2f} \N{PLUS-MINUS SIGN} {curve.mag_err[frame]:.2f} mag")
    elif curve is not None and np.isfinite(curve.limit[frame]):
        parts.append(f"fainter than {curve.limit[frame]:.2f} mag")
    parts += [f"not used: {panels.faults[frame]}"] if panels.faults[frame] else []
    return "   ".join(parts)


def _provenance(panels: Panels) -> str:
    usable = panels.faults.count("")
    return (
        f"TAO-Net {__version__}; {panels.stretch}, {panels.interval} limits of all "
        f"{usable} usable frames, each less its sky level"
    )
