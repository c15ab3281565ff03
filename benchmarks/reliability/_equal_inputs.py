"""Files that every road is to read alike: sequences of several layouts, tables, real alerts."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from itertools import count as count_up
from itertools import islice
from pathlib import Path

import pandas as pd
from _variants import as_cube, as_file, frame_hdus, single_frames, whole_counts, zipped

from taonet_core.data.fits_io import write_sequence
from taonet_core.data.sequence import ImageSequence
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.photometry import extract_light_curve

_LABELS = ("SN", "CV", "AGN", "BZ", "OTHER")
_SURVEYS = ("crts", "ztf", "crts-mls", "lsst", "crts-sss")
#: Frames of a sequence, and points of a light curve: so many of the first.
_FRAMES = 40
#: Fewest detections of a light curve.
_FEWEST = 10
#: Light curves of one table, and objects of one zip.
_IN_TABLE, _IN_ZIP = 10, 5


def sequence_files(folder: Path, count: int, seed: int) -> list[Path]:
    """Write simulated image sequences; their layouts, surveys and classes take turns.

    Parameters
    ----------
    folder : Path
    count : int
        Objects.
    seed : int

    Returns
    -------
    list of Path
        FITS files, compressed ones, and zips of several objects.
    """
    paths, packed = list[Path](), dict[str, bytes]()
    for number in range(count):
        sequence = whole_counts(
            _LABELS[number % len(_LABELS)],
            number,
            seed=seed,
            survey=_SURVEYS[number // len(_LABELS) % len(_SURVEYS)],
            frames=_FRAMES,
        )
        suffix, write = _LAYOUTS[number % len(_LAYOUTS)]
        if suffix:
            paths.append(folder / f"sequence{number:03}{suffix}")
            paths[-1].write_bytes(write(sequence, folder))
            continue
        packed |= {f"{number}/{name}": data for name, data in single_frames(sequence).items()}
        last = number + len(_LAYOUTS) >= count
        if last or len(packed) >= _IN_ZIP * _FRAMES:
            paths.append(folder / f"frames{number:03}.zip")
            paths[-1].write_bytes(zipped(packed))
            packed = {}
    return paths


def _extensions(sequence: ImageSequence, folder: Path) -> bytes:
    return as_file(frame_hdus(sequence), sequence)


def _of_the_release(sequence: ImageSequence, folder: Path) -> bytes:
    return write_sequence(sequence, folder / "release.fits", overwrite=True).read_bytes()


def _cube(sequence: ImageSequence, folder: Path) -> bytes:
    return as_cube(sequence)


def _compressed(sequence: ImageSequence, folder: Path) -> bytes:
    return gzip.compress(_of_the_release(sequence, folder), mtime=0)


#: Ending of the file, none for frames that are packed into a zip, and what is in it.
_LAYOUTS: tuple[tuple[str, Callable[[ImageSequence, Path], bytes]], ...] = (
    ("-mef.fits", _extensions),
    ("-release.fits", _of_the_release),
    ("-cube.fits", _cube),
    (".fits.gz", _compressed),
    ("", _extensions),
)


def curve_files(folder: Path, count: int, seed: int) -> list[Path]:
    """Write light curves of simulated objects as tables of ten, in several formats."""
    paths, curves = [], _curves(seed)
    for start in range(0, count, _IN_TABLE):
        table = pd.concat(list(islice(curves, min(_IN_TABLE, count - start))), ignore_index=True)
        path = folder / f"curves{start:03}.{('csv', 'parquet', 'csv.gz')[start // _IN_TABLE % 3]}"
        if path.suffix == ".parquet":
            table.to_parquet(path)
        else:
            table.to_csv(path, index=False)
        paths.append(path)
    return paths


def _curves(seed: int) -> Iterator[pd.DataFrame]:
    """Yield the measurements of objects that were detected often enough to be classified."""
    for number in count_up():
        label = _LABELS[number % len(_LABELS)]
        sequence = draw_object(label, visibility=0.8, seed=seed + 1, index=number)
        curve = extract_light_curve(sequence)
        rows = curve.to_table().to_pandas()[["mjd", "mag", "mag_err"]].dropna().head(_FRAMES)
        if len(rows) >= _FEWEST:
            yield rows.assign(object_id=f"{sequence.object_id} c{number}", band="clear")


def real_files(folder: Path, data: Path) -> list[Path]:
    """Pack the real ZTF sequences, one zip an object, and take the zip of stamps as it is."""
    paths = []
    sequences = data / "ztf" / "sequences"
    times = (sequences / "frames.csv").read_bytes()
    for place in sorted(path for path in sequences.iterdir() if path.is_dir()):
        files = {f"{place.name}/{f.name}": f.read_bytes() for f in sorted(place.glob("*.fits.gz"))}
        paths.append(folder / f"{place.name}.zip")
        paths[-1].write_bytes(zipped({**files, "frames.csv": times}))
    return [*paths, data / "ztf" / "alert_stamps.zip"]
