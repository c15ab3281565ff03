"""Strict conversion between settings dataclasses and plain dicts (for JSON sidecars)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, cast

ConfigT = TypeVar("ConfigT")


def to_dict(config: object) -> dict[str, Any]:
    """Turn a settings dataclass into a dict that JSON can hold."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise ValueError(f"wanted a settings dataclass, got {type(config).__name__}")
    return dataclasses.asdict(config)


def from_dict(kind: type[ConfigT], values: Mapping[str, Any]) -> ConfigT:
    """Build a settings dataclass, refusing unknown keys.

    Parameters
    ----------
    kind : type
        The dataclass to build.
    values : mapping
        Its fields; JSON lists become tuples, since settings are immutable.

    Raises
    ------
    ValueError
        If a key is unknown, or the dataclass itself refuses a value.
    """
    known = {field.name for field in dataclasses.fields(cast(Any, kind))}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no setting {unknown}; it has {sorted(known)}")
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return kind(**settings)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} cannot be made of {settings}: {error}") from error
