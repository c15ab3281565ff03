"""What the pages share: the look, session keys, classifiers, downloads."""

from __future__ import annotations

import runpy
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages import _memory, _turns
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.faults import said
from taonet_core.inference import predict
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.objects.verdict_store import identity
from taonet_core.plain_text import LONGEST_SENTENCE, file_stem, markdown
from taonet_core.transforms.photometry import extract_light_curve

Readable = ImageSequence | LightCurve

#: Classifiers asked about every object, the leading one first.
MODELS = ("taonet", "boosting", "forest", "taonet-paper")
RESULT_SUFFIXES = (".csv", ".ecsv", ".json")

_APP = Path(__file__).resolve().parents[1] / "app.py"
_LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="172" height="24" viewBox="0 0 172 24">
<g fill="none" stroke="#3b82d6" stroke-width="1.8"><circle cx="12" cy="12" r="9.5"/>
<path d="M12 7.5v9M7.5 12h9" stroke-linecap="round"/></g><text x="29" y="17" fill="#3b82d6"
font-family="sans-serif" font-size="15" font-weight="600">TAO-Net Explorer</text></svg>"""


class Key(StrEnum):
    """Names in the session, and in the address where a widget is bound to it."""

    OBJECT = "object"
    NIGHT = "night"
    LISTING = "listing"
    GALLERY = "gallery"
    VIEWER = "viewer"
    LAST = "last"
    UPLOAD = "upload"
    EXAMPLE = "example"
    EXAMPLE_OPEN = "example-open"
    DATA = "data"
    MODEL = "model"
    TRUTH = "truth"
    VERDICT = "verdict"
    AGAINST = "against"
    METHOD = "method"
    TARGET = "target"
    COLLECTION = "collection"
    STORE = "store"
    TEST_SET = "set"
    SHARES = "show"
    FIRST = "a"
    SECOND = "b"
    VERDICT_A = "va"
    VERDICT_B = "vb"
    AUTHOR = "author"
    WALK = "walk"
    LOOKED = "looked"


def begin(title: str = "", caption: str = "") -> None:
    """Open a page: the common look, the question it answers, a sentence about it."""
    if PagesManager.uses_pages_directory:
        # A link to a page reached a server that had not run app.py yet: Streamlit then takes
        # pages/ for the older kind of multipage app and leaves the router out.
        runpy.run_path(str(_APP))
        st.stop()
    st.html(f"<style>{(Path(__file__).parent / '_style.css').read_text('utf-8')}</style>")
    st.logo(_LOGO, size="large")
    if title:
        st.title(title, anchor=False)
        if caption:
            st.caption(caption)
    _turns.place()


@contextmanager
def errors_said() -> Iterator[None]:
    """Turn an error of the core into one sentence on the page, which then stops."""
    try:
        yield
    except TaoNetError as error:
        st.error(plain(error))
        st.stop()


def plain(text: object, most: int = LONGEST_SENTENCE) -> str:
    """Escape a text from outside so that Markdown shows it as it is, cut where it is long."""
    return markdown(text, most)


def to_address(values: Mapping[str, str | Sequence[str] | None]) -> None:
    """Make the address hold these values, and the data set, leaving out what is empty."""
    kept = {Key.DATA: st.query_params[Key.DATA]} if Key.DATA in st.query_params else {}
    wanted = {str(key): value for key, value in {**kept, **values}.items() if value}
    held = {key: st.query_params.get_all(key) for key in st.query_params}
    if held != {key: [v] if isinstance(v, str) else [*v] for key, v in wanted.items()}:
        st.query_params.from_dict(wanted)


def bound(
    key: str,
    options: Sequence[str],
    first: str,
    *,
    unsaid: bool = False,
    without: Sequence[str] = (),
) -> dict[str, Any]:
    """Bind a widget to the address, which alone remembers what was chosen.

    A key of the session lives on for one run of the next page, where a widget of the same key
    would be told what the reader chose elsewhere; and it knows nothing of a step back.

    Parameters
    ----------
    key : str
        Of the widget, and in the address.
    options : sequence of str
    first : str
        Shown where the address names none of them.
    unsaid : bool
        Whether the address leaves `first` out, too, where the reader chooses it.
    without : sequence of str
        What else leaves the address when the reader chooses.

    Returns
    -------
    dict
        Further arguments of the widget.
    """

    def tell() -> None:
        chosen = st.session_state[key]
        left = {*without, key} if unsaid and chosen == first else {*without}
        kept = {name: st.query_params.get_all(name) for name in {*st.query_params} - left}
        st.query_params.from_dict({**kept, **({} if key in left else {key: chosen})})

    named = st.query_params.get(key)
    st.session_state[key] = named if named in options else first
    return {"key": key, "on_change": tell}


def follow(object_id: str | None, page: str = "sequence", **more: str) -> None:
    """Open the page of an object, if one was chosen, in the data set that is shown."""
    if object_id is not None:
        open_page(page, **{Key.OBJECT: object_id, **more})


def open_page(page: str, **values: str) -> None:
    """Go to a page, taking the data set along."""
    held = st.query_params.get(Key.DATA)
    kept = {str(Key.DATA): held} if held else {}
    wanted = {str(key): value for key, value in values.items()}
    st.switch_page(f"pages/{page}.py", query_params={**kept, **wanted})


@st.cache_resource(show_spinner="Loading the classifiers …")
def bundle(name: str) -> ModelBundle:
    """Return a classifier by its name.

    Raises
    ------
    TaoNetError
        If it cannot be used.
    """
    return load_model(name)


def models() -> tuple[list[ModelBundle], dict[str, str]]:
    """Return the classifiers that can be used, and why the others cannot."""
    bundles, missing = [], {}
    for name in MODELS:
        try:
            bundles.append(bundle(name))
        except TaoNetError as error:
            missing[name] = str(error)
    return bundles, missing


def _opinion(source: Readable, bundle: ModelBundle) -> Prediction | TaoNetError:
    try:
        return predict(source, bundle)
    except TaoNetError as error:
        return error


def opinions(
    content: str, source: Readable, names: Sequence[str] = MODELS
) -> tuple[list[Prediction], dict[str, str]]:
    """Ask classifiers about an object.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    names : sequence of str
        Which of them; all by default.

    Returns
    -------
    list of Prediction
        The leading classifier first.
    dict of str to str
        Why a classifier has none, by its name.
    """
    bundles, problems = models()
    bundles = [bundle for bundle in bundles if bundle.name in names]
    problems = {name: text for name, text in problems.items() if name in names}
    if isinstance(source, LightCurve):
        bundles = [bundle for bundle in bundles if bundle.kind in CURVE_KINDS]
        problems = {name: text for name, text in problems.items() if name in CURVE_KINDS}
    predictions = []
    for bundle in bundles:
        key = ("opinion", content, identity(bundle))
        answer = _memory.recent(content).get(key, partial(_opinion, source, bundle))
        if isinstance(answer, Prediction):
            predictions.append(answer)
        else:
            problems[bundle.name] = str(answer)
    return predictions, problems


def light_curve(content: str, sequence: ImageSequence) -> LightCurve:
    """Return the forced photometry of a sequence; `content` changes whenever it does."""
    compute = partial(extract_light_curve, sequence)
    return _memory.recent(content).get(("light curve", content), compute)


def downloads(
    what: str, stem: str, write: Callable[[Path], object], suffixes: Sequence[str] = RESULT_SUFFIXES
) -> None:
    """Offer something as files of several kinds, written only when asked for.

    Parameters
    ----------
    what : str
        Words on screen, and part of the file name.
    stem : str
        Begin of the file name; characters that are awkward in one are replaced.
    write : callable
        Writes to the path it is given; its ending says which kind is wanted.
    suffixes : sequence of str
    """

    def contents(suffix: str) -> bytes:
        with said(f"download of {what}"), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"file{suffix}"
            write(path)
            return path.read_bytes()

    name = file_stem(f"{stem}_{what}", 120)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Download the {what}", width="content")
        for suffix in suffixes:
            st.download_button(
                suffix[1:].upper(),
                data=partial(contents, suffix),
                file_name=f"{name}{suffix}",
                key=f"download-{what}{suffix}",
                on_click="ignore",
                type="tertiary",
            )
