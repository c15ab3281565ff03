"""What the page Explain shows of every model: viewer, sentence, figures, code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages._explain.question import Question, open_object
from pages._object.page import show_viewer
from pages._object.subject import Subject
from pages._ui import Key, plain
from taonet_core.drawing.charts import CONFIG, Chart
from taonet_core.plain_text import LONGEST_SENTENCE, shown
from taonet_core.snippets import python_code, shell_code


def leading(subject: Subject, question: Question) -> Subject:
    """Return the subject with what the model asked says before the others."""
    rest = [p for p in subject.predictions if p.model != question.bundle.name]
    return replace(subject, predictions=[question.prediction, *rest])


def nothing_said(subject: Subject) -> None:
    """Show an object that no classifier could read, and why."""
    st.subheader("No classifier could read this object", anchor=False)
    reasons = subject.problems or {"models": "the weights are missing"}
    st.text("\n".join(shown(f"{name}: {why}", LONGEST_SENTENCE) for name, why in reasons.items()))
    alone(subject)


@st.fragment
def alone(subject: Subject) -> None:
    """Show the viewer without an explanation."""
    viewer(subject)


def sentence(text: str) -> None:
    """Say in one sentence what was found, before any figure."""
    odds = plain(text).replace(" \\: ", "\N{NO-BREAK SPACE}\\:\N{NO-BREAK SPACE}")  # on one line
    st.markdown(f"##### {odds}")


def viewer(subject: Subject, overlay: dict[str, Any] | None = None) -> None:
    """Show the viewer; what was asked of this object is asked of the next one, too."""
    show_viewer(subject, overlay, open_object)


def picked(key: str) -> Any:
    """Return the custom data of the point of a figure that was clicked; None without one."""
    points = st.session_state[key]["selection"]["points"]
    return points[0].get("customdata") if points else None


def go_to_night(number: float) -> None:
    """Put a night into the address; the viewer follows."""
    st.query_params[Key.NIGHT] = str(int(number))


def show(chart: Chart, key: str, **settings: Any) -> None:
    """Show a figure, with its words for a screen reader."""
    st.plotly_chart(chart.figure, config=CONFIG, alt=chart.words, key=key, **settings)


def code(subject: Subject, asked: Mapping[str, Any] | None = None, more: str = "") -> None:
    """Show how to get the same in Python and on the command line.

    Parameters
    ----------
    subject : Subject
    asked : mapping, optional
        Arguments of `taonet_core.explain.explain`.
    more : str
        Python that follows.
    """
    shown = subject.shown(asked)
    with st.popover("Code", icon=":material/code:", type="tertiary"):
        st.code("\n\n".join(filter(None, (python_code(shown), more))), language="python")
        st.code(shell_code(shown), language="bash")
