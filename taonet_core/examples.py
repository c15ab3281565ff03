"""Example files for whoever wants to see what can be handed over."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from pathlib import Path

from taonet_core.data.fits_io import write_sequence
from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.objects.collection import Collection
from taonet_core.transforms.photometry import extract_light_curve

_README = """Simulated objects, one FITS file each (DEEP-TAO layout: a table of the frames, then one
image extension a frame). labels.csv names the class of each object; a table of your own may have
other columns, and classes in other words.
"""


def example_objects(collection: Collection, *, per_class: int = 1) -> list[str]:
    """Choose objects that show well, so many of each class: of the brightest, those seen longest.

    Parameters
    ----------
    collection : Collection
        Of known classes, such as the demo set.
    per_class : int
    """
    chosen: list[str] = []
    for _, rows in collection.catalog.groupby("label"):
        bright = rows.nsmallest(max(8, per_class), "mag", keep="all")
        longest = bright.sort_values("n_nights", ascending=False, kind="stable")
        chosen += longest["object_id"].head(per_class).tolist()
    return chosen


def example_file(collection: Collection, object_id: str) -> bytes:
    """Return one object as a FITS file."""
    item = collection.read(object_id)
    assert isinstance(item, ImageSequence)  # of a collection of sequences
    with tempfile.TemporaryDirectory() as folder:
        return write_sequence(item, Path(folder) / "object.fits").read_bytes()


def example_zip(collection: Collection, *, per_class: int = 1) -> bytes:
    """Return a zip of FITS files with a table of their classes, ``labels.csv``."""
    packed = io.BytesIO()
    rows = [["object_id", "class"]]
    labels = collection.catalog.set_index("object_id")["label"]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(example_objects(collection, per_class=per_class), 1):
            archive.writestr(f"objects/object{number:02}.fits", example_file(collection, name))
            rows.append([name, labels[name]])
        archive.writestr("labels.csv", _csv(rows))
        archive.writestr("README.txt", _README)
    return packed.getvalue()


def example_curves(collection: Collection, *, per_class: int = 1) -> bytes:
    """Return a CSV table of light curves, one row a measurement, of all example objects."""
    rows = [["object_id", "mjd", "mag", "mag_err", "band", "limit"]]
    for name in example_objects(collection, per_class=per_class):
        item = collection.read(name)
        curve = item if isinstance(item, LightCurve) else extract_light_curve(item)
        table = curve.to_table().to_pandas()
        columns = zip(*(table[key] for key in ("mjd", "mag", "mag_err", "limit")), strict=True)
        for band, (mjd, mag, err, limit) in zip(curve.bands, columns, strict=True):
            values = [f"{mjd:.5f}", *(f"{v:.3f}" if v == v else "" for v in (mag, err))]
            rows.append([name, *values, str(band), f"{limit:.2f}" if limit == limit else ""])
    return _csv(rows).encode()


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
