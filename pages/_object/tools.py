"""The quiet row above an object: why, links out, downloads, the code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import _ui as ui
from pages._explain.attribution import attribution
from pages._object.subject import Subject
from pages._turns import turn
from pages._ui import Key
from taonet_core.data.fits_io import write_sequence
from taonet_core.data.results import Attribution
from taonet_core.drawing.panels import whole_frame
from taonet_core.drawing.pictures import epoch_png, evolution_gif, gif_words
from taonet_core.errors import TaoNetError
from taonet_core.explaining.method_checks import method_checks
from taonet_core.explaining.questions import BASELINES, METHODS
from taonet_core.faults import said
from taonet_core.labels import TransientClass
from taonet_core.links import links_out
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.plain_text import file_stem
from taonet_core.provenance import epoch_table, write_epochs
from taonet_core.report import Findings, object_report
from taonet_core.snippets import Shown, python_code, shell_code

#: Of Integrated Gradients: enough for evidence that sums up, and quick.
STEPS = 32
_TABLES = {
    ".csv": "Opens in any spreadsheet.",
    ".ecsv": "With units, for astropy.",
    ".vot": "For TOPCAT and Aladin.",
    ".json": "For programs.",
}


def tool_row(subject: Subject, busy: DeltaGenerator) -> Attribution | None:
    """Show the row; return what is to be laid over the frames, if that was asked for.

    Parameters
    ----------
    subject : Subject
    busy : DeltaGenerator
        Where to say how far a long computation is, and what is wrong.
    """
    settings = {"horizontal_alignment": "right", "vertical_alignment": "center", "gap": "small"}
    with st.container(horizontal=True, key="object-tools", **settings):
        bundle, asked = why(subject)
        places = [
            st.popover(label, icon=f":material/{icon}:", type="tertiary")
            for label, icon in (
                ("Links", "open_in_new"),
                ("Downloads", "download"),
                ("Code", "code"),
            )
        ]
    with places[0]:
        links(subject)
    with places[2]:
        code(subject, asked and {"model": bundle.name, **asked} if bundle else None)
    found = None
    if subject.sequence is not None and bundle is not None and asked is not None:
        with busy:
            try:
                found = attribution(subject.content, subject.sequence, bundle, **asked)
            except (TaoNetError, ValueError) as error:
                st.caption(ui.plain(error))
    with places[1]:
        downloads(subject, found)
    return found


def why(subject: Subject) -> tuple[ModelBundle | None, dict[str, Any] | None]:
    """Offer to show which pixels decided; return how that was asked for, if it was."""
    read = {p.model: p for p in subject.predictions}
    bundles = [b for b in ui.models()[0] if b.kind not in CURVE_KINDS and b.name in read]
    if subject.sequence is None or not bundles:
        return None, None
    wanted = st.toggle("why", key="why", persist_state="session")
    with st.container(width="content"):  # keeps its place in the row
        if not wanted:
            return None, None
        settings = {"icon": ":material/tune:", "type": "tertiary"}
        with st.popover("", help="Class, method, model", **settings), st.container(width=300):
            bundle, asked = _question(bundles, read[bundles[0].name].verdict)
            _in_full(subject, bundle.name, asked)
    return bundle, asked


def _question(
    bundles: list[ModelBundle], verdict: TransientClass
) -> tuple[ModelBundle, dict[str, Any]]:
    """Ask for model, method, class and what to tell it from."""
    name = st.selectbox("Model", [b.name for b in bundles], key="why-model")
    bundle = next(b for b in bundles if b.name == name)
    checks = method_checks(name)
    failed = {key: check.reason for key, check in checks.items() if check.passed is False}
    titles = {k: f"{m.name}{' (failed its checks)' * (k in failed)}" for k, m in METHODS.items()}
    words = "How the evidence is shared out over the pixels."
    method = st.selectbox(
        "Method", list(titles), format_func=titles.get, key="why-method", help=words
    )
    note = f" It failed its checks: {failed[method]}." if method in failed else ""
    st.caption(ui.plain(METHODS[method].help + note))
    classes = [str(c) for c in bundle.classes]
    target = st.selectbox("For", ["the verdict", *classes], key="why-target")
    others = [c for c in classes if c != (target if target in classes else str(verdict))]
    against = st.selectbox("Rather than", ["all others", *others], key="why-against")
    return bundle, {
        "method": method,
        "target": target if target in classes else None,
        "against": against if against in classes else None,
        "baseline": next(iter(BASELINES)),
        "steps": STEPS,
    }


def _in_full(subject: Subject, model: str, asked: Mapping[str, Any]) -> None:
    """Lead to the page that explains with checks, contrast and all methods."""
    if subject.collection is None:
        return
    address = {
        Key.DATA: subject.collection.name,
        Key.OBJECT: subject.object_id,
        Key.MODEL: model,
        **{Key(name): asked[name] for name in ("method", "target", "against") if asked[name]},
    }
    st.page_link(
        "pages/explain.py",
        label="Explain in full",
        icon=":material/lightbulb:",
        query_params={str(key): value for key, value in address.items()},
    )


def links(subject: Subject) -> None:
    """List where else the object can be looked up."""
    ra, dec = subject.place or (None, None)
    names = [subject.object_id, str(subject.source.meta.get("class_text") or "")]
    found, reason = links_out(ra, dec, names, simulated=subject.simulated)
    for group, members in groupby(found, key=lambda link: link.group):
        st.caption(group)
        with st.container(horizontal=True, gap="small"):
            for link in members:
                st.link_button(link.name, link.url, help=link.hint, type="tertiary")
    if reason:
        st.caption(ui.plain(reason))


def downloads(subject: Subject, found: Attribution | None) -> None:
    """Offer everything as files, each made only when it is asked for.

    They are then made outside the session: what depends on it is looked up here.
    """
    sequence = subject.sequence
    if sequence is not None:
        night, shown = subject.epoch
        frame = whole_frame(sequence, shown)
        said = gif_words(sequence)
        st.caption("Images")
        with st.container(horizontal=True, gap="small"):
            _button(subject, "FITS", ".fits", partial(_fits, subject), "All frames as stored.")
            _button(
                subject,
                f"PNG of night {night}",
                f"_night{night}.png",
                lambda: epoch_png(sequence, frame, subject.curve),
                "Science, reference and difference, with compass and scale bar.",
            )
            _button(
                subject,
                "GIF",
                ".gif",
                lambda: evolution_gif(sequence, subject.curve),
                said,
            )
        st.caption(f"GIF: {said}")
    st.caption("Light curve and probabilities, one row an epoch")
    with st.container(horizontal=True, gap="small"):
        for suffix, hint in _TABLES.items():
            write = partial(_table, subject, suffix)
            label = "VOTable" if suffix == ".vot" else suffix[1:].upper()
            _button(subject, label, suffix, write, hint)
    st.caption("Everything on one page")
    words = "One HTML file that needs nothing else: opens anywhere, prints well."
    write = partial(_report, subject, found, subject.shown())
    _button(subject, "HTML report", "_report.html", write, words)


def code(subject: Subject, asked: Mapping[str, Any] | None) -> None:
    """Show how to get the same in Python and on the command line."""
    shown = subject.shown(asked)
    if shown.recipe is not None:
        st.caption("Objects of the demo set are drawn anew, exactly as they are here.")
    elif not subject.from_folder:
        st.caption("Run it where your file is.")
    st.code(python_code(shown), language="python")
    st.code(shell_code(shown), language="bash")


def _button(
    subject: Subject, label: str, suffix: str, make: Callable[[], bytes], hint: str
) -> None:
    def contents() -> bytes:
        with said(f"download: {label}"), turn():
            return make()

    st.download_button(
        label,
        data=contents,
        file_name=f"{file_stem(subject.object_id)}{suffix}",
        key=f"download-{label.split(' of ')[0]}",
        help=hint,
        on_click="ignore",
        type="tertiary",
    )


def _made(suffix: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write(path)
        return path.read_bytes()


def _fits(subject: Subject) -> bytes:
    sequence = subject.sequence
    assert sequence is not None
    plain = sequence.reference is None and sequence.difference is None and sequence.wcs is None
    layout = "deep-tao" if plain else "mef"  # the release's layout has room for nothing else
    return _made(".fits", lambda path: write_sequence(sequence, path, layout=layout))


def _table(subject: Subject, suffix: str) -> bytes:
    table = epoch_table(subject.curve, subject.predictions, subject.weights)
    return _made(suffix, lambda path: write_epochs(table, path))


def _report(subject: Subject, found: Attribution | None, shown: Shown) -> bytes:
    findings = Findings(
        subject.predictions,
        subject.problems,
        subject.weights,
        found,
        subject.sentence(found),
        subject.experts(),
        subject.features(),
        {"Python": python_code(shown), "Shell": shell_code(shown)},
        subject.file,
    )
    return object_report(subject.source, subject.curve, findings).encode()
