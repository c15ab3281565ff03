"""How far a verdict hangs on the orientation of the images, which says nothing of the object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.models.calibration import softmax
from taonet_core.models.weights import ModelBundle
from taonet_core.transforms.preprocess import stack_nights
from taonet_core.transforms.symmetry import symmetry


def orientation_range(sequence: ImageSequence, bundle: ModelBundle) -> NDArray[np.float64]:
    """Return how far probabilities move when the images are turned and mirrored.

    Parameters
    ----------
    sequence : ImageSequence
    bundle : ModelBundle
        Of a network.

    Returns
    -------
    ndarray, shape (2, N, K), float64
        Least and greatest probability of each class after every night, over the eight rotations
        and reflections of the square. It is one part of the uncertainty, and easily measured; it
        says nothing of what the model has never seen.

    Raises
    ------
    InvalidSequenceError
        If no frame is usable.
    """
    import torch

    from taonet_core.models.batching import collate

    nights = stack_nights(sequence, bundle.preprocess)
    turned = [symmetry(nights.images, which) for which in range(8)]
    batch = collate(turned, [nights.times] * len(turned))
    with torch.inference_mode():
        logits = bundle.model(batch.frames, batch.mask, batch.times).double().numpy()  # (8, N, K)
    said = softmax if bundle.calibration is None else bundle.calibration.probabilities
    chances = np.array([said(one) for one in logits])
    return np.stack([chances.min(0), chances.max(0)])
