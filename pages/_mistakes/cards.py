"""The errors as contact prints, each beside the most similar object classified correctly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages import _verdicts
from pages._mistakes.errors import Found
from pages._viewer import gallery
from taonet_core.drawing.cards import badge, magnitude_words
from taonet_core.figures import class_styles
from taonet_core.judging.mistakes import collapse
from taonet_core.objects.collection import Collection

_ON_A_PAGE = 36
_SUFFIXES = (".csv", ".ecsv", ".vot", ".parquet")


def show_gallery(collection: Collection, found: Found) -> str | None:
    """Show the chosen errors; return the one that the reader opens."""
    rows = collapse(found.chosen)
    pages, key = -(-len(rows) // _ON_A_PAGE), f"mistakes-page-{len(rows)}"
    page = st.session_state.get(key) or 1
    shown = rows.iloc[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE]
    opened = gallery(
        mistake_cards(collection, found, shown), class_styles(), key="mistakes-gallery"
    )
    if pages > 1:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, key=key)
    return opened


def mistake_cards(collection: Collection, found: Found, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a card of each error, with the most similar object classified correctly."""
    made = _verdicts.cards(collection, {*rows["object_id"], *filter(None, rows["neighbour"])})
    table = found.overview.set_index("object_id")
    cards = []
    for row in rows.to_dict("records"):
        card = _card(made[row["object_id"]], row, found) | {"arrow": bool(row["label"])}
        if row["neighbour"]:
            like = {"object_id": row["neighbour"], **table.loc[row["neighbour"]].to_dict()}
            # it was classified correctly: its verdict is its label
            card["beside"] = _card(made[row["neighbour"]], like, found) | {"truth": None}
        cards.append(card)
    return cards


def _card(made: Mapping[str, Any], row: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Return a card with the verdict of the classifier asked, and what is known of the object."""
    said = found.verdicts
    alike, novelty = len(row.get("alike", ())), row[f"novelty_{said.model}"]
    facts = [
        f"and {alike} like it" if alike else "",
        row["why"] if row.get("why", "wrong") != "wrong" else "",
        f"novelty {novelty:.0f} %" if pd.notna(novelty) else "",
        magnitude_words(row["mag_peak"], row["mag"]),
        f"{row['n_nights']} night{'' if row['n_nights'] == 1 else 's'}",
    ]
    verdict, sure = (row[f"{part}_{said.model}"] for part in ("verdict", "confidence"))
    return {
        **made,
        "verdict": badge(said.model, said.version, verdict, sure, row["n_nights"]),
        "second": None,
        "truth": row["label"] or None,
        "simulated": bool(row["simulated"]),
        "expert": row.get("expert") or None,
        "facts": " · ".join(filter(None, facts)),
    }
