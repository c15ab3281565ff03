"""Values that travel between processes, as JSON and raw arrays: numbers, text, and a few types.

What arrives is built by name from `TRAVELLERS` alone, and its fields are of the types they say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache, reduce
from importlib import import_module
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taonet_core import errors
from taonet_core.errors import Code, TaoNetError
from taonet_core.flags import Flag, Note
from taonet_core.sandboxing.checks import field_types, fits

if TYPE_CHECKING:
    import pandas as pd

#: Types that travel, and where they are defined; named by text, so that each may use the sandbox.
TRAVELLERS = {
    "Piece": "taonet_core.data.pieces",
    "Reading": "taonet_core.data.fits_layouts",
    "Frame": "taonet_core.data.fits_layouts",
    "FrameTable": "taonet_core.data.frame_tables",
    "LightCurve": "taonet_core.data.lightcurve",
    "TablePreview": "taonet_core.data.table_files",
    "ColumnMapping": "taonet_core.data.column_mapping",
    "LabelTable": "taonet_core.data.class_tables",
    "FoundTable": "taonet_core.data.found_tables",
}
#: Task -> types of what it yields.
ANSWERS = {
    "pieces": ("Piece",),
    "tables": ("FoundTable", "int"),
    "preview": ("TablePreview",),
    "curves": ("dict",),
    "labels": ("LabelTable",),
    "history": ("LightCurve", "None"),
}
_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, TaoNetError)
}
_DTYPE = re.compile(
    r"[|<](?:b1|[iu][1248]|f[248]|c(?:8|16)|[SU]\d{1,6}|[mM]8(?:\[\d{0,4}\w{1,2}\])?)"
)
_PLAIN = (bool, int, float, str, type(None))


class _Packer:
    """Takes arrays out of a value; a dict that is met again is sent once."""

    def __init__(self) -> None:
        self.buffers: list[memoryview] = []
        self._met: dict[int, tuple[int, Any]] = {}

    def pack(self, value: Any) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Note):
            return {"": "note", "v": str(value), "f": str(value.flag)}
        if isinstance(value, str):  # an enumeration's
            return str(value)
        if isinstance(value, list):
            return [self.pack(item) for item in value]
        if isinstance(value, tuple):
            return {"": "tuple", "v": [self.pack(item) for item in value]}
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, np.generic):
            return self.pack(value.item())
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, bytes | bytearray | memoryview):
            self.buffers.append(memoryview(value))
            return {"": "bytes", "i": len(self.buffers) - 1}
        return self._object(value)

    def _dict(self, value: dict[Any, Any]) -> Any:
        if id(value) in self._met:
            return {"": "same", "i": self._met[id(value)][0]}
        number = len(self._met)
        self._met[id(value)] = number, value
        return {
            "": "dict",
            "i": number,
            "v": [[self.pack(k), self.pack(v)] for k, v in value.items()],
        }

    def _array(self, value: NDArray[Any]) -> Any:
        if value.dtype.kind == "O":
            items = [self.pack(item) for item in value.ravel().tolist()]
            return {"": "objects", "v": items, "shape": list(value.shape)}
        plain = value
        if not value.flags.c_contiguous or value.dtype.byteorder == ">":
            plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        empty = not plain.size or not plain.itemsize
        self.buffers.append(memoryview(b"") if empty else plain.reshape(-1).view(np.uint8).data)
        return {
            "": "array",
            "i": len(self.buffers) - 1,
            "d": plain.dtype.str,
            "shape": list(value.shape),
        }

    def _object(self, value: Any) -> Any:
        name = type(value).__name__
        if isinstance(value, TaoNetError):
            return {"": "error", "t": name, "m": str(value), "c": str(value.code)}
        if name == "DataFrame":
            columns = [[self.pack(c), str(t)] for c, t in value.dtypes.items()]
            parts = [self.pack(_column(value.iloc[:, i])) for i in range(value.shape[1])]
            return {"": "table", "c": columns, "v": parts}
        if name not in TRAVELLERS:
            raise TypeError(f"a {name} does not travel")
        held = [self.pack(getattr(value, field)) for field in field_types(_traveller(name))]
        return {"": "object", "t": name, "v": held}


@lru_cache
def _traveller(name: str) -> Any:
    return getattr(import_module(TRAVELLERS[name]), name)


@lru_cache(256)
def _dtype(text: str) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(text):
        raise ValueError(f"arrays of {text!r} do not travel")
    return np.dtype(text)


def _column(series: pd.Series) -> Any:
    """Return the values of a column: an array, or a list where it is of Python objects."""
    dtype = series.dtype
    return series.to_numpy() if isinstance(dtype, np.dtype) else series.astype(object).to_numpy()


class _Unpacker:
    """Puts a value together again."""

    def __init__(self, buffers: Sequence[bytearray | memoryview]) -> None:
        self._buffers = dict(enumerate(buffers))
        self._met: dict[int, dict[Any, Any]] = {}

    def unpack(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.unpack(item) for item in value]
        if not isinstance(value, dict):
            return value
        match value[""]:
            case "note":
                return Note(value["v"], Flag(value["f"]))
            case "tuple":
                return tuple(self.unpack(item) for item in value["v"])
            case "dict":
                held = {self.unpack(k): self.unpack(v) for k, v in value["v"]}
                self._met[value["i"]] = held
                return held
            case "same":
                return self._met[value["i"]]
            case "bytes":
                return bytes(self._take(value["i"]))
            case "array":
                return self._array(value)
            case "objects":
                items = np.empty(len(value["v"]), dtype=object)
                items[:] = [self.unpack(item) for item in value["v"]]
                return items.reshape(value["shape"])
            case "error":
                return _ERRORS[value["t"]](str(value["m"]), code=Code(value["c"]))
            case "table":
                return self._table(value)
            case "object":
                return self._object(value)
        raise ValueError(f"nothing of kind {value['']!r} travels")

    def _take(self, number: int) -> bytearray | memoryview:
        """Return a buffer, each once: a message cannot make more of itself."""
        return self._buffers.pop(number)

    def _array(self, value: dict[str, Any]) -> NDArray[Any]:
        dtype = _dtype(value["d"])
        held, shape = self._take(value["i"]), value["shape"]
        if math.prod(shape) * dtype.itemsize != len(held) or min(shape, default=0) < 0:
            raise ValueError(f"no value: an array of shape {shape} in {len(held)} bytes")
        return np.frombuffer(held, dtype).reshape(shape) if len(held) else np.zeros(shape, dtype)

    def _object(self, value: dict[str, Any]) -> Any:
        kind = _traveller(value["t"])
        parts = [self.unpack(part) for part in value["v"]]
        wanted = field_types(kind)
        held = dict(zip(wanted, parts, strict=True))
        wrong = [name for name, part in held.items() if not fits(part, wanted[name])]
        if wrong:
            what = type(held[wrong[0]]).__name__
            raise ValueError(f"no value: a {value['t']} whose {wrong[0]} is a {what}")
        return kind(**held)

    def _table(self, value: dict[str, Any]) -> pd.DataFrame:
        import pandas as pd

        columns = [
            pd.Series(self.unpack(part), dtype=dtype)
            for part, (_, dtype) in zip(value["v"], value["c"], strict=True)
        ]
        table = pd.DataFrame(dict(enumerate(columns)))
        table.columns = pd.Index([self.unpack(name) for name, _ in value["c"]])
        return table


@lru_cache
def answers(task: str) -> Any:
    """Return the type of what a task of `taonet_core.sandboxing.worker.TASKS` yields."""
    names = ANSWERS.get(task)
    if names is None:
        return Any
    plain = {"int": int, "dict": dict, "None": NoneType}
    return reduce(or_, (plain.get(name) or _traveller(name) for name in names))


def pack(value: Any) -> tuple[Any, list[memoryview]]:
    """Return a value as what JSON can say, and the arrays in it as bytes.

    Raises
    ------
    TypeError
        If something in it does not travel.
    """
    packer = _Packer()
    return packer.pack(value), packer.buffers


def unpack(document: Any, buffers: Sequence[bytearray | memoryview]) -> Any:
    """Return the value that `pack` was given.

    Raises
    ------
    ValueError
        If it is none, or none that its type takes.
    """
    try:
        return _Unpacker(buffers).unpack(document)
    except (TypeError, KeyError, IndexError, AttributeError, RecursionError, MemoryError) as error:
        raise ValueError(f"no value: {type(error).__name__}: {error}") from error
    except TaoNetError as error:
        raise ValueError(f"no value: {error}") from error
