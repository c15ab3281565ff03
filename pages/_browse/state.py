"""What is asked of a data set: read from the address and the filters, written back to both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._labels import store as label_store
from pages._ui import Key
from taonet_core.data.selection import Selection
from taonet_core.data.selection_fields import (
    ANY,
    CLASSES,
    FIELDS,
    RANGES,
    Range,
    parse_date,
)
from taonet_core.labels import STYLES
from taonet_core.objects.collection import Collection
from taonet_core.plain_text import shown

VIEWS = {
    "cards": ":material/grid_view:",
    "table": ":material/table_rows:",
    "sky": ":material/public:",
}
PAGE_SIZES = (24, 48, 96)
#: Points of the sky map are coloured by this, or by the verdict of a model.
TRUTH = "truth"

# What of an address belongs to this page.
_KEYS = {"view", "per", "page", "by", *(known.key for known in FIELDS.values())}
# Names in the session: of widgets, and of what was asked last.
WIDGET = "browse-"
_ASKED, _TOUCHED, _SETS = "browse-asked", "browse-touched", "browse-sets"
PAGE, SIZE, VIEW, COLOUR = "browse-page", "browse-size", "browse-view", "browse-colour"


def asked(collection: str, models: Sequence[str]) -> Selection:
    """Return what the address asks for, or else the filters; both then say the same.

    An address that came from outside (a link, a saved view, the browser's way back) goes before
    the filters on screen. One without any filter, as the menu and the first step back from an
    object give it, brings back what was asked of this data set last.
    """
    held = {key: st.query_params.get_all(key) for key in st.query_params if key in _KEYS}
    memory = st.session_state.get(_ASKED, (collection, {}))
    touched = st.session_state.pop(_TOUCHED, False)
    entered = f"{WIDGET}text" not in st.session_state
    if entered and not held and memory[0] == collection:
        held = memory[1]
    if entered or not (touched or (collection, held) == memory):
        load(_possible(Selection.from_query(held), models), held)
    return _from_widgets()


def _possible(selection: Selection, models: Sequence[str]) -> Selection:
    """Return the selection by a model that is there."""
    if selection.model in models or not models:
        return selection
    reason = () if selection.model == Selection().model else (f"no model named {selection.model}",)
    return replace(selection, model=models[0], ignored=selection.ignored + reason)


def remember(collection: str, selection: Selection) -> None:
    """Make the address say what is asked."""
    query: dict[str, str | list[str]] = dict(selection.to_query())
    extra: dict[str, tuple[str, object]] = {
        "view": (VIEW, "cards"),
        "per": (SIZE, PAGE_SIZES[0]),
        "page": (PAGE, 1),
        "by": (COLOUR, TRUTH),
    }
    for key, (name, usual) in extra.items():
        value = st.session_state.get(name, usual)
        if value != usual:
            query[key] = str(value)
    ui.to_address(query)
    lists = {key: [held] if isinstance(held, str) else held for key, held in query.items()}
    st.session_state[_ASKED] = (collection, lists)


def load(selection: Selection, query: Mapping[str, Sequence[str]] | None = None) -> None:
    """Set every filter on screen to a selection; what else a query holds, too."""
    state = st.session_state
    for name in ("model", "outcome", "agreement", "experts", "region"):
        state[WIDGET + name] = getattr(selection, name) or None
    for name in ("text", "probability_of"):
        state[WIDGET + name] = getattr(selection, name)
    state[WIDGET + "radius"] = selection.radius_arcsec
    for name in ("truths", "verdicts"):
        state[WIDGET + name] = list(getattr(selection, name))
    for name in RANGES:
        for end, value in zip(("low", "high"), getattr(selection, name), strict=True):
            state[f"{WIDGET}{name}-{end}"] = _shown(name, value)
    state[WIDGET + "sort"] = selection.sort.removeprefix("-")
    state[WIDGET + "turned"] = selection.sort.startswith("-")
    state[WIDGET + "ignored"] = selection.ignored
    state[_SETS] = state.get(_SETS, 0) + 1
    if query is not None:
        first = {key: held[0] for key, held in query.items() if held}
        state[VIEW] = first.get("view") if first.get("view") in VIEWS else "cards"
        state[COLOUR] = first.get("by") if first.get("by") in _verdicts.SHOWN else TRUTH
        size = first.get("per", "")
        state[SIZE] = int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0]
        page = first.get("page", "")
        state[PAGE] = max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1


def ask(selection: Selection) -> None:
    """Ask for something else, from a callback: a chip taken away, a view opened, a mark made."""
    load(selection)
    touch()


def touch() -> None:
    """Note that the reader changed a filter: the list begins anew."""
    st.session_state[_TOUCHED] = True
    st.session_state[PAGE] = 1
    st.session_state[_SETS] = st.session_state.get(_SETS, 0) + 1


def resize(key: str) -> None:
    """Put so many objects on a page as the reader chose in a widget."""
    st.session_state[SIZE] = st.session_state[key] or PAGE_SIZES[0]
    touch()


def pages_key() -> str:
    """Return the key of the widget of pages: a new one whenever the page is set from elsewhere."""
    return f"{PAGE}-{st.session_state.get(_SETS, 0)}"


def kept() -> None:
    """Note that the reader changed how the list is shown, not what stands in it."""
    st.session_state[_TOUCHED] = True


def put(name: str, key: str) -> None:
    """Take what the reader chose in a widget that is not always there: a page, a colour."""
    st.session_state[name] = st.session_state[key]
    kept()


def overview(collection: Collection) -> pd.DataFrame:
    """Return the table of objects with verdicts and what the experts say."""
    table = _verdicts.overview(collection)
    said = label_store.experts(collection)["label"].astype("str")
    return table.assign(expert=table["object_id"].map(said).astype("str").fillna(""))


def models_of(overview: pd.DataFrame) -> list[str]:
    """Return the models of which the table has verdicts, the leading one first."""
    return [name for name in _verdicts.SHOWN if f"verdict_{name}" in overview]


def welcome(collection: Collection) -> None:
    """Say what this is to a reader who has not opened an object yet, and invite to one."""
    if Key.LAST in st.session_state or not len(collection):
        return
    kinds = [*map(str, STYLES)]
    simulated = "simulated " if collection.catalog["simulated"].all() else ""
    st.text(
        "TAO-Net reads the image sequence of a transient and says what it is: "
        f"{', '.join(kinds[:-1])} or {kinds[-1]}. "
        f"Here are {len(collection):,} {simulated}object{'' if len(collection) == 1 else 's'}."
    )
    items = (
        f'<span><b style="color:{style.colour}">{style.glyph}</b> <b>{kind}</b> '
        f"{style.name.lower()}</span>"
        for kind, style in STYLES.items()
    )
    st.html(f'<div class="classes">{" ".join(items)}</div>')
    if collection.name != data.DEMO:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text("New here? See what the classifiers make of one object:", width="content")
        if st.button("Open an example", key=Key.EXAMPLE, type="primary"):
            ui.follow(data.showpiece(collection))
        if st.button("Upload yours", key="welcome-upload"):
            ui.open_page("upload")


def nothing_here(collection: Collection) -> None:
    """Say that a data set is empty, and what to do."""
    st.subheader("This data set is empty", anchor=False)
    st.text(f"{shown(collection.title)} holds no object. Upload files, or open the demo set.")
    st.page_link("pages/upload.py", label="Upload your own", icon=":material/upload_file:")
    st.page_link("pages/browse.py", label="Open the demo set", query_params={Key.DATA: data.DEMO})


def _from_widgets() -> Selection:
    state = st.session_state
    single = ("model", "probability_of", "outcome", "agreement", "experts", "region")
    known = {name: state[WIDGET + name] for name in single if state.get(WIDGET + name)}
    ranges = {name: _range(name) for name in RANGES}
    if ranges["probability"] == ANY:
        known.pop("probability_of", None)
    return replace(
        Selection(),
        text=(state.get(WIDGET + "text") or "").strip(),
        radius_arcsec=state.get(WIDGET + "radius") or Selection().radius_arcsec,
        truths=_in_order(state.get(WIDGET + "truths")),
        verdicts=_in_order(state.get(WIDGET + "verdicts")),
        sort=("-" if state.get(WIDGET + "turned") else "") + (state.get(WIDGET + "sort") or "name"),
        **known,
        **ranges,
    )


def _in_order(chosen: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(name for name in CLASSES if name in (chosen or ()))


def _range(name: str) -> Range:
    """Return the two ends on screen; the wrong way round they are turned."""
    ends = [st.session_state.get(f"{WIDGET}{name}-{end}") for end in ("low", "high")]
    low, high = map(day, ends) if name == "dates" else ends
    if low is not None and high is not None and low > high:
        ends = ends[::-1]
    return (day(ends[0]), day(ends[1], end=True)) if name == "dates" else (ends[0], ends[1])


def day(text: str | None, *, end: bool = False) -> float | None:
    """Return the MJD that a reader wrote, if it is one; see `parse_date`."""
    try:
        return parse_date(text, end=end) if text else None
    except ValueError:
        return None


def _shown(name: str, value: float | None) -> float | str | None:
    """Return an end of a range as its widget holds it."""
    if name == "dates":
        return "" if value is None else f"{value:.10g}"
    return value
