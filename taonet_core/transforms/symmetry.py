"""Rotations and reflections that leave the target in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def symmetry(stack: NDArray[np.floating], which: int) -> NDArray[np.floating]:
    """Apply one of the eight rotations and reflections of the square to the last two axes.

    The target of an even-sized cutout stands on pixel ``size // 2``, half a pixel off the middle:
    a flip is followed by a roll of one pixel that brings it back.
    """
    out = stack
    for bit, axis in ((1, -1), (2, -2)):
        if which & bit:
            out = np.flip(out, axis)
            if out.shape[axis] % 2 == 0:
                out = np.roll(out, 1, axis)
    return np.ascontiguousarray(out.swapaxes(-1, -2) if which & 4 else out)
