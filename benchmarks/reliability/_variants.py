"""One object in many files: layouts, number formats, compressions. The pixels are always the same.

Pixels are whole counts from 0 to 32,767, so that every number format holds them exactly.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.io import fits

from taonet_core.data.sequence import ImageSequence
from taonet_core.simulation.draw import draw_object

#: Number formats of FITS; ``u`` are written with BZERO.
DTYPES = ("i2", "u2", "i4", "u4", "i8", "f4", "f8")
#: Tile compressions that keep every count.
TILES = ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1")
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def whole_counts(label: str, index: int, *, seed: int, survey: str, frames: int) -> ImageSequence:
    """Draw an object, of whole counts without gaps in its pixels.

    Parameters
    ----------
    label : str
        Its class.
    index, seed : int
        Which object.
    survey : str
        Preset.
    frames : int
        At most so many, the first.
    """
    drawn = draw_object(label, survey=survey, visibility=0.8, seed=seed, index=index)
    kept = drawn.select(np.arange(min(frames, len(drawn))))
    pixels = np.clip(np.rint(np.nan_to_num(kept.frames, nan=0.0)), 0, 32_767)
    name = f"{drawn.object_id} {seed}-{index}"
    plain = replace(kept.with_frames(pixels), wcs=None, reference=None, difference=None)
    return plain.with_meta(object_id=name)


def frame_hdus(sequence: ImageSequence, dtype: str = "f4") -> list[fits.ImageHDU]:
    """Return an image extension for each frame, all that is known of it in its header."""
    hdus = []
    for i, (time, band) in enumerate(zip(sequence.times, sequence.bands, strict=True)):
        hdu = fits.ImageHDU(sequence.frames[i].astype(dtype))
        hdu.header["MJD-OBS"], hdu.header["FILTER"] = float(time), str(band)
        hdu.header.update(_object_cards(sequence))
        hdus.append(hdu)
    return hdus


def _object_cards(sequence: ImageSequence) -> dict[str, Any]:
    known = {
        "OBJECT": sequence.object_id,
        "RA": sequence.meta.get("ra"),
        "DEC": sequence.meta.get("dec"),
        "MAGZP": sequence.meta.get("zero_point"),
        "PIXSCALE": sequence.meta.get("pixel_scale"),
        "GAIN": sequence.meta.get("gain"),
    }
    return {key: value for key, value in known.items() if value is not None}


def as_file(hdus: list[Any], sequence: ImageSequence) -> bytes:
    """Return a FITS file of extensions."""
    file = io.BytesIO()
    primary = fits.PrimaryHDU()
    primary.header.update(_object_cards(sequence))
    fits.HDUList([primary, *hdus]).writeto(file)
    return file.getvalue()


def single_frames(sequence: ImageSequence) -> dict[str, bytes]:
    """Return one file a frame, by its name."""
    return {
        f"frame{i:03}.fits": as_file([hdu], sequence) for i, hdu in enumerate(frame_hdus(sequence))
    }


def as_cube(sequence: ImageSequence) -> bytes:
    """Return a cube, with a table of the times and filters of its planes."""
    times = fits.Column("MJD", "D", array=sequence.times)
    bands = fits.Column("FILTER", "8A", array=np.asarray(sequence.bands, dtype="S8"))
    table = fits.BinTableHDU.from_columns([times, bands])
    cube = fits.ImageHDU(sequence.frames.astype("f4"))
    cube.header.update(_object_cards(sequence))
    return as_file([cube, table], sequence)


def zipped(files: dict[str, bytes]) -> bytes:
    """Pack files into a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def tarred(files: dict[str, bytes], mode: str) -> bytes:
    """Pack files into a tar; `mode` is as `tarfile.open` has it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def variants(sequence: ImageSequence) -> Iterator[tuple[str, str, bytes]]:
    """Yield what a file is called by its variant, its name, and its bytes."""
    plain = as_file(frame_hdus(sequence), sequence)
    for dtype in DTYPES:
        yield f"dtype {dtype}", "object.fits", as_file(frame_hdus(sequence, dtype), sequence)
    for packer, pack in _PACKERS.items():
        yield f"compression {packer}", f"object.fits.{packer}", pack(plain)
    for kind in TILES:
        yield f"compression {kind}", "object.fits.fz", _tiled(sequence, kind)
    yield "compression zip", "object.zip", zipped({"object.fits": plain})
    yield "compression tar", "object.tar", tarred({"object.fits": plain}, "w")
    yield "compression tar.gz", "object.tar.gz", tarred({"object.fits": plain}, "w:gz")
    yield "layout cube", "object.fits", as_cube(sequence)
    yield "layout frames", "object.zip", zipped(single_frames(sequence))


def _tiled(sequence: ImageSequence, kind: str) -> bytes:
    dtype = "i4" if kind == "HCOMPRESS_1" else "i2"
    hdus = [
        fits.CompImageHDU(hdu.data, hdu.header, compression_type=kind, hcomp_scale=0)
        for hdu in frame_hdus(sequence, dtype)
    ]
    return as_file(hdus, sequence)
