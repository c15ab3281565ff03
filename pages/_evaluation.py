"""What the pages Performance and Compare share: answers of classifiers, cached; charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from taonet_core.answers import Answers, answers_of, frozen_answers
from taonet_core.charts import CONFIG, Chart
from taonet_core.collection import Collection
from taonet_core.performance import Binned, Scores, f1_by_magnitude, f1_by_nights, score
from taonet_core.simulation import tao_sim

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


def of_collection(collection: Collection, models: Sequence[str] = ()) -> dict[str, Answers]:
    """Return what classifiers say of a data set, of those that can be used.

    Those of `models` and of `pages._data.SHOWN` are asked now; of the others, only what they said
    before counts.

    Magnitudes are the catalogue's where it has any, else the brightest measured.
    """
    bundles, _ = ui.models()
    asked = {*data.SHOWN, *models}
    data.prepare(collection, [bundle.name for bundle in bundles if bundle.name in asked])
    kept = data.store(collection)
    said = [
        data.verdicts(collection, bundle.name)
        for bundle in bundles
        if bundle.name in asked or not kept.missing(collection, bundle)
    ]
    return {one.model: answers_of(one, magnitudes(collection)) for one in said}


def magnitudes(collection: Collection) -> Mapping[str, float]:
    """Return the magnitude of every object, where one is known."""
    catalog: pd.DataFrame = collection.catalog.set_index("object_id")["mag"]
    measured = data.facts(collection)["mag_peak"]
    return catalog.fillna(measured.reindex(catalog.index)).dropna().to_dict()


def content_of(answers: Answers, place: str) -> str:
    """Return a text that changes whenever the answers of a data set do."""
    return f"{place} {answers.model} {answers.version} {answers.digest}"


@st.cache_data(max_entries=64, show_spinner=False)
def scores(content: str, _answers: Answers) -> Scores:
    """Return the scores of a classifier; see `taonet_core.performance`."""
    return score(_answers)


@st.cache_data(max_entries=64, show_spinner=False)
def by_nights(content: str, _answers: Answers) -> list[Binned]:
    """Return macro F1 against the number of nights."""
    return f1_by_nights(_answers)


@st.cache_data(max_entries=64, show_spinner=False)
def by_magnitude(content: str, _answers: Answers) -> list[Binned]:
    """Return macro F1 against magnitude."""
    return f1_by_magnitude(_answers)


def show(chart: Chart, key: str) -> None:
    """Show a figure, with its words for a screen reader."""
    st.plotly_chart(chart.figure, config=CONFIG, alt=chart.words, key=key)
