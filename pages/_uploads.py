"""Files of one's own: read, checked, classified."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages import _demo as demo
from pages._ui import Key, Readable, downloads, opinions, plain
from taonet_core.bulk import prediction_table
from taonet_core.data.exports import write_table
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.data.tables import read_light_curves
from taonet_core.errors import TaoNetError
from taonet_core.transforms.summary import describe

#: Most bytes that one visitor may send at once.
MAX_BYTES = 400 * 2**20
_LISTED = 10  # refused inputs shown one by one
_TABLES = (".csv", ".ecsv", ".parquet", ".vot", ".xml")


class NamedBytes(BytesIO):
    """Bytes with a name and a size, as an uploaded file has."""

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self.name, self.size = name, len(data)


def choose_example() -> None:
    """Remember that the example shall stand in for uploaded files."""
    st.session_state[Key.EXAMPLE_OPEN] = True


def example_files() -> list[NamedBytes]:
    """Return the example as if it had been uploaded; nothing if it was not asked for."""
    if not st.session_state.get(Key.EXAMPLE_OPEN):
        return []
    path = Path(demo.showpiece(demo.catalog())["path"])
    return [NamedBytes(path.name, path.read_bytes())]


def content_key(files: Sequence[Any]) -> str:
    """Return the hash of names and bytes of uploaded files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0".encode())
        digest.update(file.getbuffer())
    return digest.hexdigest()


@st.cache_data(max_entries=4, show_spinner="Reading the files …")
def read_upload(content: str, _files: Sequence[Any]) -> list[tuple[str, Readable | TaoNetError]]:
    """Read uploaded files: image sequences in any layout or archive, and light-curve tables.

    A table that holds no light curve may give the times of the frames uploaded beside it.
    """
    files = [NamedBytes(file.name, file.getvalue()) for file in _files]
    found: list[tuple[str, Readable | TaoNetError]] = []
    odd: dict[str, TaoNetError] = {}
    for file in files:
        if file.name.lower().endswith(_TABLES):
            try:
                found += read_light_curves(file).items()
            except TaoNetError as error:
                odd[file.name] = error
                file.seek(0)
    rest = [f for f in files if f.name in odd or not f.name.lower().endswith(_TABLES)]
    if len(rest) > len(odd):
        found += read_sequences(rest)
    notes = " ".join(str(item.meta.get("notes")) for _, item in found if hasattr(item, "meta"))
    found += [(name, error) for name, error in odd.items() if name not in notes]
    return [(name, _named(item, name)) for name, item in found]


def _named(item: Readable | TaoNetError, name: str) -> Readable | TaoNetError:
    unnamed = isinstance(item, ImageSequence) and not item.meta.get("object_id")
    return item.with_meta(object_id=name) if unnamed else item


def name(file: str, item: Readable) -> str:
    """Return the object's name, with the file's where one file is one object."""
    known = str(item.meta.get("object_id") or file)
    several = item.meta.get("layout") == "stamps"  # then the file is only the first of them
    return known if several or known in file else f"{known} ({file})"


Answer = tuple[list[Prediction], dict[str, str]]


def classify_all(
    content: str, found: Sequence[tuple[str, Readable | TaoNetError]]
) -> dict[int, Answer]:
    """Ask every classifier about every object that was read; returns `opinions` by index."""
    good = [(i, item) for i, (_, item) in enumerate(found) if not isinstance(item, TaoNetError)]
    bar = st.empty()
    answers = {}
    for done, (i, item) in enumerate(good, start=1):
        if len(good) > 1:
            bar.progress(done / len(good), f"Classifying: object {done} of {len(good)}")
        answers[i] = opinions(f"{content}-{i}", item)
    bar.empty()
    return answers


def checklist(
    found: Sequence[tuple[str, Readable | TaoNetError]], answers: dict[int, Answer]
) -> None:
    """List what was read, what was assumed or left out of it, and what was refused and why."""
    refused = [(name, item) for name, item in found if isinstance(item, TaoNetError)]
    for file, error in refused[:_LISTED]:
        reason = str(error).removeprefix(f"{file}: ")
        st.error(f"**{plain(file)}**: {plain(reason)}", icon=":material/block:")
    if len(refused) > _LISTED:
        st.caption(f"… and {len(refused) - _LISTED} more, all in the table to download.")
    rows = []
    for i, (predictions, _) in answers.items():
        file, item = found[i]
        assert not isinstance(item, TaoNetError)
        verdicts = {p.model: f"{p.verdict} {p.confidence:.2f}" for p in predictions}
        notes = {"assumed": "notes", "left out": "dropped"}
        said = {title: " · ".join(item.meta.get(key, ())) for title, key in notes.items()}
        rows.append({"object": name(file, item), "read": describe(item), **verdicts, **said})
    if rows:
        st.dataframe(pd.DataFrame(rows).fillna("–"), hide_index=True)
    results: list[tuple[str, Prediction | TaoNetError]] = list(refused)
    for i, (predictions, problems) in answers.items():
        results += [(found[i][0], p) for p in predictions]
        results += [(found[i][0], TaoNetError(f"{m}: {why}")) for m, why in problems.items()]
    table = prediction_table(results)
    downloads("results", "taonet", lambda path: write_table(table, path))
