"""What is said in words of a model: the card beside its weights."""

from __future__ import annotations

from taonet_core.models.weights import sidecar_path


def model_card(name: str) -> str:
    """Return the card of a shipped model as Markdown, without its title; empty where it has none.

    Parameters
    ----------
    name : str

    Raises
    ------
    IncompatibleWeightsError
        If there is no such model.
    """
    path = sidecar_path(name).with_suffix(".card.md")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return "\n".join(line for line in lines if not line.startswith("# ")).strip()
