"""Files of one's own: kept for the session, read and classified beside the page, cancellable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages import _data as data
from pages import _memory, _turns, _verdicts
from pages import _ui as ui
from pages._ui import Key
from pages._upload.progress import show_progress
from taonet_core.background import Work
from taonet_core.data.class_tables import LabelTable
from taonet_core.data.column_mapping import ColumnMapping
from taonet_core.data.delivery import (
    Chosen,
    Item,
    read_delivery,
    read_label_tables,
    with_labels,
    words_of,
)
from taonet_core.data.intake import Intake, NamedBytes, sort_out
from taonet_core.data.label_tables import LabelMatch, guess_classes
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection, gather
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.serving.settings import from_environment

#: Most bytes that one visitor may send at once.
MAX_BYTES = from_environment().upload_bytes
#: What a visitor is told of it, and of the most bytes of one file.
LIMITS = (
    f"{min(st.get_option('server.maxUploadSize'), MAX_BYTES // 2**20):,} MiB a file, "
    f"{MAX_BYTES // 2**20:,} MiB at once"
)
#: Where the upload is kept in the session.
HELD = "upload-held"
#: Seconds that quick work may take before its progress is shown: nothing flashes.
_PATIENCE = 0.4
#: So many objects are shown to every classifier, more to the two that the tables compare.
_FEW = 30

Classes = Mapping[str, TransientClass | None]


@dataclass(eq=False)
class Upload:
    """What was handed over in this session, and how far it is.

    Attributes
    ----------
    content : str
        Changes whenever the files do.
    intake : Intake
    items : list of (str, object or TaoNetError)
        What was read so far.
    reading, classifying : Work or None
        None before they begin.
    read_as, labelled_as : list of ColumnMapping or None
        How the tables of light curves and of classes were read.
    tables : list of LabelTable
    classes : dict of str to TransientClass or None
        What words for classes mean, as far as a person has said so.
    match : LabelMatch or None
    collection : Collection or None
        The objects with their classes, once they are read.
    """

    content: str
    intake: Intake
    items: list[Item] = field(default_factory=list)
    reading: Work | None = None
    classifying: Work | None = None
    read_as: list[ColumnMapping | None] = field(default_factory=list)
    labelled_as: list[ColumnMapping | None] = field(default_factory=list)
    tables: list[LabelTable] = field(default_factory=list)
    refused_tables: list[Item] = field(default_factory=list)
    classes: dict[str, TransientClass | None] = field(default_factory=dict)
    match: LabelMatch | None = None
    collection: Collection | None = None

    @property
    def refused(self) -> list[tuple[str, TaoNetError]]:
        """What could not be read, and why."""
        found = [*self.items, *self.refused_tables]
        return [(name, item) for name, item in found if isinstance(item, TaoNetError)]

    @property
    def words(self) -> dict[str, int]:
        """The words for classes in tables, and how often each is there."""
        return words_of(self.tables, self.items)

    def renew(self) -> None:
        """Let go of the data set, and stop the verdicts that are being made of it."""
        if self.classifying is not None:
            self.classifying.cancel()
        self.collection = self.classifying = None

    def meaning(self) -> dict[str, TransientClass | None]:
        """Return what each word means: as a person has said, else as it is guessed."""
        return {**guess_classes(self.words), **self.classes}


def held() -> Upload | None:
    """Return the upload of this session."""
    found: Upload | None = st.session_state.get(HELD)
    return found


def forget() -> None:
    """Begin anew: stop what is running and let go of the files."""
    upload = st.session_state.pop(HELD, None)
    if upload is not None:
        upload.renew()
        if upload.reading is not None:
            upload.reading.cancel()
    _memory.forget()
    _verdicts.forget()
    for key in (Key.EXAMPLE_OPEN, Key.COLLECTION, Key.STORE, Key.LAST, Key.LISTING):
        st.session_state.pop(key, None)
    if st.session_state.get(Key.DATA) == data.UPLOAD:
        st.session_state.pop(Key.DATA)


def receive(files: Sequence[Any]) -> Upload:
    """Take files in, unless they are those that are held already."""
    identity = tuple(getattr(file, "file_id", None) or file.name for file in files)
    known = st.session_state.get("upload-identity")
    upload = held()
    if upload is not None and known == identity:
        return upload
    named = [NamedBytes(file.name, file.getvalue()) for file in files]
    if upload is not None:
        forget()
    with st.spinner("Looking at the files …", show_time=False), _turns.turn():
        upload = Upload(_content(named), sort_out(named, on_file=_still_here()))
    st.session_state["upload-identity"] = identity
    st.session_state[HELD] = upload
    return upload


def _still_here() -> Callable[[int, int], bool]:
    """Return what lets others go first between two files, and ends the work of who has left."""
    here = _turns.visitor()

    def step(done: int, total: int) -> bool:
        _turns.give_way()
        return here()

    return step


def _content(files: Sequence[NamedBytes]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0".encode())
        digest.update(file.getbuffer())
    return digest.hexdigest()[:16]


def read(upload: Upload, tables: Sequence[Chosen]) -> None:
    """Read the objects beside the page, with progress; the page stops here until they are."""
    curves, labels = (
        [chosen.mapping if chosen.used_for(use) else None for chosen in tables]
        for use in ("curves", "labels")
    )
    if upload.labelled_as != labels:
        upload.labelled_as = labels
        upload.renew()
        with _turns.turn():
            upload.tables, upload.refused_tables = read_label_tables(tables)
    if upload.reading is None or upload.reading.left or upload.read_as != curves:
        if upload.reading is not None:
            upload.reading.cancel()
        items: list[Item] = []
        upload.items, upload.read_as = items, curves
        upload.renew()
        upload.reading = _turns.work(_reader(upload.intake, tables, items))
        upload.reading.wait(_PATIENCE)
    if upload.reading.running:
        show_progress(upload.reading, "Reading", "objects read")
        st.stop()


def _reader(intake: Intake, tables: Sequence[Chosen], items: list[Item]) -> Callable[[Work], None]:
    def steps(work: Work) -> None:
        files = intake.image_count
        for item in read_delivery(intake, tables):
            items.append(item)
            if not work.report(len(items), max(files, len(items)), item[0]):
                return

    return steps


def collect(upload: Upload) -> Collection | None:
    """Make the objects that were read the data set of this session, with their classes."""
    if upload.collection is None:
        labelled, upload.match = with_labels(upload.items, upload.tables, upload.meaning())
        if not labelled:
            return None
        upload.collection = gather(labelled, name=data.UPLOAD, title="Your upload")
        data.set_upload(upload.collection)
        st.session_state[Key.DATA] = data.UPLOAD
        for key in (Key.LAST, Key.LISTING):
            st.session_state.pop(key, None)
    return upload.collection


def set_classes(upload: Upload, classes: Classes) -> None:
    """Give words for classes another meaning; the objects are then labelled and asked anew."""
    upload.classes.update(classes)
    upload.renew()


def classify(upload: Upload, collection: Collection) -> bool:
    """Classify the objects beside the page, with progress.

    Returns
    -------
    bool
        Whether all have been asked about.
    """
    kept = _verdicts.store(collection)
    work = upload.classifying
    if (work is None and not (upload.reading and upload.reading.cancelled)) or (work and work.left):
        go_on(upload)
    if upload.classifying is not None and upload.classifying.running:
        show_progress(upload.classifying, "Classifying", "objects")
        return False
    return not any(kept.missing(collection, bundle) for bundle in (None, *asked(collection)))


def asked(collection: Collection) -> list[ModelBundle]:
    """Return the classifiers that are asked about a whole upload."""
    bundles, _ = ui.models()
    if not has_images(collection):
        bundles = [bundle for bundle in bundles if bundle.kind in CURVE_KINDS]
    return [b for b in bundles if len(collection) <= _FEW or b.name in _verdicts.SHOWN]


def has_images(collection: Collection) -> bool:
    """Return whether any object is an image sequence."""
    return any(isinstance(collection.read(name), ImageSequence) for name in collection.stamps)


def go_on(upload: Upload) -> None:
    """Classify what has not been yet."""
    collection = upload.collection
    assert collection is not None  # there is nothing to classify before
    bundles = asked(collection)
    steps = _classifier(collection, bundles, _verdicts.store(collection))
    upload.classifying = _turns.work(steps)
    upload.classifying.wait(_PATIENCE)


def _classifier(
    collection: Collection,
    bundles: Sequence[ModelBundle],
    kept: VerdictStore,
) -> Callable[[Work], None]:
    def steps(work: Work) -> None:
        lacking = {n for b in (None, *bundles) for n in kept.missing(collection, b)}
        names = [name for name in collection.stamps if name in lacking]
        for done, name in enumerate(names):
            if not work.report(done, len(names), name):
                return
            kept.fill(collection, bundles, object_ids=[name])

    return steps
