"""Alert packets: three images and a history out of good ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _alerts import (
    avro,
    image,
    lsst_alert,
    lsst_schema,
    record_type,
    ztf_alert,
    ztf_schema,
)

from taonet_core.data import alert_curves
from taonet_core.data.alert_curves import alert_light_curve
from taonet_core.data.alerts import read_alerts
from taonet_core.data.assemble import assemble
from taonet_core.data.fits_io import read_sequences
from taonet_core.data.fits_layouts import Reading
from taonet_core.data.intake import NamedBytes
from taonet_core.data.sequence import ImageSequence
from taonet_core.errors import UnreadableFileError

SURVEYS = {"ZTF": (ztf_alert, ztf_schema), "LSST": (lsst_alert, lsst_schema)}


def ztf(*numbers: int, codec: str = "null", **changes: Any) -> bytes:
    return avro([ztf_alert(n, **changes) for n in numbers or (1,)], ztf_schema(), codec)


def frames_by_role(reading: Reading) -> dict[str, Any]:
    return {frame.role: frame for frame in reading.frames}


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


def test_what_is_said_of_a_newer_schema_comes_with_the_sequence() -> None:
    data = avro([lsst_alert(1)], lsst_schema("12_0"))
    ((_, sequence),) = read_sequences(NamedBytes("a.avro", data))
    assert isinstance(sequence, ImageSequence)
    assert "alert-schema-new" in sequence.meta["flags"]


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


def test_a_history_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_curves, "MAX_POINTS", 0)
    with pytest.raises(UnreadableFileError, match="past detections"):
        alert_light_curve(ztf(1), "a.avro", trusted=True)


def test_several_objects_have_no_light_curve_in_common() -> None:
    alerts = [ztf_alert(1), ztf_alert(2, objectId="ZTF20zzzzzzz")]
    assert alert_light_curve(avro(alerts, ztf_schema()), "a.avro") is None


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
