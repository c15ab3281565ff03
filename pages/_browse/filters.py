"""The row of filters of the Browse page, the chips of those in use, and what to do for none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _ui as ui
from pages._browse import state as browse
from taonet_core.data.resolver import resolve_name
from taonet_core.data.selection import Selection, extremes
from taonet_core.data.selection_fields import (
    CHOICES,
    CLASSES,
    ORDERS,
    RANGES,
    UNKNOWN,
    Quantity,
    Range,
)
from taonet_core.data.sky import parse_cone, position_problem
from taonet_core.errors import TaoNetError
from taonet_core.labels import STYLES, TransientClass

#: Radii of a cone on offer, arcsec.
RADII = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 18000.0)

_UNKNOWN_NAME = "browse-unknown-name"


def row(overview: pd.DataFrame, selection: Selection, models: Sequence[str]) -> None:
    """Show the row of filters."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text_input(
            "Search by name or coordinates",
            key=browse.WIDGET + "text",
            placeholder="CSS1209 or 01:32:45 +20:15:12 r=2m",
            help="Part of a name; or a position in degrees, sexagesimal, as J-name or Galactic "
            "(l 135.2 b −41.6), with a radius where you like (r=30, r=2m, r=1d).",
            icon=":material/search:",
            label_visibility="collapsed",
            width=310,
            on_change=browse.touch,
        )
        with st.popover("True class"):
            _classes("truths", "True class, as the catalogue or the simulation has it", "no label")
        with st.popover("Verdict"):
            if len(models) > 1:
                _one_of("model", "Verdict of", models)
            _classes("verdicts", "Verdict after the last night", "no verdict yet")
        with st.popover("More filters"):
            _more(extremes(overview, selection.model))
        st.space("stretch")
        _ordering()


def chips(selection: Selection) -> None:
    """Show every filter in words, each to be taken away by a click."""
    words = selection.describe()
    for name, text in words.items():
        st.button(
            ui.plain(text, 80),
            key=f"drop-{name}",
            icon=":material/close:",
            icon_position="right",
            help="Take this filter away",
            on_click=browse.ask,
            args=(_without(selection, name),),
        )
    if len(words) > 1:
        st.button(
            "Clear all",
            key="clear",
            type="tertiary",
            on_click=browse.ask,
            args=(selection.cleared(),),
        )


def said_of_address() -> None:
    """Say which parts of the address were not understood."""
    ignored = st.session_state.get(browse.WIDGET + "ignored")
    if ignored:
        st.warning(f"Left out of the address: {ui.plain('; '.join(ignored))}.")


def nothing_fits(overview: pd.DataFrame, selection: Selection) -> None:
    """Say that nothing fits, and which filter to take away for how many objects."""
    problem = position_problem(selection.text)
    if problem:
        st.warning(f"{ui.plain(problem)}.")
    st.subheader("No object fits all of these filters", anchor=False)
    st.text("Take one away:")
    with st.container(horizontal=True, gap="small"):
        for name, words in selection.describe().items():
            wider = _without(selection, name)
            count = len(wider.apply(overview))
            st.button(
                f"without {ui.plain(words, 80)}: {count} object{'' if count == 1 else 's'}",
                key=f"wider-{name}",
                disabled=not count,
                on_click=browse.ask,
                args=(wider,),
            )
        st.button("Clear all filters", on_click=browse.ask, args=(selection.cleared(),))
    if selection.text and not problem and parse_cone(selection.text) is None:
        _look_up(selection)


def _look_up(selection: Selection) -> None:
    """Offer to ask the CDS where an object of this name lies; only a click asks."""
    st.button(
        f"Where is “{ui.plain(selection.text, 60)}”? Ask Sesame (CDS)",
        key="look-up",
        icon=":material/travel_explore:",
        help="Sends the name to cds.unistra.fr, and searches around the position it answers",
        on_click=_resolve,
        args=(selection,),
    )
    if _UNKNOWN_NAME in st.session_state:
        st.warning(ui.plain(st.session_state.pop(_UNKNOWN_NAME)))


def _resolve(selection: Selection) -> None:
    try:
        ra, dec = resolve_name(selection.text)
    except TaoNetError as error:
        st.session_state[_UNKNOWN_NAME] = f"{error}."
    else:
        browse.ask(replace(selection, text=f"{ra:.6f} {dec:+.6f}"))


def _without(selection: Selection, name: str) -> Selection:
    fewer = selection.without(name)
    return fewer.without("probability_of") if name == "probability" else fewer


def _classes(name: str, label: str, unknown: str) -> None:
    def words(kind: str) -> str:
        return unknown if kind == UNKNOWN else f"{STYLES[TransientClass(kind)].glyph} {kind}"

    st.pills(
        label,
        CLASSES,
        selection_mode="multi",
        format_func=words,
        key=browse.WIDGET + name,
        on_change=browse.touch,
    )


def _one_of(name: str, label: str, options: Sequence[str], *, bare: bool = False) -> None:
    st.segmented_control(
        label,
        list(options),
        key=browse.WIDGET + name,
        on_change=browse.touch,
        label_visibility="collapsed" if bare else "visible",
    )


def _line(title: str, help: str | None = None) -> DeltaGenerator:
    """Open a line of the panel of filters: what it is about, then its fields."""
    place = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    place.text(title, width=124, help=help)
    return place


def _more(known: Mapping[str, Range]) -> None:
    titles = {"outcome": "Verdict is", "agreement": "Models", "experts": "By experts"}
    for name, (_, words) in CHOICES.items():
        with _line(titles[name]):
            _one_of(name, titles[name], list(words), bare=True)
    with _line("Probability of", "Which class the bounds on the probability are about"):
        _choose("probability_of", ["", *map(str, TransientClass)], lambda c: c or "the verdict")
    for name, quantity in RANGES.items():
        _range_fields(name, quantity, known[name])
    # The usual one first: a panel that opens late takes the first for what was chosen.
    usual = Selection().radius_arcsec
    radii = [usual, *sorted({*RADII, st.session_state[browse.WIDGET + "radius"]} - {usual})]
    with _line("Search radius", "Around a position that comes without a radius of its own"):
        _choose("radius", radii, _angle)


def _choose(name: str, options: Sequence[Any], words: Callable[[Any], str]) -> None:
    st.selectbox(
        name,
        options,
        format_func=words,
        key=browse.WIDGET + name,
        on_change=browse.touch,
        label_visibility="collapsed",
        width=160,
    )


def _range_fields(name: str, quantity: Quantity, known: Range) -> None:
    title = quantity.words[0].upper() + quantity.words[1:]
    title += f" ({quantity.unit})" if quantity.unit not in ("", quantity.words, "mag") else ""
    with _line(title, quantity.help):
        for end, hint, words in zip(("low", "high"), known, ("from", "to"), strict=True):
            _end(name, quantity, end, hint, f"{title} {words}")


def _end(name: str, quantity: Quantity, end: str, hint: float | None, label: str) -> None:
    """Show the field of one end of a range; what is known of the objects stands in it faintly."""
    key, digits = f"{browse.WIDGET}{name}-{end}", 1 if name == "snr" else 2
    faint = "" if hint is None else f"{round(hint, digits):g}"
    look = {"label_visibility": "collapsed", "width": 90, "on_change": browse.touch}
    if name == "dates":
        text = st.text_input(label, key=key, placeholder="date or MJD", **look)
        if text and browse.day(text) is None:
            st.caption("Wanted a day such as 2012-09-25, or an MJD.")
        return
    least, most = (float(limit) if math.isfinite(limit) else None for limit in quantity.bounds)
    st.number_input(label, least, most, value=None, key=key, placeholder=faint, **look)


def _angle(arcsec: float) -> str:
    for size, unit in ((3600, "°"), (60, "′")):
        if arcsec >= size:
            return f"{arcsec / size:g}{unit}"
    return f"{arcsec:g}″"


def _ordering() -> None:
    st.selectbox(
        "Sort by",
        list(ORDERS),
        format_func=lambda name: f"Sort: {ORDERS[name].words}",
        key=browse.WIDGET + "sort",
        on_change=browse.touch,
        label_visibility="collapsed",
        width=250,
    )
    st.toggle("reversed", key=browse.WIDGET + "turned", on_change=browse.touch)
    st.segmented_control(
        "Show as",
        list(browse.VIEWS),
        format_func=lambda name: f"{browse.VIEWS[name]} {name}",
        key=browse.VIEW,
        required=True,
        on_change=browse.kept,
        label_visibility="collapsed",
    )
