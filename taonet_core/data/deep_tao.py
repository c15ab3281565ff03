"""The DEEP-TAO release (arXiv 2503.16714): its object table, names, and the quirks of its times.

Layout: an empty primary, a binary table with one row an image, then the images. The release's
non-transients keep numbers as text, have no observation number, and no object header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_headers import (
    calendar_mjd,
    describe,
    is_believed_mjd,
    label_of,
    number,
)
from taonet_core.data.fits_scan import Hdu, Header, Slices
from taonet_core.data.fits_tables import read_table
from taonet_core.flags import Flag, Note

#: Set where a release file is silent; inferred from the frames and public survey descriptions.
ASSUMED = {"zero_point": 26.0, "gain": 2.5, "saturation": 27_000.0}
#: Arcsec per pixel of the three telescopes of the survey.
PIXEL_SCALES = {"CSS": 2.5, "MLS": 1.0, "SSS": 1.8}
#: The survey observes without a filter.
BAND = "clear"
#: Usual time between the exposures of one night, used where the times of a night are impossible.
_EXPOSURE_STEP = 10 / 1440
#: Column of the table -> per-frame column of the sequence.
_COLUMNS = {
    "DATE": "date",
    "FIELD_ID": "field_id",
    "OBS_IN_SEQ": "obs_in_seq",
    "CUTOUT": "cutout",
    "FILTER": "band",
}
#: The same for columns of ours, not the release's: HDUs of the images that belong to a frame.
_PARTNERS = {"REF_EXT": "reference", "DIFF_EXT": "difference"}
_NAME = re.compile(r"non[A-Z]+:(\d+\.?\d*)([+-]\d+\.?\d*)", re.IGNORECASE)


@dataclass(frozen=True)
class ObjectTable:
    """The table of one object: its header, and text or number columns by upper-case name."""

    header: Header
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["MJD"])


@dataclass
class Plan:
    """Which image stands where in time.

    Attributes
    ----------
    rows : list of (int, float, dict)
        HDU number, MJD, and per-frame columns, in time order.
    notes, dropped : list of str
    """

    rows: list[tuple[int, float, dict[str, Any]]]
    notes: list[str]
    dropped: list[str]


def object_table(data: Slices, hdus: Sequence[Hdu], name: str) -> ObjectTable | None:
    """Return the table that makes a file DEEP-TAO, or None if there is none."""
    for hdu in hdus[:2]:
        titles = {str(hdu.header.get(f"TTYPE{i}")).strip().upper() for i in range(1, 16)}
        if hdu.kind == "table" and {"HDU_EXT", "MJD"} <= titles:
            columns = read_table(data, hdu, name)
            return ObjectTable(hdu.header, columns) if {"HDU_EXT", "MJD"} <= set(columns) else None
    return None


def object_meta(header: Header, name: str) -> tuple[dict[str, Any], list[str]]:
    """Return `meta` of an object, with what the release leaves unsaid filled in and noted."""
    meta, notes = describe(header)
    path = PurePosixPath(name)
    from_name = _NAME.match(path.name)
    meta.setdefault("object_id", stem(path.name))
    if from_name and "ra" not in meta:
        meta["ra"], meta["dec"] = float(from_name[1]), float(from_name[2])
    label = meta.get("label") or label_of(meta.get("class_text", ""), free_text=True)
    label = label or label_of(path.parent.name)
    label = label or ("NON" if from_name else None)
    if label:
        meta["label"] = label
    meta.setdefault("survey", "crts")
    telescope = str(meta["object_id"])[:3].upper()
    assumed = {**ASSUMED, "pixel_scale": PIXEL_SCALES.get(telescope, PIXEL_SCALES["CSS"])}
    if meta.get("simulated"):
        meta.setdefault("gain", ASSUMED["gain"])  # the simulator's too, unsaid in its files
    missing = {key: value for key, value in assumed.items() if key not in meta}
    if missing and not meta.get("simulated"):
        said = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in missing.items())
        text = f"the file does not state them, so CRTS values are assumed: {said}"
        notes.append(Note(text, Flag.CALIBRATION_ASSUMED))
        meta.update(missing)
    discovery = number(header.get("UT_DATE"))
    if discovery is not None:
        meta["ut_date"] = discovery
    return meta, notes


def partner_images(table: ObjectTable) -> set[int]:
    """Return the HDUs that the table names as references and differences."""
    columns = [table.columns[title] for title in _PARTNERS if title in table.columns]
    return {int(number(v) or 0) for values in columns for v in values.tolist()}


def take_partners(columns: dict[str, Any]) -> dict[str, int]:
    """Take the HDUs of reference and difference out of the columns of a frame, by role."""
    found = {role: columns.pop(role) for role in _PARTNERS.values() if role in columns}
    return {role: int(number(value) or 0) for role, value in found.items()}


def plan(table: ObjectTable, images: Sequence[int]) -> Plan:
    """Match rows to images, drop exposures stored twice, and settle the order and times.

    Parameters
    ----------
    table : ObjectTable
    images : sequence of int
        Numbers of the image HDUs.

    Notes
    -----
    The HDUs stand in alphabetical order of the date, so frames are sorted by date and then by
    observation number. Within some nights of 2005 to early 2007 the MJDs run backwards; the order
    of the exposures is trusted and the times are rebuilt.
    """
    notes: list[str] = []
    dropped: list[str] = []
    exts = [int(number(e) or 0) for e in table.columns["HDU_EXT"].tolist()]
    if sorted(exts) != sorted(images):
        if len(table) != len(images):
            told = f"the table lists {len(table)} images, the file holds {len(images)}"
            notes.append(Note(told, Flag.TABLE_DISAGREES))
        if not set(images) <= set(exts):
            exts = [*images, *([0] * len(table))][: len(table)]
    held = set(images)
    rows = [i for i, ext in enumerate(exts) if ext in held]
    mjd = _times(table, notes)
    text = {
        name: [str(v) for v in table.columns[title].tolist()]
        for title, name in (_COLUMNS | _PARTNERS).items()
        if title in table.columns
    }
    rows = _without_repeats(rows, text, mjd, dropped)
    day = np.array([calendar_mjd(v) for v in text.get("date", [""] * len(mjd))])
    turn = [v.zfill(8) for v in text.get("obs_in_seq", [""] * len(mjd))]
    first = np.where(np.isnan(day), np.floor(mjd), day)
    rows.sort(key=lambda i: (_last(float(first[i])), turn[i], _last(float(mjd[i]))))
    times, changed = settle_times(mjd[rows], day[rows])
    if changed:
        told = (
            f"the times of {changed} frames ran backwards or left their night; their order within "
            "the night was kept and their times rebuilt, 10 minutes apart"
        )
        notes.append(Note(told, Flag.TIMES_REBUILT))
    lost = [i for i, t in zip(rows, times, strict=True) if np.isnan(t)]
    if lost:
        told = f"{len(lost)} frames have neither a time nor a date"
        dropped.append(Note(told, Flag.FRAMES_WITHOUT_TIME))
    placed = [
        (exts[i], float(t), {name: values[i] for name, values in text.items()})
        for i, t in zip(rows, times, strict=True)
        if not np.isnan(t)
    ]
    return Plan(placed, notes, dropped)


def _last(value: float) -> float:
    return np.inf if np.isnan(value) else value


def _without_repeats(
    rows: list[int], text: Mapping[str, list[str]], mjd: NDArray[np.float64], dropped: list[str]
) -> list[int]:
    """Keep one of the frames of an exposure that overlapping cut-outs stored more than once."""
    if not {"field_id", "cutout"} <= set(text):
        return rows
    kept: dict[tuple[object, ...], list[int]] = {}
    for i in rows:
        turn = text["obs_in_seq"][i] if "obs_in_seq" in text else float(mjd[i])
        same = kept.setdefault((text.get("date", mjd)[i], text["field_id"][i], turn), [])
        if all(text["cutout"][other] == text["cutout"][i] for other in same):
            same.append(i)
    unique = [i for same in kept.values() for i in same]
    if len(unique) < len(rows):
        told = f"{len(rows) - len(unique)} frames repeat an exposure from another cut-out"
        dropped.append(Note(told, Flag.REPEATED_EXPOSURES))
    return unique


def _times(table: ObjectTable, notes: list[str]) -> NDArray[np.float64]:
    """Return MJD of the rows, NaN where there is none or one outside 1900-2100."""
    stated = [number(value) or np.nan for value in table.columns["MJD"].tolist()]
    mjd = np.array([t if is_believed_mjd(t) else np.nan for t in stated])
    wrong = int((np.isnan(mjd) & ~np.isnan(stated)).sum())
    if wrong:
        text = f"{wrong} times outside 1900-2100 were taken as missing"
        notes.append(Note(text, Flag.TIMES_IMPOSSIBLE))
    return mjd


def settle_times(
    mjd: NDArray[np.float64], day: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Make times non-decreasing without changing the order of the frames.

    Parameters
    ----------
    mjd : ndarray, shape (T,)
        Times as recorded, in the order of the exposures; NaN where unreadable.
    day : ndarray, shape (T,)
        MJD of the recorded date at 0 h, NaN where unknown.

    Returns
    -------
    ndarray, shape (T,), float64
        NaN only where neither time nor date is known.
    int
        How many differ from `mjd`.
    """
    times = mjd.copy()
    away = ~np.isnan(day) & ~(np.abs(mjd - day - 0.5) <= 1.5)
    if not away.any() and (np.diff(times) >= 0).all() and not np.isnan(times).any():
        return times, 0
    for date in np.unique(day[~np.isnan(day)]):
        night = np.flatnonzero(day == date)
        if away[night].any() or (np.diff(mjd[night]) < 0).any():
            good = mjd[night][~away[night]]
            start = good.min() if good.size else date + 0.25
            times[night] = start + np.arange(night.size) * _EXPOSURE_STEP
    known = ~np.isnan(times)
    times[known] = np.maximum.accumulate(times[known])
    return times, int((times != mjd)[known].sum())
