"""Single frames, or science / template / difference stamps, joined to one sequence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from taonet_core.data.archives import Member
from taonet_core.data.file_kinds import stem
from taonet_core.data.fits_headers import band_of, describe, time_of
from taonet_core.data.fits_layouts import FitsFile, Frame, Reading, layout_of, read_file, role_of
from taonet_core.data.frame_tables import FrameTable
from taonet_core.errors import TaoNetError, UnreadableFileError

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
    files : list of FitsFile
    broken : list of TaoNetError
        Frames that could not be opened.
    """

    name: str
    object_id: str = ""
    files: list[FitsFile] = field(default_factory=list)
    broken: list[TaoNetError] = field(default_factory=list)

    def join(self, find_tables: Callable[[], list[FrameTable]]) -> Reading:
        """Read all frames.

        Parameters
        ----------
        find_tables : callable
            Asked for tables of the frames only if headers lack times.

        Raises
        ------
        UnreadableFileError
            If no frame can be read.
        """
        reading = Reading("frames", [], {}, dropped=[str(error) for error in self.broken])
        for file in self.files:
            try:
                part = read_file(file)
            except TaoNetError as error:
                reading.dropped.append(str(error))
                continue
            _name_frames(part.frames, stem(file.name))
            reading.frames += part.frames
            reading.notes += part.notes
            reading.dropped += part.dropped
            reading.meta = {**part.meta, **reading.meta}
        if not reading.frames:
            raise UnreadableFileError(reading.dropped[0])
        if any(frame.role != "science" for frame in reading.frames):
            reading.layout = "stamps"
        owner = self.object_id or stem(self.name)
        if any(frame.time is None for frame in reading.frames):
            _apply_tables(reading, find_tables(), owner)
        reading.meta.setdefault("object_id", owner)
        return reading


def is_single(file: FitsFile) -> bool:
    """Return whether a file holds one exposure only, to be joined with others."""
    science = [hdu for hdu in file.images if role_of(hdu.name) in (None, "science")]
    return layout_of(file) in ("frames", "mef") and len(science) <= 1


def owner_of(member: Member) -> str:
    """Return the object that a file or folder name tells, or ``""``."""
    found = _OBJECT_NAME.search(member.stem) or _OBJECT_NAME.search(member.folder)
    return found[0] if found else ""


def _name_frames(frames: list[Frame], name: str) -> None:
    """Give the frames of one file their exposure, and the role that the file name says."""
    role = role_of(name)
    for frame in frames:
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
        reading.notes.append(f"times and filters come from the table {used[0]} beside the frames")
