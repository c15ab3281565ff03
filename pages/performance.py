"""Performance: how good a classifier is, on what, and how sure that is."""

import streamlit as st

from pages import _ui as ui
from pages._evaluation import answers as evaluation
from pages._evaluation import scores as parts
from pages._ui import Key

ui.begin(
    "Can I trust it?",
    "How often a classifier is right on objects whose class is known, which classes it takes for "
    "which others, and how much its probabilities are worth. No answer counts as a wrong one; all "
    "intervals are 95 % bootstrap intervals over the objects.",
)
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"), ui.errors_said():
    place = evaluation.choose_test_set(next(iter(evaluation.FROZEN)))
    model = evaluation.choose_model(evaluation.models(place), "taonet")
if not model:
    st.info("No classifier can be used here: the weights are missing.")
    st.stop()
kept = {key: st.query_params.get(key) for key in (Key.SHARES, Key.TRUTH, Key.VERDICT)}
ui.to_address({Key.TEST_SET: place, Key.MODEL: model, **kept})
with ui.errors_said():
    answers = evaluation.answers(place, model, offer=True)
if evaluation.nothing_said(answers[model]):
    st.stop()
known = answers[model].labelled()
if not len(known):
    parts.explain_unlabelled()
    st.stop()

content = evaluation.content_of(known, place)
parts.headline(content, known, evaluation.simulated(place))
left, right = st.columns([11, 9], gap="large")
with left:
    parts.confusion_matrix(place, known)
with right:
    parts.against_nights(place, answers, model)
left, right = st.columns([11, 9], gap="large")
with left:
    parts.classes(content, known)
with right:
    parts.sureness(content, known)
left, right = st.columns([11, 9], gap="large")
with left:
    parts.thresholds(content, known)
with right:
    parts.against_magnitude(place, answers, model)
parts.card(model, frozen=place in evaluation.FROZEN)
