"""Weights and their meaning: the only module that touches ``weights/``.

A model is two files: tensors (``NAME.safetensors``) or trees (``NAME.skops``), and ``NAME.json``,
the sidecar, which says what they are: settings, preprocessing, class order, training data and its
seed, metrics, and the SHA-256 of the first file. Nothing is parsed before that hash agrees.

A model that was calibrated (`taonet_core.calibrate`) has more: temperatures and thresholds in the
sidecar, and ``NAME.novelty.safetensors``, where known objects lie, with its hash in the sidecar.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taonet_core.config import from_dict, to_dict
from taonet_core.data.atomic import replacing, writing
from taonet_core.errors import Code, IncompatibleWeightsError
from taonet_core.labels import TransientClass
from taonet_core.models import CURVE_KINDS, DEFAULT_MODEL, SUFFIXES
from taonet_core.models.calibration import Calibration
from taonet_core.models.designs import curve_settings, design
from taonet_core.models.novelty import Novelty
from taonet_core.models.sidecar import (
    FORMAT,
    MEASURED,
    beside,
    check_meaning,
    extend_sidecar,
    meaning,
    read_sidecar,
    sha256_of,
    verified_bytes,
    write_sidecar,
)
from taonet_core.models.tensor_files import build, read_header, refuse_other_kinds
from taonet_core.transforms.preprocess import PreprocessConfig

#: Where the shipped models lie: beside the package in a checkout.
WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "weights"


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
    calibration : Calibration or None
        How scores become probabilities and prediction sets; None where it was not measured.
    novelty : Novelty or None
        Where known objects lie; None where it was not measured.
    """

    name: str
    version: str
    kind: str
    classes: tuple[TransientClass, ...]
    model: Any
    config: Any
    preprocess: PreprocessConfig | None = None
    sidecar: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    novelty: Novelty | None = None

    @property
    def prior(self) -> tuple[float, ...]:
        """Share of each class that the probabilities take for granted, in the order of `classes`.

        Flat without a calibration, since every recipe gives all classes the same weight.
        """
        if self.calibration is not None:
            return self.calibration.prior
        return (1 / len(self.classes),) * len(self.classes)


def available_models(folder: Path | None = None) -> list[str]:
    """Names of the models in a folder (default: the shipped ones), the default model first."""
    names = sorted(path.stem for path in (folder or WEIGHTS_FOLDER).glob("[!.]*.json"))
    return sorted(names, key=lambda name: name != DEFAULT_MODEL)


def sidecars(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Sidecar of every available model, without loading any weights."""
    folder = folder or WEIGHTS_FOLDER
    return {name: read_sidecar(folder / f"{name}.json") for name in available_models(folder)}


def sidecar_path(name: str | Path) -> Path:
    """Return the sidecar of a model, given by name or by the path of its sidecar or weights."""
    path = Path(name)
    if path.suffix in (".json", ".safetensors", ".skops"):
        return path.with_suffix(".json")
    if path.is_file():
        with path.open("rb") as file:
            refuse_other_kinds(file.read(16), path.name)
    path = WEIGHTS_FOLDER / f"{name}.json"
    if not path.exists():
        raise IncompatibleWeightsError(
            f"no model named {str(name)!r}; there are {available_models()}",
            code=Code.WEIGHTS_MISSING,
        )
    return path


def verify_weights(name: str | Path) -> None:
    """Compare the files of a model with the hashes of its sidecar, and parse none of them.

    Raises
    ------
    IncompatibleWeightsError
        If one is missing or differs.
    """
    path = sidecar_path(name)
    _verified(read_sidecar(path), path)


def _verified(sidecar: dict[str, Any], path: Path) -> tuple[bytes, bytes | None]:
    """Return the bytes of the weights, and of what is known of the training data, if anything."""
    kind = sidecar["kind"]
    weights = path.with_suffix(SUFFIXES[kind])
    blob = verified_bytes(weights, sidecar["sha256"], trees=kind in CURVE_KINDS)
    return blob, _novelty_bytes(sidecar, path)


def load_model(name: str | Path = DEFAULT_MODEL) -> ModelBundle:
    """Load a model by name, or by the path of its sidecar or weights file.

    Raises
    ------
    IncompatibleWeightsError
        If files are missing, damaged, tampered with, or do not fit each other.
    """
    path = sidecar_path(name)
    sidecar = read_sidecar(path)
    kind = sidecar["kind"]
    blob, known = _verified(sidecar, path)
    try:
        config, model = _assemble(sidecar, blob, path.with_suffix(SUFFIXES[kind]).name)
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
            calibration=_calibration(sidecar),
            novelty=None if known is None else _novelty(known, _novelty_path(path).name),
        )
    except (ValueError, TypeError, RuntimeError) as error:
        raise IncompatibleWeightsError(
            f"{path.name} does not describe a model this version can build: {error}",
            code=Code.WEIGHTS_SIDECAR,
        ) from error


def save_model(bundle: ModelBundle, folder: Path) -> Path:
    """Write weights and sidecar; return the path of the sidecar.

    At every instant there is a sidecar with weights that agree with it, the old or the new (see
    `_save_pair`). What was measured of earlier weights (`MEASURED`) is left out.

    Raises
    ------
    TaoNetError
        If they cannot be written; an older model of that name is then as it was.
    """
    known = {k: v for k, v in bundle.sidecar.items() if k not in MEASURED}
    sidecar = {
        **known,
        "format": FORMAT,
        "name": bundle.name,
        "version": bundle.version,
        "kind": bundle.kind,
        "classes": list(bundle.classes),
        "config": to_dict(bundle.config),
        "preprocess": to_dict(bundle.preprocess) if bundle.preprocess else None,
    }
    if bundle.kind in CURVE_KINDS:
        from taonet_core.models.tree_files import pack_trees

        blob = pack_trees(bundle.model, meaning(sidecar))
    else:
        from safetensors.torch import save

        tensors = {k: v.contiguous() for k, v in bundle.model.state_dict().items()}
        blob = save(tensors, {"meaning": meaning(sidecar)})
    sidecar["sha256"] = sha256_of(blob)
    path = folder / f"{bundle.name}.json"
    weights = folder / f"{bundle.name}{SUFFIXES[bundle.kind]}"
    return _save_pair(blob, weights, lambda: write_sidecar(sidecar, path))


def _save_pair(blob: bytes, weights: Path, write: Callable[[], Path]) -> Path:
    """Write weights and what speaks of them, so that at no instant they disagree.

    The new weights lie beside the old ones until the sidecar means them (`verified_bytes` looks
    there, too), and then take their place.
    """
    with replacing(beside(weights)) as temporary:
        temporary.write_bytes(blob)
    path = write()
    with writing(weights):
        os.replace(beside(weights), weights)
    return path


def save_trust(
    path: Path, calibration: Calibration, novelty: Novelty, facts: Mapping[str, Any]
) -> Path:
    """Write what was measured of a model into its sidecar, and where known objects lie beside it.

    Parameters
    ----------
    path : Path
        The sidecar, as `sidecar_path` finds it. The weights stay as they are.
    calibration : Calibration
    novelty : Novelty
    facts : mapping
        On what it was measured, for the sidecar.
    """
    from safetensors.numpy import save

    blob = save(novelty.arrays())
    trusted = {**facts, "settings": to_dict(calibration)}
    measured = {"calibration": trusted, "novelty": {"sha256": sha256_of(blob)}}
    return _save_pair(blob, _novelty_path(path), lambda: extend_sidecar(path, measured))


def _novelty_path(sidecar: Path) -> Path:
    return sidecar.with_name(f"{sidecar.stem}.novelty.safetensors")


def _calibration(sidecar: dict[str, Any]) -> Calibration | None:
    """Read how scores become probabilities, where that was measured."""
    stated = sidecar.get("calibration")
    if not stated:
        return None
    calibration = from_dict(Calibration, stated.get("settings", {}))
    if len(calibration.prior) != len(sidecar["classes"]):
        raise ValueError(f"the calibration is for {len(calibration.prior)} classes")
    return calibration


def _novelty_bytes(sidecar: dict[str, Any], path: Path) -> bytes | None:
    """Read the file of where known objects lie, where that was measured; nothing is parsed yet."""
    if not sidecar.get("novelty"):
        return None
    return verified_bytes(_novelty_path(path), str(sidecar["novelty"].get("sha256")))


def _novelty(blob: bytes, name: str) -> Novelty:
    """Build where known objects lie from a file whose hash was checked."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    refuse_other_kinds(blob, name)
    read_header(blob, name)
    try:
        return Novelty.from_arrays(load(blob))
    except (SafetensorError, ValueError) as error:
        raise IncompatibleWeightsError(
            f"{name} is not what it should be: {error}", code=Code.WEIGHTS_VALUES
        ) from error


def _classes(names: list[Any], config: Any, model: Any) -> tuple[TransientClass, ...]:
    """Name the outputs of a model, each once."""
    classes = tuple(TransientClass(name) for name in names)
    outputs = config.n_classes if hasattr(config, "n_classes") else len(model.classes_)
    if not len(classes) == len(set(classes)) == outputs:
        raise ValueError(f"wanted {outputs} different classes, one an output; got {names}")
    return classes


def _assemble(sidecar: dict[str, Any], blob: bytes, name: str) -> tuple[Any, Any]:
    """Build settings and model of a kind from a file whose hash was checked."""
    kind, settings = sidecar["kind"], sidecar["config"]
    if kind in CURVE_KINDS:
        from taonet_core.models.tree_files import meaning_of, unpack_trees

        config, model = from_dict(curve_settings(kind), settings), unpack_trees(blob, name)
        check_meaning(sidecar, meaning_of(blob), name)
        return config, model
    refuse_other_kinds(blob, name)
    own = read_header(blob, name).get("__metadata__", {}).get("meaning", "")
    check_meaning(sidecar, own, name)
    config_type, network = design(kind)
    config = from_dict(config_type, settings)
    return config, build(network, config, blob, name)
