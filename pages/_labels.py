"""The bar by which an expert says what an object is; usable on every page."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages import _ui as ui
from pages._ui import Key
from taonet_core.collection import Collection
from taonet_core.data.annotations import Annotations
from taonet_core.data.expert_labels import (
    CONFIDENCES,
    UNSURE,
    WITHDRAWN,
    Annotation,
    annotation_table,
    standing,
)
from taonet_core.data.label_database import database_url
from taonet_core.errors import TaoNetError
from taonet_core.figures import class_styles
from taonet_core.labels import STYLES, TransientClass

_KEYS = st.components.v2.component(
    "taonet_label_keys", js=(Path(__file__).parent / "_label_bar.js").read_text("utf-8")
)
_CHOICES = (*TransientClass, UNSURE)
_LONGEST_NOTE = 1000


@dataclass(frozen=True)
class _Subject:
    """What is labelled, and what its expert sees a classifier say."""

    key: str
    object_id: str
    ra: float | None
    dec: float | None
    collection: str
    shown: dict[str, Any]
    after: Callable[[], None] | None

    def field(self, name: str) -> str:
        """Return the key of a widget of this object."""
        return f"{self.key}-{name}-{self.object_id}"


def annotations() -> Annotations:
    """Return the database of experts' labels.

    Raises
    ------
    TaoNetError
        If it cannot be opened.
    """
    return _annotations(database_url().render_as_string(hide_password=False))


@st.cache_resource(max_entries=4, show_spinner=False)
def _annotations(url: str) -> Annotations:
    return Annotations(url)


def experts(collection: Collection) -> pd.DataFrame:
    """Return what experts together say of the objects of a data set; see `Annotations.consensus`.

    Raises
    ------
    TaoNetError
        If the database cannot be used.
    """
    kept = annotations()
    return _experts(kept.place, kept.count(), collection.key, kept, collection.catalog)


@st.cache_data(max_entries=16, show_spinner=False)
def _experts(
    place: str, count: int, key: str, _kept: Annotations, _catalog: pd.DataFrame
) -> pd.DataFrame:
    return _kept.consensus(_catalog)


def experts_label(collection: Collection, object_id: str) -> Annotation | None:
    """Return the newest label of an object that stands, whoever gave it.

    Raises
    ------
    TaoNetError
        If the database cannot be used.
    """
    subject = _subject(collection, object_id, key="")
    said = standing(annotations().history(object_id, ra=subject.ra, dec=subject.dec))
    return said[0] if said else None


def label_bar(
    collection: Collection,
    object_id: str,
    *,
    key: str,
    shown: dict[str, Any] | None = None,
    after: Callable[[], None] | None = None,
) -> None:
    """Let an expert label an object: 1 to 6 for a class, u for unsure, n for a note.

    Only the bar runs again when a label is given.

    Parameters
    ----------
    collection : Collection
    object_id : str
    key : str
        Begin of the keys of its widgets.
    shown : dict, optional
        ``model``, ``model_version``, ``verdict`` and ``probability`` that the expert sees; they
        are kept with the label.
    after : callable, optional
        Draws below the bar, and anew after each label.
    """
    _bar(_subject(collection, object_id, key=key, shown=shown, after=after))


def _subject(
    collection: Collection,
    object_id: str,
    *,
    key: str,
    shown: dict[str, Any] | None = None,
    after: Callable[[], None] | None = None,
) -> _Subject:
    row = collection.catalog.set_index("object_id").loc[object_id]
    ra, dec = (float(row[name]) if pd.notna(row[name]) else None for name in ("ra", "dec"))
    return _Subject(key, object_id, ra, dec, collection.name, shown or {}, after)


@st.fragment
def _bar(subject: _Subject) -> None:
    try:
        said = annotations().history(subject.object_id, ra=subject.ra, dec=subject.dec)
    except TaoNetError as error:
        st.error(ui.plain(error))
        return
    author = _author()
    mine = next((row for row in standing(said) if row.author == author), None)
    with st.container(key=f"{subject.key}-bar", gap="small"):
        _style(subject.key)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _standing(said)
            _history(subject, said, author, mine)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            _classes(subject, author, mine)
            _details(subject, author, mine)
        _KEYS(key=f"{subject.key}-keys", data={"note": f".st-key-{subject.key}-note input"})
        if subject.after is not None:
            subject.after()


def _author() -> str:
    """Return the name that labels are given under: who logged in, else the user of this machine.

    Someone who comes from another machine is asked.
    """
    if Key.AUTHOR not in st.session_state:
        known = st.user.get("name") or st.user.get("email") if st.user.get("is_logged_in") else ""
        local = st.context.ip_address is None
        st.session_state[Key.AUTHOR] = str(known or (_machine_user() if local else ""))
    return str(st.session_state[Key.AUTHOR]).strip()


def _machine_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _style(key: str) -> None:
    """Give each class button the colour of its class: experts' labels are outlined."""
    rules = [
        f".st-key-{key}-{name} button {{border-color: {style.colour}}}"
        f".st-key-{key}-{name} button p::first-letter {{color: {style.colour}}}"
        for name, style in STYLES.items()
    ]
    st.html(f"<style>{''.join(rules)}</style>")


def _standing(said: Sequence[Annotation]) -> None:
    """Show the labels that stand, the newest first: outlined badge, who, when, how sure, why."""
    rows = standing(said)
    if not rows:
        st.caption("No expert has labelled this object yet.", width="content")
    for row in rows[:4]:
        st.html(_badge(row.label), width="content")
        when = f"{row.created_at[:16].replace('T', ' ')} UTC"
        sure = f"{row.confidence} confidence" if row.confidence else ""
        note = f"“{row.note}”" if row.note else ""
        words = " · ".join(filter(None, (row.author, sure, when, note)))
        st.caption(ui.plain(words), width="content")


def _badge(label: str) -> str:
    """Return the badge of an experts' label, made of nothing that a user wrote."""
    style = class_styles().get(label, {"glyph": "?", "colour": "currentColor", "name": label})
    return (
        f'<span title="Label of an expert: {style["name"]}" style="border: 2px solid '
        f"{style['colour']}; border-radius: 4px; padding: 0 7px; font-weight: 600; "
        f'white-space: nowrap"><span style="color: {style["colour"]}">{style["glyph"]}</span> '
        f"{label}</span>"
    )


def _history(
    subject: _Subject, said: Sequence[Annotation], author: str, mine: Annotation | None
) -> None:
    if not said:
        return
    if any(row.author == author for row in said):
        st.button(
            "Undo",
            key=f"{subject.key}-undo",
            type="tertiary",
            icon=":material/undo:",
            help="Say again what you said before your last label, or nothing; history is kept",
            on_click=_undo,
            args=(subject, author),
        )
    with st.popover(f"History · {len(said)}", type="tertiary"):
        columns = ["created_at", "author", "label", "confidence", "note", "verdict", "model"]
        st.dataframe(
            annotation_table(reversed(said))[columns],
            hide_index=True,
            column_config={
                "created_at": st.column_config.DatetimeColumn("when (UTC)"),
                "verdict": st.column_config.TextColumn(
                    "verdict shown", help="What the classifier said when this label was given"
                ),
            },
        )
        if mine is not None:
            withdraw = (subject, author, WITHDRAWN)
            st.button(
                "Withdraw my label", key=f"{subject.key}-withdraw", on_click=_save, args=withdraw
            )


def _classes(subject: _Subject, author: str, mine: Annotation | None) -> None:
    """Show a button for each class, with its key on it."""
    for number, label in enumerate(_CHOICES, start=1):
        style = STYLES.get(label)
        st.button(
            f"{style.glyph} {label}" if style else "? unsure",
            key=f"{subject.key}-{label}",
            type="primary" if mine is not None and mine.label == label else "secondary",
            shortcut=str(number) if style else "u",
            help=style.name if style else "You looked and cannot tell",
            disabled=not author,
            on_click=_save,
            args=(subject, author, str(label)),
            width="content",
        )


def _details(subject: _Subject, author: str, mine: Annotation | None) -> None:
    """Ask how sure the expert is, why, and who it is."""
    sure, note = subject.field("sure"), subject.field("note")
    st.session_state.setdefault(sure, (mine.confidence or None) if mine else None)
    st.session_state.setdefault(note, mine.note if mine else "")
    with st.container(width="content"):
        st.segmented_control(
            "How sure are you?",
            CONFIDENCES,
            key=sure,
            on_change=_amend,
            args=(subject, author),
            help="Kept with the label; may also be chosen afterwards",
            disabled=not author,
        )
    with st.container(key=f"{subject.key}-note", width=260):
        st.text_input(
            "Note (n)",
            key=note,
            max_chars=_LONGEST_NOTE,
            on_change=_amend,
            args=(subject, author),
            placeholder="Why; Enter saves it",
            disabled=not author,
        )
    with st.container(width=150):
        st.text_input(
            "Your name",
            key=Key.AUTHOR,
            max_chars=100,
            help="Kept with every label you give",
            placeholder="Needed for labels",
            persist_state="session",
        )


def _save(subject: _Subject, author: str, label: str) -> None:
    """Add a label, with what was said of certainty and reason."""
    withdrawn = label == WITHDRAWN
    try:
        annotations().add(
            subject.object_id,
            label,
            author=author,
            confidence=None if withdrawn else st.session_state.get(subject.field("sure")),
            note="" if withdrawn else st.session_state.get(subject.field("note"), "").strip(),
            ra=subject.ra,
            dec=subject.dec,
            collection=subject.collection,
            **subject.shown,
        )
    except (TaoNetError, ValueError) as error:
        st.toast(ui.plain(f"Not saved: {error}"), icon=":material/error:", duration="infinite")
        return
    if withdrawn:
        _forget(subject)
    name = "label withdrawn" if withdrawn else f"{label} saved"
    st.toast(ui.plain(f"{subject.object_id}: {name}"), icon=":material/check:")


def _amend(subject: _Subject, author: str) -> None:
    """Say the last label again with another certainty or reason; without one, they wait for it."""
    try:
        said = standing(annotations().history(subject.object_id, ra=subject.ra, dec=subject.dec))
    except TaoNetError as error:
        st.toast(ui.plain(error), icon=":material/error:")
        return
    mine = next((row for row in said if row.author == author), None)
    if mine is not None:
        _save(subject, author, mine.label)


def _undo(subject: _Subject, author: str) -> None:
    try:
        row = annotations().undo(subject.object_id, author)
    except TaoNetError as error:
        st.toast(ui.plain(f"Not undone: {error}"), icon=":material/error:", duration="infinite")
        return
    _forget(subject)
    if row is not None:
        said = "no label" if row.label == WITHDRAWN else row.label
        st.toast(ui.plain(f"{subject.object_id}: back to {said}"), icon=":material/undo:")


def _forget(subject: _Subject) -> None:
    """Let certainty and reason begin with what the label that stands now has."""
    for name in ("sure", "note"):
        st.session_state.pop(subject.field(name), None)
