"""Tensors of a network as a safetensors file, looked at before anything is made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from taonet_core.errors import Code, IncompatibleWeightsError

if TYPE_CHECKING:
    from torch import nn

#: More than any network here has: 10,000 tensors, and a header that names them.
_MOST_TENSORS = 10_000
_MOST_HEADER = 4 * 2**20
#: A network none of whose sizes is larger takes little memory.
_SMALL = 128
#: What else people keep weights in, by how it begins.
_OTHERS = {
    b"PK\x03\x04": "a zip archive, as PyTorch (.pt) and Keras (.keras) write them",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, as Keras (.h5) writes them",
    b"\x80\x02": "a pickle, which could run any code",
    b"\x80\x03": "a pickle, which could run any code",
    b"\x80\x04": "a pickle, which could run any code",
    b"\x80\x05": "a pickle, which could run any code",
    b"\x1f\x8b": "a gzip archive",
    b"\x93NUMPY": "a NumPy array",
}


def refuse_other_kinds(blob: bytes, name: str, *, trees: bool = False) -> None:
    """Refuse bytes that begin as another kind of file does.

    Parameters
    ----------
    blob : bytes
        The file, or how it begins.
    name : str
        Of the file, for the message.
    trees : bool
        Whether a skops file is wanted, which is a zip archive, and not a safetensors file.

    Raises
    ------
    IncompatibleWeightsError
    """
    wanted = "skops" if trees else "safetensors"
    is_tensors = blob[3:9] == b"\0\0\0\0\0{"  # a length below 2^24, and JSON
    looks = "a safetensors file" if is_tensors else _looks_like(blob)
    right = blob.startswith(b"PK\x03\x04") if trees else is_tensors
    if looks and not right:
        raise IncompatibleWeightsError(
            f"{name} looks like {looks}; wanted a {wanted} file, which holds no code",
            code=Code.WEIGHTS_FORMAT,
        )


def _looks_like(blob: bytes) -> str:
    return next((kind for start, kind in _OTHERS.items() if blob.startswith(start)), "")


def read_header(blob: bytes, name: str) -> dict[str, Any]:
    """Return the header of a safetensors file: what it says of each tensor, and its metadata.

    Raises
    ------
    IncompatibleWeightsError
        If there is none, or it is larger than any network needs.
    """
    length = int.from_bytes(blob[:8], "little")
    if length > _MOST_HEADER and length <= len(blob):
        raise IncompatibleWeightsError(
            f"the header of {name} takes {length} bytes, more than {_MOST_HEADER}; refused",
            code=Code.WEIGHTS_SIZE,
        )
    try:
        header = json.loads(blob[8 : 8 + length]) if 8 + length <= len(blob) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or not all(isinstance(v, dict) for v in header.values()):
        raise IncompatibleWeightsError(
            f"{name} is no safetensors file: it does not begin with a header; fetch it again",
            code=Code.WEIGHTS_FORMAT,
        )
    if len(header) > _MOST_TENSORS:
        raise IncompatibleWeightsError(
            f"{name} holds {len(header)} tensors, more than {_MOST_TENSORS}; refused",
            code=Code.WEIGHTS_SIZE,
        )
    return header


def build(design: Callable[[Any], nn.Module], config: Any, blob: bytes, name: str) -> nn.Module:
    """Build a network from its settings and its file, which must agree to the last name and shape.

    Parameters
    ----------
    design : callable
        Builds the network from its settings.
    config : dataclass
        The settings. Whatever they claim, no more memory is taken than the file has.
    blob : bytes
        A safetensors file whose hash was checked.
    name : str
        Of the file, for messages.

    Raises
    ------
    IncompatibleWeightsError
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    if _largest(vars(config)) > _SMALL:
        with torch.device("meta"):  # shapes without memory; PyTorch takes a second to begin
            check_shapes(design(config), blob, name)
    network = design(config)
    check_shapes(network, blob, name)
    try:
        tensors = load(blob)
    except SafetensorError as error:
        raise IncompatibleWeightsError(
            f"{name} is no whole safetensors file: {error}", code=Code.WEIGHTS_FORMAT
        ) from error
    bad = [key for key, t in tensors.items() if not torch.isfinite(t).all()]
    if bad:
        raise IncompatibleWeightsError(
            f"{name} holds values that are not finite: {bad}", code=Code.WEIGHTS_VALUES
        )
    network.load_state_dict(tensors, strict=True)
    return network.eval().requires_grad_(False)


def _largest(settings: Mapping[str, Any]) -> float:
    """Return the largest number among settings, lengths included."""
    sizes = [x for v in settings.values() for x in ((len(v), *v) if isinstance(v, tuple) else (v,))]
    return max((abs(size) for size in sizes), default=0)


def check_shapes(network: nn.Module, blob: bytes, name: str) -> None:
    """Refuse a file whose tensors are not those of a network; reads its header alone.

    Raises
    ------
    IncompatibleWeightsError
        It names the first that differ.
    """
    header = read_header(blob, name)
    found = {
        key: [str(said.get("dtype")), said.get("shape")]
        for key, said in header.items()
        if key != "__metadata__"
    }
    kinds = {"torch.float32": "F32", "torch.int64": "I64"}
    wanted: dict[str, list[Any]] = {
        key: [kinds.get(str(t.dtype), str(t.dtype)), list(t.shape)]
        for key, t in network.state_dict().items()
    }
    odd = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
    if odd:
        first = odd[0]
        raise IncompatibleWeightsError(
            f"{name} does not fit the settings of its sidecar: {len(odd)} tensors differ; of "
            f"{first!r} the settings want {wanted.get(first)}, the file has {found.get(first)}",
            code=Code.WEIGHTS_OTHER,
        )
