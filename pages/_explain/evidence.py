"""What the page Explain shows of models that read images: evidence, and whether it holds."""

from __future__ import annotations

import streamlit as st

from pages._explain import explanation as parts
from pages._explain.attribution import attribution, evidence_summary, faithfulness_check
from pages._explain.question import Question
from pages._object.subject import Subject
from pages._ui import downloads, plain
from taonet_core.data.results import Attribution
from taonet_core.drawing.explain_charts import faithfulness_chart, night_chart, place_chart
from taonet_core.drawing.overlay import attribution_overlay
from taonet_core.explaining.evidence_files import evidence_nights, write_evidence
from taonet_core.explaining.method_checks import method_checks
from taonet_core.explaining.questions import METHODS
from taonet_core.explaining.words import check_words, faithfulness_words, sum_rule

NIGHTS, TEST = "explain-nights", "explain-test"
_WHEN = (
    "Evidence of each night read: the sum over its pixels, in log-odds. 2.3 more make a "
    "class ten times as likely. Click a night to see it."
)
_WHERE = (
    "Shares of all evidence, for and against alike: within two widths of the PSF of the target, on "
    "the extended source at it, and elsewhere"
)
_COMPLETE = (
    "What all pixels say together should be the change of the log-odds from the baseline to the "
    "images. Where it is not, the evidence is not to be taken at its word."
)
_FAITHFUL = (
    "Blanks the field, the places of most evidence first, and uncovers it in the same order: if "
    "the model goes by what is marked, the probability falls at once and rises at once. The area "
    "between the curve and that of random order is the gain; 0 is no better than chance."
)
_CHECKED = (
    "Measured on many simulated objects. Maps must change when the weights of the network are "
    "shuffled, or they show the images rather than the model; on bright supernovae the evidence "
    "must peak at the supernova."
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
    said, shares = evidence_summary(subject.content, sequence, found)
    check = method_checks(found.model)[found.method]
    if check.passed is False:
        st.markdown(
            f":material/warning: {METHODS[found.method].name} failed its checks on "
            f"{plain(found.model)} – {plain(check.reason)}: do not rely on this."
        )
    parts.sentence(said)
    _evidence(subject, question, found, shares)


@st.fragment
def _evidence(
    subject: Subject, question: Question, found: Attribution, shares: dict[str, float]
) -> None:
    """Show viewer and figures, which share the night."""
    assert subject.sequence is not None
    parts.viewer(subject, attribution_overlay(found, subject.sequence))
    left, right = st.columns(2, gap="large")
    with left:
        _when(subject, found)
        st.subheader("Where", anchor=False, help=_WHERE)
        parts.show(place_chart(shares), "explain-places")
    with right:
        _how_far(subject, question, found)
    _to_keep(subject, found)


def _when(subject: Subject, found: Attribution) -> None:
    """Show the evidence of each night; a click on one leads to it."""

    def pick() -> None:
        number = parts.picked(NIGHTS)
        if number is not None:
            parts.go_to_night(number)

    assert subject.sequence is not None
    st.subheader("When", anchor=False, help=_WHEN)
    table = evidence_nights(found, subject.sequence)
    chart = night_chart(table, night=subject.asked_night, signed=found.signed)
    parts.show(chart, NIGHTS, on_select=pick)


def _how_far(subject: Subject, question: Question, found: Attribution) -> None:
    """Show how far the explanation holds: of this method on many objects, and on this one."""
    name = METHODS[found.method].name
    st.subheader("How far it holds", anchor=False)
    check = method_checks(found.model)[found.method]
    if check.measured:
        st.caption(f"{name} on {plain(found.model)}: {plain(check_words(check))}.", help=_CHECKED)
    else:
        st.caption(f"{name} was not checked on {plain(found.model)}.", help=_CHECKED)
    rule = sum_rule(found)
    if rule is None:
        st.caption(f"{name} does not promise that evidence adds up.")
    elif rule.large:
        st.warning(f"{plain(rule.words)}, which is too much. More steps may help.")
    else:
        st.caption(f"{plain(rule.words)}.", help=_COMPLETE)
    _test(subject, question, found)


def _test(subject: Subject, question: Question, found: Attribution) -> None:
    """Offer to test the explanation on this object, and show the result."""
    assert subject.sequence is not None
    asked = (subject.content, subject.sequence, question.bundle, found)
    curves = faithfulness_check(*asked, now=False)
    place = st.empty()
    if curves is None:
        if not place.button("Test it on this object", key=TEST, help=_FAITHFUL):
            return
        with place:
            curves = faithfulness_check(*asked, now=True)
        assert curves is not None  # it was computed
    rival = "" if found.against is None else f" rather than {found.against}"
    parts.show(faithfulness_chart(curves, f"{found.target}{rival}"), "explain-faithful")
    st.caption(plain(faithfulness_words(curves)), help=_FAITHFUL)


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
    downloads(
        "evidence",
        subject.object_id,
        lambda path: write_evidence(found, sequence, path),
        [".fits", ".csv", ".png"],
    )
    parts.code(subject, asked)
