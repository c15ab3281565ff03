"""The sidecar of a model: JSON that says what the numbers beside it mean, and their hash."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taonet_core.data.atomic import replacing
from taonet_core.errors import Code, IncompatibleWeightsError
from taonet_core.models import SUFFIXES
from taonet_core.models.tensor_files import refuse_other_kinds

#: Version of what is written here.
FORMAT = 1
_MAX_BYTES = 512 * 2**20
_MAX_SIDECAR = 4 * 2**20
#: A name becomes part of file names.
_NAME = re.compile(r"\w[\w.+-]{0,99}")
_CHECKSUM = ',\n  "checksum": "{}"\n}}\n'
_CHECKED = re.compile(rb',\n  "checksum": "([0-9a-f]{64})"\n}\n\Z')
_SHA256 = re.compile(r"[0-9a-f]{64}")
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
    "stages": dict,
}
_DOMAIN = {"bands": "a list of names", "pixel_scale": "a number", "survey": "a name"}
#: What is said of the weights in their own file, too.
MEANING = ("kind", "classes", "config", "preprocess")
#: What is measured of the weights as they are, and does not hold for others.
MEASURED = ("calibration", "novelty", "explanations")


def write_sidecar(sidecar: dict[str, Any], path: Path) -> Path:
    """Write a sidecar whole or not at all; return its path.

    Its last line is the SHA-256 of the lines before.
    """
    text = json.dumps(sidecar, indent=2).removesuffix("\n}")
    with replacing(path) as temporary:
        temporary.write_text(text + _CHECKSUM.format(sha256_of(text.encode())))
    return path


def extend_sidecar(path: Path, measured: Mapping[str, Any]) -> Path:
    """Write what was measured of a model (`MEASURED`) into its sidecar; the weights stay."""
    return write_sidecar(read_sidecar(path) | dict(measured), path)


def sha256_of(blob: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(blob).hexdigest()


def meaning(sidecar: Mapping[str, Any]) -> str:
    """Return what the file of the weights says of them itself, as JSON."""
    return json.dumps({key: sidecar.get(key) for key in MEANING}, sort_keys=True)


def check_meaning(sidecar: Mapping[str, Any], said: str, name: str) -> None:
    """Refuse weights that say of themselves something else than their sidecar does.

    Parameters
    ----------
    sidecar : mapping
    said : str
        What `meaning` returned when they were saved; empty where they are of a version before.
    name : str
        Of the file, for the message.

    Raises
    ------
    IncompatibleWeightsError
        It names what differs.
    """
    if not said or said == meaning(sidecar):
        return
    own, other = _flat(said), _flat(meaning(sidecar))
    odd = sorted(key for key in own.keys() | other.keys() if own.get(key) != other.get(key))
    differs = [f"{key} ({own.get(key)} and {other.get(key)})" for key in odd]
    raise IncompatibleWeightsError(
        f"{name} and its sidecar do not belong together, they differ in: {', '.join(differs)}; "
        "fetch both again",
        code=Code.WEIGHTS_OTHER,
    )


def _flat(said: str) -> dict[str, Any]:
    """Return what `meaning` says, a setting of a setting as ``config.hidden``."""
    try:
        own = json.loads(said)
    except (ValueError, RecursionError):
        own = None
    flat: dict[str, Any] = {}
    for key, value in (own if isinstance(own, dict) else {"meaning": said[:100]}).items():
        inner = value if isinstance(value, dict) else {"": value}
        flat |= {f"{key}.{name}".rstrip("."): setting for name, setting in inner.items()}
    return flat


def read_sidecar(path: Path) -> dict[str, Any]:
    """Read a sidecar and check that it says what it must.

    Raises
    ------
    IncompatibleWeightsError
        If it is missing, no JSON, lacks something, or says what no sidecar says.
    """
    sidecar = _json(path)
    problem = _problem(sidecar)
    if problem:
        raise _odd(path, f"{problem}; write it with save_model")
    if sidecar["format"] != FORMAT or sidecar["kind"] not in SUFFIXES:
        raise IncompatibleWeightsError(
            f"{path.name}: wanted format {FORMAT} and one of the kinds {sorted(SUFFIXES)}; got "
            f"{sidecar['format']!r}, {sidecar['kind']!r}",
            code=Code.WEIGHTS_OTHER,
        )
    if key := _odd_domain(sidecar.get("domain") or {}):
        raise _odd(path, f"'domain': {key} should be {_DOMAIN[key]}")
    if odd := _odd_ranges(sidecar):
        raise _odd(
            path,
            f"{odd} should each be two numbers, the least and the most; train or calibrate the "
            "model again",
        )
    return sidecar


def _odd(path: Path, what: str) -> IncompatibleWeightsError:
    return IncompatibleWeightsError(f"{path.name}: {what}", code=Code.WEIGHTS_SIDECAR)


def _json(path: Path) -> dict[str, Any]:
    """Read an object of JSON, each of whose keys is there once."""
    content = _bounded(path, _MAX_SIDECAR, "weights cannot be used without their sidecar")
    if end := _CHECKED.search(content):
        if sha256_of(content[: end.start()]) != end[1].decode():
            raise IncompatibleWeightsError(
                f"{path.name} does not agree with its checksum: it is damaged or was edited; fetch "
                "it again",
                code=Code.WEIGHTS_DAMAGED,
            )
        content = content[: end.start()] + b"}"
    try:
        found = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _odd(path, f"not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise _odd(path, "wanted an object in JSON")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key is there twice among {[key for key, _ in pairs][:20]}")
    return found


def _problem(sidecar: dict[str, Any]) -> str:
    """Say what is wrong with the keys of a sidecar; empty where nothing is."""
    known = _REQUIRED | _OPTIONAL
    missing = [key for key in _REQUIRED if key not in sidecar]
    if missing:
        return f"it lacks {missing}"
    if unknown := sorted(set(sidecar) - set(known)):
        return f"it says {unknown}, which format {FORMAT} does not know"
    stated = _REQUIRED | {key: kind for key, kind in _OPTIONAL.items() if sidecar.get(key)}
    wrong = [key for key, kind in stated.items() if type(sidecar[key]) is not kind]
    if wrong:
        return f"{wrong} should be {[stated[key].__name__ for key in wrong]}"
    if not _NAME.fullmatch(sidecar["name"]) or len(sidecar["version"]) > 100:
        return "'name' should be letters, digits and . + - _, at most 100, 'version' short"
    if not _SHA256.fullmatch(sidecar["sha256"]):
        return "'sha256' should be 64 hexadecimal digits"
    return ""


def _odd_domain(domain: dict[str, Any]) -> str:
    """Name what is said of the training data and cannot be."""
    bands, scale, survey = (domain.get(key) for key in _DOMAIN)
    if not isinstance(bands or [], list) or not all(isinstance(b, str) for b in bands or []):
        return "bands"
    if scale is not None and not (type(scale) in (int, float) and 0 < scale < math.inf):
        return "pixel_scale"
    return "" if survey is None or isinstance(survey, str) else "survey"


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


def verified_bytes(path: Path, sha256: str, *, trees: bool = False) -> bytes:
    """Read a file that must have this hash; nothing of it is parsed before.

    Where a save was cut off between its two files, the weights that the sidecar means lie beside
    them (`beside`).

    Raises
    ------
    IncompatibleWeightsError
        If it is missing, too large, of another kind, or another.
    """
    for place in (path, beside(path)):
        if place.exists():
            blob = _bounded(place, _MAX_BYTES, "fetch the weights again")
            if sha256_of(blob) == sha256:
                return blob
    blob = _bounded(path, _MAX_BYTES, "fetch the weights again")
    refuse_other_kinds(blob, path.name, trees=trees)
    was = f"has SHA-256 {sha256_of(blob)[:12]}…" if blob else "is empty (0 bytes)"
    raise IncompatibleWeightsError(
        f"{path.name} {was}, its sidecar says SHA-256 {str(sha256)[:12]}…: the file is damaged, "
        "changed, or of another version; fetch both again",
        code=Code.WEIGHTS_DAMAGED,
    )


def beside(path: Path) -> Path:
    """Return where new weights lie until their sidecar is written."""
    return path.with_name(f".next-{path.name}")


def _bounded(path: Path, most: int, todo: str) -> bytes:
    """Read a file of bounded size."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size) if size <= most else b""
    except FileNotFoundError as error:
        raise IncompatibleWeightsError(
            f"{path.name} is missing; {todo}", code=Code.WEIGHTS_MISSING
        ) from error
    except OSError as error:
        raise IncompatibleWeightsError(
            f"{path.name} cannot be read ({error.strerror}); {todo}", code=Code.WEIGHTS_MISSING
        ) from error
    if size > most:
        raise IncompatibleWeightsError(
            f"{path.name} is larger than {most} bytes; refused", code=Code.WEIGHTS_SIZE
        )
    return content
