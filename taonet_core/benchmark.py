"""The benchmark: models on TAO-Sim v1, with intervals, early in time, and against each other."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.data.catalog import load_catalog
from taonet_core.data.exports import write_json, write_table
from taonet_core.data.fits_io import read_sequence
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence, night_index
from taonet_core.data.sky import unit_vectors
from taonet_core.data.store import map_in_processes
from taonet_core.errors import TaoNetError
from taonet_core.inference import predict_many
from taonet_core.judging.scores import compare_models, score_model
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.weights import ModelBundle, load_model
from taonet_core.simulation import tao_sim

#: Numbers of nights after which every object is asked for; 0 is the whole sequence.
AFTER_NIGHTS = (1, 2, 4, 8, 16, 24, 0)
#: No test object lies nearer to a training object than this, arcsec.
SEPARATION = 10.0
#: What the shipped models scored, one file a model, in a checkout.
EXPECTED = Path(__file__).resolve().parents[1] / "docs" / "results" / "tao-sim-v1"
#: Scores that differ by less agree: PyTorch may round differently on another machine.
TOLERANCE = 0.003
_BATCH = 20
_PROBABILITIES = [f"p_{name}" for name in SIX_CLASSES]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What the models did.

    Parameters
    ----------
    answers : pandas.DataFrame
        One row a model, visibility, object and number of nights: ``model``, ``visibility``,
        ``object_id``, ``label``, ``discovery_mag``, ``after_nights`` (0: all), ``p_<CLASS>`` (NaN
        where the model had no answer yet).
    results : dict
        Model -> scores; see `taonet_core.judging.scores.score_model`.
    comparisons : dict
        Visibility -> differences between the first model and the others, on the same objects.
    """

    answers: pd.DataFrame
    results: dict[str, dict[str, Any]]
    comparisons: dict[str, dict[str, Any]]

    def write(self, folder: str | Path) -> None:
        """Write ``MODEL.json`` and ``MODEL.parquet`` of each model, and ``comparisons.json``."""
        folder = Path(folder)
        for name, result in self.results.items():
            write_json(result, folder / f"{name}.json")
            rows = self.answers[self.answers["model"] == name]
            write_table(rows.reset_index(drop=True), folder / f"{name}.parquet")
        write_json(self.comparisons, folder / "comparisons.json")


def run_benchmark(
    models: Sequence[str],
    folder: str | Path,
    *,
    per_class: int = tao_sim.PER_CLASS,
    training_data: Sequence[str | Path] = (),
    verify: bool = True,
    workers: int = 1,
    on_object: Callable[[str, int, int], None] | None = None,
) -> Benchmark:
    """Measure models on TAO-Sim v1.

    Parameters
    ----------
    models : sequence of str
        Names or paths; the first is compared with each of the others.
    folder : path
        Where the test set lies, or will: what is there already is not drawn again.
    per_class : int
        Fewer than `tao_sim.PER_CLASS` to try it out; what was drawn is then not verified.
    training_data : sequence of path
        Folders that models were trained on: test objects within `SEPARATION` of an object of
        theirs are left out.
    verify : bool
        Refuse objects that differ from the frozen ones by a bit.
    workers : int
        Processes.
    on_object : callable, optional
        Called with the stage, and how many of its objects are done of how many.

    Raises
    ------
    TaoNetError
        If the simulator does not draw the frozen set, files are missing, or a model learned from
        it or has the name of another.
    """
    folder, bundles = Path(folder), [load_model(name) for name in models]
    _check_models(bundles)
    tell = on_object or (lambda stage, done, of: None)
    shards = tao_sim.draw_set(
        folder, per_class=per_class, workers=workers, on_object=partial(tell, "drawn")
    )
    _check_shards(shards, per_class)
    total, done = per_class * len(shards), 0
    rows: list[dict[str, Any]] = []
    for shard in shards:
        digests = []
        about = {"visibility": shard.visibility, "label": str(shard.label)}
        for own, digest in _answers(shard.paths, tuple(models), workers):
            rows += [about | row for row in own]
            digests.append(digest)
            done += 1
            tell("classified", done, total)
        if verify and per_class == tao_sim.PER_CLASS:
            _verify(shard, digests, folder)
    table = _apart(pd.DataFrame(rows), training_data)
    results = {
        bundle.name: _identity(bundle) | score_model(table[table["model"] == bundle.name])
        for bundle in bundles
    }
    return Benchmark(table, results, compare_models(table, [b.name for b in bundles]))


def disagreements(
    results: Mapping[str, Mapping[str, Any]], expected: Path = EXPECTED
) -> Iterator[str]:
    """Say of each model whether it scored what is written down of it.

    Parameters
    ----------
    results : mapping
        As in `Benchmark`.
    expected : Path
        Folder of ``MODEL.json``.
    """
    for name, result in results.items():
        path = expected / f"{name}.json"
        if not path.exists():
            yield f"{name}: no expected score is written down"
            continue
        known = json.loads(path.read_bytes())
        if known["sha256"] != result["sha256"]:
            yield f"{name}: the expected score is of other weights ({known['sha256'][:12]}…)"
            continue
        pairs = {
            visibility: (score["macro_f1"]["value"], result["visibility"][visibility])
            for visibility, score in known["visibility"].items()
        }
        far = {
            visibility: (old, new["macro_f1"]["value"])
            for visibility, (old, new) in pairs.items()
            if abs(old - new["macro_f1"]["value"]) > TOLERANCE
        }
        yield f"{name}: " + (
            "; ".join(
                f"expected macro F1 {old:.4f} at visibility {visibility}, measured {new:.4f}"
                for visibility, (old, new) in far.items()
            )
            or "as expected"
        )


def _check_models(bundles: Sequence[ModelBundle]) -> None:
    names = [bundle.name for bundle in bundles]
    if len(set(names)) < len(names):
        raise TaoNetError(
            f"wanted models of different names, got {', '.join(names)}; name each once"
        )
    for bundle in bundles:
        drawn = bundle.sidecar.get("training", {}).get("data")
        if isinstance(drawn, dict) and drawn.get("seed") == tao_sim.SEED:
            raise TaoNetError(
                f"{bundle.name} was trained on data drawn with seed {tao_sim.SEED}, that of "
                f"{tao_sim.NAME}; train it with another seed"
            )


def _check_shards(shards: Sequence[tao_sim.Shard], per_class: int) -> None:
    for shard in shards:
        if len(shard.paths) != per_class:
            raise TaoNetError(
                f"{shard.folder} holds {len(shard.paths)} of {per_class} objects; delete it, and "
                "they are drawn again"
            )


def _verify(shard: tao_sim.Shard, digests: list[bytes], folder: Path) -> None:
    expected = tao_sim.frozen_digests()[str(shard.visibility)][shard.label]
    if tao_sim.joint_digest(digests) != expected:
        raise TaoNetError(
            f"the {shard.label} of {tao_sim.NAME} at visibility {shard.visibility} differ from the "
            "frozen set: they were drawn by another version of the simulator or of NumPy, on a "
            f"processor that is not x86-64, or changed since. Delete {folder} and install the "
            "versions of requirements.txt, or leave out the check: figures measured on other "
            "objects are near those of this benchmark, but not its own"
        )


def _identity(bundle: ModelBundle) -> dict[str, Any]:
    return {
        "benchmark": tao_sim.NAME,
        "model": bundle.name,
        "model_version": bundle.version,
        "sha256": bundle.sidecar.get("sha256"),
    }


def _answers(
    paths: list[Path], models: tuple[str, ...], workers: int
) -> Iterator[tuple[list[dict[str, Any]], bytes]]:
    """Yield the rows of every object, and the digest of its pixels."""
    batches = [(paths[i : i + _BATCH], models) for i in range(0, len(paths), _BATCH)]
    for batch in map_in_processes(_classify, batches, workers):
        yield from batch


def _classify(
    job: tuple[list[Path], tuple[str, ...]],
) -> list[tuple[list[dict[str, Any]], bytes]]:
    paths, models = job
    sequences = [read_sequence(path, trusted=True) for path in paths]
    rows: list[list[dict[str, Any]]] = [[] for _ in sequences]
    for name in models:
        results = predict_many(sequences, _loaded(name))
        for own, path, sequence, result in zip(rows, paths, sequences, results, strict=True):
            about = {
                "model": _loaded(name).name,
                "object_id": path.stem,
                "discovery_mag": _discovery_mag(path),
                "ra": sequence.meta["ra"],
                "dec": sequence.meta["dec"],
            }
            own += [about | row for row in _after_nights(sequence, result)]
    digests = [tao_sim.sequence_digest(sequence) for sequence in sequences]
    return list(zip(rows, digests, strict=True))


@lru_cache(maxsize=8)
def _loaded(name: str) -> ModelBundle:
    if parent_process() is not None:  # one of several workers: they are the threads
        import torch

        torch.set_num_threads(1)
    return load_model(name)


def _discovery_mag(path: Path) -> float:
    from astropy.io import fits

    return float(fits.getval(path, "SIMMAG", ext=1))


def _after_nights(
    sequence: ImageSequence, result: Prediction | TaoNetError
) -> Iterator[dict[str, Any]]:
    """Yield what was said after each number of nights of the sequence, as far as it goes."""
    night = night_index(sequence.times)
    for n in AFTER_NIGHTS:
        end = sequence.times[night < n][-1] if n else math.inf
        said = np.full(len(SIX_CLASSES), np.nan)
        if isinstance(result, Prediction):
            row = int(np.searchsorted(result.times, end, side="right")) - 1
            if row >= 0:
                order = [result.classes.index(name) for name in SIX_CLASSES]
                said = result.probabilities[row, order]
        yield {"after_nights": n, **dict(zip(_PROBABILITIES, said.tolist(), strict=True))}


def _apart(answers: pd.DataFrame, training_data: Sequence[str | Path]) -> pd.DataFrame:
    """Leave out objects that lie on the place of a training object."""
    from scipy.spatial import cKDTree

    keep: NDArray[np.bool_] = np.ones(len(answers), dtype=bool)
    chord = 2 * math.sin(math.radians(SEPARATION / 3600) / 2)
    for path in training_data:
        seen = load_catalog(Path(path))
        known = cKDTree(unit_vectors(seen["ra"].to_numpy(), seen["dec"].to_numpy()))
        places = unit_vectors(answers["ra"].to_numpy(), answers["dec"].to_numpy())
        keep &= known.query(places)[0] > chord
    return answers[keep].drop(columns=["ra", "dec"]).reset_index(drop=True)
