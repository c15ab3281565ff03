"""Make the golden files: one small file of each layout, and what a reader must find in it.

Run by hand once (`python tests/golden/make.py`); the tests never run it. Written with astropy
alone, so that a fault of our writer cannot hide one of our reader.
"""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
from astropy.io import fits

HERE = Path(__file__).parent
FRAMES = np.random.default_rng(7).poisson(2000, (3, 8, 8)).astype(np.uint16)
TIMES = [53801.2, 53831.25, 53861.3]


def keep(name: str, hdus: fits.HDUList, **expected: object) -> tuple[str, dict[str, object]]:
    """Write gzipped HDUs and return their entry of the table of expected values."""
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    (HERE / name).write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    frames = expected.pop("frames", FRAMES)
    return name, {"sums": np.sum(frames, axis=(1, 2), dtype=float).tolist(), **expected}


def deep_tao() -> tuple[str, dict[str, object]]:
    """Transient of the release: HDUs in alphabetical order of the date, not in time."""
    header = fits.Header({"CRTS_ID": "CSS060402:081233+123301", "CLASS": "SN 2006tf (TSS)"})
    header["HIERARCH RA_(J2000)"], header["HIERARCH DEC_(J2000)"] = 123.1375, 12.55028
    order = [1, 2, 0]  # 06APR05, 06MAY05, 06MAR07
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("HDU_Ext", "K", array=[2, 3, 4]),
            fits.Column("Set_Number", "2A", array=["01"] * 3),
            fits.Column("Date", "7A", array=["06APR06", "06MAY06", "06MAR07"]),
            fits.Column("MJD", "D", array=[TIMES[i] for i in order]),
            fits.Column("Field_ID", "6A", array=["N12034"] * 3),
            fits.Column("Obs_In_Seq", "4A", array=["0001"] * 3),
            fits.Column("Cutout", "4A", array=["0001"] * 3),
        ],
        header=header,
    )
    images = [fits.ImageHDU(FRAMES[i], header) for i in order]
    found = {"object_id": "CSS060402:081233+123301", "label": "SN", "ra": 123.1375}
    hdus = fits.HDUList([fits.PrimaryHDU(), table, *images])
    return keep("deep_tao.fits.gz", hdus, times=TIMES, bands=["clear"] * 3, meta=found)


def non_transient() -> tuple[str, dict[str, object]]:
    """Field source of the release: numbers as text, no observation number, bare images."""
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("HDU_Ext", "4A", array=["2", "3", "4"]),
            fits.Column("DATE", "7A", array=["06MAR07", "06APR06", "06MAY06"]),
            fits.Column("MJD", "12A", array=[str(t) for t in TIMES]),
            fits.Column("Field_ID", "6A", array=["N12034"] * 3),
            fits.Column("Cutout", "4A", array=["0001"] * 3),
        ]
    )
    hdus = fits.HDUList([fits.PrimaryHDU(), table, *map(fits.ImageHDU, FRAMES)])
    found = {"label": "NON", "ra": 123.1, "dec": -12.5, "object_id": "nonCSS:123.1-12.5"}
    return keep("nonCSS:123.1-12.5.fits.gz", hdus, times=TIMES, bands=["clear"] * 3, meta=found)


def multi_extension() -> tuple[str, dict[str, object]]:
    """One extension a frame, out of order, times as dates."""
    dates = ["2006-05-06T07:12:00", "2006-03-07T04:48:00", "2006-04-06T06:00:00"]
    hdus = [fits.PrimaryHDU()]
    for i, date, band in zip((2, 0, 1), dates, "grg", strict=True):
        header = fits.Header({"DATE-OBS": date, "FILTER": band, "MAGZP": 26.3})
        hdus.append(fits.ImageHDU(FRAMES[i].astype(np.float32), header))
    found = {"zero_point": 26.3}
    return keep("mef.fits.gz", fits.HDUList(hdus), times=TIMES, bands=["r", "g", "g"], meta=found)


def cube() -> tuple[str, dict[str, object]]:
    """Cube with a table of times."""
    table = fits.BinTableHDU.from_columns([fits.Column("JD", "D", array=np.add(TIMES, 2400000.5))])
    header = fits.Header({"OBJECT": "cube one"})
    hdus = fits.HDUList([fits.PrimaryHDU(FRAMES.astype(np.int32), header), table])
    return keep("cube.fits.gz", hdus, times=TIMES, bands=[""] * 3, meta={"object_id": "cube one"})


def triplets() -> tuple[str, dict[str, object]]:
    """Science, template and difference by the names of the extensions, tile-compressed."""
    hdus = [fits.PrimaryHDU()]
    for i, time in enumerate(TIMES):
        for name, pixels in (("SCI", FRAMES[i]), ("REF", FRAMES[0]), ("DIFF", FRAMES[i])):
            hdu = fits.CompImageHDU(pixels.astype(np.int32), name=name, compression_type="RICE_1")
            hdu.header["EXTVER"], hdu.header["MJD-OBS"] = i + 1, time
            hdus.append(hdu)
    return keep("triplets.fits.gz", fits.HDUList(hdus), times=TIMES, bands=[""] * 3, meta={})


if __name__ == "__main__":
    makers = (deep_tao, non_transient, multi_extension, cube, triplets)
    table = dict(maker() for maker in makers)
    (HERE / "expected.json").write_text(json.dumps(table, indent=1) + "\n")
