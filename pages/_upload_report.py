"""What became of an upload: objects and verdicts, what was assumed, dropped, and left out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _ui as ui
from pages import _uploads as uploads
from pages._uploads import Upload
from taonet_core.collection import Collection
from taonet_core.data.exports import write_table
from taonet_core.labels import STYLES, TransientClass
from taonet_core.overview import overview_table
from taonet_core.transforms.summary import describe

_UNKNOWN = "no class"


def summary(upload: Upload, collection: Collection, *, resettable: bool) -> None:
    """Say in one line what was read, what has a class, and what was left out."""
    labelled = int((collection.catalog["label"] != "").sum())
    parts = [_count(len(collection), "object") + " read"]
    parts.append(f"{labelled} with a known class" if labelled else "no known classes")
    parts += [_count(len(upload.refused), "file") + " left out"] if upload.refused else []
    if upload.reading and upload.reading.cancelled:
        parts.append("reading was cancelled; what was read is kept")
    elif upload.reading and upload.reading.failed:
        parts.append("reading broke off unexpectedly; what was read until then is kept")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{parts[0]}** · " + " · ".join(parts[1:]), width="content")
        if resettable:
            st.button("Start over", key="upload-forget", on_click=uploads.forget, type="tertiary")


def unfinished(upload: Upload) -> None:
    """Say that classifying was stopped, and offer to go on."""
    work = upload.classifying
    words = "Not everything has been classified."
    if work is not None and work.failed:
        words = "Classifying broke off unexpectedly; what was done is kept."
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.text(words, width="content")
        st.button("Go on", key="upload-go-on", on_click=uploads.go_on, args=(upload,))


def next_steps(collection: Collection) -> None:
    """Lead to the pages where the upload can be seen."""
    labelled = bool((collection.catalog["label"] != "").any())
    pages = [("browse", "See them on Browse", ":material/grid_view:")]
    pages.append(("compare", "Where images and light curves disagree", ":material/compare_arrows:"))
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
    bundles, missing = ui.models()
    kept = data.store(collection)
    said = [kept.verdicts(collection, bundle) for bundle in bundles]
    table = overview_table(collection.catalog, kept.facts(collection), said)
    rows = {"object": table["object_id"], "class": table["label"].replace("", "–")}
    for bundle in bundles:
        rows[bundle.name] = [
            f"{verdict} {confidence:.2f}" if verdict else "–"
            for verdict, confidence in zip(
                table[f"verdict_{bundle.name}"].fillna(""),
                table[f"confidence_{bundle.name}"],
                strict=True,
            )
        ]
    items = [collection.read(name) for name in table["object_id"]]
    rows["what was read"] = [describe(item) for item in items]
    rows["assumed"] = [" · ".join(item.meta.get("notes", ())) for item in items]
    rows["left out"] = [" · ".join(item.meta.get("dropped", ())) for item in items]
    chosen = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"upload-rows-{upload.content}",
        column_config={"class": st.column_config.TextColumn(help="The known class, if any")},
    )["selection"]["rows"]
    st.caption(
        "Choose a row to open the object. Verdicts: class and probability after the last night."
    )
    if chosen:
        ui.open_page("sequence", **{ui.Key.OBJECT: table["object_id"].iloc[chosen[0]]})
    for name, why in missing.items():
        st.caption(f"{name} was not asked: {ui.plain(why)}")
    results = pd.concat([v.table().assign(model=v.model, version=v.version) for v in said])
    ui.downloads("results", "taonet", lambda path: write_table(results, path))


def left_out(upload: Upload) -> None:
    """List what could not be read, and why."""
    if not upload.refused:
        return
    rows = [(name, str(error).removeprefix(f"{name}: ")) for name, error in upload.refused]
    shown = len(rows) <= 3
    with st.expander(f"{_count(len(rows), 'file')} left out, and why", expanded=shown):
        st.dataframe(pd.DataFrame(rows, columns=["file", "why"]), hide_index=True)


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
            st.dataframe(problems[columns], hide_index=True)
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
            rows,
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
