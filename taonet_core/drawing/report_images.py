"""Images of the report as data addresses: one frame a night, and the evidence on it."""

from __future__ import annotations

import base64

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.overlay import evidence_limit, evidence_on_frames, over_grey
from taonet_core.drawing.panels import Panels, make_panels
from taonet_core.drawing.pictures import image_png
from taonet_core.drawing.report_figures import shares_svg
from taonet_core.plain_text import markup
from taonet_core.transforms.summary import utc_texts

#: Most nights shown; longer sequences are thinned evenly.
MAX_NIGHTS = 60


def night_strip(sequence: ImageSequence, curve: LightCurve | None) -> str:
    """Show the first usable frame of each night, all with one stretch, north up.

    Parameters
    ----------
    sequence : ImageSequence
    curve : LightCurve or None
        One point a frame.
    """
    panels = make_panels(sequence, curve)
    frames = _thinned(panels.night_frames())
    figures = []
    for frame in frames:
        grey, missing = panels.image("science", frame)
        said = [_date(panels, frame)]
        if panels.curve is not None and panels.curve.detected[frame]:
            said.append(f"{panels.curve.mag[frame]:.2f} mag")
        said += [panels.faults[frame]] if panels.faults[frame] else []
        figures.append(_figure(image_png(grey, missing), said, bad=bool(panels.faults[frame])))
    note = " ".join(
        [
            _orientation(panels),
            f"One stretch for all frames ({panels.stretch}, {panels.interval}), each less its sky.",
            *panels.reduced,
        ]
    )
    return f'<p class="quiet">{markup(note)}</p><div class="strip">{"".join(figures)}</div>'


def evidence_strip(sequence: ImageSequence, attribution: Attribution) -> str:
    """Show which pixels of each night speak for the class (red) and against it (blue).

    Parameters
    ----------
    sequence : ImageSequence
    attribution : Attribution
        Of this sequence.
    """
    panels = make_panels(sequence)
    maps = evidence_on_frames(attribution, sequence)
    limit = evidence_limit(attribution.values)
    shares, figures = attribution.importance, []
    for night in _thinned(list(range(len(maps)))):
        whole = int(np.flatnonzero(attribution.night_of_frame == night)[0])
        frame = panels.nearest(whole)
        grey, missing = panels.image("science", frame)
        values = panels.turned(panels.cut(maps[night]))
        said = [_date(panels, frame), f"{100 * shares[night]:.0f} % of the evidence"]
        figures.append(_figure(image_png(over_grey(grey, values / limit), missing), said))
    against = "all other classes" if attribution.against is None else str(attribution.against)
    words = (
        f"{attribution.model} {attribution.model_version}, method {attribution.method}, baseline "
        f"{attribution.baseline}: evidence for {attribution.target} against {against}. "
        + (
            "Orange speaks for it, blue against it."
            if attribution.signed
            else "Orange: what mattered."
        )
    )
    if np.isfinite(attribution.delta):
        words += (
            f" The maps sum to {attribution.explained + attribution.delta:.3f} of "
            f"{attribution.explained:.3f} log-odds to be explained."
        )
    return (
        f'<p class="quiet">{markup(words)}</p>{shares_svg(shares.tolist())}'
        f'<div class="strip">{"".join(figures)}</div>'
    )


def _thinned(items: list[int]) -> list[int]:
    count = min(MAX_NIGHTS, len(items))
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _figure(png: bytes, said: list[str], *, bad: bool = False) -> str:
    data = base64.b64encode(png).decode()
    words = "<br>".join(map(markup, said))
    kind = ' class="bad"' if bad else ""
    return (
        f'<figure{kind}><img alt="{markup(said[0])}" src="data:image/png;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _date(panels: Panels, frame: int) -> str:
    if panels.sequence.meta.get("time_kind", "mjd") != "mjd":
        return f"frame {panels.kept[frame] + 1}"
    return utc_texts(panels.sequence.times[frame : frame + 1])[0][:10]


def _orientation(panels: Panels) -> str:
    return "North up, east left." if panels.sky["north"] else "Orientation unknown: no WCS."
