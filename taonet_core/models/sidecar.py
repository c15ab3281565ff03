"""The sidecar of a model: JSON that says what the numbers beside it mean, and their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taonet_core.data.atomic import atomic_path
from taonet_core.errors import IncompatibleWeightsError
from taonet_core.models import SUFFIXES

#: Version of what is written here.
FORMAT = 1
_MAX_BYTES = 512 * 2**20
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
_OPTIONAL = {
    "preprocess": dict,
    "training": dict,
    "metrics": dict,
    "domain": dict,
    "calibration": dict,
    "novelty": dict,
    "explanations": dict,
}
#: What is measured of the weights as they are, and does not hold for others.
MEASURED = ("calibration", "novelty", "explanations")


def write_sidecar(sidecar: dict[str, Any], path: Path) -> Path:
    """Write a sidecar whole or not at all; return its path."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(sidecar, indent=2) + "\n")
    return path


def extend_sidecar(path: Path, measured: Mapping[str, Any]) -> Path:
    """Write what was measured of a model (`MEASURED`) into its sidecar; the weights stay."""
    return write_sidecar(read_sidecar(path) | dict(measured), path)


def sha256_of(blob: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(blob).hexdigest()


def read_sidecar(path: Path) -> dict[str, Any]:
    """Read a sidecar and check that it says what it must.

    Raises
    ------
    IncompatibleWeightsError
        If it is missing, no JSON, or lacks something.
    """
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
    if sidecar["format"] != FORMAT or sidecar["kind"] not in SUFFIXES:
        raise IncompatibleWeightsError(
            f"{path.name}: wanted format {FORMAT} and one of the kinds {sorted(SUFFIXES)}; got "
            f"{sidecar['format']!r}, {sidecar['kind']!r}"
        )
    if odd := _odd_ranges(sidecar):
        raise IncompatibleWeightsError(
            f"{path.name}: {odd} should each be two numbers, the least and the most; "
            "train or calibrate the model again"
        )
    return sidecar


def _odd_ranges(sidecar: dict[str, Any]) -> list[str]:
    """Name what should be a range of numbers and is none."""
    sky = (sidecar.get("calibration") or {}).get("sky", {})
    if not isinstance(sky, dict):
        return ["sky"]
    ranges = {f"sky {name}": ends for name, ends in sky.items()}
    ranges |= {"nights": (sidecar.get("domain") or {}).get("nights", [1, 1])}
    return [
        name
        for name, ends in ranges.items()
        if not (isinstance(ends, list) and [isinstance(n, int | float) for n in ends] == [True] * 2)
    ]


def verified_bytes(path: Path, sha256: str) -> bytes:
    """Read a file that must have this hash; nothing of it is parsed before.

    Raises
    ------
    IncompatibleWeightsError
        If it is missing, too large, or another.
    """
    if not path.exists():
        raise IncompatibleWeightsError(f"{path.name} is missing; fetch the weights again")
    if path.stat().st_size > _MAX_BYTES:
        raise IncompatibleWeightsError(f"{path.name} is larger than {_MAX_BYTES} bytes; refused")
    blob = path.read_bytes()
    found = sha256_of(blob)
    if found != sha256:
        raise IncompatibleWeightsError(
            f"{path.name} has SHA-256 {found[:12]}…, its sidecar says {str(sha256)[:12]}…: the "
            "file is damaged, changed, or of another version; fetch both again"
        )
    return blob
