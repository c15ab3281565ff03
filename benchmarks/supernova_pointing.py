"""Whether the evidence for a supernova lies on the supernova, in place and in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from taonet_core.data.results import Attribution
from taonet_core.data.sequence import ImageSequence
from taonet_core.explain import aperture_radius, evidence_masks, explain
from taonet_core.labels import TransientClass
from taonet_core.models.weights import ModelBundle
from taonet_core.simulation.draw import draw_object
from taonet_core.transforms.field_stars import stellar_fwhm
from taonet_core.transforms.photometry import extract_light_curve

#: Peak signal-to-noise above which a supernova must be found, and above which it is seen at all.
BRIGHT, SEEN = 10.0, 3.0
#: Supernova put beside the target: distance from it (pixels) and peak flux (units of the noise).
BESIDE, PEAK = 12, 30.0


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


def beside(bundle: ModelBundle, objects: list[ImageSequence], method: str) -> dict[str, float]:
    """Put a supernova beside the target of calm objects: the change of the maps should follow it.

    A network that looks at the middle only, or a method that marks the middle only, fails.
    """
    calm = [s for s in objects if s.meta["label"] == TransientClass.NON]
    hits, centred = [], []
    for i, sequence in enumerate(calm):
        changed, place = with_supernova(sequence, np.random.default_rng(i))
        before, after = (
            explain(s, bundle, target="SN", method=method) for s in (sequence, changed)
        )
        change = np.abs(after.values - before.values).sum(0)
        row, column = np.unravel_index(peak(change, sequence), change.shape)
        x, y = place[0] - after.meta["left"], place[1] - after.meta["top"]
        hits.append(np.hypot(column - x, row - y) <= aperture_radius(sequence))
        centred.append(in_aperture(after, sequence, int(row), int(column)))
    return {"objects": len(calm), "on_source": float(np.mean(hits)), "on_target": np.mean(centred)}


def in_aperture(found: Attribution, sequence: ImageSequence, row: int, column: int) -> float:
    """Return whether a place lies at the target."""
    return float(evidence_masks(found, sequence)["target"][row, column])


def with_supernova(
    sequence: ImageSequence, rng: np.random.Generator
) -> tuple[ImageSequence, tuple[float, float]]:
    """Add a source beside the target that rises for 20 and fades for 80 days; return its place."""
    height, width = sequence.frames.shape[1:]
    angle = rng.uniform(0, 2 * np.pi)
    x, y = width // 2 + BESIDE * np.cos(angle), height // 2 + BESIDE * np.sin(angle)
    phase = sequence.times - rng.choice(sequence.times)
    course = np.exp(-np.where(phase < 0, (phase / 20) ** 2, phase / 80))
    fwhm = stellar_fwhm(sequence)
    rows, columns = np.indices((height, width))
    shape = np.exp(-4 * np.log(2) * ((columns - x) ** 2 + (rows - y) ** 2) / fwhm**2)
    noise = np.nanmedian(np.abs(np.diff(sequence.frames, axis=2))) / 0.954  # of two normal pixels
    added = PEAK * noise * course[:, None, None] * shape / np.sqrt((shape**2).sum())
    return sequence.with_frames(sequence.frames + added.astype(np.float32)), (x, y)
