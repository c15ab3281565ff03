"""Arrays as JSON can carry them: base64 of their bytes, or lists with ``None`` for no number."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(array: NDArray[Any]) -> str:
    """Return the little-endian bytes of an array as base64 text."""
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return base64.b64encode(array.tobytes()).decode("ascii")


def plain(values: NDArray[Any]) -> list[float | None]:
    """Return the numbers of a one-dimensional array, ``None`` where one is not finite."""
    return [float(v) if np.isfinite(v) else None for v in values]


def content_key(payload: Mapping[str, Any]) -> str:
    """Return a hash of what a payload holds: equal keys mean equal contents."""
    text = json.dumps(payload, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
