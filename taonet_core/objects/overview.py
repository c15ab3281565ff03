"""All objects of a collection in one table: catalogue, brightness, and verdicts side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from taonet_core.objects.verdicts import Verdicts


def overview_table(
    catalog: pd.DataFrame, facts: pd.DataFrame, verdicts: Sequence[Verdicts]
) -> pd.DataFrame:
    """Join what is known of objects.

    Parameters
    ----------
    catalog : DataFrame
        Of a `taonet_core.objects.collection.Collection`.
    facts : DataFrame
        From `taonet_core.objects.verdict_store.VerdictStore.facts`.
    verdicts : sequence of Verdicts
        One a model.

    Returns
    -------
    DataFrame
        The rows and columns of `catalog`; ``mag_peak``, ``snr_peak``, ``n_detected``, ``bands``;
        for each model ``verdict_<model>`` (empty where there is none), ``confidence_<model>``,
        ``p_<CLASS>_<model>``, ``set_<model>``, ``novelty_<model>``, and ``right_<model>``
        (boolean, missing where truth or verdict is); ``disagree``: whether the first two models
        name different classes (missing where one names none).
    """
    table = catalog.merge(
        facts.drop(columns="error"), how="left", left_on="object_id", right_index=True
    )
    for said in verdicts:
        table = table.merge(_columns(said), how="left", left_on="object_id", right_index=True)
        verdict = table[f"verdict_{said.model}"] = table[f"verdict_{said.model}"].fillna("")
        known = (verdict != "") & (table["label"] != "")
        right = (verdict == table["label"]).astype("boolean")
        table[f"right_{said.model}"] = right.where(known)
    if len(verdicts) > 1:
        one, two = (table[f"verdict_{said.model}"] for said in verdicts[:2])
        table["disagree"] = (one != two).astype("boolean").where((one != "") & (two != ""))
    return table.reset_index(drop=True)


def _columns(said: Verdicts) -> pd.DataFrame:
    """Return what a model says, by object."""
    left_out = ["label", "n_nights", "error", "error_code", "flags"]
    rows = said.table().set_index("object_id").drop(columns=left_out)
    names = {"prediction_set": "set"}
    return rows.rename(columns=lambda name: f"{names.get(name, name)}_{said.model}")
