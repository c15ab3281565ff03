"""Named lists of objects that a reader kept: what an address held, in a small JSON file."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from taonet_core.data.atomic import replacing
from taonet_core.data.exports import write_json
from taonet_core.data.locks import in_turn
from taonet_core.errors import Code, TaoNetError

#: Views are kept by name; an address is a mapping of names to values.
Views = dict[str, dict[str, list[str]]]
#: So many views are kept, with names of so many characters.
MOST, LONGEST = 100, 60

_log = logging.getLogger(__name__)


def read_views(path: Path) -> Views:
    """Return the views kept in a file; none where it is not there or damaged."""
    try:
        return _views(path)
    except (OSError, ValueError) as error:
        _log.warning("%s cannot be read (%s): no view is shown", path, error)
        return {}


def save_view(path: Path, name: str, query: Mapping[str, list[str]]) -> Views:
    """Keep a view under a name, in place of an older one of that name; return all views.

    Raises
    ------
    TaoNetError
        If the name cannot be taken, there are too many views, or the file cannot be written.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise TaoNetError(f"wanted a name of 1 to {LONGEST} characters; got {len(name)}")
    with _alone(path):
        views = {**_views_to_change(path), name: {key: list(held) for key, held in query.items()}}
        if len(views) > MOST:
            raise TaoNetError(f"{MOST} views are kept already; remove one first")
        write_json(views, path)
    return views


def remove_view(path: Path, name: str) -> Views:
    """Remove a view; return those that are left."""
    with _alone(path):
        views = _views_to_change(path)
        views.pop(name, None)
        write_json(views, path)
    return views


def _alone(path: Path) -> AbstractContextManager[None]:
    """Sessions and servers save at the same time: each must read what the other wrote."""
    return in_turn(path.with_name(f".{path.name}.lock"), "the saving of a view")


def _views_to_change(path: Path) -> Views:
    """Return the views; a file that is damaged is put aside rather than written over."""
    try:
        return _views(path)
    except ValueError as error:
        aside = path.with_suffix(".damaged")
        _log.warning("%s is damaged (%s); it is kept as %s", path, error, aside.name)
        with replacing(aside) as copy:
            copy.write_bytes(path.read_bytes())
        return {}
    except OSError as error:
        raise TaoNetError(
            f"{str(path)!r} cannot be read ({error.strerror})", code=Code.WRITE
        ) from error


def _views(path: Path) -> Views:
    try:
        held = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(held, dict):
        raise ValueError("it holds no views")
    return {name: query for name, query in held.items() if _is_query(query)}


def _is_query(query: object) -> bool:
    return isinstance(query, dict) and all(
        isinstance(held, list) and all(isinstance(value, str) for value in held)
        for held in query.values()
    )
