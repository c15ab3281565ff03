"""Named lists of objects that a reader kept: what an address held, in a small JSON file."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from taonet_core.data.exports import write_json
from taonet_core.errors import TaoNetError

#: Views are kept by name; an address is a mapping of names to values.
Views = dict[str, dict[str, list[str]]]
#: So many views are kept, with names of so many characters.
MOST, LONGEST = 100, 60

# Sessions of one server save at the same time: each must read what the other wrote.
_LOCK = threading.Lock()
_log = logging.getLogger(__name__)


def read_views(path: Path) -> Views:
    """Return the views kept in a file; none where it is not there or damaged."""
    try:
        held = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("%s cannot be read (%s); it is begun anew", path, error)
        return {}
    views = held.items() if isinstance(held, dict) else ()
    return {name: query for name, query in views if _is_query(query)}


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
    with _LOCK:
        views = {**read_views(path), name: {key: list(held) for key, held in query.items()}}
        if len(views) > MOST:
            raise TaoNetError(f"{MOST} views are kept already; remove one first")
        write_json(views, path)
    return views


def remove_view(path: Path, name: str) -> Views:
    """Remove a view; return those that are left."""
    with _LOCK:
        views = read_views(path)
        views.pop(name, None)
        write_json(views, path)
    return views


def _is_query(query: object) -> bool:
    return isinstance(query, dict) and all(
        isinstance(held, list) and all(isinstance(value, str) for value in held)
        for held in query.values()
    )
