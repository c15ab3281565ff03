"""What became of an upload: objects and verdicts, what was assumed, dropped, and left out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _verdicts
from pages._tables import readable, show_table
from pages._upload import session as uploads
from pages._upload.session import Upload
from taonet_core.data.exports import write_table
from taonet_core.data.lightcurve import LightCurve
from taonet_core.faults import sentence
from taonet_core.labels import STYLES, TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection
from taonet_core.objects.verdicts import Verdicts
from taonet_core.plain_text import LONGEST_SENTENCE, shown
from taonet_core.transforms.summary import describe

_UNKNOWN = "no class"
_CODE = st.column_config.TextColumn(width="small", help="A word that never changes, for programs")
#: Pixels of a column of verdicts.
_WIDTH = 112


def broken_off(upload: Upload) -> None:
    """Say that reading ended by a fault, if it did, and where that is written down."""
    if upload.reading and upload.reading.failed:
        st.error(sentence(upload.reading.fault), icon=":material/error:")


def summary(upload: Upload, collection: Collection, *, resettable: bool) -> None:
    """Say in one line what was read, what has a class, and what was left out."""
    labelled = int((collection.catalog["label"] != "").sum())
    simulated = " (simulated)" if collection.catalog["simulated"].all() else ""
    parts = [_count(len(collection), "object") + " read" + simulated]
    parts.append(f"{labelled} with a known class" if labelled else "no known classes")
    parts += [_count(len(upload.refused), "file") + " left out"] if upload.refused else []
    if upload.reading and upload.reading.cancelled:
        parts.append("reading was cancelled; what was read is kept")
    elif upload.reading and upload.reading.failed:
        parts.append("reading broke off; what was read until then is kept")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{parts[0]}** · " + " · ".join(parts[1:]), width="content")
        if resettable:
            st.button("Start over", key="upload-forget", on_click=uploads.forget, type="tertiary")


def unfinished(upload: Upload) -> None:
    """Say that classifying was stopped, and offer to go on."""
    work = upload.classifying
    words = "Not everything has been classified."
    if work is not None and work.failed:
        words = f"Classifying broke off; what was done is kept. {sentence(work.fault)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.text(words, width="content")
        st.button("Go on", key="upload-go-on", on_click=uploads.go_on, args=(upload,))


def next_steps(collection: Collection) -> None:
    """Lead to the pages where the upload can be seen."""
    labelled = bool((collection.catalog["label"] != "").any())
    pages = [("browse", "See them on Browse", ":material/grid_view:")]
    if uploads.has_images(collection):
        words = "Where images and light curves disagree"
        pages.append(("compare", words, ":material/compare_arrows:"))
    if labelled:
        pages.append(("performance", "Performance on your classes", ":material/monitoring:"))
        pages.append(("misclassified", "What was misclassified", ":material/rule:"))
    with st.container(horizontal=True, gap="small"):
        for page, words, icon in pages:
            st.page_link(
                f"pages/{page}.py",
                label=words,
                icon=icon,
                query_params={ui.Key.DATA: data.UPLOAD},
                width="content",
            )


def verdicts(upload: Upload, collection: Collection) -> None:
    """Show a row an object; choosing one opens its page."""
    kept = _verdicts.store(collection)
    bundles = uploads.asked(collection)
    said = [kept.verdicts(collection, bundle) for bundle in bundles]
    read_curves = {bundle.name for bundle in bundles if bundle.kind in CURVE_KINDS}
    known = [(v.model, v.version, len(v)) for v in said]
    table = _rows(f"{collection.key} {known}", collection, said, read_curves)
    table = table.assign(**{"not trained for": _untrained(collection, bundles, table["object"])})
    chosen = show_table(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"upload-rows-{upload.content}",
        column_config={
            "class": st.column_config.TextColumn(help="The known class, if any"),
            "not trained for": st.column_config.TextColumn(
                help="Ways in which the object differs from what the models were trained on, "
                "counted; its verdicts are worth the less"
            ),
            **{
                v.model: st.column_config.TextColumn(
                    width=_WIDTH,
                    help=f"Verdict of version {v.version} after the last night, and how probable",
                )
                for v in said
            },
        },
    )["selection"]["rows"]
    if chosen:
        chosen_id = table["object"].iloc[chosen[0]]
        ui.open_page("sequence", **{ui.Key.DATA: data.UPLOAD, ui.Key.OBJECT: chosen_id})
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption("Choose a row to open the object.", width="content")
        if said:
            ui.downloads("results", "taonet", lambda path: write_table(_results(said), path))
    if not said:
        st.text("None of the models that can be used here reads these objects.")
    for name, why in ui.models()[1].items():
        st.caption(f"{name} was not asked: {ui.plain(why)}")


def _results(said: Sequence[Verdicts]) -> pd.DataFrame:
    """Return all verdicts, one row an object and model."""
    return pd.concat([v.table().assign(model=v.model, version=v.version) for v in said])


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def _rows(
    key: str, _collection: Collection, _said: Sequence[Verdicts], _read_curves: set[str]
) -> pd.DataFrame:
    """Return what is known of every object as words; `key` changes whenever that does."""
    names = list(_collection.catalog["object_id"])
    rows = {"object": names, "class": [_marked(c) for c in _collection.catalog["label"]]}
    for said in _said:
        pairs = zip(said.object_ids, said.verdict, said.confidence, strict=True)
        words = {name: f"{_marked(verdict)} {p:.2f}" for name, verdict, p in pairs if verdict}
        rows[said.model] = [words.get(name, "–") for name in names]
    items = [_collection.read(name) for name in names]
    rows["what was read"] = [describe(item) for item in items]
    for title, fact in (("assumed", "notes"), ("left out", "dropped")):
        said = [" · ".join(item.meta.get(fact, ())) for item in items]
        rows |= {title: said} if any(said) else {}
    curves = {n for n, item in zip(names, items, strict=True) if isinstance(item, LightCurve)}
    reasons: dict[str, list[str]] = {name: [] for name in names}
    for said in _said:
        for name, error in zip(said.object_ids, said.errors, strict=True):
            if error and (name not in curves or said.model in _read_curves):
                reasons[name].append(f"{said.model}: {error}")
    if any(reasons.values()):
        rows["no verdict"] = [" · ".join(texts) for texts in reasons.values()]
    return pd.DataFrame(rows)


def _untrained(
    collection: Collection, bundles: Sequence[ModelBundle], names: Sequence[str]
) -> list[str]:
    """Count the warnings of each object, those of several models once, and say them."""
    found = [_verdicts.untrained(collection, bundle) for bundle in bundles]
    warned = [dict.fromkeys(text for one in found for text in one.get(n, ())) for n in names]
    return [f"{len(texts)}: {' · '.join(texts)}" if texts else "–" for texts in warned]


def checklist(upload: Upload, collection: Collection) -> None:
    """Say of a single object what was read, assumed and left out."""
    item = collection.read(next(iter(collection.stamps)))
    lines = {"Read": [describe(item)], "Assumed": item.meta.get("notes", ())}
    lines["Left out"] = item.meta.get("dropped", ())
    said = (f"{title}: {text}" for title, texts in lines.items() for text in texts)
    st.text("\n".join(shown(text, LONGEST_SENTENCE) for text in said))


def _marked(label: str) -> str:
    return f"{STYLES[TransientClass(label)].glyph} {label}" if label else "–"


def left_out(upload: Upload) -> None:
    """List what could not be read, and why."""
    if not upload.refused:
        return
    rows = [(n, str(e).removeprefix(f"{n}: "), str(e.code)) for n, e in upload.refused]
    shown = len(rows) <= 3
    with st.expander(f"{_count(len(rows), 'file')} left out, and why", expanded=shown):
        table = pd.DataFrame(rows, columns=["file", "why", "code"])
        show_table(table, hide_index=True, column_config={"code": _CODE})


def classes(upload: Upload, collection: Collection) -> None:
    """Show which words stand for which class, and the rows that found no object."""
    words, match = upload.words, upload.match
    if not words or match is None:
        return
    problems = match.problems
    named = len(match.labels)
    title = f"Known classes: {named} of {_count(len(collection), 'object')} from tables"
    if len(problems):
        title += f" · {_count(len(problems), 'row')} not used"
    with st.expander(title, expanded=bool(len(problems)) and not named):
        _words(upload, words)
        if len(problems):
            st.caption("Rows that give no class to any object, or contradict another row")
            columns = ["table", "row", "object", "class_text", "matched", "problem"]
            show_table(problems[columns], hide_index=True)
        ui.downloads("matches", "classes", lambda path: write_table(match.report, path))


def _words(upload: Upload, words: dict[str, int]) -> None:
    meaning = upload.meaning()
    st.caption("What the words of your tables mean; change it where it is wrong")
    rows = pd.DataFrame(
        {
            "in your table": list(words),
            "rows": list(words.values()),
            "class": [_titled(meaning[word]) for word in words],
        }
    )
    options = [_UNKNOWN, *(_titled(label) for label in TransientClass)]
    with st.form(f"classes-{upload.content}", border=False):
        edited = st.data_editor(
            readable(rows),
            hide_index=True,
            disabled=["in your table", "rows"],
            column_config={
                "class": st.column_config.SelectboxColumn(options=options, required=True)
            },
            key=f"words-{upload.content}",
            width=520,
        )
        if st.form_submit_button("Use these classes"):
            back = {_titled(label): label for label in (None, *TransientClass)}
            found = {w: back[c] for w, c in zip(words, edited["class"], strict=True)}
            if found != meaning:
                uploads.set_classes(upload, found)
                st.rerun()


def _titled(label: TransientClass | None) -> str:
    return _UNKNOWN if label is None else f"{label} – {STYLES[label].name}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
