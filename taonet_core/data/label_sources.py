"""What experts say, wherever it is kept: in the database of labels, or in a file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from taonet_core.data.annotations import Annotations
from taonet_core.data.expert_labels import consensus_table, latest_labels
from taonet_core.data.label_files import read_labels


def experts_say(source: str | Path, catalog: pd.DataFrame) -> pd.DataFrame:
    """Return what experts together say of the objects of a catalogue.

    Parameters
    ----------
    source : {"database"} or path
        The database of labels, or a table of them as `read_labels` takes it.
    catalog : DataFrame
        With ``object_id``, ``ra`` and ``dec`` (degrees).

    Returns
    -------
    DataFrame
        As `Annotations.consensus`.

    Raises
    ------
    TaoNetError
        If the labels cannot be read.
    """
    if str(source) == "database":
        return Annotations().consensus(catalog)
    return consensus_table(latest_labels(read_labels(source, author=str(source)), catalog))
