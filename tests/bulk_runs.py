"""Predictions of many light curves, for processes that are killed: cheap, and each time the same.

``python -m bulk_runs OUTPUT INPUT ...`` predicts slowly, as the command line does.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import numpy as np
import typer

from taonet_core import bulk_table, console
from taonet_core.bulk_table import predict_to_table
from taonet_core.data.lightcurve import LightCurve
from taonet_core.labels import SIX_CLASSES
from taonet_core.models.forest import ForestConfig, train_forest
from taonet_core.models.weights import ModelBundle

#: What processes load once that are forked many times.
NEEDED = (
    "taonet_core.bulk_table",
    "taonet_core.console",
    "taonet_core.data.column_mapping",
    "taonet_core.data.tables",
    "taonet_core.models.forest",
    "taonet_core.objects.verdict_store",
    "sklearn.ensemble",
    "sklearn.model_selection",
    "sklearn.pipeline",
)


class CURVES:
    """Tables of light curves."""

    files = 5
    objects = 3 * files

    @classmethod
    def write(cls, folder: Path) -> list[Path]:
        """Write them, three objects each."""
        rng = np.random.default_rng(3)
        paths = []
        for number in range(cls.files):
            lines = ["object_id,mjd,mag,mag_err"]
            for name in (f"c{number}-{k}" for k in range(3)):
                mags = rng.normal(18, 0.5, 12)
                lines += [f"{name},{55_000 + 10 * i},{m:.3f},0.1" for i, m in enumerate(mags)]
            paths.append(folder / f"curves-{number}.csv")
            paths[-1].write_text("\n".join(lines) + "\n")
        return paths

    @staticmethod
    def saved(folder: Path, content: bytes) -> Path:
        """Write bytes to a file."""
        path = folder / "table.csv"
        path.write_bytes(content)
        return path

    @staticmethod
    def begun(output: Path) -> bool:
        """Return whether the journal of a table holds answers."""
        path = Path(f"{output}.journal")
        if not path.exists():
            return False
        with closing(sqlite3.connect(path)) as file:
            held = file.execute("SELECT name FROM sqlite_master WHERE name = 'answers'").fetchall()
            return bool(held and file.execute("SELECT count(*) FROM answers").fetchone()[0])


@lru_cache
def small_forest(seed: int = 0) -> ModelBundle:
    """Return a forest of a few trees, grown on noise."""
    rng = np.random.default_rng(seed)
    times = 55_000 + 10.0 * np.arange(12)
    curves = [LightCurve(times, rng.normal(18, 0.5, 12), np.full(12, 0.1)) for _ in range(18)]
    config = ForestConfig(trees=(4,), max_features=("sqrt",))
    model = train_forest(curves, [*SIX_CLASSES] * 3, config, seed=seed)
    known = {"sha256": f"of seed {seed}"}
    return ModelBundle("small", "0", "forest", SIX_CLASSES, model, config, sidecar=known)


def predict_curves(paths: list[str], output: str, wait: float = 0.0) -> None:
    """Predict in small batches, with a pause after each."""
    bulk_table._BATCH = 4
    predict_to_table(
        paths, small_forest(), output, trusted=True, on_object=lambda done: time.sleep(wait)
    )


def main() -> None:
    """Predict as the command line does: one sentence and an exit code where it is stopped."""
    output, *paths = sys.argv[1:]
    try:
        with console.may_be_stopped("what is done is kept; the same command goes on from there"):
            predict_curves(paths, output, wait=0.5)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


if __name__ == "__main__":
    main()
