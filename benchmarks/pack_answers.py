"""Keep what the models answered on TAO-Sim v1 in one small file, for the page of their performance.

taonet benchmark --data FOLDER --output RESULTS
python benchmarks/pack_answers.py RESULTS
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import typer

from taonet_core.data.atomic import atomic_path
from taonet_core.judging.answers import FROZEN
from taonet_core.models import SUFFIXES

#: Fewer digits of the probabilities, and ties would be broken otherwise than in the scores.
DECIMALS = 5


def main(folder: Path, output: Path = FROZEN) -> None:
    """Pack FOLDER/MODEL.parquet of every model, as `taonet benchmark --output` writes them."""
    tables = [pd.read_parquet(folder / f"{name}.parquet") for name in SUFFIXES]
    table = pd.concat(tables, ignore_index=True)
    chances = [name for name in table if name.startswith("p_")]
    small = table[chances].round(DECIMALS).astype("float32")
    with atomic_path(output) as draft:
        table.assign(**small).to_parquet(draft, compression="zstd", compression_level=19)


if __name__ == "__main__":
    typer.run(main)
