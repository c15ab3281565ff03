"""One scanned FITS file: which of its HDUs are images, and why none of them may be of use."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.fits_checksum import checksum_agrees
from taonet_core.data.fits_pixels import MAX_SIDE, MIN_SIDE, image_shape, read_image
from taonet_core.data.fits_scan import MAX_PIXELS, FitsScan, Hdu, Header, Slices, scan
from taonet_core.data.fits_tiles import check_tiles, tile_axes
from taonet_core.errors import Code, InvalidSequenceError, TaoNetError, UnreadableFileError
from taonet_core.flags import Flag, Note

_NOT_FRAMES = re.compile(
    r"(MASK|MSK|DQ|ERR|ERROR|VAR|VARIANCE|UNCERT|STDDEV|WEIGHT|WHT|IVAR|FLAGS?|PSF.*|BKG|SKY"
    r"|BACKGROUND|CTX|CON|NOISE|RMS|EXPMAP|D2IMARR|WCSDVARR|COVERAGE)\d*"
)
_KINDS = {"table": "a table", "groups": "random groups", "other": "no image"}


@dataclass(frozen=True)
class FitsFile:
    """Scanned bytes and their name."""

    name: str
    data: Slices
    scanned: FitsScan

    @classmethod
    def from_bytes(cls, data: Slices, name: str) -> FitsFile:
        """Scan `data`; raises `UnreadableFileError`."""
        return cls(name, data, scan(data, name))

    @property
    def images(self) -> list[Hdu]:
        """HDUs with at least two-dimensional images that are no masks or error maps."""
        found = [
            hdu
            for hdu in self.scanned.hdus
            if hdu.kind in ("image", "compressed") and len(image_shape(hdu)) >= 2
        ]
        frames = [hdu for hdu in found if not _NOT_FRAMES.fullmatch(hdu.name)]
        return frames or found

    def header(self, hdu: Hdu) -> Header:
        """Return an HDU's header, completed from the primary."""
        primary = self.scanned.hdus[0].header
        return hdu.header if hdu.index == 0 else {**primary, **hdu.header}

    def doubts(self) -> list[str]:
        """Return what the scan had to ignore, and which HDUs are not those that were written."""
        wrong = [h.index for h in self.scanned.hdus if not checksum_agrees(self.data, h)]
        if not wrong:
            return list(self.scanned.notes)
        said = ", ".join(map(str, wrong[:8])) + (", ..." if len(wrong) > 8 else "")
        text = f"{self.name}: the checksum of HDU {said} does not agree with its bytes; they may "
        return [*self.scanned.notes, Note(f"{text}be damaged", Flag.CHECKSUM_WRONG)]

    def pixels(self, hdu: Hdu, notes: list[str]) -> NDArray[np.float32]:
        """Return one image.

        Raises
        ------
        InvalidSequenceError
            If no frame has such a shape.
        UnreadableFileError
            If the pixels are damaged.
        """
        shape = image_shape(hdu)
        if len(shape) > 3 or min(shape[-2:]) < MIN_SIDE or max(shape[-2:]) > MAX_SIDE:
            raise InvalidSequenceError(
                f"{self.name}, HDU {hdu.index}: an image of {sides(shape)} pixels is no frame; two "
                f"sides of {MIN_SIDE} to {MAX_SIDE:,} pixels and time are read",
                code=Code.SHAPE,
            )
        return read_image(self.data, hdu, self.name, notes)

    def check_size(self, images: Sequence[Hdu]) -> None:
        """Refuse more pixels than fit in memory before any is read."""
        pixels = sum(math.prod(image_shape(hdu)) for hdu in images)
        if pixels > MAX_PIXELS:
            raise UnreadableFileError(
                f"{self.name}: {pixels:,} pixels in all, at most {MAX_PIXELS:,} are read; cut them",
                code=Code.SIZE,
            )

    def no_image(self) -> TaoNetError:
        """Return the error of a file without images, which says what it holds instead."""
        hdus = self.scanned.hdus
        for hdu in hdus:
            if hdu.kind == "compressed" and not tile_axes(hdu.header):
                try:
                    check_tiles(self.data, hdu, f"{self.name}, HDU {hdu.index}")
                except UnreadableFileError as error:
                    return error
        held = ", ".join(f"HDU {hdu.index} {_described(hdu)}" for hdu in hdus[:8])
        more = f", and {len(hdus) - 8} more" if len(hdus) > 8 else ""
        text = f"{self.name}: no image with two sides in this file ({held}{more}); choose a file "
        return UnreadableFileError(f"{text}with images", code=Code.NO_IMAGE)


def sides(shape: Sequence[int]) -> str:
    """Return axes in the order of FITS, as messages show them."""
    return " x ".join(map(str, reversed(shape)))


def _described(hdu: Hdu) -> str:
    """Say in a few words what an HDU is."""
    if hdu.kind not in ("image", "compressed"):
        return _KINDS[hdu.kind]
    axes = tile_axes(hdu.header) if hdu.kind == "compressed" else hdu.shape
    return f"{sides(axes)} pixels" if axes else "empty"
