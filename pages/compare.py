"""Compare: where two classifiers disagree, and who is right."""

import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages._evaluation import answers as evaluation
from pages._evaluation import rivals
from pages._evaluation.duel import show_duel
from pages._ui import Key
from taonet_core.judging.comparison import common

object_id = st.query_params.get(Key.OBJECT)
if st.query_params.get(Key.TEST_SET) in evaluation.FROZEN:
    object_id = None  # its images are not kept
ui.begin(
    "" if object_id else "Where do images and light curves disagree?",
    "Two classifiers on the same objects: what each says, who is right where the class is known, "
    "and who was right first.",
)
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"), ui.errors_said():
    place = evaluation.choose_test_set(data.first())
    names = evaluation.models(place)
    one = evaluation.choose_model(names, "taonet", key=Key.FIRST)
    two = evaluation.choose_model([n for n in names if n != one], "forest", key=Key.SECOND)
if not one or not two:
    st.info("Two classifiers are needed, and there are fewer here: their weights are missing.")
    st.stop()
with ui.errors_said():
    answers = evaluation.answers(place, one, two)
if evaluation.nothing_said(answers[one]) or evaluation.nothing_said(answers[two]):
    st.stop()
first, second = common(answers[one], answers[two])

asked = {Key.TEST_SET: place, Key.FIRST: one, Key.SECOND: two}
if object_id:
    cell = {key: st.query_params.get(key) for key in (Key.VERDICT_A, Key.VERDICT_B)}
    ui.to_address({**asked, **cell, Key.OBJECT: object_id})
    with ui.errors_said():
        show_duel(data.open_named(place), object_id, [one, two])
    st.stop()

rivals.headline(first, second, evaluation.simulated(place))
left, right = st.columns([9, 11], gap="large")
with left:
    rivals.agreement_matrix(first, second)
    rivals.early(place, first, second)
with right:
    rows = rivals.choose_cell(first, second)
    rivals.objects(place, rows, first, second)
cell = {key: st.session_state[key] for key in (Key.VERDICT_A, Key.VERDICT_B)}
cell = {key: name for key, name in cell.items() if name != rivals.ANY}
ui.to_address({**asked, **cell})
