"""What the page Performance is made of."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._evaluation import answers as evaluation
from pages._matrix import matrix
from pages._tables import show_table
from pages._ui import Key
from taonet_core.drawing.charts import class_intervals, f1_against_magnitude, f1_against_nights
from taonet_core.drawing.matrices import NO_VERDICT, SHARES, matrix_payload
from taonet_core.drawing.probability_charts import precision_recall, reliability_diagram, roc
from taonet_core.errors import TaoNetError
from taonet_core.figures import class_styles
from taonet_core.judging.answers import Answers, frozen_hash
from taonet_core.judging.performance import confusion, few_words, score_table
from taonet_core.judging.probabilities import Curves, Trust, class_curves, trust
from taonet_core.models.cards import model_card
from taonet_core.models.weights import sidecars

_F1 = "Harmonic mean of precision and recall of each class, averaged over the classes that occur."
_SURE = (
    "Mean distance between how sure the verdicts are and how often they are right, bin by bin. It "
    "is never zero: below stands what a perfectly calibrated classifier would show here."
)
#: Of a number over the page: two stand side by side on a telephone.
_WIDTH = 160
_number = st.column_config.NumberColumn
_TABLE = {
    "class": "class",
    "precision": st.column_config.TextColumn(help="Of the objects called so, how many are"),
    "recall": st.column_config.TextColumn(help="Of the objects of the class, how many are found"),
    "F1": st.column_config.TextColumn(help="Harmonic mean of precision and recall"),
    "objects": _number(help="Objects of the class"),
    "called so": _number(help="Objects with this verdict"),
}
_OBJECTS = {
    "object_id": "object",
    "label": "truth",
    "verdict": "verdict",
    "confidence": _number(format="%.2f", help="Probability of the verdict after the last night"),
    "mag": _number("mag", format="%.1f", help="Magnitude by which the objects are binned below"),
}


def explain_unlabelled() -> None:
    """Say what is missing where no object has a true class, and where to get it."""
    st.info(
        "None of these objects has a known class, so nothing can be scored. Upload them together "
        "with a table of labels (object, class), or look at the objects and label them yourself."
    )
    with st.container(horizontal=True):
        st.page_link("pages/upload.py", label="Upload with labels", icon=":material/upload_file:")
        st.page_link("pages/browse.py", label="Look at the objects", icon=":material/grid_view:")


def headline(content: str, known: Answers, simulated: bool) -> None:
    """Show the scores that matter most, with intervals, and on how many objects."""
    found, sure = evaluation.scores(content, known), _trust(content, known)
    kind = "simulated objects" if simulated else "objects"
    of_all = f"of {found.n:,} {kind}"
    with st.container(horizontal=True, gap="medium"):
        columns = [st.container(width=_WIDTH) for _ in range(4)]
    with columns[0]:
        st.metric("Macro F1", f"{found.macro_f1.value:.3f}", help=_F1)
        st.caption(f"{found.macro_f1.interval}  \n{of_all}")
    with columns[1]:
        words = "Share of all objects whose verdict is right."
        st.metric("Accuracy", f"{found.accuracy.value:.3f}", help=words)
        st.caption(found.accuracy.interval)
    with columns[2]:
        st.metric("Calibration error", f"{sure.error:.3f}" if sure else "–", help=_SURE)
        st.caption(f"{sure.expected:.3f} by chance alone" if sure else "no verdict")
    with columns[3]:
        words = "Labelled objects of which the classifier could not say anything."
        st.metric("Without a verdict", f"{found.unanswered:,}", help=words)
        st.caption(of_all)
    if few_words(found):
        st.text(few_words(found))
    warned = evaluation.untrained(content.split()[0], known.model)
    if warned:
        st.text(
            f"Not trained for: {warned:,} objects differ from what {known.model} was trained on; "
            "the table on the page Upload says how."
        )


def confusion_matrix(place: str, known: Answers) -> None:
    """Show which classes are taken for which, and the objects of the chosen cell."""
    st.subheader("What is taken for what", anchor=False)
    options = list(SHARES)
    show = st.segmented_control(
        "Numbers in the cells",
        options,
        required=True,
        help="Counts, or shares in percent: by row they sum to 100 for each true class (the "
        "diagonal is recall), by column for each verdict (the diagonal is precision).",
        label_visibility="collapsed",
        **ui.bound(Key.SHARES, options, options[0]),
    )
    cell = _cell(known)
    names = [str(name) for name in known.classes]
    payload = matrix_payload(
        confusion(known),
        names,
        [*names, NO_VERDICT],
        row_words="true class",
        column_words="verdict",
        show=show,
        chosen=cell,
    )
    chosen = matrix(payload, class_styles(), key="confusion")
    if chosen:
        _open_cell(place, known, *chosen)
    if cell:
        _list_cell(place, known, *cell)
    elif place in evaluation.FROZEN:
        st.caption(
            "Choose a cell, with the mouse or with arrow keys and Enter, for the list of its "
            "objects. Images of this set are not kept here."
        )
        st.page_link(
            "pages/performance.py",
            label="See the demo set instead",
            icon=":material/grid_view:",
            query_params={str(Key.TEST_SET): data.DEMO, str(Key.DATA): data.DEMO},
        )
    else:
        st.caption(
            "Choose a cell, with the mouse or with arrow keys and Enter: mistakes open in "
            "Misclassified, the others are listed here."
        )


def _cell(known: Answers) -> tuple[str, str] | None:
    names = {str(name) for name in known.classes}
    truth, verdict = (st.query_params.get(key, "") for key in (Key.TRUTH, Key.VERDICT))
    return (truth, verdict) if truth in names and verdict in {*names, NO_VERDICT} else None


def _open_cell(place: str, known: Answers, truth: str, verdict: str) -> None:
    """Open the mistakes of a cell in Misclassified; list other objects here."""
    if (truth, verdict) == _cell(known):
        del st.query_params[Key.TRUTH], st.query_params[Key.VERDICT]
        st.rerun()
    if place in evaluation.FROZEN or verdict in (truth, NO_VERDICT):
        st.query_params.update({Key.TRUTH: truth, Key.VERDICT: verdict})
        st.rerun()
    chosen = {Key.TRUTH: truth, Key.VERDICT: verdict, Key.MODEL: known.model, Key.DATA: place}
    ui.open_page("misclassified", **{str(key): value for key, value in chosen.items()})


def _list_cell(place: str, known: Answers, truth: str, verdict: str) -> None:
    table = known.table()
    wanted = "" if verdict == NO_VERDICT else verdict
    table = table[(table["label"] == truth) & (table["verdict"] == wanted)]
    table = table.sort_values("confidence", ascending=False, kind="stable")
    frozen = place in evaluation.FROZEN
    st.caption(
        f"{len(table)} objects of class {truth}, verdict {verdict}. "
        + (
            "Their images are not kept here: taonet benchmark --data FOLDER draws them again, and "
            "TAONET_DATA=FOLDER opens them in this app."
            if frozen
            else "Choose a row to open the object."
        )
    )
    selecting = {} if frozen else {"on_select": "rerun", "selection_mode": "single-row"}
    picked = show_table(
        table, hide_index=True, column_config=_OBJECTS, height=280, key="cell", **selecting
    )
    rows = [] if frozen else picked["selection"]["rows"]
    ui.follow(str(table["object_id"].iloc[rows[0]]) if rows else None)


def against_nights(place: str, answers: Mapping[str, Answers], model: str) -> None:
    """Show how early the classifiers are right."""
    st.subheader("How early", anchor=False)
    undated = evaluation.undated(place)
    if undated:
        st.text(f"Too little is known: {undated:,} of the objects have no dates, so no nights.")
        return
    st.caption("Macro F1 of what was said after so many nights, from those nights alone.")
    found = {
        name: evaluation.by_nights(evaluation.content_of(one, place), one)
        for name, one in answers.items()
    }
    evaluation.show(f1_against_nights(found, [model]), "nights")


def against_magnitude(place: str, answers: Mapping[str, Answers], model: str) -> None:
    """Show how faint objects may be."""
    found = {
        name: evaluation.by_magnitude(evaluation.content_of(one, place), one)
        for name, one in answers.items()
    }
    if not found[model]:
        return
    st.subheader("How faint", anchor=False)
    st.caption("Macro F1 by magnitude, over the classes that occur in each bin.")
    evaluation.show(f1_against_magnitude(found, [model]), "magnitude")


def classes(content: str, known: Answers) -> None:
    """Show the scores of every class, drawn and in numbers."""
    st.subheader("Class by class", anchor=False)
    found = evaluation.scores(content, known)
    evaluation.show(class_intervals(found), "classes")
    show_table(score_table(found), hide_index=True, column_config=_TABLE, row_height=30)


def sureness(content: str, known: Answers) -> None:
    """Show whether verdicts are right as often as they are sure."""
    found = _trust(content, known)
    if found is None:
        return
    st.subheader("Is it right as often as it says?", anchor=False)
    st.caption(
        f"Calibration error {found.error:.3f}; a perfectly calibrated classifier would show "
        f"{found.expected:.3f} on so many objects."
    )
    evaluation.show(reliability_diagram(found), "reliability")


def thresholds(content: str, known: Answers) -> None:
    """Show what is gained and lost where only sure verdicts are taken."""
    curves = _curves(content, known)
    if not curves:
        return
    st.subheader("If only sure verdicts are taken", anchor=False)
    recall, receiver = st.tabs(["Precision and recall", "ROC"])
    with recall:
        st.caption(
            "One class against all others, over all thresholds; beside it the average precision."
        )
        evaluation.show(precision_recall(curves), "precision-recall")
    with receiver:
        st.caption("One class against all others, over all thresholds; beside it the area below.")
        evaluation.show(roc(curves), "roc")


def card(model: str, *, frozen: bool) -> None:
    """Show what is said in words of the model, with the version and hash of its weights."""
    try:
        written, sidecar = model_card(model), sidecars().get(model, {})
    except TaoNetError:
        return  # the scores are of a model whose weights are not here
    st.subheader("The model in words", anchor=False)
    digest = str(sidecar.get("sha256", ""))
    version = f"{model} {sidecar.get('version', '')}, weights SHA-256 {digest}"
    st.text(version)
    if frozen and frozen_hash(model) not in (None, digest):
        st.warning("The scores above are of other weights than those that are here now.")
    if written:
        with st.container(width=900):
            st.markdown(written)


@st.cache_data(max_entries=64, show_spinner=False)
def _trust(content: str, _known: Answers) -> Trust | None:
    return trust(_known)


@st.cache_data(max_entries=64, show_spinner=False)
def _curves(content: str, _known: Answers) -> list[Curves]:
    return class_curves(_known)
