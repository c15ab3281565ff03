"""Whether what was shared out adds up to what there was to share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from taonet_core.data.results import Attribution

#: A difference is large above this share of what is explained, and above these log-odds.
LARGE_SHARE, LARGE_LOGITS = 0.1, 0.05


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
        """Whether the difference is too large to go without a word."""
        return abs(self.delta) > max(LARGE_SHARE * abs(self.explained), LARGE_LOGITS)

    @property
    def words(self) -> str:
        """The rule in one sentence."""
        return (
            f"The evidence sums to {self.shared:+.2f} of {self.explained:+.2f} logits "
            f"to be explained; the difference is {self.delta:+.3f}"
        ).replace("-", "\N{MINUS SIGN}")


def sum_rule(attribution: Attribution) -> SumRule | None:
    """Return the sum rule of an explanation; None where its method promises none.

    Parameters
    ----------
    attribution : Attribution
    """
    if math.isnan(attribution.delta):
        return None
    return SumRule(attribution.explained, attribution.explained + attribution.delta)
