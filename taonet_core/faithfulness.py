"""Whether an explanation tells what the network does: take the evidence away, and look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.models.weights import ModelBundle
from taonet_core.questions import image_model
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
    steps: int = STEPS,
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
    attribution : Attribution, optional
        From `taonet_core.explain.explain`.
    seed : int
        Of the random orders.
    steps : int
        Of each curve.

    Returns
    -------
    Faithfulness
        Of the probability of the target class; against another class, of its share in the two.
    """
    import torch

    from taonet_core.attribution_methods import Score, baseline_frames

    bundle = image_model(model)
    against = attribution.against
    score = Score(
        bundle,
        stack_nights(sequence, bundle.preprocess),
        bundle.classes.index(attribution.target),
        None if against is None else bundle.classes.index(against),
    )
    blank = baseline_frames(score, attribution.baseline)
    orders = place_orders(attribution, np.random.default_rng(seed))
    counts = np.linspace(0, orders.shape[1], steps + 1).round().astype(np.int64)
    ends = score.at(torch.cat([score.frames, blank])).sigmoid().numpy()
    curves = np.empty((2, len(orders), steps + 1))  # deletion and insertion
    curves[0, :, [0, -1]], curves[1, :, [0, -1]] = ends[:, None], ends[::-1, None]
    for which, order in enumerate(orders):
        rank = torch.tensor(np.argsort(order).reshape(score.frames.shape[2:]))
        gone = torch.stack([rank < count for count in counts[1:-1].tolist()])[:, None]
        for way, (before, after) in enumerate(((score.frames, blank), (blank, score.frames))):
            curves[way, which, 1:-1] = score.at(torch.where(gone, after, before)).sigmoid().numpy()
    own, nearest, random = curves[:, 0], curves[:, 1], curves[:, 2:].mean(1)
    return Faithfulness(counts / counts[-1], *own, *random, *nearest)


def place_orders(attribution: Attribution, rng: np.random.Generator) -> NDArray[np.int64]:
    """Order the places of the sky: by evidence, by distance from the target, at random.

    Returns
    -------
    ndarray, shape (2 + ORDERS, H W), int64
        Numbers of the places in the order in which they are changed.
    """
    evidence = attribution.values.sum(0, dtype=np.float64)
    rows, columns = np.indices(evidence.shape)
    middle = (evidence.shape[0] // 2, evidence.shape[1] // 2)
    distance = np.hypot(rows - middle[0], columns - middle[1])
    ranked = [np.argsort(key, axis=None, kind="stable") for key in (-evidence, distance)]
    return np.stack([*ranked, *(rng.permutation(evidence.size) for _ in range(ORDERS))])
