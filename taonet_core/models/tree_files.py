"""Trees as a skops file: the same trees give the same bytes, and strange ones are refused.

A skops file is a zip archive of JSON and NumPy arrays, read without pickle; what it may build is
limited to scikit-learn's own types. But scikit-learn follows the numbers of a tree without looking
where they lead, so that a forged one can crash the process (skops says so and wants trees named):
here they are looked at first.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from taonet_core.errors import Code, IncompatibleWeightsError
from taonet_core.models.tensor_files import refuse_other_kinds

#: Trees of the forest and of the boosting, which skops refuses unless they are named.
_TREES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
_MOST_UNPACKED = 512 * 2**20
_SCHEMA = "schema.json"


def pack_trees(model: Any, meaning: str) -> bytes:
    """Return a model as a skops file that depends on nothing but the model.

    Left to itself, skops writes the time, where in memory each object lay, and what lay between.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
    meaning : str
        What the trees are, kept as the comment of the archive; see `meaning_of`.
    """
    import skops.io

    source = ZipFile(io.BytesIO(skops.io.dumps(model)))
    schema = json.loads(source.read(_SCHEMA))
    places: dict[int, int] = {}
    _renumber(schema, places)
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED, compresslevel=9) as target:
        target.comment = meaning.encode()
        for old, new in places.items():
            if f"{old}.npy" in source.NameToInfo:
                _add(target, f"{new}.npy", _without_gaps(source.read(f"{old}.npy")))
        _add(target, _SCHEMA, json.dumps(schema).encode())
    return packed.getvalue()


def _renumber(node: Any, places: dict[int, int]) -> None:
    """Replace places in memory by the order in which objects come."""
    for child in node if isinstance(node, list) else ():
        _renumber(child, places)
    if isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = places.setdefault(node["__id__"], len(places))
        if "file" in node and node.get("type") == "numpy":
            number = int(node["file"].removesuffix(".npy"))
            node["file"] = f"{places.setdefault(number, len(places))}.npy"
        for child in node.values():
            _renumber(child, places)


def _without_gaps(content: bytes) -> bytes:
    """Return an array file with zeros between the fields of its records, where anything may lie."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean, out = np.zeros(array.shape, array.dtype), io.BytesIO()
    for field in array.dtype.names:
        clean[field] = array[field]
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()


def _add(target: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name)  # of 1980
    entry.compress_type = ZIP_DEFLATED
    target.writestr(entry, content)


def meaning_of(blob: bytes) -> str:
    """Return what `pack_trees` was told of the trees; empty where it was another version.

    Raises
    ------
    IncompatibleWeightsError
        If the bytes are no zip archive.
    """
    try:
        return ZipFile(io.BytesIO(blob)).comment.decode()
    except (BadZipFile, ValueError) as error:
        raise IncompatibleWeightsError(
            f"no skops file: {error}", code=Code.WEIGHTS_FORMAT
        ) from error


def unpack_trees(blob: bytes, name: str) -> Any:
    """Load the trees of a file whose hash was checked.

    Raises
    ------
    IncompatibleWeightsError
        If there are none, they are of another version of scikit-learn, or their numbers lead
        outside.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

    refuse_other_kinds(blob, name, trees=True)
    try:
        _refuse_bomb(blob, name)
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            model = skops.io.loads(blob, trusted=list(_TREES))
    except InconsistentVersionWarning as error:
        raise IncompatibleWeightsError(
            f"{name} is of scikit-learn {error.original_sklearn_version}, installed is "
            f"{error.current_sklearn_version}; install that one or train the model again",
            code=Code.WEIGHTS_OTHER,
        ) from error
    except (
        *(UntrustedTypesFoundException, UnsupportedTypeException, BadZipFile, RecursionError),
        *(ValueError, KeyError, TypeError, AttributeError, ImportError, OSError),
    ) as error:
        raise IncompatibleWeightsError(
            f"{name} holds no trees: {error}", code=Code.WEIGHTS_FORMAT
        ) from error
    except MemoryError as error:  # by the shape that an array claims, whatever its bytes
        raise IncompatibleWeightsError(
            f"{name} claims more than fits into memory; refused", code=Code.WEIGHTS_SIZE
        ) from error
    _check(model, name)
    return model


def _refuse_bomb(blob: bytes, name: str) -> None:
    size = sum(entry.file_size for entry in ZipFile(io.BytesIO(blob)).infolist())
    if size > _MOST_UNPACKED:
        raise IncompatibleWeightsError(
            f"{name} unpacks to {size} bytes, more than {_MOST_UNPACKED}; refused",
            code=Code.WEIGHTS_SIZE,
        )


def _check(model: Any, name: str) -> None:
    """Refuse what is not made as `train_forest` and `train_boosting` make it."""
    try:
        sound = all(_is_sound(*tree) for tree in _trees(model))
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        raise IncompatibleWeightsError(
            f"{name} holds no trees but {type(model).__name__}: {error}", code=Code.WEIGHTS_FORMAT
        ) from error
    if not sound:
        raise IncompatibleWeightsError(
            f"{name} holds a tree without nodes, or whose branches lead outside it; it is damaged "
            "or forged",
            code=Code.WEIGHTS_VALUES,
        )


#: Of a tree: number of features; which nodes branch; left, right and feature of each; values.
_Tree = tuple[int, NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def _trees(model: Any) -> Iterator[_Tree]:
    """Yield every tree of a model.

    Raises
    ------
    ValueError
        If it is something else.
    """
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
        VotingClassifier,
    )
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    if isinstance(model, Pipeline):
        *before, last = (step for _, step in model.steps)
        if not all(type(step) is StandardScaler for step in before):
            raise ValueError("wanted nothing but scaling before the trees")
        yield from _trees(last)
    elif type(model) is VotingClassifier:
        for voter in model.estimators_:
            yield from _trees(voter)
    elif type(model) in (RandomForestClassifier, ExtraTreesClassifier):
        for grown in model.estimators_:
            tree, left = grown.tree_, grown.tree_.children_left
            sides = (left, tree.children_right, tree.feature, tree.value)
            yield (model.n_features_in_, left != -1, *sides)
    elif type(model) is HistGradientBoostingClassifier:
        for predictor in (p for stage in model._predictors for p in stage):
            nodes = predictor.nodes
            if nodes["is_categorical"].any():
                raise ValueError("wanted no categories")
            sides = (nodes["left"], nodes["right"], nodes["feature_idx"], nodes["value"])
            yield (model.n_features_in_, nodes["is_leaf"] == 0, *sides)
    else:
        raise ValueError(f"wanted trees, got {type(model).__name__}")


def _is_sound(
    n_features: int,
    branches: NDArray[Any],
    left: NDArray[Any],
    right: NDArray[Any],
    feature: NDArray[Any],
    values: NDArray[Any],
) -> bool:
    """Tell whether every way down a tree ends, within it, and asks for features there are."""
    if not len(branches) or len(values) != len(branches):  # a prediction begins at the first node
        return False
    own = np.flatnonzero(branches)
    for side in (left[own].astype(np.int64), right[own].astype(np.int64)):
        if not ((side > own) & (side < len(branches))).all():  # further down, so no circle
            return False
    asked = feature[own].astype(np.int64)
    return bool(((asked >= 0) & (asked < n_features)).all() and np.isfinite(values).all())
