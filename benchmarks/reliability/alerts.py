"""Two thousand damaged alert packets, read as the app and the command line read what they get.

``python benchmarks/reliability/alerts.py``: of every four, three are packets of the surveys and of
`_alerts` with bytes damaged anywhere (`_mutations`); most fail at their container or schema. The
fourth is a packet in good order around values that are not: numbers that cannot be, texts of any
length, images that are damaged FITS files or none. Everything else is as in ``fuzz.py``.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from _alerts import avro, image, lsst_alert, lsst_schema, ztf_alert, ztf_schema
from _alerts import originals as own_originals
from _corpus import avro_originals, torture_folder
from _figures import Findings, command
from _mutations import mutant
from fuzz import HANG, compared, in_worker, read, tally

from taonet_core.data.intake import NamedBytes

SEED = 20_261_123
COUNT, QUICK = 2_000, 120
_FLOATS = (float("nan"), float("inf"), -1e300, 1e300, 0.0, -1.0, 5e-324, 2_459_000.5)
_LONGS = (0, -1, 2**63 - 1, -(2**63), 2**31)
_INTS = (0, -1, 2**31 - 1, -(2**31))
_TEXTS = ("", "\0", "\u202e<img src=x onerror=alert(1)>", "=1+1", "x" * 300_000, "../../etc/passwd")
_NUMBERS = ("jd", "ra", "dec", "magpsf", "sigmapsf", "diffmaglim", "magzpsci", "exptime")
_SOURCE_NUMBERS = ("midpointMjdTai", "ra", "dec", "psfFlux", "psfFluxErr", "snr")
_CUTOUTS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")


@cache
def originals() -> list[bytes]:
    """Return what is damaged: packets of the torture set, and small ones of our own as often."""
    collected = list(avro_originals().values())
    return collected + own_originals() * max(1, len(collected) // len(own_originals()))


def damaged(number: int) -> NamedBytes:
    """Return one damaged packet; the same for the same number."""
    data = odd_packet(number) if number % 4 == 3 else mutant(originals(), number, seed=SEED).data
    return NamedBytes(f"mutant_{number}.avro", data)


def odd_packet(number: int) -> bytes:
    """Return a packet in good order with wrong things in it."""
    rng = np.random.default_rng([SEED, number])
    make, schema, change = (
        (ztf_alert, ztf_schema, _odd_ztf)
        if rng.random() < 0.5
        else (lsst_alert, lsst_schema, _odd_lsst)
    )
    alerts = [make(n + 1, **change(rng)) for n in range(int(rng.integers(1, 4)))]
    return avro(alerts, schema(), str(rng.choice(["null", "deflate"])))


def _odd_ztf(rng: np.random.Generator) -> dict[str, Any]:
    changes: dict[str, Any] = {
        **_some(rng, _NUMBERS, lambda: float(rng.choice(_FLOATS))),
        **_some(rng, ("candid", "pid"), lambda: int(rng.choice(_LONGS))),
        **_some(rng, ("fid",), lambda: int(rng.choice(_INTS))),
        **_some(rng, ("objectId", "schemavsn", "isdiffpos"), lambda: str(rng.choice(_TEXTS))),
    }
    images = _some(rng, _CUTOUTS, lambda: _odd_image(rng))
    return changes | {
        name: None if data is None else {"fileName": "x", "stampData": data}
        for name, data in images.items()
    }


def _odd_lsst(rng: np.random.Generator) -> dict[str, Any]:
    return {
        **_some(rng, _SOURCE_NUMBERS, lambda: float(rng.choice(_FLOATS))),
        **_some(rng, ("diaSourceId", "diaObjectId"), lambda: int(rng.choice(_LONGS))),
        **_some(rng, ("band",), lambda: str(rng.choice(_TEXTS))),
        **_some(rng, ("prvDiaSources",), lambda: None),
        **_some(rng, _CUTOUTS, lambda: _odd_image(rng)),
    }


def _some(
    rng: np.random.Generator, names: tuple[str, ...], value: Callable[[], Any]
) -> dict[str, Any]:
    return {name: value() for name in names if rng.random() < 0.3}


def _odd_image(rng: np.random.Generator) -> bytes | None:
    """Return a damaged cutout, packed or not, or none at all."""
    kind = rng.integers(4)
    if kind == 0:
        return None
    if kind == 1:
        return bytes(rng.integers(0, 256, int(rng.integers(0, 5000)), dtype=np.uint8))
    plain = gzip.decompress(image(side=int(rng.integers(5, 60))))
    hurt = mutant([plain], int(rng.integers(2**31)), seed=SEED).data
    return hurt if kind == 2 else gzip.compress(hurt, 1, mtime=0)


def read_apart(number: int) -> dict[str, Any]:
    """Read a packet in a worker process."""
    return in_worker(number, damaged(number))


def read_here(number: int) -> dict[str, Any]:
    """Read a packet in this process."""
    return read(number, damaged(number), trusted=True)


def measure(quick: bool) -> Findings:
    """Read damaged packets in worker processes and without, and compare."""
    count = QUICK if quick else COUNT
    apart = tally(read_apart, count, patience=60)
    here = tally(read_here, count, patience=HANG)
    notes = [] if torture_folder() else ["Without the torture set: only packets made here."]
    return compared(apart, here, originals(), SEED, notes)


if __name__ == "__main__":
    command(measure, "alerts")
