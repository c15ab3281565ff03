"""How the objects of a set differ from what a model was trained on."""

from __future__ import annotations

from taonet_core.domain import domain_warnings, novelty_warnings
from taonet_core.models.weights import ModelBundle
from taonet_core.objects.collection import Collection
from taonet_core.objects.verdicts import Verdicts


def all_warnings(
    collection: Collection, said: Verdicts, bundle: ModelBundle
) -> dict[str, list[str]]:
    """Say of every object with a verdict how it differs from what the model was trained on.

    Parameters
    ----------
    collection : Collection
    said : Verdicts
        Of that model, of objects of the collection.
    bundle : ModelBundle
    """
    rows = zip(said.object_ids.tolist(), said.n_nights, said.novelty, strict=True)
    return {
        name: domain_warnings(collection.read(name), int(nights), bundle)
        + novelty_warnings(float(novelty))
        for name, nights, novelty in rows
        if nights
    }
