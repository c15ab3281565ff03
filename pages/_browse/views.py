"""How a list of objects is shown: cards, a table, the sky; and how it is taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _tables, _verdicts
from pages import _ui as ui
from pages._browse import state as browse
from pages._ui import Key
from pages._viewer import gallery
from taonet_core.data.exports import write_table
from taonet_core.data.saved_views import LONGEST, read_views, remove_view, save_view
from taonet_core.data.selection import Selection, listing
from taonet_core.drawing.cards import magnitude_words
from taonet_core.drawing.skymap import marked_region, named, sky_map
from taonet_core.errors import TaoNetError
from taonet_core.figures import class_styles
from taonet_core.labels import STYLES, TransientClass
from taonet_core.objects.collection import Collection

_SUFFIXES = (".csv", ".ecsv", ".vot", ".json")
# Names in the session: the object clicked on the sky, the name of a view, why it was not kept.
_OPEN, _NAME, _PROBLEM = "browse-open", "browse-view-name", "browse-view-problem"
_number = st.column_config.NumberColumn


def pages_of(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the page that is open."""
    size = st.session_state[browse.SIZE]
    last = max(1, -(-len(found) // size))
    page = min(st.session_state[browse.PAGE], last)
    st.session_state[browse.PAGE] = page
    return found.iloc[(page - 1) * size : page * size]


def turn_pages(total: int) -> None:
    """Show the numbers of the pages, and how many objects stand on one."""
    if total <= min(browse.PAGE_SIZES):
        return
    size = st.session_state[browse.SIZE]
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        if total > size:
            key = browse.pages_key()
            page = st.session_state[browse.PAGE]
            st.pagination(
                -(-total // size),
                default=page,
                key=key,
                on_change=browse.put,
                args=(browse.PAGE, key),
            )
        key = f"{browse.SIZE}-choice"
        st.session_state[key] = size
        st.segmented_control(
            "Objects a page",
            browse.PAGE_SIZES,
            key=key,
            required=True,
            on_change=browse.resize,
            args=(key,),
            label_visibility="collapsed",
        )


def show_cards(collection: Collection, rows: pd.DataFrame) -> None:
    """Show objects as cards; a card opens its object."""
    made = _verdicts.cards(collection, rows["object_id"])
    shown = [_card(made[row["object_id"]], row) for row in rows.to_dict("records")]
    ui.follow(gallery(shown, class_styles(), key=Key.GALLERY))


def _card(made: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with what the table knows of the object."""
    nights = f"{row['n_nights']} night{'' if row['n_nights'] == 1 else 's'}"
    return {
        **made,
        "truth": row["label"] or None,
        "simulated": bool(row["simulated"]),
        "expert": row.get("expert") or None,
        "facts": " · ".join(
            filter(None, [magnitude_words(row.get("mag_peak"), row["mag"]), nights])
        ),
    }


def show_table(collection: Collection, rows: pd.DataFrame, models: Sequence[str]) -> None:
    """Show objects as a table; a row opens its object."""
    measured = _verdicts.facts(collection)["error"].reindex(rows["object_id"]).notna().to_numpy()
    table, columns = _table(rows.assign(measured=measured), models)
    picked = _tables.show_table(
        table,
        hide_index=True,
        column_config=columns,
        height=min(38 + 35 * len(table), 640),
        key="browse-table",
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = picked["selection"]["rows"]
    ui.follow(rows["object_id"].iloc[chosen[0]] if chosen else None)


def _table(rows: pd.DataFrame, models: Sequence[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    columns: dict[str, Any] = {"object_id": "object"}
    table = rows.assign(label=rows["label"].map(_marked))
    columns["label"] = st.column_config.TextColumn("truth", help="As catalogued or simulated")
    for model in models:
        verdict = f"verdict_{model}"
        silent = rows["measured"].map({True: "no verdict", False: "not classified yet"})
        table[verdict] = table[verdict].map(_marked).where(rows[verdict] != "", silent)
        words = f"Most probable class after the last night, by {model}"
        columns[verdict] = st.column_config.TextColumn(f"{model}", help=words)
        words = f"Probability that {model} gives to its verdict, 0 to 1"
        columns[f"confidence_{model}"] = _number("P", format="%.2f", help=words)
    if "disagree" in table:
        table["disagree"] = table["disagree"].map({True: "≠", False: "="}, na_action="ignore")
        words = "= where both models name the same class, ≠ where they disagree"
        columns["disagree"] = st.column_config.TextColumn("agree", help=words)
    columns |= {
        "expert": st.column_config.TextColumn("experts", help="What most experts called it here"),
        "n_nights": _number("nights", help="Nights with at least one frame"),
        "mag_peak": _number("peak mag", format="%.2f", help="Magnitude of the brightest night"),
        "mag": _number("cat. mag", format="%.1f", help="Magnitude in the catalogue, at discovery"),
        "snr_peak": _number("peak S/N", format="%.0f", help="Signal to noise at the peak"),
        f"novelty_{models[0] if models else ''}": _number(
            "novelty %", format="%.0f", help="Further from all the model has seen than this share "
            "of known objects",
        ),
        "ra": _number("RA (°)", format="%.5f", help="Right ascension, ICRS, degrees"),
        "dec": _number("Dec (°)", format="%.5f", help="Declination, ICRS, degrees"),
        "mjd_first": _number("first MJD (d)", format="%.3f", help="First frame"),
        "mjd_last": _number("last MJD (d)", format="%.3f", help="Last frame"),
    }  # fmt: skip
    columns = {name: how for name, how in columns.items() if name in table}
    return table[list(columns)], columns


def _marked(name: object) -> str:
    """Return a class with its marker."""
    known = name in set(STYLES)
    return f"{STYLES[TransientClass(str(name))].glyph} {name}" if known else ""


def show_sky(overview: pd.DataFrame, selection: Selection, models: Sequence[str]) -> None:
    """Show where the objects lie; a click opens one, a box or a lasso keeps those inside."""
    held = st.session_state.pop(_OPEN, None)
    ui.follow(held if held in set(overview["object_id"]) else None)
    by = _colour(models)
    shown = replace(selection, region=()).apply(overview)
    key = f"sky-{hash(selection.region)}"
    st.plotly_chart(
        sky_map(shown, by, region=selection.region),
        key=key,
        on_select=partial(_marked_on_sky, key, selection),
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": True},
        alt=f"Map of the sky with {len(shown)} objects; the table lists the same",
    )
    lost = int(shown["ra"].isna().sum())
    nowhere = f" {lost} of {len(shown)} have no position." if lost else ""
    st.caption(
        "Hammer projection, ICRS, east to the left. Click a point to open it; with the box or the "
        "lasso of the bar above, keep what lies inside; drag to move, turn the wheel to zoom."
        f"{nowhere}"
    )


def _colour(models: Sequence[str]) -> str:
    """Let the reader choose what colours the points; return the column."""
    columns = {browse.TRUTH: "label", **{model: f"verdict_{model}" for model in models}}
    words = {browse.TRUTH: "true class"}
    key = f"{browse.COLOUR}-choice"
    now = st.session_state[browse.COLOUR]
    st.session_state[key] = now if now in columns else browse.TRUTH
    chosen = st.segmented_control(
        "Colour by",
        list(columns),
        format_func=lambda name: words.get(name, f"verdict of {name}"),
        key=key,
        required=True,
        on_change=browse.put,
        args=(browse.COLOUR, key),
        label_visibility="collapsed",
    )
    return columns[chosen or browse.TRUTH]


def _marked_on_sky(key: str, selection: Selection) -> None:
    event = st.session_state[key]["selection"]
    st.session_state[_OPEN] = named(event)
    region = marked_region(event)
    if region:
        browse.ask(replace(selection, region=region))


def take_away(collection: Collection, found: pd.DataFrame) -> None:
    """Offer the list as a file, as an address, and as a view under a name."""
    with st.popover("Download"):
        ui.downloads("list", collection.name, partial(_write, found), _SUFFIXES)
        st.caption(f"{len(found):,} objects with verdicts, in the order shown.")
    with st.popover("Views"):
        st.caption("This address shows the same list again:")
        st.code(_address(), language=None, wrap_lines=True)
        _saved_views()


def _write(found: pd.DataFrame, path: Path) -> None:
    write_table(listing(found), path)


def _address() -> str:
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    return f"{(st.context.url or '').split('?')[0]}?{urlencode(query, doseq=True)}".rstrip("?")


def _saved_views() -> None:
    """List the views kept on this installation; a click opens one."""
    path = data.ROOT / "views.json"
    st.text_input(
        "Keep this view under a name",
        key=_NAME,
        max_chars=LONGEST,
        placeholder="bright supernovae",
        help="Kept on the machine the app runs on, for everyone who uses it there",
    )
    st.button("Save this view", key="save-view", on_click=_save, args=(path,))
    if _PROBLEM in st.session_state:
        st.error(ui.plain(st.session_state.pop(_PROBLEM)))
    for name, query in read_views(path).items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(ui.plain(name), key=f"view-{name}", on_click=_open, args=(query,))
            st.button(
                "",
                icon=":material/delete:",
                help="Remove this view",
                type="tertiary",
                key=f"remove-{name}",
                on_click=_kept,
                args=(partial(remove_view, path, name),),
            )


def _save(path: Path) -> None:
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    if _kept(partial(save_view, path, st.session_state[_NAME], query)):
        st.session_state[_NAME] = ""


def _kept(change: Callable[[], object]) -> bool:
    """Change the views that are kept; the page says why where it cannot be done."""
    try:
        change()
    except TaoNetError as error:
        st.session_state[_PROBLEM] = str(error)
        return False
    return True


def _open(query: dict[str, list[str]]) -> None:
    st.session_state[Key.DATA] = query.get(Key.DATA, [data.first()])[0]
    st.query_params.from_dict(query)
