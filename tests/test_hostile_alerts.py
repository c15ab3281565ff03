"""Hostile alert packets: one sentence, at once, and for little memory."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import fastavro
import pytest
from _alerts import (
    avro,
    originals,
    record_type,
    ztf_alert,
    ztf_schema,
)
from _mutations import mutant

from taonet_core.data import avro as containers
from taonet_core.data.alert_schema import alert_schema, version_of
from taonet_core.data.alerts import read_alerts
from taonet_core.errors import Code, TaoNetError, UnreadableFileError


def refusal_of(data: bytes) -> UnreadableFileError:
    """Return the error of a file, which is to come at once and without much memory."""
    start = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError) as raised:
            read_alerts(data, "a.avro")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 2  # tracing slows it down
    assert peak < 80e6
    assert str(raised.value).startswith("a.avro")
    return raised.value


def alert_with(**fields: Any) -> dict[str, Any]:
    """Return the schema of a ZTF alert with more fields."""
    schema = ztf_schema()
    schema["fields"] += [{"name": name, "type": kind} for name, kind in fields.items()]
    return schema


def deep(levels: int) -> Any:
    kind: Any = "int"
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


def doubling(levels: int) -> Any:
    """Return a record of two of a record of two ... : small to write, endless to write out."""
    kind: Any = record_type("r0", {"a": "int"})
    for level in range(levels):
        fields = {"a": kind, "b": f"r{level}"}
        kind = record_type(f"r{level + 1}", fields)
    return kind


RECURSIVE = record_type("loop", {"more": "loop"})

SCHEMAS: dict[str, tuple[Any, str]] = {
    "a type inside itself": (alert_with(x=RECURSIVE), "inside itself"),
    "itself in a list": (
        alert_with(x=record_type("tree", {"kids": {"type": "array", "items": "tree"}})),
        "inside itself",
    ),
    "the alert in the alert": (alert_with(x="ztf.alert"), "inside itself"),
    "a list of nothing": (alert_with(x={"type": "array", "items": "null"}), "no bytes"),
    "a list of empty records": (
        alert_with(x={"type": "array", "items": record_type("e", {})}),
        "no bytes",
    ),
    "a list of no bytes": (
        alert_with(
            x={"type": "array", "items": {"type": "fixed", "name": "f", "size": 0}}
        ),
        "no bytes",
    ),
    "deep lists": (alert_with(x=deep(50)), "too deep"),
    "doubling": (alert_with(x=doubling(14)), "too"),
    "many fields": (alert_with(**{f"f{i}": "int" for i in range(21_000)}), "725,617 bytes"),
    "an unknown type": (alert_with(x="nowhere"), "does not define"),
    "a type twice": (alert_with(x=record_type("candidate", {}, namespace="ztf.alert")), "twice"),
    "no name": (alert_with(x={"type": "record", "fields": []}), "without a name"),
    "no fields": (alert_with(x={"type": "record", "name": "x", "fields": 5}), "without fields"),
    "no size": (alert_with(x={"type": "fixed", "name": "x", "size": -1}), "size"),
    "a union in disguise": ({"type": ["long", "string"]}, "none of"),
    "names alone": (["null", "long"], "none of"),
    "a number for a type": (alert_with(x=5), "a type"),
    "no alert": (record_type("report", {"score": "double"}), "none of"),
    "a text for a time": (
        record_type("alert", {"candidate": "string", "candid": "long"}),
        "none of",
    ),
    "plain long": ("long", "none of"),
}  # fmt: skip


def container(schema: bytes, *blocks: tuple[int, bytes], codec: bytes = b"null") -> bytes:
    """Write a container by hand, whatever stands in it."""
    sync = b"0123456789abcdef"
    entries = {b"avro.schema": schema, b"avro.codec": codec}
    out = b"Obj\x01" + number(len(entries))
    for key, value in entries.items():
        out += number(len(key)) + key + number(len(value)) + value
    out += number(0) + sync
    for count, content in blocks:
        out += number(count) + number(len(content)) + content + sync
    return out


def number(value: int) -> bytes:
    """Return a whole number as Avro writes it."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_is_not_safe_is_refused(name: str) -> None:
    schema, said = SCHEMAS[name]
    error = refusal_of(container(json.dumps(schema).encode(), (1, bytes(100))))
    assert error.code == Code.AVRO_SCHEMA
    assert said in str(error)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"[" * 400_000, b'"' + b"x" * 600_000 + b'"', b"9" * 5000, b"null"],
    ids=lambda raw: f"{raw[:4]!r}x{len(raw)}",
)
def test_a_schema_that_is_none_is_refused(raw: bytes) -> None:
    assert refusal_of(container(raw, (1, bytes(100)))).code == Code.AVRO_SCHEMA


def test_nothing_of_the_schemas_own_reaches_the_reader() -> None:
    schema = ztf_schema()
    schema["fields"][3]["type"] = {"type": "long", "logicalType": "timestamp-micros"}
    schema["fields"][0] |= {"aliases": ["candid"], "default": "x", "doc": "d" * 1000}
    found = json.dumps(alert_schema(json.dumps(schema).encode()).writer)
    assert "logicalType" not in found and "aliases" not in found and "ddd" not in found
    (reading,) = read_alerts(avro([ztf_alert(2**62)], ztf_schema()), "a.avro")
    assert reading.frames[0].key == str(2**62)


def test_versions() -> None:
    assert version_of("4.02") == (4, 2)
    assert version_of("lsst.v7_4.alert") == (7, 4)
    assert version_of(None) == ()


ZTF_SCHEMA = json.dumps(ztf_schema()).encode()

GOOD = avro([ztf_alert(1)], ztf_schema())


def zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    parts = [packer.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, packer.flush()])


CONTAINERS: dict[str, tuple[bytes, Code]] = {
    "cut in the header": (GOOD[:200], Code.AVRO),
    "cut in the alert": (GOOD[:-600], Code.AVRO),
    "cut in the end": (GOOD[:-3], Code.AVRO),
    "another end": (GOOD[:-16] + b"fedcba9876543210", Code.AVRO),
    "no alerts": (container(ZTF_SCHEMA), Code.AVRO),
    "no magic": (b"Obj\x02" + GOOD[4:], Code.AVRO),
    "2^60 alerts": (container(ZTF_SCHEMA, (2**60, bytes(50))), Code.AVRO),
    "-1 alerts": (container(ZTF_SCHEMA, (-1, bytes(50))), Code.AVRO),
    "1,001 alerts": (container(ZTF_SCHEMA, (1001, bytes(5000))), Code.MEMBERS),
    "a number without end": (container(ZTF_SCHEMA) + b"\xff" * 50, Code.AVRO),
    "a block of -5 bytes": (container(ZTF_SCHEMA) + number(1) + number(-5), Code.AVRO),
    "a billion entries": (b"Obj\x01" + number(10**9) + bytes(100), Code.AVRO),
    "more behind the alert": (container(ZTF_SCHEMA, (1, bytes(4000))), Code.AVRO),
    "snappy": (container(ZTF_SCHEMA, (1, b"x"), codec=b"snappy"), Code.COMPRESSION),
    "no deflate": (container(ZTF_SCHEMA, (1, b"\xff" * 9), codec=b"deflate"), Code.COMPRESSION),
    "a bomb": (container(ZTF_SCHEMA, (1, zeros(300 * 2**20)), codec=b"deflate"), Code.BOMB),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_that_is_not_whole_is_refused(name: str) -> None:
    data, code = CONTAINERS[name]
    assert refusal_of(data).code == code


def test_a_list_that_claims_2_to_the_40_entries_ends_with_the_bytes() -> None:
    schema = alert_with(x={"type": "array", "items": ["null", "int"]})
    record = io.BytesIO()
    fastavro.schemaless_writer(record, schema, ztf_alert(1) | {"x": []})
    block = record.getvalue()[:-1] + number(2**40) + bytes(2000)
    error = refusal_of(container(json.dumps(schema).encode(), (1, block)))
    assert "beyond the end" in str(error)


def test_a_record_takes_only_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_RECORD_BYTES", 300)
    assert refusal_of(GOOD).code == Code.AVRO


def test_values_without_end_are_refused() -> None:
    block = containers.RecordBytes(bytes(100), reads=50)
    assert [block.read(1) for _ in range(50)] == [b"\0"] * 50
    with pytest.raises(EOFError, match="too many values"):
        block.read(1)


def test_a_damaged_packet_ends_in_a_sentence_or_frames() -> None:
    whole = originals()
    for turn in range(400):
        data = mutant(whole, turn, seed=8).data
        try:
            assert read_alerts(data, "a.avro")
        except TaoNetError as error:
            assert str(error) and "\n" not in str(error)


@pytest.mark.data
def test_real_packets_that_cannot_be_read_are_refused(real_data: Path) -> None:
    folders = ("bad_inputs/ztf_undecodable_avro", "torture/synthetic")
    paths = [path for folder in folders for path in (real_data / folder).glob("*.avro")]
    for path in paths:
        assert refusal_of(path.read_bytes()).code in (Code.AVRO, Code.AVRO_SCHEMA)
    assert len(paths) == 11
