"""The settings and the network of each kind of model, imported only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from taonet_core.config import from_dict
from taonet_core.models import SUFFIXES
from taonet_core.models.forest import ForestConfig

if TYPE_CHECKING:
    from torch import nn


def design(kind: str) -> tuple[type[Any], Callable[[Any], nn.Module]]:
    """Return the settings and the network of a kind; each imports only what it needs."""
    if kind == "taonet":
        from taonet_core.models.taonet import TAONet, TAONetConfig

        return TAONetConfig, TAONet
    from taonet_core.models.taonet_paper import TAONetPaper, TAONetPaperConfig

    return TAONetPaperConfig, TAONetPaper


def model_settings(kind: str, settings: Mapping[str, Any], n_classes: int = 6) -> Any:
    """Build the settings of a model, and try them.

    Raises
    ------
    ValueError
        If the model or a setting is unknown, or no model can be built with it.
    """
    import torch

    if kind not in SUFFIXES:
        raise ValueError(f"no model named {kind!r}; there are {sorted(SUFFIXES)}")
    if kind == "forest":
        return from_dict(ForestConfig, settings)
    if "n_classes" in settings:
        raise ValueError("n_classes follows from the data; leave it out")
    config_type, network = design(kind)
    config = from_dict(config_type, {"n_classes": n_classes, **settings})
    try:
        with torch.device("meta"):  # shapes without memory
            network(config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"no {kind} can be built with {dict(settings)}: {error}") from error
    return config
