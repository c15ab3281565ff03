"""The class OTHER: many kinds under one name, in the shares of the public CRTS lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from taonet_core.simulation import curves
from taonet_core.simulation.cataclysmic import outbursts
from taonet_core.simulation.galaxies import draw_host, redshift_of
from taonet_core.simulation.solar_system import draw_artefact, draw_asteroid, draw_comet
from taonet_core.simulation.stars import (
    draw_eclipsing,
    draw_flare,
    draw_irregular,
    draw_mira,
    draw_proper_motion,
    draw_rr_lyrae,
    draw_semi_regular,
    draw_yso,
)
from taonet_core.simulation.supernovae import explode
from taonet_core.simulation.targets import (
    Sight,
    Target,
    draw_magnitudes,
    draw_quantile,
    load_priors,
)

#: Rare kinds are drawn at least this often, so that each can be learned, or left out and missed.
_LEAST_SHARE = 0.02


def kind_shares() -> dict[str, float]:
    """Return how often each kind is drawn: its share of the lists, but none below `_LEAST_SHARE`.

    The lists hold no artefacts, which their makers threw out; they get the least share.
    """
    kinds = load_priors()["OTHER"]["kinds"]
    counts = {kind: float(kinds.get(kind, {"n": 0})["n"]) for kind in _KINDS}
    total = sum(counts.values())
    shares = {kind: max(count / total, _LEAST_SHARE) for kind, count in counts.items()}
    return {kind: share / sum(shares.values()) for kind, share in shares.items()}


def draw_other(sight: Sight, rng: np.random.Generator, *, kind: str | None = None) -> Target:
    """Draw what is called OTHER: kind, if none is asked for, by its share in the CRTS lists.

    Two in five are stars of high proper motion, which a catalogue search misses at their old place;
    one in five nobody could name; one in seven is a flare of an M dwarf, which the DEEP-TAO release
    leaves out and the light-curve lists keep.
    """
    shares = kind_shares() if kind is None else {kind: 1.0}
    kind = str(rng.choice(list(shares), p=list(shares.values())))
    kinds = load_priors()["OTHER"]["kinds"]
    return _KINDS[kind](kinds.get(kind, kinds["unknown"]), sight, rng)


def draw_unknown(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Unknown or doubtful: seen once or few times, too faint in quiescence to be studied.

    What they are is drawn in the shares of the explanations that the list's doubtful labels name,
    such as SN/CV and SN/Ast.
    """
    discovery, quiescent = draw_magnitudes(prior, rng)
    quiescent = max(quiescent, discovery + 1.0)
    doubts = load_priors()["OTHER"]["doubts"]
    counts = np.array(list(doubts.values()), dtype=float)
    guess = str(rng.choice(list(doubts), p=counts / counts.sum()))
    if guess == "supernova":
        found = explode(sight, discovery, quiescent, rng)
    elif guess == "dwarf_nova":
        none = np.zeros(len(sight.times))
        found = outbursts("su_uma", sight, discovery, quiescent, none, rng)
    elif guess == "asteroid":
        return draw_asteroid(prior, sight, rng)
    elif guess == "flare":
        return draw_flare(prior, sight, rng)
    else:
        found = draw_irregular(prior, sight, rng)
    return replace(found, kind="unknown")


def draw_nova(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Nova, in CRTS mostly of M31 and M33: fast rise, power-law fall (Strope et al. 2010)."""
    discovery = draw_quantile(prior["discovery"], rng)
    decline = 20 * np.exp(0.8 * rng.standard_normal())
    found = rng.uniform(0, decline)
    peak = discovery - float(curves.nova(np.array(found), decline))
    mag = np.minimum(peak + curves.nova(sight.times - sight.discovery + found, decline), 23.0)
    return Target("nova", mag, discovery, 23.0, facts={"T2": decline}, temperature=9000.0)


def draw_tde(prior: dict[str, Any], sight: Sight, rng: np.random.Generator) -> Target:
    """Tidal disruption in the nucleus of a galaxy, half a magnitude fainter, give or take one.

    Peak near M = -19.5, shape and temperature: van Velzen et al. 2021 (ApJ 908, 4). The list's
    magnitude is taken for that of the peak; discovery is up to 30 days later.
    """
    peak = draw_quantile(prior["discovery"], rng)
    decline = 60 * np.exp(0.4 * rng.standard_normal())
    found = rng.uniform(-10, 30)
    phase = sight.times - sight.discovery + found
    modulus, host_mag = peak + 19.5, peak + rng.normal(0.5, 1.0)
    host = draw_host(host_mag, modulus, redshift_of(modulus), rng, bulge=0.6)
    mag = peak + curves.tidal_disruption(phase, decline)
    discovery = peak + float(curves.tidal_disruption(np.array(found), decline))
    return Target("tde", mag, discovery, host_mag, host=host, temperature=20_000.0)


_KINDS: dict[str, Callable[[dict[str, Any], Sight, np.random.Generator], Target]] = {
    "proper_motion": draw_proper_motion,
    "flare": draw_flare,
    "unknown": draw_unknown,
    "mira": draw_mira,
    "semi_regular": draw_semi_regular,
    "rr_lyrae": draw_rr_lyrae,
    "eclipsing": draw_eclipsing,
    "irregular": draw_irregular,
    "yso": draw_yso,
    "nova": draw_nova,
    "tde": draw_tde,
    "comet": draw_comet,
    "asteroid": draw_asteroid,
    "artefact": draw_artefact,
}
