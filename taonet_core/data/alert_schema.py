"""The schema that an Avro alert brings along: checked, and cut down to what is read of alerts.

A schema of a stranger can make a reader loop for ever or fill the memory. So every name in it is
resolved here, a type inside itself is refused, what takes no bytes is not counted in lists, and
the reader is given plain types only: no logical types, aliases, defaults or names of the file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, NoReturn

from fastavro import parse_schema

from taonet_core.errors import Code, UnreadableFileError

#: Most bytes of a schema; those of ZTF and LSST have up to 60 kB.
MAX_SCHEMA_BYTES = 512 * 1024
#: Most types in a schema once every name is resolved; LSST has about 1,500.
MAX_TYPES = 20_000
#: Deepest nesting; alerts reach 6.
MAX_DEPTH = 16
#: Fewest fields of a past detection: keeps what a list of them takes in step with its bytes.
_FEWEST_FIELDS = 8

#: Newest schemas whose fields were checked.
NEWEST = {"ZTF": (4, 2), "LSST": (11, 0)}

_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_KINDS = {
    "number": {"int", "long", "float", "double"},
    "id": {"int", "long", "string"},
    "text": {"string"},
    "flag": {"string", "int", "long", "boolean"},
    "bytes": {"bytes"},
}
_ZTF_POINT = {
    "jd": "number",
    "fid": "number",
    "magpsf": "number",
    "sigmapsf": "number",
    "diffmaglim": "number",
    "isdiffpos": "flag",
}
_LSST_POINT = {
    "midpointMjdTai": "number",
    "midPointTai": "number",
    "band": "text",
    "filterName": "text",
    "psfFlux": "number",
    "psfFluxErr": "number",
    "psFlux": "number",
    "psFluxErr": "number",
}
#: What is read of an alert: a kind of value, a record, or a list of records.
_WANTED: dict[str, dict[str, Any]] = {
    "ZTF": {
        "objectId": "id",
        "candid": "id",
        "schemavsn": "text",
        "candidate": _ZTF_POINT
        | {name: "number" for name in ("ra", "dec", "magzpsci", "exptime")}
        | {"candid": "id"},
        "prv_candidates": [_ZTF_POINT],
        "cutoutScience": {"stampData": "bytes"},
        "cutoutTemplate": {"stampData": "bytes"},
        "cutoutDifference": {"stampData": "bytes"},
    },
    "LSST": {
        "alertId": "id",
        "diaSourceId": "id",
        "lsst_schema_version": "text",
        "diaSource": _LSST_POINT
        | {name: "number" for name in ("ra", "dec", "decl")}
        | {name: "id" for name in ("diaSourceId", "diaObjectId", "ssObjectId")},
        "diaObject": {"diaObjectId": "id"},
        "prvDiaSources": [_LSST_POINT],
        "cutoutScience": "bytes",
        "cutoutTemplate": "bytes",
        "cutoutDifference": "bytes",
    },
}
#: The field of an alert that tells its survey.
_TELLS = {"candidate": "ZTF", "diaSource": "LSST"}

Plain = str | list[Any] | dict[str, Any]


@dataclass(frozen=True)
class AlertSchema:
    """How the alerts of one file are written.

    Attributes
    ----------
    survey : str
        ``"ZTF"`` or ``"LSST"``; brokers' copies keep the fields of these.
    version : tuple of int
        Of the survey's schema, () where the schema does not say.
    writer, reader : object
        Avro schemas: all that is in the bytes, and what is kept of it.
    """

    survey: str
    version: tuple[int, ...]
    writer: Plain
    reader: Plain


def version_of(text: object) -> tuple[int, ...]:
    """Return the numbers of a version such as ``4.02`` or ``lsst.v7_4``, () if there are none."""
    found = re.search(r"(\d{1,4})[._](\d{1,4})", str(text)[:200])
    return (int(found[1]), int(found[2])) if found else ()


@lru_cache(maxsize=8)
def alert_schema(raw: bytes) -> AlertSchema:
    """Check the schema of a file and cut it down.

    Parameters
    ----------
    raw : bytes
        JSON.

    Raises
    ------
    UnreadableFileError
        If it is no schema, is none of ZTF's or LSST's alerts, or is not safe to read by. The
        message is to be headed by the name of the file.
    """
    if len(raw) > MAX_SCHEMA_BYTES:
        _refuse(f"its schema has {len(raw):,} bytes, at most {MAX_SCHEMA_BYTES:,} are read")
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        _refuse("its schema is no JSON")
    writer = _Resolver().resolve(given, "", 0)
    for branch in writer if isinstance(writer, list) else [writer]:
        kept, survey = _cut_alert(branch)
        if kept is not None:
            reader = [kept] if isinstance(writer, list) else kept
            version = _version_of_schema(given)
            return AlertSchema(survey, version, parse_schema(writer), parse_schema(reader))
    _refuse("its schema is none of ZTF's or LSST's alerts")


def _version_of_schema(given: Any) -> tuple[int, ...]:
    """Return the version that the last type of a schema, which is the alert, states of itself."""
    alert = given[-1] if isinstance(given, list) and given else given
    said = [alert.get(key) for key in ("version", "namespace", "name")] if _is_record(alert) else []
    return next(filter(None, map(version_of, said)), ())


def _is_record(given: Any) -> bool:
    return isinstance(given, dict) and given.get("type") == "record"


def _cut_alert(branch: Plain) -> tuple[Plain | None, str]:
    """Return what is read of an alert and its survey; None if it is no alert."""
    for field, survey in _TELLS.items():
        kept = _cut(branch, _WANTED[survey])
        if isinstance(kept, dict) and any(f["name"] == field for f in kept["fields"]):
            return kept, survey
    return None, ""


def _refuse(why: str) -> NoReturn:
    raise UnreadableFileError(
        f"{why}; choose an alert packet of ZTF or LSST", code=Code.AVRO_SCHEMA
    )


class _Resolver:
    """Turns a schema into plain types, every named one in the place of its name."""

    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._open: set[str] = set()
        self._numbers = count()

    def resolve(self, given: Any, space: str, depth: int) -> Plain:
        """Return the plain type; `space` is the namespace around it."""
        if next(self._numbers) > MAX_TYPES or depth > MAX_DEPTH:
            _refuse("its schema is too large or too deep")
        if isinstance(given, list):
            return [self.resolve(branch, space, depth + 1) for branch in given]
        if isinstance(given, str):
            return given if given in _PRIMITIVES else self._by_name(given, space, depth)
        kind = given.get("type") if isinstance(given, dict) else None
        if kind in ("record", "fixed", "enum"):
            return self._define(given, space, depth)
        if kind == "array":
            items = self.resolve(given.get("items"), space, depth + 1)
            if _is_nothing(items):
                _refuse("its schema has a list of things that take no bytes")
            return {"type": "array", "items": items}
        if kind == "map":
            return {"type": "map", "values": self.resolve(given.get("values"), space, depth + 1)}
        if isinstance(kind, str | list | dict):
            return self.resolve(kind, space, depth + 1)
        _refuse(f"its schema has a type {str(given)[:60]!r}")

    def _by_name(self, name: str, space: str, depth: int) -> Plain:
        full = _full_name(name, space)
        full = full if full in self._named else name
        if full in self._open:
            _refuse("its schema has a type inside itself")
        if full not in self._named:
            _refuse(f"its schema has a type {name[:60]!r} that it does not define")
        given, around = self._named[full]
        return self._content(given, around, depth, full)

    def _define(self, given: dict[str, Any], space: str, depth: int) -> Plain:
        name, around = given.get("name"), given.get("namespace") or space
        if not isinstance(name, str) or not isinstance(around, str):
            _refuse("its schema has a type without a name")
        full = _full_name(name, around)
        around = full.rpartition(".")[0]
        if self._named.get(full, (given,))[0] is not given:
            _refuse(f"its schema defines {full[:60]!r} twice")
        self._named[full] = given, around
        return self._content(given, around, depth, full)

    def _content(self, given: dict[str, Any], space: str, depth: int, full: str) -> Plain:
        if given["type"] == "enum":
            return "int"  # so it is written
        if given["type"] == "fixed":
            size = given.get("size")
            if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**31:
                _refuse("its schema has a size that is none")
            return {"type": "fixed", "name": self._label(), "size": size}
        fields = given.get("fields")
        if not isinstance(fields, list) or not all(
            isinstance(field, dict) and isinstance(field.get("name"), str) for field in fields
        ):
            _refuse("its schema has a record without fields")
        self._open.add(full)
        plain = [
            {"name": field["name"], "type": self.resolve(field.get("type"), space, depth + 1)}
            for field in fields
        ]
        self._open.discard(full)
        return {"type": "record", "name": self._label(), "fields": plain}

    def _label(self) -> str:
        return f"type{next(self._numbers)}"


def _full_name(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _is_nothing(schema: Plain) -> bool:
    """Return whether values of a type can take no bytes at all."""
    if not isinstance(schema, dict):
        return schema == "null"
    if schema["type"] == "record":
        return all(_is_nothing(field["type"]) for field in schema["fields"])
    return schema["type"] == "fixed" and schema["size"] == 0


def _cut(schema: Plain, wanted: Any) -> Plain | None:
    """Return what is wanted of a type, None where it is of another kind than wanted."""
    if isinstance(schema, list):
        kept = [_cut(branch, wanted) for branch in schema if branch != "null"]
        if len(kept) != 1 or kept[0] is None:
            return None
        return [branch if branch == "null" else kept[0] for branch in schema]
    if isinstance(wanted, str):
        return schema if isinstance(schema, str) and schema in _KINDS[wanted] else None
    if isinstance(wanted, list):
        if not isinstance(schema, dict) or schema["type"] != "array":
            return None
        items = _cut(schema["items"], wanted[0])
        return None if items is None or not _is_long(schema["items"]) else _array(items)
    if not isinstance(schema, dict) or schema["type"] != "record":
        return None
    fields = []
    for field in schema["fields"]:
        part = _cut(field["type"], wanted[field["name"]]) if field["name"] in wanted else None
        if part is not None:
            fields.append({"name": field["name"], "type": part})
    return {"type": "record", "name": schema["name"], "fields": fields} if fields else None


def _array(items: Plain) -> Plain:
    return {"type": "array", "items": items}


def _is_long(items: Plain) -> bool:
    branches = items if isinstance(items, list) else [items]
    records = [b for b in branches if isinstance(b, dict) and b["type"] == "record"]
    return all(len(record["fields"]) >= _FEWEST_FIELDS for record in records)
