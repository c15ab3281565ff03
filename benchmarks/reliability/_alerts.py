"""Alert packets as ZTF and LSST write them, made here: few fields, small images, any fault."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits

NULLABLE_NUMBER = ["null", "float"]
_ZTF_POINT = {
    "jd": "double",
    "fid": "int",
    "pid": "long",
    "diffmaglim": NULLABLE_NUMBER,
    "magpsf": NULLABLE_NUMBER,
    "sigmapsf": NULLABLE_NUMBER,
    "isdiffpos": ["null", "string"],
    "rb": NULLABLE_NUMBER,
}
_ZTF_CANDIDATE = _ZTF_POINT | {
    "candid": "long",
    "ra": "double",
    "dec": "double",
    "magzpsci": NULLABLE_NUMBER,
    "exptime": NULLABLE_NUMBER,
}
_LSST_SOURCE = {
    "diaSourceId": "long",
    "diaObjectId": ["null", "long"],
    "visit": "long",
    "midpointMjdTai": "double",
    "ra": "double",
    "dec": "double",
    "band": ["null", "string"],
    "psfFlux": NULLABLE_NUMBER,
    "psfFluxErr": NULLABLE_NUMBER,
    "snr": NULLABLE_NUMBER,
}
_CUTOUTS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")


def record_type(name: str, fields: Mapping[str, Any], **facts: str) -> dict[str, Any]:
    """Return the schema of a record."""
    plain = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "fields": plain, **facts}


def ztf_schema(version: str = "3.3") -> dict[str, Any]:
    """Return a schema as ZTF's, with fewer fields."""
    past = record_type("prv_candidate", _ZTF_POINT, namespace="ztf.alert")
    cutout = record_type(
        "cutout", {"fileName": "string", "stampData": "bytes"}, namespace="ztf.alert"
    )
    fields = {
        "schemavsn": "string",
        "publisher": "string",
        "objectId": "string",
        "candid": "long",
        "candidate": record_type("candidate", _ZTF_CANDIDATE, namespace="ztf.alert"),
        "prv_candidates": [{"type": "array", "items": past}, "null"],
        "cutoutScience": [cutout, "null"],
        "cutoutTemplate": ["ztf.alert.cutout", "null"],
        "cutoutDifference": ["ztf.alert.cutout", "null"],
    }
    return record_type("alert", fields, namespace="ztf", version=version)


def lsst_schema(version: str = "10_0") -> dict[str, Any]:
    """Return a schema as LSST's, with fewer fields."""
    space = f"lsst.v{version}"
    fields = {
        "diaSourceId": "long",
        "diaSource": record_type("diaSource", _LSST_SOURCE, namespace=space),
        "prvDiaSources": ["null", {"type": "array", "items": f"{space}.diaSource"}],
        **{name: ["null", "bytes"] for name in _CUTOUTS},
    }
    return record_type("alert", fields, namespace=space)


def image(value: float = 0.0, *, side: int = 9, kind: str = "f4", **cards: Any) -> bytes:
    """Return a FITS image, packed as cutouts are, whose pixels tell themselves apart."""
    pixels = np.arange(side * side).reshape(side, side) + value
    hdu = fits.PrimaryHDU(pixels.astype(kind))
    hdu.header.update(cards)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return gzip.compress(buffer.getvalue(), mtime=0)


def ztf_alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return one alert; `changes` go to the alert, or to its candidate where that has the field."""
    point = {
        "jd": 2_459_000.5 + number,
        "fid": 1 + number % 2,
        "pid": number,
        "diffmaglim": 20.5,
        "magpsf": 18.0,
        "sigmapsf": 0.1,
        "isdiffpos": "t",
        "rb": 0.9,
    }
    candidate = {"candid": number, "ra": 150.0, "dec": 2.0, "magzpsci": 26.0, "exptime": 30.0}
    past = [point | {"jd": point["jd"] - 1, "magpsf": None, "sigmapsf": None}]
    record = {
        "schemavsn": "3.3",
        "publisher": "test",
        "objectId": "ZTF20abcdefg",
        "candid": number,
        "candidate": point | candidate,
        "prv_candidates": past,
    }
    for offset, name in enumerate(_CUTOUTS):
        packed = image(100.0 * offset + number, BUNIT="DN")
        record[name] = {"fileName": f"{name}.fits.gz", "stampData": packed}
    return _changed(record, record["candidate"], changes)


def lsst_alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return one alert; `changes` go to the alert, or to its source where that has the field."""
    source = {
        "diaSourceId": number,
        "diaObjectId": 77,
        "visit": number,
        "midpointMjdTai": 61_000.0 + number,
        "ra": 150.0,
        "dec": 2.0,
        "band": "i",
        "psfFlux": 1000.0,
        "psfFluxErr": 50.0,
        "snr": 20.0,
    }
    past = [source | {"diaSourceId": -number, "midpointMjdTai": 60_999.0 + number}]
    record = {"diaSourceId": number, "diaSource": source, "prvDiaSources": past}
    for offset, name in enumerate(_CUTOUTS):
        record[name] = gzip.decompress(image(100.0 * offset + number, BUNIT="nJy"))
    return _changed(record, source, changes)


def _changed(
    record: dict[str, Any], source: dict[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    for name, value in changes.items():
        (record if name in record else source)[name] = value
    return record


def avro(records: Sequence[Any], schema: Any, codec: str = "null") -> bytes:
    """Return an Avro container file."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, records, codec=codec, sync_marker=b"0123456789abcdef")
    return buffer.getvalue()


def originals() -> list[bytes]:
    """Return packets to damage that need no data: both surveys, both codecs, several alerts."""
    ztf, lsst = [ztf_alert(n) for n in range(1, 4)], [lsst_alert(n) for n in range(1, 4)]
    return [
        avro(ztf[:1], ztf_schema()),
        avro(ztf, ztf_schema(), "deflate"),
        avro(lsst[:1], lsst_schema()),
        avro(lsst, lsst_schema(), "deflate"),
    ]
