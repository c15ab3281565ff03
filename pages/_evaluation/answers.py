"""What the pages Performance and Compare share: answers of classifiers, cached; charts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._ui import Key
from taonet_core.drawing.charts import CONFIG, Chart
from taonet_core.judging.answers import Answers, answers_of, frozen_answers
from taonet_core.judging.comparison import first_to_settle
from taonet_core.judging.performance import Binned, Scores, f1_by_magnitude, f1_by_nights, score
from taonet_core.objects.collection import Collection
from taonet_core.objects.verdict_store import identity
from taonet_core.objects.verdicts import Verdicts
from taonet_core.plain_text import shown
from taonet_core.simulation import tao_sim
from taonet_core.transforms.summary import is_dated

#: The frozen test sets: name in the address -> visibility.
FROZEN = {f"tao-sim-v1-{v:g}": v for v in sorted(tao_sim.VISIBILITIES)}
TITLES = {
    **data.TITLES,
    "tao-sim-v1-0.5": f"{tao_sim.NAME}, simulated, half of the outbursts in the images",
    "tao-sim-v1-1": f"{tao_sim.NAME}, simulated, all outbursts in the images",
}


@st.cache_resource(max_entries=4, show_spinner=False)
def frozen(name: str) -> dict[str, Answers]:
    """Return what every shipped model answered on a frozen test set."""
    return frozen_answers(FROZEN[name])


def choose_test_set(first: str) -> str:
    """Let the reader choose a frozen test set or a data set, and return its name.

    Parameters
    ----------
    first : str
        Shown where neither the reader nor the address named one.
    """
    options = [*FROZEN, *data.names()]
    here = st.query_params.get(Key.DATA) or st.session_state.get(Key.DATA)
    first = str(here) if here in options and here != data.DEMO else first
    place: str = st.selectbox(
        "Objects",
        options,
        format_func=lambda name: shown(TITLES.get(name, name)),
        width=460,
        **ui.bound(Key.TEST_SET, options, first, without=[Key.OBJECT]),
    )
    if place not in FROZEN:
        st.session_state[Key.DATA] = place
        if (st.query_params.get(Key.DATA) or data.first()) != place:
            st.query_params[Key.DATA] = place
    return place


def choose_model(names: list[str], first: str, *, key: Key = Key.MODEL) -> str | None:
    """Let the reader choose one of the classifiers that can be used.

    Parameters
    ----------
    names : list of str
    first : str
        Shown where neither the reader nor the address named one, if it is among `names`.
    key : Key
        Of the widget, and in the address.
    """
    if not names:
        return None
    words = {Key.FIRST: "Classifier A", Key.SECOND: "Classifier B"}.get(key, "Classifier")
    first = first if first in names else names[-1]
    model: str = st.selectbox(words, names, width=220, **ui.bound(key, names, first))
    return model


def models(place: str) -> list[str]:
    """Return the classifiers that can be chosen for a test set or a data set."""
    if place in FROZEN:
        return list(frozen(place))
    bundles, _ = ui.models()
    return [bundle.name for bundle in bundles]


def answers(place: str, *models: str, offer: bool = False) -> dict[str, Answers]:
    """Return the answers of the classifiers on a test set or a data set; see `of_collection`."""
    if place in FROZEN:
        return frozen(place)
    return of_collection(data.open_named(place), models, offer=offer)


def simulated(place: str) -> bool:
    """Return whether all objects of a test set or a data set are simulated."""
    if place in FROZEN:
        return True
    return bool(data.open_named(place).catalog["simulated"].all())


def undated(place: str) -> int:
    """Return how many objects of an upload have no dates; other sets have them."""
    if place != data.UPLOAD:
        return 0
    held = data.open_named(place)
    return sum(not is_dated(held.read(name).meta) for name in held.stamps)


def untrained(place: str, model: str) -> int:
    """Return how many objects of an upload a model was not trained for."""
    bundles = [b for b in ui.models()[0] if b.name == model] if place == data.UPLOAD else []
    found = [_verdicts.untrained(data.open_named(place), bundle) for bundle in bundles]
    return sum(bool(texts) for one in found for texts in one.values())


def of_collection(
    collection: Collection, models: Sequence[str] = (), *, offer: bool = False
) -> dict[str, Answers]:
    """Return what classifiers say of a data set, of those that can be used.

    Those of `models` and of `pages._data.SHOWN` are asked now; of the others, only what they said
    before counts, and with `offer` the reader may have them asked too.

    Magnitudes are the catalogue's where it has any, else the brightest measured.
    """
    bundles, _ = ui.models()
    everyone, key = [bundle.name for bundle in bundles], f"everyone-{collection.key}"
    asked = everyone if st.session_state.get(key) else [*_verdicts.SHOWN, *models]
    _verdicts.prepare(collection, [name for name in everyone if name in asked])
    kept = _verdicts.store(collection)
    silent = [b.name for b in bundles if b.name not in asked and kept.missing(collection, b)]
    if silent and offer:
        words = f"Ask {' and '.join(silent)} as well"
        more = {"icon": ":material/add:", "type": "tertiary"}
        st.button(words, key=f"ask-{key}", on_click=_remember, args=(key,), **more)
    measured = _verdicts.facts(collection)["mag_peak"]
    found = {}
    for bundle in bundles:
        if bundle.name not in silent:
            said = _verdicts.said_so_far(collection, bundle.name)
            content = f"{collection.key} {identity(bundle)} {len(said)} {len(measured)}"
            found[bundle.name] = _answers(content, said, collection.catalog, measured)
    return found


def _remember(key: str) -> None:
    st.session_state[key] = True


@st.cache_resource(max_entries=32, show_spinner=False)
def _answers(
    content: str, _verdicts: Verdicts, _catalog: pd.DataFrame, _measured: pd.Series
) -> Answers:
    listed = _catalog.set_index("object_id")["mag"]
    known = listed.fillna(_measured.reindex(listed.index)).dropna()
    return answers_of(_verdicts, known.to_dict())


def content_of(answers: Answers, place: str) -> str:
    """Return a text that changes whenever the answers of a data set do."""
    return f"{place} {answers.model} {answers.version} {answers.digest}"


def nothing_said(answers: Answers) -> bool:
    """Say so where a classifier was not asked about any object yet."""
    if not len(answers):
        st.info(f"{answers.model} has not been asked about these objects yet.")
    return not len(answers)


@st.cache_data(max_entries=64, show_spinner=False)
def scores(content: str, _answers: Answers) -> Scores:
    """Return the scores of a classifier; see `taonet_core.judging.performance`."""
    return score(_answers)


@st.cache_data(max_entries=64, show_spinner=False)
def by_nights(content: str, _answers: Answers) -> list[Binned]:
    """Return macro F1 against the number of nights."""
    return f1_by_nights(_answers)


@st.cache_data(max_entries=64, show_spinner=False)
def by_magnitude(content: str, _answers: Answers) -> list[Binned]:
    """Return macro F1 against magnitude."""
    return f1_by_magnitude(_answers)


@st.cache_data(max_entries=16, show_spinner=False)
def first_right(content: str, _first: Verdicts, _second: Verdicts) -> dict[str, int]:
    """Return whose verdicts were right for good on the earlier night."""
    return first_to_settle(_first, _second)


def show(chart: Chart, key: str) -> None:
    """Show a figure, with its words for a screen reader."""
    st.plotly_chart(chart.figure, config=CONFIG, alt=chart.words, key=key)
