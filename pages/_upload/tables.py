"""Which column of an uploaded table is which: guessed, shown, confirmed or changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages import _ui as ui
from pages._tables import show_table
from taonet_core.data.column_mapping import ColumnMapping, guess_clock, guess_mapping
from taonet_core.data.column_roles import NEEDED, ROLES
from taonet_core.data.column_values import CLOCKS, clock_of
from taonet_core.data.column_words import understood
from taonet_core.data.delivery import Chosen
from taonet_core.data.intake import Intake, TableGroup
from taonet_core.plain_text import LONGEST, LONGEST_SENTENCE, shown

_USES = {"curves": "light curves", "labels": "classes of objects", "": "leave it out"}
_NONE = "–"
_FIRST_ROWS = 5


def choose_columns(content: str, intake: Intake) -> list[Chosen] | None:
    """Ask about the tables whose columns are in doubt.

    Parameters
    ----------
    content : str
        Changes whenever the files do.
    intake : Intake

    Returns
    -------
    list of Chosen or None
        None while an answer is awaited.
    """
    answers = _answers(content)
    hopeful = intake.images or any(group.offered for group in intake.tables)
    for number, group in enumerate(intake.tables):
        if number in answers:
            continue
        if group.guess.certain:
            answers[number] = group.guess.mapping
        elif hopeful and not group.offered:
            answers[number] = None
        else:
            st.subheader(f"Which column is which in {ui.plain(group.name, LONGEST)}?", anchor=False)
            _panel(group, content, number)
    if len(answers) < len(intake.tables):
        return None
    return [Chosen(group, answers[number]) for number, group in enumerate(intake.tables)]


def tables_read(content: str, groups: Sequence[TableGroup]) -> None:
    """Show how the tables were read, to be changed where it is wrong."""
    if not groups:
        return
    answers = _answers(content)
    used = sum(answers[number] is not None for number in range(len(groups)))
    words = f"{used} of {len(groups)} tables" if len(groups) > 1 else "the table"
    with st.expander(f"How the columns of {words} were read"):
        number = 0
        if len(groups) > 1:
            number = st.selectbox(
                "Table",
                range(len(groups)),
                format_func=lambda n: _summary(groups[n], answers[n]),
                key=f"table-{content}",
            )
        _panel(groups[number], content, number)


def _answers(content: str) -> dict[int, ColumnMapping | None]:
    """Return what is settled: number of the table -> its mapping, None where it is left out."""
    held = st.session_state.setdefault("upload-columns", {})
    settled: dict[int, ColumnMapping | None] = held.setdefault(content, {})
    return settled


def _summary(group: TableGroup, mapping: ColumnMapping | None) -> str:
    return f"{shown(group.name)}: {_USES[mapping.use] if mapping else 'left out'}"


def _panel(group: TableGroup, content: str, number: int) -> None:
    """Show the choices, the first rows, and what they amount to."""
    answers, key = _answers(content), f"columns-{content}-{number}"
    settled = answers.get(number)
    start = settled or group.guess.mapping
    use = st.segmented_control(
        "Read it as",
        list(_USES),
        default="" if number in answers and settled is None else start.use,
        format_func=_USES.get,
        key=f"{key}-use",
        required=True,
    )
    if not use:
        st.button("Leave it out", key=f"{key}-take", on_click=_settle, args=(content, number, None))
        return
    if use != start.use:
        start = guess_mapping(group.preview, use).mapping
    elif settled is None:
        st.text(
            "\n".join(shown(_sentence(doubt), LONGEST_SENTENCE) for doubt in group.guess.doubts)
        )
    mapping = _selectors(group, start, f"{key}-{use}")
    _preview(group, mapping)
    st.button(
        "Use these columns",
        type="primary",
        key=f"{key}-take",
        on_click=_settle,
        args=(content, number, mapping),
        disabled=not mapping.usable,
        help=None if mapping.usable else "A column that is needed is not chosen yet.",
    )


def _sentence(doubt: str) -> str:
    return f"{doubt[:1].upper()}{doubt[1:]}{'' if doubt.endswith('?') else '.'}"


def _settle(content: str, number: int, mapping: ColumnMapping | None) -> None:
    _answers(content)[number] = mapping


def _selectors(group: TableGroup, start: ColumnMapping, key: str) -> ColumnMapping:
    """One box a role, those that are needed first."""
    ways = [role for way in NEEDED[start.use] for roles in way for role in roles]
    needed = list(dict.fromkeys(["object_id", *ways]))  # without it, all rows are one object
    shown = [role for role in needed if role in start.columns or not role.startswith("flux")]
    rest = [role for role in ROLES[start.use] if role not in shown]
    picked: dict[str, str] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for role in shown:
            picked[role] = _box(group, start, role, key)
        clock = _clock(group, start, picked.get("time", _NONE), key)
    if rest:
        more = st.expander("More columns: filter, limits, flux, position")
        with more.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for role in rest:
                picked[role] = _box(group, start, role, key)
    columns = {role: column for role, column in picked.items() if column != _NONE}
    if "flux" in columns and "mag" in columns:
        columns = {r: c for r, c in columns.items() if r not in ("flux", "flux_err")}
    mapping = replace(start, columns=columns, clock=clock)
    if "flux" in columns and "zero_point" not in columns:
        mapping = replace(mapping, zero_point=_zero_point(start, key))
    return mapping


def _box(group: TableGroup, start: ColumnMapping, role: str, key: str) -> str:
    options = [_NONE, *map(str, group.preview.rows.columns)]
    guessed = start.columns.get(role, _NONE)
    known = ROLES[start.use][role]
    return st.selectbox(
        known.title,
        options,
        index=options.index(guessed) if guessed in options else 0,
        format_func=shown,
        help=known.help,
        key=f"{key}-{role}",
        width=190,
    )


def _clock(group: TableGroup, start: ColumnMapping, column: str, key: str) -> str:
    if start.use != "curves" or column == _NONE:
        return start.clock
    guessed = start.clock
    if column != start.columns.get("time") or guessed == "auto":
        guessed = guess_clock(group.preview, column)[0]
    options = list(CLOCKS) if guessed in (*CLOCKS, "auto") else [guessed, *CLOCKS]
    return st.selectbox(
        "Times are",
        options,
        index=options.index(guessed) if guessed in options else 0,
        format_func=lambda clock: clock_of(clock).title,
        help="They are turned into MJD. Heliocentric and barycentric dates stay as they are, at "
        "most 8.4 minutes from the observer's clock.",
        key=f"{key}-clock-{column}",
        width=190,
    )


def _zero_point(start: ColumnMapping, key: str) -> float | None:
    return st.number_input(
        "Magnitude of a flux of 1",
        value=start.zero_point,
        placeholder="e.g. 23.9 for µJy",
        help="AB: Jy 8.90, mJy 16.40, µJy 23.90, nJy 31.40; or the zero point of your counts.",
        key=f"{key}-zero",
        width=190,
    )


def _preview(group: TableGroup, mapping: ColumnMapping) -> None:
    """Show the first rows, and what was understood of the columns."""
    table, words = st.columns(2, gap="large")
    rows = group.preview.rows.head(_FIRST_ROWS)
    with table:
        st.caption(f"The first rows of {ui.plain(group.files[0].name, LONGEST)}")
        show_table(rows.astype("str"), hide_index=True, height="content")
    with words:
        seen = "" if group.preview.complete else f" in the first {len(group.preview.rows):,} rows"
        st.caption(f"What was understood{seen}")
        lines = pd.DataFrame(understood(group.preview, mapping), columns=["is", "column", "holds"])
        show_table(lines, hide_index=True, height="content")
