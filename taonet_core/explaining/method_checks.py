"""Which methods passed their checks on a model: what `benchmarks/explanations.py` measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from taonet_core.explaining.questions import METHODS
from taonet_core.models.sidecar import read_sidecar
from taonet_core.models.weights import sidecar_path

#: What a method must reach, written down before it was measured. Completeness: median error of the
#: sum over what is explained, at least one unit of log-odds, for methods that promise it. Deletion
#: and insertion: area between random order and theirs. Randomised: rank correlation of the maps
#: with those of a network of shuffled weights. Pointing: share of bright supernovae on which the
#: evidence peaks.
LIMITS = MappingProxyType(
    {
        "completeness": 0.05,
        "deletion": 0.25,
        "insertion": 0.0,
        "randomised": 0.5,
        "pointing": 0.9,
    }
)
#: Quantities of `LIMITS` that must stay below theirs; the others must reach it.
BELOW = ("completeness", "randomised")
_SAYS = {
    "completeness": "its sum is off by {0:.0%} of what it explains (at most {1:.0%})",
    "deletion": "blanking what it marks beats random order by {0:.2f} only (at least {1:.2f})",
    "insertion": "bringing what it marks first is no better than random order ({0:+.2f})",
    "randomised": "its maps hardly change when weights are shuffled (correlation {0:.2f})",
    "pointing": "it points at {0:.0%} of bright supernovae only (at least {1:.0%})",
}


@dataclass(frozen=True)
class MethodCheck:
    """Whether a method tells what a model does.

    Attributes
    ----------
    passed : bool or None
        None where it was not measured.
    reason : str
        What it failed in, in words; empty where it passed.
    measured : mapping of str to float
        Keys of `LIMITS`, and ``seconds``; without those that do not apply.
    """

    passed: bool | None
    reason: str
    measured: Mapping[str, float]


def method_checks(model: str) -> dict[str, MethodCheck]:
    """Return what the checks of an image model found, method by method.

    Parameters
    ----------
    model : str
        Name of a model, or the path of its file.

    Returns
    -------
    dict of str to MethodCheck
        One for every key of `taonet_core.explain.METHODS`.

    Raises
    ------
    IncompatibleWeightsError
        If there is no such model.
    """
    explanations: dict[str, Any] = read_sidecar(sidecar_path(model)).get("explanations") or {}
    found = explanations.get("methods", {})
    return {key: judge(found.get(key)) for key in METHODS}


def judge(measured: Mapping[str, float] | None) -> MethodCheck:
    """Compare what was measured of a method with the limits."""
    if not measured:
        return MethodCheck(None, "not measured on this model", {})
    reasons = [
        _SAYS[key].format(measured[key], limit)
        for key, limit in LIMITS.items()
        if key in measured
        and not (measured[key] <= limit if key in BELOW else measured[key] >= limit)
    ]
    return MethodCheck(not reasons, "; ".join(reasons), dict(measured))
