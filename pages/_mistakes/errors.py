"""What the Misclassified page asks of a data set: the errors, and the filters in the address."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from pages import _ui as ui
from pages import _verdicts
from pages._labels import store as labels
from pages._ui import Key
from taonet_core.data.selection import Selection, extremes
from taonet_core.data.selection_fields import ANY, RANGES, UNKNOWN, Range
from taonet_core.errors import TaoNetError
from taonet_core.judging.mistakes import find_doubts, find_errors
from taonet_core.labels import STYLES, TransientClass
from taonet_core.objects.collection import Collection
from taonet_core.objects.verdicts import Verdicts

WRONG, DOUBTFUL = "wrong", "doubtful"
_KINDS = {WRONG: "Wrong verdicts", DOUBTFUL: "Doubtful, no label"}
#: What there are bounds on, in the order shown; how fine they are set.
_BOUNDS = {"probability": 0.01, "magnitude": 0.1, "nights": 1.0, "snr": 1.0}
_ORDERS = {
    "confidence": "most certain first",
    "novelty": "most novel first",
    "brightness": "brightest first",
    "snr": "highest S/N first",
    "nights": "most nights first",
}
#: The labels that count here are the reader's own: see `find`.
_MINE = {"labelled": "labelled by you", "unlabelled": "not labelled by you"}
_WIDGET = "mistakes-"


@dataclass(frozen=True, eq=False)
class Found:
    """The errors of one classifier in a data set.

    Attributes
    ----------
    kind : str
        `WRONG`, or `DOUBTFUL` where the truth is unknown.
    overview : DataFrame
        All objects.
    errors : DataFrame
        All errors, see `taonet_core.judging.mistakes.find_errors`.
    chosen : DataFrame
        Those that fit the filters, in the order asked.
    verdicts : Verdicts
    """

    kind: str
    overview: pd.DataFrame
    errors: pd.DataFrame
    chosen: pd.DataFrame
    verdicts: Verdicts


def asked() -> Selection:
    """Return what the address asks for; it alone holds the filters.

    Raises
    ------
    TaoNetError
        If there is no classifier.
    """
    known = [bundle.name for bundle in ui.models()[0]]
    if not known:
        raise TaoNetError("no classifier can be used here; the Upload page says why")
    selection = Selection.from_query(
        {key: st.query_params.get_all(key) for key in st.query_params if key != Key.OBJECT}
    )
    if selection.ignored:
        st.warning(f"Left out of the address: {ui.plain('; '.join(selection.ignored))}.")
    if selection.model not in known:
        selection = replace(selection, model=known[0])
    return selection if selection.sort in _ORDERS else replace(selection, sort="confidence")


def find(collection: Collection, selection: Selection) -> Found:
    """Return the errors that fit a selection.

    Raises
    ------
    TaoNetError
        If the classifier or the database of labels cannot be used.
    """
    other = next(name for name in _verdicts.SHOWN if name != selection.model)
    models = (selection.model, other)
    overview = _verdicts.overview(collection, models)
    said = _verdicts.said_so_far(collection, selection.model)
    labelled = bool((overview["label"] != "").any())
    kind = DOUBTFUL if not labelled or st.query_params.get("why") == DOUBTFUL else WRONG
    key = f"{_verdicts.overview_key(collection, models)} {said.model}"
    errors = _errors(key, kind, overview, said)
    mine = labels.mine(collection)
    errors = errors.assign(expert=errors["object_id"].map(mine).astype("str").fillna(""))
    return Found(kind, overview, errors, _ordered(selection, errors), said)


def _ordered(selection: Selection, errors: pd.DataFrame) -> pd.DataFrame:
    """Return the errors that fit; doubts keep their own order unless another is asked."""
    if "sort" not in st.query_params:
        fitting = selection.apply(errors).index
        return errors[errors.index.isin(fitting)]
    return selection.apply(errors)


@st.cache_data(
    max_entries=16, show_spinner="Looking for what each was taken for …", scope="session"
)
def _errors(key: str, kind: str, _overview: pd.DataFrame, _verdicts: Verdicts) -> pd.DataFrame:
    find = find_errors if kind == WRONG else find_doubts
    return find(_overview, _verdicts)


def filters(found: Found, selection: Selection) -> None:
    """Show the filters; each writes itself into the address."""
    labelled = found.overview["label"] != ""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if labelled.any() and not labelled.all():
            _one("kind", "What to show", list(_KINDS), found.kind, _KINDS.get)
        names = [bundle.name for bundle in ui.models()[0]]
        _select("model", "Classifier", names, selection.model)
        if found.kind == WRONG:
            with st.popover(_count("True class", selection.truths)):
                _classes("truths", "True class", selection.truths)
        with st.popover(_count("Verdict", selection.verdicts)):
            _classes("verdicts", "Verdict after the last night", selection.verdicts)
        bounded = [name for name in _BOUNDS if getattr(selection, name) != ANY]
        with st.popover(_count("More filters", bounded)):
            known = extremes(found.errors, selection.model)
            for name in _BOUNDS:
                _between(name, known[name], getattr(selection, name))
        orders = _ORDERS if found.kind == WRONG else {**_ORDERS, "confidence": "most reasons first"}
        _select("sort", "Sort by", list(orders), selection.sort, orders.get)
        key = f"{_WIDGET}hide"
        st.session_state[key] = selection.experts == "unlabelled"
        st.toggle("Hide what I have labelled", key=key, on_change=_ask)


def chips(selection: Selection) -> None:
    """Show each filter in words, to be taken away by a click."""
    words = selection.describe()
    if selection.experts:
        words["experts"] = _MINE[selection.experts]
    for name, text in words.items():
        st.button(
            ui.plain(text, 80),
            key=f"{_WIDGET}drop-{name}",
            icon=":material/close:",
            icon_position="right",
            help="Take this filter away",
            on_click=ask,
            args=(selection.without(name),),
        )
    if len(words) > 1:
        st.button(
            "Clear all",
            key=f"{_WIDGET}clear",
            type="tertiary",
            on_click=ask,
            args=(selection.cleared(),),
        )


def ask(selection: Selection, kind: str | None = None) -> None:
    """Make the address ask for something else."""
    query = dict(selection.to_query())
    if query.get("sort") == "confidence":
        del query["sort"]
    why = {"why": kind or st.query_params.get("why")}
    ui.to_address({**query, **why})


def _ask() -> None:
    """Read all filters on screen into the address."""
    state = st.session_state
    asked = Selection.from_query({key: st.query_params.get_all(key) for key in st.query_params})
    values = {
        name: state[f"{_WIDGET}{name}"] for name in ("model", "sort") if f"{_WIDGET}{name}" in state
    }
    for name in ("truths", "verdicts"):
        chosen = state.get(f"{_WIDGET}{name}", getattr(asked, name))
        values[name] = tuple(kind for kind in (*TransientClass, UNKNOWN) if kind in chosen)
    for name in _BOUNDS:
        key = f"{_WIDGET}{name}"
        if key in state:
            values[name] = _open_ends(state[key], state[f"{key}-ends"])
    values["experts"] = "unlabelled" if state.get(f"{_WIDGET}hide") else ""
    ask(replace(asked, **values), state.get(f"{_WIDGET}kind"))


def _open_ends(bounds: tuple[float, float], ends: tuple[float, float]) -> Range:
    """Return bounds whose ends are open where they lie at the end of what there is."""
    low, high = (None if one == end else one for one, end in zip(bounds, ends, strict=True))
    return low, high


def _count(words: str, chosen: Sequence[object]) -> str:
    return f"{words} · {len(chosen)}" if chosen else words


def _one(name: str, label: str, options: list[str], now: str, words: Callable[[str], str]) -> None:
    key = f"{_WIDGET}{name}"
    st.session_state[key] = now
    st.segmented_control(
        label,
        options,
        format_func=words,
        key=key,
        required=True,
        on_change=_ask,
        label_visibility="collapsed",
    )


def _select(
    name: str, label: str, options: list[str], now: str, words: Callable[[str], str] = str
) -> None:
    key = f"{_WIDGET}{name}"
    st.session_state[key] = now
    st.selectbox(
        label,
        options,
        format_func=words,
        key=key,
        on_change=_ask,
        label_visibility="collapsed",
        width=190,
    )


def _classes(name: str, label: str, now: Sequence[str]) -> None:
    key = f"{_WIDGET}{name}"
    st.session_state[key] = list(now)
    st.pills(
        label,
        [str(kind) for kind in TransientClass],
        selection_mode="multi",
        format_func=lambda kind: f"{STYLES[TransientClass(kind)].glyph} {kind}",
        key=key,
        on_change=_ask,
    )


def _between(name: str, known: Range, now: Range) -> None:
    """Show a slider over what there is of a number; nothing where all is one value."""
    quantity, step = RANGES[name], _BOUNDS[name]
    low, high = known
    if low is None or high is None or high - low < step:
        return
    ends = (low // step * step, -(-high // step) * step)
    bounds = tuple(
        min(max(ends[0], one), ends[1]) if one is not None else end
        for one, end in zip(now, ends, strict=True)
    )
    key = f"{_WIDGET}{name}"
    st.session_state[key], st.session_state[f"{key}-ends"] = bounds, ends
    unit = f" ({quantity.unit})" if quantity.unit not in ("", quantity.words) else ""
    words = "probability of the verdict" if name == "probability" else quantity.words
    st.slider(
        f"{words[0].upper()}{words[1:]}{unit}",
        *ends,
        step=step,
        format=f"%.{max(0, -round(math.log10(step)))}f",
        key=key,
        help=quantity.help,
        on_change=_ask,
    )
