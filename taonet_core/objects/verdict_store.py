"""What was measured of objects once, kept: brightness, cards for a gallery, verdicts.

One SQLite file holds it by the content of the objects and by the identity of the classifiers, so
that nothing is measured twice, nothing stale is shown, and a run that was cut off goes on where it
stopped. It may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from taonet_core.data.cache_file import CacheFile
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.errors import TaoNetError
from taonet_core.figures import curve_card, gallery_card
from taonet_core.inference import predict_many
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection, Readable
from taonet_core.objects.verdicts import Verdicts
from taonet_core.transforms.brightness import brightness_facts
from taonet_core.transforms.photometry import extract_light_curve

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the table of facts.
FACTS = ("mag_peak", "snr_peak", "n_detected", "bands")
#: Called with (objects done, objects in all); returning False stops after this batch.
OnObject = Callable[[int, int], "bool | None"]

_BATCH = 16
_TABLES = {
    "objects": "stamp TEXT PRIMARY KEY, facts TEXT, card TEXT, error TEXT",
    "verdicts": "stamp TEXT, model TEXT, probabilities BLOB, sets BLOB, novelty REAL, vector BLOB, "
    "error TEXT, code TEXT, flags TEXT, PRIMARY KEY (stamp, model)",
}
_VERSION = 2


def identity(bundle: ModelBundle) -> str:
    """Return a text that changes whenever what a classifier says may change."""
    said_of = [bundle.sidecar.get(name) for name in ("sha256", "calibration", "novelty")]
    digest = hashlib.sha256(json.dumps(said_of, sort_keys=True).encode()).hexdigest()
    return f"{bundle.name} {bundle.version} {digest[:16]}"


class VerdictStore:
    """Facts, cards and verdicts of objects.

    Parameters
    ----------
    path : path, optional
        SQLite file, see `taonet_core.data.cache_file.CacheFile`. In memory where not given.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.key = str(path or uuid.uuid4())  # tells stores apart
        self._file = CacheFile(path, _TABLES, _VERSION)

    @property
    def trouble(self) -> str:
        """Why what is measured is not kept, in one sentence; empty where it is."""
        return self._file.trouble

    # --- filling --------------------------------------------------------------------------------

    def missing(self, collection: Collection, bundle: ModelBundle | None = None) -> list[str]:
        """Return the objects that have no verdict of a classifier yet, or no facts."""
        query, asked = "SELECT json_group_array(stamp) FROM objects", tuple[str, ...]()
        if bundle is not None:
            query = "SELECT json_group_array(stamp) FROM verdicts WHERE model = ?"
            asked = (identity(bundle),)
        held = set(self._in_one(query, *asked))
        return [name for name, stamp in collection.stamps.items() if stamp not in held]

    def fill(
        self,
        collection: Collection,
        bundles: Sequence[ModelBundle],
        *,
        object_ids: Iterable[str] | None = None,
        on_object: OnObject | None = None,
    ) -> None:
        """Measure and classify what has not been yet; a batch that is done stays done.

        Parameters
        ----------
        collection : Collection
        bundles : sequence of ModelBundle
        object_ids : iterable of str, optional
            Only these; default all.
        on_object : callable, optional
            Called with (objects done, objects in all) after every batch; returning False stops.
        """
        wanted = list(collection.stamps if object_ids is None else object_ids)
        lacking = [set(self.missing(collection, b)) for b in (None, *bundles)]
        todo = [name for name in wanted if any(name in lack for lack in lacking)]
        for start in range(0, len(todo), _BATCH):
            names = todo[start : start + _BATCH]
            items = [_read(collection, name) for name in names]
            self._measure(collection, names, items, lacking[0])
            for bundle, lack in zip(bundles, lacking[1:], strict=True):
                self._classify(collection, names, items, lack, bundle)
            if on_object and on_object(min(start + _BATCH, len(todo)), len(todo)) is False:
                return

    def _measure(
        self,
        collection: Collection,
        names: list[str],
        items: list[Readable | TaoNetError],
        lacking: set[str],
    ) -> None:
        rows = [
            (collection.stamp(name), *_facts_and_card(item))
            for name, item in zip(names, items, strict=True)
            if name in lacking
        ]
        self._file.keep("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", rows)

    def _classify(
        self,
        collection: Collection,
        names: list[str],
        items: list[Readable | TaoNetError],
        lacking: set[str],
        bundle: ModelBundle,
    ) -> None:
        chosen = [(n, item) for n, item in zip(names, items, strict=True) if n in lacking]
        readable = [item for _, item in chosen if not isinstance(item, TaoNetError)]
        answers = iter(predict_many(readable, bundle))
        rows = []
        for name, item in chosen:
            answer = item if isinstance(item, TaoNetError) else next(answers)
            rows.append((collection.stamp(name), identity(bundle), *_pack(answer)))
        self._file.keep("INSERT OR REPLACE INTO verdicts VALUES (?,?,?,?,?,?,?,?,?)", rows)

    # --- reading --------------------------------------------------------------------------------

    def facts(self, collection: Collection) -> pd.DataFrame:
        """Return what is known of the brightness of objects, by their names.

        Returns
        -------
        DataFrame
            Columns `FACTS` and ``error`` (why the object cannot be read), index ``object_id``;
            objects not measured yet are not in it.
        """
        import pandas as pd

        names = {stamp: name for name, stamp in collection.stamps.items()}
        query = "SELECT json_group_array(json_array(stamp, facts, error)) FROM objects"
        found = self._in_one(query)
        rows = {
            names[stamp]: {**json.loads(facts), "error": error}
            for stamp, facts, error in found
            if stamp in names
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=[*FACTS, "error"])
        kinds = {"mag_peak": "float64", "snr_peak": "float64", "n_detected": "Int64"}
        return table.rename_axis("object_id").astype({**kinds, "bands": "str", "error": "str"})

    def cards(self, collection: Collection, object_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the gallery cards of objects; those not measured yet are not in it.

        They hold no verdict: that is the caller's to add.
        """
        stamps = {name: collection.stamp(name) for name in object_ids}
        marks = ", ".join("?" * len(stamps))
        query = f"SELECT json_group_object(stamp, card) FROM objects WHERE stamp IN ({marks})"
        found = self._in_one(query, *stamps.values())
        return {
            name: {**json.loads(found[stamp]), "id": name}
            for name, stamp in stamps.items()
            if stamp in found
        }

    def verdicts(self, collection: Collection, bundle: ModelBundle) -> Verdicts:
        """Return what a classifier says of the objects that it has been asked about."""
        query = "SELECT * FROM verdicts WHERE model = ?"
        held = {row[0]: row[2:] for row in self._file.ask(query, identity(bundle))}
        stamps = [collection.stamp(name) for name in collection.catalog["object_id"]]
        asked = np.array([stamp in held for stamp in stamps], dtype=bool)
        rows = [held[stamp] for stamp in stamps if stamp in held]
        catalog = collection.catalog[asked]
        return _verdicts(bundle, catalog, rows)

    def _in_one(self, query: str, *values: str) -> Any:
        """Return the answer to a query of one row of JSON.

        For every row SQLite lets go of Python's lock, and while many pages are drawn it takes
        milliseconds to get it back: a hundred rows were a hundred of these, the store locked.
        """
        return json.loads(self._file.ask(query, *values)[0][0])


def _read(collection: Collection, name: str) -> Readable | TaoNetError:
    try:
        return collection.read(name)
    except TaoNetError as error:
        return error


def _facts_and_card(item: Readable | TaoNetError) -> tuple[str, str, str]:
    """Facts and card as JSON, and why there are none."""
    if isinstance(item, TaoNetError):
        return json.dumps(dict.fromkeys(FACTS)), json.dumps({"error": str(item)}), str(item)
    if isinstance(item, LightCurve):
        curve, card = item, curve_card(item)
    else:
        curve = extract_light_curve(item)
        card = gallery_card(item, curve)
    facts = {
        name: None if isinstance(value, float) and np.isnan(value) else value
        for name, value in brightness_facts(curve).items()
    }
    return json.dumps(facts), json.dumps(card, allow_nan=False), ""


def _pack(answer: Prediction | TaoNetError) -> tuple[Any, ...]:
    """Return probabilities, sets, novelty, vector, error, code and flags, as they are stored."""
    if isinstance(answer, TaoNetError):
        return None, None, None, None, str(answer), str(answer.code), ""
    sets = None if answer.prediction_sets is None else answer.prediction_sets[-1].tobytes()
    vector = np.asarray(answer.embedding, dtype="<f4").tobytes()
    novelty = None if np.isnan(answer.novelty) else answer.novelty
    flags = " ".join(answer.meta.get("flags", ()))
    return answer.probabilities.astype("<f8").tobytes(), sets, novelty, vector, "", "", flags


def _verdicts(bundle: ModelBundle, catalog: pd.DataFrame, rows: list[tuple[Any, ...]]) -> Verdicts:
    k = len(bundle.classes)
    sets = [np.zeros(k, bool) if s is None else np.frombuffer(s, bool) for _, s, *_ in rows]
    known = [np.frombuffer(v, "<f4") for _, _, _, v, *_ in rows if v is not None]
    width = len(known[0]) if known else 0
    blank = np.full(width, np.nan, dtype=np.float32)
    vectors = [blank if v is None else np.frombuffer(v, "<f4") for _, _, _, v, *_ in rows]
    return Verdicts(
        bundle.name,
        bundle.version,
        bundle.classes,
        catalog["object_id"].to_numpy(str),
        catalog["label"].fillna("").to_numpy(str),
        tuple(np.frombuffer(p or b"", "<f8").reshape(-1, k) for p, *_ in rows),
        None if bundle.calibration is None else np.array(sets, dtype=bool).reshape(-1, k),
        np.array([np.nan if n is None else n for _, _, n, *_ in rows], dtype=np.float64),
        np.array(vectors, dtype=np.float32).reshape(len(rows), width),
        *(np.array([row[column] for row in rows], dtype=str) for column in (4, 5, 6)),
    )
