"""How far an explanation holds, in numbers and words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from taonet_core.data.results import Attribution
from taonet_core.explaining.faithfulness import Faithfulness
from taonet_core.explaining.method_checks import LIMITS, MethodCheck

#: What is said of a quantity from each value on, the least first. Below `_CLEAR`
#: an area is that of chance.
_CLEAR = 0.05
_CHECKS: dict[str, tuple[tuple[float, str], ...]] = {
    "deletion": (
        (
            -math.inf,
            "blanking the places it marks lowers the probability no more than blanking "
            "places at random",
        ),
        (
            _CLEAR,
            "blanking the places it marks lowers the probability more than blanking places "
            "at random (by {:.2f} of the area)",
        ),
        (
            LIMITS["deletion"],
            "blanking the places it marks lowers the probability far more than "
            "blanking places at random (by {:.2f} of the area)",
        ),
    ),
    "insertion": (
        (-math.inf, "uncovering them first raises it no sooner"),
        (_CLEAR, "uncovering them first raises it sooner (by {:.2f})"),
    ),
    "pointing": ((-math.inf, "it points at {:.0%} of bright supernovae"),),
    "randomised": (
        (-math.inf, "shuffling the network's weights changes the map entirely"),
        (0.2, "shuffling the network's weights changes the map (correlation {:.2f})"),
        (
            LIMITS["randomised"],
            "shuffling the network's weights hardly changes the map (correlation {:.2f})",
        ),
    ),
    "completeness": ((-math.inf, "sums are off by {:.1%}"),),
}


@dataclass(frozen=True)
class SumRule:
    """The sum of all evidence against the change it explains.

    Attributes
    ----------
    explained : float
        Log-odds of the object minus those it is compared with.
    shared : float
        Sum of all evidence.
    """

    explained: float
    shared: float

    @property
    def delta(self) -> float:
        """What is too much or, below zero, missing."""
        return self.shared - self.explained

    @property
    def large(self) -> bool:
        """Whether more is missing than a method may miss to pass its checks."""
        return abs(self.delta) > LIMITS["completeness"] * max(abs(self.explained), 1.0)

    @property
    def words(self) -> str:
        """The rule in one sentence, without its full stop."""
        return minus(
            f"The evidence sums to {self.shared:+.2f} of {self.explained:+.2f} log-odds "
            f"to be explained; the difference is {self.delta:+.3f}"
        )


def sum_rule(attribution: Attribution) -> SumRule | None:
    """Return the sum rule of an explanation; None where its method promises none.

    Parameters
    ----------
    attribution : Attribution
    """
    if math.isnan(attribution.delta):
        return None
    return SumRule(attribution.explained, attribution.explained + attribution.delta)


def check_words(check: MethodCheck) -> str:
    """Say what was measured of a method, without a full stop."""
    said = []
    for key, steps in _CHECKS.items():
        if key in check.measured:
            value = check.measured[key]
            words = [text for least, text in steps if value >= least]
            said.append(words[-1].format(value))
    return minus(", ".join(said))


def faithfulness_words(found: Faithfulness) -> str:
    """Say in numbers how much better than chance the order of evidence is."""
    return minus(
        f"Area against random order: {found.deletion_gain:+.2f} blanking and "
        f"{found.insertion_gain:+.2f} uncovering the field; nearest to the target first, without "
        f"looking: {found.nearest_deletion_gain:+.2f} and {found.nearest_insertion_gain:+.2f}."
    )


def minus(text: str) -> str:
    """Write minus signs as such: a hyphen before a digit is one."""
    return re.sub(r"-(?=\d)", "\N{MINUS SIGN}", text)
