"""What is asked on the page Explain: object, model, class and method, in widgets and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages import _ui as ui
from pages._ui import Key
from taonet_core.data.catalog import search
from taonet_core.data.results import Prediction
from taonet_core.explaining.method_checks import method_checks
from taonet_core.explaining.questions import BASELINES, METHODS
from taonet_core.labels import STYLES, TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection
from taonet_core.plain_text import shown

BASELINE, STEPS, FIND = "baseline", "steps", "explain-object"
#: Evaluations on offer; more are slower and more exact.
STEP_CHOICES = (8, 16, 32, 64, 128)
_USUAL_STEPS = 32
_LISTED = 300  # objects that one chooser offers without a search


@dataclass(frozen=True, eq=False)
class Question:
    """Why a model says a class rather than others, asked by a method.

    Attributes
    ----------
    bundle : ModelBundle
    prediction : Prediction
        What it says.
    target : TransientClass
    against : TransientClass or None
        None: all others together.
    method, baseline : str
        Keys of `METHODS` and `BASELINES`; without meaning for a model that reads light curves.
    steps : int
    """

    bundle: ModelBundle
    prediction: Prediction
    target: TransientClass
    against: TransientClass | None
    method: str
    baseline: str
    steps: int

    @property
    def reads_curves(self) -> bool:
        """Whether the model reads light curves."""
        return self.bundle.kind in CURVE_KINDS


def choose_object(collection: Collection, object_id: str, listing: Sequence[str]) -> None:
    """Let the reader choose another object of the listing, or find one by name or position."""
    here = listing.index(object_id)
    first = max(0, min(here - _LISTED // 2, len(listing) - _LISTED))

    def go() -> None:
        wanted = st.session_state[FIND] or object_id
        if wanted not in collection.stamps:
            found = search(collection.catalog, wanted)
            if not len(found):
                st.toast("There is no such object here.")
            wanted = str(found["object_id"].iloc[0]) if len(found) else object_id
        open_object(wanted)

    st.session_state[FIND] = object_id
    st.selectbox(
        "Object",
        list(listing[first : first + _LISTED]),
        key=FIND,
        format_func=shown,
        on_change=go,
        accept_new_options=True,
        help="Choose one, or type a part of a name or a position",
        width=300,
    )


def open_object(object_id: str) -> None:
    """Show another object; what was asked of the last one is asked of it too."""
    st.session_state[Key.LAST] = object_id
    st.query_params[Key.OBJECT] = object_id
    st.query_params.pop(Key.NIGHT, None)


def ask(predictions: Sequence[Prediction]) -> Question:
    """Let the reader ask, beginning with what the address holds, and put it into the address."""
    ignored: list[str] = []
    said = {prediction.model: prediction for prediction in predictions}
    model = _choose(Key.MODEL, "Model", list(said), ignored, width=140)
    bundle = ui.bundle(model)
    target, against = _classes(said[model], ignored)
    how = (next(iter(METHODS)), next(iter(BASELINES)), _USUAL_STEPS)
    if bundle.kind not in CURVE_KINDS:
        how = _how(model, ignored)
    if ignored:
        st.caption(f"Ignored in the address: {ui.plain(', '.join(ignored))}.")
    return Question(bundle, said[model], target, against, *how)


def _classes(
    prediction: Prediction, ignored: list[str]
) -> tuple[TransientClass, TransientClass | None]:
    """Let the reader choose the class to explain, and the one to tell it from."""
    names = {str(name): f"{STYLES[name].glyph} {name}" for name in prediction.classes}
    verdict = str(prediction.verdict)
    # no words of an option may depend on the model: the browser keeps those of the value it shows
    target = _choose(
        Key.TARGET,
        f"Why (verdict: {verdict})",
        list(names),
        ignored,
        words=names,
        usual=verdict,
        help="The class that is explained; unless you choose one, the verdict of the model",
        width=170,
    )
    rest = {name: words for name, words in names.items() if name != target}
    if st.query_params.get(Key.AGAINST) == target:
        st.query_params.pop(Key.AGAINST)  # nothing is told from itself
    against = _choose(
        Key.AGAINST,
        "rather than",
        ["", *rest],
        ignored,
        words={"": "all other classes", **rest},
        help="Against one class, the evidence is what tells the two apart",
        width=180,
    )
    return TransientClass(target), TransientClass(against) if against else None


def _how(model: str, ignored: list[str]) -> tuple[str, str, int]:
    """Let the reader choose the method and its settings."""
    checks = method_checks(model)
    failed = {key: check.reason for key, check in checks.items() if check.passed is False}
    said = [
        f"**{method.name}**: {method.help}"
        + (f" Failed its checks: {ui.plain(failed[key])}." if key in failed else "")
        for key, method in METHODS.items()
    ]
    method = _choose(
        Key.METHOD,
        "by",
        list(METHODS),
        ignored,
        words={
            key: f"{method.name} (failed its checks)" if key in failed else method.name
            for key, method in METHODS.items()
        },
        help="How evidence is shared out over pixels.\n\n" + "\n\n".join(said),
        width=260,
    )
    with st.popover("Settings", icon=":material/tune:"):
        baseline = _choose(
            BASELINE,
            "Compared with",
            list(BASELINES),
            ignored,
            words=dict(BASELINES),
            help="Evidence is what the images have and the baseline has not",
        )
        steps = _choose(
            STEPS,
            "Steps",
            [str(n) for n in STEP_CHOICES],
            ignored,
            usual=str(_USUAL_STEPS),
            help="Evaluations of the model; more are slower and more exact",
        )
    return method, baseline, int(steps)


def _choose(
    key: str,
    label: str,
    options: Sequence[str],
    ignored: list[str],
    *,
    words: dict[str, str] | None = None,
    usual: str | None = None,
    help: str | None = None,  # noqa: A002  # as Streamlit calls it
    width: int | str = "stretch",
) -> str:
    """Show a select box whose value the address alone holds, unless it is the usual one."""
    usual = options[0] if usual is None else usual
    wanted = st.query_params.get(key)
    if wanted is not None and wanted not in options:
        ignored.append(f"{key}={wanted[:40]}")
        st.query_params.pop(key)
    value = st.selectbox(
        label,
        options,
        format_func=lambda option: (words or {}).get(option, option),
        help=help,
        width=width,
        **ui.bound(key, options, usual, unsaid=True),
    )
    return str(value)
