"""Whether an explanation tells what the network does: take the evidence away, and look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.explaining.questions import class_numbers, image_model
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.preprocess import stack_nights

#: Steps of a curve, and random orders that are averaged.
STEPS, ORDERS = 16, 3


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How the probability of a class goes as the places that speak for it are taken away, or come.

    Parameters
    ----------
    shares : ndarray, shape (S,), float64
        Share of the places of the sky that were changed, 0 to 1.
    deletion, insertion : ndarray, shape (S,), float64
        Probability as the places of most evidence are blanked first, or come first on what is
        blank: the faster the former falls and the latter rises, the better.
    random_deletion, random_insertion : ndarray, shape (S,), float64
        The same for places in random order, the mean of several.
    nearest_deletion, nearest_insertion : ndarray, shape (S,), float64
        The same for the places nearest to the target first: what one can do without looking.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    random_deletion: NDArray[np.float64]
    random_insertion: NDArray[np.float64]
    nearest_deletion: NDArray[np.float64]
    nearest_insertion: NDArray[np.float64]

    @property
    def deletion_gain(self) -> float:
        """Area between the random curve of deletion and this one; above 0 is better."""
        return self._area(self.random_deletion - self.deletion)

    @property
    def insertion_gain(self) -> float:
        """Area between this curve of insertion and the random one; above 0 is better."""
        return self._area(self.insertion - self.random_insertion)

    @property
    def nearest_deletion_gain(self) -> float:
        """The gain of blanking the places nearest to the target first."""
        return self._area(self.random_deletion - self.nearest_deletion)

    @property
    def nearest_insertion_gain(self) -> float:
        """The gain of bringing the places nearest to the target first."""
        return self._area(self.nearest_insertion - self.random_insertion)

    def _area(self, height: NDArray[np.float64]) -> float:
        return float(np.trapezoid(height, self.shares))


def faithfulness(
    sequence: ImageSequence,
    model: str | ModelBundle,
    attribution: Attribution,
    *,
    seed: int = 0,
    controls: Faithfulness | None = None,
) -> Faithfulness:
    """Blank the places of the sky in the order of their evidence, and in others.

    A place is blanked on all nights at once, and shows the baseline of the attribution from then
    on: a pixel that is blank on one night only is a flash or a fading, evidence of its own.

    Parameters
    ----------
    sequence : ImageSequence
        What was explained.
    model : str or ModelBundle
        Whose decision was explained.
    attribution : Attribution
        From `taonet_core.explain.explain`.
    seed : int
        Of the random orders.
    controls : Faithfulness, optional
        Of the same object, classes and baseline by another method: its random and nearest curves
        are taken over.

    Returns
    -------
    Faithfulness
        Of the probability of the target class; against another class, of its share in the two.
    """
    import torch

    from taonet_core.explaining.methods import Score, baseline_frames

    bundle = image_model(model)
    nights = stack_nights(sequence, bundle.preprocess)
    score = Score(bundle, nights, *class_numbers(bundle, attribution.target, attribution.against))
    blank = baseline_frames(score, attribution.baseline)
    ends = score.at(torch.cat([score.frames, blank])).sigmoid().numpy()
    evidence = attribution.values.sum(0, dtype=np.float64)
    counts = np.linspace(0, evidence.size, STEPS + 1).round().astype(np.int64)

    def curves(order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return probabilities of deletion and insertion, shape (2, S)."""
        rank = torch.tensor(np.argsort(order).reshape(evidence.shape))
        changed = torch.stack([rank < count for count in counts[1:-1].tolist()])[:, None]
        ways = ((score.frames, blank, ends), (blank, score.frames, ends[::-1]))
        between = [score.at(torch.where(changed, new, old)).sigmoid() for old, new, _ in ways]
        return np.stack([[a, *p, b] for p, (_, _, (a, b)) in zip(between, ways, strict=True)])

    deletion, insertion = curves(np.argsort(-evidence, axis=None, kind="stable"))
    shares = counts / counts[-1]
    if controls is not None:
        return replace(controls, shares=shares, deletion=deletion, insertion=insertion)
    rows, columns = np.indices(evidence.shape)
    distance = np.hypot(rows - evidence.shape[0] // 2, columns - evidence.shape[1] // 2)
    rng = np.random.default_rng(seed)
    random = np.mean([curves(rng.permutation(evidence.size)) for _ in range(ORDERS)], axis=0)
    nearest = curves(np.argsort(distance, axis=None, kind="stable"))
    return Faithfulness(shares, deletion, insertion, random[0], random[1], nearest[0], nearest[1])
