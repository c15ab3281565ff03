"""What the page Explain shows: the evidence over the frames, night by night, and its checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages._attribution import attribution, faithfulness_check
from pages._question import Question, open_object
from pages._subject import Subject
from pages._ui import Key, downloads, plain
from pages._viewer import epoch_viewer
from taonet_core.charts import CONFIG, Chart
from taonet_core.data.results import Attribution
from taonet_core.evidence import evidence_sentence, evidence_shares
from taonet_core.evidence_files import evidence_nights, write_evidence
from taonet_core.explain import METHODS
from taonet_core.explain_charts import (
    faithfulness_chart,
    faithfulness_words,
    night_chart,
    place_chart,
)
from taonet_core.overlay import attribution_overlay
from taonet_core.snippets import python_code, shell_code
from taonet_core.sum_rule import sum_rule

NIGHTS = "explain-nights"
_WHEN = (
    "Evidence of each night read: the sum over its pixels, in log-odds. 2.3 logits more make a "
    "class ten times as likely. Click a night to see it."
)
_WHERE = (
    "Shares of all evidence, for and against alike, within two widths of the PSF of the target, on "
    "the extended source at it, and elsewhere"
)
_COMPLETE = (
    "What all pixels say together should be the change of the log-odds from the baseline to the "
    "images; a large difference means that the evidence is not to be taken at its word"
)
_FAITHFUL = (
    "Blanks the field, the places of most evidence first, and uncovers it in the same order: if "
    "the model goes by what is marked, the probability falls at once and rises at once. The area "
    "between the curve and that of random order is the gain; 0 is no better than chance."
)


def show_evidence(subject: Subject, question: Question) -> None:
    """Show which pixels of which nights speak for the class, and how far that can be trusted."""
    sequence = subject.sequence
    assert sequence is not None  # a model that reads images said something
    found = attribution(
        subject.content,
        sequence,
        question.bundle,
        question.method,
        question.target,
        question.against,
        question.baseline,
        question.steps,
    )
    sentence(evidence_sentence(found, sequence))
    subject = leading(subject, question)
    _evidence(subject.payload(), found, subject)
    where, checks = st.columns(2, gap="large")
    with where:
        _where(found, subject)
    with checks:
        _checks(found, subject, question)
    _to_keep(subject, found)


def sentence(text: str) -> None:
    """Say in one sentence what was found, before any figure."""
    st.markdown(f"##### {plain(text)}")


def _where(found: Attribution, subject: Subject) -> None:
    """Show in which parts of the frames the evidence lies."""
    st.subheader("Where it lies", anchor=False, help=_WHERE)
    assert subject.sequence is not None
    show(place_chart(evidence_shares(found, subject.sequence)), "explain-places")


def _checks(found: Attribution, subject: Subject, question: Question) -> None:
    """Show how far the explanation holds."""
    st.subheader("How far it holds", anchor=False)
    rule = sum_rule(found)
    if rule is None:
        st.caption(f"{METHODS[found.method].name} does not promise that evidence adds up.")
    elif rule.large:
        st.warning(f"{plain(rule.words)}, which is much. More steps may help.")
    else:
        st.caption(f"{plain(rule.words)}.", help=_COMPLETE)
    assert subject.sequence is not None
    asked = (subject.content, subject.sequence, question.bundle, found)
    curves = faithfulness_check(*asked, now=False)
    if curves is None:
        if not st.button("Test it on this object", key="explain-test", help=_FAITHFUL):
            return
        curves = faithfulness_check(*asked, now=True)
        assert curves is not None  # it was computed
    st.caption(plain(faithfulness_words(curves)), help=_FAITHFUL)
    rival = "" if found.against is None else f" rather than {found.against}"
    show(faithfulness_chart(curves, f"{found.target}{rival}"), "explain-faithful")


def _to_keep(subject: Subject, found: Attribution) -> None:
    """Offer the explanation as files, and the code that makes it."""
    sequence = subject.sequence
    assert sequence is not None
    asked = {
        "target": str(found.target),
        "against": None if found.against is None else str(found.against),
        "method": found.method,
        "baseline": found.baseline,
        "steps": found.meta["steps"],
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        downloads(
            "evidence",
            subject.object_id,
            lambda path: write_evidence(found, sequence, path),
            [".fits", ".csv", ".png"],
        )
        _code(subject, asked)


def _code(subject: Subject, asked: Mapping[str, Any] | None) -> None:
    """Show how to get the same in Python and on the command line."""
    shown = subject.shown(asked)
    with st.popover("Code", icon=":material/code:", type="tertiary"):
        st.code(python_code(shown), language="python")
        st.code(shell_code(shown), language="bash")


def nothing_said(subject: Subject) -> None:
    """Show an object that no classifier could read, and why."""
    st.subheader("No classifier could read this object", anchor=False)
    reasons = subject.problems or {"models": "the weights are missing"}
    st.text("\n".join(f"{name}: {why}" for name, why in reasons.items()))
    epoch_viewer(subject.payload(), key=Key.VIEWER, night=night())


def leading(subject: Subject, question: Question) -> Subject:
    """Return the subject with what the model asked says before the others."""
    rest = [p for p in subject.predictions if p.model != question.bundle.name]
    return replace(subject, predictions=[question.prediction, *rest])


@st.fragment
def _evidence(payload: dict[str, Any], found: Attribution, subject: Subject) -> None:
    """Show viewer and nights, which share the night: it stands in the address."""

    def remember() -> None:
        st.query_params[Key.NIGHT] = str(st.session_state[Key.VIEWER]["night"]["night"])

    def pick() -> None:
        points = st.session_state[NIGHTS]["selection"]["points"]
        if points:
            st.query_params[Key.NIGHT] = str(int(points[0]["customdata"][0]))

    assert subject.sequence is not None
    turn = epoch_viewer(
        payload,
        key=Key.VIEWER,
        night=night(),
        on_night=remember,
        turning=len(subject.listing) > 1,
        overlay=attribution_overlay(found, subject.sequence),
    )
    if turn:
        here = subject.listing.index(subject.object_id)
        open_object(subject.listing[(here + turn) % len(subject.listing)])
        st.rerun()
    st.subheader("When", anchor=False, help=_WHEN)
    table = evidence_nights(found, subject.sequence)
    show(night_chart(table, night=night(), signed=found.signed), NIGHTS, on_select=pick)


def night() -> int | None:
    """Return the night in the address, from 1."""
    text = st.query_params.get(Key.NIGHT, "")
    return int(text) if re.fullmatch(r"\d{1,6}", text) else None


def show(chart: Chart, key: str, **settings: Any) -> None:
    """Show a figure, with its words for a screen reader."""
    st.plotly_chart(chart.figure, config=CONFIG, alt=chart.words, key=key, **settings)
