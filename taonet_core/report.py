"""All that is known of one object in one HTML file that needs nothing else.

No script, no request to anywhere, everything from outside escaped; follows a light or dark
reader and prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution, Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.report_figures import curve_svg, probability_svg
from taonet_core.drawing.report_images import evidence_strip, night_strip
from taonet_core.drawing.report_style import STYLE
from taonet_core.labels import STYLES, TransientClass
from taonet_core.plain_text import LONGEST, markup
from taonet_core.provenance import origin
from taonet_core.transforms.skyview import coordinate_texts
from taonet_core.transforms.summary import describe, frame_table, is_dated

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 1000  # rows of a table that are listed
# What the reader's browser may do for the page: show images that are in it, and its own style.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report tells of an object, beside the object itself.

    Attributes
    ----------
    predictions : sequence of Prediction
        One a model, the leading one first.
    problems : mapping of str to str
        Model without a verdict -> why.
    weights : mapping of str to str
        Model -> SHA-256 of its weights.
    attribution : Attribution, optional
        Which pixels spoke for a class.
    sentence : str
        What `attribution` says, in words.
    labels : sequence of mapping
        What experts said, one each, the columns of the table.
    features : DataFrame, optional
        What `taonet_core.explaining.feature_table.feature_table` returns.
    code : mapping of str to str
        How to get the same: language -> code.
    file : str
        Where the object was read.
    """

    predictions: Sequence[Prediction] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    attribution: Attribution | None = None
    sentence: str = ""
    labels: Sequence[Mapping[str, Any]] = ()
    features: pd.DataFrame | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


def object_report(
    source: ImageSequence | LightCurve, curve: LightCurve | None, findings: Findings
) -> str:
    """Write the report of one object.

    Parameters
    ----------
    source : ImageSequence or LightCurve
    curve : LightCurve or None
        Of a sequence, one point a frame.
    findings : Findings

    Returns
    -------
    str
        A whole HTML page.
    """
    sequence = source if isinstance(source, ImageSequence) else None
    curve = source if isinstance(source, LightCurve) else curve
    parts = [
        _header(source),
        _verdicts(source, findings),
        _notes(source, curve, findings),
        _section(
            "Probability against time",
            *(_probabilities(p, dated=is_dated(source.meta)) for p in findings.predictions),
        ),
        _section("Light curve", _curve(curve)),
    ]
    if sequence is not None:
        parts.append(_section("Images, one frame a night", night_strip(sequence, curve)))
        if findings.attribution is not None:
            strip = evidence_strip(sequence, findings.attribution)
            parts.append(_section("Why", _paragraph(findings.sentence), strip))
        parts.append(_frames(sequence, findings.predictions))
    parts += [_experts(findings), _features(findings), _code(findings)]
    parts.append(_provenance(source, findings))
    title = markup(source.meta.get("object_id") or "unnamed", LONGEST)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · TAO-Net report</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _header(source: ImageSequence | LightCurve) -> str:
    places = coordinate_texts(source.meta.get("ra"), source.meta.get("dec"))
    lines = [f"{place['symbols']} {place['text']}".strip() for place in places]
    tag = ' <span class="tag">simulated</span>' if source.meta.get("simulated") else ""
    name = markup(source.meta.get("object_id") or "unnamed", LONGEST)
    words = " · ".join(map(markup, lines)) or "no coordinates in the file"
    return f"<header><h1>{name}{tag}</h1><p>{words}</p>{_paragraph(describe(source))}</header>"


def _verdicts(source: ImageSequence | LightCurve, findings: Findings) -> str:
    rows = []
    for p in findings.predictions:
        classes = p.prediction_set
        rows.append(
            {
                "model": f"{p.model} {p.model_version}",
                "verdict": _badge(p.verdict),
                "probability": f"{p.confidence:.3f}",
                "cannot rule out": "not calibrated" if classes is None else " ".join(classes),
                "novelty": "–" if np.isnan(p.novelty) else f"{p.novelty:.0f} %",
                "nights": str(p.n_nights),
                **{str(name): f"{value:.3f}" for name, value in p.final().items()},
            }
        )
    label = source.meta.get("label")
    words = "truth (simulated)" if source.meta.get("simulated") else "label in the file"
    known = f"<p>{words}: {_badge(label)}</p>" if label in set(STYLES) else ""
    table = _table(rows, safe=("verdict",)) if rows else "<p>No classifier gives a verdict.</p>"
    hint = (
        "Probabilities after the last night. Cannot rule out: of the objects of every class, nine "
        "in ten have theirs in this set. Novelty: share of known objects that look less strange."
    )
    return _section("Verdicts", known, table, f'<p class="quiet">{hint}</p>')


def _notes(source: ImageSequence | LightCurve, curve: LightCurve | None, findings: Findings) -> str:
    warned: dict[str, list[str]] = {}
    for p in findings.predictions:
        for text in p.meta.get("warnings", ()):
            warned.setdefault(str(text), []).append(p.model)
    assumed = [*source.meta.get("notes", ()), *(curve.meta.get("notes", ()) if curve else ())]
    groups: dict[str, Iterable[str]] = {
        "No verdict": [f"{name}: {text}" for name, text in findings.problems.items()],
        "Not trained for": [f"{', '.join(names)}: {text}" for text, names in warned.items()],
        "Assumed": dict.fromkeys(map(str, assumed)),
        "Left out": [str(text) for text in source.meta.get("dropped", ())],
    }
    lists = [
        f"<h3>{title}</h3><ul>{''.join(f'<li>{markup(t)}</li>' for t in texts)}</ul>"
        for title, texts in groups.items()
        if texts
    ]
    return _section("To bear in mind", *lists)


def _probabilities(prediction: Prediction, *, dated: bool) -> str:
    words = markup(f"{prediction.model} {prediction.model_version}")
    drawn = probability_svg(prediction, dated=dated)
    return f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"


def _curve(curve: LightCurve | None) -> str:
    if curve is None:
        return ""
    if not (drawn := curve_svg(curve)):
        return "<p>No brightness could be measured.</p>"
    system = markup(curve.meta.get("system") or "")
    words = f"{curve.detected.sum()} detections in {len(curve)} points. {system}"
    if len(bands := [band for band in curve.per_band() if band]) > 1:
        words += markup(f" Filled: filter {bands[0]}; hollow: {', '.join(bands[1:])}.")
    return f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"


def _frames(sequence: ImageSequence, predictions: Sequence[Prediction]) -> str:
    table = frame_table(sequence, predictions)
    used = int((table["state"] == "usable").sum())
    said = f"{used} of {len(table)} frames can be used."
    if len(table) > _ROWS:
        said += f" The first {_ROWS} are listed."
    rows = _records(table.head(_ROWS))
    for row in rows:
        if "MJD" in row:
            row["MJD"] = f"{row['MJD']:.5f}"
    body = f"<details><summary>All frames</summary>{_table(rows)}</details>"
    return _section("Frames used and dropped", _paragraph(said), body)


def _experts(findings: Findings) -> str:
    return _section("Experts' labels", _table(findings.labels) if findings.labels else "")


def _features(findings: Findings) -> str:
    if findings.features is None:
        return ""
    rows = _records(findings.features)
    for row in rows:
        for name in ("value", "percentile"):
            if name in row:
                row[name] = f"{row[name]:.4g}"
    body = f"<details><summary>All {len(rows)} features</summary>{_table(rows)}</details>"
    return _section("What the forest reads of the light curve", body)


def _code(findings: Findings) -> str:
    blocks = [
        f"<h3>{markup(name)}</h3><pre>{escape(code)}</pre>" for name, code in findings.code.items()
    ]
    return _section("The same again", *blocks)


def _provenance(source: ImageSequence | LightCurve, findings: Findings) -> str:
    file = findings.file or str(source.meta.get("source") or "memory")
    facts = origin(source, file, findings.weights)
    rows = "".join(f"<dt>{markup(k)}</dt><dd>{markup(v)}</dd>" for k, v in facts.items())
    return _section("Provenance", f"<dl>{rows}</dl>")


def _badge(label: object) -> str:
    style = STYLES[TransientClass(str(label))]
    return (
        f'<b class="badge" style="--class: {style.colour}"><i>{style.glyph}</i> {markup(label)}</b>'
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _table(rows: Sequence[Mapping[str, Any]], *, safe: Sequence[str] = ()) -> str:
    """Write rows as a table, everything escaped but the columns that are HTML already."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{markup(name)}</th>" for name in names)
    lines = (
        "".join(
            f"<td>{row.get(n, '') if n in safe else markup(row.get(n, ''))}</td>" for n in names
        )
        for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _section(title: str, *parts: str) -> str:
    inner = "".join(parts)
    return f"<section><h2>{markup(title)}</h2>{inner}</section>" if inner else ""


def _paragraph(text: str) -> str:
    return f"<p>{markup(text)}</p>" if text else ""
