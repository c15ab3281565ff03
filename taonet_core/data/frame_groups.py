"""Single frames, or science / template / difference stamps, joined to one sequence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from taonet_core.data.file_kinds import in_order, stem
from taonet_core.data.fits_headers import band_of, describe, time_of
from taonet_core.data.fits_layouts import Frame, Reading, role_of
from taonet_core.data.frame_tables import FrameTable
from taonet_core.data.pieces import Piece
from taonet_core.data.sky import separations
from taonet_core.errors import Code, TaoNetError, UnreadableFileError
from taonet_core.flags import Flag, Note

#: Objects that are named differently and lie further apart than this are not one (arcsec).
_APART = 10.0
#: Objects of a survey whose stamps are often kept in one folder with those of others.
_OBJECT_NAME = re.compile(r"ZTF\d\d[a-z]{7}")


@dataclass
class FrameGroup:
    """The single frames of one object.

    Attributes
    ----------
    name : str
        Folder, archive, or the object that the file names tell.
    object_id : str
        What the file names tell, or ``""``.
    files : list of (str, Reading or TaoNetError)
        Names of single frames, in whatever order they came, and what was read of them.
    broken : list of TaoNetError
        Files that could not be opened, and are frames of this object most likely.
    """

    name: str
    object_id: str = ""
    files: list[tuple[str, Reading | TaoNetError]] = field(default_factory=list)
    broken: list[TaoNetError] = field(default_factory=list)

    @property
    def readings(self) -> list[Reading]:
        """What could be read."""
        return [part for _, part in self.files if isinstance(part, Reading)]

    def parted(self) -> list[FrameGroup]:
        """Return a group for each object, where headers name several and tell their places apart.

        Names alone do not part them: of one object they may hold the filter or the exposure.
        """
        parts = self.readings
        places = {p.meta["object_id"]: p.meta for p in parts if _names(p) and "ra" in p.meta}
        all_tell = len(parts) == len(self.files) and all(
            p.meta.get("object_id") in places for p in parts
        )
        if self.object_id or len(places) < 2 or not all_tell:
            return [self]
        ra, dec = (np.array([meta[key] for meta in places.values()]) for key in ("ra", "dec"))
        apart = [separations(ra, dec, place) for place in zip(ra, dec, strict=True)]
        if np.sort(apart)[:, 1].min() < _APART:
            return [self]
        found = {name: FrameGroup(name) for name in places}
        for (name, _), part in zip(self.files, parts, strict=True):
            found[part.meta["object_id"]].files.append((name, part))
        return list(found.values())

    def join(self, find_tables: Callable[[], list[FrameTable]]) -> Reading:
        """Put all frames together.

        Parameters
        ----------
        find_tables : callable
            Asked for tables of the frames only if headers lack times.

        Raises
        ------
        TaoNetError
            What was wrong with the first, if no frame could be read.
        """
        names = sorted({part.meta["object_id"] for part in self.readings if _names(part)})
        errors = list(self.broken)
        reading = Reading("frames", [], {}, dropped=[_unreadable(error) for error in errors])
        for name, part in sorted(self.files, key=lambda file: in_order(file[0])):
            if isinstance(part, TaoNetError):
                errors.append(part)
                reading.dropped.append(_unreadable(part))
                continue
            _name_frames(part.frames, stem(name))
            reading.frames += part.frames
            reading.notes += part.notes
            reading.dropped += part.dropped
            reading.flags += part.flags
            reading.meta = {**part.meta, **reading.meta}
        if len(names) > 1:
            said = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
            text = f"the frames name different objects ({said}) and were read as one; if they are "
            text += "not, give each a folder of its own"
            reading.notes.append(Note(text, Flag.OBJECTS_DIFFER))
        if not reading.frames:  # an alert may have lost all its cutouts
            lost = UnreadableFileError(str(reading.dropped[0]), code=Code.NO_IMAGE)
            raise errors[0] if errors else lost
        if any(frame.role != "science" for frame in reading.frames):
            reading.layout = "stamps"
        owner = self.object_id or stem(self.name)
        if any(frame.time is None for frame in reading.frames):
            _apply_tables(reading, find_tables(), owner)
        reading.meta.setdefault("object_id", owner)
        return reading


def _names(part: Reading) -> bool:
    return bool(part.meta.get("object_id"))


def _unreadable(error: TaoNetError) -> Note:
    return Note(str(error), Flag.FRAMES_UNREADABLE)


def owner_of(piece: Piece) -> str:
    """Return the object that a file says it is of, or else its name or folder, or ``""``."""
    named = _OBJECT_NAME.search(stem(piece.name)) or _OBJECT_NAME.search(piece.folder)
    return piece.owner or (named[0] if named else "")


def _name_frames(frames: list[Frame], name: str) -> None:
    """Give the frames of one file their exposure, and the role that the file name says.

    Alerts tell both by themselves.
    """
    role = role_of(name)
    for frame in frames:
        if frame.key.isdigit():
            continue
        frame.key = name
        if role is not None and len(frames) == 1:
            frame.role, frame.key = role, re.sub(r"[_\-. ][^_\-. ]*$", "", name)


def _apply_tables(reading: Reading, tables: list[FrameTable], owner: str) -> None:
    """Fill in times, filters, class and position that only a table beside the frames gives."""
    used: list[str] = []
    for frame in reading.frames:
        if frame.time is not None:
            continue
        for table in tables:
            row = table.row(owner, frame.key)
            if row is None:
                continue
            frame.time, doubts = time_of(row)
            frame.columns["band"] = frame.columns.get("band") or band_of(row)
            reading.notes.extend(doubts)
            reading.meta = {**describe(row)[0], **reading.meta}
            used.append(table.name)
            break
    if used:
        text = f"times and filters come from the table {used[0]} beside the frames"
        reading.notes.append(Note(text, Flag.TIMES_FROM_TABLE))
