"""Weights and their meaning: the only module that touches ``weights/``.

A model is two files: tensors (``NAME.safetensors``) or trees (``NAME.skops``), and ``NAME.json``,
the sidecar, which says what they are: settings, preprocessing, class order, training data and its
seed, metrics, and the SHA-256 of the first file. Nothing is parsed before that hash agrees.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taonet_core.config import from_dict, to_dict
from taonet_core.data.atomic import atomic_path
from taonet_core.errors import IncompatibleWeightsError
from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS, DEFAULT_MODEL, SUFFIXES
from taonet_core.models.designs import curve_settings, design
from taonet_core.transforms.preprocess import PreprocessConfig

if TYPE_CHECKING:
    from torch import nn

#: Where the shipped models lie: beside the package in a checkout.
WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "weights"
_FORMAT = 1
_MAX_BYTES = 512 * 2**20
#: Trees of the forest and of the boosting, which skops refuses unless they are named.
_TREES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
#: What a sidecar must say, and what it may, with the JSON type of each.
_REQUIRED = {
    "format": int,
    "name": str,
    "version": str,
    "kind": str,
    "config": dict,
    "classes": list,
    "sha256": str,
}
_OPTIONAL = {"preprocess": dict, "training": dict, "metrics": dict, "domain": dict}


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """A classifier with all that is needed to use it.

    Attributes
    ----------
    name, version : str
    kind : {"taonet", "taonet-paper", "forest", "boosting"}
        Which design reads the data.
    classes : tuple of TransientClass
        Order of the outputs.
    model : torch.nn.Module or scikit-learn estimator
        In evaluation mode.
    config : dataclass
        Settings of the model.
    preprocess : PreprocessConfig or None
        How frames become its input; None for what reads light curves.
    sidecar : dict
        Everything else that is known: ``training``, ``metrics``, ``domain``.
    """

    name: str
    version: str
    kind: str
    classes: tuple[TransientClass, ...]
    model: Any
    config: Any
    preprocess: PreprocessConfig | None = None
    sidecar: dict[str, Any] = field(default_factory=dict)


def available_models(folder: Path | None = None) -> list[str]:
    """Names of the models in a folder (default: the shipped ones), the default model first."""
    names = sorted(path.stem for path in (folder or WEIGHTS_FOLDER).glob("*.json"))
    return sorted(names, key=lambda name: name != DEFAULT_MODEL)


def sidecars(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Sidecar of every available model, without loading any weights."""
    folder = folder or WEIGHTS_FOLDER
    return {name: _read_sidecar(folder / f"{name}.json") for name in available_models(folder)}


def load_model(name: str | Path = DEFAULT_MODEL) -> ModelBundle:
    """Load a model by name, or by the path of its sidecar or weights file.

    Raises
    ------
    IncompatibleWeightsError
        If files are missing, damaged, tampered with, or do not fit each other.
    """
    path = Path(name)
    if path.suffix not in (".json", ".safetensors", ".skops"):
        path = WEIGHTS_FOLDER / f"{name}.json"
        if not path.exists():
            raise IncompatibleWeightsError(
                f"no model named {str(name)!r}; there are {available_models()}"
            )
    sidecar = _read_sidecar(path.with_suffix(".json"))
    kind = sidecar["kind"]
    weights = path.with_suffix(SUFFIXES[kind])
    blob = _verified_bytes(weights, sidecar["sha256"])
    try:
        config, model = _assemble(kind, sidecar["config"], blob, weights)
        preprocess = sidecar.get("preprocess")
        return ModelBundle(
            name=sidecar["name"],
            version=sidecar["version"],
            kind=kind,
            classes=_classes(sidecar["classes"], config, model),
            model=model,
            config=config,
            preprocess=from_dict(PreprocessConfig, preprocess) if preprocess else None,
            sidecar=sidecar,
        )
    except (ValueError, TypeError, RuntimeError) as error:
        raise IncompatibleWeightsError(
            f"{path.with_suffix('.json').name} does not describe a model this version can "
            f"build: {error}"
        ) from error


def save_model(bundle: ModelBundle, folder: Path) -> Path:
    """Write weights and sidecar; return the path of the sidecar.

    The sidecar is written last: whoever finds it finds weights that agree with it or a hash that
    does not.
    """
    weights = folder / f"{bundle.name}{SUFFIXES[bundle.kind]}"
    with atomic_path(weights) as temporary:
        if bundle.kind in CURVE_KINDS:
            import skops.io

            skops.io.dump(bundle.model, temporary, compresslevel=9, compression=8)
        else:
            from safetensors.torch import save_file

            tensors = {k: v.contiguous() for k, v in bundle.model.state_dict().items()}
            save_file(tensors, temporary)
    sidecar = {
        **bundle.sidecar,
        "format": _FORMAT,
        "name": bundle.name,
        "version": bundle.version,
        "kind": bundle.kind,
        "classes": list(bundle.classes),
        "config": to_dict(bundle.config),
        "preprocess": to_dict(bundle.preprocess) if bundle.preprocess else None,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    with atomic_path(folder / f"{bundle.name}.json") as temporary:
        temporary.write_text(json.dumps(sidecar, indent=2) + "\n")
    return folder / f"{bundle.name}.json"


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        sidecar = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise IncompatibleWeightsError(
            f"{path.name} is missing; weights cannot be used without their sidecar"
        ) from error
    except ValueError as error:
        raise IncompatibleWeightsError(f"{path.name} is not valid JSON: {error}") from error
    missing = [key for key in _REQUIRED if not isinstance(sidecar, dict) or key not in sidecar]
    if missing:
        raise IncompatibleWeightsError(f"{path.name} lacks {missing}; write it with save_model")
    stated = _REQUIRED | {key: kind for key, kind in _OPTIONAL.items() if sidecar.get(key)}
    wrong = [key for key, kind in stated.items() if not isinstance(sidecar[key], kind)]
    if wrong:
        raise IncompatibleWeightsError(
            f"{path.name}: {wrong} should be {[stated[key].__name__ for key in wrong]}; write it "
            "with save_model"
        )
    if sidecar["format"] != _FORMAT or sidecar["kind"] not in SUFFIXES:
        raise IncompatibleWeightsError(
            f"{path.name}: wanted format {_FORMAT} and one of the kinds {sorted(SUFFIXES)}; got "
            f"{sidecar['format']!r}, {sidecar['kind']!r}"
        )
    return sidecar


def _classes(names: list[Any], config: Any, model: Any) -> tuple[TransientClass, ...]:
    """Name the outputs of a model, each once."""
    classes = tuple(TransientClass(name) for name in names)
    outputs = config.n_classes if hasattr(config, "n_classes") else len(model.classes_)
    if not len(classes) == len(set(classes)) == outputs:
        raise ValueError(f"wanted {outputs} different classes, one an output; got {names}")
    return classes


def _verified_bytes(path: Path, sha256: str) -> bytes:
    if not path.exists():
        raise IncompatibleWeightsError(f"{path.name} is missing; fetch the weights again")
    if path.stat().st_size > _MAX_BYTES:
        raise IncompatibleWeightsError(f"{path.name} is larger than {_MAX_BYTES} bytes; refused")
    blob = path.read_bytes()
    found = hashlib.sha256(blob).hexdigest()
    if found != sha256:
        raise IncompatibleWeightsError(
            f"{path.name} has SHA-256 {found[:12]}…, its sidecar says {str(sha256)[:12]}…: the "
            "file is damaged, changed, or of another version; fetch both again"
        )
    return blob


def _assemble(kind: str, settings: dict[str, Any], blob: bytes, path: Path) -> tuple[Any, Any]:
    """Build settings and model of a kind."""
    if kind in CURVE_KINDS:
        return from_dict(curve_settings(kind), settings), _unpack_trees(blob, path)
    config_type, network = design(kind)
    config = from_dict(config_type, settings)
    return config, _fill(network(config), blob, path)


def _fill(model: nn.Module, blob: bytes, path: Path) -> nn.Module:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(blob)
        model.load_state_dict(tensors, strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise IncompatibleWeightsError(
            f"{path.name} does not fit the settings of its sidecar: {error}"
        ) from error
    bad = [name for name, t in tensors.items() if not torch.isfinite(t).all()]
    if bad:
        raise IncompatibleWeightsError(f"{path.name} holds values that are not finite: {bad}")
    return model.eval().requires_grad_(False)


def _unpack_trees(blob: bytes, path: Path) -> Any:
    """Load the trees of a file whose hash was just checked.

    skops refuses trees unless they are named, since a forged one can crash the process.
    """
    import skops.io
    from sklearn.pipeline import Pipeline
    from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

    try:
        model = skops.io.loads(blob, trusted=list(_TREES))
    except (
        UntrustedTypesFoundException,
        UnsupportedTypeException,
        ValueError,
        KeyError,
        OSError,
    ) as error:
        raise IncompatibleWeightsError(f"{path.name} holds no trees: {error}") from error
    if not isinstance(model, Pipeline):
        raise IncompatibleWeightsError(f"{path.name} holds no trees but {type(model).__name__}")
    return model
