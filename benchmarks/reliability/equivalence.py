"""The app, the command line, Python and the REST API say the same of the same files, bit for bit.

500 objects: simulated image sequences of five surveys in files of several layouts, and light curves
in tables; beside them, where TAONET_REAL_DATA names the folder of real data, the sequences and
stamps of ZTF in it.
Each is classified on four roads: by `taonet_core.predict` of what Python read; by ``taonet
predict`` in a process of its own, which writes a table; as the page Upload does, from the bytes
that were handed over to the store of verdicts; and as ``POST /classify`` does. Python reads once
in this process (trusted) and once in workers, and both must give the same values.

Then the same frames are handed over in other ways: in 100 orders, in every number format that holds
them, in memory in the other byte order, compressed, tiled, packed, as a cube.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from _equal_inputs import curve_files, real_files, sequence_files
from _figures import Findings, Goal, command
from _variants import single_frames, variants, whole_counts
from numpy.typing import NDArray

from taonet_core import TaoNetError, load_model, predict
from taonet_core.api.service import Service
from taonet_core.bulk import Readable, read_objects
from taonet_core.data.delivery import Chosen, read_delivery, with_labels
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.intake import NamedBytes, sort_out
from taonet_core.data.sequence import ImageSequence
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection, gather
from taonet_core.objects.verdict_store import VerdictStore
from taonet_core.provenance import data_digest

SEED = 8
#: Models asked about images, and about light curves.
IMAGE_MODELS, CURVE_MODELS = ("taonet", "forest"), ("forest", "boosting")
#: Objects in all, light curves among them, and orders of upload.
OBJECTS, CURVES, SHUFFLES = 500, 150, 100
#: Objects of the other ways, and frames of each.
VARIED, FRAMES = 10, 24

#: What is said of an object: the bits of its probabilities, or the sentence why there are none.
Said = bytes | str


@dataclass
class Compared:
    """What was compared, and what differed.

    Attributes
    ----------
    objects : int
    differing : list of str
        Road, model and object of every answer that was not that of Python.
    unequal_reads : list of str
        Objects that workers read otherwise than this process.
    refused : int
        Objects of which every road said that a model cannot read them.
    """

    objects: int = 0
    differing: list[str] = field(default_factory=list)
    unequal_reads: list[str] = field(default_factory=list)
    refused: int = 0


def bits(probabilities: Iterable[float]) -> bytes:
    """Return the bits of probabilities; those of minus zero are those of zero."""
    return (np.fromiter(probabilities, dtype="<f8") + 0.0).tobytes()


def compare(paths: list[Path], models: tuple[str, ...], found: Compared) -> None:
    """Classify the objects of files on all roads, and note what differs."""
    trusted = {name: item for path in paths for name, item in _read(path, trusted=True)}
    apart = {name: item for path in paths for name, item in _read(path, trusted=False)}
    found.objects += len(trusted)
    names = {**trusted, **apart}
    found.unequal_reads += [n for n in names if fingerprint(trusted, n) != fingerprint(apart, n)]
    for model in models:
        bundle = load_model(model)
        expected = {name: by_python(item, bundle) for name, item in trusted.items()}
        roads = {
            "command line": by_command_line(paths, model),
            "app": by_upload(paths, bundle),
            "REST": by_rest(paths, model),
        }
        found.refused += sum(isinstance(said, str) for said in expected.values())
        for road, said in roads.items():
            found.differing += [
                f"{road}, {model}: {name}"
                for name in sorted({*expected, *said})
                if said.get(name) != expected.get(name)
            ]


def _read(path: Path, *, trusted: bool) -> Iterator[tuple[str, Readable | TaoNetError]]:
    for name, item in read_objects(path, trusted=trusted):
        yield (name if isinstance(item, TaoNetError) else str(item.meta["object_id"])), item


def fingerprint(read: dict[str, Readable | TaoNetError], name: str) -> str:
    """Return a text that changes with every number, filter and fact that was read."""
    item = read.get(name)
    if item is None or isinstance(item, TaoNetError):
        return repr(item)
    return f"{data_digest(item)} {sorted(item.meta.items(), key=str)!r}"


# --- roads ----------------------------------------------------------------------------------------


def by_python(item: Readable | TaoNetError, bundle: ModelBundle) -> Said:
    """Ask as a notebook would: one object after the other."""
    try:
        if isinstance(item, TaoNetError):
            raise item
        return bits(predict(item, bundle).probabilities[-1])
    except TaoNetError as error:
        return str(error)


def by_command_line(paths: list[Path], model: str) -> dict[str, Said]:
    """Ask ``taonet predict`` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "verdicts.parquet"
        command_line = [sys.executable, "-m", "taonet_core", "predict", *map(str, paths)]
        subprocess.run(
            [*command_line, "--model", model, "--output", str(table)],
            capture_output=True,
            check=False,  # 3 where an object has no verdict
        )
        rows = pd.read_parquet(table)
    columns = [f"p_{name}" for name in load_model(model).classes]
    return {
        row["object_id"]: row["error"] or bits(row[column] for column in columns)
        for row in rows.to_dict("records")
    }


def by_upload(paths: list[Path], bundle: ModelBundle) -> dict[str, Said]:
    """Ask as the page Upload does: sort out, read, gather, and fill the store of verdicts."""
    said: dict[str, Said] = {}
    for path in paths:
        intake = sort_out([NamedBytes(path.name, path.read_bytes())])
        chosen = [Chosen(group, group.guess.mapping) for group in intake.tables]
        items = list(read_delivery(intake, chosen))
        said |= {name: str(item) for name, item in items if isinstance(item, TaoNetError)}
        collection = gather(with_labels(items, [], {})[0], name="upload", title="")
        said |= stored(collection, bundle)
    return said


def stored(collection: Collection, bundle: ModelBundle) -> dict[str, Said]:
    """Return what the store keeps of objects, classified one by one as the page does it."""
    store = VerdictStore()
    for name in collection.stamps:
        store.fill(collection, [bundle], object_ids=[name])
    kept = store.verdicts(collection, bundle)
    rows = zip(kept.object_ids, kept.errors, kept.final, strict=True)
    return {str(name): str(error) or bits(final) for name, error, final in rows}


def by_rest(paths: list[Path], model: str) -> dict[str, Said]:
    """Ask as ``POST /classify`` does."""
    service, said = Service(gather([], name="none", title="")), dict[str, Said]()
    for path in paths:
        for name, source, answer in service.classify(path, model):
            if isinstance(answer, TaoNetError):
                said[name if isinstance(source, TaoNetError) else _name(source)] = str(answer)
            else:
                said[_name(source)] = bits(answer.probabilities[-1])
    return said


def _name(source: Readable) -> str:
    return str(source.meta["object_id"])


# --- the same frames in other ways ----------------------------------------------------------------


def orders(count: int) -> int:
    """Hand the frames of two objects over in so many orders; returns how many differ in a bit."""
    rng, bundle = np.random.default_rng(SEED), load_model("taonet")
    objects = [
        whole_counts(label, 0, seed=SEED, survey="crts", frames=FRAMES) for label in ("SN", "CV")
    ]
    files = [
        (f"{sequence.object_id}/{name}", data)
        for sequence in objects
        for name, data in single_frames(sequence).items()
    ]
    # names that say nothing of the order, as cameras that count anew every night give them
    named = [NamedBytes(f"{n:05}.fits", data) for n, (_, data) in enumerate(files)]
    seen = set()
    for _ in range(count):
        shuffled = [named[i] for i in rng.permutation(len(named))]
        seen.add(tuple(sorted(_verdicts(shuffled, bundle).items())))
    return len(seen) - 1


def _verdicts(files: list[NamedBytes], bundle: ModelBundle) -> dict[str, Said]:
    items = list(read_delivery(sort_out(files, trusted=True), []))
    return stored(gather(items, name="upload", title=""), bundle)


def other_ways(count: int, models: tuple[str, ...] = IMAGE_MODELS) -> dict[str, float]:
    """Return the largest difference of a probability, by the way in which files were made."""
    found: dict[str, float] = {}
    surveys = ("crts", "ztf")
    for number in range(count):
        label = ("SN", "CV", "AGN", "BZ", "OTHER")[number % 5]
        survey = surveys[number % len(surveys)]
        sequence = whole_counts(label, number, seed=SEED, survey=survey, frames=FRAMES)
        for model in models:
            bundle = load_model(model)
            answers = dict(_answers(sequence, bundle))
            first = answers["dtype f4"]
            for way, probabilities in answers.items():
                found[way] = max(found.get(way, 0.0), _difference(probabilities, first))
    return found


def _answers(
    sequence: ImageSequence, bundle: ModelBundle
) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
    for way, name, data in variants(sequence):
        [(_, item)] = read_sequences([NamedBytes(name, data)], trusted=True)
        yield way, _final(item, bundle)
        if way == "dtype f4":
            for order in (">f4", "<f8", ">f8"):
                pixels = item.frames.astype(order)
                yield f"in memory {order}", _final(replace(item, frames=pixels), bundle)


def _final(item: Readable | TaoNetError, bundle: ModelBundle) -> NDArray[np.float64] | None:
    if isinstance(item, TaoNetError):
        raise item
    try:
        return predict(item, bundle).probabilities[-1]
    except TaoNetError:
        return None  # too few measurements for the forest: so it has to be in every way


def _difference(one: NDArray[np.float64] | None, two: NDArray[np.float64] | None) -> float:
    if one is None or two is None:
        return 0.0 if one is two else float("inf")
    return float(np.abs(one - two).max())


def measure(quick: bool) -> Findings:
    """Classify the same objects on every road, and the same frames in every way."""
    total, curves = (24, 8) if quick else (OBJECTS, CURVES)
    found = Compared()
    with tempfile.TemporaryDirectory(prefix="taonet-equal-") as name:
        folder, real = Path(name), os.environ.get("TAONET_REAL_DATA")
        compare(sequence_files(folder, total - curves, SEED), IMAGE_MODELS, found)
        compare(curve_files(folder, curves, SEED), CURVE_MODELS, found)
        simulated = found.objects
        if real and not quick:
            compare(real_files(folder, Path(real)), IMAGE_MODELS, found)
    ways = other_ways(1 if quick else VARIED)
    shuffles = 5 if quick else SHUFFLES
    goals = [
        Goal("objects classified on four roads", found.objects, ">=", total),
        Goal("answers that differ in a bit", len(found.differing), "==", 0),
        Goal("objects that workers read otherwise", len(found.unequal_reads), "==", 0),
        Goal(f"orders of upload, of {shuffles}, that differ in a bit", orders(shuffles), "==", 0),
        Goal("largest difference between ways", max(ways.values()), "<=", 1e-6),
    ]
    figures = {
        "real objects beside them": found.objects - simulated,
        "answers that are a refusal, the same on all roads": found.refused,
        "differing": found.differing[:20],
        "unequal_reads": found.unequal_reads[:20],
        "largest_difference": ways,
    }
    return Findings(goals, figures, seed=SEED)


if __name__ == "__main__":
    command(measure, "equivalence")
