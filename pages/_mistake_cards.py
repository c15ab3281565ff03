"""The errors as contact prints, each beside what it was taken for; and all labels, to take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._label_store import annotations
from pages._mistakes import Found
from pages._viewer import gallery
from taonet_core.collection import Collection
from taonet_core.data.expert_labels import annotation_table, of_catalog, write_labels
from taonet_core.figures import class_styles
from taonet_core.mistakes import collapse

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
    """Return a card of each error, with the object it was taken for."""
    made = data.cards(collection, {*rows["object_id"], *filter(None, rows["neighbour"])})
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
    alike = len(row.get("alike", ()))
    facts = [
        f"and {alike} like it" if alike else "",
        row.get("why", "") if row.get("why") != "wrong" else "",
        f"novelty {row[f'novelty_{said.model}']:.0f} %",
        f"{row['mag_peak']:.1f} mag",
        f"{row['n_nights']} night{'' if row['n_nights'] == 1 else 's'}",
    ]
    verdict = {
        "model": said.model,
        "version": said.version,
        "class": row[f"verdict_{said.model}"],
        "probability": row[f"confidence_{said.model}"],
        "nights": row["n_nights"],
    }
    return {
        **made,
        "verdict": verdict,
        "second": None,
        "truth": row["label"] or None,
        "simulated": bool(row["simulated"]),
        "expert": row.get("expert") or None,
        "facts": " · ".join(fact for fact in facts if fact and "nan" not in fact),
    }


def all_labels(collection: Collection) -> None:
    """List the labels that experts gave, here or everywhere, and offer them as files."""
    kept = annotations()
    with st.popover(f"Labels · {kept.count()}", help="All labels that experts gave, as a table"):
        everywhere = st.toggle("of all data sets, not of this alone", key="labels-everywhere")
        history = st.toggle("with those that were changed or taken back", key="labels-history")
        said = annotation_table(reversed(kept.history())) if history else kept.latest()
        if not everywhere:
            said = of_catalog(said, collection.catalog)
        if said.empty:
            st.caption("None yet. Open an object and press 1 to 6, or u where you cannot tell.")
        else:
            st.dataframe(said[_shown(said)], hide_index=True, height=300)
            ui.downloads("labels", collection.name, partial(write_labels, said), _SUFFIXES)
        st.caption(f"Kept in {ui.plain(kept.place)}")


def _shown(said: pd.DataFrame) -> Sequence[str]:
    first = ["object_id", "label", "confidence", "author", "created_at", "note"]
    return [*first, *(name for name in said if name not in first)]
