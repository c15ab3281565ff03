"""How experts' labels look: outlined, in the colour of the class."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages import _ui as ui
from taonet_core.data.expert_labels import UNSURE, Annotation, standing
from taonet_core.figures import class_styles
from taonet_core.labels import STYLES
from taonet_core.plain_text import LONGEST_SENTENCE, shown


def bar_style(key: str, own: Annotation | None) -> None:
    """Outline each button in the colour of its class, as experts' labels are; fill the chosen.

    The line below them is as high without a label as with one, so that nothing jumps.
    """
    colours = {str(name): style.colour for name, style in STYLES.items()} | {UNSURE: "currentColor"}
    rules = [f".st-key-{key}-said {{min-height: 2.5rem}}"]
    rules += [
        f".st-key-{key}-{name} button {{border-color: {colour}}}"
        for name, colour in colours.items()
    ]
    if own is not None:
        colour = colours[own.label]
        rules.append(
            f".st-key-{key}-{own.label} button {{background: "
            f"color-mix(in srgb, {colour} 25%, transparent); box-shadow: 0 0 0 1px {colour}}}"
        )
    st.html(f"<style>{''.join(rules)}</style>")


def standing_badges(said: Sequence[Annotation]) -> None:
    """Show the labels that stand, the newest first: outlined badge, who, when, how sure, why."""
    rows = standing(said)
    if not rows:
        st.caption("No expert has labelled this object yet.", width="content")
    for row in rows[:4]:
        st.html(_badge(row.label), width="content")
        st.caption(ui.plain(_circumstances(row)), width="content")


def in_words(row: Annotation) -> str:
    """Return a label, who gave it, when, how sure, why, and what a classifier said then."""
    said = f"{row.model} said {row.verdict} {row.probability:.2f}" if row.verdict else ""
    words = " · ".join(filter(None, (row.label, _circumstances(row), said)))
    return shown(words, LONGEST_SENTENCE)


def _circumstances(row: Annotation) -> str:
    when = f"{row.created_at[:16].replace('T', ' ')} UTC"
    sure = f"{row.confidence} confidence" if row.confidence else ""
    note = f"“{row.note}”" if row.note else ""
    return " · ".join(filter(None, (row.author, sure, when, note)))


def _badge(label: str) -> str:
    """Return the badge of an experts' label, made of nothing that a user wrote."""
    style = class_styles().get(label, {"glyph": "?", "colour": "currentColor", "name": label})
    return (
        f'<span title="Label of an expert: {style["name"]}" style="border: 2px solid '
        f"{style['colour']}; border-radius: 10px; padding: 0 8px 0 6px; font-weight: 600; "
        f'white-space: nowrap"><span style="color: {style["colour"]}">{style["glyph"]}</span> '
        f"{label}</span>"
    )
