"""What the REST API answers, as plain values: nothing here knows of HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.bulk import LONG_COLUMNS, Readable, classify, read_objects, to_row
from taonet_core.data.delivery import MAX_PIXELS, within_memory
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.selection import Selection
from taonet_core.data.sequence import ImageSequence
from taonet_core.drawing.panels import make_panels
from taonet_core.drawing.pictures import image_png
from taonet_core.errors import Code, TaoNetError
from taonet_core.inference import predict
from taonet_core.models.weights import ModelBundle, available_models, load_model, sidecars
from taonet_core.objects.collection import Collection
from taonet_core.transforms.photometry import extract_light_curve
from taonet_core.transforms.planes import image_planes
from taonet_core.transforms.preprocess import frame_faults
from taonet_core.transforms.summary import describe, epoch_columns

if TYPE_CHECKING:
    import pandas as pd

#: Fields of an address that a listing of objects understands.
FILTERS = ("q", "radius", "truth", "nights", "mag", "mjd", "sky", "sort")
_HISTORY = ("n_nights", "mjd")


class RefusedError(TaoNetError):
    """A request that cannot be answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : Code
    message : str
        One sentence for people.
    """

    def __init__(self, status: int, code: Code, message: str) -> None:
        super().__init__(message, code=code)
        self.status = status


class Service:
    """Objects of one collection, and what the models say of them.

    Work that fills the processor is done one request at a time, and uploads are read one at a
    time beside it; what was read, measured or classified last is kept.

    Parameters
    ----------
    collection : Collection
    most_pixels : int
        Of all objects of one upload together.
    """

    def __init__(self, collection: Collection, *, most_pixels: int = MAX_PIXELS) -> None:
        self.collection, self._most_pixels = collection, most_pixels
        self._busy = threading.RLock()
        self._uploading = threading.Lock()  # taken before `_busy`, never after
        self._read = lru_cache(16)(self._read_now)
        self._curve = lru_cache(64)(self._curve_now)
        self._answer = lru_cache(4096)(self._answer_now)
        self._bundle = lru_cache(8)(load_model)

    def find(self, object_id: str) -> Readable:
        """Return an object.

        Raises
        ------
        RefusedError
            If there is no such object.
        TaoNetError
            If it cannot be read.
        """
        with self._busy:
            return self._read(object_id, self._stamp(object_id))

    def facts(self, object_id: str) -> dict[str, Any]:
        """Return what is known of an object: its row of the catalogue, and how it was read."""
        source = self.find(object_id)
        rows = self.collection.catalog
        [row] = records(rows[rows["object_id"] == object_id].drop(columns=["path", "group"]))
        told = {key: list(map(str, source.meta.get(key, ()))) for key in ("notes", "dropped")}
        kind = "image sequence" if isinstance(source, ImageSequence) else "light curve"
        return {**row, "kind": kind, "description": describe(source), **told}

    def curve(self, object_id: str) -> LightCurve:
        """Return the light curve of an object, one point a frame where it has images."""
        with self._busy:
            return self._curve(object_id, self._stamp(object_id))

    def cutout(self, object_id: str, *, night: int, kind: str) -> ImageSequence:
        """Return the exposures of one night, with their pixel values.

        Parameters
        ----------
        object_id : str
        night : int
            From 1.
        kind : {"science", "reference", "difference"}
        """
        source, chosen = self._night(object_id, night)
        pixels = image_planes(source).pixels(kind)
        shown = replace(source, frames=pixels, reference=None, difference=None)
        return shown.select(chosen)

    def picture(self, object_id: str, *, night: int, kind: str) -> bytes:
        """Return the first usable exposure of a night as a PNG, north up and east left."""
        source, chosen = self._night(object_id, night)
        faults = frame_faults(source)
        best = min(np.flatnonzero(chosen), key=lambda i: (bool(faults[i]), i))
        panels = make_panels(source)
        return image_png(*panels.image(kind, panels.nearest(int(best))))

    def prediction(self, object_id: str, model: str) -> Prediction:
        """Return what a model says of an object."""
        with self._busy:
            return self._answer(object_id, self._stamp(object_id), self.bundle(model).name)

    def classify(self, path: Path, model: str) -> list[tuple[str, Any, Prediction | TaoNetError]]:
        """Classify what a file or folder holds.

        Returns
        -------
        list of (name, source, answer)
            One an object; the source is an ImageSequence, a LightCurve, or the error that reading
            it was, and so then is the answer.
        """
        bundle = self.bundle(model)
        with self._uploading:  # one upload in memory at a time
            found = list(
                within_memory(read_objects(path, recycle=False), most_pixels=self._most_pixels)
            )
            with self._busy:
                answers = list(classify(found, bundle))
        return [(*item, answer) for item, (_, answer) in zip(found, answers, strict=True)]

    def bundle(self, model: str) -> ModelBundle:
        """Load a shipped model, by its name alone: a request names no files."""
        names = available_models()
        if model not in names:
            message = f"no model named {model!r}; there are {', '.join(names)}"
            raise RefusedError(404, Code.NOT_FOUND, message)
        return self._bundle(model)

    def _night(self, object_id: str, night: int) -> tuple[ImageSequence, NDArray[np.bool_]]:
        """Return a sequence, and which of its frames are of one night, counted from 1."""
        source = self.find(object_id)
        if not isinstance(source, ImageSequence):
            raise RefusedError(404, Code.NO_IMAGE, f"{object_id} is a light curve without images")
        epochs = epoch_columns(source.times, source.bands, source.meta)
        if not 1 <= night <= epochs["nights"]:
            message = f"{object_id} has nights 1 to {epochs['nights']}; got night {night}"
            raise RefusedError(404, Code.NOT_FOUND, message)
        return source, np.array(epochs["night"]) == night - 1

    def _stamp(self, object_id: str) -> str:
        try:
            return self.collection.stamp(object_id)
        except KeyError:
            message = f"no object named {object_id!r}; GET /api/v1/objects lists them"
            raise RefusedError(404, Code.NOT_FOUND, message) from None

    def _read_now(self, object_id: str, stamp: str) -> Readable:
        return self.collection.read(object_id)

    def _curve_now(self, object_id: str, stamp: str) -> LightCurve:
        source = self._read(object_id, stamp)
        return extract_light_curve(source) if isinstance(source, ImageSequence) else source

    def _answer_now(self, object_id: str, stamp: str, model: str) -> Prediction:
        return predict(self._read(object_id, stamp), self._bundle(model))


def model_list() -> list[dict[str, Any]]:
    """Return what each model is, from its sidecar."""
    keys = ("name", "version", "kind", "classes", "domain", "metrics", "training", "sha256")
    return [{key: sidecar.get(key) for key in keys} for sidecar in sidecars().values()]


def listing(catalog: pd.DataFrame, query: Mapping[str, str | list[str]]) -> pd.DataFrame:
    """Return the objects wanted, without the paths of their files.

    Parameters
    ----------
    catalog : DataFrame
        Columns of `taonet_core.data.catalog.COLUMNS`.
    query : mapping
        Fields of an address, among `FILTERS`, as `Selection` writes them.

    Raises
    ------
    RefusedError
        If a field means nothing.
    """
    selection = Selection.from_query(query)
    unknown = [f"{key[:40]}: no such field" for key in query if key not in FILTERS]
    if said := (*unknown, *selection.ignored):
        raise RefusedError(400, Code.REQUEST, "; ".join(said))
    return selection.apply(catalog).drop(columns=["path", "group"])


def probability_rows(prediction: Prediction, *, history: bool = False) -> list[dict[str, Any]]:
    """Return one row a class in the shape ALeRCE publishes.

    Parameters
    ----------
    prediction : Prediction
    history : bool
        The same after every night instead of after the last alone, with ``n_nights`` and the
        ``mjd`` of the last frame read. Nights on which the model could not yet say are left out.
    """
    if not history:
        return prediction.to_long_rows()
    rows = []
    for n, mjd in enumerate(prediction.times, start=1):
        chances = prediction.probabilities[:n]
        if np.isfinite(chances[-1]).all():
            early = replace(
                prediction,
                probabilities=chances,
                times=prediction.times[:n],
                prediction_sets=None,
            )
            rows += [{**row, "n_nights": n, "mjd": float(mjd)} for row in early.to_long_rows()]
    return rows


def probability_columns(*, history: bool) -> tuple[str, ...]:
    """Return the columns of `probability_rows`."""
    return (*LONG_COLUMNS, *(_HISTORY if history else ()))


def answer_document(
    name: str, source: Readable | TaoNetError, answer: Prediction | TaoNetError
) -> dict[str, Any]:
    """Return everything that is said of one classified input, ready for JSON.

    Parameters
    ----------
    name : str
        The file, or the object in it.
    source : ImageSequence, LightCurve or TaoNetError
    answer : Prediction or TaoNetError
    """
    row = {key: value if value == value else None for key, value in to_row(name, answer).items()}
    kept = {key: v for key, v in row.items() if not key.startswith("p_")}
    if isinstance(answer, TaoNetError):
        return {"name": name, **kept, "probabilities": [], "history": []}
    assert not isinstance(source, TaoNetError)  # then the answer would be one too
    told = {key: list(map(str, source.meta.get(key, ()))) for key in ("notes", "dropped")}
    return {
        "name": name,
        **kept,
        **told,
        "warnings": list(answer.meta["warnings"]),
        "probabilities": probability_rows(answer),
        "history": probability_rows(answer, history=True),
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table ready for JSON; numbers that are not known become None."""
    return json.loads(table.to_json(orient="records", double_precision=15))
