"""Whether the evidence for a supernova lies on the supernova, in place and in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from taonet_core.data.sequence import ImageSequence
from taonet_core.explain import aperture_radius, evidence_masks, explain
from taonet_core.labels import TransientClass
from taonet_core.models.weights import ModelBundle
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.field_stars import stellar_fwhm
from taonet_core.transforms.photometry import extract_light_curve

#: Peak signal-to-noise above which a supernova must be found, and above which it is seen at all.
BRIGHT, SEEN = 10.0, 3.0
#: Source put on non-transients: distance from the target (pixels) and peak S/N.
BESIDE, PEAK = 12.0, 30.0


def signal_to_noise(sequence: ImageSequence) -> NDArray[np.float64]:
    """Return true flux of the target over the noise of the sky in its aperture, (T,)."""
    curve, zero_point = extract_light_curve(sequence), sequence.meta["zero_point"]
    noise = 10 ** (0.4 * (zero_point - curve.limit)) / curve.meta["limit_sigma"]
    flux = 10 ** (0.4 * (zero_point - sequence.columns["true_mag"]))
    return np.nan_to_num(flux / noise)


def bright_supernovae(seed: int, count: int) -> list[ImageSequence]:
    """Draw supernovae until enough are bright."""
    found: list[ImageSequence] = []
    index = 0
    while len(found) < count:
        sequence = draw_object(TransientClass.SN, visibility=1.0, seed=seed, index=index)
        index += 1
        if signal_to_noise(sequence).max() > BRIGHT:
            found.append(sequence)
    return found


def pointing(
    bundle: ModelBundle, bright: list[ImageSequence], method: str, baseline: str
) -> dict[str, float]:
    """Look where and when the evidence for SN lies, on supernovae."""
    rows = []
    for sequence in bright:
        found = explain(sequence, bundle, target="SN", method=method, baseline=baseline)
        aperture = evidence_masks(found, sequence)["target"]
        positive = np.clip(found.values, 0, None)
        brightest = int(positive[:, aperture].sum(1).argmax())
        seen = signal_to_noise(sequence) > SEEN
        visible = [bool(seen[found.night_of_frame == n].any()) for n in range(len(found.times))]
        rows.append(
            (
                aperture.flat[peak(positive.sum(0), sequence)],
                aperture.flat[peak(np.clip(found.values.sum(0), 0, None), sequence)],
                visible[brightest],
                np.mean(visible),
            )
        )
    names = ("pointing", "pointing_net", "night_visible", "night_by_chance")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def peak(evidence: NDArray[np.floating], sequence: ImageSequence) -> int:
    """Return the place of the highest evidence, smoothed by the PSF."""
    return int(gaussian_filter(evidence, stellar_fwhm(sequence) / 2.3548).argmax())


def injected(bundle: ModelBundle, seed: int, count: int, method: str) -> dict[str, float]:
    """Put a source that rises and fades on non-transients, at the target and beside it.

    Returns
    -------
    dict of str to float
        At the target (``at``) and `BESIDE` pixels off (``beside``): on how many objects the change
        of the evidence for SN peaks on the source and on the target, and by how much the log-odds
        of SN change (mean size).
    """
    calm = [draw_object(TransientClass.NON, seed=seed, index=i) for i in range(count)]
    found: dict[str, float] = {"objects": count}
    for name, distance in (("at", 0.0), ("beside", BESIDE)):
        rows = []
        for i, sequence in enumerate(calm):
            changed, place = with_source(sequence, distance, np.random.default_rng(i))
            old, new = (explain(s, bundle, target="SN", method=method) for s in (sequence, changed))
            change = np.abs(new.values - old.values).sum(0)
            row, column = np.unravel_index(peak(change, sequence), change.shape)
            off = np.hypot(column + new.meta["left"] - place[0], row + new.meta["top"] - place[1])
            target = evidence_masks(new, sequence)["target"][row, column]
            gained = abs(new.meta["score"] - old.meta["score"])
            rows.append((off <= aperture_radius(sequence), target, gained))
        keys = (f"{name}_on_source", f"{name}_on_target", f"{name}_log_odds")
        found |= dict(zip(keys, np.mean(rows, axis=0).tolist(), strict=True))
    return found


def with_source(
    sequence: ImageSequence, distance: float, rng: np.random.Generator
) -> tuple[ImageSequence, tuple[float, float]]:
    """Add a source that rises for 20 and fades for 80 days; return its place, pixels (x, y)."""
    height, width = sequence.frames.shape[1:]
    angle = rng.uniform(0, 2 * np.pi)
    x, y = width // 2 + distance * np.cos(angle), height // 2 + distance * np.sin(angle)
    late = sequence.times[sequence.times > sequence.times[0] + 1]  # not on the first night
    phase = sequence.times - rng.choice(late if len(late) else sequence.times)
    course = np.exp(-np.where(phase < 0, (phase / 20) ** 2, phase / 80))
    fwhm = stellar_fwhm(sequence)
    rows, columns = np.indices((height, width))
    shape = np.exp(-4 * np.log(2) * ((columns - x) ** 2 + (rows - y) ** 2) / fwhm**2)
    noise = np.nanmedian(np.abs(np.diff(sequence.frames, axis=2))) / 0.954  # of two normal pixels
    added = PEAK * noise * course[:, None, None] * shape / np.sqrt((shape**2).sum())
    return sequence.with_frames(sequence.frames + added.astype(np.float32)), (x, y)
