"""The three images of every frame: as taken, what it is compared with, and what is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.display import reference_images, sky_levels
from taonet_core.transforms.preprocess import frame_faults, mark_missing

#: What `image_planes` returns.
PLANES = ("science", "reference", "difference")


def image_planes(sequence: ImageSequence) -> dict[str, NDArray[np.float32]]:
    """Return science, reference and difference image of every frame.

    Parameters
    ----------
    sequence : ImageSequence

    Returns
    -------
    dict of str to ndarray, shape (T, H, W), float32, counts
        ``"science"``; ``"reference"``, the survey's template or else the median of the usable
        frames of the filter without their sky; ``"difference"``, the survey's own or else science
        minus reference, each without its sky level. NaN where there is no data.
    """
    science = mark_missing(sequence.frames)
    levels = sky_levels(science)
    usable = np.array([not fault for fault in frame_faults(sequence)])
    templates, template_of_frame, _ = reference_images(sequence, science, levels, usable)
    reference = templates[template_of_frame]
    if sequence.difference is not None:
        difference = mark_missing(sequence.difference)
    else:
        flat = templates - sky_levels(templates)[:, None, None]
        difference = science - levels[:, None, None] - flat[template_of_frame]
    return dict(zip(PLANES, (science, reference, difference), strict=True))
