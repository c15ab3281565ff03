"""Alert packets: three images and a history out of good ones, one sentence out of all others."""

from __future__ import annotations

import gzip
import io
import json
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from _alerts import (
    avro,
    image,
    lsst_alert,
    lsst_schema,
    originals,
    record_type,
    ztf_alert,
    ztf_schema,
)
from _mutations import mutant

from taonet_core.data import avro as containers
from taonet_core.data.alert_curves import alert_light_curve
from taonet_core.data.alert_schema import alert_schema, version_of
from taonet_core.data.alerts import read_alerts
from taonet_core.data.assemble import assemble
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.fits_layouts import Reading
from taonet_core.data.intake import NamedBytes
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import Code, TaoNetError, UnreadableFileError

SURVEYS = {"ZTF": (ztf_alert, ztf_schema), "LSST": (lsst_alert, lsst_schema)}


def ztf(*numbers: int, codec: str = "null", **changes: Any) -> bytes:
    return avro([ztf_alert(n, **changes) for n in numbers or (1,)], ztf_schema(), codec)


def refusal_of(data: bytes) -> UnreadableFileError:
    """Return the error of a file, which is to come at once and without much memory."""
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError) as raised:
            read_alerts(data, "a.avro")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 2  # tracing slows it down
    assert peak < 80e6
    assert str(raised.value).startswith("a.avro")
    return raised.value


def frames_by_role(reading: Reading) -> dict[str, Any]:
    return {frame.role: frame for frame in reading.frames}


# --- good packets -------------------------------------------------------------------------


def test_a_ztf_alert_gives_its_images_time_filter_and_object() -> None:
    (reading,) = read_alerts(ztf(1), "a.avro")
    frames = frames_by_role(reading)
    for offset, role in enumerate(("science", "reference", "difference")):
        assert frames[role].pixels[0, 2] == 2 + 100 * offset + 1
        assert frames[role].pixels.shape == (9, 9)
        assert frames[role].key == "1"
        assert frames[role].time == pytest.approx(59_001.0, abs=1e-9)
        assert frames[role].columns["band"] == "r"
    assert frames["science"].columns["zero_point"] == 26.0
    assert frames["science"].columns["exposure"] == 30.0
    assert frames["reference"].columns["zero_point"] is None
    wanted = {"object_id": "ZTF20abcdefg", "survey": "ZTF", "ra": 150.0, "dec": 2.0}
    assert wanted.items() <= reading.meta.items()
    assert "class_text" not in reading.meta and "label" not in reading.meta
    assert not reading.dropped


def test_an_lsst_alert_gives_its_images_time_filter_and_object() -> None:
    (reading,) = read_alerts(avro([lsst_alert(5)], lsst_schema()), "a.avro")
    frames = frames_by_role(reading)
    assert set(frames) == {"science", "reference", "difference"}
    assert frames["difference"].pixels[1, 0] == 9 + 200 + 5
    assert frames["science"].time == 61_005.0
    assert frames["science"].columns["band"] == "i"
    assert frames["science"].columns["zero_point"] == 31.4  # nJy
    assert reading.meta["object_id"] == "77"
    assert reading.meta["unit"] == "nJy"
    assert any("TAI" in note for note in reading.notes)


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_every_alert_of_a_file_is_one_reading(codec: str) -> None:
    readings = read_alerts(ztf(3, 1, 2, codec=codec), "a.avro")
    assert [reading.frames[0].key for reading in readings] == ["3", "1", "2"]


def test_the_same_alert_twice_is_one() -> None:
    assert len(read_alerts(ztf(1, 2, 1), "a.avro")) == 2


def test_an_alert_is_put_together_like_other_frames() -> None:
    (reading,) = read_alerts(ztf(1), "a.avro")
    sequence = assemble(reading, ra=None, dec=None)
    assert sequence.frames.shape == (1, 9, 9)
    assert sequence.reference is not None and sequence.difference is not None
    assert sequence.difference[0, 0, 0] == 201


def test_alerts_of_one_object_become_one_sequence() -> None:
    packets = [NamedBytes(f"{n}.avro", ztf(n)) for n in (3, 1, 2)]
    again = NamedBytes("copy.avro", ztf(2))
    other = NamedBytes("lsst.avro", avro([lsst_alert(1)], lsst_schema()))
    found = dict(read_sequences([*packets, again, other]))
    assert list(found) == ["ZTF20abcdefg", "lsst.avro"]
    sequence = found["ZTF20abcdefg"]
    assert isinstance(sequence, ImageSequence)
    assert sequence.times.tolist() == pytest.approx([59_001, 59_002, 59_003], abs=1e-6)
    assert sequence.reference is not None and sequence.difference is not None
    assert "duplicate-frames" in sequence.meta["flags"]


@pytest.mark.parametrize(
    ("cutout", "said"),
    [
        (None, "no such image"),
        (b"", "no such image"),
        (b"\xff\xd8\xff\xe0 a picture", "JPEG"),
        (gzip.compress(b"nothing of the kind"), "not a FITS file"),
        (image()[:-9], "damaged"),
        (gzip.compress(bytes(50_000_000)), "unpacks to more"),
        (image(side=1500, kind="u1"), "pixels, at most"),
    ],
)
def test_a_cutout_that_is_no_image_leaves_the_alert(cutout: bytes | None, said: str) -> None:
    stamp = None if cutout is None else {"fileName": "x", "stampData": cutout}
    (reading,) = read_alerts(ztf(1, cutoutTemplate=stamp), "a.avro")
    assert {frame.role for frame in reading.frames} == {"science", "difference"}
    assert said in reading.dropped[0]
    assert "alert 1, cutoutTemplate" in reading.dropped[0]
    assert "frames-unreadable" in reading.flags


def test_an_alert_without_any_image_says_which() -> None:
    images = dict.fromkeys(("cutoutScience", "cutoutTemplate", "cutoutDifference"))
    (reading,) = read_alerts(avro([lsst_alert(1, **images)], lsst_schema()), "a.avro")
    assert not reading.frames
    assert len(reading.dropped) == 3


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (avro([lsst_alert(1)], lsst_schema("12_0")), "12.0"),
        (avro([lsst_alert(1)], lsst_schema("11_1")), "11.1"),
        (avro([ztf_alert(1, schemavsn="5.0")], ztf_schema("5.0")), "5.0"),
    ],
)
def test_a_newer_schema_is_read_and_said(data: bytes, version: str) -> None:
    (reading,) = read_alerts(data, "a.avro")
    assert len(reading.frames) == 3
    assert "alert-schema-new" in reading.flags
    assert any(version in note for note in reading.notes)


def test_the_newest_known_schemas_are_not_called_new() -> None:
    for data in (avro([lsst_alert(1)], lsst_schema("11_0")), ztf(1, schemavsn="4.02")):
        assert "alert-schema-new" not in read_alerts(data, "a.avro")[0].flags


def nullable(schema: Any) -> Any:
    """Return a schema as brokers write it: everything may be missing, other names."""
    if isinstance(schema, list):
        return [nullable(branch) for branch in schema]
    if isinstance(schema, dict) and schema["type"] == "record":
        fields = {f["name"]: f["type"] for f in schema["fields"]}
        fields = {
            name: nullable(kind) if isinstance(kind, list) else [nullable(kind), "null"]
            for name, kind in fields.items()
        }
        return record_type(schema["name"], fields)
    return schema


def test_a_brokers_copy_with_other_names_is_read() -> None:
    schema = nullable(json.loads(json.dumps(ztf_schema()).replace("ztf.alert.cutout", "cutout")))
    schema["fields"].append({"name": "score", "type": {"type": "map", "values": "double"}})
    (reading,) = read_alerts(avro([ztf_alert(4) | {"score": {"SN": 0.5}}], schema), "a.avro")
    assert len(reading.frames) == 3
    assert reading.meta["object_id"] == "ZTF20abcdefg"


def test_an_alert_beside_other_types_is_read() -> None:
    schema = [record_type("remark", {"text": "string"}), ztf_schema()]
    (reading,) = read_alerts(avro([("ztf.alert", ztf_alert(1))], schema), "a.avro")
    assert len(reading.frames) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"jd": float("nan")},
        {"jd": 1e300},
        {"jd": -5.0},
        {"ra": 1e9},
        {"magzpsci": float("inf")},
        {"objectId": "\x00\u202e<script>" + "x" * 100_000},
        {"fid": -(2**31)},
        {"exptime": -1.0},
        {"candid": 0},
    ],
    ids=str,
)
def test_values_that_cannot_be_are_taken_as_missing(changes: dict[str, Any]) -> None:
    (reading,) = read_alerts(ztf(1, **changes), "a.avro")
    assert len(reading.frames) == 3
    if "jd" in changes:
        assert reading.frames[0].time is None
    if "ra" in changes:
        assert "ra" not in reading.meta
    if "objectId" in changes:
        assert reading.meta["object_id"].isprintable() and len(reading.meta["object_id"]) <= 80


# --- the history --------------------------------------------------------------------------


def test_the_history_of_a_ztf_alert_is_a_light_curve() -> None:
    curve = alert_light_curve(ztf(1, 2), "a.avro")
    assert curve is not None
    assert list(curve.times) == pytest.approx([59_000.0, 59_001.0, 59_001.0, 59_002.0])
    assert list(curve.bands) == ["r", "g", "r", "g"]
    assert np.isnan(curve.mag).tolist() == [True, True, False, False]
    assert (curve.limit == 20.5).all()
    assert curve.meta["object_id"] == "ZTF20abcdefg"


def test_a_source_fainter_than_the_reference_has_no_magnitude() -> None:
    curve = alert_light_curve(ztf(1, isdiffpos="f"), "a.avro")
    assert curve is not None and not curve.detected.any()


def test_fluxes_of_lsst_become_ab_magnitudes() -> None:
    curve = alert_light_curve(avro([lsst_alert(1)], lsst_schema()), "a.avro")
    assert curve is not None
    assert curve.mag == pytest.approx([23.9, 23.9])  # 1 uJy
    assert curve.mag_err == pytest.approx([1.0857 * 0.05] * 2, rel=1e-3)
    assert curve.flux.tolist() == [1000.0, 1000.0]


def test_several_objects_have_no_light_curve_in_common() -> None:
    alerts = [ztf_alert(1), ztf_alert(2, objectId="ZTF20zzzzzzz")]
    assert alert_light_curve(avro(alerts, ztf_schema()), "a.avro") is None


# --- hostile schemas ----------------------------------------------------------------------


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


# --- hostile containers -------------------------------------------------------------------

ZTF_SCHEMA = json.dumps(ztf_schema()).encode()
GOOD = ztf(1)


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


# --- chance, and real packets -------------------------------------------------------------


def test_a_damaged_packet_ends_in_a_sentence_or_frames() -> None:
    whole = originals()
    for turn in range(400):
        data = mutant(whole, turn, seed=8).data
        try:
            assert read_alerts(data, "a.avro")
        except TaoNetError as error:
            assert str(error) and "\n" not in str(error)


@pytest.mark.data
def test_real_alerts_are_read(real_data: Path) -> None:
    paths = sorted((real_data / "ztf" / "alerts").rglob("*.avro"))
    counts = {path.name: len(read_alerts(path.read_bytes(), path.name)) for path in paths}
    assert sum(counts.values()) == len(paths) - 4 + 11 + 3 + 7 + 31  # four files hold several
    one = sorted((real_data / "ztf" / "alerts" / "ZTF21abiuvdk").glob("*.avro"))
    readings = [read_alerts(path.read_bytes(), path.name)[0] for path in one]
    assert {reading.meta["object_id"] for reading in readings} == {"ZTF21abiuvdk"}
    assert all(len(reading.frames) == 3 for reading in readings)
    assert len({reading.frames[0].key for reading in readings}) == 34


@pytest.mark.data
def test_samples_of_every_schema_of_lsst_are_read(real_data: Path) -> None:
    paths = sorted((real_data / "lsst" / "alerts").glob("*.avro"))
    for path in paths:
        (reading,) = read_alerts(path.read_bytes(), path.name)
        assert reading.meta["survey"] == "LSST"
        assert reading.meta["object_id"] == "281323062375219201"
        assert not reading.frames and len(reading.dropped) == 3  # fake: they hold no images
        assert "alert-schema-new" not in reading.flags
    assert len(paths) == 14


@pytest.mark.data
def test_real_packets_that_cannot_be_read_are_refused(real_data: Path) -> None:
    folders = ("bad_inputs/ztf_undecodable_avro", "torture/synthetic")
    paths = [path for folder in folders for path in (real_data / folder).glob("*.avro")]
    for path in paths:
        assert refusal_of(path.read_bytes()).code in (Code.AVRO, Code.AVRO_SCHEMA)
    assert len(paths) == 11
