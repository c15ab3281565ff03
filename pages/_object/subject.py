"""The object that a page is about, with everything known of it, each thing computed once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import pandas as pd
import streamlit as st

from pages import _data as data
from pages import _memory, _verdicts
from pages import _ui as ui
from pages._labels.bar import annotations, experts_label
from pages._ui import Key, Readable
from taonet_core.data.expert_labels import Annotation
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Attribution, Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import TaoNetError
from taonet_core.explaining.evidence import evidence_sentence
from taonet_core.explaining.feature_table import feature_table
from taonet_core.figures import viewer_payload
from taonet_core.models import CURVE_KINDS
from taonet_core.objects.collection import Collection
from taonet_core.objects.verdict_store import VerdictStore, identity
from taonet_core.orientation import orientation_range
from taonet_core.outputs import Outputs, model_outputs
from taonet_core.plain_text import shown
from taonet_core.snippets import Recipe, Shown

FOREST = "forest"


@dataclass(frozen=True, eq=False)
class Subject:
    """One object and what is known of it.

    Attributes
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    collection : Collection or None
        Where it was opened; None for a file that is in none.
    listing : sequence of str
        Ids to walk through; empty where there is nothing beside it.
    curve : LightCurve
    predictions : sequence of Prediction
        The leading classifier first.
    problems : mapping of str to str
        Classifier without a verdict -> why.
    store : VerdictStore or None
        What is known of the other objects of the data set. Held here, since files are made where
        no session is at hand.
    kept : Recent
        Where what is computed of this object is kept; held here for the same reason.
    """

    content: str
    source: Readable
    collection: Collection | None
    listing: Sequence[str]
    curve: LightCurve
    predictions: Sequence[Prediction]
    problems: Mapping[str, str]
    store: VerdictStore | None
    kept: _memory.Recent

    @property
    def sequence(self) -> ImageSequence | None:
        """The images, if there are any."""
        return self.source if isinstance(self.source, ImageSequence) else None

    @property
    def object_id(self) -> str:
        """Name of the object."""
        return str(self.source.meta.get("object_id") or "unnamed")

    @property
    def simulated(self) -> bool:
        """Whether the object is on no sky."""
        return bool(self.source.meta.get("simulated"))

    @property
    def place(self) -> tuple[float, float] | None:
        """Right ascension and declination (ICRS, degrees), where known."""
        ra, dec = (self.source.meta.get(name) for name in ("ra", "dec"))
        return None if pd.isna(ra) or pd.isna(dec) else (float(ra), float(dec))

    @property
    def file(self) -> str:
        """Where the object was read, as its owner knows it."""
        held = None if self.collection is None else self.row.get("path")
        source = self.source.meta.get("source")
        return str(held if self.from_folder else source or held or "object.fits")

    @property
    def archive(self) -> str:
        """Name of the uploaded archive that `file` lies in, if it is in one."""
        return "" if self.from_folder else str(self.source.meta.get("archive") or "")

    @property
    def from_folder(self) -> bool:
        """Whether the object lies in a folder that the app was given."""
        return self.collection is not None and self.collection.name != data.UPLOAD

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """The object's line in the catalogue; empty outside a data set."""
        if self.collection is None:
            return {}
        catalog = self.collection.catalog
        return dict(catalog.loc[catalog["object_id"] == self.object_id].iloc[0])

    @property
    def weights(self) -> dict[str, str]:
        """Classifier -> SHA-256 of its weights."""
        return {bundle.name: bundle.sidecar["sha256"] for bundle in ui.models()[0]}

    @property
    def asked_night(self) -> int | None:
        """The night in the address, from 1."""
        text = st.query_params.get(Key.NIGHT, "") if self.listing else ""
        return int(text) if re.fullmatch(r"\d{1,6}", text) else None

    @property
    def epoch(self) -> tuple[int, int]:
        """The night the cursor rests on, from 1, and the frame shown of it; at first the peak's."""
        epochs, frames = self.drawn["epochs"], self.drawn["frames"]
        asked = self.asked_night
        if not self.listing and (viewer := st.session_state.get(Key.VIEWER)):
            held = viewer.get("night") or {}
            asked = held.get("night") if held.get("object") == self.drawn["key"] else None
        if asked is None or not 1 <= asked <= epochs["nights"]:
            return epochs["night"][epochs["peak"]] + 1, epochs["peak"]
        members = [i for i, night in enumerate(epochs["night"]) if night == asked - 1]
        usable = [i for i in members if frames is not None and not frames["fault"][i]]
        return asked, (usable or members)[0]

    def shown(self, why: Mapping[str, Any] | None = None) -> Shown:
        """Return what is on screen, for the code that makes it again."""
        recipe, model = None, self.predictions[0] if self.predictions else None
        if self.collection is not None and self.collection.name == data.DEMO:
            label = str(self.row["label"])
            recipe = Recipe("crts", data.PER_CLASS, data.VISIBILITY, data.SEED, label)
        night, frame = self.epoch
        models = self.drawn["models"]
        row = models[0]["row_of_epoch"][frame] if models else -1
        return Shown(
            self.object_id,
            self.archive or self.file,
            member=self.file if self.archive else "",
            model=model.model if model else (ui.MODELS[0] if self.sequence else FOREST),
            images=self.sequence is not None,
            several=self.sequence is None,
            night=night,
            row=row if row >= 0 else None,
            why=why,
            recipe=recipe,
        )

    def payload(self) -> dict[str, Any]:
        """Return what the epoch viewer shows, with what an expert says by now."""
        expert = self.expert()
        said = expert and {
            "class": expert.label,
            "author": shown(expert.author, 40),
            "when": expert.created_at,
        }
        return {**self.drawn, "expert": said}

    @cached_property
    def drawn(self) -> dict[str, Any]:
        """What the epoch viewer draws; what changes while the object is open is not in it."""
        said = [(p.model, self.weights.get(p.model)) for p in self.predictions]
        return self.kept.get(("viewer", self.content, str(said)), partial(_payload, self))

    def expert(self) -> Annotation | None:
        """Return the newest label of an expert that stands; none where labels cannot be read."""
        if self.collection is None:
            return None
        try:
            return experts_label(self.collection, self.object_id)
        except TaoNetError:
            return None  # the label bar says why

    def experts(self) -> list[dict[str, Any]]:
        """Return all that experts said of the object, the newest first."""
        ra, dec = self.place or (None, None)
        try:
            said = annotations().history(self.object_id, ra=ra, dec=dec)
        except TaoNetError:
            return []
        columns = ["created_at", "author", "label", "confidence", "note"]
        return [{name: getattr(row, name) for name in columns} for row in reversed(said)]

    def sentence(self, found: Attribution | None) -> str:
        """Say in words where the evidence lies; nothing where none is shown."""
        if found is None or self.sequence is None:
            return ""
        asked = (found.method, found.target, found.against, found.baseline, found.meta.get("steps"))
        key = ("sentence", self.content, self.weights.get(found.model), str(asked))
        return self.kept.get(key, partial(evidence_sentence, found, self.sequence))

    def features(self) -> pd.DataFrame | None:
        """Return what the forest reads, set against the objects classified in the data set.

        None where the forest cannot read the object.
        """
        try:
            bundle = ui.bundle(FOREST)
        except TaoNetError:
            return None
        key = ("outputs", self.content, identity(bundle))
        [found] = self.kept.get(key, partial(model_outputs, [self.source], bundle))
        if not isinstance(found, Outputs):
            return None
        known = None
        if self.collection is not None and self.store is not None:
            known = self.store.verdicts(self.collection, bundle).vectors
        return feature_table(found.vectors[-1], known)


def subject(
    content: str,
    source: Readable,
    collection: Collection | None = None,
    listing: Sequence[str] = (),
) -> Subject:
    """Ask every classifier about an object, and measure its light curve.

    Parameters
    ----------
    content : str
        Changes whenever the object does.
    source : ImageSequence or LightCurve
    collection : Collection, optional
    listing : sequence of str
    """
    curve = source if isinstance(source, LightCurve) else ui.light_curve(content, source)
    predictions, problems = ui.opinions(content, source)
    store = None if collection is None else _verdicts.store(collection)
    kept = _memory.recent(content)
    return Subject(content, source, collection, listing, curve, predictions, problems, store, kept)


def _payload(subject: Subject) -> dict[str, Any]:
    sequence, predictions = subject.sequence, list(subject.predictions)
    if sequence is not None and predictions:
        lead = ui.bundle(predictions[0].model)
        if lead.kind not in CURVE_KINDS:
            spread = orientation_range(sequence, lead)
            predictions[0] = replace(predictions[0], spread=spread)
    return viewer_payload(sequence, subject.curve, predictions)
