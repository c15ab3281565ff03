"""Freeze TAO-Sim v1: draw the whole set and write down the digest of every class.

Done once a version of the benchmark; after that, only to prove that nothing has changed:

    python benchmarks/freeze_tao_sim.py --data FOLDER --workers 2
    git diff --exit-code taonet_core/simulation/tao_sim_v1.json
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from taonet_core import __version__, console
from taonet_core.data.exports import write_json
from taonet_core.data.fits_io import read_sequence
from taonet_core.simulation import tao_sim

HOME = Path(tao_sim.__file__).parent


def main(
    data: Annotated[Path, typer.Option(help="Where the test set lies, or is to lie (4 GB).")],
    output: Path = HOME / tao_sim.DIGESTS,
    workers: int = 1,
) -> None:
    """Draw, read back and write the digests."""
    with console.progress("objects drawn") as step:
        digests = digests_of(data, tao_sim.PER_CLASS, workers, step)
    with console.progress("first objects drawn") as step:
        first = digests_of(data, 1, 1, step)
    write_json(
        {
            "name": tao_sim.NAME,
            "version": __version__,
            "numpy": np.__version__,
            "seed": tao_sim.SEED,
            "per_class": tao_sim.PER_CLASS,
            "digests": digests,
            "first_objects": first,
        },
        output,
    )


def digests_of(
    data: Path, per_class: int, workers: int, step: Callable[[int, int], object]
) -> dict[str, dict[str, Any]]:
    """Return visibility -> class -> digest of its objects."""
    found: dict[str, dict[str, Any]] = {}
    for shard in tao_sim.draw_set(data, per_class=per_class, workers=workers, on_object=step):
        sequences = (read_sequence(path, trusted=True) for path in shard.paths)
        digests = map(tao_sim.sequence_digest, sequences)
        found.setdefault(str(shard.visibility), {})[shard.label] = tao_sim.joint_digest(digests)
    return found


if __name__ == "__main__":
    typer.run(main)
