"""The six classes: one target drawn from the population of its class, in its surroundings.

Each class has its own module; numbers come from `priors.json` (fitted by
``benchmarks/fit_priors.py`` to real CRTS lists and light curves) or from the literature that a
docstring names. Nothing here depends on a classifier.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from taonet_core.labels import TransientClass
from taonet_core.simulation.cataclysmic import draw_cv
from taonet_core.simulation.field import draw_field_source, put_beside
from taonet_core.simulation.nuclei import draw_agn, draw_blazar
from taonet_core.simulation.others import draw_other
from taonet_core.simulation.supernovae import draw_supernova
from taonet_core.simulation.targets import Sight, Target, draw_latitude, load_priors

__all__ = ["KINDS", "Sight", "Target", "draw_latitude", "draw_target", "load_priors"]

#: Every kind that a class holds, as the header card SIMKIND names it. ``"unknown"`` is what the
#: lists could not name; a knot is a part of a galaxy that the catalogue lists on its own.
KINDS: dict[TransientClass, tuple[str, ...]] = {
    TransientClass.AGN: ("agn",),
    TransientClass.BZ: ("bl_lac", "fsrq"),
    TransientClass.CV: ("su_uma", "u_gem", "wz_sge", "polar", "novalike"),
    TransientClass.OTHER: (
        "proper_motion",
        "flare",
        "unknown",
        "mira",
        "semi_regular",
        "rr_lyrae",
        "eclipsing",
        "irregular",
        "yso",
        "nova",
        "tde",
        "comet",
        "asteroid",
        "artefact",
    ),
    TransientClass.SN: ("Ia", "Ibc", "IIP", "IIn", "SLSN"),
    TransientClass.NON: ("star", "variable_star", "galaxy", "knot", "quasar"),
}

_DRAW: dict[TransientClass, Callable[[Sight, np.random.Generator], Target]] = {
    TransientClass.AGN: draw_agn,
    TransientClass.BZ: draw_blazar,
    TransientClass.CV: draw_cv,
    TransientClass.OTHER: draw_other,
    TransientClass.SN: draw_supernova,
    TransientClass.NON: draw_field_source,
}
#: Share of targets that are seen upon or close beside a galaxy not their own. By counts alone it is
#: near one in a hundred; more are drawn, so that a point off the centre of a galaxy is met in every
#: class and does not by itself mean a supernova.
_BESIDE_SHARE = 0.05


def draw_target(
    label: TransientClass, sight: Sight, rng: np.random.Generator, *, kind: str | None = None
) -> Target:
    """Draw one object of a class, and whether it happens to lie beside a galaxy.

    Parameters
    ----------
    label : TransientClass
        Its class.
    sight : Sight
        When, where and through what it is seen.
    rng : numpy.random.Generator
        Source of chance.
    kind : str, optional
        Kind of OTHER to draw; by its share where not given.

    Raises
    ------
    ValueError
        If there is no such kind, or the class is not OTHER.
    """
    if kind is None:
        target = _DRAW[label](sight, rng)
    elif label is TransientClass.OTHER and kind in KINDS[label]:
        target = draw_other(sight, rng, kind=kind)
    else:
        raise ValueError(
            f"wanted a kind of OTHER, {', '.join(KINDS[TransientClass.OTHER])}; got {kind!r} of "
            f"class {label}"
        )
    return put_beside(target, rng) if rng.random() < _BESIDE_SHARE else target
