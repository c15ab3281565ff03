"""Time the 30 features and forced photometry; run with OMP_NUM_THREADS=1 for one core."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from taonet_core.data.lightcurve import LightCurve
from taonet_core.data.sequence import ImageSequence
from taonet_core.transforms.features import extract_features
from taonet_core.transforms.photometry import extract_light_curve


def fastest(run: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest of some timings, seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Write one line a measurement."""
    rng = np.random.default_rng(0)
    curves = [
        LightCurve(np.sort(rng.uniform(0, 900, 100)), rng.normal(18, 0.3, 100), np.full(100, 0.1))
        for _ in range(1000)
    ]
    beginnings = [curve.select(slice(end)) for curve in curves[:50] for end in range(5, 100, 4)]
    frames = rng.normal(2000, 20, (96, 64, 64))
    sequence = ImageSequence(frames, np.arange(96.0))
    whole = fastest(lambda: extract_features(curves)) / len(curves)
    partial = fastest(lambda: extract_features(beginnings)) / len(beginnings)
    photometry = fastest(lambda: extract_light_curve(sequence)) / len(sequence)
    sys.stdout.write(
        f"features, 1,000 curves of 100 points: {1e3 * whole:.3f} ms a curve\n"
        f"features, {len(beginnings):,} beginnings of curves: {1e3 * partial:.3f} ms a curve\n"
        f"photometry, 96 frames of 64 x 64: {1e6 * photometry:.0f} us a frame\n"
    )


if __name__ == "__main__":
    main()
