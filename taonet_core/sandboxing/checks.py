"""Whether a value that arrived is of the type that it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np


@lru_cache
def field_types(kind: type) -> dict[str, Any]:
    """Return the fields of a dataclass and their types."""
    import pandas as pd  # annotations name it where it is imported for them alone

    hints = get_type_hints(kind, localns={"pd": pd})
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def fits(value: Any, wanted: Any) -> bool:
    """Return whether a value is of a type, as annotations write it.

    Of mappings the keys and values are not looked at; what uses them takes them for text of others.
    """
    if wanted is Any:
        return True
    if wanted is None or wanted is NoneType:
        return value is None
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in inner)
    if origin is None:
        return isinstance(value, (int, float) if wanted is float else wanted)
    if origin is np.ndarray:
        scalar = get_args(inner[1])[0]
        of_kind = scalar is Any or issubclass(
            getattr(value, "dtype", np.dtype(object)).type, scalar
        )
        return isinstance(value, np.ndarray) and of_kind
    if origin is tuple:
        whole = isinstance(value, tuple)
        return whole and all(fits(item, inner[0]) for item in value)
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    return isinstance(value, Mapping if issubclass(origin, Mapping) else origin)
