"""The three images of every frame: as taken, what it is compared with, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.display import reference_images, sky_levels
from taonet_core.transforms.preprocess import frame_faults, mark_missing

#: Names of the images of a frame.
PLANES = ("science", "reference", "difference")


@dataclass(frozen=True, eq=False)
class Planes:
    """Science, reference and difference image of every frame; NaN where there is no data.

    Attributes
    ----------
    faults : list of str, length T
        Why a frame cannot be used; empty where it can.
    science : ndarray, shape (T, H, W), float32, counts
        As taken.
    levels : ndarray, shape (T,), counts
        Its sky.
    templates : ndarray, shape (M, H, W), float32, counts
        What frames are compared with: the survey's templates, or else the median of the usable
        frames of a filter without their sky.
    template_levels : ndarray, shape (M,), counts
    template_of_frame : ndarray, shape (T,), int64
    said : list of str, length M
        Where each template is from.
    own : ndarray, shape (T, H, W), float32, counts, or None
        Difference images as the survey made them.
    """

    faults: list[str]
    science: NDArray[np.float32]
    levels: NDArray[np.floating]
    templates: NDArray[np.float32]
    template_levels: NDArray[np.floating]
    template_of_frame: NDArray[np.int64]
    said: list[str]
    own: NDArray[np.float32] | None

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Frames by which limits of display are set, (T,): the usable ones, or all if none is."""
        usable = np.array([not fault for fault in self.faults])
        return usable if usable.any() else ~usable

    @property
    def flat(self) -> NDArray[np.float32]:
        """Science images without their sky, (T, H, W)."""
        return self.science - self.levels[:, None, None]

    @property
    def reference(self) -> NDArray[np.float32]:
        """Template of every frame without its sky, (T, H, W)."""
        return (self.templates - self.template_levels[:, None, None])[self.template_of_frame]

    @property
    def difference(self) -> NDArray[np.float32]:
        """The survey's own difference, or else `flat` minus `reference`, (T, H, W)."""
        return self.flat - self.reference if self.own is None else self.own

    def pixels(self, plane: str) -> NDArray[np.float32]:
        """Return one of `PLANES` with the sky it was taken with, where it has one, (T, H, W)."""
        if plane == "reference":
            return self.templates[self.template_of_frame]
        return self.science if plane == "science" else self.difference


def image_planes(sequence: ImageSequence) -> Planes:
    """Gather the images of a sequence.

    Parameters
    ----------
    sequence : ImageSequence
    """
    faults = frame_faults(sequence)
    science = mark_missing(sequence.frames)
    levels = sky_levels(science)
    usable = np.array([not fault for fault in faults])
    templates, template_of_frame, said = reference_images(sequence, science, levels, usable)
    own = None if sequence.difference is None else mark_missing(sequence.difference)
    return Planes(
        faults,
        science,
        levels,
        templates,
        sky_levels(templates),
        template_of_frame,
        said,
        own,
    )
