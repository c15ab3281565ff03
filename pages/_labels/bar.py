"""The bar by which an expert says what an object is; usable on every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

import streamlit as st

from pages import _ui as ui
from pages._labels.badges import bar_style, in_words, standing_badges
from pages._labels.store import annotations, author, experts, experts_label, place_of
from pages._ui import Key
from taonet_core.data.expert_labels import (
    CONFIDENCES,
    UNSURE,
    WITHDRAWN,
    Annotation,
    standing,
)
from taonet_core.errors import TaoNetError
from taonet_core.labels import STYLES, TransientClass
from taonet_core.objects.collection import Collection

__all__ = ["annotations", "experts", "experts_label", "label_bar"]

_KEYS = st.components.v2.component(
    "taonet_label_keys", js=(Path(__file__).parent / "bar.js").read_text("utf-8")
)
_CHOICES = (*TransientClass, UNSURE)
_LONGEST_NOTE = 1000
_SAID = "label-said"


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
    on_label: Callable[[], None] | None

    def field(self, name: str) -> str:
        """Return the key of a widget of this object."""
        return f"{self.key}-{name}-{self.object_id}"

    @property
    def seen(self) -> str:
        """Return the key of the reader's own label as this session last saw it, on any page."""
        return f"label-seen-{self.collection}-{self.object_id}"


def label_bar(
    collection: Collection,
    object_id: str,
    *,
    key: str,
    shown: dict[str, Any] | None = None,
    after: Callable[[], None] | None = None,
    on_label: Callable[[], None] | None = None,
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
    on_label : callable, optional
        Called once a class was chosen and is stored.
    """
    place = place_of(collection, object_id)
    _bar(_Subject(key, object_id, *place, collection.name, shown or {}, after, on_label))


@st.fragment
def _bar(subject: _Subject) -> None:
    try:
        said = annotations().history(subject.object_id, ra=subject.ra, dec=subject.dec)
    except TaoNetError as error:
        st.error(ui.plain(error))
        return
    name = author()
    own = next((row for row in standing(said) if row.author == name), None)
    st.session_state[subject.seen] = name, own
    with st.container(key=f"{subject.key}-bar", gap="small"):
        bar_style(subject.key, own)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _classes(subject, name)
            _details(subject, name, own)
            _who(name)
        said_key = f"{subject.key}-said"
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=said_key):
            standing_badges(said)
            _history(subject, said, name, own)
            if subject.after is not None:
                st.space("stretch")
                subject.after()
        _KEYS(key=f"{subject.key}-keys", data={"note": f".st-key-{subject.key}-note input"})
    words, icon = st.session_state.pop(_SAID, ("", None))
    if words:
        st.toast(ui.plain(words), icon=icon)


def _history(
    subject: _Subject, said: Sequence[Annotation], name: str, own: Annotation | None
) -> None:
    if not said:
        return
    if any(row.author == name for row in said):
        st.button(
            "Undo / redo",
            key=f"{subject.key}-undo",
            type="tertiary",
            icon=":material/undo:",
            help="Say again what you said before your last label, or nothing; a second time, that "
            "label again. History is kept",
            on_click=_undo,
            args=(subject, name),
        )
    with st.popover(f"History · {len(said)}", type="tertiary"):
        st.text("\n".join(in_words(row) for row in reversed(said)))
        if own is not None:
            withdraw = (subject, name, WITHDRAWN)
            st.button(
                "Withdraw my label", key=f"{subject.key}-withdraw", on_click=_save, args=withdraw
            )


def _classes(subject: _Subject, name: str) -> None:
    """Show a button for each class, with its key on it."""
    for number, label in enumerate(_CHOICES, start=1):
        style = STYLES.get(label)
        glyph = f':color[{style.glyph}]{{foreground="{style.colour}"}}' if style else "?"
        st.button(
            f"{glyph} {label}",
            key=f"{subject.key}-{label}",
            shortcut=str(number) if style else "u",
            help=style.name if style else "You looked and cannot tell",
            disabled=not name,
            on_click=_label,
            args=(subject, name, str(label)),
            width="content",
        )


def _details(subject: _Subject, name: str, own: Annotation | None) -> None:
    """Ask how sure the expert is, and why."""
    sure, note = subject.field("sure"), subject.field("note")
    st.session_state.setdefault(sure, (own.confidence or None) if own else None)
    st.session_state.setdefault(note, own.note if own else "")
    st.caption("sure?", width="content", help="Kept with the label; may be said afterwards too")
    st.segmented_control(
        "How sure are you?",
        CONFIDENCES,
        key=sure,
        on_change=_amend,
        args=(subject, name),
        disabled=not name,
        label_visibility="collapsed",
        width="content",
    )
    with st.container(key=f"{subject.key}-note", width=220):
        st.text_input(
            "Note",
            key=note,
            max_chars=_LONGEST_NOTE,
            on_change=_amend,
            args=(subject, name),
            placeholder="Note (n), saved by Enter",
            disabled=not name,
            label_visibility="collapsed",
        )


def _who(name: str) -> None:
    """Ask who gives the labels, once."""
    place = (
        st.popover(f"as {ui.plain(name, 40)}", type="tertiary") if name else st.container(width=200)
    )
    with place:
        st.text_input(
            "Your name",
            key=Key.AUTHOR,
            max_chars=100,
            help="Kept with every label you give",
            placeholder="Your name, for labels",
            persist_state="session",
            label_visibility="visible" if name else "collapsed",
        )


def _label(subject: _Subject, name: str, label: str) -> None:
    if _save(subject, name, label) and subject.on_label is not None:
        subject.on_label()


def _save(subject: _Subject, name: str, label: str) -> bool:
    """Add a label, with what was said of certainty and reason; say whether it is stored."""
    withdrawn = label == WITHDRAWN
    try:
        stored = annotations().add(
            subject.object_id,
            label,
            author=name,
            confidence=None if withdrawn else st.session_state.get(subject.field("sure")),
            note="" if withdrawn else st.session_state.get(subject.field("note"), "").strip(),
            ra=subject.ra,
            dec=subject.dec,
            collection=subject.collection,
            expected=_seen(subject, name),
            **subject.shown,
        )
    except (TaoNetError, ValueError) as error:
        _tell(f"Not saved: {error}", "error")
        return False
    st.session_state[subject.seen] = name, None if withdrawn else stored
    if withdrawn:
        _forget(subject)
    words = "label withdrawn" if withdrawn else f"{label} saved"
    _tell(f"{subject.object_id}: {words}", "check")
    return True


def _amend(subject: _Subject, name: str) -> None:
    """Say the last label again with another certainty or reason; without one, they wait for it."""
    try:
        said = standing(annotations().history(subject.object_id, ra=subject.ra, dec=subject.dec))
    except TaoNetError as error:
        _tell(f"Not saved: {error}", "error")
        return
    own = next((row for row in said if row.author == name), None)
    if own is not None:
        _save(subject, name, own.label)


def _undo(subject: _Subject, name: str) -> None:
    try:
        row = annotations().undo(
            subject.object_id,
            name,
            ra=subject.ra,
            dec=subject.dec,
            expected=_seen(subject, name),
        )
    except TaoNetError as error:
        _tell(f"Not undone: {error}", "error")
        return
    _forget(subject)
    if row is not None:
        st.session_state[subject.seen] = name, None if row.label == WITHDRAWN else row
        said = "no label" if row.label == WITHDRAWN else row.label
        _tell(f"{subject.object_id}: back to {said}", "undo")


def _seen(subject: _Subject, name: str) -> Annotation | None | EllipsisType:
    """Return the reader's own label as this session last saw it: another window may say more.

    Of someone who changed their name meanwhile, anything will do.
    """
    author, own = st.session_state.get(subject.seen, ("", None))
    return own if author == name else ...


def _forget(subject: _Subject) -> None:
    """Let certainty and reason begin with what the label that stands now has."""
    for name in ("sure", "note"):
        st.session_state.pop(subject.field(name), None)


def _tell(words: str, icon: str) -> None:
    """Have the bar say something when it is drawn next: a callback must not draw."""
    st.session_state[_SAID] = words, f":material/{icon}:"
