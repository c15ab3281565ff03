"""The settings and the network of each kind of model, imported only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taonet_core.config import from_dict
from taonet_core.data.lightcurve import LightCurve
from taonet_core.models import CURVE_KINDS, SUFFIXES
from taonet_core.models.boosting import BoostingConfig, read_with_boosting
from taonet_core.models.forest import ForestConfig, read_with_forest

if TYPE_CHECKING:
    from torch import nn

#: Model and light curves -> probabilities, shape (curves, K), and the 30 published features.
CurveReader: TypeAlias = (
    "Callable[[Any, Sequence[LightCurve]], tuple[NDArray[np.float64], NDArray[np.float64]]]"
)
_CURVE_DESIGNS: dict[str, tuple[type[Any], CurveReader]] = {
    "forest": (ForestConfig, read_with_forest),
    "boosting": (BoostingConfig, read_with_boosting),
}


def curve_settings(kind: str) -> type[Any]:
    """Return the settings of a kind that reads light curves."""
    return _CURVE_DESIGNS[kind][0]


def curve_reader(kind: str) -> CurveReader:
    """Return what measures and classifies light curves with a kind that reads them."""
    return _CURVE_DESIGNS[kind][1]


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
    if kind in CURVE_KINDS:
        return from_dict(curve_settings(kind), settings)
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
