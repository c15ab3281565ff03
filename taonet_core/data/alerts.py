"""Alert packets of ZTF and LSST (Avro): their cutouts as frames, their history as a light curve."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro

from taonet_core.data.alert_schema import NEWEST, AlertSchema, alert_schema, version_of
from taonet_core.data.avro import MAX_READS, Container, RecordBytes
from taonet_core.data.decompression import decompress
from taonet_core.data.fits_headers import band_of, clean, describe, number
from taonet_core.data.fits_layouts import FitsFile, Frame, Reading, frame_of, read_file
from taonet_core.data.fits_pixels import image_shape
from taonet_core.data.fits_scan import MAX_PIXELS, Header
from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.flags import Flag, Note, flags_of

_JD_OF_MJD = 2_400_000.5
#: Zero point of fluxes in nJy: AB magnitudes.
NANOJANSKY_ZERO_POINT = 31.4
#: Most bytes of one cutout, unpacked, and most pixels: 1,000 x 1,000 with their errors.
MAX_CUTOUT_BYTES, MAX_CUTOUT_PIXELS = 8 * 2**20, 2_000_000
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
    for index, (schema, record) in enumerate(records(data, name)):
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


def records(data: bytes, name: str) -> Iterator[tuple[AlertSchema, Mapping[str, Any]]]:
    """Yield the records of all blocks, only the fields that are read of alerts.

    Raises
    ------
    UnreadableFileError
        As in `read_alerts`.
    """
    container = Container(data, name)
    try:
        schema = alert_schema(container.schema)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{name}: {error}", code=error.code) from error
    reads = MAX_READS
    for count, content in container.blocks():
        block = RecordBytes(content, reads)
        for _ in range(count):
            yield schema, _record(block, schema, name)
        reads = block.reads
        if block.at != len(content):
            raise UnreadableFileError(
                f"{name}: {len(content) - block.at:,} bytes follow the last alert of a block; "
                "fetch the file again",
                code=Code.AVRO,
            )


def _record(block: RecordBytes, schema: AlertSchema, name: str) -> Mapping[str, Any]:
    block.next_record()
    try:
        record = fastavro.schemaless_reader(
            block,  # type: ignore[arg-type]  # read is all that is asked of it
            schema.writer,
            schema.reader,
            handle_unicode_errors="replace",
        )
    except _BROKEN as error:
        raise UnreadableFileError(
            f"{name}: an alert does not fit its schema ({clean(error)}); fetch it again",
            code=Code.AVRO,
        ) from error
    if not isinstance(record, dict):
        raise UnreadableFileError(f"{name}: an alert is empty; fetch it again", code=Code.AVRO)
    return record


class _Alert:
    """One record, in the words of FITS headers, which everything else understands."""

    def __init__(self, schema: AlertSchema, record: Mapping[str, Any]) -> None:
        self._schema, self._record = schema, record
        self.facts = facts_of(schema, record)
        names = ("candid",) if schema.survey == "ZTF" else ("diaSourceId", "alertId")
        holders = record[_source_field(schema)] or {}, record
        keys = (holder.get(name) for name in names for holder in holders)
        self.key = next((clean(key) for key in keys if key), "")

    def reading(self, where: str) -> Reading:
        """Return the three frames, those that are there."""
        meta, notes = describe(self.facts)
        reading = Reading("stamps", [], meta, notes)
        for field, role in _CUTOUTS.items():
            try:
                frame = self._frame(field, role, f"{where}, {field}", reading.notes)
            except TaoNetError as error:
                reading.dropped.append(Note(str(error), Flag.FRAMES_UNREADABLE))
                continue
            reading.frames.append(frame)
            if role == "science":
                facts: Header = {"zero_point": frame.columns.get("zero_point")}
                facts["unit"] = clean(frame.header.get("BUNIT") or "") or None
                reading.meta |= _filled(facts)
        reading.meta.setdefault("object_id", f"alert {self.key}" if self.key else clean(where))
        self._say_version(reading)
        reading.flags = flags_of(reading.notes, reading.dropped)
        return reading

    def _frame(self, field: str, role: str, where: str, notes: list[str]) -> Frame:
        cutout = self._record.get(field)
        cutout = cutout.get("stampData") if isinstance(cutout, dict) else cutout
        if not cutout:
            raise UnreadableFileError(f"{where}: the alert holds no such image", code=Code.EMPTY)
        file = FitsFile.from_bytes(decompress(cutout, where, most=MAX_CUTOUT_BYTES), where)
        size = sum(math.prod(image_shape(hdu)) for hdu in file.images)
        if size > MAX_CUTOUT_PIXELS:
            raise UnreadableFileError(
                f"{where}: {size:,} pixels, at most {MAX_CUTOUT_PIXELS:,} are read", code=Code.SIZE
            )
        found = read_file(file)
        if found.layout not in ("frames", "mef"):
            raise UnreadableFileError(f"{where}: not one plain image", code=Code.NO_IMAGE)
        notes += found.notes
        image = found.frames[0]
        header: Header = {**self.facts, **image.header, **self.facts}
        if role == "reference":
            header.pop("MAGZP", None)  # stated for the exposure only
        if header.get("BUNIT") == "nJy":
            header["MAGZP"] = NANOJANSKY_ZERO_POINT
        return frame_of(image.pixels, header, self.key or where, role, notes)

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


def facts_of(schema: AlertSchema, record: Mapping[str, Any]) -> Header:
    """Return what an alert says of its object and exposure, under keywords of FITS headers."""
    source = record[_source_field(schema)] or {}
    return _ztf(record, source) if schema.survey == "ZTF" else _lsst(record, source)


def _source_field(schema: AlertSchema) -> str:
    return "candidate" if schema.survey == "ZTF" else "diaSource"


def _ztf(record: Mapping[str, Any], source: Mapping[str, Any]) -> Header:
    jd = number(source.get("jd"))
    return _filled(
        {
            "OBJECT": record.get("objectId"),
            "SURVEY": "ZTF",
            "MJD-OBS": None if jd is None else jd - _JD_OF_MJD,
            "FILTER": band_of({"FID": source.get("fid")}) or None,
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
