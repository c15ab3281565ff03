"""Packed nights of many labelled sequences, so that training reads each FITS file once.

A store is a folder of plain arrays beside the data: ``images.f16`` (all nights of all objects one
after the other, float16), ``table.npz`` (offsets, times, rows of the catalogue) and
``store.json`` (what it was made from). It is remade when the files or the settings change, and
appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taonet_core.config import to_dict
from taonet_core.data.atomic import atomic_folder, writing
from taonet_core.data.fits_io import read_sequence
from taonet_core.errors import TaoNetError, TrainingError
from taonet_core.transforms.preprocess import Nights, PreprocessConfig, stack_nights

logger = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class PackedNights:
    """Nights of many objects in one array.

    Attributes
    ----------
    images : ndarray, shape (N, H, W), float16
        Memory-mapped; units of `PreprocessConfig.scale`.
    times : ndarray, shape (N,), float64
        MJD.
    offsets : ndarray, shape (M + 1,), int64
        Object ``i`` owns nights ``offsets[i]:offsets[i + 1]``.
    rows : ndarray, shape (M,), int64
        Row of the catalogue that each object came from.
    """

    images: NDArray[np.float16]
    times: NDArray[np.float64]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def nights(self, i: int) -> tuple[NDArray[np.float16], NDArray[np.float64]]:
        """Return images (T, H, W) and times (T,) of object `i`."""
        own = slice(self.offsets[i], self.offsets[i + 1])
        return self.images[own], self.times[own]


def pack_folder(
    folder: Path,
    catalog: pd.DataFrame,
    config: PreprocessConfig,
    *,
    workers: int = 1,
    on_object: Callable[[int, int], None] | None = None,
) -> PackedNights:
    """Read, preprocess and pack every object of a catalogue, or open what was packed before.

    Parameters
    ----------
    folder : Path
        Folder the catalogue's paths start from; the store goes to ``folder/.packed``.
    catalog : DataFrame
        With a column ``path``.
    config : PreprocessConfig
    workers : int
        Processes that read files.
    on_object : callable, optional
        Called with (objects done, objects in all).

    Raises
    ------
    TrainingError
        If not one object could be read.
    """
    paths = [folder / path for path in catalog["path"]]
    made_from = {"preprocess": to_dict(config), "files": _fingerprint(paths)}
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    home = folder / ".packed" / key
    found = _opened(home, config.size)
    if found is None:
        shutil.rmtree(home, ignore_errors=True)
        with writing(home), atomic_folder(home) as temporary:
            _pack(paths, temporary, config, workers, on_object)
            (temporary / "store.json").write_text(json.dumps(made_from))
        found = _opened(home, config.size)
    if found is None:
        raise TrainingError(f"the store {str(home)!r} changed while it was written; start again")
    return found


def _opened(home: Path, size: int) -> PackedNights | None:
    """Open a store; None where there is none, or another than was written."""
    if not (home / "store.json").exists():
        return None
    try:
        with (home / "table.npz").open("rb") as file, np.load(file) as table:
            times, offsets, rows = table["times"], table["offsets"], table["rows"]
        pixels = np.memmap(home / "images.f16", dtype=np.float16, mode="r")
        images = pixels.reshape((len(times), size, size))
    except (FileNotFoundError, ValueError, KeyError, EOFError, BadZipFile) as error:
        logger.warning("%s is damaged (%s) and made anew", home, error)
        return None
    return PackedNights(images, times, offsets, rows)


def _pack(
    paths: list[Path],
    home: Path,
    config: PreprocessConfig,
    workers: int,
    on_object: Callable[[int, int], None] | None,
) -> None:
    times, lengths, rows = [], [], []
    jobs = ((path, config) for path in paths)
    with (home / "images.f16").open("wb") as file:
        for row, nights in enumerate(map_in_processes(_read_nights, jobs, workers)):
            if nights is not None:
                file.write(nights.images.astype(np.float16).tobytes())
                times.append(nights.times)
                lengths.append(len(nights))
                rows.append(row)
            if on_object:
                on_object(row + 1, len(paths))
    if not rows:
        raise TrainingError(f"none of the {len(paths)} files could be read; see the log for why")
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    np.savez(home / "table.npz", times=np.concatenate(times), offsets=offsets, rows=rows)


def _read_nights(job: tuple[Path, PreprocessConfig]) -> Nights | None:
    path, config = job
    try:
        return stack_nights(read_sequence(path, trusted=True), config)
    except TaoNetError as error:
        logger.warning("left out: %s", error)
        return None


def map_in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Map in order over processes, never more than a few items ahead of the consumer."""
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_follow_parent
    ) as pool:
        yield from _bounded(pool, function, iter(items), 16 * workers)


def _follow_parent() -> None:
    """Leave signals to the parent process, and end with it, however it ends."""
    parent = parent_process()
    assert parent is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _bounded(
    pool: Executor, function: Callable[[Item], Result], items: Iterator[Item], ahead: int
) -> Iterator[Result]:
    waiting: list[Any] = [pool.submit(function, item) for item in islice(items, ahead)]
    while waiting:
        result = waiting.pop(0).result()
        waiting += [pool.submit(function, item) for item in islice(items, 1)]
        yield result


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
