"""Where numbers come from: digests of the data, versions, and tables that carry them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core import __version__
from taonet_core.data.atomic import replacing
from taonet_core.data.exports import TABLE_SUFFIXES, csv_text, write_json
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.results import Prediction
from taonet_core.data.sequence import ImageSequence
from taonet_core.plain_text import LONGEST_SENTENCE, shown
from taonet_core.transforms.summary import describe, utc_texts

if TYPE_CHECKING:
    from astropy.table import QTable

_STACKS = ("frames", "reference", "difference")
_CURVE = ("mag", "mag_err", "flux", "flux_err", "limit")


def data_digest(source: ImageSequence | LightCurve) -> str:
    """Return the SHA-256 of times, filters and values of an object, whatever file it came in.

    Parameters
    ----------
    source : ImageSequence or LightCurve
    """
    digest = hashlib.sha256(b"\0".join(str(band).encode() for band in source.bands))
    for name, array in _arrays(source).items():
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def origin(
    source: ImageSequence | LightCurve, file: str, weights: Mapping[str, str]
) -> dict[str, str]:
    """Say where an object and what is said of it come from.

    Parameters
    ----------
    source : ImageSequence or LightCurve
    file : str
        Where it was read, as its owner knows it.
    weights : mapping of str to str
        Model -> SHA-256 of its weights.

    Returns
    -------
    dict
        What -> words, of one line each.
    """
    size = sum(array.nbytes for array in _arrays(source).values()) / 2**20
    facts = {
        "read from": file,
        "read as": describe(source),
        "layout": source.meta.get("layout") or "–",
        "survey": source.meta.get("survey") or "not said in the file",
        "size": f"{size:.1f} MiB in memory",
        "SHA-256 of times and values": data_digest(source),
        **{f"weights of {name}": f"SHA-256 {sha}" for name, sha in weights.items()},
        "written by": f"TAO-Net Explorer {__version__}",
        "written on": _now(),
    }
    return {name: shown(text, LONGEST_SENTENCE) for name, text in facts.items()}


def epoch_table(
    curve: LightCurve,
    predictions: Sequence[Prediction] = (),
    weights: Mapping[str, str] | None = None,
) -> QTable:
    """Return one row an epoch: brightness, and what each model says once it knows that night.

    Parameters
    ----------
    curve : LightCurve
    predictions : sequence of Prediction
        Of the same object.
    weights : mapping of str to str, optional
        Model -> SHA-256 of its weights, for the metadata.

    Returns
    -------
    QTable
        Columns of `LightCurve.to_table`, ``utc``, and ``p_<CLASS>_<model>``: NaN on epochs before
        a model's first night. Metadata name the object, the package and its version, the models
        with version and hash, and the date.
    """
    table = curve.to_table()
    if curve.meta.get("time_kind", "mjd") == "mjd":
        table["utc"] = utc_texts(curve.times)
    for prediction in predictions:
        rows = _rows(prediction, curve.times)
        for k, name in enumerate(prediction.classes):
            column = np.append(prediction.probabilities[:, k], np.nan)  # -1: not yet
            table[f"p_{name}_{prediction.model}"] = column[rows]
    table.meta |= {"creator": f"TAO-Net Explorer {__version__}", "created": _now()}
    for prediction in predictions:
        sha = (weights or {}).get(prediction.model, "unknown")
        table.meta[f"model_{prediction.model}"] = (
            f"{prediction.model} {prediction.model_version}, weights SHA-256 {sha}"
        )
    return table


def write_epochs(table: QTable, path: Path) -> Path:
    """Write what `epoch_table` returns, with units and metadata where the format has room.

    Parameters
    ----------
    table : QTable
    path : Path
        Ends in ``.csv`` (metadata as comment lines), ``.ecsv``, ``.vot`` or ``.json``
        (``meta``, ``units`` and ``rows``).

    Raises
    ------
    ValueError
        If the ending is another.
    """
    kind = path.suffix.lower()
    if kind == ".ecsv":
        with replacing(path) as temporary:
            table.write(temporary, format="ascii.ecsv", overwrite=True)
    elif kind == ".vot":
        with replacing(path) as temporary:
            _described(table).write(temporary, format="votable", overwrite=True)
    elif kind == ".csv":
        said = "".join(f"# {key}: {_line(value)}\n" for key, value in table.meta.items())
        with replacing(path) as temporary:
            temporary.write_text(said + csv_text(table.to_pandas()), "utf-8")
    elif kind == ".json":
        units = {name: str(table[name].unit or "") for name in table.colnames}
        rows = table.to_pandas().to_dict("records")
        plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
        meta = {str(key): _plain(value) for key, value in table.meta.items()}
        write_json({"meta": meta, "units": units, "rows": plain}, path)
    else:
        known = ", ".join(name for name in TABLE_SUFFIXES if name != ".parquet")
        raise ValueError(f"wanted a table ending in {known}; got {path.name!r}")
    return path


def _rows(prediction: Prediction, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the row of the probabilities that belongs to each epoch, as in the epoch viewer.

    That of its night, or of the last night before where the model did not read the epoch; -1
    where there is none yet.
    """
    rows = np.searchsorted(prediction.times, times + 1e-9, side="right") - 1
    nights = prediction.night_of_frame
    return np.where(nights >= 0, nights, rows) if len(nights) == len(times) else rows


def _arrays(source: ImageSequence | LightCurve) -> dict[str, NDArray[Any]]:
    """Return all numbers of an object, by what they are."""
    names = ("times", *(_STACKS if isinstance(source, ImageSequence) else _CURVE))
    arrays = {name: getattr(source, name) for name in names}
    return {name: array for name, array in arrays.items() if array is not None}


def _described(table: QTable) -> QTable:
    """Return a copy whose metadata are one description, as VOTable keeps no other."""
    copy = table.copy()
    copy.meta = {"description": "; ".join(f"{k}: {_line(v)}" for k, v in table.meta.items())}
    return copy


def _line(value: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(value))


def _plain(value: object) -> object:
    """Return a number, text or None that JSON knows."""
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
