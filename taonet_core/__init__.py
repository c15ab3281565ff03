"""TAO-Net: classify astronomical transients from their image sequences.

Importing this package loads neither PyTorch nor scikit-learn; the public names below are
imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.4.0"

_PUBLIC = {
    "Attribution": "taonet_core.data.results",
    "ImageSequence": "taonet_core.data.sequence",
    "LightCurve": "taonet_core.data.lightcurve",
    "Prediction": "taonet_core.data.results",
    "TaoNetError": "taonet_core.errors",
    "TransientClass": "taonet_core.labels",
    "alert_light_curve": "taonet_core.data.alert_curves",
    "extract_light_curve": "taonet_core.transforms.photometry",
    "index_folder": "taonet_core.data.catalog",
    "load_model": "taonet_core.models.weights",
    "predict": "taonet_core.inference",
    "read_sequence": "taonet_core.data.fits_io",
    "read_sequences": "taonet_core.data.fits_io",
    "write_sequence": "taonet_core.data.fits_io",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
