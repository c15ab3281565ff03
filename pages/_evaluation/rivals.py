"""What the page Compare is made of: two classifiers on many objects."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._evaluation import answers as evaluation
from pages._matrix import matrix
from pages._tables import show_table
from pages._ui import Key
from pages._viewer import gallery
from taonet_core.drawing.cards import badge, magnitude_words
from taonet_core.drawing.charts import f1_against_nights
from taonet_core.drawing.matrices import NO_VERDICT, matrix_payload
from taonet_core.figures import class_styles
from taonet_core.judging.answers import Answers
from taonet_core.judging.comparison import agreement, rivalry, same_verdicts, table
from taonet_core.labels import STYLES

#: So many cards are shown at once.
CARDS = 12
ANY = "any"
_RIGHT = "Of the objects whose class is known, by the last verdict. No verdict is a wrong one."
_number = st.column_config.NumberColumn


def headline(first: Answers, second: Answers, simulated: bool) -> None:
    """Say who is right on how many objects, and whether that is more than chance."""
    found = rivalry(first, second)
    if found is None:
        st.caption(
            "No object has a known class: the page shows where the two agree, not who is right."
        )
        return
    kind = "simulated objects" if simulated else "objects"
    with st.container(horizontal=True, gap="medium"):
        for words, count in found.counts.items():
            with st.container(width=156):
                st.metric(words, found.share(count), help=_RIGHT)
                st.caption(f"{count:,} of {found.n:,} {kind}")
    st.text(found.sentence)


def agreement_matrix(first: Answers, second: Answers) -> None:
    """Show how often each verdict of one meets each verdict of the other."""
    st.subheader("Who says what", anchor=False)
    names = [*map(str, first.classes), NO_VERDICT]
    counts = agreement(first, second)
    cell = tuple(st.query_params.get(key, ANY) for key in (Key.VERDICT_A, Key.VERDICT_B))
    payload = matrix_payload(
        counts,
        names,
        names,
        row_words=first.model,
        column_words=second.model,
        chosen=cell if ANY not in cell else None,
    )
    chosen = matrix(payload, class_styles(), key="agreement")
    if chosen == cell:
        chosen = (ANY, ANY)
    if chosen:
        st.query_params.update(dict(zip((Key.VERDICT_A, Key.VERDICT_B), chosen, strict=True)))
        st.rerun()
    same, both = same_verdicts(counts)
    st.caption(
        f"They agree on {same:,} of the {both:,} objects of which both have a verdict. Choose a "
        "cell, with the mouse or with arrow keys and Enter, for its objects."
    )


def choose_cell(first: Answers, second: Answers) -> pd.DataFrame:
    """Let the reader choose a pair of verdicts, and return the objects that have it."""
    names = [str(name) for name in first.classes]
    options = [ANY, *names, NO_VERDICT]
    chosen = []
    with st.container(horizontal=True, gap="medium"):
        for key, model in ((Key.VERDICT_A, first.model), (Key.VERDICT_B, second.model)):
            words = f"Verdict of {model}"
            binding = ui.bound(key, options, ANY)
            chosen.append(st.selectbox(words, options, format_func=_named, width=200, **binding))
    rows = table(first, second)
    if chosen == [ANY, ANY]:
        return rows[rows["verdict_a"] != rows["verdict_b"]]
    for name, column in zip(chosen, ("verdict_a", "verdict_b"), strict=True):
        if name != ANY:
            rows = rows[rows[column] == (name if name != NO_VERDICT else "")]
    return rows


def _named(name: str) -> str:
    return f"{STYLES[name].glyph} {name}" if name in set(STYLES) else name


def objects(place: str, rows: pd.DataFrame, first: Answers, second: Answers) -> None:
    """Show the objects of the chosen cell, those first of which the classifiers are surest."""
    if rows.empty:
        st.info("No object has this pair of verdicts.")
        return
    if place in evaluation.FROZEN:
        st.caption(f"{len(rows)} objects; their images are not kept here.")
        names = {"verdict_a": first.model, "verdict_b": second.model, "right": "who is right"}
        numbers = {f"confidence_{x}": _number("", format="%.2f") for x in "ab"}
        columns = ["object_id", "label", "verdict_a", "confidence_a", "verdict_b", "confidence_b"]
        shown = rows[[*columns, "right", "mag"]]
        show_table(shown, hide_index=True, column_config={**names, **numbers}, height=420)
        return
    st.caption(f"{len(rows)} objects, the surest first. Open one to see what decided.")
    pages = -(-len(rows) // CARDS)
    page = st.pagination(pages, key=f"rival-page-{pages}") if pages > 1 else 1
    shown = rows.iloc[CARDS * (page - 1) : CARDS * page]
    collection = data.open_named(place)
    cards = _verdicts.cards(collection, shown["object_id"])
    peak = _verdicts.facts(collection)["mag_peak"]
    catalogued = collection.catalog.set_index("object_id")["mag"]
    filled = [
        _card(
            cards[row.object_id],
            row,
            (first, second),
            magnitude_words(peak.get(row.object_id), catalogued[row.object_id]),
        )
        for row in shown.itertuples()
    ]
    opened = gallery(filled, class_styles(), key="rival-cards")
    if opened:
        st.query_params[Key.OBJECT] = opened
        st.rerun()


def _card(
    card: dict[str, Any], row: Any, both: tuple[Answers, Answers], bright: str
) -> dict[str, Any]:
    """Give a card the verdicts of both classifiers."""
    first, second = both
    said = (
        ("verdict", first, row.verdict_a, row.confidence_a),
        ("second", second, row.verdict_b, row.confidence_b),
    )
    badges = {
        place: badge(one.model, one.version, verdict, confidence) if verdict else None
        for place, one, verdict, confidence in said
    }
    right = {"": "", "both": "both right", "neither": "neither right"}
    facts = [right.get(row.right, f"{row.right} right"), bright]
    return {**card, **badges, "facts": " · ".join(filter(None, facts))}


def early(place: str, first: Answers, second: Answers) -> None:
    """Show who is right how early."""
    if not len(first.labelled()):
        return
    st.subheader("Who is right how early", anchor=False)
    if place not in evaluation.FROZEN:
        collection = data.open_named(place)
        said = [_verdicts.said_so_far(collection, one.model) for one in (first, second)]
        content = " ".join(evaluation.content_of(one, place) for one in (first, second))
        won = evaluation.first_right(content, *said)
        st.text(
            f"{first.model} is right for good on an earlier night, or alone, for {won['first']} "
            f"objects, {second.model} for {won['second']}; both on the same night for "
            f"{won['same']}, neither ever for {won['never']}."
        )
    found = {
        one.model: evaluation.by_nights(evaluation.content_of(one, place), one)
        for one in (first.labelled(), second.labelled())
    }
    evaluation.show(f1_against_nights(found, [first.model, second.model]), "rivals-nights")
