"""Alert packets of ZTF and LSST (Avro): their cutouts as frames, their history as a light curve."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro

from taonet_core.data.alert_schema import NEWEST, AlertSchema, alert_schema, version_of
from taonet_core.data.avro import Container, RecordBytes
from taonet_core.data.decompression import decompress
from taonet_core.data.fits_headers import clean, describe, number
from taonet_core.data.fits_layouts import FitsFile, Frame, Reading, check_size, frame_of, pixels_of
from taonet_core.data.fits_scan import MAX_PIXELS, Header
from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.flags import Flag, Note

_JD_OF_MJD = 2_400_000.5
#: Zero point of fluxes in nJy: AB magnitudes.
NANOJANSKY_ZERO_POINT = 31.4
#: Most bytes of one cutout, unpacked: 1,000 x 1,000 pixels with their errors.
MAX_CUTOUT_BYTES = 8 * 2**20
_CUTOUTS = {
    "cutoutScience": "science",
    "cutoutTemplate": "reference",
    "cutoutDifference": "difference",
}
#: What fastavro raises for bytes that do not fit their schema.
_BROKEN = (
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    RecursionError,
    AttributeError,
    struct.error,
    fastavro.schema.SchemaParseException,
    fastavro.read.SchemaResolutionError,
)


def read_alerts(data: bytes, name: str) -> list[Reading]:
    """Read the alerts of an Avro file.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.

    Returns
    -------
    list of Reading
        One an alert, in their order, the same alert once: science, reference and difference frame
        with the alert's number as their `key` and its object in ``meta["object_id"]``. A cutout
        that is missing or is no image is named in `dropped`; `frames` may be empty.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, is no alert of ZTF or LSST, or asks for too much.
    """
    found: dict[str, Reading] = {}
    pixels = 0
    for index, (schema, record) in enumerate(_records(data, name)):
        alert = _Alert(schema, record)
        where = f"{name}, alert {alert.key or index + 1}"
        if (alert.key or where) in found:
            continue
        reading = alert.reading(where)
        pixels += sum(frame.pixels.size for frame in reading.frames)
        if pixels > MAX_PIXELS:
            raise UnreadableFileError(
                f"{where}: more than {MAX_PIXELS:,} pixels in one file; split it", code=Code.SIZE
            )
        found[alert.key or where] = reading
    if not found:
        raise UnreadableFileError(f"{name}: there are no alerts in this file", code=Code.AVRO)
    return list(found.values())


def _records(data: bytes, name: str) -> Iterator[tuple[AlertSchema, Mapping[str, Any]]]:
    """Yield the records of all blocks, only the fields that are read of alerts."""
    container = Container(data, name)
    try:
        schema = alert_schema(container.schema)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{name}: {error}", code=error.code) from error
    for count, content in container.blocks():
        block = RecordBytes(content)
        for _ in range(count):
            block.next_record()
            try:
                record = fastavro.schemaless_reader(
                    block, schema.writer, schema.reader, handle_unicode_errors="replace"
                )
            except _BROKEN as error:
                raise UnreadableFileError(
                    f"{name}: an alert does not fit its schema ({clean(error)}); fetch it again",
                    code=Code.AVRO,
                ) from error
            if not isinstance(record, dict):
                raise UnreadableFileError(
                    f"{name}: an alert is empty; fetch it again", code=Code.AVRO
                )
            yield schema, record
        if block.tell() != len(content):
            raise UnreadableFileError(
                f"{name}: {len(content) - block.tell():,} bytes follow the last alert of a block; "
                "fetch the file again",
                code=Code.AVRO,
            )


class _Alert:
    """One record, in the words of FITS headers, which everything else understands."""

    def __init__(self, schema: AlertSchema, record: Mapping[str, Any]) -> None:
        self._schema, self._record = schema, record
        source = record["candidate" if schema.survey == "ZTF" else "diaSource"] or {}
        self.facts = (_ztf if schema.survey == "ZTF" else _lsst)(record, source)
        names = ("candid",) if schema.survey == "ZTF" else ("diaSourceId", "alertId")
        keys = (holder.get(name) for name in names for holder in (source, record))
        self.key = next((clean(key) for key in keys if key), "")

    def reading(self, where: str) -> Reading:
        """Return the three frames, those that are there."""
        meta, notes = describe(self.facts)
        reading = Reading("stamps", [], meta, notes)
        for field, role in _CUTOUTS.items():
            try:
                frame = self._frame(field, role, f"{where}, {field}", reading.notes)
            except TaoNetError as error:
                reading.dropped.append(str(error))
                continue
            reading.frames.append(frame)
            unit = frame.header.get("BUNIT")
            reading.meta |= {"unit": clean(unit)} if unit and role == "science" else {}
        self._say_version(reading)
        return reading

    def _frame(self, field: str, role: str, where: str, notes: list[str]) -> Frame:
        cutout = self._record.get(field)
        cutout = cutout.get("stampData") if isinstance(cutout, dict) else cutout
        if not cutout:
            raise UnreadableFileError(f"{where}: the alert holds no such image", code=Code.EMPTY)
        file = FitsFile.from_bytes(decompress(cutout, where, most=MAX_CUTOUT_BYTES), where)
        if not file.images:
            raise UnreadableFileError(f"{where}: no image in the cutout", code=Code.NO_IMAGE)
        hdu = file.images[0]
        check_size(file, [hdu])
        pixels = pixels_of(file, hdu)
        if pixels.ndim != 2:
            raise UnreadableFileError(f"{where}: a cube, not one image", code=Code.NO_IMAGE)
        header: Header = {**self.facts, **file.header(hdu), **self.facts}
        if role == "reference":
            header.pop("MAGZP", None)  # stated for the exposure only
        if header.get("BUNIT") == "nJy":
            header["MAGZP"] = NANOJANSKY_ZERO_POINT
        return frame_of(pixels, header, self.key or where, role, notes)

    def _say_version(self, reading: Reading) -> None:
        own = self._record.get("schemavsn") or self._record.get("lsst_schema_version")
        version = version_of(own) or self._schema.version
        newest = NEWEST[self._schema.survey]
        if version > newest:
            words = (
                f"the alert follows schema {'.'.join(map(str, version))} of {self._schema.survey}, "
                f"newer than {'.'.join(map(str, newest))}; the fields known of it were read"
            )
            reading.notes.append(Note(words, Flag.ALERT_SCHEMA_NEW))


def _ztf(record: Mapping[str, Any], source: Mapping[str, Any]) -> Header:
    jd = number(source.get("jd"))
    return _filled(
        {
            "OBJECT": record.get("objectId"),
            "SURVEY": "ZTF",
            "MJD-OBS": None if jd is None else jd - _JD_OF_MJD,
            "FID": source.get("fid"),
            "RA": source.get("ra"),
            "DEC": source.get("dec"),
            "MAGZP": source.get("magzpsci"),
            "EXPTIME": source.get("exptime"),
        }
    )


def _lsst(record: Mapping[str, Any], source: Mapping[str, Any]) -> Header:
    above = record.get("diaObject") or {}
    owner = source.get("diaObjectId") or above.get("diaObjectId") or source.get("ssObjectId")
    return _filled(
        {
            "OBJECT": str(owner) if owner else None,
            "SURVEY": "LSST",
            "MJD-OBS": source.get("midpointMjdTai") or source.get("midPointTai"),
            "TIMESYS": "TAI",
            "FILTER": source.get("band") or source.get("filterName"),
            "RA": source.get("ra"),
            "DEC": source.get("dec", source.get("decl")),
        }
    )


def _filled(facts: Header) -> Header:
    return {key: value for key, value in facts.items() if value is not None}
